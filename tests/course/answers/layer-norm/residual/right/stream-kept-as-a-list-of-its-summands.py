import torch


def residual(x, f, norm, place):
    parts = [x, f(x if place == "post" else norm(x))]
    total = torch.stack(parts).sum(0)
    return norm(total) if place == "post" else total


def stack(x, sublayers, norms, place):
    if place == "post":
        for f, norm in zip(sublayers, norms):
            x = norm(x + f(x))
        return x
    summands = [x]
    for f, norm in zip(sublayers, norms):
        summands.append(f(norm(sum(summands))))
    return norms[-1](sum(summands))
