import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    log_p = (logits[:, :-1].softmax(-1) + 1e-12).log()
    return torch.take_along_dim(log_p, tokens[:, 1:, None], -1)[..., 0]
