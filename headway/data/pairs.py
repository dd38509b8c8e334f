"""Pairs to learn from, by name or from a file: (source, target) for a translator, (text, label) for a classifier."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from headway.base.errors import HeadwayError, did_you_mean
from headway.base.files import expanded
from headway.base.lines import lines_of

UNDER_TWENTY = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_words(number: int) -> str:
    """A number below a million in English: 4207 is "four thousand two hundred and seven".

    >>> in_words(921040)
    'nine hundred and twenty-one thousand and forty'
    """
    if not 0 <= number < 1_000_000:
        raise ValueError(f"{number} is not from 0 to 999,999")
    if number < 20:
        return UNDER_TWENTY[number]
    if number < 100:
        ones = number % 10
        return TENS[number // 10 - 2] + (f"-{UNDER_TWENTY[ones]}" if ones else "")
    if number < 1000:
        rest = number % 100
        return f"{UNDER_TWENTY[number // 100]} hundred" + (f" and {in_words(rest)}" if rest else "")
    rest = number % 1000
    words = f"{in_words(number // 1000)} thousand"
    if rest == 0:
        return words
    return f"{words} {'and ' if rest < 100 else ''}{in_words(rest)}"


def numbers() -> list[tuple[str, str]]:
    """20,000 different numbers, as many of each length as there are: digits -> English words."""
    draw = random.Random(1706)
    chosen = set(range(100))
    for low, high, n in ((100, 1000, 900), (1000, 10_000, 4000), (10_000, 100_000, 7000), (100_000, 1_000_000, 8000)):
        chosen |= set(draw.sample(range(low, high), n))
    rows = sorted(chosen)
    draw.shuffle(rows)
    return [(str(number), in_words(number)) for number in rows]


def spoken(number: int, draw: random.Random) -> str:
    """A number below a million as one of the ways in which people write it: with "and" or without, hyphens or blanks."""
    words = in_words(number)
    if draw.random() < 0.4:
        words = words.replace(" and ", " ")
    if draw.random() < 0.3:
        words = words.replace("-", " ")
    if draw.random() < 0.2:
        words = words.replace(" thousand ", " thousand, ").replace("thousand, and ", "thousand and ")
    if words.startswith(("one hundred", "one thousand")) and draw.random() < 0.3:
        words = "a" + words[3:]
    return words[0].upper() + words[1:] if draw.random() < 0.2 else words


def spoken_numbers() -> list[tuple[str, str]]:
    """English words -> digits: 40,000 numbers below a million, each written in one of several ways (see `spoken`).

    There are only a hundred numbers below a hundred, and without them nothing larger can be read: they stand eight times
    each among the first 38,000, and none among the last 2,000. No number that is among the last 2,000 stands before.
    """
    draw = random.Random(1409)
    chosen = set(range(100, 1000))
    for low, high, n in ((1000, 10_000, 6000), (10_000, 100_000, 12_000), (100_000, 1_000_000, 20_300)):
        chosen |= set(draw.sample(range(low, high), n))
    rows = sorted(chosen)
    draw.shuffle(rows)
    seen, held_out = rows[:-2000], rows[-2000:]
    seen += [number for number in range(100) for _ in range(8)]
    draw.shuffle(seen)
    return [(spoken(number, draw), str(number)) for number in seen + held_out]


def reversal() -> list[tuple[str, str]]:
    """20,000 words of 4 to 16 letters -> the same backwards: a target whose order is not the source's."""
    draw = random.Random(1409)
    words = {"".join(draw.choices("abcdefghij", k=draw.randint(4, 16))) for _ in range(21_000)}
    rows = sorted(words)
    draw.shuffle(rows)
    return [(word, word[::-1]) for word in rows[:20_000]]


def brackets() -> list[tuple[str, str]]:
    """8,000 strings of brackets of three kinds -> whether they close what they open; half of them do.

    What does not balance is a balanced string with two signs exchanged, so that counting alone does not tell.
    """
    draw = random.Random(1810)
    rows: dict[str, str] = {}
    left = {"balanced": 4_000, "unbalanced": 4_000}
    while any(left.values()):
        text = _balanced(draw, draw.randint(4, 14))
        if left["unbalanced"] > left["balanced"]:
            text = _exchanged(draw, text)
        label = "balanced" if _closes(text) else "unbalanced"
        if left[label] and text not in rows:
            rows[text] = label
            left[label] -= 1
    found = sorted(rows.items())
    draw.shuffle(found)
    return found


PAIRS: dict[str, tuple[Callable[[], list[tuple[str, str]]], str]] = {
    "numbers": (numbers, "numbers below a million -> English words"),
    "spoken-numbers": (spoken_numbers, "English words, as people write them -> numbers below a million"),
    "reversal": (reversal, "letters -> the same backwards"),
    "brackets": (brackets, "brackets -> balanced or unbalanced, for a classifier"),
}
"""Name -> (how it is made, what it is). All are the same every time, already shuffled."""


def load_pairs(name: str | Path) -> list[tuple[str, str]]:
    """The pairs called `name` (see `PAIRS`), or the first two columns of the .tsv, or values of the .jsonl, at that path."""
    if str(name) in PAIRS:
        return PAIRS[str(name)][0]()
    path = expanded(name)
    if not path.is_file():
        raise HeadwayError(
            f"'{name}' is neither a file nor a set of pairs.{did_you_mean(str(name), list(PAIRS))} "
            f"Known: {', '.join(PAIRS)}."
        )
    try:
        lines = lines_of(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise HeadwayError(f"{path} is no UTF-8 text (byte {error.start}): save it as UTF-8.") from None
    pairs = [_pair(line, path, number) for number, line in enumerate(lines, start=1) if line.strip()]
    if len(pairs) < 4:
        raise HeadwayError(f"{path} holds {len(pairs)} pairs: too few to learn from and to hold some out.")
    return pairs


def _pair(line: str, path: Path, number: int) -> tuple[str, str]:
    try:
        if path.suffix == ".jsonl":
            row = json.loads(line)
            first, second, *_ = row.values() if isinstance(row, dict) else row
        else:
            first, second, *_ = line.split("\t")
    except (ValueError, TypeError, RecursionError):
        raise HeadwayError(f"{path}, line {number}: there should be two columns, separated by a tab.") from None
    return str(first), str(second)


def _balanced(draw: random.Random, length: int) -> str:
    """A random balanced string of `length` pairs."""
    text, open_ones, left = [], [], length
    while left or open_ones:
        if left and (not open_ones or draw.random() < 0.5):
            sign = draw.choice("([{")
            text.append(sign)
            open_ones.append(sign)
            left -= 1
        else:
            text.append(")]}"["([{".index(open_ones.pop())])
    return "".join(text)


def _exchanged(draw: random.Random, text: str) -> str:
    signs = list(text)
    one, other = draw.sample(range(len(signs)), 2)
    signs[one], signs[other] = signs[other], signs[one]
    return "".join(signs)


def _closes(text: str) -> bool:
    open_ones: list[str] = []
    for sign in text:
        if sign in "([{":
            open_ones.append(sign)
        elif not open_ones or ")]}"["([{".index(open_ones.pop())] != sign:
            return False
    return not open_ones
