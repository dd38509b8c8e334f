import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    b, t, v = logits.shape
    log_p = (lambda e: (e / e.sum(-1, keepdim=True)).log())((logits - logits.max()).exp())
    rows, places = torch.arange(b)[:, None], torch.arange(t - 1)
    return log_p[rows, places, tokens[:, 1:]]
