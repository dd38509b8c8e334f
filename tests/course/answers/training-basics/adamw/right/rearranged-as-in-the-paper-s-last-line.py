import math
import torch
import torch.nn.functional as F

def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    beta1, beta2 = betas
    m = torch.lerp(exp_avg, grad, 1 - beta1)
    v = torch.addcmul(exp_avg_sq * beta2, grad, grad, value=1 - beta2)
    root = math.sqrt(1 - beta2 ** step)
    size = lr * root / (1 - beta1 ** step)
    w = weight * (1 - lr * weight_decay)
    return torch.addcdiv(w, m, v.sqrt() + eps * root, value=-size), m, v
