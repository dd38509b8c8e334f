"""Packing: several texts in one row, none of which sees another.

    row        a0 a1 a2 a3 | b0 b1 b2 | c0 c1 | ·
    documents   0  0  0  0    1  1  1    2  2   -1

Padding is computed and thrown away. So put several short texts into a row, one behind the other. Three things then go wrong, and
none of them raises an error: the second text looks back at the first (Krell et al. 2021, arXiv 2107.02027, section 3.2.2, call it
cross-contamination), its positions begin in the middle, and the last token of the first is asked to say the first of the second.

`documents` (b t) holds for each token the number of its text; equal numbers lie together, -1 is padding. The numbers of
different texts of a row differ, and need not rise.

    headway check packing      headway hint packing      headway watch
"""


def packed_mask(documents):
    """Who may look at whom: at tokens of one's own text, from its first up to oneself.

    Padding looks at itself alone, and nobody else at it, so that no row of the softmax is empty.

    Args:
        documents: (b t) int64, -1 at padding.

    Returns:
        (b 1 t t) bool, True where the query (row) may look at the key (column).
    """
    raise NotImplementedError


def packed_positions(documents):
    """Each token's place in its own text, from 0 on; 0 at padding.

    Returns:
        (b t) int64
    """
    raise NotImplementedError


def packed_targets(tokens, documents, prompts=None):
    """What is asked at each token: the next token of the same text.

    Args:
        tokens: (b t) int64.
        documents: (b t) int64, -1 at padding.
        prompts: (b t) bool, True at tokens that were given and that the model is not to learn to say; None if there are none.

    Returns:
        (b t) int64: the next token, and -100 where nothing is asked: at the last token of each text, at padding, and where the
        next token is part of a prompt.
    """
    raise NotImplementedError
