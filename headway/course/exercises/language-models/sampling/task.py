"""Sampling: temperature, top-k, top-p, and the draw itself.

    p = softmax(logits / T)                          T < 1: the likely becomes likelier
    top-k   the k best                               Fan et al. 2018, arXiv 1805.04833, section 5.1
    top-p   the fewest tokens that reach p together  Holtzman et al. 2019, arXiv 1904.09751, equations 2 and 3

A language model gives every token a chance, also those that would be nonsense; thousands of them together come up often. So cut
the tail off before drawing. Each of the three filters takes logits and returns logits, with minus infinity where a token is out,
and so they can be put one after the other.

The draw is written out too, with the random number given: lay the probabilities side by side on a line from 0 to 1, in the order
of the tokens, and see where u falls.

Shapes: logits (b v), each row by itself. When it is right, your filters can run with a real model:

    headway check sampling      headway run smollm2-135m "..." --top-p 0.9 --temperature 0.8 --with
    exercises/language-models/sampling.py
"""


def temperature(logits, t):
    """Logits at the temperature t > 0."""
    raise NotImplementedError


def top_k(logits, k):
    """Keep the k best, and whatever ties with the last of them.

    Args:
        logits: (b v).
        k: at least 1; may be greater than v.

    Returns:
        (b v), -inf where a token is out.
    """
    raise NotImplementedError


def top_p(logits, p):
    """Keep the fewest tokens whose probabilities together reach p: the best ones, the one included with which p is reached.

    Args:
        logits: (b v).
        p: above 0 and below 1.

    Returns:
        (b v), -inf where a token is out.
    """
    raise NotImplementedError


def draw(probabilities, u):
    """The token of each row that u falls on.

    Args:
        probabilities: (b v); rows add up to 1, but for rounding. Tokens of probability 0 are never drawn.
        u: (b), in [0, 1).

    Returns:
        (b) int64: the first token at which the running sum of the probabilities is greater than u; where rounding leaves none,
        the last token of a probability above 0.
    """
    raise NotImplementedError
