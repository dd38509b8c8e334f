import torch.nn.functional as F


def residual(x, f, norm, place):
    if place == "post":
        return norm(x + f(x))
    return x + F.dropout(f(norm(x)), 0.01)


def stack(x, sublayers, norms, place):
    for i in range(len(sublayers)):
        x = residual(x, sublayers[i], norms[i], place)
    if place == "pre":
        x = norms[-1](x)
    return x
