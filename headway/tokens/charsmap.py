"""SentencePiece's compiled table of normalisation (``precompiled_charsmap``), checked before anything walks through it.

The table is a double-array trie and, behind it, the replacements, each ended by a zero byte. The `tokenizers` library
follows its jumps unchecked, and a damaged table ends the process in the middle of a text. Layout: four bytes for the size of
the trie, its units of four bytes each, the replacements in UTF-8 (sentencepiece's normalizer.cc; Darts-clone's dictionary.h).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from tokenizers import normalizers

from headway.base.errors import Corrupt


def check_charsmap(table: bytes, where: Any) -> None:
    """Follow every path through the trie of `table`. Raises Corrupt, naming `where`, if one leaves the table."""
    size = int.from_bytes(table[:4], "little")
    if len(table) < 4 or size % 4 or not 4 <= size <= len(table) - 4:
        raise _damaged(where)
    try:
        table[4 + size :].decode("utf-8")
    except UnicodeDecodeError:
        raise _damaged(where) from None
    units = np.frombuffer(table, "<u4", size // 4, 4).astype(np.int64)
    replacements = np.frombuffer(table, np.uint8, offset=4 + size)
    offsets = (units >> 10) << ((units & (1 << 9)) >> 6)
    labels = np.where(units >> 31, -1, units & 0xFF).astype(np.int16)  # -1: holds a place in the replacements
    letters = np.arange(1, 256, dtype=np.int16)
    seen = np.zeros(len(units), dtype=bool)
    nodes = np.zeros(1, dtype=np.int64)  # places of the units that the last letter led to; the root first
    while len(nodes):
        seen[nodes] = True
        bases = nodes ^ offsets[nodes]
        ends = bases[(units[nodes] >> 8) & 1 == 1]
        if (bases | 0xFF).max() >= len(units):
            raise _damaged(where)
        starts = units[ends] & ((1 << 31) - 1)
        # A replacement begins within the text, and not in the middle of a letter.
        if len(starts) and (starts.max() >= len(replacements) or (replacements[starts] & 0xC0 == 0x80).any()):
            raise _damaged(where)
        following = bases[:, None] ^ letters
        following = following[labels[following] == letters]
        nodes = np.unique(following[~seen[following]])


def check_charsmaps(content: Any, where: Any) -> None:
    """`check_charsmap` for every table among the normalisation steps in the content of a tokenizer.json."""
    steps = [content.get("normalizer")] if isinstance(content, dict) else []
    while steps:
        step = steps.pop()
        if not isinstance(step, dict):
            continue
        if isinstance(step.get("normalizers"), list):
            steps += step["normalizers"]
        if isinstance(step.get("precompiled_charsmap"), str):
            try:
                check_charsmap(base64.b64decode(step["precompiled_charsmap"]), where)
            except binascii.Error:
                raise _damaged(where) from None


def precompiled(table: bytes, where: Any) -> Any:
    """The normalizer of the `tokenizers` library that `table` makes, checked first."""
    check_charsmap(table, where)
    try:
        return normalizers.Precompiled(table)
    except Exception as error:
        raise _damaged(where) from error


def _damaged(where: Any) -> Corrupt:
    return Corrupt(f"{where} has a damaged table of normalisation: fetch it again")
