"""Log-probabilities of the tokens that came.

    result[b, i]  =  log softmax(logits[b, i])[ tokens[b, i+1] ]

What a language model gave to the token that really came next: the cross-entropy is minus its mean, perplexity is the
exponential of that, and beam search, DPO, distillation and "how likely is this sentence" all begin with it. Of the v
numbers at each position one is wanted, and which one differs from position to position: that is what `torch.gather`
is for.

The logits at position i are a statement about token i+1; the last ones speak of a token that nobody has seen.

Shapes: b batch, t positions, v words of the vocabulary. With t = 1 there is nothing to predict, and the result is (b
0). Logits can be large: a probability of exp(-800) is 0 in floating point, but its logarithm is a good number.

    headway check gather      headway hint gather      headway watch
"""


def token_logprobs(logits, tokens):
    """The log-probability of every token but the first, given those before it.

    Args:
        logits: (b t v).
        tokens: (b t) int64.

    Returns:
        (b t-1)
    """
    raise NotImplementedError
