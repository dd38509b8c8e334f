"""Where on its way a wrong answer leaves the right one: what the learner's lines computed, held against the reference's steps."""

from __future__ import annotations

import math
import re
from typing import Any

from headway.learn.cases import noted
from headway.learn.judge.compare import close, numbers, short, told_apart
from headway.learn.judge.perform import leaves
from headway.learn.judge.showing import sizes_told, source_line
from headway.learn.judge.trials import Run, Trial

MAKERS = frozenset(
    [
        *(
            "arange",
            "zeros",
            "ones",
            "full",
            "empty",
            "eye",
            "linspace",
            "logspace",
            "tensor",
            "as_tensor",
            "zeros_like",
        ),
        *("ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
    ]
)
"""Functions that make a tensor and compute nothing of the inputs."""


def traced(run: Run, trial: Trial) -> list[tuple[int, str, Any]]:
    """Every tensor that the learner's lines computed on an input, in order: (line, function, tensor)."""
    import torch

    reply = run.child.ask("trace", trial.request)
    return [
        (row[0], str(row[1]), row[2])
        for row in (reply.get("ok") or [])
        if isinstance(row, list) and len(row) == 3 and isinstance(row[0], int) and isinstance(row[2], torch.Tensor)
    ]


def computed(run: Run, trial: Trial, wanted: dict[str, Any]) -> list[str]:
    """The names of those tensors that a line of the learner's code has on an input, in their order."""
    seen = [row[2] for row in traced(run, trial)]
    return [name for name, value in wanted.items() if any(_alike(tensor, value) for tensor in seen)]


def low_precision(run: Run, trial: Trial) -> tuple[int, str] | None:
    """The first line that computes in fewer digits than float64 what they cannot hold, and in which type."""
    for line, _, tensor in traced(run, trial):
        few = tensor.is_floating_point() and tensor.dtype.itemsize < 8
        if few and tensor.numel() and not bool((tensor == tensor.round()).all()):
            return line, short(tensor.dtype)
    return None


def first_to_depart(run: Run, trial: Trial) -> list[str]:
    """The first noted intermediate of the reference, behind all that are found, that the learner's code does not compute.

    One that is missing while a later one is there has not gone wrong: it was done without. Nor has one that is there with the
    other sign: where the minus belongs is seen at the next. And one that no line seems to be meant for may have been done
    within a call (scaled_dot_product_attention): then what is right before it is all that can be said.
    """
    if run.instead:
        return []
    reference = run.contract.references[trial.call.entry]
    import torch

    steps = noted(lambda: run.result(reference, trial.request))
    wanted = [(name, value) for name, value in steps if isinstance(value, torch.Tensor)]
    if not wanted:
        return []
    seen = traced(run, trial)
    final = [leaf for leaf in leaves(trial.expected.result.value) if leaf.numel() > 1] if trial.expected.result else []
    if any(_alike(row[2], leaf) for row in seen for leaf in final):
        return []  # a line of theirs has the right result: nothing on the way to it has gone wrong
    given = [leaf for value in trial.call.arguments.values() for leaf in leaves(value)]
    after, good, departed = -1, [], None
    for n, (name, value) in enumerate(wanted):
        at = next((i for i, row in enumerate(seen) if i > after and _alike(row[2], value)), None)
        if at is None:
            at = next((i for i, row in enumerate(seen) if _alike(row[2], value)), None)
        if at is not None:
            after, departed = max(after, at), None
            good.append(f"{name} (line {seen[at][0]})")
        elif any(_alike(-row[2], value) for row in seen if row[2].is_floating_point()):
            departed = None
        elif departed is None:
            departed = n
    if departed is None:
        return []
    # Of steps that only scale one another, no line tells which it is meant for: said is the last, what matters from there on.
    name, value = next(
        (name, late)
        for name, late in reversed(wanted[departed:])
        if late is wanted[departed][1] or _scaled(late, wanted[departed][1])
    )
    later = [row for row in seen[after + 1 :] if row[2].shape == value.shape and row[2].dtype == value.dtype]
    later = [row for row in later if row[1] not in MAKERS and _attempt(row[2], given)]
    # What is returned is meant for the result, and what is written bit by bit is there with the last bit.
    result = leaves(trial.came.result.value) if trial.came.result else []
    written = {row[0]: row for row in later if row[1] == "__setitem__"}
    later = [row for row in later if row[1] != "__setitem__" or written[row[0]] is row]
    if not any(_scaled(value, leaf) for leaf in final):
        later = [row for row in later if not any(_scaled(row[2], leaf) for leaf in result)]
    later = [row for row in later if not any(_alike(row[2], leaf) for leaf in result if leaf.shape == row[2].shape)]
    detail = [f"with {sizes_told(trial.draw.sizes)}:"]
    detail += [f"  right: {', '.join(good)}"] if good else []
    # The line meant for it is the one whose numbers go most with the right ones; the first where several do as much.
    together = [_together(row[2], value) for row in later]
    if max(together, default=0.0) == 0.0:
        if not good:
            return []
        verb = "are" if len(good) > 1 else _verb(good[0])
        return [f"right {verb} the {' and the '.join(good[-2:])}: what is wrong comes after", *detail]
    number, _, tensor = later[next(n for n, r in enumerate(together) if r >= max(together) - 1e-9)]
    right, theirs = told_apart(value, tensor, lambda shown, digits: numbers(shown, digits=digits))
    detail += [f"  {name}: expected {right}", f"  {name}: line {number} has {theirs}"]
    return [f"the first to go wrong {_verb(name)} the {name}, in line {number}: `{source_line(run, number)}`", *detail]


def _verb(name: str) -> str:
    """``are`` for names in the plural: `weights (b s)`, `exponents 2i/d`, `losses of the targets`."""
    words = re.split(r" of | \(|,", name)[0].split()
    return "are" if any(word.endswith("s") and not word.endswith("ss") for word in words) else "is"


def _together(a: Any, b: Any) -> float:
    """How far the numbers of two tensors of one shape rise and fall together, whatever the sign: 0 to 1; 0 where chance would
    do as much once in a thousand times.

    Looked at where the right number `b` is finite: what a mask hides may be anything.
    """
    a, b = a.double().reshape(-1), b.double().reshape(-1)
    a, b = a[b.isfinite()], b[b.isfinite()]
    if a.numel() < 4 or not bool(a.isfinite().all()):
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    size = float(a.norm() * b.norm())
    together = min(abs(float(a @ b)) / size, 1.0) if size > 0 else 0.0
    # Fisher's transformation: of unrelated numbers its deviation is 1 / sqrt(n - 3).
    sure = together == 1.0 or math.atanh(together) * math.sqrt(a.numel() - 3) > 3.3
    return together if sure and together >= 0.3 else 0.0


def _scaled(a: Any, b: Any) -> bool:
    """Whether a tensor is another times a number, plus another perhaps."""
    return a.shape == b.shape and _together(a, b) > 1 - 1e-9


def _attempt(tensor: Any, given: list) -> bool:
    """Whether a tensor may be meant for a step of the computation: it is no input in another shape, and not one number."""
    if tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all()):
        return False
    return not any(_alike(tensor.double(), leaf.double()) for leaf in given if leaf.numel() == tensor.numel())


