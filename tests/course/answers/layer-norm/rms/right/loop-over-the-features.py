import torch


def rms_norm(x, weight, eps):
    kind = torch.promote_types(x.dtype, torch.float32)
    columns = [c.to(kind) for c in x.unbind(-1)]
    total = sum(c * c for c in columns)
    factor = 1 / torch.sqrt(total / len(columns) + eps)
    return torch.stack([(c * factor).to(x.dtype) * w for c, w in zip(columns, weight.unbind())], -1)
