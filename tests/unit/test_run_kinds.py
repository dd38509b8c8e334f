"""`headway run` with models of every kind: small random checkpoints, the natural thing done, and one line where it cannot be."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.checkpoints import LETTERS, SIZES, ids_of, picture, save, wave
from support.parity import randomise

from headway.base.sources import SOURCES, state
from headway.data.audio import log_mel
from headway.models.bert import Bert, BertConfig
from headway.models.clip import CLIP, CLIPConfig, TowerConfig
from headway.models.decision_transformer import DecisionTransformer, DecisionTransformerConfig
from headway.models.llama import LlamaConfig
from headway.models.llava import Llava, LlavaConfig
from headway.models.seq2seq import Seq2Seq, Seq2SeqConfig
from headway.models.t5 import T5, T5Config
from headway.models.transformer import Transformer, TransformerConfig
from headway.models.vit import ViT, ViTConfig
from headway.models.whisper import Whisper, WhisperConfig
from headway.sample.generate import Conditioned, Until, generate
from headway.sample.transcribe import heard_language
from headway.weights import export_folder, load_folder, load_onnx
from headway.weights.tables import vit as vit_table

SMALL = TowerConfig(**SIZES)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Room for whole lines."""
    monkeypatch.setenv("COLUMNS", "200")


def refused(answer, says: str) -> None:
    code, out, err = answer
    assert (code, out) == (2, ""), err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert says in err, err


def good(answer) -> str:
    code, out, err = answer
    assert code == 0, err
    assert "Error" not in err
    return out


@pytest.fixture
def photo(tmp_path) -> Path:
    return picture(tmp_path / "photo.png")


@pytest.fixture
def other_photo(tmp_path) -> Path:
    values = np.random.default_rng(1).integers(0, 256, (30, 30), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "other.jpg")
    return tmp_path / "other.jpg"


# Encoders


class TestEncoders:
    SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

    def make(self, folder: Path, head, **more) -> Path:
        config = BertConfig(vocab_size=261, context=64, head=head, **SIZES, **more)
        return save(Bert(config), folder, *self.SPECIALS, around=("[CLS]", "[SEP]"))

    def test_a_gap_is_filled(self, say, tmp_path):
        folder = self.make(tmp_path / "m", "mlm")
        lines = good(say("run", folder, "pa[MASK]is")).splitlines()
        ids = torch.tensor([[2, *ids_of("pa", 5), 4, *ids_of("is", 5), 3]])
        share, best = load_folder(folder)(ids)[0, 3].softmax(-1).topk(5)
        assert [float(line.split("%")[0]) for line in lines] == pytest.approx((100 * share).tolist(), abs=0.051)
        assert [line.split("  ")[-1] for line in lines] == [
            (self.SPECIALS + tuple(LETTERS))[id] if id < 5 or LETTERS[id - 5] == "Ġ" else line.split("  ")[-1]
            for id, line in zip(best.tolist(), lines, strict=True)
        ]
        assert good(say("run", folder, "[MASK][MASK]")).count("%") == 10

    def test_vectors_labels_and_what_has_no_gap(self, say, tmp_path):
        states = self.make(tmp_path / "states", "states")
        one = good(say("run", states, "a cat")).split()
        assert len(one) == 8
        assert math.isclose(sum(float(value) ** 2 for value in one), 1, abs_tol=1e-4)
        table = good(say("run", states, "a cat", "a cat", "the [dog]"))
        assert table.splitlines()[1].split()[-3:-1] == ["1.000", "1.000"]
        assert "the [dog]" in table
        refused(say("run", states, "a [MASK]"), "without the head that guesses words")
        refused(say("run", states, "a cat", " "), "an empty text says nothing")
        refused(say("run", states, "a cat", "--raw"), "--raw is for models that chat")
        refused(say("run", states, "a cat", "--system", "x"), "--system is for models that chat")
        labels = {"labels": ("bad", "so so", "good")}
        out = good(say("run", self.make(tmp_path / "sequence", "sequence", **labels), "fine"))
        assert sorted(line.split("  ")[-1] for line in out.splitlines()) == ["bad", "good", "so so"]
        out = good(say("run", self.make(tmp_path / "token", "token", **labels), "ab"))
        assert [line.split("\t")[0] for line in out.splitlines()] == ["a", "b"]

    def test_without_a_tokenizer_or_of_an_architecture_that_is_not_there(self, say, tmp_path):
        folder = self.make(tmp_path / "m", "states")
        (folder / "tokenizer.json").unlink()
        refused(say("run", folder, "a cat"), "comes without a tokenizer")
        config = json.loads((folder / "config.json").read_text())
        for name, near in (("BertForNextSentencePrediction", "BertForPreTraining"), ("Grok1ForX", "GPT2LMHeadModel")):
            (folder / "config.json").write_text(json.dumps(config | {"architectures": [name]}))
            answer = say("run", folder, "a cat")
            refused(answer, f"asks for {name}, which Headway does not have")
            assert near in answer[2]
            assert "`headway models` lists them" in answer[2]
            assert len(answer[2]) - len(str(folder)) < 300


