import math
import torch
import torch.nn.functional as F
from torch import nn


import heapq


def beam_search(model, start, *, beams, max_tokens, end, alpha):
    lp = lambda n: ((5 + n) / 6) ** alpha
    live, done = [(0.0, ())], []
    for _ in range(max_tokens):
        options = []
        for total, words in live:
            logits = model(torch.tensor([(start, *words)], dtype=torch.long))[0, -1].double()
            lps = logits - logits.logsumexp(0)
            options += [(total + p, (*words, w)) for w, p in enumerate(lps.tolist())]
        best = heapq.nlargest(beams, options)
        done += [o for o in best if o[1][-1] == end]
        live = [o for o in best if o[1][-1] != end]
        if not live:
            break
    done += live
    total, words = max(done, key=lambda o: o[0] / lp(len(o[1])))
    return list(words), torch.tensor(total / lp(len(words)), dtype=torch.float64)
