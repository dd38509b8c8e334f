"""Chinchilla's arithmetic: how large a model, on how much text?

    C = 6 N D                              Kaplan et al. 2020, arXiv 2001.08361, section 2.1
    L(N, D) = E + A / N^a + B / D^b        Hoffmann et al. 2022, arXiv 2203.15556, equation 2

Training costs 6 FLOPs for each parameter and token: 2 forward (a multiplication and an addition), 4 backward. So with a budget
C, a larger model N means fewer tokens D. The loss falls with both, each with a power of its own, towards what no model can
foresee, E. In between lies the best N for a given C, and it comes out at about 20 tokens for each parameter: models of that time
had been trained on far too few.

No tensors here: Python's numbers will do.

    headway check chinchilla      headway hint chinchilla      headway watch
"""


def flops(n, d):
    """Floating-point operations of a training.

    Args:
        n: parameters.
        d: tokens, each seen once.
    """
    raise NotImplementedError


def at_ratio(c, ratio=20.0):
    """The model and the tokens for a budget, at so many tokens for each parameter.

    Args:
        c: FLOPs.
        ratio: tokens per parameter.

    Returns:
        (n, d), not rounded: 6 n d = c and d = ratio · n.
    """
    raise NotImplementedError


def best(c, *, a, b, amount_a, amount_b):
    """The model and the tokens at which the loss is least, among all that cost c.

    Args:
        c: FLOPs.
        a, b: the two exponents of L.
        amount_a, amount_b: A and B.

    Returns:
        (n, d), not rounded.
    """
    raise NotImplementedError


def days(n, d, *, devices, peak, used):
    """How long a training takes.

    Args:
        n, d: parameters and tokens.
        devices: how many.
        peak: FLOPs per second of one device, at best.
        used: which share of that is reached (0.4 is good).

    Returns:
        days.
    """
    raise NotImplementedError
