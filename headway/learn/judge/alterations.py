"""What may have been done to a tensor on its way: words, and the function that does it.

Tried on the arguments, the noted intermediates and the result of the reference: see `guesses`. The words follow "were", as
in: it is as if the scores (b h t s) were *cut off above 10*. Numbers are those of the learner's own file, and the sizes and plain
arguments of the input at hand.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import math
import operator
import re
import struct
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

MOST = 12
"""Different numbers of the learner's file that are tried as limits, epsilons and factors."""

FOLDED: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
"""Operations between plain numbers that are carried out in reading them: 10 ** -6 is one number."""


@dataclasses.dataclass(frozen=True)
class Alteration:
    """A name, words with ``{expression}`` in them, and the function of a tensor and of the numbers of the input at hand."""

    name: str
    words: str
    change: Callable[[Any, dict[str, Any]], Any]


def numbers_in(source: str) -> list[float]:
    """The different positive numbers that a file writes down, signs left away; those first that are no small integers."""
    found: dict[float, None] = {}
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    for node in ast.walk(tree):
        value = _number(node)
        if value is not None and math.isfinite(value) and value not in (0.0, 1.0):
            found[abs(value)] = None
    return sorted(found, key=lambda value: value == int(value) and value < 10)[:MOST]


def _number(node: ast.AST) -> float | None:
    """The number that an expression of plain numbers is."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value) if abs(node.value) < 1e300 else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in FOLDED:
        left, right = _number(node.left), _number(node.right)
        if left is None or right is None or abs(right) > 400:
            return None
        try:
            value = FOLDED[type(node.op)](left, right)
        except (ArithmeticError, ValueError):
            return None
        return value if isinstance(value, float) else None
    return None


def axes_in(name: str, dim: int) -> list[str]:
    """What the axes of an intermediate are called: `along s`, where its name ends in ``(b h t s)``."""
    told = re.search(r"\(([a-z*/0-9+ ]+)\)$", name)
    words = told[1].split() if told else []
    if len(words) == dim:
        return [f"along {word}" for word in words]
    from_the_end = {dim - 1: "along the last axis", dim - 2: "along the last axis but one"}
    return [from_the_end.get(axis, f"along axis {axis}") for axis in range(dim)]


def alterations(value: Any, name: str, facts: dict[str, Any], constants: list[float]) -> Iterator[Alteration]:
    """What may have been done to `value`, an argument, intermediate or result called `name`."""
    import torch

    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield from _of_a_number(value, facts, constants)
        return
    if isinstance(value, str | bytes | list | tuple | dict):
        yield from _of_a_collection(value, constants)
        return
    if not isinstance(value, torch.Tensor):
        return
    if value.is_floating_point():
        yield from _pointwise()
        yield from _with_numbers(constants)
        yield from _with_facts(facts)
    elif value.dtype == torch.bool:
        yield Alteration("inverted", "inverted, True for False", lambda v, _: ~v)
        yield Alteration("all true", "True everywhere", lambda v, _: torch.ones_like(v))
        yield Alteration("all false", "False everywhere", lambda v, _: torch.zeros_like(v))
    elif value.dtype == torch.int64:
        yield Alteration("one more", "one too large", lambda v, _: v + 1)
        yield Alteration("one less", "one too small", lambda v, _: v - 1)
        yield from _of_whole_numbers(constants)
    if value.dim():
        yield from _along_axes(value, axes_in(name, value.dim()))
        yield from _first_or_last(axes_in(name, value.dim()), constants)
    if value.dim() > 1:
        yield from _triangular(value, constants)


def alterations_of_a_step(value: Any, name: str, constants: list[float]) -> Iterator[Alteration]:
    """What may have been done to the step before `value` in place of what makes `value` of it; `facts` holds the right one."""
    import torch

    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return
    yield Alteration("left out", "themselves", lambda v, _: v)
    yield from _pointwise()
    for axis, where in enumerate(axes_in(name, value.dim())):
        back = axis - value.dim()
        yield Alteration("softmax", f"put through a softmax {where}", lambda v, _, a=back: v.softmax(a))
        yield Alteration("softmax", f"put through a log_softmax {where}", lambda v, _, a=back: v.log_softmax(a))
        yield Alteration("normalised", f"divided by their sum {where}", lambda v, _, a=back: v / v.sum(a, keepdim=True))
        yield Alteration(
            "normalised",
            f"put through exp, over 1 and the sum of these {where}",
            lambda v, _, a=back: v.exp() / (1 + v.exp().sum(a, keepdim=True)),
        )
    hidden = "where minus infinity is due"
    for c in (0.0, 1.0, *constants):
        yield Alteration(
            "finite", f"less {c:.10g} {hidden}", lambda v, f, c=c: torch.where(f["late"] == -math.inf, v - c, f["late"])
        )
        yield Alteration(
            "finite",
            f"times {c:.10g} {hidden}",
            lambda v, f, c=c: torch.where(f["late"] == -math.inf, v * c, f["late"]),
        )


def _of_a_number(value: float, facts: dict[str, Any], constants: list[float]) -> Iterator[Alteration]:
    """What may have been done to a plain number."""
    whole = isinstance(value, int)

    def kept(number: float) -> float:
        return int(number) if whole and float(number).is_integer() else number

    for row in _rows_of_a_number(value, facts, constants, kept):
        yield dataclasses.replace(row, change=_no_larger(row.change)) if whole else row


def _no_larger(change: Callable[[Any, dict[str, Any]], Any]) -> Callable[[Any, dict[str, Any]], Any]:
    """A whole number may be a size: none is made that is so much larger that it fills the memory."""

    def changed(value: int, facts: dict[str, Any]) -> Any:
        other = change(value, facts)
        if abs(other) > max(10_000, 2 * abs(value)):
            raise ValueError(f"{other} is too large to be tried in place of {value}")
        return other

    return changed


def _rows_of_a_number(
    value: float, facts: dict[str, Any], constants: list[float], kept: Callable[[float], float]
) -> Iterator[Alteration]:
    """As `_of_a_number`; `kept` makes a number whole again where it was."""
    whole = isinstance(value, int)

    for c in constants:
        if whole and not float(c).is_integer():
            continue
        shown, n = f"{c:.10g}", kept(c)
        yield Alteration("zero taken for none", f"{shown} where it is 0", lambda v, _, n=n: v or n)
        yield Alteration("limit", f"never more than {shown}", lambda v, _, n=n: min(v, n))
        yield Alteration("least", f"never less than {shown}", lambda v, _, n=n: max(v, n))
        yield Alteration("fixed", f"always {shown}", lambda v, _, n=n: n)
        yield Alteration("greater", f"larger by {shown}", lambda v, _, n=n: v + n)
        yield Alteration("smaller", f"smaller by {shown}", lambda v, _, n=n: v - n)
        yield Alteration("factor", f"multiplied by {shown}", lambda v, _, n=n: v * n)
        yield Alteration("divisor", f"divided by {shown}", lambda v, _, n=n: kept(v / n))
        if whole:
            yield Alteration("rounded", f"rounded down to a multiple of {shown}", lambda v, _, n=n: v - v % n)
        if not whole:
            yield Alteration("limit", f"never more than -{shown}", lambda v, _, n=n: min(v, -n))
            yield Alteration("least", f"never less than -{shown}", lambda v, _, n=n: max(v, -n))
            yield Alteration("fixed", f"always -{shown}", lambda v, _, n=n: -n)
    yield Alteration("zero taken for none", "1 where it is 0", lambda v, _: v or 1)
    for low in (0, 1, 2):
        yield Alteration("least", f"never less than {low}", lambda v, _, low=low: max(v, low))
        yield Alteration("limit", f"never more than {low}", lambda v, _, low=low: min(v, low))
        yield Alteration("fixed", f"always {low}", lambda v, _, low=low: low)
    yield Alteration("absolute", "taken without its sign", lambda v, _: abs(v))
    yield Alteration("twice", "multiplied by 2", lambda v, _: v * 2)
    if whole:
        yield Alteration("half", "divided by 2, rounded down", lambda v, _: v // 2)
        yield Alteration("even", "rounded down to an even number", lambda v, _: v - v % 2)
        yield Alteration("even", "rounded up to an even number", lambda v, _: v + v % 2)
    else:
        yield Alteration("half", "divided by 2", lambda v, _: v / 2)
        yield Alteration("truncated", "cut down to a whole number", lambda v, _: float(int(v)))
        yield Alteration("rounded", "rounded to a whole number", lambda v, _: float(round(v)))
        yield Alteration("rounded up", "rounded up to a whole number", lambda v, _: float(math.ceil(v)))
        yield Alteration("float32", "rounded to float32", lambda v, _: _narrow(v))
        yield Alteration("squared", "squared", lambda v, _: v * v)
        yield Alteration("root", "replaced by its square root", lambda v, _: math.sqrt(v))
        yield Alteration("inverse", "replaced by 1 over it", lambda v, _: 1 / v)
        yield Alteration("complement", "replaced by 1 minus it", lambda v, _: 1 - v)
        for digits in range(1, 7):
            yield Alteration(
                "digits", f"rounded to {digits} digits behind the point", lambda v, _, n=digits: round(v, n)
            )
    for fact, given in facts.items():
        if isinstance(given, bool) or not isinstance(given, int | float) or given is value:
            continue
        told = f"{fact} = {{{fact}}}"
        yield Alteration("factor", f"multiplied by {told}", lambda v, f, fact=fact: v * f[fact])
        yield Alteration("divisor", f"divided by {told}", lambda v, f, fact=fact: v / f[fact])
        yield Alteration("greater", f"larger by {told}", lambda v, f, fact=fact: v + f[fact])
        yield Alteration("smaller", f"smaller by {told}", lambda v, f, fact=fact: v - f[fact])
        yield Alteration("limit", f"never more than {told}", lambda v, f, fact=fact: min(v, f[fact]))
        yield Alteration("least", f"never less than {told}", lambda v, f, fact=fact: max(v, f[fact]))


def _narrow(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


def _of_a_collection(value: Any, constants: list[float]) -> Iterator[Alteration]:
    """What may have been done to a text, or to a list or dict and every text and number in it."""
    texts = _first_of(value, str | bytes)
    if texts is not None:
        rows: dict[str, tuple[str, Callable[[Any], Any]]] = {
            "case": ("put into lower case", lambda s: s.lower()),
            "upper case": ("put into upper case", lambda s: s.upper()),
            "stripped": ("stripped of blanks at both ends", lambda s: s.strip()),
            "stripped at the end": ("stripped of blanks at the end", lambda s: s.rstrip()),
            "stripped at the beginning": ("stripped of blanks at the beginning", lambda s: s.lstrip()),
            "blanks": ("with every run of white space as one blank", lambda s: _blank(s).join(s.split())),
            "no blanks": ("without white space", lambda s: s[:0].join(s.split())),
            "reversed": ("reversed", lambda s: s[::-1]),
            "last gone": ("without its last character", lambda s: s[:-1]),
            "first gone": ("without its first character", lambda s: s[1:]),
        }
        if isinstance(texts, str):
            rows |= {
                "NFC": ("put into the Unicode form NFC", lambda s: unicodedata.normalize("NFC", s)),
                "NFD": ("put into the Unicode form NFD", lambda s: unicodedata.normalize("NFD", s)),
                "NFKC": ("put into the Unicode form NFKC", lambda s: unicodedata.normalize("NFKC", s)),
                "NFKD": ("put into the Unicode form NFKD", lambda s: unicodedata.normalize("NFKD", s)),
                "accents": (
                    "without accents and other combining marks",
                    lambda s: "".join(c for c in unicodedata.normalize("NFD", s) if not unicodedata.combining(c)),
                ),
                "marks": (
                    "without combining marks",
                    lambda s: "".join(c for c in s if not unicodedata.combining(c)),
                ),
                "control": (
                    "without control characters",
                    lambda s: "".join(c for c in s if unicodedata.category(c) != "Cc"),
                ),
                "invisible": (
                    "without control and format characters",
                    lambda s: "".join(c for c in s if unicodedata.category(c) not in ("Cc", "Cf")),
                ),
                "printable": ("without what is not printable", lambda s: "".join(c for c in s if c.isprintable())),
                "ascii": ("without what is not ASCII", lambda s: "".join(c for c in s if c.isascii())),
                "letters": ("without what is no letter", lambda s: "".join(c for c in s if c.isalpha())),
                "letters and digits": (
                    "without what is neither letter nor digit",
                    lambda s: "".join(c for c in s if c.isalnum()),
                ),
                "line ends": (
                    "with \\n for every kind of line end",
                    lambda s: s.replace("\r\n", "\n").replace("\r", "\n"),
                ),
                "carriage returns": ("without carriage returns", lambda s: s.replace("\r", "")),
                "pairs of line ends": ("with \\n for \\r\\n", lambda s: s.replace("\r\n", "\n")),
                "null": ("without \\x00", lambda s: s.replace("\x00", "")),
                "replacement": ("without the replacement character", lambda s: s.replace("\ufffd", "")),
                "replacements joined": (
                    "with one replacement character for every run of them",
                    lambda s: re.sub("\ufffd+", "\ufffd", s),
                ),
                "case folded": ("case-folded", lambda s: s.casefold()),
            }
        for name, (words, change) in rows.items():
            yield Alteration(
                name, f"taken with its text {words}", lambda v, _, change=change: _mapped(v, str | bytes, change)
            )
        for c in constants:
            if float(c).is_integer() and 0 < c < 1e6:
                yield Alteration(
                    "limit",
                    f"taken with its text cut off after {int(c)} characters",
                    lambda v, _, n=int(c): _mapped(v, str | bytes, lambda s: s[:n]),
                )
    number = _first_of(value, int | float)
    if number is not None:
        for row in _of_a_number(number, {}, constants):
            yield Alteration(
                row.name,
                f"taken with every number in it {row.words}",
                lambda v, f, change=row.change: _mapped(v, int | float, lambda x: change(x, f)),
            )
    if isinstance(value, list | tuple):
        yield Alteration("reversed", "reversed", lambda v, _: v[::-1])
        yield Alteration("sorted", "sorted", lambda v, _: type(v)(sorted(v)))
        yield Alteration("sorted by length", "sorted by length", lambda v, _: type(v)(sorted(v, key=len)))
        yield Alteration(
            "sorted downwards",
            "sorted by length, the longest first",
            lambda v, _: type(v)(sorted(v, key=lambda x: -len(x))),
        )
        yield Alteration(
            "repeats",
            "taken with every item once only",
            lambda v, _: type(v)(x for n, x in enumerate(v) if x not in v[:n]),
        )
        yield Alteration("short", "taken without its last item", lambda v, _: v[:-1])
        yield Alteration("first gone", "taken without its first item", lambda v, _: v[1:])
        yield Alteration("long", "taken with its last item twice", lambda v, _: v + v[-1:])
        yield Alteration("first only", "cut off after its first item", lambda v, _: v[:1])
        yield Alteration("last only", "its last item alone", lambda v, _: v[-1:])
        yield Alteration("empty ones", "taken without its empty items", lambda v, _: type(v)(x for x in v if len(x)))
        yield Alteration("zeros", "taken without the items that are 0", lambda v, _: type(v)(x for x in v if x != 0))
        for c in constants:
            if float(c).is_integer() and 0 < c < 1e6:
                yield Alteration("limit", f"cut off after {int(c)} items", lambda v, _, n=int(c): v[:n])
    if isinstance(value, dict):
        yield Alteration("reversed", "gone through from the end", lambda v, _: dict(reversed(v.items())))
        yield Alteration("sorted", "sorted", lambda v, _: dict(sorted(v.items())))
        for c in (1, *constants):
            if float(c).is_integer() and 0 < c < 1e6:
                n = int(c)
                yield Alteration(
                    "limit",
                    f"taken without what is longer than {n}",
                    lambda v, _, n=n: {k: x for k, x in v.items() if len(k) <= n},
                )
                yield Alteration(
                    "least",
                    f"taken without what is shorter than {n + 1}",
                    lambda v, _, n=n: {k: x for k, x in v.items() if len(k) > n},
                )


def _blank(text: Any) -> Any:
    return b" " if isinstance(text, bytes) else " "


def _first_of(value: Any, kind: Any) -> Any:
    """The first text, or number, in a tree of lists, tuples and dicts."""
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        return next((found for item in value if (found := _first_of(item, kind)) is not None), None)
    return None


def _mapped(value: Any, kind: Any, change: Callable[[Any], Any]) -> Any:
    """The tree with every text, or number, in it changed."""
    if isinstance(value, kind) and not isinstance(value, bool):
        return change(value)
    if isinstance(value, dict):
        return {_mapped(key, kind, change): _mapped(item, kind, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(item, kind, change) for item in value)
    return value


def _pointwise() -> Iterator[Alteration]:
    """What is done to each number by itself."""
    import torch

    rows: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "cut off": ("cut off below 0 (relu)", lambda v: v.relu()),
        "absolute": ("taken without their sign", lambda v: v.abs()),
        "sign": ("taken with the other sign", lambda v: -v),
        "squared": ("squared", lambda v: v * v),
        "root": ("replaced by their square root", lambda v: v.sqrt()),
        "logarithm": ("replaced by their logarithm", lambda v: v.log()),
        "exponential": ("replaced by their exponential", lambda v: v.exp()),
        "inverse": ("replaced by 1 over them", lambda v: 1 / v),
        "complement": ("replaced by 1 minus them", lambda v: 1 - v),
        "sigmoid": ("put through a sigmoid", lambda v: v.sigmoid()),
        "tanh": ("put through a tanh", lambda v: v.tanh()),
        "gelu": ("put through a GELU", torch.nn.functional.gelu),
        "rounded": ("rounded to whole numbers", lambda v: v.round()),
        "truncated": ("cut down to whole numbers", lambda v: v.trunc()),
        "one more": ("larger by 1", lambda v: v + 1),
        "one less": ("smaller by 1", lambda v: v - 1),
        "twice": ("multiplied by 2", lambda v: v * 2),
        "half": ("divided by 2", lambda v: v / 2),
        "zero": ("all 0", lambda v: torch.zeros_like(v)),
        "one": ("all 1", lambda v: torch.ones_like(v)),
        "no infinities": ("taken with 0 in place of infinities", lambda v: v.masked_fill(v.isinf(), 0.0)),
        "no NaN": ("taken with 0 in place of NaN", lambda v: v.masked_fill(v.isnan(), 0.0)),
        "float32": ("rounded to float32", lambda v: v.float().to(v.dtype)),
        "float16": ("rounded to float16", lambda v: v.half().to(v.dtype)),
        "bfloat16": ("rounded to bfloat16", lambda v: v.bfloat16().to(v.dtype)),
    }
    for name, (words, change) in rows.items():
        yield Alteration(name, words, lambda v, _, change=change: change(v))


def _with_numbers(constants: list[float]) -> Iterator[Alteration]:
    """What is done with a number that the learner's file writes down."""
    for c in constants:
        shown = f"{c:.10g}"
        rows: dict[str, tuple[str, Callable[[Any, float], Any]]] = {
            "limit": (f"cut off above {shown}", lambda v, c: v.clamp(max=c)),
            "limit below": (f"cut off below -{shown}", lambda v, c: v.clamp(min=-c)),
            "limits": (f"kept within -{shown} and {shown}", lambda v, c: v.clamp(-c, c)),
            "least": (f"raised to {shown} where they are less", lambda v, c: v.clamp(min=c)),
            "greater": (f"larger by {shown}", lambda v, c: v + c),
            "smaller": (f"smaller by {shown}", lambda v, c: v - c),
            "factor": (f"multiplied by {shown}", lambda v, c: v * c),
            "divisor": (f"divided by {shown}", lambda v, c: v / c),
            "power": (f"raised to the power of {shown}", lambda v, c: v**c),
            "finite": (
                f"-{shown} where they should be minus infinity",
                lambda v, c: v.masked_fill(v == -math.inf, -c),
            ),
            "small ones": (f"0 where they are less than {shown}", lambda v, c: v.masked_fill(v < c, 0.0)),
            "near zero": (f"0 where they lie within {shown} of 0", lambda v, c: v.masked_fill(v.abs() < c, 0.0)),
        }
        for name, (words, change) in rows.items():
            yield Alteration(name, words, lambda v, _, change=change, c=c: change(v, c))


