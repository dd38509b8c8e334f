"""Right answers to AdamW that differ in structure."""

import math

import torch


def adamw__algorithm(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    """The algorithm, line by line."""
    beta1, beta2 = betas
    exp_avg = beta1 * exp_avg + (1 - beta1) * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * grad**2
    mean = exp_avg / (1 - beta1**step)
    square = exp_avg_sq / (1 - beta2**step)
    update = mean / (square.sqrt() + eps) + weight_decay * weight
    return weight - lr * update, exp_avg, exp_avg_sq


@torch.no_grad()
def adamw__in_place(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    """On copies, in place, with the corrections moved into the step size and the root, as PyTorch does it."""
    weight, exp_avg, exp_avg_sq = weight.clone(), exp_avg.clone(), exp_avg_sq.clone()
    weight.mul_(1 - lr * weight_decay)
    exp_avg.lerp_(grad, 1 - betas[0])
    exp_avg_sq.mul_(betas[1]).addcmul_(grad, grad, value=1 - betas[1])
    root = exp_avg_sq.sqrt().div_(math.sqrt(1 - betas[1] ** step)).add_(eps)
    weight.addcdiv_(exp_avg, root, value=-lr / (1 - betas[0] ** step))
    return weight, exp_avg, exp_avg_sq


def adamw__stacked(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    """Both averages as one tensor: weighed, corrected and read together; the decay as a factor on the weight."""
    beta = torch.tensor(betas, dtype=weight.dtype).view(2, *[1] * weight.dim())
    averages = torch.stack((exp_avg, exp_avg_sq))
    averages = averages + (1 - beta) * (torch.stack((grad, grad.square())) - averages)
    mean, square = (averages / (1 - beta.pow(step))).unbind(0)
    return weight * (1 - lr * weight_decay) - lr * mean / (eps + torch.sqrt(square)), *averages.unbind(0)
