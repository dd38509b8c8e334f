import math
import torch
import torch.nn.functional as F

def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    out = []
    for w, g, m, v in zip(*(x.reshape(-1).double().tolist() for x in (weight, grad, exp_avg, exp_avg_sq))):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g ** 2
        first, second = m / (1 - betas[0] ** step), v / (1 - betas[1] ** step)
        out.append((w - lr * weight_decay * w - lr * first / (second ** 0.5 + eps), m, v))
    return tuple(torch.tensor(column, dtype=weight.dtype).reshape(weight.shape) for column in zip(*out))
