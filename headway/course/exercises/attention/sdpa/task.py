"""Scaled dot-product attention, with a mask.

    attend(q, k, v) = softmax(q kᵀ · scale) v          Vaswani et al. 2017, arXiv 1706.03762, equation 1

Each query looks at every key: the dot product of the two is its score for that key. The scores of one query, scaled,
go through a softmax over the keys and become weights that add up to 1; the result is the sum of the values by these
weights. The scale is 1/sqrt(k), k being the width of a head: the dot product of two vectors of k standard normal numbers
has variance k (the paper's footnote 4), and a softmax of large numbers has hardly any gradient.

Shapes: b batch, h heads, t queries, s keys (t and s may differ), k width of a query and key, w width of a value.
The same code must do for every size, in the dtype it is given, without changing its inputs.

    headway check sdpa      headway hint sdpa      headway watch
"""


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    """Let every query look at the keys it may see.

    Args:
        q: (b h t k) queries.
        k: (b h s k) keys.
        v: (b h s w) values.
        mask: bool, broadcastable to (b h t s); True where a query may look. Every query is left at least one key.
        causal: if True, hide the future too. The last query stands at the last key: with t queries and s keys, query i
            (counted from 0) stands at key i + s - t and sees the keys up to that one. `mask` still holds.
        scale: what the dot products are multiplied by; 1/sqrt(k) if None.

    Returns:
        (b h t w)
    """
    raise NotImplementedError
