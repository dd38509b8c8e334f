import math
import torch
import torch.nn.functional as F


def token_logprobs(logits, tokens):
    def one(rows, words):
        return -F.cross_entropy(rows[:-1], words[1:], reduction="none")

    return torch.func.vmap(one)(logits, tokens) if logits.shape[1] > 1 else logits[:, :0, 0]
