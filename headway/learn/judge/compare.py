"""How the result of one call differs from that of another, and how to say so in few words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headway.learn.cases import Function
from headway.learn.judge.perform import CallResult
from headway.learn.judge.wire import Other


@dataclass
class Mismatch:
    """How a result differs from what was expected: a `kind`, and one sentence; of values, where they differ and what they are."""

    kind: str
    text: str
    size: float = math.inf
    where: str = ""
    expected: Any = None
    came: Any = None


def close(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two tensors of one shape hold the same values: NaN only where the other has it, infinities equal."""
    import torch

    if a.shape != b.shape:
        return False
    if not (a.is_floating_point() or a.is_complex()) or not (b.is_floating_point() or b.is_complex()):
        return bool(torch.equal(a.to(torch.float64), b.to(torch.float64))) if a.numel() else True
    return departure(a, b) <= tolerance


def departure(a: Any, b: Any) -> float:
    """The greatest difference of two tensors of one shape, relative to the greatest finite absolute value of `b`."""
    import torch

    if not a.numel():
        return 0.0
    a, b = a.detach().to(torch.float64), b.detach().to(torch.float64)
    far = float((a - b).abs().max())
    if math.isfinite(far):  # then so is everything in both
        return far / max(float(b.abs().max()), 1e-6)
    finite = torch.isfinite(b)
    if not torch.equal(finite, torch.isfinite(a)):
        return math.inf
    if not torch.equal(torch.nan_to_num(a[~finite], nan=0.5), torch.nan_to_num(b[~finite], nan=0.5)):
        return math.inf
    if not finite.any():
        return 0.0
    scale = float(b[finite].abs().max())
    return float((a[finite] - b[finite]).abs().max()) / max(scale, 1e-6)


def differs(expected: Any, came: Any, tolerance: float, where: str = "the result", axes: str = "") -> Mismatch | None:
    """The first difference between two values, in the learner's words; None where there is none."""
    import torch

    if isinstance(expected, torch.Tensor):
        if came is None:
            return Mismatch("none", f"{where} is None")
        if not isinstance(came, torch.Tensor):
            return Mismatch("type", f"{where} is {named(came)}, not a tensor of shape {shaped(expected.shape, axes)}")
        if came.shape != expected.shape:
            return Mismatch("shape", f"{where} has the shape {tuple(came.shape)}, not {shaped(expected.shape, axes)}")
        if came.dtype != expected.dtype:
            return Mismatch("dtype", f"{where} is {short(came.dtype)}, not {short(expected.dtype)}")
        if close(came, expected, tolerance):
            return None
        if came.isnan().any() and not expected.isnan().any():
            return Mismatch("nan", f"{where} has {int(came.isnan().sum())} NaN among its {came.numel()} numbers")
        return Mismatch("values", f"{where} is wrong", departure(came, expected), where, expected, came)
    if isinstance(expected, bool) or expected is None or isinstance(expected, str | bytes):
        if type(came) is not type(expected):
            return Mismatch("type", f"{where} is {named(came)}, not {named(expected)}")
        return (
            None
            if came == expected
            else Mismatch("values", f"{where} is {_not(came, expected)}", math.inf, where, expected, came)
        )
    if isinstance(expected, int | float):
        if isinstance(came, torch.Tensor) and came.numel() == 1:
            came = came.item()  # a learner may return a tensor of one number for a number
        if isinstance(came, bool) or not isinstance(came, int | float):
            return Mismatch("type", f"{where} is {named(came)}, not a number")
        if isinstance(expected, int) and came == expected:
            return None
        a, b = torch.tensor(float(came), dtype=torch.float64), torch.tensor(float(expected), dtype=torch.float64)
        if isinstance(expected, float) and close(a, b, tolerance):
            return None
        return Mismatch("values", f"{where} is {_not(came, expected)}", departure(a, b), where, expected, came)
    if isinstance(expected, list | tuple):
        if not isinstance(came, list | tuple):
            what = f"{named(expected)} of {len(expected)}"
            return Mismatch("none" if came is None else "type", f"{where} is {named(came)}, not {what}")
        if len(came) != len(expected):
            return Mismatch(
                "shape", f"{where} has {len(came)} items, not {len(expected)}: {brief(came)}, not {brief(expected)}"
            )
        parts = [part.strip() for part in axes.split(",")] if "," in axes else [axes] * len(expected)
        for n, (e, c) in enumerate(zip(expected, came, strict=True)):
            name = f"item {n} of {where}" if len(expected) > 1 else where
            if found := differs(e, c, tolerance, name, parts[n] if n < len(parts) else ""):
                return found
        return None
    if isinstance(expected, dict):
        if not isinstance(came, dict):
            return Mismatch("type", f"{where} is {named(came)}, not a dict")
        if set(came) != set(expected):
            return Mismatch(
                "shape",
                f"{where} has the keys {brief(sorted(map(str, came)))}, not {brief(sorted(map(str, expected)))}",
            )
        for key, e in expected.items():
            if found := differs(e, came[key], tolerance, f"{where}[{key!r}]"):
                return found
        return None
    if isinstance(expected, set | frozenset):
        return None if came == set(expected) else Mismatch("values", f"{where} is {brief(came)}, not {brief(expected)}")
    if isinstance(expected, Other):
        return None if came == expected else Mismatch("type", f"{where} is {named(came)}, not {expected.what}")
    raise TypeError(f"a reference returned a {type(expected).__name__}, which no learner's answer can be compared with")


