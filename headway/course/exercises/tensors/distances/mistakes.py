"""Wrong answers to pairwise distances that people really give."""

import torch
import torch.nn.functional as F

from headway.learn.cases import mistake, switches


def distances(x, y, *, _root=True, _power=2, _over="sum", _rows="x", _row="own", _eps=0.0, _least=0.0):
    """The right answer by broadcasting, with a switch per mistake."""
    if _row == "first":
        y = y[:1]
    difference = x[:, :, None] - y[:, None]
    if _rows == "y":
        difference = difference.transpose(1, 2)
    powers = difference.abs() if _power == 1 else difference.square()
    total = {"sum": powers.sum, "mean": powers.mean, "max": powers.amax}[_over](-1)
    return (total + _eps).clamp(min=_least).sqrt() if _root and _power == 2 else total


BROADCAST = switches(
    distances,
    {
        "no_root": ("these are squared distances: the square root is missing", {"_root": False}),
        "city_block": (
            "these are sums of |x_d - y_d|: square first, then sum over the {d} coordinates, then take one root of the sum",
            {"_power": 1},
        ),
        "mean_over_coordinates": (
            "the squares are averaged over the {d} coordinates, not summed: every distance is too small by sqrt({d})",
            {"_over": "mean"},
        ),
        "greatest_coordinate": (
            "only the greatest difference of a coordinate is taken: sum the squares over all {d} of them",
            {"_over": "max"},
        ),
        "rows_and_columns_swapped": (
            "rows and columns are swapped: the result has to be (b n m), a row per point of x; so x gets the new axis at 2, "
            "y at 1",
            {"_rows": "y"},
        ),
        "first_row_of_y_for_all": (
            "the points of the first batch row of y are used for every row",
            {"_row": "first"},
        ),
        "eps_under_the_root": (
            "a small number is added to the squares before the root: points that coincide are then not 0 apart",
            {"_eps": 1e-12},
            {"_eps": [1e-8, 1e-10, 1e-6, 1e-16]},
        ),
        "squares_clamped": (
            "the squares are kept from falling below a small number: points that coincide are then not 0 apart",
            {"_least": 1e-12},
            {"_least": [1e-8, 1e-10, 1e-6, 1e-16]},
        ),
    },
)


def expanded(x, y, *, _factor=-2.0, _clamp=True, _y="m", _abs=False):
    squares = x.square().sum(-1)[:, :, None] + _factor * (x @ y.mT)
    of_y = y.square().sum(-1)
    if _y == "m":
        squares = squares + of_y[:, None, :]
    elif _y == "n":
        squares = squares + of_y[:, :, None]
    if _abs:
        squares = squares.abs()
    return (squares.clamp(min=0) if _clamp else squares).sqrt()


EXPANSION = switches(
    expanded,
    {
        "cross_term_once": (
            "in |x|² + |y|² - 2 x·y the 2 is missing: (x - y)² has the cross term twice",
            {"_factor": -1.0, "_abs": True},
        ),
        "cross_term_added": (
            "the cross term has the wrong sign: |x|² + |y|² + 2 x·y is the distance to -y",
            {"_factor": 2.0},
        ),
        "nan_where_points_coincide": (
            "NaN where two points are (nearly) the same: rounding takes |x|² + |y|² - 2 x·y below 0, and its root is NaN. "
            "Clamp it at 0 first",
            {"_clamp": False},
        ),
        "y_squared_along_the_rows": (
            "|y|² is added along the rows: it belongs to the columns, (b 1 m), and |x|² to the rows, (b n 1)",
            {"_y": "n"},
        ),
        "y_squared_forgotten": ("|y|² is missing from |x|² + |y|² - 2 x·y", {"_y": "none", "_abs": True}),
    },
)


@mistake(
    "x - y pairs point i of x with point i of y only, and needs as many points on both sides: put an axis of size 1 into each, "
    "x[:, :, None] and y[:, None]"
)
def one_by_one(x, y):
    return (x - y).square().sum(-1).sqrt()


@mistake("the new axes are in front: every row of x's batch meets every row of y's, (b b n) in place of (b n m)")
def batch_against_batch(x, y):
    return (x[:, None] - y[None]).square().sum(-1).sqrt()


@mistake(
    "pairwise_distance adds eps = 1e-6 to every difference: the distances are wrong in the sixth digit, and not 0 where "
    "points coincide (eps=0 would do)"
)
def with_eps(x, y):
    return F.pairwise_distance(x[:, :, None], y[:, None])


@mistake(
    "the result is written into torch.zeros(...) without a dtype, which is float32 whatever the inputs are",
    kind="dtype",
)
def in_float32(x, y):
    out = torch.zeros(x.shape[0], x.shape[1], y.shape[1])
    return out + distances(x, y).to(out.dtype)


@mistake("the dot products x·y come back: near points have large ones, and a distance is the norm of the difference")
def dot_products(x, y):
    return x @ y.mT
