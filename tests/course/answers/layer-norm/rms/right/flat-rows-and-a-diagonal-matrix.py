import torch


def rms_norm(x, weight, eps):
    rows = x.reshape(-1, x.shape[-1])
    wide = rows if rows.dtype == torch.float64 else rows.to(torch.float32)
    gram = torch.linalg.vecdot(wide, wide).div(x.shape[-1]).add(eps)
    return (torch.diag_embed(gram.rsqrt()).sum(-1, keepdim=True) * wide).type_as(x).mul(weight).reshape(x.shape)
