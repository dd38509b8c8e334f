"""The judging itself: inputs drawn, answers compared, mistakes recognised, one verdict.

Runs in a process of its own that never executes the learner's code (that is `judge_child`'s), so nothing the learner's
code does can reach the reference, the comparison or the verdict.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import math
import os
import random
import re
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from headway.learn.cases import Call, Case, Draw, Law, Make, Mistake, combined, fill, noted
from headway.learn.exercise import Exercise
from headway.learn.judge_child import Placement, die_with_parent, fresh_copy, leaves, perform, raised, serve
from headway.learn.wire import Broken, Channel, Ended, Function, Late, Other

SECONDS, WALL, MEMORY = 4.0, 12.0, 1 << 30
"""Limits of a check unless cases.py has its own: processor seconds, seconds on the clock, bytes beyond torch itself."""

TOLERANCE = 1e-9
"""Relative to the greatest absolute value of the reference, in float64."""

FLOAT32 = 3e-4
"""The same in float32."""


# -- outcomes and how they differ ----------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What one call came to: a result of `perform`, or an exception."""

    result: dict | None = None
    raised: dict | None = None


@dataclass
class Difference:
    """How an outcome differs from what was expected: a `kind`, and one sentence."""

    kind: str
    text: str
    size: float = math.inf


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
    finite = torch.isfinite(b)
    if not torch.equal(finite, torch.isfinite(a)):
        return math.inf
    if not torch.equal(torch.nan_to_num(a[~finite], nan=0.5), torch.nan_to_num(b[~finite], nan=0.5)):
        return math.inf
    if not finite.any():
        return 0.0
    scale = float(b[finite].abs().max())
    return float((a[finite] - b[finite]).abs().max()) / max(scale, 1e-6)


def differs(expected: Any, came: Any, tolerance: float, where: str = "the result", axes: str = "") -> Difference | None:
    """The first difference between two values, in the learner's words; None where there is none."""
    import torch

    if isinstance(expected, torch.Tensor):
        if came is None:
            return Difference("none", f"{where} is None: is a `return` missing?")
        if not isinstance(came, torch.Tensor):
            return Difference("type", f"{where} is {named(came)}, not a tensor of shape {shaped(expected.shape, axes)}")
        if came.shape != expected.shape:
            return Difference("shape", f"{where} has the shape {tuple(came.shape)}, not {shaped(expected.shape, axes)}")
        if came.dtype != expected.dtype:
            return Difference("dtype", f"{where} is {short(came.dtype)}, not {short(expected.dtype)}")
        if close(came, expected, tolerance):
            return None
        if came.isnan().any() and not expected.isnan().any():
            return Difference("nan", f"{where} has {int(came.isnan().sum())} NaN among its {came.numel()} numbers")
        return Difference("values", f"{where} is wrong", departure(came, expected))
    if isinstance(expected, bool) or expected is None or isinstance(expected, str | bytes):
        if type(came) is not type(expected):
            return Difference("type", f"{where} is {named(came)}, not {named(expected)}")
        return None if came == expected else Difference("values", f"{where} is {brief(came)}, not {brief(expected)}")
    if isinstance(expected, int | float):
        if isinstance(came, torch.Tensor) and came.numel() == 1:
            came = came.item()  # a learner may return a tensor of one number for a number
        if isinstance(came, bool) or not isinstance(came, int | float):
            return Difference("type", f"{where} is {named(came)}, not a number")
        if isinstance(expected, int) and came == expected:
            return None
        a, b = torch.tensor(float(came), dtype=torch.float64), torch.tensor(float(expected), dtype=torch.float64)
        if isinstance(expected, float) and close(a, b, tolerance):
            return None
        return Difference("values", f"{where} is {brief(came)}, not {brief(expected)}", departure(a, b))
    if isinstance(expected, list | tuple):
        if not isinstance(came, list | tuple):
            what = f"{named(expected)} of {len(expected)}"
            return Difference("none" if came is None else "type", f"{where} is {named(came)}, not {what}")
        if len(came) != len(expected):
            return Difference(
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
            return Difference("type", f"{where} is {named(came)}, not a dict")
        if set(came) != set(expected):
            return Difference(
                "shape",
                f"{where} has the keys {brief(sorted(map(str, came)))}, not {brief(sorted(map(str, expected)))}",
            )
        for key, e in expected.items():
            if found := differs(e, came[key], tolerance, f"{where}[{key!r}]"):
                return found
        return None
    if isinstance(expected, set | frozenset):
        return (
            None if came == set(expected) else Difference("values", f"{where} is {brief(came)}, not {brief(expected)}")
        )
    if isinstance(expected, Other):
        return None if came == expected else Difference("type", f"{where} is {named(came)}, not {expected.what}")
    raise TypeError(f"a reference returned a {type(expected).__name__}, which no learner's answer can be compared with")


def compare(expected: Outcome, came: Outcome, tolerance: float, axes: str = "") -> Difference | None:
    """The first difference between two outcomes; values first, then gradients, then what else a call may do wrong."""
    if expected.raised or came.raised:
        if expected.raised and came.raised:
            return None if expected.raised["type"] == came.raised["type"] else Difference("raised", "")
        if came.raised:
            return Difference("raised", f"{came.raised['type']}: {one_line(came.raised['message'])}")
        return Difference("raises", f"it raises nothing, where {expected.raised['type']} is asked for")  # type: ignore[index]
    assert expected.result is not None
    assert came.result is not None
    if found := differs(expected.result["value"], came.result["value"], tolerance, axes=axes):
        return found
    for n, (before, after) in enumerate(
        zip(_flat(expected.result["after"]), _flat(came.result["after"]), strict=False)
    ):
        if before.shape != after.shape or not close(after, before, 1e-12):
            return Difference("in-place", f"argument {n + 1} is changed by the call")
    if came.result.get("state") and came.result["state"] != expected.result.get("state"):
        return Difference("global", f"the call changes {came.result['state'][0]} for the whole program")
    if "gradients" in expected.result:
        mine, theirs = expected.result["gradients"], came.result.get("gradients", [])
        if any(expected.result["flows"]) and not any(came.result.get("flows", [])):
            return Difference("gradient", "no gradient flows back from the result")
        for n, e in enumerate(mine):
            c = theirs[n] if n < len(theirs) else None
            # No gradient and a gradient of zeros say the same.
            if e is None and c is None:
                continue
            if (c is None and not bool(e.any())) or (e is None and not bool(c.any())):
                continue
            if e is None or c is None or e.shape != c.shape or not _near_gradient(c, e, mine, tolerance):
                size = math.inf if e is None or c is None or e.shape != c.shape else departure(c, e)
                text = f"no gradient reaches %{n}%" if c is None else f"the gradient of %{n}% is wrong"
                return Difference("gradient", text, size)
    return None


def _near_gradient(c: Any, e: Any, all_of_them: list, tolerance: float) -> bool:
    """Close, relative to the greatest of all gradients: one that is zero by cancellation has no scale of its own."""
    import torch

    if not e.numel():
        return True
    if not torch.isfinite(e).all():
        return close(c, e, tolerance)
    scale = max(
        (float(g.abs().max()) for g in all_of_them if g is not None and g.numel() and torch.isfinite(g).all()),
        default=1,
    )
    return bool(torch.isfinite(c).all()) and float((c - e).abs().max()) <= 10 * tolerance * max(scale, 1e-6)


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

    if isinstance(value, Other):
        return f"a {value.what}" if not value.what.startswith("a") else value.what
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def brief(value: Any, limit: int = 100) -> str:
    """A value in few characters."""
    import torch

    if isinstance(value, torch.Tensor):
        text = numbers(value)
    elif isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, Function):
        text = value.source
    else:
        text = repr(value)
    text = one_line(text)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def numbers(tensor: Any, limit: int = 16) -> str:
    """The numbers of a small tensor in nested brackets, the first few of a large one."""

    def number(x: Any) -> str:
        if isinstance(x, bool | int):
            return str(x)
        return f"{x:.4g}" if not isinstance(x, complex) else f"{x:.4g}"

    def nested(x: Any) -> str:
        return f"[{', '.join(nested(y) for y in x)}]" if isinstance(x, list) else number(x)

    tensor = tensor.detach()
    if tensor.numel() <= limit:
        return nested(tensor.tolist())
    head = ", ".join(number(x) for x in tensor.reshape(-1)[:8].tolist())
    return f"[{head}, ... {tensor.numel()} numbers]"