# From a text to another


class TestTextToText:
    def t5(self, folder: Path) -> Path:
        config = T5Config(vocab_size=262, head_width=4, **SIZES)
        return save(T5(config), folder, "<pad>", "</s>", "<unk>", "<extra_id_0>", around=(None, "</s>"))

    def test_t5(self, say, tmp_path):
        folder = self.t5(tmp_path / "t5")
        code, out, err = say("run", folder, "translate: hello", "--max-tokens", 6, "--beams", 1)
        assert code == 0, err
        model, source = load_folder(folder), torch.tensor([[*ids_of("translate: hello", 4), 1]])
        tokens = torch.tensor([[0]])
        while tokens.shape[1] < 7 and tokens[0, -1] != 1:
            tokens = torch.cat((tokens, model(source, tokens)[:, -1:].argmax(-1)), 1)
        from headway.zoo import load

        said = [id for id in tokens[0].tolist() if id not in (0, 1)]
        assert out == load(folder).words.decode(said).strip() + "\n"
        assert "17 tokens read" in err
        assert "(1 beam)" in err
        assert "4 beams" in say("run", folder, "translate: hello", "--max-tokens", 6)[2]
        hot = ("--temperature", 2, "--max-tokens", 9, "--seed")
        assert good(say("run", folder, "x", *hot, 1)) == good(say("run", folder, "x", *hot, 1))
        assert good(say("run", folder, "x", *hot, 1)) != good(say("run", folder, "x", *hot, 2))
        good(say("run", folder, "a <extra_id_0> walks", "--max-tokens", 3))
        good(say("run", folder, "-", "--max-tokens", 3, given=b"from a pipe\n"))
        refused(say("run", folder, "x", "--beams", 0), "--beams is 1 or more")
        refused(say("run", folder, "   "), "the prompt is empty")

    def test_marian_and_what_its_files_say(self, say, tmp_path):
        config = TransformerConfig(
            vocab_size=258, norm="post", interleaved=False, scaled=True, head_bias=True, activation="silu", **SIZES
        )
        facts = {"decoder_start_token_id": 257, "pad_token_id": 257, "eos_token_id": 0, "num_beams": 6}
        folder = save(Transformer(config), tmp_path / "m", "</s>", around=(None, "</s>"), **facts)
        assert "6 beams" in say("run", folder, "hello", "--max-tokens", 4)[2]
        from safetensors.torch import load_file, save_file

        weights = load_file(folder / "model.safetensors")
        for sign, height in (("q", 900.0), ("z", 800.0)):
            weights["final_logits_bias"][0, ids_of(sign, 1)[0]] = height
        save_file(weights, folder / "model.safetensors")
        assert good(say("run", folder, "hello", "--max-tokens", 3)) == "qqq\n"
        banned = {"bad_words_ids": [ids_of("q", 1), [5, 3]], "num_beams": 2, "early_stopping": True}
        (folder / "generation_config.json").write_text(json.dumps(banned))
        code, out, err = say("run", folder, "hello", "--max-tokens", 3)
        assert (code, out) == (0, "zzz\n")
        assert "2 beams" in err

    def test_headways_own_recurrent_one(self, say, tmp_path):
        folder = save(Seq2Seq(Seq2SeqConfig(vocab_size=258, width=6, state=7)), tmp_path / "m", "<s>", "</s>")
        refused(say("run", folder, "hello"), "does not say with which ids a text begins and ends")
        (folder / "tokenizer_config.json").write_text('{"bos_token": "<s>", "eos_token": "</s>"}')
        assert good(say("run", folder, "hello", "--max-tokens", 5)).endswith("\n")


