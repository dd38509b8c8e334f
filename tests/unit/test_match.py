"""Matching lines to topics. The golden files say how every line of four people's plans is matched.

``python tests/unit/test_match.py`` writes them anew from the rules: read the difference before committing it.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import HeadwayError
from headway.learn.match import correct, corrections_file, match_plan, read_corrections, take_apart, the_matcher
from headway.learn.path import the_path
from headway.learn.plan import mend, parse
from headway.learn.workspace import create

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
PLANS = ["learner-plan", "github-roadmap", "windows-plan", "obsidian-note"]


def golden(name: str) -> str:
    """Every line of a fixture as it is matched now."""
    plan = parse((FIXTURES / f"{name}.md").read_bytes())
    out = [f"# How every line of {name}.md is matched. Written by tests/unit/test_match.py, read by a person.\n"]
    for item, match in zip(plan.items, match_plan(plan), strict=True):
        out.append(
            f"\n[[line]]\nline = {item.line}\nkind = {json.dumps(item.kind)}\n"
            f"text = {json.dumps(mend(item.text), ensure_ascii=False)}\n"
            f"topics = {json.dumps(match.topics)}\nwhy = {json.dumps(match.why, ensure_ascii=False)}\n"
        )
    return "".join(out)


@pytest.mark.parametrize("name", PLANS)
def test_every_line_of_four_plans(name: str) -> None:
    expected = tomllib.loads((FIXTURES / f"{name}.matches.toml").read_text(encoding="utf-8"))
    assert tomllib.loads(golden(name)) == expected


def test_the_bundled_plan_is_the_learners() -> None:
    bundled = Path(__file__).resolve().parents[2] / "headway" / "course" / "plan.md"
    assert bundled.read_bytes() == (FIXTURES / "learner-plan.md").read_bytes()


# -- laws ----------------------------------------------------------------------------------------------------------------


def test_a_topic_is_found_by_its_title_and_its_papers() -> None:
    matcher, path = the_matcher(), the_path()
    for topic in path.topics.values():
        assert topic.id in matcher.line(topic.title).topics, topic.title
        assert topic.id in matcher.line(f"Learn {topic.id}").topics, topic.id
        for key in topic.papers:
            paper = path.papers[key]
            assert topic.id in matcher.line(f"Read: *{paper.title}*").topics
            if paper.arxiv:
                for address in (
                    f"https://arxiv.org/abs/{paper.arxiv}",
                    f"[pdf](http://arxiv.org/pdf/{paper.arxiv}v3.pdf)",
                    f"<https://huggingface.co/papers/{paper.arxiv}>",
                    f"arXiv:{paper.arxiv}",
                ):
                    assert topic.id in matcher.line(address).topics, address
            if paper.doi:
                assert topic.id in matcher.line(f"https://doi.org/{paper.doi}").topics


_lines = [
    "Retention paper",
    "BERT, GPT paper",
    "Multi-head attention from scratch",
    "Implement transformers with pytorch",
    "Quantisation",
    "Decision Transformer: Reinforcement Learning via Sequence Modeling",
    "CLIP",
    "Watch Andrej Karpathy videos",
    "Buy a bigger GPU",
]


@given(st.sampled_from(_lines), st.data())
@settings(max_examples=80, deadline=None)
def test_dress_does_not_matter(line: str, data: st.DataObject) -> None:
    """Capitals, emphasis, emoji, dates, a priority, a wiki link around it: the line is about the same topics."""
    plain = the_matcher().line(line).topics
    dressed = data.draw(
        st.sampled_from([line, line.upper(), line.lower(), f"**{line}**", f"~~{line}~~", f"[[{line}]]", f"=={line}=="])
    )
    dressed = data.draw(st.sampled_from(["", "🧪 ", "📄", "1. ", "- "])) + dressed
    dressed += data.draw(
        st.sampled_from(
            ["", " ✅ 2025-09-20", " 📅 2026-01-01 ⏫", "!", " ^a1b2c3", " <!-- later -->", " [due:: 2025-01-01]"]
        )
    )
    assert the_matcher().line(dressed).topics == plain


@given(st.text(max_size=80))
@settings(max_examples=80, deadline=None)
def test_any_text_can_be_matched(text: str) -> None:
    match = the_matcher().line(text)
    assert len(match.topics) == len(match.reasons)


# -- examples ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Buy milk",
        "Strength training",
        "Diffusion models",
        "Ask ChatGPT about my tax return",
        "Be advanced in transformers",
        "Go on a paper reading spree",
        "Read papers",
        "https://example.com/2312/00752",
        "call +49 1706 03762 about the flat",
        "Follow Karpathy on Twitter",
        "watch a clip of the film",
        "linear algebra (3Blue1Brown)",
        "",
        "    ",
        "🎉",
    ],
)
def test_what_is_about_nothing_here_stays_with_the_learner(line: str) -> None:
    assert the_matcher().line(line).topics == ()


@pytest.mark.parametrize(
    ("line", "topics"),
    [
        ("Learn transformers", ["attention", "transformer"]),
        ("What is self-attention?", ["attention"]),
        ("Train a small GPT on Shakespeare", ["training", "gpt"]),
        ("Fine-tune BERT on my own data", ["bert"]),
        ("Fine-tuning", ["lora"]),
        ("Let's build the GPT Tokenizer", ["tokenizers"]),
        ("GPT-2 tokenizer", ["tokenizers"]),
        ("Karpathy: makemore", ["language-models"]),
        ("Attention is all you need + BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
         ["attention", "transformer", "bert"]),
        ("[paper](https://proceedings.neurips.cc/how-lora-works)", ["lora"]),
        ("https://medium.com/@x/flash-attention-explained-7f3a", ["efficient"]),
        ("vision transformer papers", ["vit"]),
        ("HF course: https://huggingface.co/learn/nlp-course/chapter6/5", ["tokenizers", "using-models"]),
        ("https://youtu.be/zduSFxRajkE?t=30", ["tokenizers"]),
        ("Read doi:10.1016/j.eswa.2023.122666", ["surveys"]),
    ],
)  # fmt: skip
def test_one_line(line: str, topics: list[str]) -> None:
    assert sorted(the_matcher().line(line).topics) == sorted(topics)


def test_a_line_is_taken_apart() -> None:
    line = take_apart('see ![x](y.png) [a *b*](http://c.d/e_(f) "t") [[G#h|i]] <https://j.k/l>, (www.m.org/n).', {})
    assert line.words == ("see", "x", "a", "b", "g", "h", "i")
    assert line.links == ("http://c.d/e_(f)", "https://j.k/l", "www.m.org/n")
    assert take_apart("[one][Two] [three]", {"two": "http://2", "three": "http://3"}).links == ("http://2", "http://3")


# -- corrections ---------------------------------------------------------------------------------------------------------


def test_a_correction_is_kept_through_edits_and_can_be_taken_back(tmp_path: Path) -> None:
    workspace = create(tmp_path)
    plan = parse(b"- [ ] Retention paper\n- [ ] Buy milk\n  - [ ] read\n")
    correct(workspace, plan.items[0].key, [])
    correct(workspace, plan.items[1].key, ["lora", "bert"])
    edited = parse(b"# New\n\n- [ ] Buy milk\n  - [ ] read\n- [ ] other\n- [x] Retention paper\n")
    topics = {
        item.text: match.topics
        for item, match in zip(edited.items, match_plan(edited, read_corrections(workspace)), strict=True)
    }
    assert topics == {
        "New": (),
        "Buy milk": ("bert", "lora"),
        "read": ("bert", "lora"),
        "other": (),
        "Retention paper": (),
    }
    correct(workspace, plan.items[0].key, None)
    again = match_plan(plan, read_corrections(workspace))
    assert again[0].topics == ("retnet",)
    assert again[1].source == "yours"


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"matches": [{"line": 3}]}', "\0", '{"matches": [{"line": "a", "topics": "lora"}]}']
)
def test_corrections_that_cannot_be_read_are_not_guessed_at(tmp_path: Path, content: str) -> None:
    workspace = create(tmp_path)
    corrections_file(workspace).write_text(content)
    with pytest.raises(HeadwayError, match=r"matches\.json (cannot be read|is no JSON|holds no JSON object)"):
        read_corrections(workspace)
    assert corrections_file(workspace).read_text() == content


if __name__ == "__main__":
    for plan_name in PLANS:
        (FIXTURES / f"{plan_name}.matches.toml").write_text(golden(plan_name), encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "topics"),
    [
        # what people wrote, and what it is about
        ("LoRa gateway for the weather station (SX1262)", []),
        ("LoRa vs LoRaWAN", []),
        ("LoRA", ["lora"]),
        ("LoRA by Edward Hu", ["lora"]),
        ("lora paper", ["lora"]),
        ("fine-tune with lora", ["lora"]),
        ("Install Mamba (conda)", []),
        ("mamba env create", []),
        ("Mamba vs RWKV", ["mamba"]),
        ("install mamba-ssm into the conda environment", ["mamba"]),
        ("Mamba", ["mamba"]),
        ("Gemini capsule server", []),
        ("Gemini 1.5 report", ["gemma"]),
        ("Coffee with Adam", []),
        ("implement Adam", ["training-basics"]),
        ("pay attention to deadlines", []),
        ("attention explained", ["attention"]),
        ("customer retention", []),
        ("Retention paper", ["retnet"]),
        ("buy a USB adapter", []),
        ("Bert's birthday", []),
        ("read BERT", ["bert"]),
        ("llama farm trip", []),
        ("jump rope", []),
        ("RoPE scaling, YaRN", ["attention"]),
        ("S4 HANA migration", []),
        ("Grokking Algorithms", []),
        ("fill in the customer survey", []),
        ("Whisper: transcribe my lectures", ["multimodal"]),
        # a weak word beside a strong one adds nothing
        ("QLoRA: NF4, double quantization, paged optimizer", ["lora", "quantisation"]),
        ("learn about optimizers", ["training-basics"]),
        ("DistilBERT: distillation of BERT", ["bert"]),
        ("knowledge distillation", ["gemma"]),
        # more words with two meanings
        ("GPT partition table on the new SSD", []),
        ("Gemma Arterton films", []),
        ("Gemma 2 report", ["gemma"]),
        ("CLIP coupons", []),
        ("clip the gradients by norm", []),
        ("Watch the video clip on attention", ["attention"]),
        ("CLIP: contrastive language image pretraining", ["multimodal"]),
        ("CLIP and LLaVA", ["multimodal"]),
        # a title, and another thing
        ("Attention is all you need + BERT, one evening each", ["attention", "transformer", "bert"]),
        ("Attention Is All You Need: notes on BERT", ["attention", "transformer"]),
        ("BERT + GPT-2", ["bert", "gpt"]),
        # other languages
        ("Vorlesung: Aufmerksamkeitsmechanismus und Positionskodierung", ["attention"]),
        ("注意力机制 与 位置编码", ["attention"]),
        ("Трансформер: механизм внимания", ["attention"]),
        ("トランスフォーマーの論文を読む", ["transformer"]),
        ("Mecanismo de atención", ["attention"]),
        ("Bitte um Aufmerksamkeit", []),
        # what led nowhere
        ("Karpathy: Deep Dive into LLMs like ChatGPT", ["gpt"]),
        ("What Is ChatGPT Doing ... and Why Does It Work?", ["gpt"]),
        ("Ask ChatGPT for a recipe", []),
        ("Prefix-Tuning and Prompt-Tuning", ["lora"]),
        ("pretrain + SFT", ["gpt"]),
        ("pretrain", ["training"]),
        ("Stanford CS336", ["tokenizers", "training", "gpt"]),
        ("Build a Large Language Model (From Scratch)", ["gpt"]),
    ],
)
def test_lines_that_other_people_wrote(line: str, topics: list[str]) -> None:
    assert list(the_matcher().line(line).topics) == topics


def test_a_doubtful_word_is_meant_under_a_line_of_this_field() -> None:
    plan = parse(b"- [ ] Fine-tuning\n  - [ ] lora on Tuesday\n  - [ ] LoRa gateway\n- [ ] lora on Tuesday\n")
    assert [list(match.topics) for match in match_plan(plan)] == [["lora"], ["lora"], [], []]
