"""`headway.use`: results are data, what does not fit a model is one line, and two results are held against each other."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from support.checkpoints import SIZES, ids_of, picture, save, wave

from headway import use, zoo
from headway.base.errors import HeadwayError
from headway.models.bert import Bert, BertConfig
from headway.models.catalog import CATALOG
from headway.models.clip import CLIP, CLIPConfig, TowerConfig
from headway.models.llama import Llama, LlamaConfig
from headway.models.vit import ViT, ViTConfig
from headway.sample.generate import Until

BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@pytest.fixture
def photo(tmp_path):
    return picture(tmp_path / "photo.png")


@pytest.fixture(scope="module")
def numbers():
    return zoo.load("numbers-transformer")


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    save(Llama(LlamaConfig(vocab_size=257, context=40, **SIZES)), folder, "</s>")
    return zoo.load(folder)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    config = BertConfig(vocab_size=261, context=64, head="mlm", **SIZES)
    save(Bert(config), folder, *BERT, around=("[CLS]", "[SEP]"))
    return zoo.load(folder)


def test_a_loaded_model_knows_its_architecture(numbers, llama, bert):
    assert [loaded.entry for loaded in (numbers, llama, bert)] == [
        CATALOG[name] for name in ("transformer", "llama", "bert")
    ]


def test_a_text_is_gone_on_with_and_cut_where_asked(llama):
    reply = use.go_on(llama, "hello", max_tokens=9)
    assert reply.text == ""  # nothing is computed before it is asked for
    assert "".join(reply) == reply.text
    assert len(reply.ids) == 9
    assert use.go_on(llama, "hello", max_tokens=9).read() == reply.text
    hot = {"max_tokens": 20, "sampling": use.Sampling(temperature=3.0)}
    assert use.go_on(llama, "hello", seed=1, **hot).read() == use.go_on(llama, "hello", seed=1, **hot).read()
    assert use.go_on(llama, "hello", seed=1, **hot).read() != use.go_on(llama, "hello", seed=2, **hot).read()


def test_gaps_are_filled_by_what_the_model_gives(bert):
    (gap,) = use.fill(bert, "pa[MASK]is", n=3)
    logits = bert.model(torch.tensor([[2, *ids_of("pa", 5), 4, *ids_of("is", 5), 3]]))[0, 3]
    probabilities, best = logits.softmax(-1).topk(3)
    assert gap.place == 3
    assert [choice.probability for choice in gap.choices] == pytest.approx(probabilities.tolist())
    assert len(best) == len(gap.choices) == 3
    json.dumps(dataclasses.asdict(gap))


def test_a_rewriting_model_says_how_it_came_about(numbers):
    found = use.rewrite(numbers, "forty-two")
    assert (found.text, found.read, found.beams, found.ended) == ("42", 9, 4, "stop")
    assert use.rewrite(numbers, "forty-two", max_tokens=1).ended == "length"
    sampled = use.rewrite(numbers, "forty-two", sampling=use.Sampling(temperature=0.01), seed=3)
    assert (sampled.text, sampled.beams) == ("42", None)


def test_pictures_are_compared_matched_and_opened_once(tmp_path, photo):
    vit = ViT(ViTConfig(image=16, patch=4, **SIZES))
    save(vit, tmp_path / "vit")
    likeness = use.compare(zoo.load(tmp_path / "vit"), [photo, photo])
    assert torch.allclose(likeness.cosines, torch.ones(2, 2))
    config = CLIPConfig(
        vision=TowerConfig(**SIZES),
        text=TowerConfig(**SIZES),
        image=16,
        patch=4,
        vocab_size=258,
        context=24,
        end_token=1,
        projection=6,
    )
    save(CLIP(config), tmp_path / "clip", "<|start|>", "<|end|>", around=("<|start|>", "<|end|>"))
    clip = zoo.load(tmp_path / "clip")
    (row,) = use.match(clip, [photo], ["a cat", "two dogs"])
    assert sum(choice.probability for choice in row) == pytest.approx(1)
    assert row[0].probability >= row[1].probability
    assert use.natural(clip, ["a cat"]) == "match"
    assert use.natural(clip) == "compare"
    with pytest.raises(HeadwayError, match="knows no classes"):
        use.see(zoo.load(tmp_path / "vit"), photo)


def test_what_a_model_is_not_made_for_is_one_line(numbers, llama, bert, photo, tmp_path):
    wrong = [
        lambda: use.go_on(numbers, "hello"),
        lambda: use.chat(llama, "hello"),
        lambda: use.fill(llama, "a [MASK]"),
        lambda: use.fill(bert, "no gap"),
        lambda: use.label(bert, "a"),
        lambda: use.label_tokens(bert, "a"),
        lambda: use.compare(llama, ["a"]),
        lambda: use.compare(bert, []),
        lambda: use.rewrite(bert, "a"),
        lambda: use.hear(bert, wave(tmp_path / "a.wav")),
        lambda: use.see(bert, photo),
        lambda: use.importance(bert, photo),
        lambda: use.match(bert, [photo], ["a"]),
        lambda: use.answer(bert, [photo], "a"),
        lambda: use.act(bert, "episode.json"),
        lambda: use.go_on(llama, "x" * 50),
        lambda: use.go_on(llama, "x", seed=2**70),
    ]
    for call in wrong:
        with pytest.raises(HeadwayError) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_every_task_is_a_function(numbers, llama, bert):
    assert [use.natural(loaded) for loaded in (numbers, llama, bert)] == ["rewrite", "go_on", "compare"]
    assert use.natural(bert, ["a [MASK]"]) == "fill"
    for task in use.Task.__args__:
        assert callable(getattr(use, task))
        assert task in (use.__doc__ or "")


# Two results


def test_the_same_reply_is_the_same_and_another_is_told_from_where_on(llama):
    def reply(text="hello", n=9):
        return use.go_on(llama, text, max_tokens=n)

    found = reply()
    found.read()
    same = use.difference(found, reply(), decode=llama.words.decode)
    assert same == use.Difference(True, "the same 9 tokens as on Headway's own")
    found.ids[4] = (found.ids[4] + 1) % 256
    other = use.difference(found, reply(), decode=llama.words.decode)
    assert not other.same
    assert "token 5 is" in other.words
    interrupted = reply()
    next(interrupted)
    assert use.difference(interrupted, reply(), decode=llama.words.decode).same
    longer = reply(n=12)
    longer.read()
    assert not use.difference(longer, reply(n=6), decode=llama.words.decode).same


@pytest.mark.parametrize("off", [0.0, 1e-6, 1e-2, float("nan")])
def test_numbers_may_differ_by_rounding_and_no_more(off):
    vectors = torch.tensor([[1.0, 2.0, 3.0]])
    one, other = use.Likeness(("a",), vectors), use.Likeness(("a",), vectors + off)
    found = use.difference(one, other)
    assert found.same == (off < 1e-4)
    assert ("to the bit" in found.words) == (off == 0)
    choices = (use.Choice("cat", 0.5), use.Choice("dog", 0.5))
    assert use.difference(choices, choices).same
    swapped = use.difference(choices, choices[::-1])
    assert not swapped.same
    assert "'cat' instead of 'dog'" in swapped.words


def test_sounds_and_rewritten_texts_are_held_against_each_other(numbers):
    forty, fifty = use.rewrite(numbers, "forty"), use.rewrite(numbers, "fifty")
    assert use.difference(forty, use.rewrite(numbers, "forty"), decode=numbers.words.decode).same
    assert not use.difference(forty, fifty, decode=numbers.words.decode).same
    assert use.difference([use.Spoken(0, 1, "hello")], [use.Spoken(0, 1, "hello")]).same
    assert not use.difference([use.Spoken(0, 1, "hello")], []).same


def test_a_conversation_remembers(tmp_path):
    folder = save(Llama(LlamaConfig(vocab_size=257, context=400, **SIZES)), tmp_path / "m", "</s>")
    template = "{% for m in messages %}{{ m.role[0] }}{{ m.content }}{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    loaded = zoo.load(folder)
    talk = use.conversation(loaded, system="be kind")
    first = talk.say("hello", until=Until(max_tokens=5)).read()
    assert first == use.chat(loaded, "hello", system="be kind", max_tokens=5).read()
    assert [message["role"] for message in talk.messages] == ["system", "user", "assistant"]
