"""The commands that talk: what they print where, what they refuse, and that Ctrl-C ends a reply and not the program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.terminal import Terminal
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from headway.base.sources import SOURCES, state
from headway.learn.exercise import find_exercise
from headway.models.llama import Llama, LlamaConfig
from headway.weights import export_folder

TEMPLATE = (
    "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}a:{% endif %}"
)


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """A tiny Llama that only knows letters and never stops on its own."""
    folder = tmp_path_factory.mktemp("toy")
    torch.manual_seed(0)
    model = Llama(LlamaConfig(vocab_size=256, width=16, n_layer=1, n_head=2, ff_width=16, context=4096))
    with torch.no_grad():
        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        for id, letter in enumerate(letters):
            if not letter.isascii() or not letter.isalpha():
                model.head.weight[id] = 0
            else:
                model.head.weight[id] *= 50
    export_folder(model, folder)
    backend = Backend(models.BPE(vocab={letter: id for id, letter in enumerate(letters)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    return folder


def refused(answer, says: str) -> None:
    code, out, err = answer
    assert code == 2, err
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert says in err


def test_run_answers_and_reports_beside_it(toy, say):
    code, out, err = say("run", toy, "hello", "there", "--max-tokens", 7)
    assert code == 0
    assert len(out) == 8
    assert out.endswith("\n")
    assert re.search(r"7 tokens at [\d.]+ tokens/s, first after [\d.]+ s \(16 tokens read\), cache [\d.]+ MB", err)
    assert say("run", toy, "hello there", "--max-tokens", 7)[1] == out
    assert say("run", toy, "-", "--max-tokens", 7, given=b"hello there\n")[1] == out
    assert say("run", toy, "--max-tokens", 7, given=b"hello there\n")[1] == out
    _, out, err = say("run", toy, "hello there", "--raw", "--max-tokens", 7)
    assert "(11 tokens read)" in err


def test_run_keeps_to_what_is_asked(toy, say):
    def answer(*more):
        code, out, err = say("run", toy, "hello", "--max-tokens", 12, *more)
        assert code == 0, err
        return out[:-1]

    greedy = answer()
    assert answer("--temperature", 0) == greedy
    assert answer("--top-k", 1, "--temperature", 2) == greedy
    hot = ("--temperature", 3, "--seed")
    assert answer(*hot, 1) == answer(*hot, 1)
    assert answer(*hot, 1) != answer(*hot, 2)
    assert answer("--stop", greedy[4:6]) == greedy[: greedy.index(greedy[4:6])]
    assert answer("--stop", "~", "--stop", greedy[0]) == ""
    assert answer("--repetition-penalty", 5) != greedy
    assert len(answer("--dtype", "bf16")) == 12
    assert answer("--top-p", 0.9, "--min-p", 0.1, "--temperature", 0.5, "--seed", 3)
    assert answer("--system", "be brief") != ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--temperature", "-1"), "temperature is 0 (greedy) or more, not -1.0"),
        (("--temperature", "warm"), "--temperature"),
        (("--top-p", "3"), "top-p is more than 0 and at most 1, not 3.0"),
        (("--top-k", "-2"), "top-k"),
        (("--min-p", "2"), "min-p"),
        (("--repetition-penalty", "0"), "repetition-penalty"),
        (("--max-tokens", "0"), "--max-tokens is 1 or more"),
        (("--stop", ""), "--stop needs at least one character"),
        (("--seed", "9" * 40), "64 bits"),
        (("--dtype", "foo"), "no dtype 'foo'"),
        (("--device", "cuda:77"), "cuda:77"),
        (("--device", "toaster"), "no device 'toaster'"),
        (("--with", "nothing.py"), "no file nothing.py"),
        (("--tempature", "1"), "no option --tempature"),
        (("--raw", "--system", "x"), "--raw leaves it out"),
    ],
)
def test_run_refuses_in_one_line(toy, say, words, says):
    refused(say("run", toy, "hi", *words), says)


def test_run_refuses_what_is_no_prompt_and_no_model(toy, say, tmp_path):
    refused(say("run", toy), "the prompt is empty")
    refused(say("run", toy, "-", given=b"  \n"), "the prompt is empty")
    refused(say("run", "nonsense", "hi"), "there is no model 'nonsense'")
    refused(say("run", toy, "x" * 5000), "reads at most 4096")
    (tmp_path / "torn.gguf").write_bytes(b"GGUF\x03\x00")
    refused(say("run", "torn.gguf", "hi"), "no whole GGUF file")


def test_run_takes_any_bytes_for_a_prompt(toy, say):
    code, _, _ = say("run", toy, "-", "--max-tokens", 2, given=b"\xff\xfe caf\xe9 \x00 \xf0\x9f\x99\x82")
    assert code == 0
    assert say("run", toy, "- one\n- two", "--max-tokens", 2)[0] == 0


def test_run_with_a_learners_function(toy, say, tmp_path):
    rope = tmp_path / "rope.py"
    rope.write_text(
        "import torch\n"
        "def rotate(x, cos, sin):\n"
        "    a, b = x.chunk(2, -1)\n"
        "    cos, sin = cos.unsqueeze(-3), sin.unsqueeze(-3)\n"
        "    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)\n"
    )
    _, out, _ = say("run", toy, "hello", "--max-tokens", 9)
    code, mine, err = say("run", toy, "hello", "--max-tokens", 9, "--with", rope)
    assert (code, mine) == (0, out), err
    assert "rotate (9 calls)" in err
    assert "the same 9 tokens as on Headway's own" in err
    assert "the same 9 tokens" in say("run", toy, "hello", "--max-tokens", 9, "--temperature", 2, "--with", rope)[2]
    rope.write_text(rope.read_text().replace("a * cos - b * sin", "a * cos + b * sin"))
    code, other, err = say("run", toy, "hello there", "--max-tokens", 40, "--with", rope)
    assert code == 0
    assert ("not the tokens of Headway's own" in err) == (
        other != say("run", toy, "hello there", "--max-tokens", 40)[1]
    )


def test_a_learners_file_is_found_from_outside_the_workspace(toy, say, tmp_path):
    assert say("start", "--quiet")[0] == 0  # makes ./my-transformers; the commands below are typed beside it
    file = tmp_path / "my-transformers" / "exercises" / "attention" / "rope.py"
    file.write_text(next(iter(find_exercise("attention/rope").styles.values())))
    for named in ("exercises/attention/rope.py", "attention/rope", "rope", file):
        code, _, err = say("run", toy, "hello", "--max-tokens", 3, "--with", named)
        assert code == 0, err
        assert "the same 3 tokens" in err
    refused(say("run", toy, "hello", "--with", "exercises/attention/rop.py"), "neither here nor in")
    refused(say("run", toy, "hello", "--with", "rop"), "Did you mean")
    code, _, err = say("chat", toy, "--max-tokens", 3, "--with", "rope", given=b"hello\n")
    assert code == 0
    assert "rotate (" in err


def test_chat_from_a_pipe(toy, say, tmp_path):
    typed = ["hello", "", "/stats", "more", "/again", "/save talk.md", "/save talk.md", "/nonsense", "/save", "/help"]
    lines = "\n".join([*typed, "/system be brief", "/again", "/quit", "not read"]).encode()
    code, out, err = say("chat", toy, "--max-tokens", 5, "--temperature", 0, given=lines)
    assert code == 0, err
    replies = out.splitlines()
    assert len(replies) == 3
    assert replies[1] == replies[2]
    assert err.count("5 tokens at") == 4
    assert "there is no /nonsense" in err
    assert "/save needs a file" in err
    assert "nothing has been asked yet" in err
    assert "not read" not in out
    saved = (tmp_path / "talk.md").read_text()
    assert saved.startswith("**user**\n\nhello\n\n**assistant**\n\n" + replies[0])
    assert len(list(tmp_path.glob("talk.md*.bak"))) == 1


def test_chat_ends_with_its_input_and_refuses_models_that_do_not_chat(toy, say, tmp_path):
    assert say("chat", toy, given=b"")[0] == 0
    assert say("chat", toy, "--max-tokens", 2, given=b"\xff\xfe\n")[0] == 0
    import shutil

    plain = tmp_path / "plain"
    shutil.copytree(toy, plain)
    (plain / "tokenizer_config.json").write_text("{}")
    refused(say("chat", plain, given=b"hi\n"), "no chat template")
    code, out, _ = say("run", plain, "hi", "--max-tokens", 3)
    assert (code, len(out)) == (0, 4)
    refused(say("run", plain, "hi", "--system", "x"), "has none")


def test_a_chat_that_outgrows_the_context_goes_on_after_reset(toy, say):
    lines = b"x" * 4200 + b"\n/reset\nhello\n"
    code, out, err = say("chat", toy, "--max-tokens", 4, "--temperature", 0, given=lines)
    assert code == 0
    assert "leave out" in err
    assert len(out.strip()) == 4


def test_ctrl_c_ends_a_reply_and_not_the_chat(toy):
    with Terminal("chat", toy, "--max-tokens", "4000", "--temperature", "0") as terminal:
        terminal.until("listens")
        terminal.until("> ")
        for _ in range(2):
            terminal.type("hello\n")
            terminal.until("hello[^a-zA-Z]+[a-zA-Z]{20}")
            terminal.interrupt()
            terminal.until(r"stopped: \d+ tokens")
            terminal.until("> ")
        terminal.interrupt_until("Ctrl-D leaves")
        terminal.type("/stats\n")
        terminal.until(r"\d+ tokens at")
        terminal.until("> ")  # before the prompt Ctrl-D means the end of a line, and is lost
        terminal.type("\x04")
        assert terminal.close() == 0


def test_ctrl_c_ends_a_run_with_what_there_is(toy):
    with Terminal("run", toy, "hello", "--max-tokens", "4000") as terminal:
        terminal.until("[a-zA-Z]{40}")
        terminal.interrupt()
        terminal.until(r"stopped: \d+ tokens")
        assert terminal.close() == 130


def test_a_reader_that_goes_away_is_no_trouble(toy):
    command = [sys.executable, "-m", "headway", "run", str(toy), "hello", "--max-tokens", "3000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert b"Traceback" not in err


def test_fetch_lists_and_refuses(say, monkeypatch, tmp_path):
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "empty"))
    code, out, err = say("fetch")
    assert code == 0
    assert all(name in out for name in SOURCES)
    assert out.count("missing") == len(SOURCES)
    assert str(tmp_path) in err.replace("\n", "")
    refused(say("fetch", "smollm"), "Did you mean 'smollm2-135m'")
    monkeypatch.setenv("HEADWAY_INDEX_URL", "http://127.0.0.1:9/simple")
    refused(say("fetch", "smollm2-135m"), "headway fetch smollm2-135m")
    refused(say("run", "smollm2-135m", "hi"), "is not on this disk")


def test_bench_measures_and_refuses(toy, say, tmp_path):
    code, out, _ = say(
        "bench", "decode", toy, "--tokens", 8, "--rounds", 2, "--dtype", "float32", "--json", tmp_path / "b.json"
    )
    assert code == 0
    assert "float32" in out
    record = json.loads((tmp_path / "b.json").read_text())
    assert len(record["results"][0]["rates"]["headway"]) == 2
    assert record["machine"]["torch"] == torch.__version__
    refused(say("bench", "decod", toy), "Did you mean 'decode'")
    refused(say("bench", "decode", toy, "--against", "pytorch"), "transformers")
    refused(say("bench", "decode", toy, "--dtype", "foo"), "no dtype")
    refused(say("bench", "decode", toy, "--rounds", 0), "--rounds")
    refused(say("bench", "decode", toy, "--prompt-tokens", 5000), "do not fit")


@pytest.mark.slow
def test_bench_against_transformers_says_the_same_tokens(toy, say, tmp_path):
    words = (
        "--against",
        "transformers",
        "--tokens",
        12,
        "--rounds",
        2,
        "--dtype",
        "float32",
        "--json",
        tmp_path / "b.json",
    )
    code, out, _ = say("bench", "decode", toy, *words)
    assert code in (0, 1)
    assert "12 of 12" in out
    result = json.loads((tmp_path / "b.json").read_text())["results"][0]
    ours, theirs = result["rates"]["headway"], result["rates"]["transformers"]
    assert result["ratios"] == [a / b for a, b in zip(ours, theirs, strict=True)]
    code, out, _ = say("bench", "prefill", toy, *words, "--prompt-tokens", 40)
    assert code in (0, 1)


@pytest.mark.parametrize("name", ["run", "chat", "fetch", "bench"])
def test_help_needs_no_torch(name):
    code = f"import sys; from headway.cli.app import main; main([{name!r}, '--help']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.weights
@pytest.mark.skipif(state(SOURCES["smollm2-135m"]) != "present", reason="`headway fetch smollm2-135m` first")
class TestSmolLM2:
    def test_paris(self, say):
        code, out, err = say("run", "smollm2-135m", "What is the capital of France?", "--max-tokens", 20)
        assert code == 0, err
        assert "Paris" in out

    @pytest.mark.parametrize("cut", [0, 4, 1000, 3_000_000, 98_362_431])
    def test_a_truncated_file_is_one_line(self, say, tmp_path, cut):
        whole = SOURCES["smollm2-135m"].path
        with open(whole, "rb") as file:
            (tmp_path / "torn.gguf").write_bytes(file.read(cut))
        refused(say("run", "torn.gguf", "hi"), "torn.gguf")

    def test_a_damaged_cache_without_a_network_is_one_line(self, say, tmp_path, monkeypatch):
        monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HEADWAY_INDEX_URL", "http://127.0.0.1:9/simple")
        source = SOURCES["smollm2-135m"]
        source.home.mkdir(parents=True)
        source.path.write_bytes(b"GGUF" + bytes(1000))
        refused(say("run", "smollm2-135m", "hi"), "is damaged")
