"""Right answers to windows and batches that differ in structure."""

import torch


def split__slices(ids, n_held_out):
    """Counted from the front: ids[:-0] would be empty."""
    cut = len(ids) - n_held_out
    return ids[:cut], ids[cut:]


def starts__slices(n, context, offset=0):
    """The last window may begin at n - context - 1, which is then the end of the range, not included."""
    return torch.arange(offset, max(offset, n - context), context)


def windows__slices(ids, starts, context):
    """Stacked slices."""
    if len(starts) == 0:
        empty = torch.empty(0, context, dtype=ids.dtype)
        return empty, empty.clone()
    rows = torch.stack([ids[s : s + context + 1] for s in starts.tolist()])
    return rows[:, :-1], rows[:, 1:]


def batches__slices(order, size, rank=0, world=1):
    """Slices of slices."""
    return [order[first : first + size][rank::world] for first in range(0, len(order), size)]


def split__torch(ids, n_held_out):
    """PyTorch's split."""
    train, held_out = torch.split(ids, [ids.numel() - n_held_out, n_held_out])
    return train, held_out


def starts__torch(n, context, offset=0):
    """How many there are, and then a multiplication table."""
    count = max(0, (n - offset - 1) // context)
    return offset + context * torch.arange(count)


def windows__torch(ids, starts, context):
    """One table of indices; the targets are at the same places plus one."""
    places = starts.unsqueeze(1) + torch.arange(context)
    return ids[places], ids[places + 1]


def batches__torch(order, size, rank=0, world=1):
    """torch.split, and a choice within each."""
    return [batch[torch.arange(len(batch)) % world == rank] for batch in order.split(size)] if len(order) else []


def split__lists(ids, n_held_out):
    """A mask."""
    held = torch.arange(len(ids)) >= len(ids) - n_held_out
    return ids[~held], ids[held]


def starts__lists(n, context, offset=0):
    """A loop that stops at the first window that does not fit."""
    found, start = [], offset
    while start + context < n:
        found.append(start)
        start += context
    return torch.tensor(found, dtype=torch.int64)


def windows__lists(ids, starts, context):
    """All windows of the text as a view, and a choice of them."""
    if starts.numel() == 0:
        return ids.new_empty(0, context), ids.new_empty(0, context)
    rows = ids.unfold(0, context + 1, 1)[starts]
    return rows[:, :context].clone(), rows[:, 1:].clone()


def batches__lists(order, size, rank=0, world=1):
    """Index by index."""
    found = []
    for place, index in enumerate(order.tolist()):
        if place % size == 0:
            found.append([])
        if place % size % world == rank:
            found[-1].append(index)
    return [torch.tensor(batch, dtype=torch.int64) for batch in found]