# Sound


class TestSound:
    SPECIALS = ("<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>")

    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        config = WhisperConfig(vocab_size=259, mels=80, frames=3000, context=32, **SIZES)
        return save(Whisper(config), tmp_path / "whisper", *self.SPECIALS)

    def test_whisper_writes_something_down(self, folder, say, tmp_path):
        sound = wave(tmp_path / "a.wav")
        out = good(say("run", folder, sound, "--max-tokens", 5))
        assert out.endswith("\n")
        both = good(say("run", folder, sound, sound, "--max-tokens", 5))
        assert both == f"{sound}: {out}" * 2
        assert good(say("run", folder, sound, "--max-tokens", 5, "--beams", 2))

    def test_a_language_is_chosen_or_heard(self, folder, say, tmp_path):
        sound = wave(tmp_path / "a.wav")
        good(say("run", folder, sound, "--max-tokens", 2, "--language", "en"))
        refused(say("run", folder, sound, "--language", "de"), "this model knows English only")

        class Words:
            """Ids as the models of several languages have them."""

            names = ("startoftranscript", "en", "de", "fr", "translate", "transcribe", "notimestamps")

            def id_of(self, token):
                return 50258 + self.names.index(token.strip("<|>"))

            def tokens(self, ids):
                return [f"<|{self.names[id - 50258]}|>" for id in ids]

        model = Whisper(WhisperConfig(vocab_size=50265, mels=80, frames=3000, context=8, **SIZES)).eval()
        randomise(model, 0)
        samples = torch.randn(8000)
        assert heard_language(model, Words(), samples) in ("en", "de", "fr")
        with torch.no_grad():
            x = model.hidden(log_mel(samples)[None], torch.tensor([[50258]]))[0, 0]
            for n, code in enumerate(("en", "de", "fr")):
                model.embed.weight[50259:50262] = -x
                model.embed.weight[50259 + n] = x
                model.embed.weight[50262:] = 9 * x  # what is no language may be likelier
                assert heard_language(model, Words(), samples) == code

    def test_what_is_no_sound(self, folder, say, tmp_path, photo):
        refused(say("run", folder, "hello there"), "there is no file hello there: this model takes a .wav file")
        refused(say("run", folder, "x" * 5000), "this model takes a .wav file")
        refused(say("run", folder, photo), "is no .wav file")
        refused(say("run", folder, tmp_path), "this model takes a .wav file")
        refused(say("run", folder, wave(tmp_path / "b.wav", 0.05)), "shorter than a tenth of a second")
        (tmp_path / "c.wav").write_bytes((tmp_path / "b.wav").read_bytes()[:30])
        refused(say("run", folder, "c.wav"), "no whole .wav file")
        (folder / "generation_config.json").write_text("{")
        refused(say("run", folder, wave(tmp_path / "d.wav")), "generation_config.json is no JSON")
        (folder / "tokenizer.json").unlink()
        refused(say("run", folder, tmp_path / "b.wav"), "comes without a tokenizer")


# Pictures


