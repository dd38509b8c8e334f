"""A named place to look at what flows through a model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import Tensor, nn


class Tap(nn.Identity):
    """Passes its input on, unchanged. Its only purpose is its name: hooks and `watch` find it by that."""


@contextlib.contextmanager
def watch(model: nn.Module, *endings: str) -> Iterator[dict[str, Tensor]]:
    """Collect what passes through the taps whose full name ends in one of `endings` (all taps if none is given).

    Yields a dictionary that fills while the model runs: full tap name -> tensor, still attached to the graph, the last
    call's value where a tap is passed more than once. The hooks are gone when the block ends.
    """
    seen: dict[str, Tensor] = {}
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, Tap) and (not endings or name.endswith(endings)):
            hooks.append(module.register_forward_hook(lambda _m, _i, output, name=name: seen.__setitem__(name, output)))
    if not hooks:
        taps = [name for name, module in model.named_modules() if isinstance(module, Tap)]
        raise KeyError(f"no tap's name ends in {' or '.join(endings)}; the taps are {', '.join(taps) or 'none'}")
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
