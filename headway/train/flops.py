"""How much arithmetic a batch takes: counted, not estimated from the number of weights."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn

from headway.train.data import Batch
from headway.train.task import evaluating


def training_flops(task: nn.Module, batch: Batch, *, recompute: bool = False) -> int:
    """FLOPs of a forward and backward pass over `batch`, matrix products and attention only; 0 where they cannot be counted.

    The backward pass of a product is two products of the same size. `recompute` adds a second forward pass.
    """
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *rest: Any, out_shape: Any = None, **named: Any) -> int:
        return sdpa_flop_count(query, key, value)

    mapping = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with contextlib.suppress(Exception), evaluating(task):  # a counter that fails is no reason not to train
        with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
            task(batch)
        return counter.get_total_flops() * (4 if recompute else 3)
    return 0
