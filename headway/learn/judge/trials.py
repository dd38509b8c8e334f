"""Inputs: drawn by size, answered by the reference and by the learner's code, compared."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from headway.learn.cases import Call, Case, Draw, Function, Law, Make
from headway.learn.contract import Contract, contract_of
from headway.learn.exercise import Exercise
from headway.learn.judge.compare import Mismatch, compare, differs
from headway.learn.judge.draws import allowed_sizes, draws_of, least, most
from headway.learn.judge.perform import CallRequest, CallResult, leaves, perform, raised
from headway.learn.judge.placement import Fit, Placement, WeightRow
from headway.learn.judge.process import Child, Stopped, result_of
from headway.learn.judge.verdict import CheckRequest, Verdict

FLOAT32, BFLOAT16 = 3e-4, 1e-2
"""How far an answer may be off in these types, relative to the greatest absolute value of the reference."""

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "bfloat16": 2.0**-7}
"""The spacing of the numbers at 1 in each type."""

MANNERS = ("strided", "offset", "float32", "bfloat16")
"""In what other manners a case is run: on tensors that lie oddly in memory, and in smaller types."""


@dataclass
class Trial:
    """One input in one manner, what was expected, and what came. `precise`: in float64, what is expected in bfloat16."""

    case: Case
    draw: Draw
    call: Call
    manner: str = "float64"
    expected: CallResult = field(default_factory=CallResult)
    came: CallResult = field(default_factory=CallResult)
    difference: Mismatch | None = None
    index: int = 0
    precise: Any = None
    request: CallRequest = field(default_factory=lambda: CallRequest("", []))

    @property
    def dtype(self) -> str:
        """The type of its floating numbers."""
        return self.manner if self.manner in EPSILON else "float64"


class Run:
    """One judging of one file."""

    def __init__(self, exercise: Exercise, request: CheckRequest, child: Child) -> None:
        self.exercise, self.child = exercise, child
        self.path, self.seed, self.instead, self.draws = request.path, request.seed, request.instead, request.draws
        self.contract: Contract = contract_of(exercise)
        self.entries = self.contract.entries
        self.ranges = self.contract.sizes
        self.trials: list[Trial] = []
        self.adapter = False
        self.fits: dict[str, Fit] = {}
        self.failed: dict[str, Verdict] = {}
        self.described: set[str] = set()
        self.bounds: dict[tuple[str, int | None], str | None] = {}
        self.notes: list[str] = []
        self.coincided: dict[tuple[int, int], tuple[Any, Any, bool]] = {}
        self.lines: list[str] = []
        self.at: tuple[Case | Law, dict[str, int]] | None = None
        self.cases: list[Case] = [*self.contract.cases]

    @property
    def judged(self) -> list[str]:
        """The entries that are judged: those asked for, but for those of which there is nothing to call."""
        return [entry for entry in (self.instead or self.entries) if entry not in self.failed]

    def sizes_of(self, case: Case) -> list[dict[str, int]]:
        """The sizes of a case's draws."""
        ranges = {**self.ranges, **case.sizes}
        return draws_of(ranges, case.draws, f"{self.seed}:{case.name}", self.contract.valid, self.draws)

    def draw(self, name: str, sizes: dict[str, int], index: int) -> Draw:
        """The random values of the `index`-th draw of a case or law; they depend on the sizes too."""
        return Draw(sizes, random.Random(f"{self.seed}:{name}:{index}:{sorted(sizes.items())}").getrandbits(48))

    def request(self, trial: Trial) -> CallRequest:
        """What the child is asked, without the answer."""
        call = trial.call
        reference = self.contract.references[call.entry]
        made = None
        if call.made is not None:
            _, positional, keyword = bound(reference, "", call.made)
            made = [list(_cast(positional, trial.dtype)), _cast(keyword, trial.dtype)]
        weights = self.weights(trial)
        steps = []
        for method, arguments in call.steps:
            name, positional, keyword = bound(reference, method, arguments)
            steps.append([name, list(_cast(positional, trial.dtype)), _cast(keyword, trial.dtype)])
        return CallRequest(
            entry=call.entry,
            steps=steps,
            made=made,
            weights=weights,
            plan=self.plan(call, weights),
            adapter=self.adapter,
            gradient=trial.case.gradient and trial.dtype == "float64",
            layout=trial.manner if trial.manner in ("strided", "offset") else "plain",
            leaves_no_grad=self.contract.leaves_no_grad,
        )

    def with_arguments(
        self, trial: Trial, change: Callable[[dict[str, Any]], dict[str, Any] | None]
    ) -> CallRequest | None:
        """A trial's request with other arguments; None where `change` finds nothing to change in any step."""
        reference, steps, changed = self.contract.references[trial.call.entry], [], False
        for method, arguments in trial.call.steps:
            other = change(arguments)
            changed = changed or other is not None
            name, positional, keyword = bound(reference, method, arguments if other is None else other)
            steps.append([name, list(_cast(positional, trial.dtype)), _cast(keyword, trial.dtype)])
        return dataclasses.replace(trial.request, steps=steps) if changed else None

    def plan(self, call: Call, weights: dict[str, Any] | None) -> list[WeightRow]:
        """Where in the learner's module each of our weights goes."""
        if weights is None or self.adapter:
            return []
        fit = self.fits.get(call.entry)
        return _by_name(weights) if fit is None else fit.plan(weights, call.made or {})

    def weights(self, trial: Trial) -> dict[str, Any] | None:
        """Random weights for the reference's own parameters, where the entry is a module."""
        import torch

        if trial.call.made is None or not self.is_module(trial.call.entry):
            return None
        model = self.contract.references[trial.call.entry](**trial.call.made)
        generator = torch.Generator().manual_seed(trial.draw.random.getrandbits(31))
        values = {}
        absent = self.fits[trial.call.entry].absent if trial.call.entry in self.fits else ()
        std = self.contract.weight_std
        for name, parameter in model.named_parameters():
            spread = std / math.sqrt(parameter.shape[-1]) if parameter.dim() > 1 else 0.5 * std
            value = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * spread
            if parameter.dim() == 1 and bool((parameter == 1).all()):
                value += 1.0
            if name in absent:
                value = torch.zeros_like(value)
            values[name] = value.to(getattr(torch, trial.dtype))
        return values

    def is_module(self, entry: str) -> bool:
        """Whether the reference is a module, whose weights the judge draws."""
        import torch

        reference = self.contract.references[entry]
        return inspect.isclass(reference) and issubclass(reference, torch.nn.Module)

    def expect(self, trial: Trial) -> None:
        """The reference's result, in float64 whatever the manner, and with it what outputs are multiplied by."""
        import torch

        request = trial.request = self.request(trial)
        generator = torch.Generator().manual_seed(trial.draw.random.getrandbits(31))

        def cotangents(outputs: list) -> list:
            request.cotangents = [torch.randn(t.shape, generator=generator, dtype=torch.float64) for t in outputs]
            return request.cotangents

        trial.expected = self.result(
            self.contract.references[trial.call.entry], dataclasses.replace(request, cotangents=cotangents)
        )
        first = trial.expected.result
        if first is not None and trial.dtype == "bfloat16":
            wide = dataclasses.replace(
                request, made=_widened(request.made), steps=_widened(request.steps), weights=_widened(request.weights)
            )
            precise = self.result(self.contract.references[trial.call.entry], wide)
            if precise.result is not None:
                first.value, trial.precise = _in_types_of(first.value, precise.result.value), precise.result.value
        if first is None or first.gradients is None:
            return
        if not any(first.flows or []):
            request.gradient = False
            first.gradients = None
        elif request.weights:
            # A bias that the learner's layers do not have gets no gradient.
            absent = self.fits[trial.call.entry].absent if trial.call.entry in self.fits else ()
            at = len(first.gradients) - len(request.weights)
            for n, name in enumerate(request.weights):
                if name in absent:
                    first.gradients[at + n] = None

    def result(self, target: Any, request: CallRequest) -> CallResult:
        """What one of *our* functions does with a request, in this process."""
        import torch

        placement = None if request.weights is None else Placement(request.weights, _by_name(request.weights))
        try:
            performed = perform(target, request, placement)
            performed.value = _detached(performed.value)
            return CallResult(result=performed)
        except (Exception, SystemExit) as error:
            torch.set_grad_enabled(True)
            return CallResult(raised=raised(error))

    def ask(self, trial: Trial) -> CallResult:
        """What the learner's code does with it."""
        return self.answer(self.child.ask("call", trial.request))

    def answer(self, reply: dict) -> CallResult:
        """A reply as a result. Raises `Stopped` for exceptions that end a check whatever the input."""
        came = result_of(reply)
        error = came.raised
        if error:
            if error.type == "NotAllowed":
                raise Stopped("not allowed", error.message)
            if "SystemExit" in error.kinds or "KeyboardInterrupt" in error.kinds:
                raise Stopped("exit called")
            if "MemoryError" in error.kinds or re.search(r"can't allocate memory|not enough memory", error.message):
                raise Stopped("memory")
        return came

    def limit(self, trial: Trial) -> float:
        """How far an answer may be off: what the exercise asks, or what inputs so large leave of any formula."""
        least_off = {"float64": self.contract.tolerance, "float32": FLOAT32, "bfloat16": BFLOAT16}[trial.dtype]
        asked = trial.case.tolerance
        if trial.dtype == "float64":
            least_off = asked or least_off
        elif trial.dtype == "float32":
            least_off = max(least_off, asked or 0.0, self.contract.tolerance)
        elif not isinstance(trial.case.bfloat16, bool):
            least_off = trial.case.bfloat16
        return (
            max(least_off, 8 * EPSILON[trial.dtype] * _greatest(trial.call)) if trial.dtype != "bfloat16" else least_off
        )

    def try_one(self, case: Case, sizes: dict[str, int], manner: str = "float64", index: int = 0) -> Trial:
        """Draw an input, find out what is right, ask the learner's code, compare."""
        self.at = (case, sizes)
        draw = self.draw(case.name, sizes, index)
        trial = Trial(case, draw, case.build(draw), manner, index=index)
        self.expect(trial)
        error = trial.expected.raised
        if error and error.type not in self.contract.raises:
            raise RuntimeError(f"the reference of {self.exercise.id} fails: {error}")
        trial.came = self.ask(trial)
        trial.difference = self.compare(trial, trial.came)
        return trial

    def compare(self, trial: Trial, came: CallResult, tolerance: float | None = None) -> Mismatch | None:
        axes = self.contract.returns.get(trial.call.entry, "")
        if trial.dtype != "bfloat16":
            return compare(trial.expected, came, tolerance or self.limit(trial), axes)
        # First what it is, then how near it comes to the right numbers before they are rounded to so few digits.
        found = compare(trial.expected, came, 4 * EPSILON["bfloat16"], axes)
        if found is None and trial.precise is not None and came.result is not None:
            found = differs(trial.precise, _widened(came.result.value), self.limit(trial), axes=axes)
        return found

    def manners_of(self, case: Case) -> Iterator[str]:
        """In what manners a case is run besides the plain one in float64."""
        for manner in MANNERS:
            if manner in ("strided", "offset"):
                wanted = case.layouts
            else:
                wanted = case.float32 if manner == "float32" else bool(case.bfloat16)
            if wanted:
                yield manner


