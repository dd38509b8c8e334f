"""What a model does when it is run, operation by operation: who made each tensor, in which module, by which function of ours.

The run needs no weights: the model is built on PyTorch's meta device, where tensors have shapes and no numbers. A choice that
would need numbers is made one way: a mask counts as true everywhere, so that all experts and all places of a picture take part.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

import headway
from headway.base.errors import Unsupported
from headway.blocks.hollow import hollow
from headway.models.catalog import CATALOG, Entry

HOME = Path(headway.__file__).parent


@dataclass
class Operation:
    """One call that made tensors, or a tensor that was there before: an input, a parameter, a buffer.

    Attributes:
        number: Its place in the run.
        name: The function of PyTorch: "linear", "add", ...; "input", "parameter" or "buffer" for what was there before.
        path: The module whose code was running, by name ("blocks.0.attn.qkv"), "" for the model; of a parameter, its own name.
        call: Which call of a function of ours it was part of (the outermost one inside the module's method), None if of none.
        function: That function's name and file ("rotate", "blocks/rotary.py"), None if none.
        takes: The numbers of the operations that made its arguments, in their order.
        shape: Of the first tensor it made; `shapes` of those it was given.
        floats: Whether what it made are numbers of a stream, and not ids, places or a mask.
        line: Where in our code, "models/llama.py:159".
        causal: Whether an attention kernel was told to hide the future.
        picks: The one place in time that an index such as ``x[:, 0]`` takes, None for any other operation.
    """

    number: int
    name: str
    path: str
    takes: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    floats: bool = True
    shapes: tuple[tuple[int, ...], ...] = ()
    call: int | None = None
    function: tuple[str, str] | None = None
    line: str = ""
    causal: bool = False
    picks: int | None = None


@dataclass
class Recording:
    """A model's one run.

    Attributes:
        model: On the meta device: shapes only.
        operations: In the order in which they happened; inputs, parameters and buffers where they were first used.
        called: Names of the modules that ran, in the order in which they first did.
        outputs: Numbers of the operations that made what came out.
    """

    model: nn.Module
    operations: list[Operation] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    outputs: tuple[int, ...] = ()


def run_without_numbers(entry: Entry, config: Any) -> Recording:
    """Build the model of `config` without memory for weights, run it once on a short input, and tell what happened."""
    with hollow():
        model = entry.load()[0](config).eval()
    inputs, call = INPUTS[entry.kind](model)
    return watched(model, inputs, call)


def watched(model: nn.Module, inputs: dict[str, Tensor], call: Callable[[], Any]) -> Recording:
    """Run `call`, which calls `model` on `inputs` (all on the meta device), and tell what happened."""
    run = Recording(model)
    watch = _Watch(run)
    watch.inputs.update({id(tensor): name for name, tensor in inputs.items()})
    hooks = []
    for name, module in model.named_modules():
        hooks.append(module.register_forward_pre_hook(lambda _m, _a, name=name: watch.enter(name)))
        hooks.append(module.register_forward_hook(lambda *_: watch.leave(), always_call=True))
    try:
        with torch.no_grad(), watch:
            out = call()
    finally:
        for hook in hooks:
            hook.remove()
    run.outputs = tuple(watch.known[id(tensor)] for tensor in _tensors(out) if id(tensor) in watch.known)
    return run


class _Watch(TorchFunctionMode):
    """Writes down every call of a function of PyTorch."""

    def __init__(self, run: Recording):
        super().__init__()
        self.run = run
        self.named = {id(tensor): (kind, name) for kind, name, tensor in _states(run.model)}
        self.inputs: dict[int, str] = {}
        self.known: dict[int, int] = {}  # id of a tensor -> the operation that made it
        self.kept: list[Any] = []  # tensors and frames, so that no id is given twice
        self.frames: dict[int, int] = {}
        self.inside: list[str] = []
        self.counts: dict[int, int] = {}  # id of a sum -> how many places it was taken over

    def enter(self, name: str) -> None:
        self.inside.append(name)
        if name not in self.run.called:
            self.run.called.append(name)

    def leave(self) -> None:
        self.inside.pop()

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "__get__" and not isinstance(args[0] if args else None, Tensor):
            return func(*args, **kwargs)
        if name in ("__int__", "item", "__bool__", "__index__"):
            return self.counts.get(id(args[0]), 1)
        if name in ("where", "nonzero") and len(args) == 1 and args[0].is_meta:
            out: Any = tuple(args[0].new_zeros(args[0].numel(), dtype=torch.long) for _ in range(args[0].dim()))
        else:
            out = func(*args, **kwargs)
        made = list(_tensors(out))
        if not made or name in QUIET:
            return out
        given = list(_tensors((args, kwargs)))
        if any(made[0] is tensor for tensor in given):
            return out  # nothing to do, as for a dropout that is off
        if name == "sum":
            self.counts[id(made[0])] = given[0].numel()
        takes = tuple(self._source(tensor) for tensor in given)
        operation = self._add(name, self.inside[-1] if self.inside else "", takes, made[0], given)
        operation.causal = bool(kwargs.get("is_causal"))
        index = args[1] if name == "__getitem__" and len(args) > 1 else None
        if isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None) and isinstance(index[1], int):
            operation.picks = index[1]
        for tensor in made:
            self.known[id(tensor)] = operation.number
            self.kept.append(tensor)
        return out

    def _source(self, tensor: Tensor) -> int:
        """The operation that made `tensor`; what was there before is written down now."""
        if id(tensor) not in self.known:
            kind, path = self.named.get(id(tensor)) or ("input", self.inputs.get(id(tensor), ""))
            kind = kind if path else "constant"
            operation = Operation(
                len(self.run.operations), kind, path, shape=tuple(tensor.shape), floats=tensor.is_floating_point()
            )
            self.run.operations.append(operation)
            self.known[id(tensor)] = operation.number
            self.kept.append(tensor)
        return self.known[id(tensor)]

    def _add(self, name: str, path: str, takes: tuple[int, ...], made: Tensor, given: list[Tensor]) -> Operation:
        call, function, line = self._where()
        operation = Operation(
            len(self.run.operations),
            name,
            path,
            takes,
            tuple(made.shape),
            made.is_floating_point() or made.is_complex(),
            tuple(tuple(tensor.shape) for tensor in given),
            call,
            function,
            line,
        )
        self.run.operations.append(operation)
        return operation

    def _where(self) -> tuple[int | None, tuple[str, str] | None, str]:
        """The outermost function of ours inside the method of the module that is running, and that method's line."""
        frame: types.FrameType | None = _caller()
        found: types.FrameType | None = None
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(str(HOME)) and not code.co_filename.startswith(str(HOME / "look")):
                if isinstance(frame.f_locals.get("self"), nn.Module) and "<locals>" not in code.co_qualname:
                    if code.co_filename.startswith(str(HOME / "models")):
                        break
                    found = (
                        None  # the inside of a module of headway/blocks, such as a norm: the line is that of its caller
                    )
                elif "<" not in code.co_qualname:
                    found = frame
            frame = frame.f_back
        line = (
            "" if frame is None else f"{Path(frame.f_code.co_filename).relative_to(HOME).as_posix()}:{frame.f_lineno}"
        )
        if found is None:
            return None, None, line
        self.kept.append(found)
        file = Path(found.f_code.co_filename).relative_to(HOME).as_posix()
        return self.frames.setdefault(id(found), len(self.frames)), (found.f_code.co_name, file), line


QUIET = {"__set__", "requires_grad_", "register_hook"}


def _caller() -> types.FrameType | None:
    import sys

    return sys._getframe(3)


def _states(model: nn.Module) -> Iterator[tuple[str, str, Tensor]]:
    for name, tensor in model.named_parameters():
        yield "parameter", name, tensor
    for name, tensor in model.named_buffers():
        yield "buffer", name, tensor


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
    elif hasattr(value, "__dataclass_fields__"):
        for part in value.__dataclass_fields__:
            yield from _tensors(getattr(value, part))


TIME = 2
"""Tokens of the short input: two, so that what a step hands to the next one is seen."""


def _ids(*shape: int) -> Tensor:
    return torch.empty(*shape, dtype=torch.long, device="meta")


def _numbers(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta")


def _decoder(model: Any) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    tokens = _ids(1, TIME)
    return {"tokens": tokens}, lambda: model(tokens)


def _encoder(model: Any) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    tokens, segments = _ids(1, TIME), _ids(1, TIME)

    def call() -> Any:
        out = model(tokens, segments=segments)
        # A model of bare states may have a pooled one beside them, which nothing else reads.
        return (out, model.pooled(out)) if model.config.head == "states" and model.pool is not None else out

    return {"tokens": tokens, "segments": segments}, call


def _encoder_decoder(model: Any) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    c, tokens = model.config, _ids(1, TIME)
    if hasattr(c, "mels"):
        frames = _numbers(1, c.mels, c.frames)
        return {"log-mel frames": frames, "tokens": tokens}, lambda: model(frames, tokens)
    source = _ids(1, TIME)
    return {"source": source, "tokens": tokens}, lambda: model(source, tokens)


def _pictures(c: Any) -> Tensor:
    return _numbers(1, c.channels, c.image, c.image)


def _vision(model: Any) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    c, picture = model.config, _pictures(model.config)
    if not c.mask_token:
        return {"picture": picture}, lambda: model(picture)
    hide = torch.empty(1, c.side**2, dtype=torch.bool, device="meta")
    return {"picture": picture, "hidden patches": hide}, lambda: model(picture, hide=hide)


def _vision_text(model: Any) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    picture, caption = _pictures(model.config), _ids(1, TIME)
    return {"picture": picture, "caption": caption}, lambda: model(picture, caption)


def _vision_decoder(model: Any) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    picture, tokens = _pictures(model.config), _ids(1, model.config.n_patch)
    return {"picture": picture, "tokens": tokens}, lambda: model(tokens, pictures=picture)


def _decision(model: Any) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    c = model.config
    given = (_numbers(1, TIME, 1), _numbers(1, TIME, c.state_width), _numbers(1, TIME, c.action_width), _ids(1, TIME))
    return dict(zip(("returns to go", "states", "actions", "times"), given, strict=True)), lambda: model(*given)


INPUTS: dict[str, Callable[[Any], tuple[dict[str, Tensor], Callable[[], Any]]]] = {
    "decoder": _decoder,
    "encoder": _encoder,
    "encoder-decoder": _encoder_decoder,
    "speech": _encoder_decoder,
    "vision": _vision,
    "vision-text": _vision_text,
    "vision-decoder": _vision_decoder,
    "decision": _decision,
}


def entry_of(model: nn.Module) -> Entry:
    """The catalogue's entry of a model that was built or loaded.

    Raises:
        Unsupported: if it is no model of the catalogue.
    """
    for entry in CATALOG.values():
        if type(model).__name__ == entry.model and type(model).__module__ == f"headway.models.{entry.name}":
            return entry
    raise Unsupported(f"a diagram is drawn of a model of the catalogue, and {type(model).__name__} is none of them")
