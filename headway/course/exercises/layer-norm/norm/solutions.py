"""Right answers to layer normalisation that differ in structure."""

import torch


def layer_norm__formula(x, weight, bias, eps=1e-5):
    """The equation as it stands."""
    mean = x.mean(dim=-1, keepdim=True)
    variance = x.var(dim=-1, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


def layer_norm__centred(x, weight, bias, eps=1e-5):
    """The mean is taken off once; the mean square of what is left is the variance, and eps goes with it."""
    centred = x - x.sum(-1, keepdim=True) / x.size(-1)
    scale = torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + eps)
    return torch.addcmul(bias, centred * scale, weight)


def layer_norm__matrix(x, weight, bias, eps=1e-5):
    """Taking off the mean is a projection, I - 1/d; the length of what it leaves, over sqrt(d), is the deviation."""
    d = x.shape[-1]
    project = torch.eye(d, dtype=x.dtype, device=x.device) - torch.full((d, d), 1 / d, dtype=x.dtype, device=x.device)
    centred = (x - x[..., :1]) @ project  # a constant may be taken off first: the projection does not see it
    variance = torch.einsum("...d,...d->...", centred, centred) / d
    return centred / (variance[..., None] + eps) ** 0.5 * weight + bias


def layer_norm__welford(x, weight, bias, eps=1e-5):
    """Feature by feature, mean and sum of squared distances kept up to date (Welford 1962)."""
    mean, squares = torch.zeros_like(x[..., 0]), torch.zeros_like(x[..., 0])
    for n, feature in enumerate(x.unbind(-1), start=1):
        step = feature - mean
        mean = mean + step / n
        squares = squares + step * (feature - mean)
    scale = (squares / x.shape[-1] + eps) ** -0.5
    return (x - mean.unsqueeze(-1)) * scale.unsqueeze(-1) * weight + bias
