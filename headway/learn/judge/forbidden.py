"""What an exercise forbids: its names in the source, so that the line can be told; and, whatever the name, what PyTorch runs.

Names are looked for before the file is run. Then, in the learner's process, a refusal is put in the place of every forbidden
kernel in PyTorch's dispatcher and of every forbidden function in PyTorch's modules: in any thread, by whatever name and by
whatever way it is called, it is met there.
"""

from __future__ import annotations

import ast
import contextlib
import sys
import threading
from collections.abc import Callable, Collection
from typing import Any

from headway.learn.cases import AUTOGRAD
from headway.learn.judge.limits import NotAllowed

ANSWERS = "the answers are in there"

_REACHES, _HIDES, _READS = "reaches around Python", "hides calls from the judge", "reads files past the judge"
HIDDEN = {
    "ctypes": _REACHES,
    "_dispatch_library": _REACHES,
    "_execution_engine": "differentiates past the judge",
    "from_file": _READS,
    **dict.fromkeys(
        (
            *("DisableTorchFunction", "DisableTorchFunctionSubclass", "_DisableTorchDispatch", "_pop_mode"),
            *("_pop_mode_temporarily", "_pop_torch_function_stack", "CompilationUnit", "_ForceDispatchKeyGuard"),
            *("_IncludeDispatchKeyGuard", "_ExcludeDispatchKeyGuard"),
        ),
        _HIDES,
    ),
}
"""Names that no exercise needs, and why they are refused."""

_BATCH_NORMS = (
    *("batch_norm", "_batch_norm_impl_index", "native_batch_norm", "_native_batch_norm_legit", "cudnn_batch_norm"),
    *("_native_batch_norm_legit_no_training", "_batch_norm_with_update", "_batch_norm_no_update", "BatchNorm1d"),
)
KIN = {
    "layer_norm": ("native_layer_norm", "group_norm", "native_group_norm", "instance_norm", *_BATCH_NORMS),
    "group_norm": ("native_group_norm", "instance_norm", "native_layer_norm", *_BATCH_NORMS),
    "cross_entropy": ("cross_entropy_loss", "linear_cross_entropy"),
    "MultiheadAttention": ("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
    "imag": ("view_as_real",),
    "autograd": (
        "grad",
        "run_backward",
        "_ImperativeEngine",
        "ImperativeEngine",
        "_EngineBase",
        "_engine_run_backward",
    ),
}
"""Forbidden name -> what computes the same under another: it is forbidden with it."""


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
                    return node.lineno, f"import of {module or alias.name}", ANSWERS
                package = full.partition(".")[0]
                if package in forbidden and not (isinstance(node, ast.ImportFrom) and node.level):
                    return node.lineno, f"import of {package}", forbidden[package]
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


def reason_for(name: str, forbidden: dict[str, str]) -> str:
    """Why `name`, which the learner's code called, may not be: its own reason, or that of the name it is kin to."""
    for asked, kin in {name: (), **KIN}.items():
        if asked in forbidden and (name == asked or name in kin):
            return forbidden[asked]
    stem = name.removeprefix("_").removeprefix("native_")
    return next((forbidden[n] for n in (stem, "autograd", "backward") if n in forbidden), "write it out")


# -- in the learner's process --------------------------------------------------------------------------------------------

_operators: list[str] = []


def index() -> None:
    """Remember the names of all operators, once, before any fork."""
    import torch

    _operators[:] = [
        name.removeprefix("aten::") for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::")
    ]


def bar(forbidden: Collection[str]) -> Any:
    """Put refusals where PyTorch keeps what is forbidden. For good.

    Where everything that differentiates is forbidden, nothing is recorded for a way back either, in any thread.

    Returns:
        Something to be kept alive as long as code may run.
    """
    names = set(forbidden)
    for name in forbidden:
        names.update(KIN.get(name, ()))
    names.update([f"{prefix}{name}" for name in tuple(names) for prefix in ("_", "native_")])
    kept = _bar_kernels(names, backward=set(AUTOGRAD) <= set(forbidden))
    _bar_functions(names)
    return kept, _record_nothing() if set(AUTOGRAD) <= set(forbidden) else None


def _refusal(name: str) -> Callable:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotAllowed(f"forbidden {name}")

    refuse.__name__ = name
    return refuse


def _bar_kernels(names: set[str], backward: bool) -> Any:
    """Refusals in the dispatcher, for tensors on the CPU."""
    import torch

    library = torch._C._dispatch_library("IMPL", "aten", "")
    for operator in _operators:
        name = operator.partition(".")[0]
        if name in names or (backward and ("_backward" in name or name == "_make_dual")):
            library.impl(operator, "CPU", _refusal(name))
    return library


def _bar_functions(names: set[str]) -> None:
    """Refusals in every module of PyTorch that has been imported, and in its tables of decompositions.

    What watches calls sees neither another thread's nor what no tensor passes through, as the making of a distribution.
    """
    for module in [vars(module) for name, module in sys.modules.items() if name.partition(".")[0] == "torch"]:
        for name in names & module.keys():
            found = module[name]
            if isinstance(found, type):
                try:
                    type.__setattr__(found, "__init__", _refusal(name))
                except TypeError:  # one of C
                    module[name] = _refusal(name)
            elif callable(found):
                module[name] = _refusal(name)
    decompositions = sys.modules.get("torch._decomp")
    for table in getattr(decompositions, "global_decomposition_table", {}).values():
        for operator in list(table):
            name = getattr(operator, "__name__", "").partition(".")[0]
            if name in names:
                table[operator] = _refusal(name)
    engine = sys.modules["torch"].autograd.Variable
    if "run_backward" in names:
        engine._execution_engine = _Barred()


class _Barred:
    """In the place of the engine that differentiates."""

    def __getattr__(self, name: str) -> Any:
        return _refusal("backward")


def _record_nothing() -> Any:
    """No operation is recorded for a way back in this thread from here on, nor in any that it starts."""
    import _thread

    import torch

    start = _thread.start_new_thread

    def start_below(function: Callable, args: tuple, kwargs: dict | None = None) -> int:
        def below() -> None:
            guard = torch._C._AutoDispatchBelowAutograd()
            try:
                function(*args, **(kwargs or {}))
            finally:
                del guard

        return start(below, ())

    for module, name in ((_thread, "start_new_thread"), (_thread, "start_new"), (threading, "_start_new_thread")):
        vars(module)[name] = start_below
    with contextlib.suppress(AttributeError):  # since Python 3.13
        joinable = threading._start_joinable_thread  # type: ignore[attr-defined]

        def joinable_below(function: Callable, *args: Any, **kwargs: Any) -> Any:
            def below() -> None:
                guard = torch._C._AutoDispatchBelowAutograd()
                try:
                    function()
                finally:
                    del guard

            return joinable(below, *args, **kwargs)

        vars(threading)["_start_joinable_thread"] = joinable_below
    return torch._C._AutoDispatchBelowAutograd()
