"""Right answers to the placement of the norm that differ in structure."""

from functools import reduce


def _step(x, f, norm, place):
    if place == "post":
        return norm(x + f(x))
    return x + f(norm(x))


def residual__branches(x, f, norm, place):
    """The two lines of the task."""
    return _step(x, f, norm, place)


def stack__branches(x, sublayers, norms, place):
    """A loop over sublayer and norm together; "pre" closes with the norm that is left."""
    for f, norm in zip(sublayers, norms[:-1], strict=True):
        x = _step(x, f, norm, place)
    return norms[-1](x) if place == "pre" else x


_TABLE = {"pre": lambda x, f, norm: x.add(f(norm(x))), "post": lambda x, f, norm: norm(f(x).add(x))}


def residual__table(x, f, norm, place):
    """A table of functions."""
    return _TABLE[place](x, f, norm)


def stack__table(x, sublayers, norms, place):
    """A fold, with the last norm as one more step."""
    steps = [lambda y, f=f, n=n: _TABLE[place](y, f, n) for f, n in zip(sublayers, norms, strict=False)]
    if place == "pre":
        steps.append(norms[len(sublayers)])
    return reduce(lambda y, step: step(y), steps, x)


def residual__identity(x, f, norm, place):
    """Both at once: whichever norm is not wanted is the identity."""
    before, after = (norm, lambda y: y) if place == "pre" else (lambda y: y, norm)
    return after(x + f(before(x)))


def stack__identity(x, sublayers, norms, place):
    """What is added is collected; the stream is the input plus all of it, in "pre"; in "post" there is no such sum."""
    if place == "post":
        for i in range(len(sublayers)):
            x = norms[i](x + sublayers[i](x))
        return x
    added = [x]
    for f, norm in zip(sublayers, norms, strict=False):
        added.append(f(norm(sum(added))))
    return norms[-1](sum(added))
