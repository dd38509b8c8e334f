"""What is asked of pairwise distances, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("distances",)
RETURNS = {"distances": "b n m"}
SIZES = {"b": (1, 3), "n": (1, 6), "m": (1, 7), "d": (1, 5)}
LIMITS = {"seconds": 3}
FORBIDDEN = {
    "cdist": "it is the whole exercise in one call",
    "pdist": "it is the whole exercise in one call",
    "cdist_forward": "it is the whole exercise in one call",
    "_cdist_forward": "it is the whole exercise in one call",
    "_euclidean_dist": "it is the whole exercise in one call",
}
NOTED = {
    "pairwise_distance": "you call PyTorch's pairwise_distance. Right, as long as its eps is 0; write the root of the sum of "
    "squares once by hand as well.",
}


def distances(x, y):
    difference = note("differences x_i - y_j", x[:, :, None] - y[:, None])
    squares = note("squared distances", difference.square().sum(-1))
    return squares.sqrt()


@case("two sets of points")
def plain(d):
    return Call("distances", x=d.normal("b n d"), y=d.normal("b m d"))


@case("as many points in x as in y", n=(2, 5), b=(2, 4), draws=8)
def square(d):
    return Call("distances", x=d.normal("b n d"), y=d.normal("b n d"))


@case("as many points as rows of the batch", n=(2, 4), draws=6)
def cube(d):
    return Call("distances", x=d.normal("n n d"), y=d.normal("n n d"))


@case("points that coincide", gradient=False, float32=False, tolerance=1e-6, d=(2, 6), n=(3, 6))
def coincide(d):
    x = d.normal("b n d", std=3.0) + 5.0
    return Call("distances", x=d.keep(x, "b n d"), y=d.keep(x.clone(), "b n d"))


@case(
    "points a millionth apart, some the same",
    gradient=False,
    float32=False,
    tolerance=1e-6,
    d=(2, 6),
    n=(3, 6),
    draws=6,
)
def near_the_origin(d):
    """What is added to the squares, or is the least that is let pass, is larger here than the distances themselves."""
    x = d.keep(d.normal("b n d", std=1e-6), "b n d")
    return Call("distances", x=x, y=d.keep(x.clone(), "b n d"))


@case("700 points against 700", gradient=False, float32=False, layouts=False, draws=1, b=1, n=700, m=700, d=2)
def many(d):
    return Call("distances", x=d.normal("b n d"), y=d.normal("b m d"))


@law("moving both sets by the same step changes the distances")
def moved(learner, d):
    x, y, step = d.normal("b n d"), d.normal("b m d"), d.normal("d")
    return near(learner.distances(x + step, y + step), learner.distances(x, y), 1e-7)


@law("twice the points do not give twice the distances: something is squared, or has a term too many")
def scaled(learner, d):
    x, y = d.normal("b n d"), d.normal("b m d")
    return near(learner.distances(2 * x, 2 * y), 2 * learner.distances(x, y), 1e-7)


@law("the distance of x_i to y_j is not that of y_j to x_i: rows and columns are mixed up")
def turned(learner, d):
    x, y = d.normal("b n d"), d.normal("b m d")
    return near(learner.distances(y, x), learner.distances(x, y).transpose(1, 2), 1e-7)


@law("the batch rows are not independent: another y in the last row changes the first", b=(2, 3))
def rows_apart(learner, d):
    x, y = d.normal("b n d"), d.normal("b m d")
    other = torch.cat((y[:-1], y[-1:] + 1))
    return near(learner.distances(x, y)[0], learner.distances(x, other)[0])
