"""Losses as sums and counts, never as means: only so can parts of a batch be added up to the loss of the whole.

A mean over a micro-batch forgets how many targets it was taken over. Where those differ (padding, masks), the mean of the
means is not the mean, and accumulated gradients are not those of the large batch. So everything here returns the sum over
targets; whoever knows all parts divides once, by the number of targets of all of them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

IGNORE = -100
"""A target that does not count: padding, a prompt, a token that was not masked. PyTorch's own convention."""


def cross_entropy_by_hand(
    logits: Float[Tensor, "n v"], targets: Int[Tensor, " n"], *, smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """The sum over targets of -sum_v q(v) log p(v), with p the softmax of the logits.

    Without smoothing q is 1 at the target. With smoothing ε (Szegedy et al., 2015, 1512.00567, section 7; used by
    1706.03762, section 5.4) it is 1 - ε at the target plus ε/v everywhere. Rows whose target is `IGNORE` count nothing.

    log p is taken as logit - logsumexp, which neither overflows nor rounds to log 0. At least float32 throughout.
    """
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    kept = targets != IGNORE
    wide, wanted = wide[kept], targets[kept]
    log_p = wide - wide.logsumexp(-1, keepdim=True)
    at_target = log_p.gather(-1, wanted[:, None]).squeeze(-1)
    return -((1 - smoothing) * at_target + smoothing * log_p.mean(-1)).sum()


def cross_entropy(
    logits: Float[Tensor, "n v"], targets: Int[Tensor, " n"], *, smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """`cross_entropy_by_hand` in PyTorch's own operator. Zero, with zero gradients, where no target counts."""
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))  # bf16 logits would lose the loss's third digit
    return F.cross_entropy(wide, targets, ignore_index=IGNORE, reduction="sum", label_smoothing=smoothing)


def count_targets(targets: Int[Tensor, ...]) -> Int[Tensor, ""]:
    """How many targets count: what the sum is divided by."""
    return (targets != IGNORE).sum()
