"""Wrong answers to segment means that people really give."""

import torch

from headway.learn.cases import mistake, switches


def segment_mean(x, segment, n, *, _add="all", _by="count", _empty="zero", _rows="n", _place="id", _eps=1e-6):
    """The right answer, with a switch per mistake."""
    if _place == "appearance":
        _, first = torch.unique(segment, return_inverse=True)
        order: dict[int, int] = {}
        segment = torch.tensor([order.setdefault(int(i), len(order)) for i in first], dtype=torch.int64)
    elif _place == "rank":
        segment = torch.unique(segment, return_inverse=True)[1]
    elif _place == "runs":
        segment = torch.unique_consecutive(segment, return_inverse=True)[1] % n
    if _rows == "seen":
        n = int(segment.max()) + 1
    total = x.new_zeros(n, x.shape[1])
    if _add == "all":
        total = total.index_add(0, segment, x)
    elif _add == "first column":
        total = total.scatter_add(0, segment[:, None], x)
    else:
        for i in range(len(segment)) if _add == "last" else reversed(range(len(segment))):
            total = total.index_copy(0, segment[i : i + 1], x[i : i + 1])
    count = torch.bincount(segment, minlength=n).to(x.dtype)
    if _by == "count":
        if _empty == "zero":
            count = count.clamp(min=1)
        elif _empty == "plus one":
            count = count + 1
        elif _empty == "epsilon":
            count = count + _eps
        return total / count[:, None]
    return {
        "nothing": total,
        "t": total / len(segment),
        "n": total / n,
        "root": total / count.clamp(min=1).sqrt()[:, None],
    }[_by]


MISTAKES = switches(
    segment_mean,
    {
        "sums": ("these are sums: they still have to be divided by how many rows each segment has", {"_by": "nothing"}),
        "rows_overwritten": (
            "out[segment] += x writes each place once, so only the last row of a segment counts: use index_add, or scatter_add",
            {"_add": "last"},
        ),
        "last_row_alone": (
            "scatter (without add) keeps only the last row of a segment, and nothing is divided",
            {"_add": "last", "_by": "nothing"},
        ),
        "first_row_alone": ("only the first row of a segment counts", {"_add": "first", "_by": "nothing"}),
        "index_of_one_column": (
            "scatter_add goes as far as its index: with segment[:, None] only the first of the {d} columns is added up. "
            "Expand it to the shape of x",
            {"_add": "first column"},
        ),
        "nan_for_empty": (
            "a segment without rows is 0/0, NaN: divide by at least 1 there (clamp(min=1))",
            {"_empty": "nan"},
        ),
        "zeros_counted": (
            "every count is one too large: the zeros that the result starts from are counted too (include_self=True), or 1 was "
            "added to avoid 0/0. Clamp the counts at 1",
            {"_empty": "plus one"},
        ),
        "epsilon_added": (
            "a small number is added to the counts to avoid 0/0: every mean is too small by as much. Clamp the counts at 1",
            {"_empty": "epsilon"},
            {"_eps": [1e-8, 1e-10, 1e-5, 1e-3]},
        ),
        "divided_by_all_rows": ("the sums are divided by all {t} rows, not by those of the segment", {"_by": "t"}),
        "divided_by_segments": ("the sums are divided by the number of segments, not of their rows", {"_by": "n"}),
        "divided_by_root": ("the sums are divided by the square root of the counts", {"_by": "root"}),
        "as_many_rows_as_seen": (
            "the result ends with the largest segment that occurs: there have to be n rows, zeros for what has none",
            {"_rows": "seen"},
        ),
        "ranked": (
            "empty segments are skipped (unique): segment s has to be row s of the result",
            {"_place": "rank"},
        ),
        "by_appearance": (
            "segments stand in the order in which they appear: segment s has to be row s of the result",
            {"_place": "appearance"},
        ),
        "runs": (
            "rows count as one segment only while they follow each other (unique_consecutive): a segment may come back later",
            {"_place": "runs"},
        ),
    },
)


@mistake("the columns are averaged away, (n): a mean for each of the d columns is asked for, (n d)")
def columns_averaged(x, segment, n):
    return segment_mean(x, segment, n).mean(-1)


@mistake("the graph is cut (.data, .tolist(), numpy): no gradient reaches x", kind="gradient")
def detached(x, segment, n):
    return segment_mean(x.detach(), segment, n)
