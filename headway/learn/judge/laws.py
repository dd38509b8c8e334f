"""What must hold of every right answer, looked at through calls of the learner's code."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from headway.learn.cases import Call, Case, Draw, Law, fill
from headway.learn.judge.draws import draws_of
from headway.learn.judge.perform import CallRequest, Raised
from headway.learn.judge.showing import raised_line, sizes_told, undone
from headway.learn.judge.trials import Run, Trial, bound
from headway.learn.judge.verdict import Verdict


@dataclass(frozen=True)
class BrokenLaw:
    """A law, the sizes at which it does not hold, and what the learner's code raised there, if it did."""

    law: Law
    sizes: dict[str, int]
    error: Raised | None = None


def broken_law(run: Run, law: Law) -> BrokenLaw | None:
    """Where the law does not hold; None where it does."""
    ranges = {**run.ranges, **law.sizes}
    for index, sizes in enumerate(
        draws_of(ranges, law.draws, f"{run.seed}:{law.sentence}", run.contract.valid, law.draws)
    ):
        draw = run.draw(law.sentence, sizes, index)
        run.at = (law, sizes)
        try:
            holds = bool(law.check(_Learner(run), draw))
        except _CallFailed as failed:
            return BrokenLaw(law, sizes, failed.error)
        except (TypeError, AttributeError, ValueError, LookupError, RuntimeError, ArithmeticError):
            holds = False
        if not holds:
            return BrokenLaw(law, sizes)
    return None


def lawless(run: Run, broken: BrokenLaw) -> Verdict:
    """The verdict on an answer that is right in every case and breaks a law, or raises where one is looked at."""
    sentence, sizes = fill(broken.law.sentence, broken.sizes), f"with {sizes_told(broken.sizes)}"
    if broken.error is None:
        return Verdict("wrong", f"{sentence}.", details=(sizes,))
    line, frames = raised_line(run, broken.error)
    details = (*frames, f"{sizes}, where it is seen whether {sentence}")
    if undone(run, broken.error):
        return Verdict("unfinished", f"not written yet: {line}.", details=details)
    return Verdict("raised", f"{line}.", details=details)


class _CallFailed(Exception):
    def __init__(self, error: Raised | None) -> None:
        self.error = error


class _Learner:
    """The learner's functions as a law calls them: ``learner.attend(q, k, v)``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, entry: str) -> Any:
        run = self._run
        if entry not in run.entries:
            raise AttributeError(entry)
        reference = run.contract.references[entry]

        def call(*args: Any, **kwargs: Any) -> Any:
            # Our names are not the learner's: as in a case, what can be given by position is.
            _, positional, keyword = bound(reference, "", inspect.signature(reference).bind(*args, **kwargs).arguments)
            request = CallRequest(entry, [["", positional, keyword]])
            if run.instead and entry not in run.instead:
                outcome = run.result(reference, request)
            else:
                outcome = run.answer(run.child.ask("call", request))
            if outcome.result is None:
                raise _CallFailed(outcome.raised)
            return outcome.result.value

        return call

    def perform(self, call: Call, seed: int = 0) -> Any:
        """A `Call` or `Make`; the weights of a module are drawn from `seed`, so that two calls can share them."""
        run = self._run
        trial = Trial(Case("", lambda d: call, gradient=False), Draw({}, seed), call)
        outcome = run.answer(run.child.ask("call", run.request(trial)))
        if outcome.result is None:
            raise _CallFailed(outcome.raised)
        return outcome.result.value
