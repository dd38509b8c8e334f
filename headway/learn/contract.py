"""What an exercise's cases.py and mistakes.py may define, read once and checked: the one place that knows their names.

docs/exercises.md carries the same table (`table` writes it; a test holds them together).
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from headway.base.errors import HeadwayError
from headway.learn.cases import Case, Law, Mistake
from headway.learn.exercise import Exercise

TOLERANCE = 1e-9
"""Relative to the greatest absolute value of the reference, in float64, unless cases.py has its own."""

NAMES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "ENTRIES": (
        tuple,
        "names the learner's file must define; cases.py defines each too: *the reference*, written for reading",
    ),
    "SIZES": (
        dict,
        '`{"b": (1, 3), "k": [4, 8], "t": (1, "s")}`: range, list of options, or a range up to another size',
    ),
    "RETURNS": (
        dict,
        '`{"attend": "b h t w"}`: axes of the result, for messages; several tensors: `"t k/2, t k/2"`',
    ),
    "FORBIDDEN": (
        dict,
        '`{"softmax": "why"}`: torch functions (or classes) that may not be called, packages that may not be imported, by '
        "bare name; `AUTOGRAD` lists all that differentiates",
    ),
    "NOTED": (dict, "the same, but the answer passes and the remark is shown"),
    "ALLOWED": (tuple, "modules of headway that may be imported; everything else of headway is refused"),
    "OPTIONAL": (tuple, "parameters of the reference that the learner's module may do without (they are 0 then)"),
    "ORDER": (int, "place within the topic"),
    "TOLERANCE": (float, "relative, in float64, in place of 1e-9"),
    "LIMITS": (
        dict,
        '`{"seconds": 4, "wall": 12, "memory": 1 << 30}`: processor seconds, seconds on the clock, bytes',
    ),
    "RAISES": (tuple, 'exception types that a right answer raises on purpose, `("ValueError",)`'),
    "PLUG": (
        dict,
        '`{"headway.blocks.rotary.rotate": "rotate"}`, what the answer replaces in a real model; or `plug(task)`, which '
        "returns functions",
    ),
    "LEAVES_NO_GRAD": (
        bool,
        "True: no tensor that is given may hold a `.grad` after the call, or ask for one as it did not before",
    ),
    "WEIGHT_STD": ((int, float), "spread of the weights drawn for a module, times 1/sqrt(width); 1"),
}
"""Name in cases.py -> its type, and what it is for."""

FUNCTIONS: dict[str, str] = {
    "@case(name, ...)": '`def f(d): return Call("attend", q=d.normal("b h t k"), ...)`; at least one per kind of input',
    "@law(sentence)": "`def f(learner, d): return near(learner.attend(...), ...)`; the sentence says what a *broken* law "
    "means: only what was seen, no cause that was not tested",
    "note(name, value)": "used inside the reference, which goes on with what it returns: a wrong answer is told the first of "
    "these it did not compute, or how one of them is another",
    "valid(sizes)": "whether sizes fit together",
    "plug(task)": "see `PLUG`",
}


@dataclass(frozen=True)
class CheckLimits:
    """Bounds of one check: processor seconds, seconds on the clock, bytes beyond torch itself."""

    seconds: float = 3.0
    wall: float = 10.0
    memory: int = 1 << 30


@dataclass(frozen=True)
class Contract:
    """An exercise's cases.py, read. Fields are called as there, in lower case; see `NAMES`."""

    entries: tuple[str, ...]
    references: dict[str, Any]
    cases: tuple[Case, ...]
    laws: tuple[Law, ...]
    sizes: dict[str, Any]
    returns: dict[str, str] = field(default_factory=dict)
    forbidden: dict[str, str] = field(default_factory=dict)
    noted: dict[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    leaves_no_grad: bool = False
    weight_std: float = 1.0
    limits: CheckLimits = field(default_factory=CheckLimits)
    valid: Callable[[dict[str, int]], bool] = lambda sizes: True
    plug: Callable[[Any], dict[str, Callable]] | dict[str, str] | None = None

    def is_class(self, entry: str) -> bool:
        return inspect.isclass(self.references[entry])


def contract_of(exercise: Exercise) -> Contract:
    """Read cases.py. Never in a process that runs a learner's code.

    Raises:
        HeadwayError: it defines too little, or something that is not what its name asks for.
    """
    return read_contract(exercise.load("cases"), exercise.id)


def read_contract(module: ModuleType, exercise: str) -> Contract:
    """The contract in a module that has been imported. Raises `HeadwayError`."""

    def refuse(what: str) -> HeadwayError:
        return HeadwayError(f"cases.py of {exercise}: {what}.")

    given: dict[str, Any] = {}
    for name, value in vars(module).items():
        if name in NAMES:
            kind = NAMES[name][0]
            if kind is tuple and isinstance(value, list):
                value = tuple(value)
            if kind is float and isinstance(value, int):
                value = float(value)
            if not isinstance(value, kind):
                raise refuse(f"{name} is a {type(value).__name__}")
            given[name.lower()] = value
        elif name.isupper() and (meant := difflib.get_close_matches(name, NAMES, 1, 0.8)):
            raise refuse(f"nothing reads {name}; {meant[0]} is meant, or give it another name")
    if not given.get("entries"):
        raise refuse("ENTRIES is missing: the names that the learner's file must define")
    references = {entry: getattr(module, entry, None) for entry in given["entries"]}
    if missing := [entry for entry, reference in references.items() if not callable(reference)]:
        raise refuse(f"it defines no reference {' and no '.join(missing)}")
    if strangers := set(given.get("returns", ())) - set(references):
        raise refuse(f"RETURNS names {', '.join(sorted(strangers))}, which is no entry")
    given.pop("order", None)
    try:
        limits = CheckLimits(**given.pop("limits", {}))
    except TypeError as error:
        raise refuse(f"LIMITS has seconds, wall and memory ({error})") from error
    if "wall" not in getattr(module, "LIMITS", {}):
        limits = CheckLimits(limits.seconds, max(limits.wall, 3 * limits.seconds), limits.memory)
    values = list(vars(module).values())
    return Contract(
        references=references,
        cases=tuple(value for value in values if isinstance(value, Case)),
        laws=tuple(value for value in values if isinstance(value, Law)),
        sizes=given.pop("sizes", {}),
        limits=limits,
        plug=getattr(module, "plug", None) or given.pop("plug", None),
        **({"valid": module.valid} if hasattr(module, "valid") else {}),
        **{name: value for name, value in given.items() if name != "plug"},
    )


def mistakes_of(exercise: Exercise) -> list[Mistake]:
    """Every mistake of an exercise's mistakes.py, in order. Never in a process that runs a learner's code."""
    return mistakes_in(exercise.load("mistakes"))


def mistakes_in(module: ModuleType) -> list[Mistake]:
    """Every mistake that a module defines, alone or in lists, in order."""
    found: list[Mistake] = []
    for value in vars(module).values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mistake) and item not in found:
                found.append(item)
    return found


def table() -> str:
    """The table of docs/exercises.md: what cases.py may define."""
    rows = [(f"`{name}`", what) for name, (_, what) in NAMES.items()]
    rows[2:2] = [(f"`{name}`", what) for name, what in FUNCTIONS.items()]
    return "| name | what |\n|---|---|\n" + "\n".join(f"| {name} | {what} |" for name, what in rows) + "\n"
