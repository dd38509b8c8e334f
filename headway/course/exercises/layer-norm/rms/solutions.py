"""Right answers to RMSNorm that differ in structure."""

import torch


def rms_norm__formula(x, weight, eps):
    """Widen, divide by the root of the mean square, narrow, weigh."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    normal = wide / torch.sqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return normal.to(x.dtype) * weight


def rms_norm__length(x, weight, eps):
    """The root mean square is the length over sqrt(d); the gain is applied before narrowing."""
    wide = x if x.dtype == torch.float64 else x.float()
    square = torch.einsum("...d,...d->...", wide, wide)[..., None] / x.size(-1)
    return (wide * (square + eps).rsqrt() * weight.to(wide.dtype)).to(x.dtype)


class _Norm(torch.nn.Module):
    """As Llama writes it."""

    def __init__(self, weight, eps):
        super().__init__()
        self.weight, self.eps = weight, eps

    def forward(self, x):
        kept = x.dtype
        if kept in (torch.float16, torch.bfloat16):
            x = x.to(torch.float32)
        x = x * torch.rsqrt((x * x).sum(-1, keepdim=True) / x.shape[-1] + self.eps)
        return self.weight * x.to(kept)


def rms_norm__module(x, weight, eps):
    """A module made for the call."""
    holder = _Norm.__new__(_Norm)
    torch.nn.Module.__init__(holder)
    holder.__dict__["weight"], holder.eps = weight, eps
    return holder(x)
