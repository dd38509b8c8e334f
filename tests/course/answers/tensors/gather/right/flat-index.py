import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    b, t, v = logits.shape
    table = F.log_softmax(logits, -1).reshape(-1)
    at = torch.arange(b)[:, None] * t * v + torch.arange(t - 1) * v + tokens[:, 1:]
    return table[at]
