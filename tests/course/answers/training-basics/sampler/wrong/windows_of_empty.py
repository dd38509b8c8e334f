# expect: raised
import torch


def split(ids, n_held_out):
    n = len(ids) - n_held_out
    return ids[:n], ids[n:]


def starts(n, context, offset=0):
    return torch.arange(offset, max(n - context, offset), context)


def batches(order, size, rank=0, world=1):
    return [chunk[rank::world] for chunk in order.split(size)] if len(order) else []


def windows(ids, starts, context):
    x = torch.stack([ids[s:s + context] for s in starts.tolist()])
    y = torch.stack([ids[s + 1:s + context + 1] for s in starts.tolist()])
    return x, y
