def layer_norm(x, weight, bias, eps=1e-5):
    y = x.movedim(-1, 0)
    y = y - y.sum(0) / len(y)
    y = y / ((y**2).sum(0) / len(y) + eps).sqrt()
    return y.movedim(0, -1) * weight + bias
