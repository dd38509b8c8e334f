"""One call carried out, and everything that can be compared collected: the same code for learner, reference and mistakes."""

from __future__ import annotations

import contextlib
import dataclasses
import marshal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from headway.learn.cases import Function
from headway.learn.judge.placement import Placement, WeightRow

LONGEST = 10_000
"""Items taken from an iterator that a learner's function returned; further ones are not asked for."""


@dataclass
class CallRequest:
    """One call to be carried out, without its answer.

    Attributes:
        entry: The function or class of the learner's file.
        steps: (method, positional, keyword) per step.
        made: Where the entry is a class, the arguments it is made with: [positional, keyword].
        weights: Where that class is a module, our weights by name, and `plan` where each goes; `adapter`: the learner's own
            ``weights(model)`` says where.
        cotangents: What each floating output is multiplied by before the sum that is differentiated; ones if None; or a
            function that is given the outputs and returns these.
        gradient: Whether gradients are wanted at all.
        layout: How the arguments lie in memory; see `fresh_copy`.
        leaves_no_grad: Whether it is looked at what gradients the call leaves on its arguments.
    """

    entry: str
    steps: list
    made: list | None = None
    weights: dict[str, Any] | None = None
    plan: list[WeightRow] = field(default_factory=list)
    adapter: bool = False
    cotangents: Any = None
    gradient: bool = False
    layout: str = "plain"
    leaves_no_grad: bool = False

    def spread(self) -> dict[str, Any]:
        """As plain data for the wire."""
        return {**vars(self), "plan": [list(dataclasses.astuple(row)) for row in self.plan]}

    @classmethod
    def gather(cls, spread: dict[str, Any]) -> CallRequest:
        """Back from plain data."""
        fields: dict[str, Any] = {**spread, "plan": [WeightRow(*row) for row in spread["plan"]]}
        return cls(**fields)


@dataclass
class Performed:
    """What came of a call that returned.

    Attributes:
        value: Of the one step, or the list of all.
        after: The tensors among the arguments after the call, per step.
        altered: The places of arguments in which anything else was changed (a list, a dict), per step.
        state: Global switches that the call left changed.
        marked: The places of arguments with a tensor that holds a gradient after the call, or asks for one as it did not
            before, per step; empty where that is not looked at.
        flows: Whether each floating output depends on a floating input; None where no gradients were wanted.
        gradients: Of the inputs, then of the weights, None where nothing flows; None where none were wanted.
    """

    value: Any
    after: list
    altered: list
    state: list
    flows: list | None = None
    gradients: list | None = None
    marked: list = field(default_factory=list)


@dataclass
class Raised:
    """An exception as plain data: its type's name, its text, frames [file, line, function], the names of its bases."""

    type: str
    message: str
    frames: list
    kinds: list
    name: str | None = None


@dataclass
class CallResult:
    """What one call came to: it returned, or it raised."""

    result: Performed | None = None
    raised: Raised | None = None


def perform(target: Any, request: CallRequest, placement: Placement | None) -> Performed:
    """Carry out one call of `target`, a function, or a class where the request says what it is made with."""
    import torch

    before = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled())
    tracked: list[Any] = []
    parameters: list[Any] = []

    made, wanted, cotangents = request.made, request.gradient, request.cotangents

    def fresh(value: Any) -> Any:
        return fresh_copy(value, request.layout)

    def prepare(value: Any) -> Any:
        value = fresh(value)
        for leaf in leaves(value):
            if wanted and leaf.is_floating_point():
                leaf.requires_grad_(True)
                tracked.append(leaf)
        return value

    values = []
    arguments = []
    altered = []
    if made is not None:
        positional = [argument_made(fresh(value)) for value in made[0]]
        keyword = {name: argument_made(fresh(value)) for name, value in made[1].items()}
        if placement is None:
            target = target(*positional, **keyword)
        else:
            dtype = next(iter(placement.values.values())).dtype
            torch.set_default_dtype(dtype)
            try:
                target = target(*positional, **keyword)
            finally:
                torch.set_default_dtype(before[0])
            if isinstance(target, torch.nn.Module):
                target.to(dtype).eval()
            parameters = placement.put(target)
    for method, positional, keyword in request.steps:
        positional = [argument_made(prepare(value)) for value in positional]
        keyword = {name: argument_made(prepare(value)) for name, value in keyword.items()}
        arguments.append([positional, keyword])
        before_call = [outline(value) for value in (*positional, *keyword.values())]
        if method.startswith("["):
            values.append(collect(getattr(target, method[1:-1])))
        elif method in ("", "__call__"):
            values.append(collect(target(*positional, **keyword)))
        else:
            values.append(collect(getattr(target, method)(*positional, **keyword)))
        outlines = zip((*positional, *keyword.values()), before_call, strict=True)
        altered.append([n for n, (value, was) in enumerate(outlines) if outline(value) != was])
    after = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled())
    changed = [
        name
        for name, a, b in zip(("the default dtype", "gradients on or off", "determinism"), before, after, strict=True)
        if a != b
    ]
    torch.set_default_dtype(before[0])
    torch.set_grad_enabled(before[1])
    performed = Performed(
        value=values[0] if len(values) == 1 else values,
        after=[[leaf.detach() for leaf in leaves(pair)] for pair in arguments],
        altered=altered,
        state=changed,
    )
    if request.leaves_no_grad:
        for positional, keyword in arguments:
            rows = [leaves(value) for value in (*positional, *dict(keyword).values())]
            performed.marked.append(
                [
                    n
                    for n, row in enumerate(rows)
                    if any(t.grad is not None or (t.requires_grad and not wanted) for t in row)
                ]
            )
    if wanted:
        floating = [leaf for leaf in leaves(values) if leaf.is_floating_point()]
        performed.flows = [leaf.requires_grad for leaf in floating]
        loss = torch.zeros((), dtype=torch.float64)
        if callable(cotangents):
            cotangents = cotangents(floating)
        given = cotangents if cotangents is not None and len(cotangents) == len(floating) else None
        for n, leaf in enumerate(floating):
            if leaf.requires_grad:
                factor = given[n] if given is not None and given[n].shape == leaf.shape else 1.0
                loss = loss + (leaf * factor).sum()
        sources = [t for t in (*tracked, *parameters) if t.requires_grad]
        gradients: list[Any] = [None] * (len(tracked) + len(parameters))
        if loss.requires_grad and sources:
            found = iter(torch.autograd.grad(loss, sources, allow_unused=True))
            gradients = [next(found) if t.requires_grad else None for t in (*tracked, *parameters)]
        of_weights = placement.cut(gradients[len(tracked) :]) if placement is not None and made is not None else []
        performed.gradients = gradients[: len(tracked)] + of_weights
    return performed


