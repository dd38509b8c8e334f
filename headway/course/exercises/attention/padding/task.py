"""Padding: texts of different lengths in one batch, and none the worse for it.

    mean of row n = Σ over its real positions of x / their number

A batch is a rectangle, texts are not: short ones are filled up with padding on the right, or on the left where generation is
to go on from the last token of every row. From then on, everything has to know which tokens are real: what is averaged, where
a token stands, and where the text ends. The test is always the same one: a row gives what it would give alone.

The id of the padding is no help in finding out. Many tokenizers have none of their own, and the end-of-text token, which may
also stand in the text itself, is used (GPT-2's 50256; GPT-2's own batches of samples go wrong exactly there). So the mask is made
from the lengths.

Shapes: b rows of t columns, t being the length of the longest text.

    headway check padding      headway hint padding      headway watch
"""


def collate(rows, pad, left=False):
    """Texts as a batch.

    Args:
        rows: a list of lists of ids, none of them empty; ids may be equal to `pad`.
        pad: the id to fill up with.
        left: whether the padding stands before the text; behind it if False.

    Returns:
        tokens (b t) int64, and mask (b t) bool, True at real tokens.
    """
    raise NotImplementedError


def positions(mask):
    """Where each token stands in its own text: the first real token at 0, on whichever side the padding is.

    Args:
        mask: (b t) bool; True at real tokens, which lie together in each row, at the left or at the right.

    Returns:
        (b t) int64. Padding before the text gets 0, padding behind it the position of the last real token.
    """
    raise NotImplementedError


def masked_mean(x, mask):
    """The mean of each row's real positions (a sentence embedding, as sentence-transformers makes it).

    Args:
        x: (b t d). At padding there may be anything, even NaN or infinity.
        mask: (b t) bool, True at real tokens; every row has one.

    Returns:
        (b d)
    """
    raise NotImplementedError


def last(x, mask):
    """What stands at the last real token of each row (a classifier on top of a decoder reads there).

    Args:
        x: (b t d).
        mask: (b t) bool, with the padding on either side.

    Returns:
        (b d)
    """
    raise NotImplementedError
