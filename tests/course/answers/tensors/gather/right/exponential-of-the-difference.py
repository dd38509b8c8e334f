import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    top = logits.max(-1, keepdim=True).values.detach()
    shifted = logits - top
    chosen = shifted[:, :-1].gather(2, tokens[:, 1:].unsqueeze(2)).squeeze(2)
    return chosen - shifted[:, :-1].exp().sum(-1).log()
