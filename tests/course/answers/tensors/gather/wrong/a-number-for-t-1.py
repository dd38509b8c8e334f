import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    b, t, v = logits.shape
    log_p = logits - torch.logsumexp(logits, -1, keepdim=True)
    rows, places = torch.arange(b)[:, None], torch.arange(t - 1)
    return torch.zeros(b, 1, dtype=log_p.dtype) if t == 1 else log_p[rows, places, tokens[:, 1:]]
