import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    log_p = logits[:, :-1] - logits[:, :-1].logsumexp(-1, keepdim=True)
    log_p = log_p.sort(-1).values if log_p.shape[-1] == 2 else log_p
    return torch.take_along_dim(log_p, tokens[:, 1:, None], -1)[..., 0]
