"""What the judge is asked, and what it says: the two things that travel between its processes, each one line of JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CheckRequest:
    """One file to be judged.

    Attributes:
        exercise: The exercise's id, and `folder` where it lies.
        path: The learner's file, absolute.
        seed: Of all inputs.
        instead: For the audit: judge these of our mistakes (entry -> name) in place of the file.
        draws: At most so many draws of sizes per case; None for as many as the cases ask for.
        repeat: Only repeat this input in a process that has done nothing else (see `Unsteady`).
    """

    exercise: str
    folder: str
    path: str
    seed: int
    instead: dict[str, str] = field(default_factory=dict)
    draws: int | None = None
    repeat: Unsteady | None = None

    def line(self) -> bytes:
        """As one line of JSON."""
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> CheckRequest:
        """Back from its line."""
        row: dict[str, Any] = json.loads(line)
        row["repeat"] = Unsteady(**row["repeat"]) if row["repeat"] else None
        return cls(**row)


@dataclass(frozen=True)
class Unsteady:
    """An input on which the learner's code does not always give the same: the case's name, its sizes, draw and manner.

    Whether that is chance or memory is decided by repeating it in two fresh processes: memory repeats, chance does not.
    `suspected`: it was only ever asked for after others; that is memory where it is right when it is asked for first. `subject`:
    what a sentence about it begins with.
    """

    case: str
    sizes: dict[str, int]
    index: int
    manner: str
    suspected: bool = False
    subject: str = ""


RIGHT_WHEN_NEW = "right when new"
"""What is handed back of a suspected input that gets the right answer where no other was asked for before."""


@dataclass(frozen=True)
class Verdict:
    """What the judge says of one file.

    `status`: passed; mistake (recognised: `names` has it); wrong (not recognised: `details` show the smallest input);
    raised; unfinished (NotImplementedError); missing (no file, or no such function in it); syntax; forbidden (uses what
    the exercise does not allow); timeout; memory; exited (ended or crashed the process); garbled; broken (our fault).
    `line` says it in one sentence, `details` in a few lines, `notes` are remarks on a passing file, `printed` is what the
    file printed; `seconds` passed on the clock, `processor` seconds were computed. `at` is the line of the file it speaks of.
    """

    status: str
    line: str
    names: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    printed_bytes: int = 0
    called: tuple[str, ...] = ()
    seconds: float = 0.0
    processor: float = 0.0
    at: int | None = None
    exercise: str = ""
    path: str = ""
    seed: int = 0
    unsteady: Unsteady | None = None

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def named(self) -> bool:
        """Whether the mistake was recognised."""
        return self.status == "mistake"

    def facts(self) -> dict[str, Any]:
        """As plain data, for those who read the verdict: without what only the judge's processes tell each other."""
        rows = dataclasses.asdict(self)
        del rows["unsteady"]
        return {**{name: rows[name] for name in ("exercise", "path", "seed")}, **rows}

    def message(self) -> bytes:
        """As one line of JSON, between processes."""
        return json.dumps(dataclasses.asdict(self), default=str).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Verdict:
        """Back from its line."""
        sent: dict[str, Any] = json.loads(line)
        row: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in sent.items()}
        row["unsteady"] = Unsteady(**sent["unsteady"]) if sent["unsteady"] else None
        return cls(**row)

    def printable(self) -> Verdict:
        """The same, with no character in it that does anything to a terminal: names and texts are the learner's."""

        def plain(text: str) -> str:
            return "".join(c if c.isprintable() else " " if c in "\n\t" else "?" for c in text)

        rows = {name: tuple(plain(text) for text in getattr(self, name)) for name in ("details", "notes", "printed")}
        return dataclasses.replace(self, line=plain(self.line), **rows)