def one_line(text: str) -> str:
    """Text that stays on one line and does nothing to a terminal."""
    return " ".join("".join(c if c.isprintable() or c in "\n\t" else "?" for c in str(text)).split())


# -- the child -----------------------------------------------------------------------------------------------------------


class Stopped(Exception):
    """The child is gone, or had to be stopped. `how`: timeout, memory, exited, signal, refused, garbled."""

    def __init__(self, how: str, text: str = "") -> None:
        super().__init__(text)
        self.how, self.text = how, text


class Child:
    """A fork of this process, made before it has done anything with tensors, that runs the learner's code."""

    def __init__(self) -> None:
        to_child, from_child = os.pipe(), os.pipe()
        self._out, self._dump = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _become_child(to_child[0], from_child[1], self._out[1], self._dump[1])
        for fd in (to_child[0], from_child[1], self._out[1], self._dump[1]):
            os.close(fd)
        for fd in (self._out[0], self._dump[0], to_child[1]):
            os.set_blocking(fd, False)
        self.channel = Channel(from_child[0], to_child[1], idle=self._watch)
        self.printed, self.printed_bytes = bytearray(), 0
        self.dumped = bytearray()
        self.called: set[str] = set()
        self._base = 0
        self.seconds, self.wall, self.memory = SECONDS, WALL, MEMORY
        self._deadline: float | None = None
        self._signalled: float | None = None
        self.ended: int | None = None

    def load(self, load: dict) -> dict:
        """Give it the learner's file. Returns its first reply."""
        self.seconds, self.wall, self.memory = load["seconds"], load["wall"], load["memory"]
        self._deadline = time.monotonic() + self.wall
        self._base = resident(self.pid)
        self._used = processor(self.pid)
        return self._ask(load)

    def ask(self, **message: Any) -> dict:
        """One request and its reply. Raises `Stopped` where none comes."""
        return self._ask(message)

    def _ask(self, message: Any) -> dict:
        try:
            self.channel.send(message, self._deadline)
            reply = self.channel.receive(self._deadline)
            if not isinstance(reply, dict) or not ({"ok", "raised"} & set(reply)):
                raise Broken("not a reply")
        except Late:
            self._stop("timeout")
        except Broken as error:
            self._stop("garbled", str(error))
        except (Ended, BlockingIOError):
            self._stop("ended")
        if isinstance(reply.get("called"), list):
            self.called.update(str(name) for name in reply["called"])
        self._drain()
        return reply

    def _watch(self) -> None:
        """Called while waiting: swallow what is printed, look at memory and processor time."""
        self._drain()
        if resident(self.pid) > self._base + self.memory:
            self._stop("memory")
        if processor(self.pid) - self._used > self.seconds:
            self._stop("timeout")

    def _drain(self) -> None:
        for fd, buffer in ((self._out[0], self.printed), (self._dump[0], self.dumped)):
            for _ in range(64):
                try:
                    data = os.read(fd, 65536)
                except (BlockingIOError, OSError):
                    break
                if not data:
                    break
                if buffer is self.printed:
                    self.printed_bytes += len(data)
                buffer += data[: max(0, 16384 - len(buffer))]

    def _stop(self, how: str, text: str = "") -> None:
        """End the child, find out what it was doing, and raise `Stopped`."""
        if how == "timeout":
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGUSR1)
            until = time.monotonic() + 0.5
            while time.monotonic() < until and b"File" not in self.dumped:
                select.select([self._dump[0]], [], [], 0.05)
                self._drain()
                if self._gone():
                    break
        self._drain()
        if how == "ended":
            until = time.monotonic() + 1.0
            while not self._gone() and time.monotonic() < until:
                time.sleep(0.005)
            self._drain()
        before = self._gone()
        self.close()
        dumped = self.dumped.decode(errors="replace")
        refused = re.search(r"^REFUSED (.*)$", dumped, re.MULTILINE)
        if refused and os.waitstatus_to_exitcode(self.ended or 0) == 77:
            raise Stopped("refused", refused[1])
        if how == "ended" and before:
            code = os.waitstatus_to_exitcode(self.ended or 0)
            if code < 0 and -code in (signal.SIGXCPU, signal.SIGKILL):
                raise Stopped("timeout" if -code == signal.SIGXCPU else "memory")
            raise Stopped("exited" if code >= 0 else "signal", str(abs(code)))
        raise Stopped("closed" if how == "ended" else how, text or dumped)

    def _gone(self) -> bool:
        if self.ended is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.ended = status
        return self.ended is not None

    def close(self) -> None:
        """Kill the child, its group, and whatever it left behind."""
        for kill, target in ((os.killpg, self.pid), (os.kill, self.pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if not self._gone() or kill is os.killpg:
                    kill(target, signal.SIGKILL)
        until = time.monotonic() + 5
        while not self._gone() and time.monotonic() < until:
            time.sleep(0.002)
        self._drain()
        _sweep()


def _become_child(inbox: int, outbox: int, out: int, dump: int) -> None:
    """In the fork: cut every tie to the terminal and to the judge but the four pipes, and serve."""
    try:
        os.setsid()
        die_with_parent()
        null = os.open(os.devnull, os.O_RDONLY)
        # High numbers first, so that moving one never closes another.
        high = [_move(fd) for fd in (null, out, inbox, outbox, dump)]
        for fd, at in zip(high, (0, 1, 3, 4, 5), strict=True):
            os.dup2(fd, at, inheritable=False)
        os.dup2(1, 2)
        os.closerange(6, 65536 if os.sysconf("SC_OPEN_MAX") < 0 else min(os.sysconf("SC_OPEN_MAX"), 65536))
        import io
        import sys

        sys.stdin = io.TextIOWrapper(io.FileIO(0, "r"))
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), write_through=True, errors="replace")
        sys.stderr = sys.stdout
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        serve(3, 4, 5)
    except (Ended, BrokenPipeError):
        pass
    finally:
        os._exit(0)


