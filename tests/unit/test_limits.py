"""Files that ask for more than they hold, or for more than a machine has: a stated limit, one line, within a second."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import gguf
import numpy as np
import pytest
import torch
from PIL import Image

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.data import audio, pictures
from headway.data.audio import load_sound
from headway.data.episodes import load_episode
from headway.data.pictures import load_picture
from headway.models.catalog import build
from headway.train.data import map_ids
from headway.weights.onnx import ONNX
from headway.weights.store import export_folder, load_folder, load_gguf

SIZES = {"vocab_size": 11, "width": 8, "n_layer": 2, "n_head": 2}


def line(caught) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- sizes that a configuration announces


@pytest.mark.parametrize(
    ("name", "sizes", "key", "value", "says"),
    [
        ("llama", {**SIZES, "ff_width": 12}, "num_hidden_layers", 20_000, "asks for 20000 layers"),
        ("llama", {**SIZES, "ff_width": 12}, "num_hidden_layers", 10**9, "asks for 1000000000 layers"),
        ("gpt2", {**SIZES, "context": 9}, "n_layer", 20_000, "asks for 20000 layers"),
        ("t5", {**SIZES, "ff_width": 12, "head_width": 4}, "num_decoder_layers", 10**6, "asks for 1000000 layers"),
        (
            "mixtral",
            {**SIZES, "n_group": 1, "head_width": 4, "ff_width": 12},
            "num_local_experts",
            10**7,
            "n_expert is 10000000",
        ),
        ("llama", {**SIZES, "ff_width": 12}, "vocab_size", 10**15, "vocab_size is 1000000000000000"),
        ("llama", {**SIZES, "ff_width": 12}, "num_attention_heads", 10**15, "n_head is 1000000000000000"),
        ("gru", {"vocab_size": 11, "width": 4, "state": 6}, "config.n_layer", 20_000, "asks for 20000 layers"),
    ],
)
def test_more_layers_and_experts_than_there_are_weights(tmp_path, name, sizes, key, value, says) -> None:
    export_folder(build(name, **sizes), tmp_path)
    path = tmp_path / "config.json"
    facts = inner = json.loads(path.read_text())
    *outer, last = key.split(".")
    for part in outer:
        inner = inner[part]
    assert last in inner
    inner[last] = value
    path.write_text(json.dumps(facts))
    with pytest.raises(Corrupt, match=says) as caught:
        load_folder(tmp_path)
    assert "do not belong together" in line(caught)


@pytest.mark.parametrize("blocks", [20_000, 10**6, 2**31])
def test_more_blocks_in_a_gguf_than_it_has_tensors(tmp_path, blocks) -> None:
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "llama")
    writer.add_context_length(8)
    writer.add_embedding_length(4)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(4)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(8)
    writer.add_tensor("token_embd.weight", np.zeros((8, 4), np.float32))
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write()
    writer.close()
    with pytest.raises(Corrupt, match=f"asks for {blocks} layers, and there are only 1 weights") as caught:
        load_gguf(tmp_path / "model.gguf")
    line(caught)


def test_what_really_lies_there_is_not_refused(tmp_path) -> None:
    """Many layers with little in each are still a model."""
    model = build("bigram", vocab_size=2)
    export_folder(model, tmp_path / "smallest")
    assert load_folder(tmp_path / "smallest")
    deep = build("gpt2", vocab_size=2, width=2, n_layer=30, n_head=1, context=2)
    export_folder(deep, tmp_path / "deep")
    assert len(load_folder(tmp_path / "deep").blocks) == 30


# -- sound


def wave(rate: int, samples: int, bits: int = 16, channels: int = 1) -> bytes:
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * bits // 8 % 2**32, channels * bits // 8, bits)
    data = b"\1" * (samples * channels * bits // 8)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**32 - 1])
def test_a_rate_that_no_sound_has(tmp_path, rate) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(wave(rate, 1000))
    with pytest.raises(Unsupported, match=f"{rate} samples a second: read are 1,000 to 768,000") as caught:
        load_sound(path)
    line(caught)


@pytest.mark.parametrize("rate", [1000, 8000, 44_100, 768_000])
def test_rates_that_sounds_have(tmp_path, rate) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(wave(rate, rate // 10))
    assert len(load_sound(path)) == pytest.approx(1600, abs=2)


def test_a_sound_that_is_too_long(tmp_path, monkeypatch) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(wave(1000, 30_000))
    monkeypatch.setattr(audio, "LONGEST", 20)
    with pytest.raises(HeadwayError, match="too long: up to 0 hours") as caught:
        load_sound(path)
    line(caught)
    monkeypatch.undo()
    monkeypatch.setattr(audio, "MOST", 1000)
    with pytest.raises(HeadwayError, match="too long"):
        load_sound(path)


# -- episodes


def npz(path, **arrays: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in arrays.items():
            file.writestr(f"{name}.npy", content)


def npy(shape: tuple[int, ...], content: bytes) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return out.getvalue() + content


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path) -> None:
    path = tmp_path / "episode.npz"
    npz(path, states=npy((20_000_000,), bytes(80_000_000)))
    assert path.stat().st_size < 100_000
    with pytest.raises(HeadwayError, match="unpacks to more than 64 MB") as caught:
        load_episode(path)
    line(caught)


@pytest.mark.parametrize("shape", [(10**9, 3), (10**15,), (2**40, 2**40), (-1, 3)])
def test_arrays_that_announce_more_than_there_is(tmp_path, shape) -> None:
    path = tmp_path / "episode.npz"
    npz(path, states=npy(shape, bytes(24)))
    with pytest.raises(HeadwayError) as caught:
        load_episode(path)
    assert "episode.npz" in line(caught)


# -- pictures


def png(width: int, height: int) -> bytes:
    """A black picture that takes a few kilobytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    content = zlib.compress(bytes(100_000))  # enough to begin with
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "size", [(13_000, 13_000), (8001, 8000), (64_000_001, 1), (30_000, 30_000), (2**31 - 1, 2**31 - 1)]
)
def test_a_picture_of_too_many_pixels(tmp_path, size) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png(*size))
    with pytest.raises(HeadwayError) as caught:
        load_picture(path)
    assert "picture.png" in line(caught)
    if size == (13_000, 13_000):
        assert "13000 x 13000 pixels: up to 64 million are read; make it smaller" in line(caught)


