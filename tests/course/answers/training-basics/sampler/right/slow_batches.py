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
    out, i = [], 0
    while i < len(order):
        end = min(i + size, len(order))
        out.append(order[torch.arange(i + rank, end, world)] if i + rank < end else order[:0])
        i += size
    return out
