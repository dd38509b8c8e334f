"""Right answers to truncated backpropagation that differ in structure."""

import torch


def truncated__backward(cell, loss, weights, h, inputs, targets, *, chunk):
    """backward() after each chunk, which adds up in .grad."""
    leaves = [w.detach().clone().requires_grad_() for w in weights]
    total = torch.zeros((), dtype=h.dtype)
    count = targets.numel()
    for first in range(0, inputs.shape[1], chunk):
        h = h.detach()
        part = torch.zeros((), dtype=h.dtype)
        for step in range(first, min(first + chunk, inputs.shape[1])):
            h = cell(leaves, inputs[:, step], h)
            part = part + loss(leaves, h, targets[:, step])
        (part / count).backward()
        total += part.detach()
    return total / count, [leaf.grad for leaf in leaves], h.detach()


def truncated__one_graph(cell, loss, weights, h, inputs, targets, *, chunk):
    """One graph for the whole text, cut by detach where a chunk begins; one derivative at the end."""
    leaves = [w.detach().requires_grad_() for w in weights]
    losses = []
    for step, (x, y) in enumerate(zip(inputs.unbind(1), targets.unbind(1), strict=True)):
        if step % chunk == 0:
            h = h.detach()
        h = cell(leaves, x, h)
        losses.append(loss(leaves, h, y))
    mean = torch.stack(losses).sum() / targets.numel()
    return mean.detach(), list(torch.autograd.grad(mean, leaves)), h.detach()


def truncated__functional(cell, loss, weights, h, inputs, targets, *, chunk):
    """The states are found first, without gradients; then each chunk is a function of the weights alone."""
    with torch.no_grad():
        starts, state = [], h
        for step, x in enumerate(inputs.unbind(1)):
            if step % chunk == 0:
                starts.append(state)
            state = cell(weights, x, state)

    def part(start, xs, ys):
        def of(*own):
            now, added = start, torch.zeros((), dtype=start.dtype)
            for x, y in zip(xs.unbind(1), ys.unbind(1), strict=True):
                now = cell(list(own), x, now)
                added = added + loss(list(own), now, y)
            return added

        return of

    value, gradients = torch.zeros((), dtype=h.dtype), [torch.zeros_like(w) for w in weights]
    for start, xs, ys in zip(starts, inputs.split(chunk, 1), targets.split(chunk, 1), strict=True):
        own = [w.detach().clone().requires_grad_() for w in weights]
        added = part(start, xs, ys)(*own)
        value = value + added.detach()
        gradients = [g + new for g, new in zip(gradients, torch.autograd.grad(added, own), strict=True)]
    count = targets.shape[0] * targets.shape[1]
    return value / count, [g / count for g in gradients], state
