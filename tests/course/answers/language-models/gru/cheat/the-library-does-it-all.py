import math
import torch
import torch.nn.functional as F


def gru_step(*a): ...
def gru(x, h, *w):
    return torch.gru(x, h[None], w, True, 1, 0.0, False, False, True)[0]