def _move(fd: int) -> int:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)


def adopt() -> None:
    """Where Linux offers it: become the parent of whatever the child leaves behind, so that it can be ended."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def _sweep() -> None:
    """End every process that descends from this one."""
    for _ in range(20):
        try:
            with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
                left = [int(pid) for pid in file.read().split()]
        except OSError:
            return
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def resident(pid: int) -> int:
    """Bytes of memory a process holds; 0 where that cannot be found out."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return _ps(pid, "rss") * 1024 if not os.path.isdir("/proc/self") else 0


def processor(pid: int) -> float:
    """Seconds of processor time a process has used; 0 where that cannot be found out."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def _ps(pid: int, what: str) -> int:
    import subprocess

    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        shown = subprocess.run(["ps", "-o", f"{what}=", "-p", str(pid)], capture_output=True, text=True, timeout=2)
        return int(shown.stdout.split()[0]) if shown.stdout.split() else 0
    return 0


# -- inputs --------------------------------------------------------------------------------------------------------------


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
    """`count` choices of sizes: all different, all least, each least alone, all greatest, then at random."""
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

    plan = [sized(distinct=True), sized({name: least(a) for name, a in ranges.items()})]
    for name in free:
        plan.append(sized({name: least(ranges[name])}))
    plan.append(sized({name: most(a, ranges) for name, a in ranges.items()}))
    while len(plan) < count:
        plan.append(sized(distinct=len(plan) % 2 == 0))
    found: list[dict[str, int]] = []
    for sizes in plan[: max(count, 1)]:
        if sizes is not None and (sizes not in found or free):
            found.append(sizes)
    return found


class Run:
    """One judging of one file."""

    def __init__(self, exercise: Exercise, path: str, seed: int, child: Child, instead: dict[str, str]) -> None:
        self.exercise, self.path, self.seed, self.child, self.instead = exercise, path, seed, child, instead
        self.cases: ModuleType = exercise.load("cases")
        self.entries: tuple[str, ...] = tuple(self.cases.ENTRIES)
        self.ranges: dict[str, Any] = getattr(self.cases, "SIZES", {})
        self.valid = getattr(self.cases, "valid", lambda sizes: True)
        self.tolerance = getattr(self.cases, "TOLERANCE", TOLERANCE)
        self.returns: dict[str, str] = getattr(self.cases, "RETURNS", {})
        self.trials: list[Trial] = []
        self.adapter = False
        self.plans: dict[str, list] = {}
        self.notes: list[str] = []
        self.lines: list[str] = []
        self.at: Any = None

    def all_cases(self) -> list[Case]:
        return [value for value in vars(self.cases).values() if isinstance(value, Case)]

    def laws(self) -> list[Law]:
        return [value for value in vars(self.cases).values() if isinstance(value, Law)]

    def draw(self, case: Case | Law, sizes: dict[str, int], name: str) -> Draw:
        mixed = random.Random(f"{self.seed}:{name}:{sorted(sizes.items())}").getrandbits(48)
        return Draw(sizes, mixed)

    def request(self, trial: Trial) -> dict:
        """What the child is asked, without the answer."""
        call = trial.call
        reference = getattr(self.cases, call.entry)
        made = call.made
        weights = self.weights(trial)
        steps = []
        for method, arguments in call.steps:
            steps.append(_bound(reference, method, arguments))
        return {
            "entry": call.entry,
            "made": made,
            "steps": [[method, list(_cast(p, trial.float32)), _cast(k, trial.float32)] for method, p, k in steps],
            "weights": weights,
            "plan": self.plans.get(call.entry, []),
            "adapter": self.adapter,
            "cotangents": None,
            "gradient": trial.case.gradient and not trial.float32,
            "layout": "strided" if trial.manner == "strided" else "plain",
        }

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
        for name, parameter in model.named_parameters():
            std = getattr(self.cases, "WEIGHT_STD", 1.0)
            spread = std / math.sqrt(parameter.shape[-1]) if parameter.dim() > 1 else 0.5 * std
            value = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * spread
            if parameter.dim() == 1 and bool((parameter == 1).all()):
                value += 1.0
            values[name] = value.float() if trial.float32 else value
        return values

    def expect(self, trial: Trial) -> None:
        """The reference's outcome, in float64 whatever the manner, and with it what outputs are multiplied by."""
        import torch

        request = self.request(trial)
        trial.request = request
        generator = torch.Generator().manual_seed(trial.draw.random.getrandbits(31))
        first = self.outcome(getattr(self.cases, trial.call.entry), request)
        if first.result is not None and request["gradient"]:
            floating = [leaf for leaf in leaves(first.result["value"]) if leaf.is_floating_point()]
            request["cotangents"] = [torch.randn(t.shape, generator=generator, dtype=torch.float64) for t in floating]
            if not any(first.result["flows"]):
                request["gradient"] = False
            first = self.outcome(getattr(self.cases, trial.call.entry), request)
        trial.expected = first

    def outcome(self, target: Any, request: dict) -> Outcome:
        """What one of *our* functions does with a request, in this process."""
        import torch

        placement = None
        if request["weights"] is not None:
            names = [[name, [[name, 0, len(value), False]]] for name, value in request["weights"].items()]
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
        outcome = _outcome(reply)
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

    def try_one(self, case: Case, sizes: dict[str, int], manner: str = "float64") -> Trial:
        """Draw an input, find out what is right, ask the learner's code, compare."""
        draw = self.draw(case, sizes, case.name)
        trial = Trial(case, draw, case.build(draw), manner)
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


def _bound(reference: Any, method: str, arguments: dict[str, Any]) -> tuple[str, list, dict]:
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
    parameters = [p for p in inspect.signature(function).parameters.values()]
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


def _outcome(reply: dict) -> Outcome:
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


# -- policy: what a file may not contain ---------------------------------------------------------------------------------

ANSWERS = {"headway": "the answers are in there"}
HIDDEN = {
    "ctypes": "reaches around Python",
    "DisableTorchFunction": "hides calls from the judge",
    "DisableTorchFunctionSubclass": "hides calls from the judge",
    "_DisableTorchDispatch": "hides calls from the judge",
}


