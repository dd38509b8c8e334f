"""Right answers to gradient accumulation that differ in structure."""

import torch
import torch.nn.functional as F


def _gradient(weight, parts):
    """backward() part by part, as a training loop does it."""
    leaf = weight.detach().clone().requires_grad_(True)
    total, count = torch.zeros((), dtype=weight.dtype), 0
    for x, targets in parts:
        loss = F.cross_entropy(x.detach() @ leaf, targets, ignore_index=-100, reduction="sum")
        loss.backward()
        total += loss.detach()
        count += int((targets != -100).sum())
    gradient = torch.zeros_like(weight) if leaf.grad is None else leaf.grad
    return total / max(count, 1), gradient / max(count, 1)


def accumulate__backward(weight, parts):
    """Sums go backward one after the other; the gradient is divided at the end."""
    return _gradient(weight, parts)


def train_step__backward(weight, parts, *, lr, clip):
    """Clip what has been divided."""
    gradient = _gradient(weight, parts)[1]
    norm = gradient.norm()
    if norm > clip:
        gradient = gradient * (clip / norm)
    return weight.detach() - lr * gradient


def _counted_first(weight, parts):
    """The number of targets is known before the first part: each loss is divided by it."""
    count = max(1, sum(int(targets.ne(-100).sum()) for _, targets in parts))
    with torch.enable_grad():
        leaf = weight.detach().requires_grad_()
        gradient, mean = torch.zeros_like(weight), torch.zeros((), dtype=weight.dtype)
        for x, targets in parts:
            kept = targets != -100
            log_p = (x.detach() @ leaf).log_softmax(-1)[kept]
            loss = -log_p.gather(1, targets[kept, None]).sum() / count
            gradient += torch.autograd.grad(loss, leaf)[0]
            mean += loss.detach()
    return mean, gradient


def accumulate__counted_first(weight, parts):
    """Divided before, not after."""
    return _counted_first(weight, parts)


def train_step__counted_first(weight, parts, *, lr, clip):
    """A factor of at most 1."""
    gradient = _counted_first(weight, parts)[1]
    factor = torch.clamp(clip / gradient.norm().clamp(min=1e-300), max=1.0)
    return weight.detach() - lr * factor * gradient


def _by_hand(weight, parts):
    """The gradient written out, xᵀ (p - truth), added up as numbers."""
    total, gradient, count = 0.0, torch.zeros_like(weight), 0
    for x, targets in parts:
        kept = targets >= 0
        rows, wanted = x[kept], targets[kept]
        logits = rows @ weight
        error = logits.softmax(-1)
        total = total + (logits.logsumexp(-1) - logits[torch.arange(len(rows)), wanted]).sum()
        error[torch.arange(len(rows)), wanted] -= 1
        gradient = gradient + rows.T @ error
        count += len(rows)
    return torch.as_tensor(total, dtype=weight.dtype) / (count or 1), gradient / (count or 1)


def accumulate__by_hand(weight, parts):
    """Without autograd."""
    with torch.no_grad():
        return _by_hand(weight, parts)


def train_step__by_hand(weight, parts, *, lr, clip):
    """Without autograd."""
    with torch.no_grad():
        gradient = _by_hand(weight, parts)[1]
        length = gradient.square().sum().sqrt().item()
        return weight - lr * gradient * min(1.0, clip / length if length else 1.0)
