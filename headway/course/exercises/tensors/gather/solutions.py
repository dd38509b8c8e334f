"""Right answers to the log-probabilities that differ in structure."""

import torch
import torch.nn.functional as F


def token_logprobs__gather(logits, tokens):
    """All log-probabilities, then one of each v."""
    logprobs = logits[:, :-1].log_softmax(-1)
    return logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)


def token_logprobs__difference(logits, tokens):
    """The chosen logit minus the logarithm of the sum: nothing of the size of the logits is made."""
    before = logits[:, :-1]
    chosen = torch.take_along_dim(before, tokens[:, 1:, None], dim=-1)[..., 0]
    return chosen - before.logsumexp(dim=-1)


def token_logprobs__onehot(logits, tokens):
    """A row of zeros with a one, as a product: wasteful, and right."""
    chosen = F.one_hot(tokens, logits.shape[-1])[:, 1:].to(logits.dtype)
    return (F.log_softmax(logits, dim=-1)[:, :-1] * chosen).sum(-1)


def token_logprobs__loss(logits, tokens):
    """Cross-entropy without its mean is the negative of it; it wants the classes on axis 1."""
    return -F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")


def token_logprobs__index(logits, tokens):
    """Three index tensors that are broadcast to (b t-1)."""
    b, t, _ = logits.shape
    logprobs = torch.log_softmax(logits, -1)
    return logprobs[torch.arange(b)[:, None], torch.arange(t - 1), tokens[:, 1:]]
