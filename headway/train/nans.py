"""When a loss is no number any more: which tensor was the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from headway.base.errors import HeadwayError
from headway.train.optimisers import is_shard
from headway.train.updates import first_not_finite


class Diverged(HeadwayError):
    """The loss, a gradient, or a weight is not a finite number."""


def find_first(model: nn.Module, loss: Callable[[], Tensor]) -> str:
    """Compute `loss` once more, forwards and backwards, and name the first tensor that is not finite, in one phrase.

    In order: a weight as it was before; the output of a module; the loss; the gradient that came to a module, last module
    first; the gradient of a weight. `loss` has to see the same rows and the same random numbers as when it went wrong.
    """
    weights = {name: tensor.to_local() if is_shard(tensor) else tensor for name, tensor in model.named_parameters()}  # pyrefly: ignore
    if found := first_not_finite(weights):
        return f"the weight {found}, before anything was computed from it"
    forwards: list[str] = []
    backwards: list[str] = []
    hooks = []
    for name, module in model.named_modules():
        hooks.append(module.register_forward_hook(_watch(name, module, forwards, backwards)))
    try:
        value = loss()
        if forwards:
            return forwards[0]
        if not bool(torch.isfinite(value)):
            return "the loss itself, though the model's output is finite"
        value.backward()
    finally:
        for hook in hooks:
            hook.remove()
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    grads = {name: grad.to_local() if is_shard(grad) else grad for name, grad in grads.items()}  # pyrefly: ignore
    found = first_not_finite(grads)
    if backwards:
        return f"the gradient at {backwards[0]}"
    if found:
        return f"the gradient of the weight {found}"
    return "none when the step was computed once more: a sum over rows or processes overflowed"


def _watch(name: str, module: nn.Module, forwards: list[str], backwards: list[str]) -> Any:
    called = f"{name or 'the model'} ({type(module).__name__})"

    def hook(_module: nn.Module, inputs: Any, output: Any) -> None:
        # A module inside this one has been here already: what is noted first is the innermost, and the earliest.
        if not forwards and not all(bool(torch.isfinite(tensor).all()) for tensor in _tensors(inputs)):
            forwards.append(f"what goes into {called}")
        for tensor in _tensors(output):
            where = f"the output of {called}, {tuple(tensor.shape)}"
            if not bool(torch.isfinite(tensor).all()):
                forwards.append(where)
            elif tensor.requires_grad and not forwards:
                tensor.register_hook(lambda grad, where=where: _note(grad, where, backwards))

    return hook


def _note(grad: Tensor, where: str, backwards: list[str]) -> None:
    if not bool(torch.isfinite(grad).all()):
        backwards.append(where)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
