"""A model run once on one input, with everything kept that a picture may want, and changed first as the edits say."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headway.base.errors import HeadwayError
from headway.base.replaced import replaced
from headway.blocks.tap import Tap
from headway.learn.plug import plugged
from headway.look.editing import Edit, Norm, Off, Own, Patch, Scale, block_of, blocks_of, part_of
from headway.look.feeding import Feed, feed
from headway.look.mixing import KINDS, Mix, joined
from headway.zoo import Loaded


@dataclass
class Trace:
    """What happened in one run.

    Attributes:
        loaded: The model.
        feed: What it was given.
        edits: What was changed.
        out: What the model returned: logits for models of text.
        mixes: Each exchange between positions, in the order in which they happened.
        stream: Name of a block -> what it handed on, (1, t, d), the last of its taps; in the order of the blocks.
        taps: Name of a tap -> what passed through it.
        embedded: What the first block of each stack was given: name of the stack -> (1, t, d).
    """

    loaded: Loaded
    feed: Feed
    edits: tuple[Edit, ...]
    out: Any = None
    mixes: list[Mix] = field(default_factory=list)
    stream: dict[str, Tensor] = field(default_factory=dict)
    taps: dict[str, Tensor] = field(default_factory=dict)
    embedded: dict[str, Tensor] = field(default_factory=dict)

    @property
    def logits(self) -> Float[Tensor, "t v"]:
        """For a model of text: the logits at each position."""
        out = self.out[0] if isinstance(self.out, tuple) else self.out
        return out[0]

    @property
    def told(self) -> tuple[str, ...]:
        """The edits in words."""
        return tuple(map(str, self.edits))


def trace(
    loaded: Loaded, given: Any, *, target: Any = None, edits: Sequence[Edit] = (), gradients: bool = False
) -> Trace:
    """Run a model once on one input and keep what happened.

    Args:
        loaded: From `headway.zoo.load`.
        given: A text, a picture, a sound, as the model takes it (see `feed`).
        target: For an encoder-decoder, what it writes; its own answer if left out.
        edits: What is changed for this run; see `headway.look.editing`.
        gradients: Whether the graph is kept, so that a loss can be sent back.

    Raises:
        HeadwayError: the model does not take such an input, or an edit names what it does not have.
    """
    food = feed(loaded, given, target)
    return run(loaded, food, edits, gradients=gradients)


def run(
    loaded: Loaded,
    food: Feed,
    edits: Sequence[Edit] = (),
    *,
    gradients: bool = False,
    within: Callable[[Trace], contextlib.AbstractContextManager[Any]] | None = None,
) -> Trace:
    """`trace`, on what `feed` has made ready.

    Args:
        within: Makes a context from the trace that is being written. It is entered last and left first, so that what it does
            before and after the model runs happens in the model as it has been changed.
    """
    found = Trace(loaded, food, tuple(edits))
    model = loaded.model
    # Before anything is changed: what is patched in is what the model itself makes of the other input.
    donors = {n: _donor(loaded, edit) for n, edit in enumerate(edits) if isinstance(edit, Patch)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.enable_grad() if gradients else torch.no_grad())
        hooks = Hooks(model)
        stack.enter_context(hooks)
        own = [edit for edit in edits if isinstance(edit, Own)]
        for edit in own:
            stack.enter_context(plugged(edit.path))
        silent = _apply(found, hooks, donors)
        stack.enter_context(_watched(found, hooks, silent))
        try:
            with contextlib.nullcontext() if within is None else within(found):
                found.out = food.call(model)
        except Exception as error:
            if not edits or isinstance(error, HeadwayError):
                raise
            raise HeadwayError(f"changed like this the model does not run: {' '.join(str(error).split())}") from error
    found.mixes = joined(found.mixes)
    for mix in found.mixes:  # of a layer or an attention that is off, nothing is passed on
        if any(mix.place == place or mix.place.startswith(f"{place}.") for place in hooks.dropped):
            mix.off = set(range(mix.n_head))
    if idle := [name for name, ran in hooks.changed.items() if not ran]:
        raise HeadwayError(f"{type(model).__name__} never ran {idle[0]}: there is nothing to be changed in it.")
    missing = [(place, head) for place, heads in silent.items() for head in heads if not _has(found, place, head)]
    for place, head in missing:
        n = next((mix.n_head for mix in found.mixes if mix.place == place), 0)
        raise HeadwayError(
            f"there is no head {head} in {place}: {f'its heads are 0 to {n - 1}' if n else 'nothing in it has heads'}."
        )
    return found


def _has(found: Trace, place: str, head: int) -> bool:
    return any(mix.place == place and head < mix.n_head for mix in found.mixes)


class Hooks:
    """Hooks that are gone when the block ends, and that other threads do not feel. It also knows which module is running."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.names = {module: name for name, module in model.named_modules()}
        self.running: list[str] = []
        self.changed: dict[str, bool] = {}
        self.dropped: list[str] = []
        self._handles: list[Any] = []
        self._owner = threading.get_ident()

    def __enter__(self) -> Hooks:
        for module, name in self.names.items():
            self._handles.append(module.register_forward_pre_hook(self._mine(lambda m, i, name=name: self._in(name))))
            self._handles.append(
                module.register_forward_hook(self._mine(lambda m, i, o: self._out()), always_call=True)
            )
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _in(self, name: str) -> None:
        self.running.append(name)

    def _out(self) -> None:
        if self.running:
            self.running.pop()

    def _mine(self, hook: Callable) -> Callable:
        return lambda *args: hook(*args) if threading.get_ident() == self._owner else None

    def after(self, module: nn.Module, change: Callable[[Any, Any], Any], *, edit: bool = False) -> None:
        """`change(inputs, output)` after `module` ran; what it returns, unless None, is the output from then on.

        Args:
            edit: Whether this is asked for by an edit: then `changed` tells whether the module ran at all.
        """
        name = self._asked(module, edit)

        def hook(_: nn.Module, inputs: Any, output: Any) -> Any:
            self._ran(name)
            return change(inputs, output)

        self._handles.append(module.register_forward_hook(self._mine(hook)))

    def before(self, module: nn.Module, change: Callable[[tuple[Any, ...]], Any], *, edit: bool = False) -> None:
        """`change(inputs)` before `module` runs; what it returns, unless None, are the inputs from then on."""
        name = self._asked(module, edit)

        def hook(_: nn.Module, inputs: Any) -> Any:
            self._ran(name)
            return change(inputs)

        self._handles.append(module.register_forward_pre_hook(self._mine(hook)))

    def _asked(self, module: nn.Module, edit: bool) -> str | None:
        if not edit:
            return None
        self.changed.setdefault(self.names[module], False)
        return self.names[module]

    def _ran(self, name: str | None) -> None:
        if name is not None:
            self.changed[name] = True


