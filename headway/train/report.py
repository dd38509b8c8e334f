"""What a person sees of a run: a bar on a terminal, plain lines elsewhere. Both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from headway.base.console import Bar, err


class Reporter:
    """Is called while a run trains, to show how far it is. This one shows nothing."""

    def note(self, line: str) -> None:
        """Something worth a line."""

    def start(self, step: int, steps: int) -> None:
        """The run begins, or goes on, after `step` of `steps`."""

    def step(self, step: int, facts: Mapping[str, Any]) -> None:
        """An update is done. `facts`: loss, tokens_per_second, flops_per_second, seconds_left; any may be missing."""

    def row(self, row: Mapping[str, Any]) -> None:
        """A line of metrics was written."""

    def stop(self) -> None:
        """No more steps, for whatever reason. May be called more than once."""


class Lines(Reporter):
    """A line per row of metrics, but not more than one every two seconds, unless it has a held-out loss."""

    def __init__(self, every: float = 2.0) -> None:
        self.every, self.last, self.steps = every, 0.0, 0
        self.facts: Mapping[str, Any] = {}

    def note(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def start(self, step: int, steps: int) -> None:
        self.steps = steps

    def step(self, step: int, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    def row(self, row: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if "held_out" not in row and row["step"] < self.steps and now - self.last < self.every:
            return
        self.last = now
        print(f"step {row['step']}/{self.steps}  {describe({**self.facts, **row})}", file=sys.stderr, flush=True)


class OnTerminal(Reporter):
    """A progress bar: step, loss, tokens/s, FLOP/s, time left."""

    def __init__(self) -> None:
        self.bar: Bar | None = None
        self.held_out: float | None = None

    def note(self, line: str) -> None:
        err().print(line, markup=False)

    def start(self, step: int, steps: int) -> None:
        self.bar = Bar("step", steps, done=step, time_left=False, stays=True)

    def step(self, step: int, facts: Mapping[str, Any]) -> None:
        if self.bar is not None:
            self.bar.to(step, describe(facts if self.held_out is None else {**facts, "held_out": self.held_out}))

    def row(self, row: Mapping[str, Any]) -> None:
        self.held_out = row.get("held_out", self.held_out)

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()


def describe(facts: Mapping[str, Any]) -> str:
    """``loss 1.8730  held out 1.9020  8,120 tokens/s  31 GFLOP/s  2 min left``."""
    parts = []
    if "loss" in facts:
        parts.append(f"loss {facts['loss']:.4f}" if isinstance(facts["loss"], float) else f"loss {facts['loss']}")
    if "held_out" in facts:
        parts.append(f"held out {facts['held_out']:.4f}")
    if facts.get("accuracy") is not None:
        parts.append(f"accuracy {100 * facts['accuracy']:.1f} %")
    if facts.get("tokens_per_second"):
        parts.append(f"{facts['tokens_per_second']:,.0f} tokens/s")
    if facts.get("flops_per_second"):
        parts.append(f"{short(facts['flops_per_second'])}FLOP/s")
    if facts.get("seconds_left") is not None:
        parts.append(f"{duration(facts['seconds_left'])} left")
    return "  ".join(parts)


def short(number: float) -> str:
    """``811 k``, ``31 G``: three figures at most, to stand before a unit."""
    at = 0
    while abs(number) >= 999.5 and at < 5:
        number, at = number / 1000, at + 1
    return f"{number:.3g} {' kMGTP'[at].strip()}"


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2 h 05 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f} min"
