"""The process that runs a learner's code: it is given inputs, gives back raw values, and knows no answer.

Nothing in here decides anything. Whatever the learner's code does to this process (patching torch, the judge, `print`,
the clock), the values it hands back are compared elsewhere, in `headway.learn.judging`. What confinement there is serves
two ends: that a check always ends and costs little (limits on time and memory, no processes of its own), and that the
learner's files and the course's answers stay as they are (no writing, no reading of the answers). It keeps honest people
from accidents and from temptation; it is not a wall against malice, which no check of one's own exercise needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import marshal
import os
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from headway.learn.wire import Channel, Ended, Function

PACKAGE = str(Path(__file__).resolve().parent.parent)

LONGEST = 10_000
"""Items taken from an iterator that a learner's function returned; further ones are not asked for."""


# -- performing a call: the same code for the learner, the reference and the mistakes ------------------------------------


def perform(
    target: Any, made: list | None, placement: Any, steps: list, cotangents: list | None, wanted: bool, fresh: Callable
) -> dict:
    """Carry out one call and collect everything that can be compared.

    Args:
        target: a function, or a class when `made` is given.
        made: arguments of the class: [positional, keyword].
        placement: puts the judge's weights into the module, where the class is one.
        steps: (method, positional, keyword) per step.
        cotangents: what each floating output is multiplied by before the sum that is differentiated; ones if None; or a
            function that is given the outputs and returns these.
        wanted: whether gradients are wanted at all.
        fresh: copies an argument, so that nobody shares memory with anybody.

    Returns:
        ``value`` (of the one step, or the list of all), ``after`` (the tensors among the arguments after the call),
        ``altered`` (the places of arguments in which anything else was changed: a list, a dict), ``gradients`` (a list
        with None where nothing flows; absent when not wanted), ``state`` (global switches the call left changed).
    """
    import torch

    before = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled())
    tracked: list[Any] = []
    parameters: list[Any] = []

    def prepare(value: Any) -> Any:
        value = fresh(value)
        for leaf in leaves(value):
            if wanted and leaf.is_floating_point():
                leaf.requires_grad_(True)
                tracked.append(leaf)
        return value

    values = []
    arguments = []
    altered = []
    if made is not None:
        positional = [_argument(fresh(value)) for value in made[0]]
        keyword = {name: _argument(fresh(value)) for name, value in made[1].items()}
        if placement is None:
            target = target(*positional, **keyword)
        else:
            dtype = next(iter(placement.values.values())).dtype
            torch.set_default_dtype(dtype)
            try:
                target = target(*positional, **keyword)
            finally:
                torch.set_default_dtype(before[0])
            if isinstance(target, torch.nn.Module):
                target.to(dtype).eval()
            parameters = placement.put(target)
    for method, positional, keyword in steps:
        positional = [_argument(prepare(value)) for value in positional]
        keyword = {name: _argument(prepare(value)) for name, value in keyword.items()}
        arguments.append([positional, keyword])
        before_call = [outline(value) for value in (*positional, *keyword.values())]
        if method.startswith("["):
            values.append(collect(getattr(target, method[1:-1])))
        elif method in ("", "__call__"):
            values.append(collect(target(*positional, **keyword)))
        else:
            values.append(collect(getattr(target, method)(*positional, **keyword)))
        outlines = zip((*positional, *keyword.values()), before_call, strict=True)
        altered.append([n for n, (value, was) in enumerate(outlines) if outline(value) != was])
    after = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled())
    changed = [
        name
        for name, a, b in zip(("the default dtype", "gradients on or off", "determinism"), before, after, strict=True)
        if a != b
    ]
    torch.set_default_dtype(before[0])
    torch.set_grad_enabled(before[1])
    result = {
        "value": values[0] if len(values) == 1 else values,
        "after": [[leaf.detach() for leaf in leaves(pair)] for pair in arguments],
        "altered": altered,
        "state": changed,
    }
    if wanted:
        floating = [leaf for leaf in leaves(values) if leaf.is_floating_point()]
        result["flows"] = [leaf.requires_grad for leaf in floating]
        loss = torch.zeros((), dtype=torch.float64)
        if callable(cotangents):
            cotangents = cotangents(floating)
        given = cotangents if cotangents is not None and len(cotangents) == len(floating) else None
        for n, leaf in enumerate(floating):
            if leaf.requires_grad:
                factor = given[n] if given is not None and given[n].shape == leaf.shape else 1.0
                loss = loss + (leaf * factor).sum()
        sources = [t for t in (*tracked, *parameters) if t.requires_grad]
        gradients: list[Any] = [None] * (len(tracked) + len(parameters))
        if loss.requires_grad and sources:
            found = iter(torch.autograd.grad(loss, sources, allow_unused=True))
            gradients = [next(found) if t.requires_grad else None for t in (*tracked, *parameters)]
        of_weights = placement.cut(gradients[len(tracked) :]) if placement is not None and made is not None else []
        result["gradients"] = gradients[: len(tracked)] + of_weights
    return result


