def residual(x, f, norm, place):
    inside, outside = ((lambda y: y), norm) if place == "post" else (norm, lambda y: y)
    return outside(x + f(inside(x)))


def stack(x, sublayers, norms, place):
    if not sublayers:
        return norms[-1](x) if place == "pre" else x
    head, *tail = sublayers
    return stack(residual(x, head, norms[0], place), tail, norms[1:], place)
