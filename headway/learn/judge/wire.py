"""Values as bytes between the judge and the process that runs a learner's code.

A message is a JSON header and the raw bytes of its tensors; nothing is ever unpickled, so what the other side sends can be
wrong but cannot run. Both sides of every comparison are made of what `decode` returns: plain tensors, numbers, strings,
lists, tuples and dicts; whatever else a learner's function returned arrives as an `Other` that equals nothing.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from dataclasses import dataclass
from typing import Any

from headway.learn.cases import Function

LARGEST = 256 << 20
"""Bytes: no exercise has messages near it; a longer one is not read."""

_DTYPES = [
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
    "complex64",
    "complex128",
]


@dataclass(frozen=True)
class Other:
    """Something that is neither a plain tensor nor plain data: only its description travels."""

    what: str


class Garbled(Exception):
    """What came over the pipe is no message."""


class Ended(Exception):
    """The other side closed its end."""


class Late(Exception):
    """Nothing came within the time allowed."""


def encode(value: Any, blobs: list[bytes]) -> Any:
    """`value` as something JSON can hold; the bytes of its tensors are appended to `blobs`."""
    import torch

    kind = type(value)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return _encode_tensor(value, blobs)
    if value is None or kind is bool or kind is str:
        return {"v": value}
    if kind is int:
        return {"i": str(value)} if abs(value).bit_length() < 4096 else {"other": "an integer of thousands of digits"}
    if kind is float:
        return {"f": value.hex()}
    if kind is bytes:
        blobs.append(value)
        return {"b": len(blobs) - 1}
    if kind is list or kind is tuple:
        return {"l" if kind is list else "u": [encode(item, blobs) for item in value]}
    if kind is dict:
        return {"d": [[encode(k, blobs), encode(v, blobs)] for k, v in value.items()]}
    if kind is set or kind is frozenset:
        return {"s": [encode(item, blobs) for item in sorted(value, key=repr)]}
    if kind is Function:
        return {"fn": value.source, "values": encode(value.values, blobs)}
    if kind is Other:
        return {"other": value.what}
    if kind is torch.dtype or kind is torch.Size:
        return {"other": f"{kind.__name__} {value}"} if kind is torch.dtype else {"u": [{"i": str(n)} for n in value]}
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return {"u": [encode(item, blobs) for item in tuple(value)]}
    return {"other": f"{kind.__module__}.{kind.__qualname__}"}


def _encode_tensor(value: Any, blobs: list[bytes]) -> Any:
    import torch

    dtype = str(value.dtype).removeprefix("torch.")
    shape = list(value.shape)
    if value.layout is not torch.strided or value.device.type != "cpu" or dtype not in _DTYPES:
        return {"other": f"a tensor of {dtype} {tuple(shape)} on {value.device.type}, {value.layout}"}
    if value.numel() * value.element_size() > LARGEST // 4:
        return {"other": f"a tensor of {dtype} {tuple(shape)}, too large for this exercise"}
    # Copied into a tensor of its own: one of a single number may call itself contiguous with any stride.
    flat = torch.empty(value.numel(), dtype=value.dtype).copy_(value.detach().reshape(-1))
    blobs.append(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    return {"t": dtype, "shape": shape, "at": len(blobs) - 1}


def decode(spec: Any, blobs: list[bytes], depth: int = 0) -> Any:
    """The value that `encode` wrote. Raises `Garbled` on anything else."""
    import torch

    if depth > 50 or not isinstance(spec, dict):
        raise Garbled("not a value")
    try:
        if "t" in spec:
            if spec["t"] not in _DTYPES:
                raise Garbled("unknown dtype")
            dtype, shape = getattr(torch, spec["t"]), [int(n) for n in spec["shape"]]
            raw = blobs[spec["at"]]
            count = 1
            for n in shape:
                count *= n
            if min(shape, default=0) < 0 or count * dtype.itemsize != len(raw):
                raise Garbled("a tensor whose bytes do not fit its shape")
            if not raw:
                return torch.empty(shape, dtype=dtype)
            return torch.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)
        if "v" in spec:
            if spec["v"] is not None and not isinstance(spec["v"], bool | str):
                raise Garbled("not plain data")
            return spec["v"]
        if "i" in spec:
            return int(spec["i"])
        if "f" in spec:
            return float.fromhex(spec["f"])
        if "b" in spec:
            return bytes(blobs[spec["b"]])
        if "l" in spec:
            return [decode(item, blobs, depth + 1) for item in spec["l"]]
        if "u" in spec:
            return tuple(decode(item, blobs, depth + 1) for item in spec["u"])
        if "d" in spec:
            return {decode(k, blobs, depth + 1): decode(v, blobs, depth + 1) for k, v in spec["d"]}
        if "s" in spec:
            return {decode(item, blobs, depth + 1) for item in spec["s"]}
        if "fn" in spec:
            return Function(spec["fn"], **decode(spec["values"], blobs, depth + 1))
        if "other" in spec:
            return Other(str(spec["other"])[:200])
    except (TypeError, ValueError, IndexError, KeyError, OverflowError, RuntimeError) as error:
        raise Garbled(str(error)) from error
    raise Garbled("not a value")


class Channel:
    """Messages over two file descriptors; every wait has a deadline, and `idle` is called while waiting.

    With a deadline, `outbox` must not block: a reader that has stopped reading must not stop the writer.
    """

    def __init__(self, inbox: int, outbox: int, idle: Any = None) -> None:
        self.inbox, self.outbox, self.idle = inbox, outbox, idle
        self._ahead = bytearray()

    def send(self, value: Any, deadline: float | None = None) -> None:
        """Write one message. Raises `Ended` where nobody reads any more, `Late` past `deadline` (time.monotonic)."""
        blobs: list[bytes] = []
        spec = encode(value, blobs)
        head = json.dumps({"value": spec, "sizes": [len(blob) for blob in blobs]}).encode()
        data = memoryview(struct.pack("<I", len(head)) + head + b"".join(blobs))
        try:
            while data:
                self._wait(self.outbox, deadline, write=True)
                data = data[os.write(self.outbox, data[:65536]) :]
        except BrokenPipeError as error:
            raise Ended from error

    def receive(self, deadline: float | None = None) -> Any:
        """Read one message. Raises `Ended`, `Late` or `Garbled`."""
        (size,) = struct.unpack("<I", self._read(4, deadline))
        if size > LARGEST:
            raise Garbled("a header of more bytes than any message has")
        try:
            head = json.loads(self._read(size, deadline))
            sizes = [int(n) for n in head["sizes"]]
            spec = head["value"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Garbled("not a message") from error
        if min(sizes, default=0) < 0 or sum(sizes) > LARGEST:
            raise Garbled("more bytes than any message has")
        return decode(spec, [self._read(n, deadline) for n in sizes])

    def _read(self, count: int, deadline: float | None) -> bytes:
        while len(self._ahead) < count:
            self._wait(self.inbox, deadline)
            part = os.read(self.inbox, 1 << 20)
            if not part:
                raise Ended
            self._ahead += part
        found = bytes(self._ahead[:count])
        del self._ahead[:count]
        return found

    def _wait(self, fd: int, deadline: float | None, write: bool = False) -> None:
        if deadline is None and self.idle is None:
            return
        while True:
            left = 0.05 if deadline is None else min(0.05, deadline - time.monotonic())
            ready = select.select([] if write else [fd], [fd] if write else [], [], max(left, 0))
            if ready[0] or ready[1]:
                return
            if self.idle is not None:
                self.idle()
            if deadline is not None and time.monotonic() > deadline:
                raise Late