def _alike(a: Any, b: Any) -> bool:
    """Whether a tensor holds the numbers of another, in whatever order of the axes."""
    if a.numel() != b.numel() or a.is_complex() or b.is_complex():
        return False
    if a.shape == b.shape and close(a, b, 1e-8):
        return True
    if a.shape == b.shape and a.dim() > 1 and len(set(a.shape)) > 1:
        return False
    return close(a.double().reshape(-1).sort().values, b.double().reshape(-1).sort().values, 1e-8)


def difference_quotient(run: Run, trial: Trial) -> int | None:
    """The line that moves an input in one number at a time, or by a little in two opposite ways; None where none does.

    What a derivative written out computes does not do that: its first steps change all numbers, and by more than a little.
    """
    import torch

    seen = traced(run, trial)
    for value in trial.call.arguments.values():
        for given in leaves(value):
            if not given.is_floating_point() or given.numel() < 2:
                continue
            x = given.detach().double().reshape(-1)
            scale = float(x.abs().max())
            moves = []
            for line, _, tensor in seen:
                if tensor.is_floating_point() and tensor.numel() == x.numel():
                    move = tensor.double().reshape(-1) - x
                    moves.append((line, move))
            places: set[int] = set()
            for line, move in moves:
                if int((move != 0).sum()) == 1:
                    places.add(int(move.abs().argmax()))
                if len(places) > 1:
                    return line
            moves = [(line, move) for line, move in moves if 0 < float(move.abs().max()) <= 0.05 * scale]
            for n, (line, move) in enumerate(moves):
                opposite = (other for _, other in moves[:n])
                if any(bool(torch.isclose(move, -o, rtol=1e-4, atol=1e-12 * scale).all()) for o in opposite):
                    return line
    return None
