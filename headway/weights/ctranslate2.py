"""CTranslate2's model.bin, read: named arrays one after the other, some as integers with a scale beside them.

The layout (version 6, little-endian): the version; the name of the model's class and its revision; the number of variables,
and of each its name, its shape, a byte for its type, its number of bytes and those bytes; then the aliases, pairs of names.
Documentation: https://opennmt.net/CTranslate2/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from headway.base.errors import Corrupt, Unsupported
from headway.weights.files import mapped

DTYPES = (torch.float32, torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16)
"""By the number that stands in the file."""

VERSIONS = range(4, 7)


@dataclass(frozen=True)
class _Place:
    """Where a variable lies in the file."""

    start: int
    shape: tuple[int, ...]
    dtype: torch.dtype


class CTranslate2(Mapping[str, Tensor]):
    """The weights of a CTranslate2 model, read when asked for; integers are dequantised to float32.

    Attributes:
        spec: The name of the model's class, "WhisperSpec" for example.
        facts: Its scalars: the number of heads, flags.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._bytes = mapped(self.path)
        self._places: dict[str, _Place] = {}
        self._aliases: dict[str, str] = {}
        try:
            self._read_header()
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise Corrupt(
                f"{self.path} is no whole CTranslate2 model ({type(error).__name__}): fetch it again"
            ) from error
        scalars = {name: self._tensor(place) for name, place in self._places.items() if place.shape == ()}
        self.facts = {name: tensor.item() for name, tensor in scalars.items() if not name.endswith("_scale")}

    def _read_header(self) -> None:
        at = 0

        def number(kind: str) -> int:
            nonlocal at
            (value,) = struct.unpack_from("<" + kind, self._bytes, at)
            at += struct.calcsize(kind)
            return value

        def text() -> str:
            nonlocal at
            length = number("H")
            raw = self._bytes[at : at + length]
            if length < 1 or len(raw) != length or raw[-1:] != b"\0":
                raise struct.error("a name that does not end")
            at += length
            return raw[:-1].decode("utf-8")

        version = number("I")
        if version not in VERSIONS:
            raise Unsupported(
                f"{self.path} is no CTranslate2 model, or of a version Headway does not read ({version}; it reads "
                f"{VERSIONS.start} to {VERSIONS.stop - 1})"
            )
        self.spec = text()
        self.revision = number("I")
        for _ in range(number("I")):
            name = text()
            shape = tuple(number("I") for _ in range(number("B")))
            dtype, size = DTYPES[number("B")], number("I")
            count = 1
            for n in shape:
                count *= n
            if size != count * dtype.itemsize or at + size > len(self._bytes):
                raise Corrupt(f"{self.path} is cut short, or damaged, at {name}: fetch it again")
            self._places[name] = _Place(at, shape, dtype)
            at += size
        for _ in range(number("I")):
            alias, name = text(), text()
            if name not in self._places:
                raise Corrupt(f"{self.path} is damaged: {alias} stands for {name}, which is not there")
            self._aliases[alias] = name

    def _tensor(self, place: _Place) -> Tensor:
        count = max(1, torch.Size(place.shape).numel())
        raw = bytearray(self._bytes[place.start : place.start + count * place.dtype.itemsize])
        return torch.frombuffer(raw, dtype=place.dtype).reshape(place.shape)

    def __getitem__(self, key: str) -> Tensor:
        name = self._aliases.get(key, key)
        tensor = self._tensor(self._places[name])
        scale = self._places.get(name + "_scale")
        if scale is None:
            return tensor
        # Quantised as round(weight · scale): int8 with a scale per row, int16 with one for all.
        by = self._tensor(scale).to(torch.float32)
        return tensor.to(torch.float32) / (by[:, None] if by.dim() == 1 else by)

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a weight; one line where it is not there."""
        if self._aliases.get(key, key) not in self._places:
            raise Corrupt(f"{self.path} lacks {key}: is it a whole {self.spec}?")
        return self._places[self._aliases.get(key, key)].shape

    def __iter__(self) -> Iterator[str]:
        """The weights: no scalars, no scales, no integers that describe."""
        for name, place in self._places.items():
            quantised = name + "_scale" in self._places
            if place.shape and not name.endswith("_scale") and (place.dtype.is_floating_point or quantised):
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)