def _of_whole_numbers(constants: list[float]) -> Iterator[Alteration]:
    """What is done to each whole number by itself."""
    for n in [0, 1, *(int(c) for c in constants if c.is_integer() and c < 2**40)]:
        yield Alteration("limit", f"cut off above {n}", lambda v, _, n=n: v.clamp(max=n))
        yield Alteration("least", f"raised to {n} where they are less", lambda v, _, n=n: v.clamp(min=n))
        if n > 1:
            yield Alteration("greater", f"larger by {n}", lambda v, _, n=n: v + n)
            yield Alteration("smaller", f"smaller by {n}", lambda v, _, n=n: v - n)
            yield Alteration("remainder", f"replaced by their remainder by {n}", lambda v, _, n=n: v % n)
            yield Alteration("zero taken for none", f"{n} where they are 0", lambda v, _, n=n: v.masked_fill(v == 0, n))
            yield Alteration("swallowed", f"0 where they are {n}", lambda v, _, n=n: v.masked_fill(v == n, 0))
    yield Alteration("absolute", "taken without their sign", lambda v, _: v.abs())
    yield Alteration("float32", "rounded to float32", lambda v, _: v.float().long())
    yield Alteration("float16", "rounded to float16", lambda v, _: v.half().long())
    yield Alteration("int32", "cut down to int32", lambda v, _: v.int().long())
    yield Alteration("int16", "cut down to int16", lambda v, _: v.short().long())
    yield Alteration("int8", "cut down to int8", lambda v, _: v.char().long())


