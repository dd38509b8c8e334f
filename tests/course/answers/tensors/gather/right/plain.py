import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    log_p = logits[:, :-1] - logits[:, :-1].logsumexp(-1, keepdim=True)
    return torch.take_along_dim(log_p, tokens[:, 1:, None], -1)[..., 0]