def argument_made(value: Any) -> Any:
    """An argument as a function is given it: what travelled as source text is made."""
    return value.make() if type(value) is Function else value


def collect(value: Any) -> Any:
    """An iterator's items as a list, everything else as it is."""
    if isinstance(value, Iterator):
        items = []
        for item in value:
            items.append(item)
            if len(items) >= LONGEST:
                break
        return items
    return value


def leaves(value: Any) -> list[Any]:
    """Every plain tensor in a tree of lists, tuples and dicts, in order."""
    import torch

    if type(value) is torch.Tensor or type(value) is torch.nn.Parameter:
        return [value]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return []


def outline(value: Any) -> Any:
    """What a tree of lists, tuples, dicts and sets holds besides tensors, for comparison before and after a call."""
    with contextlib.suppress(ValueError):  # no tensors or other objects in it
        return marshal.dumps(value, 2)
    if isinstance(value, list | tuple):
        return [outline(item) for item in value]
    if isinstance(value, dict):
        return {repr(key): outline(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    return repr(value) if value is None or isinstance(value, bool | int | float | str | bytes) else type(value).__name__


def fresh_copy(value: Any, layout: str = "plain") -> Any:
    """A copy that shares nothing.

    Layout "strided": all axes lie in memory in the reverse order. Layout "offset": every tensor is a view of every other
    number of a larger one, beginning at its third; in between stand numbers that belong to nobody.
    """
    import torch

    if type(value) is torch.Tensor:
        if layout == "strided" and value.dim() >= 2 and value.numel() > 1:
            back = tuple(reversed(range(value.dim())))
            return value.permute(back).contiguous().permute(back)
        if layout == "offset" and value.dim() >= 1 and value.numel() > 0:
            wide = value.reshape(-1).flip(0).repeat_interleave(2)
            if value.is_floating_point():
                wide = torch.full_like(wide, 1e3)
            wide = torch.cat([wide[:1].repeat(3), wide])
            wide[3::2] = value.reshape(-1)
            return wide[3::2].view(value.shape)
        return value.clone()
    if isinstance(value, list):
        return [fresh_copy(item, layout) for item in value]
    if isinstance(value, tuple):
        return tuple(fresh_copy(item, layout) for item in value)
    if isinstance(value, dict):
        return {name: fresh_copy(item, layout) for name, item in value.items()}
    return value


def raised(error: BaseException) -> Raised:
    """An exception as plain data. Source lines are filled in by the other side, which may read the file."""
    try:
        text = str(error)[:2000]
    except BaseException:
        text = ""
    frames, trace = [], error.__traceback__
    while trace is not None and len(frames) < 2000:
        code = trace.tb_frame.f_code
        frames.append([code.co_filename, trace.tb_lineno, code.co_name])
        trace = trace.tb_next
    return Raised(
        type=type(error).__name__,
        message=text,
        frames=frames[:3] + frames[3:][-40:],
        kinds=[kind.__name__ for kind in type(error).__mro__],
        name=getattr(error, "name", None) if isinstance(error, ImportError) else None,
    )
