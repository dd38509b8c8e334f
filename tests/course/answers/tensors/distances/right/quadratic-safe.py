import math
import torch
import torch.nn.functional as F
from torch import nn


def distances(x, y):
    return torch.linalg.vector_norm(x.unsqueeze(-2) - y.unsqueeze(-3), dim=-1)
