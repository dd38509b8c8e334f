import copy

import torch


def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    model = make_model()
    optimiser = make_optimiser(model.parameters())
    losses, held, least, step = [], [], 1e3, 0
    best = [p.detach().clone() for p in model.parameters()]
    model.eval()
    with torch.no_grad():
        least = sum(loss(model(x), y).item() * len(x) for x, y in held_out) / sum(len(x) for x, y in held_out)
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            step += 1
            optimiser.zero_grad()
            value = loss(model(x), y)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            for g in optimiser.param_groups:
                g["lr"] = lr(step)
            optimiser.step()
            losses.append(value.item())
        model.eval()
        with torch.no_grad():
            total = sum(loss(model(x), y).item() * len(x) for x, y in held_out)
        held.append(total / sum(len(x) for x, y in held_out))
        if held[-1] < least:
            least = held[-1]
            best = [p.detach().clone() for p in model.parameters()]
    return losses, held, best
