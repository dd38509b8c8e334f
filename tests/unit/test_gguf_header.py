"""Our GGUF header reader reads what the format's own library writes and reads; a damaged file is one clear line, at once."""

from __future__ import annotations

import time

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import Corrupt, HeadwayError
from headway.weights.files import GGUF

KINDS = [
    gguf.GGMLQuantizationType.F32,
    gguf.GGMLQuantizationType.F16,
    gguf.GGMLQuantizationType.BF16,
    gguf.GGMLQuantizationType.Q8_0,
    gguf.GGMLQuantizationType.Q4_1,
]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file with every kind of metadata and several quantisations, written by the format's own library."""
    path = tmp_path_factory.mktemp("gguf") / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint32("a.count", 7)
    writer.add_float32("a.factor", 0.25)
    writer.add_bool("a.yes", True)
    writer.add_string("a.word", "größe")
    writer.add_array("a.words", ["", "x", "日本"])
    writer.add_array("a.numbers", [1, -2, 3])
    rng = np.random.default_rng(0)
    for n, kind in enumerate(KINDS):
        values = rng.standard_normal((3, 64)).astype(np.float32)
        writer.add_tensor(f"t{n}", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_reads_what_the_library_reads(written):
    ours, theirs = GGUF(written), gguf.GGUFReader(written)
    for name, field in theirs.fields.items():
        if not name.startswith("GGUF."):
            assert ours.facts[name] == field.contents(), name
    assert list(ours) == [tensor.name for tensor in theirs.tensors]
    for tensor in theirs.tensors:
        wanted = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        assert torch.equal(ours[tensor.name], torch.from_numpy(wanted.copy()))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_truncated_or_altered_file_is_one_line_at_once(written, tmp_path_factory, data):
    content = bytearray(written.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        # Lengths and counts lie in the first 200 bytes: write nonsense there.
        at = data.draw(st.integers(0, 200))
        content[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
    broken = tmp_path_factory.mktemp("broken") / "x.gguf"
    broken.write_bytes(content)
    began = time.perf_counter()
    error = failure_of(broken)
    assert error is None or isinstance(error, HeadwayError), error
    assert error is None or "\n" not in str(error)
    if len(content) < 100:
        assert isinstance(error, Corrupt)
    assert time.perf_counter() - began < 5


def failure_of(path) -> Exception | None:
    """What reading the whole file raises; None where the damage made another valid file (another name, another number)."""
    try:
        file = GGUF(path)
        for name in file:
            assert torch.is_tensor(file[name])
    except Exception as error:
        return error
    return None
