"""The options of `run` and `chat`: how a model is loaded, how its tokens are chosen, what takes its functions' place."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headway.base.errors import HeadwayError
from headway.cli.shared.numbers import Whole
from headway.learn.exercise import find_exercise
from headway.learn.plug import Plugged, plugged
from headway.learn.workspace import workspace_around
from headway.sample.rules import check_sampling
from headway.zoo import Loaded, check_place, load

if TYPE_CHECKING:
    from headway.sample.filters import Sampling


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """How a model is loaded and how its tokens are chosen."""

    temperature: float | None = None
    "0 takes the likeliest token; higher is more surprising."
    top_k: Whole = 0
    "Only the k likeliest tokens (0: all)."
    top_p: float | None = None
    "Only the likeliest tokens that reach this probability together (1: all)."
    min_p: float = 0.0
    "Only tokens at least this fraction as likely as the likeliest (0: all)."
    repetition_penalty: float = 1.0
    "What the logits of tokens already said are divided by (1: nothing)."
    seed: Whole | None = None
    "Makes sampling repeatable."
    max_tokens: Whole = 512
    "The most tokens of a reply."
    stop: Annotated[list[str], Parameter(negative=(), show_default=False)] = field(default_factory=list)
    "End before this text (\\n for a line end); can be given several times."
    dtype: str | None = None
    "float32, bfloat16, float16 or float64."
    device: str | None = None
    "cpu, cuda, cuda:1, mps."
    system: str | None = None
    "What the model is told before the conversation."
    with_: Annotated[Path | None, Parameter(name="--with")] = None
    "A file of yours (or an exercise) whose functions take the place of Headway's inside the model."

    def sampling(self, temperature: float, top_p: float) -> Sampling:
        """The choice of tokens, with a command's own defaults for what was not given."""
        from headway.sample.filters import Sampling

        return Sampling(**self._settings(temperature, top_p))

    def _settings(self, temperature: float, top_p: float) -> dict[str, Any]:
        return {
            "temperature": temperature if self.temperature is None else self.temperature,
            "top_k": self.top_k,
            "top_p": top_p if self.top_p is None else self.top_p,
            "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty,
        }

    def writing(self, temperature: float, top_p: float) -> dict[str, Any]:
        """What the functions of `headway.use` that write are given. The seed is drawn here where none was asked for, so that
        what is called twice does the same twice."""
        seed = secrets.randbits(63) if self.seed is None else self.seed
        sampling = self.sampling(temperature, top_p)
        return {"max_tokens": self.max_tokens, "stops": self.stops, "sampling": sampling, "seed": seed}

    @property
    def stops(self) -> list[str]:
        if not all(self.stop):
            raise HeadwayError("--stop needs at least one character.")
        return [stop.replace("\\n", "\n").replace("\\t", "\t") for stop in self.stop]

    def check(self) -> None:
        """Complain about values before anything is fetched or loaded, PyTorch included."""
        if self.max_tokens < 1:
            raise HeadwayError(f"--max-tokens is 1 or more, not {self.max_tokens}.")
        if self.seed is not None and not -(2**63) <= self.seed < 2**64:
            raise HeadwayError(f"--seed is a number of at most 64 bits, not {self.seed}.")
        _ = self.stops
        if self.own is not None and self.own.suffix == ".py":
            _refuse_stub(self.own)
        check_sampling(**self._settings(0.0, 1.0))
        check_place(self.dtype, self.device)

    def load(self, name: str) -> Loaded:
        return load(name, dtype=self.dtype, device=self.device)

    @property
    def own(self) -> Path | None:
        """The learner's file: as named from here, else as named from the workspace, else that of the exercise of this name."""
        if self.with_ is None or self.with_.is_file():
            return self.with_
        workspace = workspace_around()
        missing = HeadwayError(
            f"--with: there is no file {self.with_}"
            + (f", neither here nor in {workspace.root}." if workspace else ".")
        )
        if workspace is None:
            raise missing
        if (workspace.root / self.with_).is_file():
            return workspace.root / self.with_
        if self.with_.suffix == ".py":
            raise missing
        file = workspace.exercise_file(find_exercise(str(self.with_)).id)
        if not file.is_file():
            raise HeadwayError(f"--with: there is no {file} yet: `headway check {self.with_}` puts the stub there.")
        return file

    @contextlib.contextmanager
    def plugged(self) -> Iterator[Plugged | None]:
        """While this lasts, the learner's functions (`--with`) are the model's. Yields which, and how often they ran."""
        if self.own is None:
            yield None
            return
        with plugged(self.own) as state:
            yield state


def _refuse_stub(path: Path) -> None:
    """Say at once, before a model is loaded for it, that an exercise's file is still the stub."""
    try:
        exercise = find_exercise(str(path))
    except HeadwayError:
        return
    if path.read_bytes() == exercise.task.read_bytes():
        raise HeadwayError(f"{path}: not written yet. `headway check {exercise.id}` judges it.")
