import math
import torch
import torch.nn.functional as F
from torch import nn


def sum_to(grad, shape):
    lead = grad.ndim - len(shape)
    letters = "abcdefghij"[: grad.ndim]
    kept = "".join(c for n, c in enumerate(letters) if n >= lead and shape[n - lead] == grad.shape[n])
    return torch.einsum(f"{letters}->{kept}", grad).reshape(shape)
