# expect: mistake first_group_only
import math
import torch
import torch.nn.functional as F


def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    model = make_model()
    optimiser = make_optimiser(model.parameters())
    losses, measured, best = [], [], None
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            optimiser.zero_grad()
            value = loss(model(x), y)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimiser.param_groups[0]["lr"] = lr(len(losses) + 1)
            optimiser.step()
            losses.append(value)
        model.eval()
        with torch.no_grad():
            total = sum(loss(model(x), y).item() * len(x) for x, y in held_out) / sum(len(x) for x, _ in held_out)
        if total < min(measured, default=math.inf):
            best = [p.detach().clone() for p in model.parameters()]
        measured.append(total)
    return [float(value) for value in losses], measured, best
