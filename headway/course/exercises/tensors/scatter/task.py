"""Means over segments: gather's other half.

    result[s]  =  mean of all x[i] with segment[i] = s,  0 if there are none

Rows that belong together, in any order and any number: word vectors from the vectors of their pieces, a graph's nodes
from their neighbours, a mixture of experts putting its tokens back. Where `gather` reads from places that a tensor
names, scatter writes to them, and several rows may go to one place: they must add up there, not overwrite each other.

Shapes: t rows, d features, n segments. Segments need not be sorted, nor next to each other, and some may have no row
at all.

    headway check scatter      headway hint scatter      headway watch
"""


def segment_mean(x, segment, n):
    """The mean of the rows of every segment.

    Args:
        x: (t d).
        segment: (t) int64, each in [0, n): the segment that a row belongs to.
        n: how many segments there are.

    Returns:
        (n d); zeros for a segment without rows.
    """
    raise NotImplementedError