def _with_facts(facts: dict[str, Any]) -> Iterator[Alteration]:
    """What is done with a size or a plain argument of the input."""
    for fact, given in facts.items():
        if isinstance(given, bool) or not isinstance(given, int | float):
            continue
        rows: dict[str, tuple[str, Callable[[Any, float], Any]]] = {
            "factor": (f"multiplied by {fact} = {{{fact}}}", lambda v, n: v * n),
            "divisor": (f"divided by {fact} = {{{fact}}}", lambda v, n: v / n),
            "root factor": (f"multiplied by sqrt({fact}), {fact} = {{{fact}}}", lambda v, n: v * math.sqrt(n)),
            "root divisor": (f"divided by sqrt({fact}), {fact} = {{{fact}}}", lambda v, n: v / math.sqrt(n)),
            "whole root": (
                f"divided by the whole part of sqrt({fact}) in place of sqrt({fact}), {fact} = {{{fact}}}",
                lambda v, n: v * math.sqrt(n) / int(math.sqrt(n)),
            ),
            "rounded root": (
                f"divided by sqrt({fact}), rounded, in place of sqrt({fact}), {fact} = {{{fact}}}",
                lambda v, n: v * math.sqrt(n) / round(math.sqrt(n)),
            ),
            "greater": (f"larger by {fact} = {{{fact}}}", lambda v, n: v + n),
            "smaller": (f"smaller by {fact} = {{{fact}}}", lambda v, n: v - n),
        }
        for name, (words, change) in rows.items():
            yield Alteration(name, words, lambda v, facts, change=change, fact=fact: change(v, facts[fact]))