class TestPictures:
    def test_classes_by_their_names(self, say, tmp_path, photo, other_photo):
        labels = {"id2label": {"0": "cat", "1": "dog", "2": "tram"}}
        model = ViT(ViTConfig(image=16, patch=4, n_class=3, **SIZES))
        folder = save(model, tmp_path / "vit", **labels)
        lines = good(say("run", folder, photo)).splitlines()
        assert sorted(line.split("  ")[-1] for line in lines) == ["cat", "dog", "tram"]
        pixels = np.asarray(Image.open(photo).resize((16, 16), Image.Resampling.BILINEAR), dtype=np.float32) / 127.5 - 1
        share = model(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0].softmax(-1).detach()
        assert float(lines[0].split("%")[0]) == pytest.approx(100 * float(share.max()), abs=0.06)
        assert good(say("run", folder, photo, other_photo)).count("cat") == 2
        (folder / "preprocessor_config.json").write_text(json.dumps({"size": 16, "image_mean": [0, 0, 0]}))
        assert good(say("run", folder, photo)).splitlines() != lines
        (folder / "preprocessor_config.json").write_text("{")
        refused(say("run", folder, photo), "preprocessor_config.json is no JSON")

    def test_vectors_and_their_likeness(self, say, tmp_path, photo, other_photo):
        folder = save(
            ViT(ViTConfig(image=16, patch=4, layer_scale=1.0, **{**SIZES, "ff_width": 16})), tmp_path / "dino"
        )
        assert len(good(say("run", folder, photo)).split()) == 8
        table = good(say("run", folder, photo, other_photo, photo)).splitlines()
        assert table[1].split()[-3] == table[1].split()[-1] == "1.000"

    def test_what_is_no_picture(self, say, tmp_path, photo):
        folder = save(ViT(ViTConfig(image=16, patch=4, **SIZES)), tmp_path / "vit")
        refused(say("run", folder, "a cat on a mat"), "there is no file a cat on a mat: this model takes pictures")
        refused(say("run", folder, wave(tmp_path / "a.wav")), "is no picture that can be read")
        photo.write_bytes(photo.read_bytes()[:1000])
        refused(say("run", folder, photo), "is no picture that can be read")

    def test_a_map_from_an_onnx_file(self, say, tmp_path, photo):
        model = ViT(
            ViTConfig(image=28, patch=14, layer_scale=1.0, map_widths=(6, 5), eps=1e-6, **{**SIZES, "n_head": 1})
        ).eval()
        randomise(model, 3)
        path = write_onnx(model, tmp_path / "map.onnx")
        assert load_onnx(path).config == model.config
        x = torch.randn(1, 3, 28, 42)
        assert torch.equal(load_onnx(path)(x), model(x))
        out = good(say("run", path, photo))
        assert out.startswith("importance")
        for line in out.splitlines()[1:]:
            left, top, width, height = map(int, re.findall(r"\d+", line.split("  ")[-1]))
            assert left + width <= 53
            assert top + height <= 41
        assert good(say("export", path, tmp_path / "ours"))
        assert torch.equal(load_folder(tmp_path / "ours")(x), model(x))
        whole = path.read_bytes()
        for cut in (0, 3, 50, len(whole) // 2, len(whole) - 1):
            (tmp_path / "torn.onnx").write_bytes(whole[:cut])
            refused(say("run", "torn.onnx", photo), "torn.onnx")
        (tmp_path / "torn.onnx").write_bytes(message(7, message(2, b"main_graph")))
        refused(say("run", "torn.onnx", photo), "is not the one ONNX layout Headway reads")
        refused(say("run", "none.onnx", photo), "there is no file none.onnx")


def message(number: int, content: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def write_onnx(model: ViT, path: Path) -> Path:
    """The weights of `model` as torch's exporter would write them: matrices nameless, known by the node that reads them."""
    graph, ours = b"", model.state_dict()
    for row in vit_table.onnx_rows(model.config):
        for key, tensor in zip(row.their_keys, row.how.write([ours[key] for key in row.our_keys]), strict=True):
            name = key
            if key.rpartition(".")[2] in ("MatMul", "Concat", "Reshape"):
                name = f"onnx::Any_{len(graph)}"
                node = "/" + key.replace(".layer.", ".layer@").replace(".", "/").replace("@", ".")
                node += "" if node.endswith("MatMul") else "_7"
                graph += message(1, message(1, b"x") + message(1, name.encode()) + message(3, node.encode()))
            facts = b"".join(message(1, n) for n in tensor.shape) + message(2, 1) + message(8, name.encode())
            graph += message(5, facts + message(9, tensor.contiguous().numpy().tobytes()))
    path.write_bytes(message(1, 7) + message(7, graph))
    return path


# Pictures and words


class TestPicturesAndWords:
    def clip(self, folder: Path) -> Path:
        config = CLIPConfig(
            vision=SMALL, text=SMALL, image=16, patch=4, vocab_size=258, context=24, end_token=1, projection=6
        )
        return save(CLIP(config), folder, "<|start|>", "<|end|>", around=("<|start|>", "<|end|>"))

    def test_clip_says_which_text_fits(self, say, tmp_path, photo, other_photo):
        folder = self.clip(tmp_path / "clip")
        lines = good(say("run", folder, photo, "a cat", "two dogs", "a tram")).splitlines()
        assert sorted(line.split("  ")[-1] for line in lines) == ["a cat", "a tram", "two dogs"]
        shares = [float(line.split("%")[0]) for line in lines]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=0.2)
        from headway.data.pictures import Manner, load_picture

        pixels = Manner.of("clip", 16)(load_picture(photo))[None]
        captions = [torch.tensor([[0, *ids_of(text, 2), 1]]) for text in ("a cat", "two dogs", "a tram")]
        model = load_folder(folder)
        wanted = torch.cat([model(pixels, caption) for caption in captions], 1)[0].softmax(-1).detach()
        assert shares[0] == pytest.approx(100 * float(wanted.max()), abs=0.06)
        assert good(say("run", folder, photo, other_photo, "a cat", "a dog")).count("a cat") == 2
        assert "1.000" in good(say("run", folder, photo, other_photo))
        refused(
            say("run", folder, "a cat", "a dog"), "'a cat' is no file. This model takes a picture first, then words"
        )
        refused(say("run", folder, "missing.jpg", "a cat"), "there is no file missing.jpg")
        refused(say("run", folder, photo, "x" * 100), "a caption has at most 24 tokens")

    def test_llava_answers_about_a_picture(self, say, tmp_path, photo):
        config = LlavaConfig(
            vision=TowerConfig(**{**SIZES, "n_layer": 2}),
            language=LlamaConfig(vocab_size=259, context=64, **SIZES),
            image=16,
            patch=4,
            image_token=2,
        )
        folder = save(Llava(config), tmp_path / "llava", "<s>", "</s>", "<image>", around=("<s>", None))
        out = good(say("run", folder, photo, "What is it?", "--max-tokens", 5))
        model = load_folder(folder)
        from headway.data.pictures import Manner, load_picture
        from headway.zoo import load

        pixels = Manner.of("clip", 16)(load_picture(photo))[None]
        words = load(folder).words
        ids = words.encode("USER: <image>\nWhat is it? ASSISTANT:")
        at = ids.index(2)
        ids = [*ids[:at], *[2] * 16, *ids[at + 1 :]]

        def step(tokens, cache, mask):
            logits = model(tokens, cache, pictures=pixels if cache.length == 0 else None)[:, -1].clone()
            logits[:, 2] = -torch.inf
            return logits

        said = [int(id) for id in generate(Conditioned(model, step), torch.tensor([ids]), until=Until(max_tokens=5))]
        assert out.rstrip("\n") == words.decode(said).rstrip("\n")
        part = "{{ '<image>' if c.type == 'image' else c.text }}"
        template = "{% for m in messages %}{% for c in m.content %}" + part + "{% endfor %}{% endfor %}"
        (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
        assert good(say("run", folder, photo, "What is it?", "--max-tokens", 5)) != out
        refused(say("run", folder, photo), "ask something about the picture")
        refused(say("run", folder, "What is it?"), "This model takes a picture first")
        refused(say("run", folder, photo, "x" * 60), "this model reads 64")
        refused(say("run", folder, photo, "an <image>?"), "the question contains <image>")


# Acting


class TestActing:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        config = DecisionTransformerConfig(
            state_width=3, action_width=2, width=8, n_layer=1, n_head=2, episode=9, positions=32
        )
        model = DecisionTransformer(config)
        randomise(model, 0)
        export_folder(model, tmp_path / "dt")
        return tmp_path / "dt"

    EPISODE = {  # noqa: RUF012
        "states": [[0.1, 0.2, 0.3], [0.5, -0.5, 1], [0, 0, 2]],
        "actions": [[0.5, -0.5], [0.25, 0]],
        "returns_to_go": [3, 2.5, 2],
    }

    def test_the_next_action(self, folder, say, tmp_path):
        (tmp_path / "e.json").write_text(json.dumps(self.EPISODE))
        code, out, err = say("run", folder, "e.json")
        assert code == 0
        assert "step 2, asking for a return of 2" in err
        model, cache = load_folder(folder), None
        cache = model.new_cache(1, 3)
        last = None
        for time in range(3):
            state = torch.tensor([self.EPISODE["states"][time]], dtype=torch.float32)
            asked = torch.tensor([[float(self.EPISODE["returns_to_go"][time])]])
            found = model.act(asked, state, time, cache, last_action=last)
            last = torch.tensor([self.EPISODE["actions"][time]]) if time < 2 else None
        assert [float(value) for value in out.split()] == pytest.approx(found[0].tolist(), abs=1e-5)
        arrays = {key: np.array(value) for key, value in self.EPISODE.items()}
        np.savez(tmp_path / "e.npz", **arrays)
        assert good(say("run", folder, "e.npz")) == out
        told = {key: self.EPISODE[key] for key in ("states", "actions")} | {"target": 3, "rewards": [0.5, 0.5]}
        (tmp_path / "t.json").write_text(json.dumps(told))
        assert good(say("run", folder, "t.json")) == out
        (tmp_path / "last.json").write_text(json.dumps({**self.EPISODE, "actions": [[0.5, -0.5], [0.25, 0], [9, 9]]}))
        assert good(say("run", folder, "last.json")) == out
        (tmp_path / "first.json").write_text('{"states": [[1, 2, 3]], "actions": [], "returns_to_go": [4]}')
        assert len(good(say("run", folder, "first.json")).split()) == 2

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"states": [[1, 2], [3, 4], [5, 6]]}, "states of 2 numbers, and this model's have 3"),
            ({"actions": [[1], [2]]}, "actions of 1 numbers, and this model's have 2"),
            ({"actions": [[1, 2]]}, "3 states and 1 actions"),
            ({"returns_to_go": [1, 2]}, "3 states and 2 returns_to_go"),
            ({"states": [[1, 2, 3], [4]]}, "rows of different lengths"),
            ({"states": [["a", "b", "c"]] * 3}, "something other than numbers"),
            ({"states": []}, "e.json"),
            ({"states": [[1, 2, float("nan")]] * 3}, "not finite"),
            ({"first_timestep": 7}, "ends at step 10, and this model's episodes have 9"),
            ({"first_timestep": -1}, "first_timestep"),
            ({"first_timestep": "soon"}, "first_timestep"),
            ({"returns_to_go": None}, "returns_to_go holds something other than numbers"),
        ],
    )
    def test_an_episode_that_does_not_fit(self, folder, say, tmp_path, change, says):
        (tmp_path / "e.json").write_text(json.dumps({**self.EPISODE, **change}))
        refused(say("run", folder, "e.json"), says)

    def test_what_is_no_episode(self, folder, say, tmp_path):
        refused(say("run", folder, "go left"), "this model takes an episode")
        for name, content in (
            ("a.json", b"{"),
            ("b.json", b"[1]"),
            ("c.npz", b"PK"),
            ("d.json", b'{"states": [[1,2,3]]}'),
        ):
            (tmp_path / name).write_bytes(content)
            refused(say("run", folder, name), name)


