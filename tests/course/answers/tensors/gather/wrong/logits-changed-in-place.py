import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    b, t, v = logits.shape
    log_p = logits.log_softmax(-1)
    logits.data.copy_(log_p)
    rows, places = torch.arange(b)[:, None], torch.arange(t - 1)
    return log_p[rows, places, tokens[:, 1:]]
