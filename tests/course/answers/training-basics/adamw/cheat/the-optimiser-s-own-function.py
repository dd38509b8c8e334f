import math
import torch
import torch.nn.functional as F

from importlib import import_module


def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    vars(import_module("torch.optim.ad" + "am"))["ad" + "am"]([weight], [grad], [exp_avg], [exp_avg_sq], [], [])
