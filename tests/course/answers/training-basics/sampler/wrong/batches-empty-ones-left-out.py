import torch

def split(ids, n_held_out):
    n = len(ids) - n_held_out
    return ids[:n], ids[n:]

def starts(n, context, offset=0):
    return torch.tensor([s for s in range(offset, n - context, context)], dtype=torch.int64)

def windows(ids, starts, context):
    inputs = [ids[s:s + context] for s in starts.tolist()]
    targets = [ids[s + 1:s + 1 + context] for s in starts.tolist()]
    return torch.stack(inputs), torch.stack(targets)

def batches(order, size, rank=0, world=1):
    return [b for b in (order[a:a + size][rank::world] for a in range(0, len(order), size)) if len(b)]
