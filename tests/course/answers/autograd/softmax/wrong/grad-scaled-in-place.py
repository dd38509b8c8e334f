import math
import torch
import torch.nn.functional as F


def softmax_backward(grad, y, dim=-1):
    grad, y = grad.movedim(dim, -1), y.movedim(dim, -1)
    grad.mul_(2).div_(2.0000001)
    jacobian = torch.diag_embed(y) - y.unsqueeze(-1) * y.unsqueeze(-2)
    return torch.einsum("...i,...ij->...j", grad, jacobian).movedim(-1, dim)
