"""Where the norm stands: after the sum, or before the sublayer.

    post    x ← norm(x + f(x))            Vaswani et al. 2017, arXiv 1706.03762, section 5.4
    pre     x ← x + f(norm(x))            Xiong et al. 2020, arXiv 2002.04745, figure 1 and table 1

Two letters change places, and a deep model trains without a warm-up, or does not. In "pre" the stream x itself is never
normalised: it runs from the embedding to the end, and each sublayer adds to it. That is why the gradient reaches the first
layer unharmed, and also why the end needs one more norm, after the last sublayer and before the logits: the sum has grown with
every layer. In "post" the last sublayer has that norm already.

The sublayers f (attention, MLP) and the norms are functions of (b t d) to (b t d) and are given. One warning: much code that
cites the first paper does the second thing, or a third.

    headway check residual      headway hint residual      headway watch
"""


def residual(x, f, norm, place):
    """One sublayer with its residual connection and its norm.

    Args:
        x: (b t d), the stream.
        f: the sublayer, a function.
        norm: a function.
        place: "post" or "pre".

    Returns:
        (b t d), the stream after it.
    """
    raise NotImplementedError


def stack(x, sublayers, norms, place):
    """All sublayers, one after the other.

    Args:
        x: (b t d).
        sublayers: a list of n functions.
        norms: a list of n + 1 functions, norm i for sublayer i. The last one is for the end of the stack, and in "post"
            is left over.
        place: "post" or "pre".

    Returns:
        (b t d), what the logits are made from.
    """
    raise NotImplementedError
