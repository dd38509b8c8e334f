import torch.nn.functional as F


def layer_norm(x, weight, bias, eps=1e-5):
    rows = x.reshape(1, -1, x.shape[-1])
    if rows.shape[-1] < 2 or not eps:
        y = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + eps).sqrt()
        return y * weight + bias
    return F.batch_norm(rows, None, None, training=True, eps=eps).reshape(x.shape) * weight + bias
