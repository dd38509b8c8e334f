import math
import torch
import torch.nn.functional as F
from torch import nn


class Plain(torch.optim.Optimizer):
    def __init__(self, ps, lr):
        super().__init__(ps, {"lr": lr})


def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    Plain([nn.Parameter(weight.clone())], lr)
    b1, b2 = betas
    m, v = exp_avg + (1 - b1) * (grad - exp_avg), exp_avg_sq * b2 + grad * grad * (1 - b2)
    return weight - lr * (weight_decay * weight + m / (1 - b1**step) / ((v / (1 - b2**step)) ** 0.5 + eps)), m, v
