"""Beam search with a length penalty.

    score(y) = log P(y) / lp(y),     lp(y) = ((5 + n) / 6)^α,     n = tokens of y
                                     Wu et al. 2016, arXiv 1609.08144, equation 14; used by Vaswani et al. 2017, section 6.1

The likeliest sentence does not have to begin with the likeliest word. So keep the `beams` best beginnings at once. And since
every further word makes a sentence less likely, the likeliest one is too short, often empty: so compare by log P over a power of
the length.

At every step, of all continuations of all open hypotheses by all tokens, the `beams` with the greatest log P are kept (log P,
not score). Of these, the ones that end in `end` are finished and leave the beam; the others are the next step's open ones. It is
over when none is open, or after `max_tokens` steps: what is open then counts as finished as it stands. The answer is the
finished one with the best score. At the first step there is one open hypothesis, the empty one.

    headway check beam      headway hint beam      headway watch
"""

import torch


def beam_search(model, start, *, beams, max_tokens, end, alpha):
    """Find a sentence of high score.

    Args:
        model: model(tokens (n t)) gives logits (n t v), at each position those of the token after it.
        start: the token to begin with; it is not part of the sentence and has no probability.
        beams: how many hypotheses are kept at each step.
        max_tokens: the most tokens of a sentence, at least 1.
        end: the token that finishes it; it counts as one of its tokens.
        alpha: α; 0 compares by log P itself.

    Returns:
        the sentence, a list of ints without `start` (with `end`, if it came to that); and its score, a number.
    """
    raise NotImplementedError
