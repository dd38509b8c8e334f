"""Beam search with a recurrent decoder: one step for a whole batch, the states, and the way back.

    total[parent, token] = total[parent] + log p(token | parent)       the k greatest of all k · v go on
                                                                       Graves 2012, arXiv 1211.3711, algorithm 1;
                                                                       Sutskever et al. 2014, arXiv 1409.3215, section 3.2

A beam keeps the k likeliest beginnings of a sentence. All of them go through the decoder at once, as rows of a batch, and after
a step several of the new ones may have the same parent while others have died out. A Transformer could read the words again; a
recurrent decoder keeps a state for each hypothesis, and it has to move along with it: a state left where it was belongs to
another sentence, and nothing complains. At the end the sentences are found by going back from parent to parent.

A hypothesis that has said `end` is done. It stays in the beam with the log P it has: of its continuations only `end` is allowed,
and costs nothing. (At the first step there is one hypothesis: the caller gives the others a total of -inf.)

Shapes: b sentences, k hypotheses each, v words (v is at least k), n features of the state, t steps.

    headway check beamstep      headway hint beamstep      headway watch
"""


def beam_step(totals, log_p, done, end):
    """From k hypotheses of each sentence to the next k.

    Args:
        totals: (b k), log P of each.
        log_p: (b k v), log p of every next word, minus infinity possible.
        done: (b k) bool, which have ended.
        end: the word that ends a sentence.

    Returns:
        of the new hypotheses, the likeliest first: totals (b k); parents (b k) int64, which of the k each goes on from; tokens (b
        k) int64; done (b k) bool.
    """
    raise NotImplementedError


def move(state, parents):
    """The states of the new hypotheses: each has its parent's.

    Args:
        state: (b k n).
        parents: (b k) int64.

    Returns:
        (b k n)
    """
    raise NotImplementedError


def trace(tokens, parents):
    """The sentences, read from the end to the beginning.

    Args:
        tokens: (t b k) int64, what beam_step returned at each step.
        parents: (t b k) int64.

    Returns:
        (b k t) int64, the words of each hypothesis of the last step, in the order in which they were said.
    """
    raise NotImplementedError
