"""Protocol buffers, read as far as other people's files need it: fields, each a number and a kind, then so many bytes.

The encoding is described at https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator


class Damaged(ValueError):
    """What is there is no protocol buffer, or ends early."""


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise Damaged("a number does not end")


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one message in their order: (number, value). A nested message is its bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise Damaged(f"a field of kind {kind}")
        if at + size > len(data):
            raise Damaged("it ends early")
        yield number, data[at : at + size]
        at += size


def packed(data: memoryview) -> list[int]:
    """Several numbers in one field."""
    found, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        found.append(value)
    return found