class TestExport:
    """What is exported runs as before, by itself."""

    @pytest.mark.parametrize("special", [True, False])
    def test_a_t5(self, say, tmp_path, special):
        folder = TestTextToText().t5(tmp_path / "t5")
        if special:
            (folder / "tokenizer_config.json").write_text('{"pad_token": "<pad>", "eos_token": "</s>"}')
        (folder / "generation_config.json").write_text('{"num_beams": 3, "eos_token_id": [1, 7]}')
        code, out, err = say("run", folder, "hello", "--max-tokens", 6)
        assert code == 0
        good(say("export", folder, tmp_path / "ours"))
        assert say("run", tmp_path / "ours", "hello", "--max-tokens", 6) == (0, out, err)
        good(say("export", tmp_path / "ours", tmp_path / "ours"))  # onto itself
        assert say("run", tmp_path / "ours", "hello", "--max-tokens", 6) == (0, out, err)

    def test_one_that_chats(self, say, tmp_path):
        from headway.models.llama import Llama

        folder = save(Llama(LlamaConfig(vocab_size=259, **SIZES)), tmp_path / "m", "<s>", "</s>", "<|im_end|>")
        facts = {"chat_template": "{{ messages[0].content }}<|im_end|>", "bos_token": "<s>", "eos_token": "</s>"}
        (folder / "tokenizer_config.json").write_text(json.dumps(facts))
        out = good(say("run", folder, "hello", "--max-tokens", 6))
        good(say("export", folder, tmp_path / "ours"))
        assert good(say("run", tmp_path / "ours", "hello", "--max-tokens", 6)) == out
        from headway.zoo import load

        before, after = load(folder), load(tmp_path / "ours")
        assert after.stop_ids == before.stop_ids == {1, 2}
        assert after.words.template == before.words.template
        from transformers import AutoTokenizer

        assert AutoTokenizer.from_pretrained(tmp_path / "ours").encode("hello") == before.encode("hello")

    def test_characters_and_what_pictures_are_like(self, say, tmp_path, photo):
        from headway.models.gpt2 import GPT2, GPT2Config
        from headway.tokens.chars import CharTokenizer

        export_folder(GPT2(GPT2Config(vocab_size=4, context=32, width=8, n_layer=1, n_head=2)), tmp_path / "c")
        CharTokenizer("helo").save(tmp_path / "c" / "tokenizer.json")
        out = good(say("run", tmp_path / "c", "hello", "--max-tokens", 4))
        assert "`from_pretrained` loads the model without it" in say("export", tmp_path / "c", tmp_path / "ours")[2]
        assert good(say("run", tmp_path / "ours", "hello", "--max-tokens", 4)) == out
        folder = save(ViT(ViTConfig(image=16, patch=4, **SIZES)), tmp_path / "vit")
        (folder / "preprocessor_config.json").write_text(json.dumps({"size": 16, "image_mean": [0, 0, 0]}))
        out = good(say("run", folder, photo))
        good(say("export", folder, tmp_path / "pictures"))
        assert good(say("run", tmp_path / "pictures", photo)) == out

    def test_numbers_are_translated_as_before(self, say, tmp_path):
        """The ids with which a text begins and ends stand in config.json, and nowhere else."""
        out = say("run", "numbers-gru", "forty-two")
        assert out[:2] == (0, "42\n")
        code, told, err = say("export", "numbers-gru", tmp_path / "ours")
        assert code == 0
        assert "transformers has no model like numbers-gru" in err
        assert "config.json" in told
        assert say("run", tmp_path / "ours", "forty-two") == out

    def test_a_whisper_says_how_it_hears(self, say, tmp_path):
        from transformers import WhisperFeatureExtractor

        model = Whisper(WhisperConfig(vocab_size=300, mels=128, frames=20, context=20, **SIZES))
        good(say("export", save(model, tmp_path / "whisper"), tmp_path / "ours"))
        hears = WhisperFeatureExtractor.from_pretrained(tmp_path / "ours")
        sound = np.sin(np.arange(16000) / 20).astype(np.float32)
        theirs = hears(sound, sampling_rate=16000, return_tensors="pt").input_features[0]
        assert torch.allclose(log_mel(torch.from_numpy(sound), mels=128), theirs, atol=1e-5)

    def test_classes_keep_their_names(self, say, tmp_path, photo):
        model = ViT(ViTConfig(image=16, patch=4, n_class=3, labels=("cat", "dog", "car"), **SIZES))
        folder = save(model, tmp_path / "vit")
        out = good(say("run", folder, photo))
        assert set(re.findall("[a-z]+", out)) == {"cat", "dog", "car"}
        good(say("export", folder, folder))  # onto itself
        assert good(say("run", folder, photo)) == out
        assert json.loads((folder / "config.json").read_text())["id2label"] == {"0": "cat", "1": "dog", "2": "car"}


