import torch


from functools import reduce


def residual(x, f, norm, place):
    return {"post": lambda: norm(torch.add(x, f(x))), "pre": lambda: torch.add(x, f(norm(x)))}[place]()


def stack(x, sublayers, norms, place):
    y = reduce(lambda stream, pair: residual(stream, *pair, place), zip(sublayers, norms[:-1], strict=True), x)
    return y if place == "post" else norms[len(sublayers)](y)
