# expect: mistake blocks_for_strides
# says: , ...
import torch


def split(ids, n_held_out):
    n = len(ids) - n_held_out
    return ids[:n], ids[n:]


def starts(n, context, offset=0):
    return torch.arange(offset, max(n - context, offset), context)


def windows(ids, starts, context):
    at = starts[:, None] + torch.arange(context)
    return ids[at], ids[at + 1]


def batches(order, size, rank=0, world=1):
    out = []
    for i in range(0, len(order), size):
        chunk = order[i:i + size]
        per = -(-len(chunk) // world)
        out.append(chunk[rank * per:(rank + 1) * per])
    return out
