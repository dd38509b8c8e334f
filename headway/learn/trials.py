"""Inputs: drawn by size, answered by the reference and by the learner's code, compared."""

from __future__ import annotations

import functools
import inspect
import math
import random
import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from headway.learn.cases import Call, Case, Draw, Law
from headway.learn.comparing import Difference, Outcome, compare
from headway.learn.exercise import Exercise
from headway.learn.judge_child import Placement, fresh_copy, perform, raised
from headway.learn.judge_process import Child, Stopped
from headway.learn.layers import Fit
from headway.learn.wire import Function

TOLERANCE = 1e-9
"""Relative to the greatest absolute value of the reference, in float64."""

FLOAT32 = 3e-4
"""The same in float32."""


@dataclass
class Trial:
    """One input in one manner, what was expected, and what came."""

    case: Case
    draw: Draw
    call: Call
    manner: str = "float64"
    expected: Outcome = field(default_factory=Outcome)
    came: Outcome = field(default_factory=Outcome)
    difference: Difference | None = None
    index: int = 0
    request: dict = field(default_factory=dict)

    @property
    def float32(self) -> bool:
        return self.manner == "float32"


def sizes_of(ranges: dict[str, Any], chance: random.Random, fixed: dict[str, Any] | None = None) -> dict[str, int]:
    """One choice per size: a range (low, high), a list of options, or a number."""
    chosen: dict[str, int] = {}
    for name, allowed in {**ranges, **(fixed or {})}.items():
        if isinstance(allowed, tuple):
            chosen[name] = chance.randint(allowed[0], most(allowed, ranges))
        else:
            chosen[name] = chance.choice(allowed) if isinstance(allowed, list) else allowed
    return chosen


def least(allowed: Any) -> int:
    """The smallest size of a range, a list or a number."""
    return allowed[0] if isinstance(allowed, tuple) else min(allowed) if isinstance(allowed, list) else allowed


def most(allowed: Any, ranges: dict[str, Any]) -> int:
    """The greatest size; the upper end of a range may be the name of another size, which it may not exceed."""
    if isinstance(allowed, tuple):
        return most(ranges[allowed[1]], ranges) if isinstance(allowed[1], str) else allowed[1]
    return max(allowed) if isinstance(allowed, list) else allowed


def allowed_sizes(ranges: dict[str, Any], sizes: dict[str, int], valid: Any) -> bool:
    """Whether sizes keep to the ranges that name each other, and to the exercise's own ``valid(sizes)``."""
    named = [(n, a[1]) for n, a in ranges.items() if isinstance(a, tuple) and isinstance(a[1], str)]
    return all(sizes[name] <= sizes[other] for name, other in named) and valid(sizes)


def draws_of(ranges: dict[str, Any], count: int, seed: str, valid: Any) -> list[dict[str, int]]:
    """`count` choices of sizes: all different, all least, the first again (for other values), all equal where they can be,
    each least alone, all greatest, then at random."""
    chance = random.Random(seed)
    free = [name for name, allowed in ranges.items() if least(allowed) != most(allowed, ranges)]

    def sized(fixed: dict[str, Any] | None = None, distinct: bool = False) -> dict[str, int] | None:
        best = None
        for _ in range(60):
            sizes = sizes_of(ranges, chance, fixed)
            if not allowed_sizes(ranges, sizes, valid):
                continue
            values = [sizes[name] for name in free]
            if not distinct or len(set(values)) == len(values):
                return sizes
            if best is None or len(set(values)) > len({best[name] for name in free}):
                best = sizes
        return best

    first = sized(distinct=True)
    plan = [first, sized({name: least(a) for name, a in ranges.items()}), first, sized(distinct=True)]
    for name in free:
        plan.append(sized({name: least(ranges[name])}))
    plan.append(sized(_equal(ranges, chance)))
    plan.append(sized({name: most(a, ranges) for name, a in ranges.items()}))
    while len(plan) < count:
        plan.append(sized(distinct=len(plan) % 2 == 0))
    return [sizes for sizes in plan[: max(count, 1)] if sizes is not None]


def _equal(ranges: dict[str, Any], chance: random.Random) -> dict[str, int]:
    """One number above 1 for every size that allows it: an axis taken for another shows only where they can be confused."""

    def allows(allowed: Any, n: int) -> bool:
        return least(allowed) <= n <= most(allowed, ranges) and (not isinstance(allowed, list) or n in allowed)

    number = max(range(2, 10), key=lambda n: (sum(allows(a, n) for a in ranges.values()), chance.random()))
    return {name: number for name, allowed in ranges.items() if allows(allowed, number)}


