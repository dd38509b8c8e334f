import math
import torch
import torch.nn.functional as F

def token_logprobs(logits, tokens):
    b, t, v = logits.shape
    out = []
    for i in range(b):
        row = [torch.log_softmax(logits[i, j], 0)[tokens[i, j + 1]] for j in range(t - 1)]
        out.append(torch.stack(row) if row else torch.zeros(0, dtype=logits.dtype))
    return torch.stack(out)
