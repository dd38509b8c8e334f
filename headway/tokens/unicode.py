"""Which characters are letters, marks or punctuation depends on the year, and a vocabulary remembers its year.

Unicode grows every autumn. A tokenizer that splits at what is no letter, or strips what is a mark, gives other ids for
the same text under another edition, and a model was trained on the ids of one. So the editions are fixed here, to those
that the published tokenizers are run with (`tokenizers` 0.23, measured over every code point on 2026-11-24):

- splitting by regular expressions (GPT-2, Llama 3): edition 16;
- BERT's categories (mark, punctuation, control): edition 8; normal forms NFC, NFD, NFKC, NFKD: edition 9;
- lower case: edition 17.

`regex` knows 16 or later and Python's unicodedata 14 or later; what they know beyond the fixed edition is listed below
and taken back. Ranges are inclusive, in hexadecimal; they may run across code points that no edition has assigned.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Literal

import regex

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

# White space (Unicode's White_Space, settled since edition 6.3). `str.isspace` counts U+001C to U+001F as well.
WHITE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

UNASSIGNED = "\u0378"  # no edition has given this code point a meaning

# Assigned after edition 16.
_AFTER_16 = """
558 58b-58c 5c8-5c9 88f b53-b54 c5c cdc 1acf-1af0 208f 209d-209f 20c1-20c4 2b96 2e60-2e63 a7ce-a7cf a7d2 a7d4 a7dd-a7f1
ab6c-ab6d fbc3-fbd2 fd90-fd91 fdc8-fdce 107bb-107bf 10940-10959 10ec5-10efb 11b0a-11b67 11db0-11df1 1246f 12475-1247f
12550-12686 16ea0-16ed3 16ff2-16ff6 187f8-187ff 18cd6-18cda 18d09-191d2 1b123-1b128 1b168 1ccfa-1ccfc 1ceba-1cefd
1d127-1d128 1d1eb-1d1ff 1d250-1d281 1d6a6 1db00-1db1c 1df1f-1df24 1df2b-1dfff 1e6c0-1e6ff 1f1ae 1f6d8-1f6d9 1f777-1f77a
1f7da-1f7db 1f7f1-1f7ff 1f8d0-1f8d8 1fa54-1fa57 1fa8a-1fa8e 1fac8-1facd 1fadd 1faea-1faef 1faf9-1fafa 1fbfa 2b73a-2b73f
2b81e 2cea2-2cead 323b0-3fc3f
"""

# Became a mark, punctuation or a format character after edition 8, or got a decomposition or a combining class after 9.
_AFTER_9 = """
558 58b-58c 5c8-5c9 61d 7fd 890-8d3 8e2 9fd-9fe a76 afa-aff b53-b55 c04-c3c c77 c84 d00 d3b-d3c d81 eba ece 1715
180f-1886 1abf-1af0 1b4e-1b4f 1b7d-1b7f 1df6-1dfa 209d-209f 2e43-2e63 32ff a7f1-a7f4 a82c a8c5 a8ff a9bd ab69
105c9-107bf 10d24-10f89 11070-11074 110c2-110cd 111cf 1123e-11241 1133b 11383-1143f 11443-11444 1144b-1145e 11660-1166c
116b9 1182f-11c3d 11c41-11fff 12ff1-1612f 16d68-16f4f 16fe2-1b126 1ccd6-1d128 1d250-1d281 1d6a6 1df95-1dfff 1e030-1e6f5
1e95e-1e95f 1f16c 1fbf0-1fbf9
"""

# Marks since edition 9, which fixed their combining classes, but not yet in 8.
_MARKS_OF_9 = "8d4-8e1 1dfb 111c9 11442 11446 11c3f 1e000-1e02a 1e944-1e94a"

# Marks and punctuation of edition 8 that are something else by now.
_ONCE_MARKS = "1734 1171e"
_ONCE_PUNCTUATION = "166d 111c9"

# Capitals that Python before 3.15 does not know: first of a run, last, first small letter.
_CAPITALS = [
    (0x1C89, 0x1C89, 0x1C8A), (0xA7CB, 0xA7CB, 0x0264), (0xA7CC, 0xA7CC, 0xA7CD), (0xA7CE, 0xA7CE, 0xA7CF),
    (0xA7D2, 0xA7D2, 0xA7D3), (0xA7D4, 0xA7D4, 0xA7D5), (0xA7DA, 0xA7DA, 0xA7DB), (0xA7DC, 0xA7DC, 0x019B),
    (0x10D50, 0x10D65, 0x10D70), (0x16EA0, 0x16EB8, 0x16EBB),
]  # fmt: skip
_SMALL = {c: small + c - first for first, last, small in _CAPITALS for c in range(first, last + 1)}


def _characters(ranges: str) -> str:
    """The inside of a character class: ``"61-63 78"`` becomes ``"a-cx"``."""
    ends = [[chr(int(end, 16)) for end in part.split("-")] for part in ranges.split()]
    return "".join("-".join(pair) for pair in ends)


_LATER = regex.compile(f"[{_characters(_AFTER_16)}]")
_INERT = regex.compile(f"([{_characters(_AFTER_9)}]+)")
_MARK = regex.compile(rf"(?V1)[[\p{{Mn}}{_characters(_ONCE_MARKS)}]--[{_characters(_AFTER_9 + _MARKS_OF_9)}]]")
_PUNCTUATION = regex.compile(
    rf"(?V1)[[\p{{P}}$+<=>\^`\|\~{_characters(_ONCE_PUNCTUATION)}]--[{_characters(_AFTER_9)}]]"
)
_CONTROL = regex.compile(rf"(?V1)[[\p{{Cc}}\p{{Cf}}\p{{Co}}]--[\t\n\r{_characters(_AFTER_9)}]]")


def well_formed(text: str) -> str:
    """`text` as characters that UTF-8 can write: a surrogate pair becomes its character, a lone half becomes U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def as_of_16(text: str) -> str:
    """`text`, position for position, with an unassigned character for each that came after edition 16.

    To be searched with `regex` in place of `text`; what is found is cut from `text` itself.
    """
    return text if text.isascii() else _LATER.sub(UNASSIGNED, text)


def normal(form: Form, text: str) -> str:
    """The normal form of `text`, as of edition 9; what came later stays as it is."""
    if text.isascii():
        return text
    parts = _INERT.split(text)
    parts[::2] = [unicodedata.normalize(form, part) for part in parts[::2]]
    return "".join(parts)


def lower(text: str) -> str:
    """`text` in lower case, character by character: a Σ at the end of a word becomes σ, unlike in `str.lower`."""
    if text.isascii():
        return text.lower()
    return "".join(map(_lower, text))


@functools.cache
def _lower(c: str) -> str:
    return chr(_SMALL[ord(c)]) if ord(c) in _SMALL else c.lower()


@functools.cache
def is_mark(c: str) -> bool:
    """Whether the character is a mark that takes no room of its own (category Mn), as of edition 8."""
    return _MARK.match(c) is not None


@functools.cache
def is_punctuation(c: str) -> bool:
    """Whether BERT splits at the character: punctuation as of edition 8, and the ASCII symbols."""
    return _PUNCTUATION.match(c) is not None


@functools.cache
def is_control(c: str) -> bool:
    """Whether BERT removes the character: control, format or private use as of edition 8; tab and line ends are not."""
    return _CONTROL.match(c) is not None