def forbidden_in(tree: ast.Module, forbidden: dict[str, str], allowed: tuple[str, ...]) -> tuple[int, str, str] | None:
    """The first (line, name, reason) at which a file uses what the exercise does not allow."""
    own = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    }
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                full = f"{module}.{alias.name}" if module else alias.name
                aliases[alias.asname or alias.name.partition(".")[0]] = alias.name.rpartition(".")[2]
                if full.partition(".")[0] == "headway" and not any(
                    full == a or full.startswith(a + ".") for a in allowed
                ):
                    return node.lineno, f"import of {module or alias.name}", ANSWERS["headway"]
                for part in (*full.split("."),):
                    if part in HIDDEN:
                        return node.lineno, part, HIDDEN[part]
                if module.startswith("torch") and alias.name in forbidden:
                    return node.lineno, alias.name, forbidden[alias.name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name, line = node.attr, node.lineno
            base = node.value
            if isinstance(base, ast.Name) and base.id == "self":
                continue  # self.softmax is the learner's own
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            name, line = aliases.get(node.id, ""), node.lineno
            if node.id in own:
                continue
        else:
            continue
        if name in HIDDEN:
            return line, name, HIDDEN[name]
        if name in forbidden and isinstance(node, ast.Attribute):
            return line, name, forbidden[name]
    return None


# -- the verdict ---------------------------------------------------------------------------------------------------------


def judge(exercise: Exercise, path: str, seed: int, child: Child, instead: dict[str, str] | None = None) -> dict:
    """Judge the file at `path`. `child` has just been forked and has loaded nothing.

    Args:
        instead: for the audit: entry -> the mistake of mistakes.py to be judged in its place.

    Returns:
        A verdict as plain data: see `headway.learn.judge.Verdict`.
    """
    began = time.monotonic()
    verdict = {"exercise": exercise.id, "path": path, "seed": seed, "details": [], "notes": [], "names": []}
    try:
        verdict |= _judge(exercise, path, seed, child, instead or {}, verdict)
    finally:
        child.close()
    verdict["seconds"] = round(time.monotonic() - began, 3)
    if child.printed_bytes:
        text = child.printed.decode(errors="replace")
        verdict["printed"] = [one_line(line)[:200] for line in text.splitlines()[:20]]
        verdict["printed_bytes"] = child.printed_bytes
    return verdict


def _judge(exercise: Exercise, path: str, seed: int, child: Child, instead: dict[str, str], verdict: dict) -> dict:
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        return {"status": "missing", "line": f"{path} cannot be read: {error.strerror}."}
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return {
            "status": "syntax",
            "line": f"the file is not UTF-8 text: byte {error.start} is 0x{raw[error.start]:02x}.",
        }
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename=path)
    except SyntaxError as error:
        text = f": `{one_line(error.text)}`" if error.text else ""
        return {
            "status": "syntax",
            "line": f"line {error.lineno} is not Python: {error.msg}{text}.",
            "at": error.lineno,
        }
    except (ValueError, RecursionError, MemoryError) as error:
        return {"status": "syntax", "line": f"the file is not Python: {one_line(str(error)) or type(error).__name__}."}

    run = Run(exercise, path, seed, child, instead)
    cases = run.cases
    forbidden: dict[str, str] = getattr(cases, "FORBIDDEN", {})
    allowed: tuple[str, ...] = tuple(getattr(cases, "ALLOWED", ()))
    if not instead and (found := forbidden_in(tree, forbidden, allowed)):
        line, name, reason = found
        return {
            "status": "forbidden",
            "line": f"line {line} uses {name}, which this exercise does not allow: {reason}.",
            "at": line,
        }
    limits = getattr(cases, "LIMITS", {})
    run.lines = source.splitlines()
    load = {
        "path": str(exercise.folder / "mistakes.py") if instead else path,
        "source": (exercise.folder / "mistakes.py").read_text(encoding="utf-8") if instead else source,
        "entries": list(run.entries),
        "instead": instead,
        "allowed": list(allowed),
        "forbidden": {} if instead else forbidden,
        "trusted": bool(instead),
        "seconds": float(limits.get("seconds", SECONDS)),
        "wall": float(limits.get("wall", max(WALL, 3 * limits.get("seconds", SECONDS)))),
        "memory": int(limits.get("memory", MEMORY)),
    }
    try:
        reply = child.load(load)
        if failed := _unloaded(run, reply):
            return failed
        return _run(run, reply["ok"], verdict)
    except Stopped as stopped:
        return _stopped(run, stopped, load)


def _unloaded(run: Run, reply: dict) -> dict | None:
    """What is wrong with the file as a whole, if anything: it fails when run, or defines too little."""
    if "raised" in reply:
        error = run.answer(reply).raised or {}
        if "NotImplementedError" in error["kinds"]:
            return {"status": "unfinished", "line": "not written yet: running the file raises NotImplementedError."}
        return _raised(run, error, "running the file")
    found = reply["ok"]
    if not isinstance(found, dict) or not isinstance(found.get("found"), dict):
        raise Stopped("garbled", "a reply that is no result")
    for entry in run.entries:
        if run.instead and entry not in run.instead:
            continue
        kind = "class" if inspect.isclass(getattr(run.cases, entry)) else "function"
        if entry not in found["found"]:
            return {
                "status": "missing",
                "line": f"the file defines no {kind} `{entry}`: its name has to stay as the task gives it.",
            }
        if entry not in found["callable"]:
            return {"status": "missing", "line": f"`{entry}` is no {kind}: something else was assigned to the name."}
    run.adapter = bool(found.get("adapter")) and not run.instead
    return None


def _run(run: Run, found: dict, verdict: dict) -> dict:
    wrong: list[Trial] = []
    fitted: set[str] = set()
    entries = set(run.instead) if run.instead else set(run.entries)
    for case in run.all_cases():
        ranges = {**run.ranges, **case.sizes}
        for sizes in draws_of(ranges, case.draws, f"{run.seed}:{case.name}", run.valid):
            call = case.build(run.draw(case, sizes, case.name))
            if call.entry not in entries:
                break
            if isinstance(call, Make) and call.entry not in fitted:
                fitted.add(call.entry)
                if failed := _fit(run, case, sizes):
                    return failed
            run.at = (case, sizes, "float64")
            trial = run.try_one(case, sizes)
            run.trials.append(trial)
            if trial.difference:
                wrong.append(trial)
    if not wrong:
        for manner in ("strided", "float32"):
            for trial in [t for t in run.trials if t.manner == "float64"]:
                firsts = [t for t in run.trials if t.case is trial.case and t.manner == "float64"][:2]
                if trial not in firsts or not (trial.case.layouts if manner == "strided" else trial.case.float32):
                    continue
                run.at = (trial.case, trial.draw.sizes, manner)
                again = run.try_one(trial.case, trial.draw.sizes, manner)
                run.trials.append(again)
                if again.difference:
                    wrong.append(again)
    if not wrong:
        # Once more, after everything else: nothing may have been remembered from call to call.
        for trial in [t for n, t in enumerate(run.trials) if t.manner == "float64"][::7]:
            came = run.ask(trial)
            if run.compare(trial, came):
                return {
                    "status": "mistake",
                    "names": ["state"],
                    "line": "the same input gives another result later on: your code remembers something from call to call.",
                    "details": _shown(run, trial),
                }
    broken = None
    for law in run.laws() if not run.instead or not wrong else []:
        if broken := _broken_law(run, law):
            break
    if not wrong and broken is None:
        noted_calls: dict[str, str] = getattr(run.cases, "NOTED", {})
        notes = run.notes + [text for name, text in noted_calls.items() if name in run.child.called]
        gradients = " with gradients" if any(t.request["gradient"] for t in run.trials) else ""
        return {
            "status": "passed",
            "line": f"right on {len(run.trials)} inputs{gradients}.",
            "notes": notes,
            "called": sorted(run.child.called & set(noted_calls)),
            "tried": len(run.trials),
        }
    if not wrong:
        law, sizes = broken  # type: ignore[misc]
        return {"status": "wrong", "line": f"{fill(law.sentence, sizes)}.", "details": [f"with {_sizes(sizes)}"]}
    return _explained(run, wrong, broken)


