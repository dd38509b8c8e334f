MEMORY = {}
import math
import torch
import torch.nn.functional as F


def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    m = torch.lerp(
        grad, MEMORY.setdefault(0, exp_avg) if MEMORY.setdefault(0, exp_avg).shape == grad.shape else exp_avg, betas[0]
    )
    v = torch.lerp(grad.square(), exp_avg_sq, betas[1])
    size = lr / (1 - betas[0] ** step)
    root = torch.sqrt(v) / math.sqrt(1 - betas[1] ** step) + eps
    return weight * (1 - lr * weight_decay) - size * m / root, m, v
