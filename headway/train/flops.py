"""How much arithmetic a batch takes: counted, not estimated from the number of weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from headway.train.data import Batch
from headway.train.task import evaluating


def flops_of(call: Callable[[], Any]) -> int:
    """FLOPs of the matrix products and the attention in `call`: a product of (m, k) and (k, n) is 2·m·k·n.

    It depends on shapes alone, and so is the same on every machine.
    """
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *rest: Any, out_shape: Any = None, **named: Any) -> int:
        return sdpa_flop_count(query, key, value)

    # PyTorch counts its kernels of attention for CUDA, and not the one for CPUs.
    mapping = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
        call()
    return counter.get_total_flops()


def training_flops(task: nn.Module, batch: Batch, *, recompute: bool = False) -> int:
    """FLOPs of a forward and backward pass over `batch`, as `flops_of` counts them; 0 where they cannot be counted.

    The backward pass of a product is two products of the same size. `recompute` adds a second forward pass.
    """
    with contextlib.suppress(Exception), evaluating(task):  # a counter that fails is no reason not to train
        return flops_of(lambda: task(batch)) * (4 if recompute else 3)
    return 0
