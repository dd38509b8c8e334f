"""From one long row of ids to batches: nothing twice, nothing leaked, nothing lost.

    inputs   ids[s], ids[s+1], ..., ids[s+c-1]           targets   ids[s+1], ids[s+2], ..., ids[s+c]

A language model is trained on windows of c tokens of a long text; what it has to say at each token is the next one. Four small
functions, each a place where something leaks without anybody noticing: the loss only gets a little too good.

`split` holds out the end of the text, before any window is cut (windows cut first and then shuffled overlap: what was held out
has been seen). `starts` cuts it into windows that do not overlap, so that in an epoch no token is asked for twice. `windows`
makes the tensors. `batches` deals out an epoch's order, to one process or to several: each index goes to exactly one of them
once, the last, smaller batch included.

    headway check sampler      headway hint sampler      headway watch
"""


def split(ids, n_held_out):
    """The text to train on, and the end of it that is held out.

    Args:
        ids: (n) int64.
        n_held_out: how many tokens to hold out; may be 0.

    Returns:
        (n - n_held_out) and (n_held_out), neither sharing a token with the other.
    """
    raise NotImplementedError


def starts(n, context, offset=0):
    """Where the windows begin: at `offset`, and then every `context` tokens, as long as a window and its last target fit.

    Args:
        n: how many ids there are.
        context: c, tokens in a window.
        offset: where the first one begins (another one each epoch, so that the cuts fall elsewhere).

    Returns:
        (m) int64, rising; empty where no window fits.
    """
    raise NotImplementedError


def windows(ids, starts, context):
    """Inputs and targets of windows.

    Args:
        ids: (n) int64.
        starts: (m) int64, where each window begins, in any order.
        context: c.

    Returns:
        inputs (m c) and targets (m c), the targets one token further on.
    """
    raise NotImplementedError


def batches(order, size, rank=0, world=1):
    """An epoch in batches, as one of `world` processes sees it.

    The order is cut into batches of `size` (the last may be smaller); of each, process `rank` gets its elements rank,
    rank + world, rank + 2 world, ... What is left of a batch may be empty for some; then they get an empty one, for all processes
    have to take part in every step.

    Args:
        order: (m) int64, the epoch's order of indices.
        size: how many indices all processes together take in one step.
        rank: which process this is, 0 to world - 1.
        world: how many there are.

    Returns:
        a list of int64 tensors, one for each step.
    """
    raise NotImplementedError
