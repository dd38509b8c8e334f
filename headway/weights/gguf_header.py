"""The header of a GGUF file: metadata and where the tensors lie. Dequantising is left to the format's own library.

That library's reader wraps every string of the vocabulary in arrays of its own, which takes 3 s for the 49,152 words of the
default model; this one takes a tenth of that, and is tested to read the same. Every length is checked against the file
before it is believed, so a damaged file is an error and never a wait.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"GGUF"
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Value type -> struct code; 8 is a string and 9 an array."""


@dataclass(frozen=True)
class TensorPlace:
    """One tensor: its shape in numpy's order (the file's reversed), how it is quantised, and its bytes' place."""

    shape: tuple[int, ...]
    kind: int
    start: int


class DamagedHeader(ValueError):
    """The bytes are no whole GGUF header."""


def read_header(data: memoryview) -> tuple[dict[str, Any], dict[str, TensorPlace]]:
    """Metadata and tensors of a GGUF file of version 2 or 3, little-endian.

    Raises:
        DamagedHeader: where the bytes end too early or say what cannot be.
    """
    cursor = _Cursor(data)
    if bytes(data[:4]) != MAGIC:
        raise DamagedHeader("it does not begin with GGUF")
    cursor.at = 4
    version = cursor.one("I")
    if version not in (2, 3):
        raise DamagedHeader(
            f"version {version} is not one of 2 and 3" + (" (a big-endian file?)" if version > 2**16 else "")
        )
    n_tensor, n_fact = cursor.one("Q"), cursor.one("Q")
    cursor.room_for(n_tensor, 24, "tensors")
    cursor.room_for(n_fact, 13, "metadata entries")
    facts = {}
    for _ in range(n_fact):
        key = cursor.text()
        facts[key] = cursor.value(cursor.one("I"))
    listed = {}
    for _ in range(n_tensor):
        name = cursor.text()
        n_axis = cursor.one("I")
        if n_axis > 8:
            raise DamagedHeader(f"{name!r} has {n_axis} axes")
        shape = tuple(cursor.one("Q") for _ in range(n_axis))
        listed[name] = (shape[::-1], cursor.one("I"), cursor.one("Q"))
    step = facts.get("general.alignment", 32)
    if not isinstance(step, int) or step < 1:
        raise DamagedHeader(f"its alignment is {step!r}")
    base = -(-cursor.at // step) * step
    return facts, {name: TensorPlace(shape, kind, base + offset) for name, (shape, kind, offset) in listed.items()}


def tensor_bytes(data: memoryview, place: TensorPlace) -> np.ndarray:
    """A tensor's bytes, in rows as `gguf.quants.dequantize` takes them; float32 and float16 as such.

    Raises:
        DamagedHeader: where the file ends before the tensor does, or the quantisation is unknown.
    """
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        block, width = GGML_QUANT_SIZES[GGMLQuantizationType(place.kind)]
    except (ValueError, KeyError) as error:
        raise DamagedHeader(f"quantisation {place.kind} is unknown") from error
    count = 1
    for size in place.shape:
        count *= size
    if place.shape and place.shape[-1] % block:
        raise DamagedHeader(f"rows of {place.shape[-1]} do not cut into blocks of {block}")
    size = count // block * width
    if place.start + size > len(data):
        raise DamagedHeader(f"a tensor ends at byte {place.start + size} and the file at {len(data)}")
    raw = np.frombuffer(data, np.uint8, size, place.start)
    if place.kind in (0, 1):
        return raw.view(np.float32 if place.kind == 0 else np.float16).reshape(place.shape)
    return raw.reshape(*place.shape[:-1], place.shape[-1] // block * width)


class _Cursor:
    """Reads forward through the bytes."""

    def __init__(self, data: memoryview):
        self.data, self.at = data, 0

    def one(self, code: str) -> Any:
        size = struct.calcsize("<" + code)
        if self.at + size > len(self.data):
            raise DamagedHeader(f"it ends after {len(self.data)} bytes, within its header")
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += size
        return value

    def room_for(self, count: int, each: int, what: str) -> None:
        """Whether `count` things of at least `each` bytes can still come."""
        if count * each > len(self.data) - self.at:
            raise DamagedHeader(f"it announces {count} {what}, more than its {len(self.data)} bytes can hold")

    def text(self) -> str:
        size = self.one("Q")
        self.room_for(size, 1, "letters")
        found = bytes(self.data[self.at : self.at + size])
        self.at += size
        return found.decode("utf-8", errors="replace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in SCALARS:
            return self.one(SCALARS[kind])
        if kind == 8:
            return self.text()
        if kind != 9 or depth > 4:
            raise DamagedHeader(f"a metadata value has the type {kind}")
        inner, count = self.one("I"), self.one("Q")
        if inner in SCALARS:
            size = struct.calcsize("<" + SCALARS[inner])
            self.room_for(count, size, "values")
            values = struct.unpack_from(f"<{count}{SCALARS[inner]}", self.data, self.at)
            self.at += count * size
            return list(values)
        self.room_for(count, 8, "values")
        return [self.value(inner, depth + 1) for _ in range(count)]