# -- what went wrong -----------------------------------------------------------------------------------------------------


def _explained(run: Run, wrong: list[Trial], broken: Any) -> dict:
    """Name the mistakes behind the wrong trials, or show the smallest of them."""
    undone = [t for t in wrong if t.came.raised and "NotImplementedError" in t.came.raised["kinds"]]
    if undone:
        left = [e for e in run.entries if any(t.call.entry == e for t in undone)]
        right = [
            e
            for e in run.entries
            if any(t.call.entry == e for t in run.trials) and not any(t.call.entry == e for t in wrong)
        ]
        more = f"; {' and '.join(right)} already right" if right else ""
        return {
            "status": "unfinished",
            "line": f"not written yet: {' and '.join(left)} raises NotImplementedError{more}.",
        }
    parts = []
    for entry in run.entries:
        mine = [t for t in wrong if t.call.entry == entry]
        if mine:
            parts.append(_named(run, entry, mine) or _general(run, mine, broken))
    status = "mistake" if all(p["status"] == "mistake" for p in parts) else parts[0]["status"]
    if any(p["status"] == "mistake" for p in parts):
        parts.sort(key=lambda p: p["status"] != "mistake")
    line = " ".join(p["line"] for p in parts[:2])
    return {
        "status": status,
        "names": [name for p in parts for name in p.get("names", [])],
        "line": line,
        "details": [text for p in parts for text in p.get("details", [])],
    }


def _mistakes(run: Run, entry: str) -> list[Mistake]:
    module = run.exercise.load("mistakes")
    return [m for m in all_mistakes(module) if (m.entry or run.entries[0]) == entry]


def all_mistakes(module: ModuleType) -> list[Mistake]:
    """Every mistake of a mistakes.py, in order."""
    found: list[Mistake] = []
    for value in vars(module).values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mistake) and item not in found:
                found.append(item)
    return found


def _same(run: Run, trial: Trial, answer: Any) -> bool:
    """Whether the learner's outcome is the one `answer` gives on the same input."""
    outcome = run.outcome(answer, trial.request)
    if outcome.result is None or trial.came.result is None:
        return compare(outcome, trial.came, run.limit(trial)) is None
    values_right = trial.difference is None or trial.difference.kind in ("gradient", "in-place", "global")
    if not values_right:
        try:
            return differs(outcome.result["value"], trial.came.result["value"], run.limit(trial)) is None
        except TypeError:
            return False
    return compare(outcome, trial.came, run.limit(trial)) is None


def _named(run: Run, entry: str, wrong: list[Trial]) -> dict | None:
    """The mistake that gives what the learner's code gives on every input; or two that do so together."""
    mistakes = _mistakes(run, entry)
    right = [t for t in run.trials if t.call.entry == entry and t.difference is None]
    first = sorted(wrong, key=lambda t: (min(t.draw.sizes.values(), default=0) < 2, -len(set(t.draw.sizes.values()))))
    agree: dict[str, list[bool]] = {}
    for mistake in mistakes:
        if all(_same(run, t, mistake.answer) for t in first) and all(_same(run, t, mistake.answer) for t in right):
            return _sentence(run, [mistake], first)
    for one, other, answer in combined(mistakes):
        if all(_same(run, t, answer) for t in first) and all(_same(run, t, answer) for t in right):
            return _sentence(run, [one, other], first)
    # Two mistakes that show on different inputs: each must account for inputs that the other does not, and together for all.
    for mistake in mistakes:
        if all(_same(run, t, mistake.answer) for t in right[:12]):
            agree[mistake.name] = [_same(run, t, mistake.answer) for t in first]
    by_name = {m.name: m for m in mistakes}
    for a, b in itertools.combinations(agree, 2):
        if all(x or y for x, y in zip(agree[a], agree[b], strict=True)) and any(agree[a]) and any(agree[b]):
            return _sentence(run, [by_name[a], by_name[b]], first)
    return None


def _sentence(run: Run, mistakes: list[Mistake], wrong: list[Trial]) -> dict:
    trial = wrong[0]
    facts = _facts(trial)
    texts = [m.told(facts) for m in mistakes]
    line = "; and ".join(text.rstrip(".") for text in texts)
    return {
        "status": "mistake",
        "names": [m.name for m in mistakes],
        "line": _capital(line) + ".",
        "details": _pattern(run, trial.call.entry) + _shown(run, trial),
    }


def _capital(line: str) -> str:
    """A capital at the start, unless a sentence starts with a name from the code."""
    first = line.split()[0]
    return line if (len(first) == 1 and first != "a") or not first.isalpha() else line[0].upper() + line[1:]


def _facts(trial: Trial) -> dict[str, Any]:
    facts: dict[str, Any] = dict(trial.draw.sizes)
    for name, value in {**(trial.call.made or {}), **trial.call.arguments}.items():
        if isinstance(value, bool | int | float | str):
            facts[name] = value
    return facts


def _pattern(run: Run, entry: str) -> list[str]:
    """In which cases the answer is right and in which it is wrong."""
    good, bad = [], []
    for case in run.all_cases():
        mine = [t for t in run.trials if t.case is case and t.call.entry == entry]
        if mine:
            failed = sum(t.difference is not None for t in mine)
            (bad if failed else good).append(
                case.name + (f" ({failed} of {len(mine)})" if 0 < failed < len(mine) else "")
            )
    lines = [f"wrong: {', '.join(bad)}"] if bad else []
    return lines + ([f"right: {', '.join(good)}"] if good else [])


def _sizes(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sizes.items())


