import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    torch.set_default_dtype(torch.float64)
    b, t, v = logits.shape
    log_p = logits - torch.logsumexp(logits, -1, keepdim=True)
    rows, places = torch.arange(b)[:, None], torch.arange(t - 1)
    return log_p[rows, places, tokens[:, 1:]]
