"""The judge's weights in a module's parameters, and the gradients that belong to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WeightRow:
    """Where one of our weights lies in one of the learner's parameters.

    Attributes:
        ours: The name of our weight.
        theirs: The name of their parameter; `#` in it stands for any number, and then several parameters may match.
        start: The first row of the parameter that is ours.
        length: How many rows are; None for all.
        transposed: Whether the parameter is stored the other way round, so that its columns are meant.
        groups: The parameter holds `of` weights interleaved: in each of `groups` groups of rows a piece of every weight,
            ours the one at `at`. 1 where they are stacked one after the other.
        at: See `groups`.
        of: See `groups`.
    """

    ours: str
    theirs: str
    start: int = 0
    length: int | None = None
    transposed: bool = False
    groups: int = 1
    at: int = 0
    of: int = 1


@dataclass
class Layer:
    """A weight and, maybe, the bias that goes with it."""

    name: str
    weight: str
    shape: tuple[int, ...]
    bias: str | None = None
    count: int = 1


@dataclass
class Holding:
    """One of the learner's layers and those of ours that it holds, in order.

    `transposed`: it is stored the other way round. `groups`: the name of the argument with which the class is made that says
    in how many groups of rows ours alternate (`EVERY_ROW`: row by row); "" where they are stacked.
    """

    theirs: Layer
    ours: tuple[Layer, ...]
    transposed: bool = False
    groups: str = ""


EVERY_ROW = "every row"


@dataclass
class Fit:
    """An assignment: for each of the learner's layers the ones of ours that it holds; `absent` are ours that none holds."""

    holdings: list[Holding]
    absent: tuple[str, ...] = ()

    def plan(self, weights: dict[str, Any], made: dict[str, Any]) -> list[WeightRow]:
        """Where each of these weights goes, in a module that is made with these arguments."""
        rows: list[WeightRow] = []
        for holding in self.holdings:
            theirs, start, of = holding.theirs, 0, len(holding.ours)
            for at, mine in enumerate(holding.ours):
                length = len(weights[mine.weight])
                groups = length if holding.groups == EVERY_ROW else int(made.get(holding.groups, 1))
                # The number of parameters behind a `#` changes with the sizes, so their whole length is asked for.
                extent = (0, None) if theirs.count > 1 else (start, length)
                alternating = (groups, at, of) if of > 1 else (1, 0, 1)
                rows.append(WeightRow(mine.weight, theirs.weight, *extent, holding.transposed, *alternating))
                if mine.bias and theirs.bias:
                    rows.append(WeightRow(mine.bias, theirs.bias, *extent, False, *alternating))
                start += length
        return rows

    def told(self) -> str:
        """``q = wq, k = wk, ...``: the assignment in the learner's names."""
        parts = []
        for holding in self.holdings:
            names = " and ".join(mine.name for mine in holding.ours)
            how = ["stored transposed"] if holding.transposed else []
            if holding.groups:
                how.append(
                    "row by row" if holding.groups == EVERY_ROW else f"alternating, one of each per {holding.groups}"
                )
            note = f" ({', '.join(how)})" if how else ""
            parts.append(f"{names} = {holding.theirs.name.replace('#', 'N')}{note}")
        return ", ".join(parts)


class Placement:
    """Puts given weights into a module's parameters, and finds the gradients that belong to them.

    Either `plan` says where each goes, or the learner's own ``weights(model)`` does, which returns their tensor, or views
    of theirs, for each of our names.
    """

    def __init__(self, values: dict[str, Any], plan: list[WeightRow], adapter: Callable | None = None) -> None:
        self.values, self.plan, self.adapter = values, plan, adapter
        self.views: dict[str, list[Any]] = {}
        self.parameters: list[Any] = []

    def put(self, model: Any) -> list[Any]:
        """Copy the weights in. Returns the module's parameters, with respect to which to differentiate."""
        import torch

        self.parameters = list(model.parameters())
        named = dict(model.named_parameters())
        with torch.no_grad():
            if self.adapter is None:
                for row in self.plan:
                    self.views[row.ours] = [_part(named[name].detach(), row) for name in matching(row.theirs, named)]
            else:
                for name, target in self.adapter(model).items():
                    self.views[name] = list(target) if isinstance(target, list | tuple) else [target]
            for name, targets in self.views.items():
                if name not in self.values:
                    raise KeyError(f"weights() names '{name}', which is none of {', '.join(self.values)}")
                for target in targets:
                    if not isinstance(target, torch.Tensor):
                        raise TypeError(f"weights() gives a {type(target).__name__} for '{name}', not a tensor")
                for target, piece in zip(targets, _pieces(name, self.values[name], targets), strict=True):
                    target.copy_(piece)
        return self.parameters

    def cut(self, gradients: list[Any]) -> list[Any]:
        """The gradient of each of our weights, in the order of `values`; None where none flows."""
        import torch

        homes = {p.untyped_storage().data_ptr(): g for p, g in zip(self.parameters, gradients, strict=True)}
        found = []
        for name, value in self.values.items():
            parts = []
            for view in self.views.get(name, []):
                home = homes.get(view.untyped_storage().data_ptr())
                if home is not None:
                    flat = home.contiguous()
                    parts.append(flat.as_strided(view.size(), view.stride(), view.storage_offset()).reshape(-1))
            whole = torch.cat(parts) if parts else None
            found.append(whole.reshape(value.shape) if whole is not None and whole.numel() == value.numel() else None)
        return found


def matching(pattern: str, names: Any) -> list[str]:
    """The names that `pattern` stands for, `#` being any number, in the order of the numbers."""
    form = re.compile(re.escape(pattern).replace("\\#", r"(\d+)"))
    found = [(tuple(map(int, match.groups())), name) for name in names if (match := form.fullmatch(name))]
    return [name for _, name in sorted(found)]


def _part(parameter: Any, row: WeightRow) -> Any:
    """The view of a parameter in which a row's weight lies."""
    rows = parameter.t() if row.transposed else parameter
    if row.groups > 1:
        return rows.unflatten(0, (row.groups, row.of, -1))[:, row.at]
    return rows if row.length is None else rows.narrow(0, row.start, row.length)


def _pieces(name: str, value: Any, targets: list[Any]) -> list[Any]:
    """`value` cut along its first axis into one piece per target, each in its target's shape."""
    rows = value.shape[0] // len(targets) if value.dim() else 0
    cut = [value] if len(targets) == 1 else list(value.split(rows, 0))
    if len(cut) != len(targets) or any(c.numel() != t.numel() for c, t in zip(cut, targets, strict=True)):
        shapes = ", ".join(str(tuple(t.shape)) for t in targets)
        raise ValueError(f"'{name}' has the shape {tuple(value.shape)}, which does not fit yours: {shapes}")
    return [c.reshape(t.shape) for c, t in zip(cut, targets, strict=True)]
