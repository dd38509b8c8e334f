"""Values and shapes in few words, on one line, with as many digits as are needed to tell two of them apart."""

from __future__ import annotations

import re
from typing import Any

from headway.learn.cases import Function
from headway.learn.judge.wire import Other


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
