import math
import torch
import torch.nn.functional as F


def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    model = make_model()
    optimiser = make_optimiser(model.parameters())
    step, losses, measured, best, least = 0, [], [], None, math.inf
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            step += 1
            optimiser.zero_grad()
            value = loss(model(x), y)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            for group in optimiser.param_groups:
                group["lr"] = lr(max(step - 1, 1))
            optimiser.step()
            losses.append(value.item())
        model.eval()
        with torch.no_grad():
            total, count = 0.0, 0
            for x, y in held_out:
                total, count = total + loss(model(x), y).item() * len(y), count + len(y)
        measured.append(total / count)
        if measured[-1] < least:
            least, best = measured[-1], [p.detach().clone() for p in model.parameters()]
    return losses, measured, best