@contextlib.contextmanager
def _watched(found: Trace, hooks: Hooks, silent: dict[str, set[int]]) -> Iterator[None]:
    """While this lasts, exchanges, taps and the stream are written into `found`, and heads in `silent` pass nothing on."""
    model = found.loaded.model

    def watching(before: Callable, kind: str, name: str) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            output = before(*args, **kwargs)
            place = hooks.running[-1] if hooks.running else ""
            mix = Mix(place, kind, name, before, args, kwargs, output, set(silent.get(place, ())))
            if all(head < mix.n_head for head in mix.off):
                output = mix.silence(output)
            found.mixes.append(mix)
            return output

        return call

    for name, module in model.named_modules():
        if isinstance(module, Tap):
            hooks.after(
                module, lambda i, o, name=name: found.taps.__setitem__(name, o.detach() if not o.requires_grad else o)
            )
    for name, block in blocks_of(model).items():
        stack = name.rpartition(".")[0]
        if name.endswith(".0"):
            hooks.before(block, lambda i, stack=stack: found.embedded.__setitem__(stack, i[0]))
        hooks.after(block, lambda i, o, name=name: found.stream.__setitem__(name, o[0] if isinstance(o, tuple) else o))
    news = {function: partial(watching, kind=kind, name=function.__name__) for function, kind in KINDS.items()}
    with replaced(news):
        yield


def _apply(found: Trace, hooks: Hooks, donors: dict[int, Trace]) -> dict[str, set[int]]:
    """Put the hooks in place that the edits ask for; returns the heads that are off, by the module that has them."""
    model = found.loaded.model
    silent: dict[str, set[int]] = {}
    for n, edit in enumerate(found.edits):
        if isinstance(edit, Off):
            _off(edit, model, hooks, silent)
        elif isinstance(edit, Scale):
            _, block = block_of(model, edit.layer)
            _scale(edit, part_of(block, "mlp")[1], hooks)
        elif isinstance(edit, Norm):
            _move_norms(edit, model, hooks)
        elif isinstance(edit, Patch):
            _patch(edit, model, donors[n], hooks)
    return silent


def _off(edit: Off, model: nn.Module, hooks: Hooks, silent: dict[str, set[int]]) -> None:
    name, block = block_of(model, edit.layer)
    if edit.head is not None:
        if edit.part == "mlp" or edit.head < 0:
            raise HeadwayError(f"{edit}: heads are parts of an attention, counted from 0.")
        part, _ = part_of(block, "attention" if edit.part == "layer" else edit.part)
        silent.setdefault(f"{name}.{part}", set()).add(edit.head)
    elif edit.part == "layer":
        hooks.dropped.append(name)
        hooks.after(block, lambda i, o: _passed_by(i, o, name), edit=True)
    else:
        part, module = part_of(block, edit.part)
        hooks.dropped.append(f"{name}.{part}")
        hooks.after(module, lambda i, o: _nothing(o), edit=True)


