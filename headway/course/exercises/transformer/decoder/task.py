"""A layer of the 2017 decoder.

    x ← LayerNorm(x + SelfAttention(x))            causal: nobody sees the future
    x ← LayerNorm(x + CrossAttention(x, states))   queries from x, keys and values from the encoder's states
    x ← LayerNorm(x + MLP(x)),                     MLP(x) = max(0, x W1 + b1) W2 + b2
                                         Vaswani et al. 2017, arXiv 1706.03762, sections 3.1 to 3.3

Three sublayers, three sums, three norms, and two masks that have nothing to do with each other: the triangle for the first
attention, the source's padding for the second.

Here the weights are *given*: a dict of tensors, as in a checkpoint. So the layer is a function. Weights of linear maps are
stored (out, in), as PyTorch does it: `torch.nn.functional.linear(x, weight, bias)`. Attention has `n_head` heads; head 0 has the
first d / n_head features, and so on. The norms' eps is 1e-5.

    attn.q.weight (d d)  attn.q.bias (d)     and attn.k, attn.v, attn.out          the self-attention
    cross.q.weight ...                       and cross.k, cross.v, cross.out       the cross attention
    up.weight (f d)  up.bias (f)             down.weight (d f)  down.bias (d)      the MLP
    attn_norm.weight (d)  attn_norm.bias (d) and cross_norm, mlp_norm              the norms

    headway check decoder      headway hint decoder      headway watch
"""

import torch
import torch.nn.functional as F


def decoder_layer(x, states, weights, n_head, mask=None):
    """One layer.

    Args:
        x: (b t d), the target so far.
        states: (b s d), what the encoder has made of the source.
        weights: a dict, see above.
        n_head: how many heads each attention has; divides d.
        mask: (b s) bool, True at real tokens of the source; None if all are. Each row has one.

    Returns:
        (b t d)
    """
    raise NotImplementedError