def test_beams_are_refused_where_there_are_none(say, tmp_path):
    from headway.models.gpt2 import GPT2, GPT2Config

    folder = save(GPT2(GPT2Config(vocab_size=256, context=32, width=8, n_layer=1, n_head=2)), tmp_path / "gpt2")
    refused(say("run", folder, "hello", "--beams", 3), "--beams is for models that turn a text or a sound into a text")


# The real ones


def there(name: str):
    return pytest.mark.skipif(state(SOURCES[name]) != "present", reason=f"`headway fetch {name}` first")


@pytest.mark.weights
class TestReal:
    @there("whisper-tiny-en")
    def test_whisper_by_name(self, say):
        spoken = Path(__file__).parent.parent / "fixtures" / "espeak.wav"
        out = good(say("run", "whisper-tiny-en", spoken))
        assert re.sub(r"[^a-z ]", "", out.lower()).strip() == "please open the window and close the door"

    @there("vit-s-focus")
    def test_vit_s_focus_equals_onnxruntime(self):
        onnxruntime = pytest.importorskip(
            "onnxruntime", reason="onnxruntime is not installed (`make test` installs it)"
        )
        path = SOURCES["vit-s-focus"].path
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        model = load_onnx(path)
        pictures = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        pictures[1] = torch.linspace(-2, 2, 224)  # a smooth one beside the noise
        (wanted,) = session.run(None, {"input_image": pictures.numpy()})
        with torch.inference_mode():
            got = model(pictures).sigmoid()
        assert wanted.std() > 0.01
        assert np.abs(got.numpy() - wanted[:, 0]).max() < 1e-4

    @there("vit-s-focus")
    def test_vit_s_focus_finds_what_stands_out(self, say, tmp_path):
        picture = Image.new("RGB", (400, 200), (70, 110, 60))
        ys, xs = np.mgrid[:200, :400]
        values = np.asarray(picture).copy()
        values[(ys - 100) ** 2 + (xs - 320) ** 2 < 40**2] = (230, 40, 30)
        Image.fromarray(values).save(tmp_path / "ball.png")
        out = good(say("run", "vit-s-focus", tmp_path / "ball.png")).splitlines()
        left, top, width, height = map(int, re.findall(r"\d+", out[1].split("  ")[-1]))
        assert left < 320 < left + width
        assert top < 100 < top + height

    def test_names_are_known(self, say):
        out = good(say("models", "vit"))
        assert state(SOURCES["vit-s-focus"]) != "present" or "headway run vit-s-focus" in out
