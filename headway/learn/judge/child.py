"""The process that runs a learner's code: it is given inputs, gives back raw values, and knows no answer.

Nothing in here decides anything. Whatever the learner's code does to this process (patching torch, the judge, `print`,
the clock), the values it hands back are compared elsewhere, in `judging`. What it may not do is in `limits` and `forbidden`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import importlib
import os
import re
import signal
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headway.learn.judge import forbidden, limits
from headway.learn.judge.perform import CallRequest, argument_made, leaves, perform, raised
from headway.learn.judge.placement import Placement
from headway.learn.judge.wire import Channel, Ended


@dataclass(frozen=True)
class Load:
    """The learner's file, and within which bounds it is run.

    Attributes:
        path: The file, and `source` its text.
        entries: The names asked for.
        hidden: Folders whose files may not be read: the answers.
        instead: In an audit, entry -> the mistake of ours that takes its place; `trusted` then, and nothing is confined.
        allowed: Modules of headway that may be imported, and `forbidden` what may not be called: name -> why.
        seconds: Of the processor, `wall` on the clock, `memory` in bytes.
    """

    path: str
    source: str
    entries: list[str]
    hidden: list[str] = field(default_factory=list)
    instead: dict[str, str] = field(default_factory=dict)
    allowed: list[str] = field(default_factory=list)
    forbidden: dict[str, str] = field(default_factory=dict)
    trusted: bool = False
    seconds: float = 3.0
    wall: float = 10.0
    memory: int = 1 << 30


COMPILER = re.compile(r"torch\.func|functorch|Optimizer|autograd\.functional|vmap|checkpoint")
"""What makes torch import its compiler when it is first used: seconds of the processor that are not the learner's."""

IMPORTING = 15.0
"""Seconds of the processor that the import may take on a slow machine."""


