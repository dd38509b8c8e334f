"""Right answers to cross-entropy that differ in structure."""

import torch


def _widened(logits):
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


def cross_entropy__logsumexp(logits, targets, *, ignore=-100):
    """The rows that count are picked out; logsumexp is PyTorch's."""
    kept = targets != ignore
    rows, wanted = _widened(logits)[kept], targets[kept]
    losses = rows.logsumexp(-1) - rows.gather(-1, wanted[:, None]).squeeze(-1)
    return losses.sum() / max(len(losses), 1)


def cross_entropy__by_hand(logits, targets, *, ignore=-100):
    """The greatest logit is taken off by hand; nothing is picked out, what does not count is weighed with 0."""
    logits = _widened(logits)
    counts = (targets != ignore).to(logits.dtype)
    shifted = logits - logits.amax(dim=-1, keepdim=True).detach()
    log_total = torch.log(torch.exp(shifted).sum(-1))
    at_target = shifted.gather(-1, targets.masked_fill(targets == ignore, 0).unsqueeze(-1))[..., 0]
    return ((log_total - at_target) * counts).sum() / counts.sum().clamp(min=1)


def cross_entropy__one_hot(logits, targets, *, ignore=-100):
    """A product with the target written out as a distribution, 0 everywhere where it does not count."""
    logits = _widened(logits).flatten(0, -2)
    targets = targets.flatten()
    truth = torch.zeros_like(logits)
    counted = torch.nonzero(targets != ignore).squeeze(-1)
    truth[counted, targets[counted]] = 1
    total = -(truth * torch.log_softmax(logits, dim=1)).sum()
    return total / max(1, counted.numel())
