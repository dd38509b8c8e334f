"""A name becomes a model, or one line that says why not: names, folders, files, and the hub over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from headway import zoo
from headway.base.errors import Corrupt, HeadwayError, Offline, Unsupported
from headway.models.llama import Llama, LlamaConfig
from headway.weights import export_folder

CONFIG = LlamaConfig(vocab_size=300, width=16, n_layer=1, n_head=2, ff_width=16)


def save_toy(folder: Path, *, tokenizer: bool = True, vocab_size: int = 300) -> Path:
    """A tiny Llama with a byte-level tokenizer, as a Hugging Face folder."""
    torch.manual_seed(0)
    export_folder(Llama(LlamaConfig(**{**vars(CONFIG), "vocab_size": vocab_size})), folder)
    if tokenizer:
        vocabulary = {letter: id for id, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
        backend = Backend(models.BPE(vocab=vocabulary, merges=[]))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        backend.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return folder


@pytest.fixture
def toy(tmp_path):
    return save_toy(tmp_path / "toy")


def line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder(toy):
    loaded = zoo.load(toy)
    assert loaded.encode("hi")
    assert loaded.tokenizer.decode(loaded.encode("héllo")) == "héllo"
    assert not loaded.model.training
    assert next(loaded.model.parameters()).dtype == torch.float32
    assert not loaded.chats
    decoder = loaded.decoder()
    assert "".join(map(decoder.push, loaded.encode("é"))) + decoder.close() == "é"


@pytest.mark.parametrize(
    ("word", "dtype"), [("bf16", torch.bfloat16), ("float64", torch.float64), ("half", torch.float16)]
)
def test_dtypes_by_name(toy, word, dtype):
    assert next(zoo.load(toy, dtype=word).model.parameters()).dtype == dtype


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("smolm2-135m", "Did you mean 'smollm2-135m'"),
        ("", "there is no model"),
        ("mamba", "mamba is an architecture"),
        ("./nothing", "there is no folder ./nothing"),
        ("nothing.gguf", "there is no file nothing.gguf"),
        ("/etc/hostname", "is a file, but no .gguf file"),
        ("a/b/c", "there is no model 'a/b/c'"),
    ],
)
def test_names_that_are_none(name, says):
    with pytest.raises(HeadwayError, match=says) as caught:
        zoo.find(name)
    line(caught)


def test_dtypes_and_devices_that_are_none():
    for call, says in (
        (lambda: zoo.parse_dtype("foo"), "no dtype 'foo'"),
        (lambda: zoo.parse_dtype("bfloat61"), "Did you mean 'bfloat16'"),
        (lambda: zoo.parse_device("foo"), "no device 'foo'"),
        (lambda: zoo.parse_device("cuda:99"), "cuda:99"),
        (lambda: zoo.parse_device("meta"), "no device 'meta'"),
    ):
        with pytest.raises(HeadwayError, match=says) as caught:
            call()
        line(caught)
    assert zoo.parse_device(None) == torch.device("cpu")
    assert zoo.parse_dtype(None) is None


def test_a_folder_without_a_tokenizer_loads_and_says_so_when_asked(tmp_path):
    loaded = zoo.load(save_toy(tmp_path / "dumb", tokenizer=False))
    assert loaded.tokenizer is None
    with pytest.raises(HeadwayError, match="without a tokenizer"):
        loaded.encode("hi")


def test_a_token_without_a_row_is_refused_when_a_text_uses_it(tmp_path):
    """Gemma 3 1B was released with one token more than its model has rows: it loads."""
    loaded = zoo.load(save_toy(tmp_path / "mixed", vocab_size=100))
    last = next(id for id in range(256) if loaded.words.tokens([id]) == ["a"])
    rows = last + 1
    loaded = zoo.load(save_toy(tmp_path / "fits", vocab_size=rows))
    assert loaded.encode("a") == [last]
    for texts in (loaded.encode, loaded.words.encode, lambda text: loaded.words.encode_batch([text])):
        with pytest.raises(HeadwayError, match=rf"'b' has the id {rows}, and .* has {rows} rows") as caught:
            texts("ab")
        line(caught)


def test_a_character_tokenizer_in_a_folder(tmp_path):
    from headway.tokens.chars import CharTokenizer

    folder = save_toy(tmp_path / "chars", tokenizer=False)
    CharTokenizer("abc ").save(folder / "tokenizer.json")
    loaded = zoo.load(folder)
    assert loaded.encode("cab") == [2, 0, 1]
    decoder = loaded.decoder()
    assert "".join(map(decoder.push, [2, 0, 1])) + decoder.close() == "cab"


@pytest.mark.parametrize("cut", [0, 5, 8, 100, 0.5, 0.9, -1])
def test_truncated_weights_are_one_line(toy, cut):
    path = toy / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * cut) if isinstance(cut, float) else cut])
    with pytest.raises(Corrupt, match=r"model\.safetensors") as caught:
        zoo.load(toy)
    line(caught)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("config.json", "{", Corrupt),
        ("config.json", "[]", Corrupt),
        ("config.json", '{"architectures": ["LlamaForCausalLM"]}', Corrupt),
        ("config.json", '{"architectures": ["FalconForCausalLM"]}', Unsupported),
        ("config.json", '{"architectures": ["LlamaForCausalLM"], "vocab_size": "many"}', HeadwayError),
        ("model.safetensors", "not a tensor in sight", Corrupt),
        ("tokenizer.json", '{"version": "1.0"', Corrupt),
        ("tokenizer_config.json", "{", Corrupt),
    ],
)
def test_broken_files_are_one_line(toy, name, content, error):
    (toy / name).write_text(content)
    with pytest.raises(error) as caught:
        zoo.load(toy)
    line(caught)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_files_are_one_line(toy, name):
    (toy / name).unlink()
    with pytest.raises(HeadwayError) as caught:
        zoo.load(toy)
    assert name in line(caught)


CHILD = """
import json, sys
sys.path[:0] = [{tests!r}, {root!r}]
from pathlib import Path
from support.hub import Hub
refusals = {{"org/gated": "gated", "org/private": "private", "org/down": "down"}}
hub = Hub({{"org/toy": Path({toy!r}), "org/old": Path({old!r}), **refusals}})
import os
os.environ["HF_ENDPOINT"] = hub.url
from headway import zoo
answers = {{}}
for name in sys.argv[1:]:
    try:
        answers[name] = [sorted(path.name for path in zoo.find(name, progress=False).iterdir()), None]
    except Exception as error:
        answers[name] = [type(error).__name__, str(error)]
