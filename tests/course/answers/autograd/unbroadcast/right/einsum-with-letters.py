import math
import torch
import torch.nn.functional as F


def sum_to(grad, shape):
    letters = "abcdefghijklmnop"[: grad.dim()]
    tail = letters[grad.dim() - len(shape) :]
    kept = "".join(c for c, size in zip(tail, shape) if size != 1)
    return torch.einsum(letters + "->" + kept, grad).reshape(tuple(shape))
