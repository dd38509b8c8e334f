import torch

def split(ids, n_held_out):
    return ids.narrow(0, 0, len(ids) - n_held_out), ids.narrow(0, len(ids) - n_held_out, n_held_out)

def starts(n, context, offset=0):
    count = max(0, (n - 1 - offset) // context)
    return offset + context * torch.arange(count)

def windows(ids, starts, context):
    at = starts.view(-1, 1) + torch.arange(context + 1).view(1, -1)
    both = ids.take(at)
    return both[:, :context], both[:, 1:]

def batches(order, size, rank=0, world=1):
    place = torch.arange(len(order))
    steps = (len(order) + size - 1) // size
    return [order[(place // size == s) & (place % size % world == rank)] for s in range(steps)]
