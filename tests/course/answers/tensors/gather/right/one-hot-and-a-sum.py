import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    hot = F.one_hot(tokens[:, 1:], logits.shape[-1]).bool()
    return logits.log_softmax(-1)[:, :-1].masked_fill(~hot, 0.0).sum(-1)
