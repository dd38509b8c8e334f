"""A layer of the 2017 encoder.

    x ← LayerNorm(x + Attention(x))
    x ← LayerNorm(x + MLP(x)),      MLP(x) = max(0, x W1 + b1) W2 + b2
                                         Vaswani et al. 2017, arXiv 1706.03762, sections 3.1 to 3.3

Attention is multi-head self-attention: every position looks at every real position, future or past. Around each of the two
sublayers stands a residual connection, and the norm comes *after* the sum. (The code most people have seen norms before the
sublayer; that is a later idea.)

Make the layers you need (four linear ones of width x width for the attention, two for the MLP, two nn.LayerNorm with PyTorch's
eps, 1e-5; no dropout) and name them as you like. The judge puts its own weights into them, finding out by name and shape which
is which; where it cannot, write `weights(model)` at the end. All linear layers have biases.

    headway check encoder      headway hint encoder      headway watch
"""

import torch
from torch import nn


class EncoderLayer(nn.Module):
    """Self-attention, then an MLP, each with a residual sum and a norm after it."""

    def __init__(self, width, n_head, ff_width):
        """`n_head` divides `width`: head 0 has the first width / n_head features, and so on; `ff_width` is inside the MLP."""
        super().__init__()
        raise NotImplementedError

    def forward(self, x, mask=None):
        """One layer.

        Args:
            x: (b t d), d being `width`.
            mask: (b t) bool, True at real tokens; None if all are. Nobody looks at padding. Each row has a real token.

        Returns:
            (b t d)
        """
        raise NotImplementedError


# Only if the judge cannot match your layers: which of your tensors holds which weight? Linear layers store (out, in).
# Views are welcome, and so are lists of tensors that are stacked.
#
# def weights(model):
#     return {
#         "q.weight": model.query.weight, "q.bias": model.query.bias,                       # k, v and out likewise
#         "attn_norm.weight": model.norm1.weight, "attn_norm.bias": model.norm1.bias,
#         "up.weight": model.linear1.weight, "up.bias": model.linear1.bias,                 # W1
#         "down.weight": model.linear2.weight, "down.bias": model.linear2.bias,             # W2
#         "mlp_norm.weight": model.norm2.weight, "mlp_norm.bias": model.norm2.bias,
#     }
