import torch


def residual(x, f, norm, place):
    if place == "post":
        return norm(x + f(x))
    return torch.cat([x[:, i : i + 1] + f(norm(x[:, i : i + 1])) for i in range(x.shape[1])], 1)


def stack(x, sublayers, norms, place):
    for i in range(len(sublayers)):
        x = residual(x, sublayers[i], norms[i], place)
    if place == "pre":
        x = norms[-1](x)
    return x
