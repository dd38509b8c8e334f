import math
import torch
import torch.nn.functional as F
from torch import nn


def greedy(model, tokens, *, max_tokens, end, pad):
    rows = []
    for prompt in tokens:
        seq, out = prompt.tolist(), []
        while len(out) < max_tokens and (not out or out[-1] != end):
            nxt = int(model(torch.tensor([seq]))[0, -1].argmax())
            seq.append(nxt)
            out.append(nxt)
        rows.append(out)
    n = max(map(len, rows))
    return torch.tensor([r + [pad] * (n - len(r)) for r in rows])
