"""Multi-head causal self-attention, as a module.

    MultiHead(x) = [head_1 ... head_h] Wᴼ,   head_i = softmax(q_i k_iᵀ / sqrt(k) + mask) v_i
    q = x Wq,  k = x Wk,  v = x Wv                    Vaswani et al. 2017, arXiv 1706.03762, section 3.2.2

The width d is cut into h heads of k = d / h features each: head 0 has the first k features of q, k and v, head 1 the next
k, and so on. Every head attends by itself, position t to positions 0 ... t; the results are laid side by side again in the
same order, (b t d), and go through the output projection.

Make four linear layers (with or without bias), or one for q, k and v together, or one per head, and name them as you like:
the judge puts its own weights into them, finding out by name and shape which is which. Where it cannot, tell it in a
function `weights(model)` at the end of this file (see there). You may call your own `attend` (from sdpa import attend) or
PyTorch's `F.scaled_dot_product_attention`; heads, mask and projections are what this exercise is about.

    headway check multihead      headway hint multihead      headway watch
"""

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, width, n_head):
        """`n_head` divides `width`."""
        super().__init__()
        raise NotImplementedError

    def forward(self, x):
        """Let every position look at itself and at those before it.

        Args:
            x: (b t d), d being `width`.

        Returns:
            (b t d)
        """
        raise NotImplementedError


# Only if the judge cannot match your layers: which of your tensors holds which weight? Linear layers store (out, in).
# Views are welcome, `model.qkv.weight[:d]`, and so are lists of tensors that are stacked, one per head.
#
# def weights(model):
#     return {
#         "q.weight": model.query.weight,
#         "k.weight": model.key.weight,
#         "v.weight": model.value.weight,
#         "out.weight": model.project.weight,
#     }