class _Learner:
    """The learner's file, loaded, and the calls made of it."""

    def __init__(self, load: Load) -> None:
        self.path, self.load = load.path, load
        self.namespace: dict[str, Any] = {}
        self.called: set[str] = set()

    def open(self) -> dict:
        """Run the file. Returns what of it is there."""
        load = self.load
        name = "exercise_" + Path(self.path).stem.replace("-", "_")
        module = types.ModuleType(name)
        module.__file__ = self.path
        sys.modules[name] = module
        folder = str(Path(self.path).parent)
        if not load.trusted:
            sys.path.append(folder)  # last: a learner's `random.py` shadows nothing
        self.namespace = module.__dict__
        # A file with `from __future__` must not be compiled under ours.
        code = compile(load.source, self.path, "exec", dont_inherit=True)
        with self.watching():
            exec(code, self.namespace)
        found = {entry: self.entry(entry) for entry in load.entries if self.has(entry)}
        return {
            "found": {entry: "class" if isinstance(item, type) else "function" for entry, item in found.items()},
            "callable": [entry for entry, item in found.items() if callable(item)],
            "adapter": callable(self.namespace.get("weights")),
        }

    def has(self, entry: str) -> bool:
        return self.load.instead.get(entry) is not None or entry in self.namespace

    def entry(self, entry: str) -> Any:
        """What the file defines under the name `entry`; in an audit of our own mistakes, the mistake instead."""
        instead = self.load.instead.get(entry)
        if instead is None:
            return self.namespace[entry]
        return _find_mistake(self.namespace, instead)

    def watching(self, record: list | None = None) -> Any:
        """Look at every torch function called: refuse the forbidden, remember the rest, keep results if asked."""
        import torch
        from torch.overrides import TorchFunctionMode

        unwanted, called, path = dict(self.load.forbidden), self.called, self.path
        plain, getframe, gradient = _plain_tensors, sys._getframe, vars(torch._C.TensorBase)["grad"].__get__

        class Watch(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                name = getattr(func, "__name__", "") or str(func)
                name = name.removeprefix("aten::").partition(".")[0]
                if name in unwanted:
                    raise limits.NotAllowed(f"forbidden {name}")
                called.add(name)
                result = func(*args, **(kwargs or {}))
                if name == "__setitem__":
                    result = args[0]
                # What backward made is seen where it is read.
                if record is not None and len(record) < 400 and (name not in _QUIET or func == gradient):
                    frame = getframe(1)
                    while frame is not None and frame.f_code.co_filename != path:
                        frame = frame.f_back
                    if frame is not None:
                        record.extend((frame.f_lineno, name, t) for t in plain(result))
                return result

        return Watch()

    def placement(self, call: CallRequest) -> Placement | None:
        if call.weights is None:
            return None
        adapter = self.namespace.get("weights") if call.adapter else None
        return Placement(call.weights, call.plan, adapter)

    def call(self, call: CallRequest) -> dict:
        """Carry out one call as `perform` describes it."""
        import torch

        # Whatever an answer draws from the global generator must not matter, and two calls never see the same state.
        torch.default_generator.manual_seed(int.from_bytes(os.urandom(4), "little"))
        target = self.entry(call.entry)
        with self.watching():
            return vars(perform(target, call, self.placement(call)))

    def trace(self, call: CallRequest) -> list:
        """Every tensor that the learner's lines computed or changed: (line, function, tensor)."""
        record: list[Any] = []
        with self.watching(record), contextlib.suppress(Exception):
            perform(
                self.entry(call.entry), dataclasses.replace(call, gradient=False, cotangents=None), self.placement(call)
            )
        return [[line, name, t.detach()] for line, name, t in record]

    def describe(self, call: CallRequest) -> dict:
        """The parameters of the module that the learner's class makes."""
        import torch

        assert call.made is not None
        positional, keyword = call.made
        made = {name: argument_made(value) for name, value in keyword.items()}
        model = self.entry(call.entry)(*map(argument_made, positional), **made)
        if not isinstance(model, torch.nn.Module):
            return {"module": False, "parameters": []}
        adapted = self.namespace["weights"](model) if call.adapter else {}
        given = [t for target in adapted.values() for t in (target if isinstance(target, list | tuple) else [target])]
        homes = {t.untyped_storage().data_ptr() for t in given if isinstance(t, torch.Tensor)}
        return {
            "module": True,
            "parameters": [[name, list(p.shape)] for name, p in model.named_parameters()],
            "adapted": list(adapted) if call.adapter else None,
            "loose": [name for name, p in model.named_parameters() if p.untyped_storage().data_ptr() not in homes],
            "kinds": sorted({type(m).__name__ for m in model.modules() if type(m).__module__.startswith("torch.")}),
        }


_QUIET = frozenset(
    [
        "__get__",
        "size",
        "dim",
        "numel",
        "__len__",
        "is_floating_point",
        "stride",
        "data_ptr",
        "__bool__",
        "item",
        "tolist",
    ]
)


def _plain_tensors(result: Any) -> list[Any]:
    return [leaf.detach().clone() for leaf in leaves(result) if leaf.numel() <= 4096]


def _find_mistake(namespace: dict, name: str) -> Any:
    """The answer of the mistake called `name` in the namespace of a mistakes.py."""
    for value in list(namespace.values()):
        for item in value if isinstance(value, list) else [value]:
            if type(item).__name__ == "Mistake" and item.name == name:
                return item.answer
    raise KeyError(name)


def serve(inbox: int, outbox: int, dump: int) -> None:
    """Load the learner's file and answer calls until the other side goes away."""
    import torch

    torch.set_num_threads(1)
    channel = Channel(inbox, outbox)
    load = Load(**channel.receive())
    # On the judge's signal the interpreter itself writes where the code is, whatever the code is doing.
    faulthandler.register(signal.SIGUSR1, file=dump, all_threads=False)
    learner = _Learner(load)
    kept = _confine(load, dump)
    before = time.process_time()
    answers: dict[str, Callable[[Any], Any]] = {
        "open": lambda _: learner.open(),
        "call": lambda message: learner.call(CallRequest.gather(message)),
        "trace": lambda message: learner.trace(CallRequest.gather(message)),
        "describe": lambda message: learner.describe(CallRequest.gather(message)),
    }
    message: dict[str, Any] = {"do": "open", "with": None}
    while True:
        try:
            reply = {"ok": answers[message["do"]](message["with"]), "before": before}
        except BaseException as error:
            reply = {"raised": vars(raised(error))}
        called = sorted(str(name) for name in learner.called)
        try:
            channel.send({**reply, "called": called})
        except (Ended, BrokenPipeError):
            del kept
            raise
        except BaseException as error:
            # What came back cannot be sent, for want of memory or because it is of no kind we know.
            channel.send({"raised": vars(raised(error))})
        message = channel.receive()


def _confine(load: Load, dump: int) -> Any:
    """Set the bounds within which the learner's code runs. Returns what has to be kept alive for them to hold."""
    import torch

    end, write = os._exit, os.write

    def refuse(what: str) -> None:
        write(dump, f"REFUSED {what}\n".encode(errors="replace"))
        end(limits.REFUSED)

    for name in load.allowed:
        __import__(name)
    if COMPILER.search(load.source):
        importlib.import_module("torch._dynamo")
    limits.limit(load.seconds, load.memory)
    sys.dont_write_bytecode = True
    if load.trusted:
        return None
    kept = forbidden.bar(tuple(load.forbidden)) if load.forbidden else None
    # A compiled function is run as the Python it is: importing the compiler alone takes seconds.
    vars(torch)["compile"] = lambda model=None, **_: model if model is not None else lambda function: function
    hidden = [Path(path) for path in load.hidden]
    limits.seal(hidden)
    limits.confine(refuse, hidden, tuple(load.forbidden))
    return kept
