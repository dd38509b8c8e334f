"""A learner's function inside a real model: ``headway run MODEL ... --with exercises/attention/rope.py``.

What an exercise asks for has the signature of a function that the models call. `plugged` puts the learner's in its place,
in every module of Headway that has imported it, and puts everything back afterwards.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from headway.base.errors import HeadwayError
from headway.base.replaced import modules, replaced
from headway.learn.contract import contract_of
from headway.learn.exercise import find_exercise

HOMES = ("headway.blocks.", "headway.sample.", "headway.adapt.")
"""Where the functions live that a file may replace by defining one of the same name."""

SMOL, NUMBERS = 'smollm2-135m "Why is the sky blue?"', 'numbers-{} "four hundred and two"'
RUNS_ON = {
    "attention/rope": SMOL,
    "attention/sdpa": SMOL,
    "attention/sinusoids": NUMBERS.format("transformer"),
    "language-models/gru": NUMBERS.format("gru"),
    "language-models/sampling": SMOL + " --temperature 0.8",
    "layer-norm/rms": SMOL,
    "seq2seq/additive": NUMBERS.format("gru"),
}
"""Exercise -> a model that calls what it asks for, and something to give it. A test holds it against the exercises."""


def command_for(exercise: str) -> str | None:
    """The command that runs a real model on the learner's answer to `exercise`; None where no model calls such a function."""
    return f"headway run {RUNS_ON[exercise]} --with exercises/{exercise}.py" if exercise in RUNS_ON else None


@dataclass
class Plugged:
    """What is plugged in: full name of the function replaced -> how often it was called."""

    path: Path
    calls: dict[str, int] = field(default_factory=dict)
    forwards: int = 0

    def told(self) -> str:
        """``rotate (1,240 calls), rotary_angles (40 calls)``."""
        used = [f"{name.rpartition('.')[2]} ({n:,} call{'s' * (n != 1)})" for name, n in self.calls.items() if n]
        return ", ".join(used)


@contextlib.contextmanager
def plugged(path: Path | str) -> Iterator[Plugged]:
    """While this lasts, the functions of the learner's file at `path` are those of every model.

    Which function replaces which: what the exercise says that the file belongs to (``PLUG`` or ``plug(task)`` in its
    cases.py), else functions of the same name in headway.blocks, headway.sample and headway.adapt.

    Raises:
        HeadwayError: the file cannot be run, defines nothing that a model calls, fails when it is called, or a model ran
            and never called it.
    """
    import torch

    path = Path(path)
    learner = _load(path)
    state = Plugged(path)
    ours: dict[Callable, Callable[[Callable], Callable]] = {}
    for name, function in _pairs(path, learner).items():
        home, _, attribute = name.rpartition(".")
        original = getattr(importlib.import_module(home), attribute)
        state.calls[name] = 0
        ours[original] = functools.partial(_counted, state, name, function)

    def count(*_: Any) -> None:
        state.forwards += 1

    handle = torch.nn.modules.module.register_module_forward_pre_hook(count)
    try:
        with replaced(ours):
            yield state
        if state.forwards and not any(state.calls.values()):
            names = ", ".join(name.rpartition(".")[2] for name in state.calls)
            raise HeadwayError(f"the model never called {names} of {path}, and the output is its own.{_who_does(path)}")
    finally:
        handle.remove()


def _who_does(path: Path) -> str:
    """Which model calls what the learner's file is about, as the end of a message."""
    try:
        command = command_for(find_exercise(str(path)).id)
    except HeadwayError:
        return ""
    return f" A model that does: `{command}`." if command else ""


def _load(path: Path) -> ModuleType:
    """Run the learner's file. Its folder is searched last, so that it may import its neighbours."""
    name = "headway_plugged_" + path.stem.replace("-", "_")
    try:
        source = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise HeadwayError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise HeadwayError(f"{path} is not UTF-8 text.") from error
    module = ModuleType(name)
    module.__file__ = str(path)
    folder = str(path.absolute().parent)
    sys.path.append(folder)
    sys.modules[name] = module
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except SyntaxError as error:
        raise HeadwayError(f"{path}, line {error.lineno}: {error.msg}.") from error
    except Exception as error:
        raise _failed(path, error) from error
    except SystemExit as error:
        raise HeadwayError(f"{path} calls exit when it is run: take that call out.") from error
    finally:
        sys.path.remove(folder)
    return module


def _pairs(path: Path, learner: ModuleType) -> dict[str, Callable]:
    """Full name of one of our functions -> the learner's that takes its place."""
    try:
        contract = contract_of(find_exercise(str(path)))
    except HeadwayError:
        contract = None
    if contract is not None and callable(contract.plug):
        for entry in contract.entries:
            if not callable(getattr(learner, entry, None)):
                raise HeadwayError(f"{path} defines no {entry}.")
        return dict(contract.plug(learner))
    wanted: dict[str, str] = dict(contract.plug) if contract is not None and isinstance(contract.plug, dict) else {}
    if not wanted:
        for name, value in vars(learner).items():
            mine = callable(value) and getattr(value, "__module__", None) == learner.__name__
            for module in modules() if mine and not name.startswith("_") else ():
                there = getattr(module, name, None)
                if module.__name__.startswith(HOMES) and getattr(there, "__module__", None) == module.__name__:
                    wanted[f"{module.__name__}.{name}"] = name
    found = {
        ours: getattr(learner, theirs) for ours, theirs in wanted.items() if callable(getattr(learner, theirs, None))
    }
    if not found:
        if wanted:
            raise HeadwayError(f"{path} defines no {' or '.join(wanted.values())}.")
        raise HeadwayError(
            f"{path} defines nothing that a model calls: no function of headway.blocks has one of its names."
        )
    return found


def _counted(state: Plugged, name: str, function: Callable, original: Callable) -> Callable:
    """The learner's function, counting its calls, its failures told in one line."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        state.calls[name] += 1
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            raise _failed(state.path, error) from error
        if result is None:
            raise HeadwayError(f"{state.path}: {name.rpartition('.')[2]} returns None: is a `return` missing?")
        return result

    return call


def _failed(path: Path, error: Exception) -> HeadwayError:
    """One line on an exception in the learner's file: where, what, and how to find out more."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"{path}, line {lines[-1]}" if lines else str(path)
    if isinstance(error, NotImplementedError):
        return HeadwayError(f"{where}: not written yet. `headway check {path}` judges it.")
    text = " ".join(str(error).split())
    return HeadwayError(
        f"{where}: {type(error).__name__}{f': {text}' if text else ''}. `headway check {path}` judges it."
    )