def _along_axes(value: Any, along: list[str]) -> Iterator[Alteration]:
    """What is done along one axis, or between two."""
    import torch

    floating, dim = value.is_floating_point(), value.dim()

    def put(v: Any, axis: int, place: int, number: float) -> Any:
        v = v.clone()
        v.select(axis, place).fill_(number)
        return v

    for axis in reversed(range(dim)):
        back, where = axis - dim, along[axis]
        rows: dict[str, tuple[str, Callable[[Any, int], Any]]] = {
            "reversed": (f"reversed {where}", lambda v, a: v.flip(a)),
            "shifted": (f"shifted by one {where}, the last coming first", lambda v, a: v.roll(1, a)),
            "shifted back": (f"shifted back by one {where}, the first coming last", lambda v, a: v.roll(-1, a)),
            "first for all": (
                f"those of the first place {where} for every place",
                lambda v, a: v.narrow(a, 0, 1).expand_as(v),
            ),
            "last for all": (
                f"those of the last place {where} for every place",
                lambda v, a: v.narrow(a, -1, 1).expand_as(v),
            ),
            "first zero": (f"0 in the first place {where}", lambda v, a: put(v, a, 0, 0)),
            "last zero": (f"0 in the last place {where}", lambda v, a: put(v, a, -1, 0)),
            "sorted": (f"sorted {where}", lambda v, a: v.sort(a).values),
            "sorted downwards": (f"sorted {where}, the greatest first", lambda v, a: v.sort(a, descending=True).values),
            "short": (f"taken without their last place {where}", lambda v, a: v.narrow(a, 0, v.shape[a] - 1)),
            "first gone": (f"taken without their first place {where}", lambda v, a: v.narrow(a, 1, v.shape[a] - 1)),
        }
        if value.dtype == torch.bool:
            del rows["sorted"], rows["sorted downwards"]
        if floating:
            rows |= {
                "summed": (f"summed up {where} (cumsum)", lambda v, a: v.cumsum(a)),
                "sum": (f"replaced by their sum {where}", lambda v, a: v.sum(a, keepdim=True).expand_as(v)),
                "mean": (f"replaced by their mean {where}", lambda v, a: v.mean(a, keepdim=True).expand_as(v)),
                "greatest": (f"replaced by their greatest {where}", lambda v, a: v.amax(a, keepdim=True).expand_as(v)),
                "softmax": (f"put through a softmax {where}", lambda v, a: v.softmax(a)),
                "centred": (f"made to have the mean 0 {where}", lambda v, a: v - v.mean(a, keepdim=True)),
                "normalised": (f"divided by their sum {where}", lambda v, a: v / v.sum(a, keepdim=True)),
                "length one": (f"divided by their length {where}", lambda v, a: v / v.norm(dim=a, keepdim=True)),
                "largest only": (
                    f"0 but for the greatest {where}",
                    lambda v, a: v.masked_fill(v < v.amax(a, keepdim=True), 0.0),
                ),
            }
        for name, (words, change) in rows.items():
            yield Alteration(name, words, lambda v, _, change=change, a=back: change(v, a))
        yield Alteration(
            "squeezed",
            f"without the axis {where.removeprefix('along ')} where its length is 1",
            lambda v, _, a=back: v.squeeze(a),
        )
        yield Alteration(
            "unsqueezed",
            f"with a further axis of length 1 before {where.removeprefix('along ')}",
            lambda v, _, a=axis: v.unsqueeze(a),
        )
    yield Alteration("squeezed", "taken without any axis of length 1 (squeeze)", lambda v, _: v.squeeze())
    names = [where.removeprefix("along ") for where in along]
    for a, b in itertools.combinations(range(dim), 2):
        words = f"{names[a]} and {names[b]}"
        yield Alteration(
            "axes", f"transposed: {words} have changed places", lambda v, _, a=a - dim, b=b - dim: v.transpose(a, b)
        )
        yield Alteration(
            "mixed",
            f"reshaped where {words} had to be transposed",
            lambda v, _, a=a - dim, b=b - dim: v.transpose(a, b).reshape(v.shape),
        )
        yield Alteration(
            "mixed",
            f"reshaped before {words} were transposed back",
            lambda v, _, a=a - dim, b=b - dim: v.reshape(v.transpose(a, b).shape).transpose(a, b),
        )
    if floating:
        yield Alteration("means", "replaced by the mean of all", lambda v, _: v.mean().expand_as(v))


