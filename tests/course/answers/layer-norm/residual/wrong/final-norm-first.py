def residual(x, f, norm, place):
    if place == "post":
        return norm(x + f(x))
    return x + f(norm(x))


def stack(x, sublayers, norms, place):
    for i in range(len(sublayers)):
        x = residual(x, sublayers[i], norms[i], place)
    if place == "pre":
        x = norms[0](x)
    return x
