import math
import torch
import torch.nn.functional as F


def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    b1, b2 = betas
    m = exp_avg * b1 + grad * (1 - b1)
    v = exp_avg_sq * b2 + grad * grad * (1 - b2)
    update = (m / (1 - b1**step)) / ((v.mean(-1, keepdim=True) / (1 - b2**step)).sqrt() + eps)
    return weight - lr * (update + weight_decay * weight), m, v
