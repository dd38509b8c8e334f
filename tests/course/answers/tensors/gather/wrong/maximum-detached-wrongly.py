import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    z = logits[:, :-1]
    log_p = z.detach() - z.logsumexp(-1, keepdim=True)
    return torch.take_along_dim(log_p, tokens[:, 1:, None], -1)[..., 0]