print(json.dumps([answers, hub.asked, os.environ["HF_ENDPOINT"]]))
"""


def ask(tmp_path: Path, child: str, *names: str, **environment: str):
    env = {
        **os.environ,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "0",
        **environment,
    }
    env.pop("HF_TOKEN", None)
    done = subprocess.run([sys.executable, "-c", child, *names], capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_hub_over_http(tmp_path):
    toy = save_toy(tmp_path / "toy")
    (toy / "onnx").mkdir()
    (toy / "onnx" / "config.json").write_text("{}")
    (toy / "flax_model.msgpack").write_bytes(b"x" * 100)
    shutil.copy(toy / "model.safetensors", tmp_path / "keep")
    (toy / "pytorch_model.bin").write_bytes(b"the same weights again")
    (toy / "consolidated.safetensors").write_bytes(b"and again, as Mistral has them beside the shards")
    old = save_toy(tmp_path / "old")
    torch.save({"a": torch.zeros(1)}, old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    tests = str(Path(__file__).parents[1])
    child = textwrap.dedent(CHILD).format(tests=tests, root=str(Path(__file__).parents[2]), toy=str(toy), old=str(old))
    names = ["org/toy", "org/old", "org/gated", "org/private", "org/down", "org/none", "org/toy@nope", "a b/c"]
    answers, asked, endpoint = ask(tmp_path, child, *names)
    assert answers["org/toy"][0] == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert "pytorch_model.bin" in answers["org/old"][0]
    assert not any("msgpack" in path or "onnx" in path for path in asked)
    for name, error, says in (
        ("org/gated", "HeadwayError", "accept its terms"),
        ("org/private", "HeadwayError", "or it is private"),
        ("org/none", "HeadwayError", "there is no model org/none"),
        ("org/toy@nope", "HeadwayError", "no revision 'nope'"),
        ("a b/c", "HeadwayError", "no Hugging Face id"),
    ):
        assert answers[name][0] == error, answers[name]
        assert says in answers[name][1]
        assert "\n" not in answers[name][1]
    assert answers["org/down"][0] in ("HeadwayError", "Offline")

    # The hub is gone, or not to be asked: what was fetched is there, the rest is one line.
    offline = "import json, sys\nfrom headway import zoo\nanswers = {}\n" + child.partition("answers = {}\n")[
        2
    ].replace('json.dumps([answers, hub.asked, os.environ["HF_ENDPOINT"]])', "json.dumps(answers)")
    for environment in ({"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "1"}):
        answers = ask(tmp_path, offline, "org/toy", "org/other", **environment)
        assert "model.safetensors" in answers["org/toy"][0]
        assert answers["org/other"][0] == Offline.__name__
        assert "is not on this disk" in answers["org/other"][1]
        assert "\n" not in answers["org/other"][1]
    assert "HF_HUB_OFFLINE" in answers["org/other"][1]