def _nothing(output: Any) -> Any:
    """Zeros in the place of a part's output."""
    if isinstance(output, tuple):
        return (torch.zeros_like(output[0]), *output[1:])
    return torch.zeros_like(output)


def _passed_by(inputs: tuple[Any, ...], output: Any, name: str) -> Any:
    """A block's input as its output."""
    first = output[0] if isinstance(output, tuple) else output
    if inputs[0].shape != first.shape:
        raise HeadwayError(f"{name} makes another width of its input: without it the next layer cannot run.")
    return (inputs[0], *output[1:]) if isinstance(output, tuple) else inputs[0]


def _scale(edit: Scale, mlp: nn.Module, hooks: Hooks) -> None:
    down = getattr(mlp, "down", None)
    if not isinstance(down, nn.Linear):
        raise HeadwayError(f"the MLP of layer {edit.layer} is a {type(mlp).__name__}: it has no neurons of its own.")
    width = cast(Tensor, down.weight).shape[1]
    if not 0 <= edit.neuron < width:
        raise HeadwayError(f"layer {edit.layer} has no neuron {edit.neuron}: they are counted from 0 to {width - 1}.")

    def scaled(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        x = inputs[0].clone()
        x[..., edit.neuron] *= edit.by
        return (x, *inputs[1:])

    hooks.before(down, scaled, edit=True)


def _move_norms(edit: Norm, model: nn.Module, hooks: Hooks) -> None:
    """A norm that is taken away lets its input pass; one that is moved as well, and norms what the tap after the sum hands on."""
    found = 0
    for block in blocks_of(model).values():
        norms = {name: norm for name, norm in _norms(block).items() if any(True for _ in norm.parameters())}
        found += len(norms)
        if edit.where == "none":
            for norm in norms.values():
                hooks.after(norm, lambda i, o: i[0])
        else:
            _after_the_sums(block, norms, model, hooks)
    if not found:
        raise HeadwayError(f"a {type(model).__name__} has no norms in its layers.")


def _norms(block: nn.Module) -> dict[str, nn.Module]:
    """The norms of a block's stream, those that a module around its sum holds included; not those of heads."""
    return {
        name: module
        for name, module in block.named_modules()
        if name.rpartition(".")[2].endswith("norm") and (name.count(".") == 0 or name.split(".")[0].endswith("_sum"))
    }


def _after_the_sums(block: nn.Module, norms: dict[str, nn.Module], model: nn.Module, hooks: Hooks) -> None:
    """The norms of one block, each standing before a sublayer, moved behind the sum that follows it."""
    given: dict[str, Tensor] = {}
    hooks.before(block, lambda i: given.__setitem__("stream", i[0]))

    def unmoved(name: str) -> HeadwayError:
        return HeadwayError(
            f"in a {type(model).__name__} {name} does not stand between the stream and a sublayer: it cannot be moved."
        )

    for name, norm in norms.items():
        stem = name.removesuffix("norm").rstrip("_")
        where = getattr(block, {"": "after_mixer", "retain": "after_retention"}.get(stem, f"after_{stem}"), None)
        if not isinstance(where, Tap):
            raise unmoved(name)

        def passed_by(inputs: Any, output: Any, name: str = name) -> Any:
            stream = given["stream"]
            if inputs[0] is not stream and not torch.equal(inputs[0], stream.to(inputs[0].dtype)):
                raise unmoved(name)
            return inputs[0]

        def summed(inputs: Any, output: Any, forward: Callable = norm.forward) -> Any:
            given["stream"] = forward(output)
            return given["stream"]

        hooks.after(norm, passed_by)
        hooks.after(where, summed)


def _donor(loaded: Loaded, edit: Patch) -> Trace:
    """The run on the other input."""
    given, target = edit.source if isinstance(edit.source, tuple) else (edit.source, None)
    return run(loaded, feed(loaded, given, target))


def _patch(edit: Patch, model: nn.Module, other: Trace, hooks: Hooks) -> None:
    name, block = block_of(model, edit.layer)
    if name not in other.stream:
        raise HeadwayError(f"{type(model).__name__} never ran {name}: there is nothing to be changed in it.")
    donor = other.stream[name]

    def patched(inputs: Any, output: Any) -> Any:
        first = output[0] if isinstance(output, tuple) else output
        for x, whose in ((first, "the input"), (donor, f"{other.feed.told:.60}")):
            if not -x.shape[1] <= edit.position < x.shape[1]:
                raise HeadwayError(f"{whose} has {x.shape[1]} tokens: there is no token {edit.position}.")
        news = first.clone()
        news[:, edit.position] = donor[:, edit.position]
        return (news, *output[1:]) if isinstance(output, tuple) else news

    hooks.after(block, patched, edit=True)
