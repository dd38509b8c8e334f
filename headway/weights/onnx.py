"""ONNX files, as far as weights go: the initialisers of the graph, without the library and without running anything.

An ONNX file is a protocol buffer. Of a model, field 7 is the graph; of a graph, 1 is a node and 5 an initialiser; of an
initialiser, 1 are its sizes, 2 its type, 8 its name and 9 its bytes (onnx.proto, https://onnx.ai).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from headway.base.errors import Corrupt, Unsupported
from headway.base.protobuf import Damaged, fields, packed
from headway.weights.files import mapped

DTYPES = {1: torch.float32, 7: torch.int64, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16}
"""By the number that stands in the file; the others are no weights."""


@dataclass(frozen=True)
class _Weight:
    """An initialiser: its sizes, its type, and its bytes, still in the file."""

    shape: tuple[int, ...]
    kind: int
    raw: memoryview


class ONNX(Mapping[str, Tensor]):
    """The weights in an ONNX file, read when asked for.

    A weight that the exporter made up (it transposes matrices and calls them ``onnx::MatMul_123``) goes by the first node that
    reads it: ``encoder.layer.0.mlp.fc1.MatMul``; a number the exporter put behind that is left out.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        data = memoryview(mapped(self.path))
        self._weights: dict[str, _Weight] = {}
        try:
            graph = next((value for number, value in fields(data) if number == 7), None)
            if not isinstance(graph, memoryview):
                raise Damaged("it has no graph")
            self._read(graph)
        except (Damaged, UnicodeDecodeError) as error:
            raise Corrupt(f"{self.path} is no whole ONNX file ({error}): fetch it again") from error

    def _read(self, graph: memoryview) -> None:
        weights: dict[str, _Weight] = {}
        users: dict[str, str] = {}
        for number, value in fields(graph):
            if number == 1 and isinstance(value, memoryview):
                inside = [(n, str(v, "utf-8")) for n, v in fields(value) if n in (1, 3) and isinstance(v, memoryview)]
                node = next((text for n, text in inside if n == 3), "")
                for _, read in (pair for pair in inside if pair[0] == 1):
                    users.setdefault(read, node)
            elif number == 5 and isinstance(value, memoryview):
                name, weight = self._initialiser(value)
                weights[name] = weight
        for name, weight in weights.items():
            if name.startswith("onnx::"):
                stem, _, last = users.get(name, name).strip("/").replace("/", ".").rpartition(".")
                name = f"{stem}.{last.partition('_')[0]}"
            if name in self._weights:
                raise Damaged(f"two weights are called {name}")
            self._weights[name] = weight

    def _initialiser(self, data: memoryview) -> tuple[str, _Weight]:
        shape, kind, name, raw = [], 0, "", memoryview(b"")
        for number, value in fields(data):
            if number == 1:
                shape += [value] if isinstance(value, int) else packed(value)
            elif number == 2 and isinstance(value, int):
                kind = value
            elif number == 4 and isinstance(value, memoryview):
                raw = value  # float_data, packed
            elif number == 8 and isinstance(value, memoryview):
                name = str(value, "utf-8")
            elif number == 9 and isinstance(value, memoryview):
                raw = value
            elif number == 14 and value == 1:
                raise Unsupported(f"{self.path} keeps its weights in another file, which Headway does not read")
        if any(size >= 1 << 63 for size in shape):  # a negative number
            raise Damaged(f"{name} has the sizes {[size - (size >> 63 << 64) for size in shape]}")
        if kind in DTYPES and len(raw) != math.prod(shape) * DTYPES[kind].itemsize:
            raise Damaged(f"{name} has {len(raw)} bytes")
        return name, _Weight(tuple(shape), kind, raw)

    def __getitem__(self, key: str) -> Tensor:
        weight = self._weights[key]
        return torch.frombuffer(bytearray(weight.raw), dtype=DTYPES[weight.kind]).reshape(weight.shape)

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a weight; KeyError where it is not there."""
        return self._weights[key].shape

    def __iter__(self) -> Iterator[str]:
        return (name for name, weight in self._weights.items() if weight.kind in DTYPES and weight.shape)

    def __len__(self) -> int:
        return sum(1 for _ in self)