def _not(came: Any, expected: Any) -> str:
    """``0.8391, not 0.8392``: with as many digits as differ."""
    shown = told_apart(came, expected, lambda value, digits: brief(value, digits=max(digits, 6)))
    return f"{shown[0]}, not {shown[1]}"


def compare(expected: CallResult, came: CallResult, tolerance: float, axes: str = "") -> Mismatch | None:
    """The first difference between two results; values first, then gradients, then what else a call may do wrong."""
    if expected.raised and came.raised:
        return None if expected.raised.type == came.raised.type else Mismatch("raised", "")
    if came.raised:
        return Mismatch("raised", f"{came.raised.type}: {one_line(came.raised.message)}")
    if expected.raised:
        return Mismatch("raises", f"it raises nothing, where {expected.raised.type} is asked for")
    right, theirs = expected.result, came.result
    assert right is not None
    assert theirs is not None
    if found := differs(right.value, theirs.value, tolerance, axes=axes):
        return found
    for n, (before, after) in enumerate(zip(_flat(right.after), _flat(theirs.after), strict=False)):
        if before.shape != after.shape or not close(after, before, 1e-12):
            return Mismatch("in-place", f"argument {n + 1} is changed by the call")
    if any(theirs.altered) and theirs.altered != right.altered:
        return Mismatch("in-place", "an argument is changed by the call")
    if any(theirs.marked) and theirs.marked != right.marked:
        return Mismatch("marked", "an argument is left with a gradient")
    if theirs.state and theirs.state != right.state:
        return Mismatch("global", f"the call changes {theirs.state[0]} for the whole program")
    return _gradients_differ(right.gradients, theirs.gradients or [], theirs.flows or [], tolerance)


def _gradients_differ(right: list | None, theirs: list, flows: list, tolerance: float) -> Mismatch | None:
    """The first gradient that differs. No gradient and one of zeros say the same, zeros but for rounding included."""
    if right is None:
        return None
    if any(e is not None and _counts(e) for e in right) and not any(flows):
        return Mismatch("gradient", "no gradient flows back from the result")
    scale = _greatest_of_all(right)
    for n, e in enumerate(right):
        c = theirs[n] if n < len(theirs) else None
        if e is None or c is None:
            if (e is not None and _counts(e)) or (c is not None and _counts(c)):
                text = f"no gradient reaches %{n}%" if c is None else f"the gradient of %{n}% is wrong"
                return Mismatch("gradient", text, expected=e, came=c)
        elif e.shape != c.shape or not _near_gradient(c, e, scale, tolerance):
            text = f"the gradient of %{n}% is wrong"
            if bool(c.isnan().any()) and not bool(e.isnan().any()):
                text = f"the gradient of %{n}% is NaN"
            size = departure(c, e) if e.shape == c.shape else math.inf
            return Mismatch("gradient", text, size, expected=e, came=c)
    return None


def _counts(gradient: Any) -> bool:
    """Whether a gradient is more than what rounding leaves of 0."""
    return bool(gradient.numel()) and not float(gradient.abs().max()) <= 1e-11  # a NaN counts


def _greatest_of_all(gradients: list) -> float:
    """The greatest absolute value of all finite gradients: one that is zero by cancellation has no scale of its own."""
    sizes = [float(g.abs().max()) for g in gradients if g is not None and g.numel()]
    return max((size for size in sizes if math.isfinite(size)), default=1.0) if sizes else 1.0