def _first_or_last(along: list[str], constants: list[float]) -> Iterator[Alteration]:
    """Only so many places along an axis as a number of the learner's file says."""
    counts = [1, *(int(c) for c in constants if c.is_integer() and 1 < c < 1e5)]
    for axis, where in reversed(list(enumerate(along))):
        back = axis - len(along)
        for n in counts:
            yield Alteration(
                "last ones only",
                f"cut down to the last {n} {where}",
                lambda v, _, a=back, n=n: v.narrow(a, max(v.shape[a] - n, 0), min(n, v.shape[a])),
            )
            yield Alteration(
                "first ones only",
                f"cut down to the first {n} {where}",
                lambda v, _, a=back, n=n: v.narrow(a, 0, min(n, v.shape[a])),
            )


def _triangular(value: Any, constants: list[float]) -> Iterator[Alteration]:
    """What is hidden on one side of the diagonal of the last two axes."""
    import torch

    def side(v: Any, below: bool, diagonal: int) -> Any:
        whole = torch.ones(v.shape[-2:], dtype=torch.bool)
        return whole.tril(diagonal) if below else whole.triu(diagonal)

    places = {
        "above the diagonal of the last two axes": (False, 1),
        "on and above the diagonal of the last two axes": (False, 0),
        "beyond the next one right of the diagonal of the last two axes": (False, 2),
        "below the diagonal of the last two axes": (True, -1),
        "on and below the diagonal of the last two axes": (True, 0),
    }
    for n in (int(c) for c in constants if c.is_integer() and 1 < c < 1e5):
        places[f"{n} or more places left of the diagonal of the last two axes"] = (True, -n)
        places[f"more than {n} places left of the diagonal of the last two axes"] = (True, -n - 1)
        places[f"{n} or more places right of the diagonal of the last two axes"] = (False, n)
    fills = {"0": 0.0, "minus infinity": -math.inf} if value.is_floating_point() else {"0": 0}
    fills = {"False": False, "True": True} if value.dtype == torch.bool else fills
    for where, (below, diagonal) in places.items():
        for shown, fill in fills.items():
            yield Alteration(
                "triangular",
                f"{shown} {where}",
                lambda v, _, b=below, d=diagonal, f=fill: v.masked_fill(side(v, b, d), f),
            )
    if value.is_floating_point():
        for shown, fill in fills.items():
            yield Alteration(
                "diagonal",
                f"{shown} on the diagonal of the last two axes",
                lambda v, _, f=fill: v.masked_fill(side(v, True, 0) & side(v, False, 0), f),
            )
