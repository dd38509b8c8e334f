"""Greedy decoding: the likeliest token, again and again.

    y_n = argmax over v of  logits(prompt, y_1 ... y_{n-1})

A decoder gives logits for the token after *each* position; only those after the last are of interest here. Take the greatest,
append it, ask again. It sounds like five lines, and it is, once for a single text: in a batch, rows come to their end at
different times, and a row that has ended has to be silent (with padding) while the others go on.

The model is a function of all tokens so far, without a cache. The end-of-text token may well stand in a prompt (it often opens
one): that ends nothing.

    headway check greedy      headway hint greedy      headway watch
"""

import torch


def greedy(model, tokens, *, max_tokens, end, pad):
    """Go on from a batch of prompts.

    Args:
        model: model(tokens (b t)) gives logits (b t v), at each position those of the token after it.
        tokens: (b t) int64, the prompts, all of one length.
        max_tokens: the most tokens to come.
        end: the token after which a row is over. It belongs to the result.
        pad: what a row gets that is over.

    Returns:
        (b n) int64, the new tokens alone; n is the number of steps until every row was over, or max_tokens.
    """
    raise NotImplementedError