class Run:
    """One judging of one file."""

    def __init__(
        self, exercise: Exercise, path: str, seed: int, child: Child, instead: dict[str, str], draws: int
    ) -> None:
        self.draws = draws
        self.exercise, self.path, self.seed, self.child, self.instead = exercise, path, seed, child, instead
        self.cases: ModuleType = exercise.load("cases")
        self.entries: tuple[str, ...] = tuple(self.cases.ENTRIES)
        self.ranges: dict[str, Any] = getattr(self.cases, "SIZES", {})
        self.valid = getattr(self.cases, "valid", lambda sizes: True)
        self.tolerance = getattr(self.cases, "TOLERANCE", TOLERANCE)
        self.returns: dict[str, str] = getattr(self.cases, "RETURNS", {})
        self.trials: list[Trial] = []
        self.adapter = False
        self.fits: dict[str, Fit] = {}
        self.notes: list[str] = []
        self.lines: list[str] = []
        self.at: Any = None

    def all_cases(self) -> list[Case]:
        return [value for value in vars(self.cases).values() if isinstance(value, Case)]

    def laws(self) -> list[Law]:
        return [value for value in vars(self.cases).values() if isinstance(value, Law)]

    def draw(self, name: str, sizes: dict[str, int], index: int) -> Draw:
        """The random values of the `index`-th draw of a case or law; they depend on the sizes too."""
        return Draw(sizes, random.Random(f"{self.seed}:{name}:{index}:{sorted(sizes.items())}").getrandbits(48))

    def request(self, trial: Trial) -> dict:
        """What the child is asked, without the answer."""
        call = trial.call
        reference = getattr(self.cases, call.entry)
        made = None
        if call.made is not None:
            _, positional, keyword = bound(reference, "", call.made)
            made = [list(_cast(positional, trial.float32)), _cast(keyword, trial.float32)]
        weights = self.weights(trial)
        steps = []
        for method, arguments in call.steps:
            steps.append(bound(reference, method, arguments))
        return {
            "entry": call.entry,
            "made": made,
            "steps": [[method, list(_cast(p, trial.float32)), _cast(k, trial.float32)] for method, p, k in steps],
            "weights": weights,
            "plan": self.plan(call.entry, weights),
            "adapter": self.adapter,
            "cotangents": None,
            "gradient": trial.case.gradient and not trial.float32,
            "layout": "strided" if trial.manner == "strided" else "plain",
        }

    def plan(self, entry: str, weights: dict[str, Any] | None) -> list:
        """Where in the learner's module each of our weights goes."""
        if weights is None or self.adapter:
            return []
        fit = self.fits.get(entry)
        if fit is None:
            return [[name, name, 0, len(value), False] for name, value in weights.items()]
        return fit.plan(weights)

    def weights(self, trial: Trial) -> dict[str, Any] | None:
        """Random weights for the reference's own parameters, where the entry is a module."""
        import torch

        if trial.call.made is None:
            return None
        reference = getattr(self.cases, trial.call.entry)
        if not (inspect.isclass(reference) and issubclass(reference, torch.nn.Module)):
            return None
        model = reference(**trial.call.made)
        generator = torch.Generator().manual_seed(trial.draw.random.getrandbits(31))
        values = {}
        absent = self.fits[trial.call.entry].absent if trial.call.entry in self.fits else ()
        for name, parameter in model.named_parameters():
            std = getattr(self.cases, "WEIGHT_STD", 1.0)
            spread = std / math.sqrt(parameter.shape[-1]) if parameter.dim() > 1 else 0.5 * std
            value = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * spread
            if parameter.dim() == 1 and bool((parameter == 1).all()):
                value += 1.0
            if name in absent:
                value = torch.zeros_like(value)
            values[name] = value.float() if trial.float32 else value
        return values

    def expect(self, trial: Trial) -> None:
        """The reference's outcome, in float64 whatever the manner, and with it what outputs are multiplied by."""
        import torch

        request = self.request(trial)
        trial.request = request
        generator = torch.Generator().manual_seed(trial.draw.random.getrandbits(31))

        def cotangents(outputs: list) -> list:
            request["cotangents"] = [torch.randn(t.shape, generator=generator, dtype=torch.float64) for t in outputs]
            return request["cotangents"]

        first = self.outcome(getattr(self.cases, trial.call.entry), {**request, "cotangents": cotangents})
        if first.result is not None and request["gradient"] and not any(first.result["flows"]):
            request["gradient"] = False
            del first.result["gradients"]
        if first.result is not None and request["weights"] and "gradients" in first.result:
            # A bias that the learner's layers do not have gets no gradient.
            absent = self.fits[trial.call.entry].absent if trial.call.entry in self.fits else ()
            at = len(first.result["gradients"]) - len(request["weights"])
            for n, name in enumerate(request["weights"]):
                if name in absent:
                    first.result["gradients"][at + n] = None
        trial.expected = first

    def outcome(self, target: Any, request: dict) -> Outcome:
        """What one of *our* functions does with a request, in this process."""
        import torch

        placement = None
        if request["weights"] is not None:
            names = [[name, name, 0, len(value), False] for name, value in request["weights"].items()]
            placement = Placement(request["weights"], names)
        try:
            result = perform(
                target,
                request["made"],
                placement,
                request["steps"],
                request["cotangents"],
                request["gradient"],
                lambda value: fresh_copy(value, request["layout"]),
            )
            result["value"] = _detached(result["value"])
            return Outcome(result=result)
        except (Exception, SystemExit) as error:
            torch.set_grad_enabled(True)
            return Outcome(raised=raised(error))

    def ask(self, trial: Trial) -> Outcome:
        """What the learner's code does with it."""
        return self.answer(self.child.ask(do="call", **trial.request))

    def answer(self, reply: dict) -> Outcome:
        """A reply as an outcome. Raises `Stopped` for exceptions that end a check whatever the input."""
        outcome = outcome_of(reply)
        error = outcome.raised
        if error:
            if error["type"] == "NotAllowed":
                raise Stopped("not allowed", error["message"])
            if "SystemExit" in error["kinds"] or "KeyboardInterrupt" in error["kinds"]:
                raise Stopped("exit called")
            if "MemoryError" in error["kinds"] or re.search(
                r"can't allocate memory|not enough memory", error["message"]
            ):
                raise Stopped("memory")
        return outcome

    def limit(self, trial: Trial) -> float:
        if trial.float32:
            return max(FLOAT32, trial.case.tolerance or 0.0, self.tolerance)
        return trial.case.tolerance or self.tolerance

    def try_one(self, case: Case, sizes: dict[str, int], manner: str = "float64", index: int = 0) -> Trial:
        """Draw an input, find out what is right, ask the learner's code, compare."""
        self.at = (case, sizes)
        draw = self.draw(case.name, sizes, index)
        trial = Trial(case, draw, case.build(draw), manner, index=index)
        self.expect(trial)
        if trial.expected.raised and trial.expected.raised["type"] not in getattr(self.cases, "RAISES", ()):
            raise RuntimeError(f"the reference of {self.exercise.id} fails: {trial.expected.raised}")
        trial.came = self.ask(trial)
        trial.difference = self.compare(trial, trial.came)
        return trial

    def compare(self, trial: Trial, came: Outcome, tolerance: float | None = None) -> Difference | None:
        return compare(trial.expected, came, tolerance or self.limit(trial), self.returns.get(trial.call.entry, ""))