def test_the_largest_picture_is_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "MOST", 100)
    Image.new("RGB", (10, 10)).save(tmp_path / "p.png")
    assert load_picture(tmp_path / "p.png").size == (10, 10)
    Image.new("RGB", (10, 11)).save(tmp_path / "q.png")
    with pytest.raises(HeadwayError, match="10 x 11 pixels"):
        load_picture(tmp_path / "q.png")


# -- ONNX


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content & (1 << 64) - 1)
    return varint(number << 3 | 2) + varint(len(content)) + content


@pytest.mark.parametrize("sizes", [(-1, 4), (-4, -1), (2**62, 4), (2**63 - 1, 2**63 - 1), (4, 3)])
def test_onnx_sizes_that_cannot_be(tmp_path, sizes) -> None:
    path = tmp_path / "model.onnx"
    weight = b"".join(field(1, size) for size in sizes) + field(2, 1) + field(8, b"w") + field(9, bytes(16))
    path.write_bytes(field(7, field(5, weight)))
    with pytest.raises(Corrupt, match="no whole ONNX file") as caught:
        ONNX(path)
    line(caught)


def test_onnx_sizes_that_are(tmp_path) -> None:
    path = tmp_path / "model.onnx"
    weight = field(1, 2) + field(1, 2) + field(2, 1) + field(8, b"w") + field(9, bytes(16))
    path.write_bytes(field(7, field(5, weight)))
    assert torch.equal(ONNX(path)["w"], torch.zeros(2, 2))


# -- a cache that cannot be written


@pytest.mark.parametrize("ids", [[], [1, 2, 3], [1, 70_000]])
def test_ids_without_a_cache_to_keep_them_in(tmp_path, monkeypatch, ids) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "file" / "cache"))
    assert map_ids(lambda: ids, "key").tolist() == ids
