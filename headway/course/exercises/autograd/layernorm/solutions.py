"""Right answers to the backward of layer normalisation that differ in structure."""

import torch


def layer_norm_backward__projection(grad, x, weight, eps=1e-5):
    """What g has along 1 and along x̂ is taken out."""
    centred = x - x.mean(-1, keepdim=True)
    deviation = (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    normal = centred / deviation
    g = grad * weight
    dx = (g - g.mean(-1, keepdim=True) - normal * (g * normal).mean(-1, keepdim=True)) / deviation
    rows = list(range(x.dim() - 1))
    if not rows:
        return dx, grad * normal, grad.clone()
    return dx, (grad * normal).sum(rows), grad.sum(rows)


def layer_norm_backward__steps(grad, x, weight, eps=1e-5):
    """Back through every line of the forward pass, one by one."""
    d = x.shape[-1]
    mean = x.sum(-1, keepdim=True) / d
    centred = x - mean
    var = (centred**2).sum(-1, keepdim=True) / d
    inverse = (var + eps) ** -0.5
    normal = centred * inverse

    d_normal = grad * weight
    d_inverse = (d_normal * centred).sum(-1, keepdim=True)
    d_var = d_inverse * -0.5 * (var + eps) ** -1.5
    d_centred = d_normal * inverse + d_var * 2 * centred / d
    d_mean = -d_centred.sum(-1, keepdim=True)
    dx = d_centred + d_mean / d
    flat = grad.reshape(-1, d)
    return dx, (flat * normal.reshape(-1, d)).sum(0), flat.sum(0)


def layer_norm_backward__jacobian(grad, x, weight, eps=1e-5):
    """The Jacobian of a row, (I - 1/d - x̂ x̂ᵀ/d) / deviation, as a matrix that every row of g is multiplied by."""
    d = x.size(-1)
    var, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
    normal = (x - mean) * torch.rsqrt(var + eps)
    eye = torch.eye(d, dtype=x.dtype) - 1 / d
    jacobian = (eye - normal.unsqueeze(-1) * normal.unsqueeze(-2) / d) * torch.rsqrt(var + eps).unsqueeze(-1)
    dx = (jacobian @ (grad * weight).unsqueeze(-1)).squeeze(-1)
    return dx, torch.einsum("nd,nd->d", grad.reshape(-1, d), normal.reshape(-1, d)), grad.reshape(-1, d).sum(0)
