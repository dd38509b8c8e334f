from functools import reduce


def residual(x, f, norm, place):
    return {"post": lambda: norm(f(x) + x), "pre": lambda: f(norm(x)) + x}[place]()


def stack(x, sublayers, norms, place):
    *mine, last = norms
    x = reduce(lambda y, pair: residual(y, *pair, place), zip(sublayers, mine), x)
    return x if place == "post" else last(x)
