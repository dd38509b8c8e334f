"""Cross attention: a decoder looks at what an encoder has read.

    MultiHead(x, states) = [head_1 ... head_h] Wᴼ,     head_i = softmax(q_i k_iᵀ / sqrt(k)) v_i
    q = x Wq,   k = states Wk,   v = states Wv            Vaswani et al. 2017, arXiv 1706.03762, section 3.2.3

The same attention as before; only where q, k and v come from is different. There is no order between the t positions of the
decoder and the s positions of the source, so nothing is causal here: every query may see the whole source, wherever it stands.
What it must not see is the source's padding, which `mask` tells: True at real tokens. Each row has one at least.

Make four linear layers (with or without bias, k and v may be one) and name them as you like: the judge puts its own weights
into them, finding out by name and shape which is which; `weights(model)` at the end is for where it cannot. Your own `attend`
(from sdpa import attend) or PyTorch's `F.scaled_dot_product_attention` may be used.

    headway check cross      headway hint cross      headway watch
"""

import torch
from torch import nn


class CrossAttention(nn.Module):
    """Attention with queries from one sequence, keys and values from another."""

    def __init__(self, width, n_head):
        """`n_head` divides `width`: head 0 has the first width / n_head features of q, k and v, and so on."""
        super().__init__()
        raise NotImplementedError

    def forward(self, x, states, mask=None):
        """Let every position of x look at every real position of the source.

        Args:
            x: (b t d), d being `width`: the decoder's.
            states: (b s d): the encoder's.
            mask: (b s) bool, True at real tokens; None if all are.

        Returns:
            (b t d)
        """
        raise NotImplementedError


# Only if the judge cannot match your layers: which of your tensors holds which weight? Linear layers store (out, in).
#
# def weights(model):
#     return {
#         "q.weight": model.query.weight,
#         "k.weight": model.key.weight,
#         "v.weight": model.value.weight,
#         "out.weight": model.project.weight,
#     }