def _detached(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach() if type(value) in (torch.Tensor, torch.nn.Parameter) else value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return tuple(_detached(item) for item in value)
    if isinstance(value, list | tuple):
        return type(value)(_detached(item) for item in value)
    if isinstance(value, dict):
        return {name: _detached(item) for name, item in value.items()}
    return value


def _cast(value: Any, float32: bool) -> Any:
    import torch

    if not float32:
        return value
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype == torch.float64 else value
    if isinstance(value, list | tuple):
        return type(value)(_cast(item, True) for item in value)
    if isinstance(value, dict):
        return {name: _cast(item, True) for name, item in value.items()}
    if isinstance(value, Function):
        return Function(value.source, **_cast(value.values, True))
    return value


@functools.lru_cache(maxsize=256)
def _parameters(function: Any) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(function).parameters.values())


def bound(reference: Any, method: str, arguments: dict[str, Any]) -> tuple[str, list, dict]:
    """Positional where the reference allows it, by keyword where it does not."""
    if method.startswith("["):
        return method, [], {}
    function = reference
    if method:
        import torch

        name = method
        if method == "__call__" and inspect.isclass(reference) and issubclass(reference, torch.nn.Module):
            name = "forward"
        function = getattr(reference, name)
    parameters = list(_parameters(function))
    if method and parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    positional, keyword, gap = [], {}, False
    for parameter in parameters:
        if parameter.name not in arguments:
            gap = True
        elif parameter.kind == parameter.KEYWORD_ONLY or gap:
            keyword[parameter.name] = arguments[parameter.name]
        else:
            positional.append(arguments[parameter.name])
    unknown = set(arguments) - {p.name for p in parameters}
    if unknown:
        raise TypeError(f"the reference takes no argument {', '.join(sorted(unknown))}")
    return method, positional, keyword


def outcome_of(reply: dict) -> Outcome:
    """A reply of the child as an outcome; one that is not made like an outcome is an answer of no use."""
    if "raised" in reply and isinstance(reply["raised"], dict):
        found = reply["raised"]
        kinds = found.get("kinds")
        return Outcome(
            raised={
                "type": str(found.get("type", "")),
                "message": str(found.get("message", "")),
                "frames": [f for f in found.get("frames", []) if isinstance(f, list) and len(f) == 3],
                "kinds": [str(k) for k in kinds] if isinstance(kinds, list) else [],
                "name": found.get("name"),
            }
        )
    result = reply.get("ok")
    after = result.get("after") if isinstance(result, dict) else None
    import torch

    if (
        not isinstance(result, dict)
        or "value" not in result
        or not isinstance(after, list)
        or not all(isinstance(step, list) and all(isinstance(t, torch.Tensor) for t in step) for step in after)
        or not isinstance(result.get("state"), list)
        or not all(t is None or isinstance(t, torch.Tensor) for t in result.get("gradients", []))
    ):
        raise Stopped("garbled", "a reply that is no result")
    return Outcome(result=result)
