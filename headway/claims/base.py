"""What a claim is, and how per-seed numbers become a verdict. No torch here.

A claim compares arms. For every seed each arm is run once (a *unit*, a pure function of arm and seed); a *check* turns
the numbers of one seed into one number and compares it with a threshold that was fixed before anything was run. Over the
seeds a check is decided by a sign rule, which assumes nothing about how the numbers are distributed:

    a check holds where so many seeds are on its side of the threshold that a fair coin would do as well
    with probability 0.05 or less: 5 of 5 (0.031), 6 of 6, 7 of 7, 7 of 8, 8 of 9, 9 of 10, ...

and comes out *opposite* where as many seeds lie beyond `contrary`. A check of something exact has no chance in it: one seed
beyond the threshold refutes it. From the checks:

    reproduced          every check holds, those of the negative control included
    contradicted        the control came out as it must, and a check of the claim came out opposite
    not at this scale   anything else: too weak an effect, seeds that disagree, or a control that fails
    undecided           fewer than five seeds were run
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from headway.base.paper import Paper

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers = dict[str, Any]
"""What one unit found: a name -> a float, or a list of floats (a curve)."""

Seed = Mapping[str, Numbers]
"""The numbers of one seed: the name of an arm -> its numbers."""

Word = Literal["reproduced", "not at this scale", "contradicted", "undecided"]

LEAST_SEEDS = 5
"""With fewer the sign rule cannot reach 0.05, whatever the numbers."""


@dataclass(frozen=True, kw_only=True)
class Citation:
    """Where the claim was made. `where` is a section or equation, and stays empty unless somebody looked it up."""

    paper: Paper
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One thing that is run for every seed. `control` marks the arm that must come out the other way."""

    name: str
    text: str
    control: bool = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """One inequality: `value` of a seed's numbers against `at_least` or `at_most` (exactly one of them).

    A seed speaks for the opposite where its value lies at `contrary` or beyond, seen from the claim; the stretch between
    threshold and `contrary` speaks for neither. Without `contrary`, missing the threshold is already the opposite.
    """

    text: str
    value: Callable[[Seed], float]
    at_least: float | None = None
    at_most: float | None = None
    contrary: float | None = None
    control: bool = False
    exact: bool = False

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"check '{self.text}': give either at_least or at_most")
        if self.contrary is not None and self._beyond(self.contrary, self.threshold) is False:
            raise ValueError(f"check '{self.text}': contrary lies on the claim's own side of the threshold")

    @property
    def threshold(self) -> float:
        """The number fixed beforehand."""
        return self.at_least if self.at_least is not None else self.at_most  # type: ignore[return-value]

    @property
    def sign(self) -> str:
        """How the threshold is written: ``>= 0.2`` or ``<= 0.2``."""
        return f"{'>=' if self.at_least is not None else '<='} {self.threshold:g}"

    def holds(self, value: float) -> bool:
        """Whether `value` is on the claim's side. A NaN is on no side."""
        return value >= self.threshold if self.at_least is not None else value <= self.threshold

    def opposes(self, value: float) -> bool:
        """Whether `value` speaks for the opposite."""
        if self.contrary is None:
            return not math.isnan(value) and not self.holds(value)
        return self._beyond(value, self.contrary)

    def _beyond(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_least is not None else value >= bound


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one check: a value per seed, how many hold, how many had to, and the word for it."""

    check: Check
    values: dict[int, float]
    held: int
    needed: int | None
    word: Literal["holds", "opposite", "open", "undecided"]

    @property
    def mean(self) -> float:
        return math.fsum(self.values.values()) / len(self.values) if self.values else math.nan


@dataclass(frozen=True, kw_only=True)
class ClaimVerdict:
    """The word, the one sentence behind it, and the outcome of every check."""

    word: Word
    reason: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A paper's central statement as a controlled experiment.

    `statement` says what the paper claims and `experiment` what is run here instead; `limits` what the result does not
    show. `unit(arm, seed)` returns the numbers of one unit and depends on nothing else. `draw(figure, seeds)` draws them.
    `minutes` is the CPU time of the default seeds on one core. `settings` are the constants the units were run with.
    """

    name: str
    papers: tuple[Citation, ...]
    statement: str
    experiment: str
    control: str
    statistic: str
    limits: str
    arms: tuple[Arm, ...]
    checks: tuple[Check, ...]
    unit: Callable[[str, int], Numbers]
    draw: Callable[[Figure, dict[int, Seed]], None]
    minutes: float
    seeds: tuple[int, ...] = tuple(range(LEAST_SEEDS))
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (self.name, *(arm.name for arm in self.arms)):
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
                raise ValueError(f"'{name}': names are lower-case words joined by hyphens")
        if len({arm.name for arm in self.arms}) != len(self.arms) or not self.arms:
            raise ValueError(f"{self.name}: arms need different names, and there has to be one")
        if not any(check.control for check in self.checks):
            raise ValueError(f"{self.name}: a claim without a check of its negative control proves nothing")
        if all(check.control for check in self.checks):
            raise ValueError(f"{self.name}: every check belongs to the control")
        if len(set(self.seeds)) < LEAST_SEEDS:
            raise ValueError(f"{self.name}: {LEAST_SEEDS} seeds or more by default")
        if not self.papers:
            raise ValueError(f"{self.name}: a claim without a paper")

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)


