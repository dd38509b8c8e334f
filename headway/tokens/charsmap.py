"""SentencePiece's compiled table of normalisation (``precompiled_charsmap``): checked before a library trusts it.

Little-endian: the size of the trie in bytes, the trie, and the replacements, each ended by a zero. The trie is a double array
of 32-bit units (Yata, Darts-clone): from the node at `base`, the byte `c` leads to the unit at ``base ^ c``, which belongs to
this node if its lowest byte is `c`; its next base is that place xor its offset, and where bit 8 is set, the unit there holds
the place of a replacement. The library that reads it looks up whatever a unit says and panics where that is outside.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

import numpy as np
from tokenizers import normalizers

from headway.base.errors import Corrupt


def whole(table: bytes) -> bool:
    """Whether every look-up in `table` stays inside it: linear in its size."""
    if len(table) < 4:
        return False
    (size,) = struct.unpack_from("<I", table)
    if not size or size % 4 or 4 + size > len(table):
        return False
    units, replacements = np.frombuffer(table, "<u4", size // 4, 4).astype(np.int64), table[4 + size :]
    try:
        replacements.decode("utf-8")
    except UnicodeDecodeError:
        return False
    # Where a character begins: a replacement may not begin within one.
    begins = np.array([byte & 0xC0 != 0x80 for byte in replacements] + [True])
    letters = np.arange(256)
    seen = np.zeros(len(units), dtype=bool)
    bases = np.array([_offset(units[0])])
    while len(bases):
        bases = np.unique(bases)
        if int(bases.max() | 0xFF) >= len(units):
            return False
        bases = bases[~seen[bases]]
        seen[bases] = True
        places = bases[:, None] ^ letters
        found = units[places]
        children = (found & 0x800000FF) == letters
        children[:, 0] = False  # a text's zero byte ends the search
        places, found = places[children], found[children]
        bases = places ^ _offset(found)
        if len(bases) and int(bases.max()) >= len(units):
            return False
        starts = units[bases[(found >> 8) & 1 == 1]] & 0x7FFFFFFF
        if len(starts) and (int(starts.max()) > len(replacements) or not begins[starts].all()):
            return False
    return True


def _offset(units: Any) -> Any:
    return (units >> 10) << ((units & (1 << 9)) >> 6)


def precompiled(table: bytes) -> Any:
    """The normalizer of `table`; one line where it is damaged."""
    if whole(table):
        try:
            return normalizers.Precompiled(table)
        except Exception:
            pass
    raise Corrupt("the vocabulary's table of normalisation (precompiled_charsmap) is damaged: fetch it again")


def check_charsmaps(content: Any) -> None:
    """Check every table in the content of a tokenizer.json."""
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            if value.get("type") == "Precompiled":
                try:
                    table = base64.b64decode(value.get("precompiled_charsmap") or "", validate=False)
                except (binascii.Error, TypeError, ValueError):
                    table = b""
                precompiled(table)
            waiting.extend(inner for inner in value.values() if isinstance(inner, dict | list))