CALLED_AGAIN = ", one module called with several inputs"
"""What the name of such a case ends in."""


def called_again(run: Run, case: Case) -> Case | None:
    """A case of a module that is called with one input, then with another of other lengths, then with the first again.

    None where the case makes no module, or no size leaves the module as it is and changes its input.
    """

    def build(draw: Draw) -> Call:
        first = case.build(draw)
        other = _other_input(run, case, draw, first)
        if other is None or not isinstance(first, Make):
            return first
        call = Make(first.entry, **(first.made or {}))
        for name, arguments in (*first.steps, *other.steps, *first.steps):
            call.do(name, **arguments)
        return call

    sizes = run.sizes_of(case)
    draw = run.draw(case.name, sizes[0], 0) if sizes else None
    if draw is None or not isinstance(first := case.build(draw), Make) or not run.is_module(first.entry):
        return None
    if any(name not in ("__call__", "forward") for name, _ in first.steps) or not _other_input(run, case, draw, first):
        return None
    name = f"{case.name}{CALLED_AGAIN}"
    plain = {"gradient": False, "float32": False, "layouts": False, "bfloat16": False}
    return dataclasses.replace(case, name=name, build=build, draws=2, **plain)


def _other_input(run: Run, case: Case, draw: Draw, first: Call) -> Call | None:
    """The same module with an input of other sizes: as many of them changed as leave what the module is made with."""
    ranges = {**run.ranges, **case.sizes}
    chance = random.Random(f"{run.seed}:{case.name}:{sorted(draw.sizes.items())}")
    sizes = dict(draw.sizes)
    for name, allowed in ranges.items():
        options = sorted(allowed) if isinstance(allowed, list) else range(least(allowed), most(allowed, ranges) + 1)
        changed = [n for n in options if n != sizes[name]]
        chance.shuffle(changed)
        # A longer input first: what was kept of a shorter one does not fit it.
        for size in sorted(changed, key=lambda n: n < draw.sizes[name])[:4]:
            tried = {**sizes, name: size}
            if allowed_sizes(ranges, tried, run.contract.valid):
                call = case.build(run.draw(case.name, tried, 500))
                if _outline(call.made) == _outline(first.made) and call.entry == first.entry:
                    sizes = tried
                    break
    return case.build(run.draw(case.name, sizes, 500)) if sizes != draw.sizes else None