def needed(seeds: int) -> int | None:
    """The fewest of `seeds` fair coins that fall on one named side with probability <= 0.05; None where none do."""
    if seeds < LEAST_SEEDS:
        return None
    tail, least = 0.0, None
    for heads in range(seeds, -1, -1):
        tail += math.comb(seeds, heads) / 2**seeds
        if tail > 0.05:
            break
        least = heads
    return least


def outcome(check: Check, seeds: Mapping[int, Seed]) -> Outcome:
    """Decide one check over all seeds."""
    values = {seed: float(check.value(numbers)) for seed, numbers in sorted(seeds.items())}
    held = sum(check.holds(value) for value in values.values())
    opposed = sum(check.opposes(value) for value in values.values())
    if check.exact:
        word = "undecided" if not values else "holds" if held == len(values) else "opposite" if opposed else "open"
        return Outcome(check=check, values=values, held=held, needed=len(values), word=word)
    least = needed(len(values))
    if least is None:
        word = "undecided"
    elif held >= least:
        word = "holds"
    else:
        word = "opposite" if opposed >= least else "open"
    return Outcome(check=check, values=values, held=held, needed=least, word=word)


def verdict(claim: Claim, seeds: Mapping[int, Seed]) -> ClaimVerdict:
    """Decide the claim from the numbers of its seeds: seed -> arm -> numbers."""
    outcomes = tuple(outcome(check, seeds) for check in claim.checks)
    controls = [found for found in outcomes if found.check.control]
    effects = [found for found in outcomes if not found.check.control]

    def answer(word: Word, reason: str) -> ClaimVerdict:
        return ClaimVerdict(word=word, reason=reason, outcomes=outcomes)

    if any(found.word == "undecided" for found in outcomes):
        return answer("undecided", f"{len(seeds)} seeds were run; a verdict needs {LEAST_SEEDS} or more")
    failed = [found for found in controls if found.word != "holds"]
    if failed:
        return answer(
            "not at this scale",
            f"the control did not come out the other way, so nothing follows ({_tell(failed[0])})",
        )
    opposite = [found for found in effects if found.word == "opposite"]
    if opposite:
        return answer("contradicted", f"the opposite was found ({_tell(opposite[0])})")
    missed = [found for found in effects if found.word != "holds"]
    if missed:
        return answer(
            "not at this scale",
            f"{len(missed)} of {len(effects)} {'check misses' if len(effects) == 1 else 'checks miss'} ({_tell(missed[0])})",
        )
    all_of = "its check holds" if len(effects) == 1 else f"all {len(effects)} checks hold"
    return answer("reproduced", f"{all_of}, and so does the control")


def _tell(found: Outcome) -> str:
    return f"{found.check.text}: {found.held} of {len(found.values)} seeds, {found.needed} needed"
