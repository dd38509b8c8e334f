import copy

import torch


def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    model = make_model()
    parameters = list(model.parameters())
    optimiser = make_optimiser(parameters)
    losses, held, kept = [], [], []
    for epoch in range(epochs):
        for i, (x, y) in enumerate(batches):
            model.train()
            for group in optimiser.param_groups:
                group["lr"] = lr(epoch * len(batches) + i + 1)
            value = loss(model(x), y)
            optimiser.zero_grad()
            value.backward()
            norm = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]).norm()
            if norm > clip:
                for p in parameters:
                    if p.grad is not None:
                        p.grad.mul_(clip / norm)
            optimiser.step()
            losses.append(float(value))
        model.eval()
        with torch.no_grad():
            values = [(float(loss(model(x), y)), y.shape[0]) for x, y in held_out]
        held.append(sum(v * n for v, n in values) / sum(n for _, n in values))
        kept.append([p.detach().clone() for p in parameters])
    return losses, held, kept[held.index(min(held))]