def _near_gradient(c: Any, e: Any, scale: float, tolerance: float) -> bool:
    """Close, relative to the greatest of all gradients."""
    if not e.numel():
        return True
    far = float((c - e).abs().max())
    if not math.isfinite(far):
        return close(c, e, tolerance)
    return far <= 10 * tolerance * max(scale, 1e-6)


def _flat(after: list) -> Iterator[Any]:
    for step in after:
        yield from step


# -- small words ---------------------------------------------------------------------------------------------------------


def short(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def shaped(shape: Any, axes: str) -> str:
    """``(b h t k) = (2, 3, 5, 8)``, or the plain shape where the axes have no names."""
    names = axes.split()
    plain = str(tuple(shape))
    return f"({' '.join(names)}) = {plain}" if len(names) == len(tuple(shape)) and names else plain


def named(value: Any) -> str:
    """What kind of thing a value is, with an article."""
    import torch

    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if value is None:
        return "None"
    kind = value.what if isinstance(value, Other) else type(value).__name__
    kind = re.sub(r"^exercise_\w+\.", "", kind)
    return kind if kind.startswith(("a ", "an ")) else f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def brief(value: Any, limit: int = 100, digits: int = 6) -> str:
    """A value in few characters; floats with `digits` digits, tensors with two fewer."""
    import torch

    if isinstance(value, torch.Tensor):
        text = numbers(value, digits=max(digits - 2, 4))
    elif isinstance(value, float):
        text = f"{value:.{digits}g}"
    elif isinstance(value, Function):
        text = value.source
    elif isinstance(value, list | tuple) and any(
        isinstance(item, float | torch.Tensor | list | tuple) for item in value
    ):
        inner = ", ".join(brief(item, limit, digits) for item in value)
        text = f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    else:
        text = repr(value)
    text = one_line(text)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def numbers(tensor: Any, limit: int = 16, digits: int = 4) -> str:
    """The numbers of a small tensor in nested brackets, the first few of a large one."""

    def number(x: Any) -> str:
        if isinstance(x, bool | int):
            return str(x)
        return f"{x:.{digits}g}"

    def nested(x: Any) -> str:
        return f"[{', '.join(nested(y) for y in x)}]" if isinstance(x, list) else number(x)

    tensor = tensor.detach()
    if tensor.numel() <= limit:
        return nested(tensor.tolist())
    head = ", ".join(number(x) for x in tensor.reshape(-1)[:8].tolist())
    return f"[{head}, ... {tensor.numel()} numbers]"


def value_line(value: Any, digits: int = 4) -> str:
    """A result as a line of details: tensors with shape and dtype."""
    import torch

    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {short(value.dtype)} {numbers(value, digits=digits)}"
    if isinstance(value, tuple | list) and any(isinstance(item, torch.Tensor) for item in value):
        return "; ".join(value_line(item, digits) for item in value)
    return brief(value, 300, max(digits, 6))


def told_apart(one: Any, other: Any, tell: Any) -> tuple[str, str]:
    """Both as ``tell(value, digits)`` writes them, with as few digits as let them differ: up to 17.

    Of tensors too large to be shown whole, from the first place on at which they differ.
    """
    shown, place = ("", ""), _first_apart(one, other)
    if place is not None:
        at = f"{tuple(one.shape)} {short(one.dtype)} from [{', '.join(str(int(n)) for n in place)}] on"
        one, other = (value[tuple(place)[:-1]][int(place[-1]) :][:8] for value in (one, other))
        shown = told_apart(one, other, lambda value, digits: numbers(value, digits=digits))
        return f"{at}: {shown[0]}", f"{at}: {shown[1]}"
    for digits in (4, 6, 8, 10, 12, 14, 17):
        shown = (tell(one, digits), tell(other, digits))
        if shown[0] != shown[1]:
            break
    return shown


def _first_apart(one: Any, other: Any) -> Any:
    """The first place at which two tensors differ, where they are of one shape and too large to be shown whole."""
    import torch

    if not isinstance(one, torch.Tensor) or not isinstance(other, torch.Tensor) or one.shape != other.shape:
        return None
    if one.numel() <= 16 or one.is_complex() or other.is_complex():
        return None
    far = (one.detach().double() - other.detach().double()).abs()
    scale = float(torch.nan_to_num(one.detach().double(), 0.0, 0.0, 0.0).abs().max())
    places = (~(far <= 1e-12 * scale)).nonzero()
    return places[0] if len(places) else None


def one_line(text: str) -> str:
    """Text that stays on one line and does nothing to a terminal."""
    return " ".join("".join(c if c.isprintable() or c in "\n\t" else "?" for c in str(text)).split())