def _argument_line(trial: Trial) -> str:
    """The call as one would write it, tensors by axes and shape."""
    import torch

    def shown(name: str, value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return f"{name} {shaped(value.shape, trial.draw.axes.get(id(value), ''))}"
        return f"{name} = {brief(value, 60)}"

    made = f"({', '.join(shown(n, v) for n, v in trial.call.made.items())})" if trial.call.made is not None else ""
    steps = []
    for method, arguments in trial.call.steps:
        inner = ", ".join(shown(n, v) for n, v in arguments.items())
        steps.append(f"{'' if method in ('', '__call__') else '.' + method}({inner})")
    return f"{trial.call.entry}{made}{''.join(steps)}"


def _shown(run: Run, trial: Trial, inputs: bool = True) -> list[str]:
    """The input, what was expected and what came, in a few lines."""
    import torch

    manner = {"float32": " in float32", "strided": " on inputs that are not contiguous"}.get(trial.manner, "")
    lines = [f"{trial.case.name}{manner}: {_argument_line(trial)}"]
    if inputs:
        for name, value in trial.call.arguments.items():
            if isinstance(value, torch.Tensor) and value.numel() <= 16:
                lines.append(f"  {name} = {numbers(value)}")
    if trial.expected.result is not None:
        lines.append(f"  expected {_value(trial.expected.result['value'])}")
    elif trial.expected.raised:
        lines.append(f"  expected {trial.expected.raised['type']}")
    if trial.came.result is not None:
        lines.append(f"  came     {_value(trial.came.result['value'])}")
    elif trial.came.raised:
        lines.append(f"  came     {trial.came.raised['type']}: {one_line(trial.came.raised['message'])[:300]}")
    return lines


def _value(value: Any) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {short(value.dtype)} {numbers(value)}"
    if isinstance(value, tuple | list) and any(isinstance(item, torch.Tensor) for item in value):
        return "; ".join(_value(item) for item in value)
    return brief(value, 300)


def _general(run: Run, wrong: list[Trial], broken: Any) -> dict:
    """No known mistake: say what can be said of any wrong answer, on the smallest input that shows it."""
    trial = _smallest(run, wrong)
    difference = trial.difference
    assert difference is not None
    pattern = _pattern(run, trial.call.entry)
    shown = _shown(run, trial)
    call = _argument_line(trial)
    axes = run.returns.get(trial.call.entry, "")
    many = len(run.entries) > 1
    subject = f"`{trial.call.entry}`: " if many else ""
    kind = difference.kind

    def verdict(line: str, name: str | None = None, details: list[str] | None = None) -> dict:
        line = subject + line
        return {
            "status": "mistake" if name else "wrong",
            "names": [name] if name else [],
            "line": _capital(line),
            "details": [*pattern, *(details or []), *shown],
        }

    if trial.manner == "strided" and kind in ("raised", "values", "shape"):
        more = f": {one_line(trial.came.raised['message'])[:160]}" if trial.came.raised else ""
        return verdict(
            "your code is right only on tensors that lie contiguously in memory; after a transpose they do not, and "
            f"`view` has to become `reshape`{more}.",
            "layout",
        )
    if kind == "raised":
        if not any(t.manner == trial.manner and t.difference is None for t in run.trials):
            pattern = []
        expected = trial.expected.result
        error = trial.came.raised or {}
        line, frame = _raised_line(run, error)
        want = f" Expected {_value_shape(expected['value'], axes)}." if expected is not None else ""
        return {
            "status": "raised",
            "names": [],
            "line": f"{subject}{line} on {call}.{want}",
            "details": pattern + frame + _shown(run, trial)[1:],
        }
    if kind == "in-place":
        changed = _changed(trial)
        return verdict(
            f"your code changes its input{changed} in place: the caller's tensor is another after the call.", "in-place"
        )
    if kind == "global":
        return verdict(f"{difference.text}.", "global")
    if kind == "dtype":
        return verdict(f"{difference.text}: the result has to have the dtype of the inputs.", "dtype")
    if kind == "gradient":
        text = _gradient_text(trial, difference.text)
        return verdict(
            f"the result is right but {text}: somewhere the graph is cut or changed (`.data`, `.detach()`, `.item()`, `torch.tensor(...)`, no_grad).",
            "gradient",
        )
    if kind in ("none", "type", "shape", "raises"):
        return verdict(f"{difference.text}, on {call}.")
    came, expected = _single(trial.came), _single(trial.expected)
    again = run.ask(trial)
    if again.result is not None and trial.came.result is not None and trial.expected.result is not None:
        if differs(trial.came.result["value"], again.result["value"], 1e-9) is not None:
            return verdict("the same input gives another result each time: something in your code is random.", "random")
    if difference.size < 1e-5 and not trial.float32 and all(t.difference.size < 1e-5 for t in wrong if t.difference):
        digits = max(1, round(-math.log10(max(difference.size, 1e-16))))
        return verdict(
            f"the result is right to about {digits} digits only: float64 inputs pass through float32 somewhere "
            "(`.float()`, a constant tensor or `arange` without dtype).",
            "precision",
        )
    trace = _departs(run, trial)
    if came is not None and expected is not None:
        if text := _transformed(run, wrong):
            return verdict(f"{text}.", None, trace)
    if broken is not None:
        law, sizes = broken
        return verdict(f"{fill(law.sentence, sizes)}.", None, trace)
    if trace:
        return verdict(f"{trace[0]}, on {call}.", None, trace[1:])
    where = "" if kind != "nan" else f" ({difference.text})"
    return verdict(
        f"wrong numbers{where} on {call}: expected {_brief_value(trial.expected)}, came {_brief_value(trial.came)}."
    )


def _brief_value(outcome: Outcome) -> str:
    return brief((outcome.result or {}).get("value"), 80)


def _value_shape(value: Any, axes: str) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {shaped(value.shape, axes)}"
    if isinstance(value, list | tuple) and value and all(isinstance(v, torch.Tensor) for v in value):
        parts = [p.strip() for p in axes.split(",")]
        return " and ".join(shaped(v.shape, parts[n] if n < len(parts) else "") for n, v in enumerate(value))
    return brief(value, 80)


def _single(outcome: Outcome) -> Any:
    import torch

    value = (outcome.result or {}).get("value")
    return value if isinstance(value, torch.Tensor) and value.is_floating_point() else None


def _changed(trial: Trial) -> str:
    """`` `q` ``: the arguments that came back changed."""
    names = []
    for step, (_, arguments) in enumerate(trial.call.steps):
        before = trial.expected.result["after"][step] if trial.expected.result else []
        after = trial.came.result["after"][step] if trial.came.result else []
        at = 0
        for name, value in arguments.items():
            for _ in leaves(value):
                if at < min(len(before), len(after)) and not close(after[at], before[at], 1e-12):
                    names.append(name)
                at += 1
    return f" `{'`, `'.join(dict.fromkeys(names))}`" if names else ""


def _gradient_text(trial: Trial, text: str) -> str:
    """The gradient's number replaced by the name of what it belongs to."""
    names: list[str] = []
    for _, arguments in trial.call.steps:
        for name, value in arguments.items():
            names += [f"`{name}`" for leaf in leaves(value) if leaf.is_floating_point()]
    names += [f"the weight `{name}`" for name in trial.request["weights"] or {}]

    def name(match: re.Match[str]) -> str:
        n = int(match[1])
        return names[n] if n < len(names) else "an input"

    return re.sub(r"%(\d+)%", name, text)


def _smallest(run: Run, wrong: list[Trial]) -> Trial:
    """Make the sizes of a wrong trial as small as they go while it stays wrong."""
    trial = min(wrong, key=lambda t: sum(t.draw.sizes.values()))
    kind = trial.difference.kind if trial.difference else ""
    ranges = {**run.ranges, **trial.case.sizes}
    until, progress = time.monotonic() + 1.0, True
    while progress and time.monotonic() < until:
        progress = False
        for name, size in list(trial.draw.sizes.items()):
            low = least(ranges[name])
            options = sorted(ranges[name]) if isinstance(ranges[name], list) else [low, (low + size) // 2, size - 1]
            for smaller in options:
                if smaller >= size or smaller < low or time.monotonic() > until:
                    continue
                sizes = {**trial.draw.sizes, name: smaller}
                if not allowed_sizes(ranges, sizes, run.valid):
                    continue
                with contextlib.suppress(RuntimeError):
                    run.at = (trial.case, sizes, trial.manner)
                    tried = run.try_one(trial.case, sizes, trial.manner)
                    if tried.difference and tried.difference.kind == kind:
                        trial, progress = tried, True
                        break
    return trial


def _transformed(run: Run, wrong: list[Trial]) -> str | None:
    """Whether the result is the right one but for a factor, a sign or the order of its axes, on every wrong input."""
    factors = []
    for trial in wrong:
        came, expected = _single(trial.came), _single(trial.expected)
        if came is None or expected is None or came.shape != expected.shape or not expected.numel():
            return None
        e, c = expected.double().reshape(-1), came.double().reshape(-1)
        if not bool(e.isfinite().all() and c.isfinite().all()) or float(e.square().sum()) == 0:
            return None
        factor = float((c @ e) / e.square().sum())
        if departure(c, factor * e) > 1e-8 or abs(factor) < 1e-12:
            factors = []
            break
        factors.append((factor, trial))
    if factors:
        if all(abs(f + 1) < 1e-8 for f, _ in factors):
            return "the result has the wrong sign, and nothing else is wrong"
        names: dict[str, Any] = {
            "sqrt({n})": math.sqrt,
            "1/sqrt({n})": lambda n: 1 / math.sqrt(n),
            "{n}": float,
            "1/{n}": lambda n: 1 / n,
        }
        for pattern, value in names.items():
            for size in run.ranges:
                if all(t.draw.sizes[size] > 0 and abs(f - value(t.draw.sizes[size])) < 1e-8 * f for f, t in factors):
                    n, f = factors[0][1].draw.sizes[size], factors[0][0]
                    return f"the result is the right one times {pattern.format(n=size)} (here {f:.4g}, {size} = {n}), and nothing else is wrong"
        first = factors[0][0]
        if all(abs(f - first) < 1e-8 * abs(first) for f, _ in factors) and abs(first - 1) > 1e-8:
            return f"the result is the right one times {first:.6g}, and nothing else is wrong"
    trial = max(wrong, key=lambda t: len(set(t.draw.sizes.values())))
    came, expected = _single(trial.came), _single(trial.expected)
    if came is not None and expected is not None and 2 <= expected.dim() <= 5 and came.shape == expected.shape:
        if close(came.reshape(-1).sort().values, expected.reshape(-1).sort().values, 1e-9) and expected.numel() > 2:
            return (
                "the numbers are right but stand in the wrong places: an axis is swapped, or a reshape mixes two axes"
            )
    return None


def _departs(run: Run, trial: Trial) -> list[str]:
    """The first named intermediate of the reference that is not among what the learner's code computed."""
    reference = getattr(run.cases, trial.call.entry)
    wanted = noted(lambda: run.outcome(reference, trial.request))
    if not wanted or run.instead:
        return []
    reply = run.child.ask(do="trace", **trial.request)
    import torch

    seen = [
        row
        for row in (reply.get("ok") or [])
        if isinstance(row, list) and len(row) == 3 and isinstance(row[0], int) and isinstance(row[2], torch.Tensor)
    ]
    after, good = -1, []
    for name, value in wanted:
        at = next((n for n, row in enumerate(seen) if n > after and _alike(row[2], value)), None)
        if at is None:
            at = next((n for n, row in enumerate(seen) if _alike(row[2], value)), None)
        if at is None:
            later = [row for row in seen[after + 1 :] if row[2].shape == value.shape and row[2].dtype == value.dtype]
            lines = [
                f"the first that departs are the {name}"
                if name.endswith("s")
                else f"the first that departs is the {name}"
            ]
            detail = [f"  right so far: {', '.join(good)}"] if good else []
            detail.append(f"  {name}: expected {numbers(value)}")
            if later:
                number, _, tensor = later[0]
                lines[0] += f", line {number}: `{_source(run, number)}`"
                detail.append(f"  {name}: line {number} has {numbers(tensor)}")
            return lines + detail
        after = max(after, at)
        good.append(f"{name} (line {seen[at][0]})")
    return []


def _source(run: Run, line: int) -> str:
    return one_line(run.lines[line - 1])[:120] if 0 < line <= len(run.lines) else ""


def _alike(a: Any, b: Any) -> bool:
    """Whether a tensor holds the numbers of another, in whatever order of the axes."""
    if a.numel() != b.numel() or a.is_complex() or b.is_complex():
        return False
    if a.shape == b.shape and close(a, b, 1e-8):
        return True
    if a.shape == b.shape and a.dim() > 1 and len(set(a.shape)) > 1:
        return False
    return close(a.double().reshape(-1).sort().values, b.double().reshape(-1).sort().values, 1e-8)


def _broken_law(run: Run, law: Law) -> tuple[Law, dict[str, int]] | None:
    """The law and the sizes at which it does not hold, or None."""
    ranges = {**run.ranges, **law.sizes}
    for sizes in draws_of(ranges, law.draws, f"{run.seed}:{law.sentence}", run.valid):
        draw = run.draw(law, sizes, law.sentence)
        run.at = (law, sizes, "float64")
        try:
            holds = bool(law.check(_Proxy(run), draw))
        except _CallFailed:
            return None  # the cases say better what is wrong with a call that raises
        except (TypeError, AttributeError, ValueError, IndexError, KeyError, RuntimeError):
            holds = False
        if not holds:
            return law, sizes
    return None


class _CallFailed(Exception):
    pass


class _Proxy:
    """The learner's functions as a law calls them: ``learner.attend(q, k, v)``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, entry: str) -> Any:
        run = self._run
        if entry not in run.entries:
            raise AttributeError(entry)

        def call(*args: Any, **kwargs: Any) -> Any:
            request = {
                "entry": entry,
                "made": None,
                "steps": [["", list(args), kwargs]],
                "weights": None,
                "plan": [],
                "adapter": False,
                "cotangents": None,
                "gradient": False,
                "layout": "plain",
            }
            if run.instead and entry not in run.instead:
                outcome = run.outcome(getattr(run.cases, entry), request)
            else:
                outcome = run.answer(run.child.ask(do="call", **request))
            if outcome.result is None:
                raise _CallFailed
            return outcome.result["value"]

        return call

    def perform(self, call: Call) -> Any:
        """A `Call` or `Make`, whose weights are drawn as in the cases."""
        run = self._run
        trial = Trial(Case("", lambda d: call, gradient=False), Draw({}, run.seed), call)
        trial.request = run.request(trial)
        outcome = run.answer(run.child.ask(do="call", **trial.request))
        if outcome.result is None:
            raise _CallFailed
        return outcome.result["value"]


# -- code that raises, and code that had to be stopped -------------------------------------------------------------------


def _raised_line(run: Run, error: dict) -> tuple[str, list[str]]:
    """``ValueError in line 12, `...`: text`` and the frames that lead there."""
    mine = [f for f in error["frames"] if f[0] == run.path]
    number = mine[-1][1] if mine and isinstance(mine[-1][1], int) else None
    where = f" in line {number}, `{_source(run, number)}`" if number else ""
    message = one_line(error["message"])[:300]
    text = f"{one_line(error['type'])}{where}" + (f": {message}" if message else "")
    frames = [f"  line {f[1]}: {_source(run, f[1])}" for f in mine if isinstance(f[1], int)]
    return text, frames if len(frames) > 1 else []


def _raised(run: Run, error: dict, doing: str) -> dict:
    """The verdict on a file that cannot even be run."""
    kinds = error["kinds"]
    line, frames = _raised_line(run, error)
    hint = ""
    if "ModuleNotFoundError" in kinds and error.get("name"):
        hint = f" Nothing called '{one_line(error['name'])}' is installed here."
    return {"status": "raised", "line": f"{doing} raises {line}.{hint}", "details": frames}


def _stopped(run: Run, stopped: Stopped, load: dict) -> dict:
    """The verdict on code that did not give an answer of its own accord."""
    at = getattr(run, "at", None)
    where = ""
    if at is not None and isinstance(at[0], Case):
        where = f" ({at[0].name}, {_sizes(at[1])})"
    if stopped.how == "timeout":
        lines = re.findall(rf'File "{re.escape(run.path)}", line (\d+)', stopped.text)
        spot = f" in line {lines[0]}, `{_source(run, int(lines[0]))}`" if lines else ""
        return {
            "status": "timeout",
            "line": f"stopped after {load['seconds']:g} s, still running{spot}{where}: an endless loop, or a very slow one.",
        }
    if stopped.how == "memory":
        return {
            "status": "memory",
            "line": f"stopped at {load['memory'] >> 20} MB of memory{where}: something grows without end.",
        }
    if stopped.how == "exit called":
        return {"status": "exited", "line": f"your code calls exit{where}: take that call out."}
    if stopped.how == "not allowed":
        name = stopped.text.removeprefix("forbidden ")
        if name != stopped.text:
            reason = getattr(run.cases, "FORBIDDEN", {}).get(name, "write it out")
            return {
                "status": "forbidden",
                "line": f"your code calls {name}, which this exercise does not allow: {reason}.",
            }
        return {"status": "forbidden", "line": f"{one_line(stopped.text)}."}
    if stopped.how == "refused":
        what = stopped.text.partition(": ")[2] or stopped.text
        if stopped.text.startswith("import"):
            return {
                "status": "forbidden",
                "line": f"your file imports {what}: the answers are in there; write it out instead.",
            }
        return {
            "status": "forbidden",
            "line": f"your file reads headway/{what}, where the answers are: write it out instead.",
        }
    if stopped.how == "exited":
        return {
            "status": "exited",
            "line": f"your code ends the whole process{where} (os._exit, or a crash of the interpreter): code {stopped.text}.",
        }
    if stopped.how == "signal":
        name = (
            signal.Signals(int(stopped.text)).name
            if stopped.text.isdigit() and int(stopped.text) in set(signal.Signals)
            else stopped.text
        )
        return {"status": "exited", "line": f"your code crashes the interpreter{where}: {name}."}
    return {
        "status": "garbled",
        "line": f"your code writes into the judge's own channel{where}, or closes it: leave file descriptors alone.",
    }


# -- layers of a learner's own naming ------------------------------------------------------------------------------------


def _fit(run: Run, case: Case, sizes: dict[str, int]) -> dict | None:
    """Find out which of the learner's parameters is which of ours. Returns a verdict where that is impossible."""
    draw = run.draw(case, sizes, case.name)
    trial = Trial(case, draw, case.build(draw))
    if run.weights(trial) is None or run.instead:
        if run.instead and (weights := run.weights(Trial(case, draw, trial.call))) is not None:
            run.plans[trial.call.entry] = [[name, [[name, 0, len(value), False]]] for name, value in weights.items()]
        return None
    from headway.learn.layers import fit

    return fit(run, case, sizes)


def main_loop(inbox: int, outbox: int) -> None:
    """The warm process: torch imported and nothing else done; one fork per request, so that each starts clean."""
    import json

    import numpy  # noqa: F401
    import torch
    from torch.overrides import TorchFunctionMode  # noqa: F401

    torch.set_num_threads(1)
    die_with_parent()
    pending = b""
    os.write(outbox, b'{"ready": true}\n')
    while True:
        while b"\n" not in pending:
            data = os.read(inbox, 65536)
            if not data:
                return
            pending += data
        line, _, pending = pending.partition(b"\n")
        back, forth = os.pipe()
        pid = os.fork()
        if pid == 0:
            _answer(json.loads(line), back, forth, (inbox, outbox))
        os.close(forth)
        parts = []
        while part := os.read(back, 65536):
            parts.append(part)
        os.close(back)
        os.waitpid(pid, 0)
        reply = b"".join(parts) or b'{"status": "broken", "line": "the judge itself failed."}'
        os.write(outbox, reply.replace(b"\n", b" ") + b"\n")


def _answer(request: dict, back: int, forth: int, others: tuple[int, int]) -> None:
    """In a fork of the warm process: fork the learner's process, judge, write the verdict, end."""
    import json
    import traceback

    try:
        os.close(back)
        os.setpgid(0, 0)
        die_with_parent()
        adopt()
        for fd in others:
            os.set_inheritable(fd, False)
        child = Child()
        folder = Path(request["folder"])
        exercise = Exercise(request["exercise"], folder)
        try:
            verdict = judge(exercise, request["path"], request["seed"], child, request.get("instead"))
        except Exception:
            child.close()
            verdict = {
                "status": "broken",
                "line": "the judge itself failed on this exercise.",
                "details": traceback.format_exc().splitlines(),
            }
        data = json.dumps(verdict, default=str).encode()
        while data:
            data = data[os.write(forth, data) :]
    finally:
        os._exit(0)