def _outline(made: dict[str, Any] | None) -> list:
    return [(name, tuple(v.shape) if hasattr(v, "shape") else repr(v)) for name, v in (made or {}).items()]


def _by_name(weights: dict[str, Any]) -> list[WeightRow]:
    return [WeightRow(name, name) for name in weights]


def _greatest(call: Call) -> float:
    """The greatest finite absolute value among a call's floating inputs."""
    import torch

    greatest = 0.0
    for value in call.arguments.values():
        for leaf in leaves(value):
            if leaf.is_floating_point() and leaf.numel():
                greatest = max(greatest, float(torch.nan_to_num(leaf, 0.0, 0.0, 0.0).abs().max()))
    return greatest


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


def _cast(value: Any, dtype: str) -> Any:
    """`value` with its float64 tensors in another type."""
    import torch

    if dtype == "float64":
        return value
    if isinstance(value, torch.Tensor):
        return value.to(getattr(torch, dtype)) if value.dtype == torch.float64 else value
    if isinstance(value, list | tuple):
        return type(value)(_cast(item, dtype) for item in value)
    if isinstance(value, dict):
        return {name: _cast(item, dtype) for name, item in value.items()}
    if isinstance(value, Function):
        return Function(value.source, **_cast(value.values, dtype))
    return value


def _widened(value: Any) -> Any:
    """`value` with its bfloat16 tensors in float64: no number of them changes."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.double() if value.dtype == torch.bfloat16 else value
    if isinstance(value, list | tuple):
        return type(value)(_widened(item) for item in value)
    if isinstance(value, dict):
        return {name: _widened(item) for name, item in value.items()}
    if isinstance(value, Function):
        return Function(value.source, **_widened(value.values))
    return value


def _in_types_of(like: Any, value: Any) -> Any:
    """`value`, its tensors in the types that those of `like` have."""
    import torch

    if isinstance(like, torch.Tensor) and isinstance(value, torch.Tensor):
        return value.to(like.dtype)
    if isinstance(like, list | tuple) and isinstance(value, list | tuple) and len(like) == len(value):
        return type(like)(_in_types_of(a, b) for a, b in zip(like, value, strict=True))
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
