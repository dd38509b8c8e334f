"""Additive attention: the first of them all.

    score_j = v · tanh(W s + U h_j)         s the decoder's state, h_j what the encoder has made of word j
    a = softmax(score)                      c = Σ_j a_j h_j        Bahdanau, Cho & Bengio 2014, arXiv 1409.0473, section 3.1

Before it, a whole sentence had to pass through one vector, and long ones did not fit. Here the decoder looks at all words of the
source at each step and takes what it needs: a small network scores each word against the state, the scores become weights, and
the weighted mean of the states is the context. Two years later the network became a dot product, and the decoder's recurrence
fell away.

U h_j does not depend on the decoder's state and is made once per source: `keys` below are U h_j already. Padding gets the weight
0.

Shapes: b rows, s words of the source, n features of the hidden layer, e of the encoder's states. When it is right, it can run
the real model (`headway.models.seq2seq`).

    headway check additive      headway hint additive      headway watch
"""


def additive_scores(query, keys, weight, v):
    """The score of each word.

    Args:
        query: (b n), the decoder's state.
        keys: (b s n), U h_j for each word.
        weight: (n n), W, stored (out, in) as a linear layer does it: W s is `query @ weight.T`.
        v: (n).

    Returns:
        (b s)
    """
    raise NotImplementedError


def align(scores, states, mask=None):
    """The context, and the weights.

    Args:
        scores: (b s).
        states: (b s e), the encoder's.
        mask: (b s) bool, True at real words; None if all are. Each row has one.

    Returns:
        the context (b e) and the weights (b s).
    """
    raise NotImplementedError