def _argument(value: Any) -> Any:
    return value.make() if type(value) is Function else value


def collect(value: Any) -> Any:
    """An iterator's items as a list, everything else as it is."""
    if isinstance(value, Iterator):
        items = []
        for item in value:
            items.append(item)
            if len(items) >= LONGEST:
                break
        return items
    return value


def leaves(value: Any) -> list[Any]:
    """Every plain tensor in a tree of lists, tuples and dicts, in order."""
    import torch

    if type(value) is torch.Tensor or type(value) is torch.nn.Parameter:
        return [value]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return []


def outline(value: Any) -> Any:
    """What a tree of lists, tuples, dicts and sets holds besides tensors, for comparison before and after a call."""
    with contextlib.suppress(ValueError):  # no tensors or other objects in it
        return marshal.dumps(value, 2)
    if isinstance(value, list | tuple):
        return [outline(item) for item in value]
    if isinstance(value, dict):
        return {repr(key): outline(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    return repr(value) if value is None or isinstance(value, bool | int | float | str | bytes) else type(value).__name__


def fresh_copy(value: Any, layout: str = "plain") -> Any:
    """A copy that shares nothing. Layout "strided": all axes lie in memory in the reverse order."""
    import torch

    if type(value) is torch.Tensor:
        if layout == "strided" and value.dim() >= 2 and value.numel() > 1:
            back = tuple(reversed(range(value.dim())))
            return value.permute(back).contiguous().permute(back)
        return value.clone()
    if isinstance(value, list):
        return [fresh_copy(item, layout) for item in value]
    if isinstance(value, tuple):
        return tuple(fresh_copy(item, layout) for item in value)
    if isinstance(value, dict):
        return {name: fresh_copy(item, layout) for name, item in value.items()}
    return value


# -- handing weights to a module -----------------------------------------------------------------------------------------


class Placement:
    """Puts given weights into a module's parameters, and finds the gradients that belong to them.

    Either `plan` says where each goes, in rows of (our name, their parameter, start, length, transposed), where `#` in the
    parameter's name stands for a number and several parameters may match; or the learner's own ``weights(model)`` does,
    which returns their tensor, or views of theirs, for each of our names.
    """

    def __init__(self, values: dict[str, Any], plan: list, adapter: Callable | None = None) -> None:
        self.values, self.plan, self.adapter = values, plan, adapter
        self.views: dict[str, list[Any]] = {}
        self.parameters: list[Any] = []

    def put(self, model: Any) -> list[Any]:
        """Copy the weights in. Returns the module's parameters, with respect to which to differentiate."""
        import torch

        self.parameters = list(model.parameters())
        named = dict(model.named_parameters())
        with torch.no_grad():
            if self.adapter is None:
                for name, theirs, *where in self.plan:
                    self.views[name] = [_part(named[match].detach(), *where) for match in matching(theirs, named)]
            else:
                for name, target in self.adapter(model).items():
                    self.views[name] = list(target) if isinstance(target, list | tuple) else [target]
            for name, targets in self.views.items():
                if name not in self.values:
                    raise KeyError(f"weights() names '{name}', which is none of {', '.join(self.values)}")
                for target in targets:
                    if not isinstance(target, torch.Tensor):
                        raise TypeError(f"weights() gives a {type(target).__name__} for '{name}', not a tensor")
                for target, piece in zip(targets, _pieces(name, self.values[name], targets), strict=True):
                    target.copy_(piece)
        return self.parameters

    def cut(self, gradients: list[Any]) -> list[Any]:
        """The gradient of each of our weights, in the order of `values`; None where none flows."""
        import torch

        homes = {p.untyped_storage().data_ptr(): g for p, g in zip(self.parameters, gradients, strict=True)}
        found = []
        for name, value in self.values.items():
            parts = []
            for view in self.views.get(name, []):
                home = homes.get(view.untyped_storage().data_ptr())
                if home is not None:
                    flat = home.contiguous()
                    parts.append(flat.as_strided(view.size(), view.stride(), view.storage_offset()).reshape(-1))
            whole = torch.cat(parts) if parts else None
            found.append(whole.reshape(value.shape) if whole is not None and whole.numel() == value.numel() else None)
        return found


def matching(pattern: str, names: Any) -> list[str]:
    """The names that `pattern` stands for, `#` being any number, in the order of the numbers."""
    import re

    form = re.compile(re.escape(pattern).replace("\\#", r"(\d+)"))
    found = [(tuple(map(int, match.groups())), name) for name in names if (match := form.fullmatch(name))]
    return [name for _, name in sorted(found)]


def _part(parameter: Any, start: int, length: int | None, transposed: bool) -> Any:
    """`length` rows of a parameter from `start`, all if None (columns where it is stored transposed)."""
    rows = parameter.t() if transposed else parameter
    return rows if length is None else rows.narrow(0, start, length)


def _pieces(name: str, value: Any, targets: list[Any]) -> list[Any]:
    """`value` cut along its first axis into one piece per target, each in its target's shape."""
    rows = value.shape[0] // len(targets) if value.dim() else 0
    cut = [value] if len(targets) == 1 else list(value.split(rows, 0))
    if len(cut) != len(targets) or any(c.numel() != t.numel() for c, t in zip(cut, targets, strict=True)):
        shapes = ", ".join(str(tuple(t.shape)) for t in targets)
        raise ValueError(f"'{name}' has the shape {tuple(value.shape)}, which does not fit yours: {shapes}")
    return [c.reshape(t.shape) for c, t in zip(cut, targets, strict=True)]


# -- what the learner's code may do --------------------------------------------------------------------------------------


class NotAllowed(PermissionError):
    """Raised inside the learner's code where it does what a check does not let it do."""


_PROCESSES = frozenset(
    [
        "os.fork",
        "os.forkpty",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "subprocess.Popen",
        "pty.spawn",
        "os.kill",
        "os.killpg",
        "signal.pthread_kill",
        "socket.connect",
        "socket.bind",
        "socket.getaddrinfo",
        "ctypes.dlopen",
        "ctypes.dlsym",
    ]
)
_CHANGES = frozenset(
    [
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "os.link",
        "os.symlink",
        "os.utime",
        "shutil.move",
        "shutil.rmtree",
        "shutil.copyfile",
        "os.setxattr",
        "os.removexattr",
    ]
)
_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def confine(refuse: Callable[[str], None], forbidden: Collection[str] = ()) -> None:
    """From here on: no process, no connection, no change to any file, no look at the course's answers. For good.

    An audit hook cannot be taken off again. `refuse` is told in a few words; a look at the answers does not come back.
    A package among `forbidden` that has not been imported yet cannot be, by whatever way.
    """
    root, realpath, fspath, dirname = PACKAGE + os.sep, os.path.realpath, os.fspath, os.path.dirname
    own = dirname(__file__)
    active = [True]

    def hook(event: str, args: tuple) -> None:
        if event == "open":
            path, mode, flags = args
            if isinstance(path, int):
                return
            if active:
                active.clear()  # realpath and fspath may raise events of their own
                try:
                    name = realpath(os.fsdecode(fspath(path)))
                except (TypeError, ValueError):
                    name = ""
                finally:
                    active.append(True)
                if name.startswith(root) and dirname(name) != own:  # our own frames may be shown in a traceback
                    refuse(f"answers: {name.removeprefix(root)}")
                writing = (isinstance(mode, str) and any(c in mode for c in "wax+")) or (flags or 0) & _WRITE
                if writing and name != os.devnull:
                    raise NotAllowed(
                        f"your file writes to {name}: while it is checked, code may read files but not write them"
                    )
        elif event in _CHANGES:
            raise NotAllowed(f"your file calls {event}: while it is checked, code may not change files")
        elif event in _PROCESSES:
            raise NotAllowed(
                f"your file calls {event}: while it is checked, code may not start processes or connections"
            )
        elif event == "import":
            name = args[0]
            package = name.partition(".")[0] if isinstance(name, str) else ""
            if package == "headway" and name not in sys.modules:
                refuse(f"import: {name}")
            if package in forbidden and package not in sys.modules:
                raise NotAllowed(f"forbidden {package}")

    sys.addaudithook(hook)


def bar(forbidden: Collection[str]) -> None:
    """Put a refusal where torch keeps each forbidden function or class: whoever finds one by whatever way meets it there.

    What watches calls sees neither another thread's nor what no tensor passes through, as the making of a distribution.
    """
    import torch

    homes = [torch, torch.nn, torch.nn.functional, torch.distributions, torch._C._nn, torch.autograd, torch.func]
    homes += [torch.autograd.forward_ad, *(m for name, m in sys.modules.items() if name.startswith("torch.optim"))]
    for name in (*forbidden, *(["grad"] if "autograd" in forbidden else [])):

        def refuse(*_: Any, name: str = name, **__: Any) -> Any:
            raise NotAllowed(f"forbidden {name}")

        for home in homes:
            found = getattr(home, name, None)
            if isinstance(found, type):
                type.__setattr__(found, "__init__", refuse)
            elif callable(found):
                setattr(home, name, refuse)


def limit(seconds: float, memory: int) -> None:
    """Bound this process for good: processor time, memory beyond what it has now, no file to be written, no core dump."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime + seconds) + 1
    for which, soft, hard in (
        (resource.RLIMIT_CPU, cpu + 1, cpu + 2),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_AS, _address_space() + memory, _address_space() + memory),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (soft, hard))


def _address_space() -> int:
    """Bytes of address space in use; where the system does not say, so much that the limit never bites."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1 << 46


def die_with_parent() -> None:
    """Where Linux offers it: be killed when the process that made this one ends, however it ends."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)


# -- the loop ------------------------------------------------------------------------------------------------------------


class _Learner:
    """The learner's file, loaded, and the calls made of it."""

    def __init__(self, load: dict) -> None:
        self.path, self.load = load["path"], load
        self.namespace: dict[str, Any] = {}
        self.called: set[str] = set()

    def open(self) -> dict:
        """Run the file. Returns what of it is there."""
        import types

        load = self.load
        for name in load["allowed"]:
            __import__(name)
        name = "exercise_" + Path(self.path).stem.replace("-", "_")
        module = types.ModuleType(name)
        module.__file__ = self.path
        sys.modules[name] = module
        folder = str(Path(self.path).parent)
        if not load["trusted"]:
            sys.path.append(folder)  # last: a learner's `random.py` shadows nothing
        self.namespace = module.__dict__
        # A file with `from __future__` must not be compiled under ours.
        code = compile(load["source"], self.path, "exec", dont_inherit=True)
        with self.watching():
            exec(code, self.namespace)
        found = {entry: self.entry(entry) for entry in load["entries"] if self.has(entry)}
        return {
            "found": {entry: "class" if isinstance(item, type) else "function" for entry, item in found.items()},
            "callable": [entry for entry, item in found.items() if callable(item)],
            "adapter": callable(self.namespace.get("weights")),
        }

    def has(self, entry: str) -> bool:
        return self.load["instead"].get(entry) is not None or entry in self.namespace

    def entry(self, entry: str) -> Any:
        """What the file defines under the name `entry`; in an audit of our own mistakes, the mistake instead."""
        instead = self.load["instead"].get(entry)
        if instead is None:
            return self.namespace[entry]
        return _find_mistake(self.namespace, instead)

    def watching(self, record: list | None = None) -> Any:
        """Look at every torch function called: refuse the forbidden, remember the rest, keep results if asked."""
        from torch.overrides import TorchFunctionMode

        forbidden, called, path = dict(self.load["forbidden"]), self.called, self.path
        plain, getframe = _plain_tensors, sys._getframe

        class Watch(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                name = getattr(func, "__name__", "") or str(func)
                name = name.removeprefix("aten::").partition(".")[0]
                if name in forbidden:
                    raise NotAllowed(f"forbidden {name}")
                called.add(name)
                result = func(*args, **(kwargs or {}))
                if record is not None and len(record) < 400 and name not in _QUIET:
                    frame = getframe(1)
                    while frame is not None and frame.f_code.co_filename != path:
                        frame = frame.f_back
                    if frame is not None:
                        record.extend((frame.f_lineno, name, t) for t in plain(result))
                return result

        return Watch()

    def placement(self, call: dict) -> Placement | None:
        if call["weights"] is None:
            return None
        adapter = self.namespace.get("weights") if call["adapter"] else None
        return Placement(call["weights"], call["plan"], adapter)

    def call(self, call: dict) -> dict:
        """Carry out one call as `perform` describes it."""
        import torch

        # Whatever an answer draws from the global generator must not matter, and two calls never see the same state.
        torch.default_generator.manual_seed(int.from_bytes(os.urandom(4), "little"))
        target = self.entry(call["entry"])

        def run() -> dict:
            return perform(
                target,
                call["made"],
                self.placement(call),
                call["steps"],
                call["cotangents"],
                call["gradient"],
                lambda value: fresh_copy(value, call["layout"]),
            )

        with self.watching():
            return run()

    def trace(self, call: dict) -> list:
        """Every tensor the learner's lines computed: (line, function, tensor)."""
        record: list[Any] = []
        with self.watching(record), contextlib.suppress(Exception):
            perform(
                self.entry(call["entry"]),
                call["made"],
                self.placement(call),
                call["steps"],
                None,
                False,
                lambda value: fresh_copy(value, call["layout"]),
            )
        return [[line, name, t.detach()] for line, name, t in record if t.numel() <= 4096]

    def describe(self, call: dict) -> dict:
        """The parameters of the module that the learner's class makes."""
        import torch

        positional, keyword = call["made"]
        model = self.entry(call["entry"])(*map(_argument, positional), **{n: _argument(v) for n, v in keyword.items()})
        if not isinstance(model, torch.nn.Module):
            return {"module": False, "parameters": []}
        adapted: Any = None
        if call["adapter"]:
            adapted = list(self.namespace["weights"](model))
        return {
            "module": True,
            "parameters": [[name, list(p.shape)] for name, p in model.named_parameters()],
            "adapted": adapted,
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
    import faulthandler
    import signal

    import torch

    torch.set_num_threads(1)
    channel = Channel(inbox, outbox)
    load = channel.receive()
    # On the judge's signal the interpreter itself writes where the code is, whatever the code is doing.
    faulthandler.register(signal.SIGUSR1, file=dump, all_threads=False)
    learner = _Learner(load)
    end, write = os._exit, os.write

    def refuse(what: str) -> None:
        write(dump, f"REFUSED {what}\n".encode(errors="replace"))
        end(77)

    limit(load["seconds"], load["memory"])
    sys.dont_write_bytecode = True
    if not load["trusted"]:
        for name in load["allowed"]:
            __import__(name)
        bar(tuple(load["forbidden"]))
        # A compiled function is run as the Python it is: importing the compiler alone takes seconds.
        vars(torch)["compile"] = lambda model=None, **_: model if model is not None else lambda function: function
        confine(refuse, tuple(load["forbidden"]))
    answers = {
        "open": lambda _: learner.open(),
        "call": learner.call,
        "trace": learner.trace,
        "describe": learner.describe,
    }
    message = {"do": "open"}
    while True:
        try:
            reply = {"ok": answers[message["do"]](message)}
        except BaseException as error:
            reply = {"raised": raised(error)}
        called = sorted(str(name) for name in learner.called)
        try:
            channel.send({**reply, "called": called})
        except (Ended, BrokenPipeError):
            raise
        except (
            BaseException
        ) as error:  # what came back cannot be sent, for want of memory or because it is of no kind we know
            channel.send({"raised": raised(error)})
        message = channel.receive()


def raised(error: BaseException) -> dict:
    """An exception as plain data. Source lines are filled in by the other side, which may read the file."""
    try:
        text = str(error)[:2000]
    except BaseException:
        text = ""
    frames, trace = [], error.__traceback__
    while trace is not None and len(frames) < 2000:
        code = trace.tb_frame.f_code
        frames.append([code.co_filename, trace.tb_lineno, code.co_name])
        trace = trace.tb_next
    return {
        "type": type(error).__name__,
        "message": text,
        "frames": frames[:3] + frames[3:][-40:],
        "kinds": [kind.__name__ for kind in type(error).__mro__],
        "name": getattr(error, "name", None) if isinstance(error, ImportError) else None,
    }
