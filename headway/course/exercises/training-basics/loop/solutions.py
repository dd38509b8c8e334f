"""Right answers to the training loop that differ in structure."""

import copy
import math

import torch


def train__plain(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    """Two loops, one in the other; PyTorch's clipping."""
    model = make_model()
    optimiser = make_optimiser(model.parameters())
    losses, held_out_losses, best = [], [], None
    step = 0
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            step += 1
            optimiser.zero_grad()
            value = loss(model(x), y)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            for group in optimiser.param_groups:
                group["lr"] = lr(step)
            optimiser.step()
            losses.append(value.item())
        model.eval()
        total, count = 0.0, 0
        with torch.no_grad():
            for x, y in held_out:
                total += loss(model(x), y).item() * len(x)
                count += len(x)
        if not held_out_losses or total / count < min(held_out_losses):
            best = [p.detach().clone() for p in model.parameters()]
        held_out_losses.append(total / count)
    return losses, held_out_losses, best


class _Trainer:
    """Model, optimiser and step number in one place."""

    def __init__(self, model, optimiser, loss, lr, clip):
        self.model, self.optimiser, self.loss, self.lr, self.clip, self.done = model, optimiser, loss, lr, clip, 0

    def step(self, x, y):
        self.model.train()
        value = self.loss(self.model(x), y)
        value.backward()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = math.sqrt(sum(float(g.square().sum()) for g in gradients))
        if norm > self.clip:
            for g in gradients:
                g.mul_(self.clip / norm)
        self.done += 1
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr(self.done)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return float(value.detach())

    @torch.no_grad()
    def measure(self, batches):
        self.model.eval()
        parts = [(self.loss(self.model(x), y) * x.shape[0], x.shape[0]) for x, y in batches]
        return float(sum(part for part, _ in parts)) / sum(count for _, count in parts)


def train__object(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    """An object with a step and a measurement; gradients are forgotten after the step, and clipping is written out."""
    model = make_model()
    trainer = _Trainer(model, make_optimiser(model.parameters()), loss, lr, clip)
    history = []
    losses = []
    for _ in range(epochs):
        losses += [trainer.step(x, y) for x, y in batches]
        history.append((trainer.measure(held_out), copy.deepcopy([p.detach() for p in model.parameters()])))
    return losses, [value for value, _ in history], min(history, key=lambda pair: pair[0])[1]


def train__functional(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    """One loop over all steps; gradients come from autograd.grad, so that nothing is ever added up."""
    model = make_model()
    parameters = list(model.parameters())
    optimiser = make_optimiser(parameters)
    losses, measured, best, lowest = [], [], [], math.inf
    for n in range(epochs * len(batches)):
        x, y = batches[n % len(batches)]
        value = loss(model.train()(x), y)
        gradients = torch.autograd.grad(value, parameters)
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g * torch.clamp(clip / norm, max=1.0)
        for group in optimiser.param_groups:
            group["lr"] = lr(n + 1)
        optimiser.step()
        losses.append(value.item())
        if (n + 1) % len(batches) == 0:
            model.eval()
            everything = [(loss(model(x), y).detach(), len(y)) for x, y in held_out]
            measured.append(float(sum(v * c for v, c in everything)) / sum(c for _, c in everything))
            if measured[-1] < lowest:
                lowest, best = measured[-1], [p.detach().clone() for p in parameters]
    return losses, measured, best
