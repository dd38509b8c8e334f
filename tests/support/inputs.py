"""A natural call of each kind of model, for laws that need any call at all: returns its outputs as a tuple of tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from headway.models.catalog import entry


def call(name: str, model: nn.Module, seed: int = 1) -> tuple[Tensor, ...]:
    """Outputs of `model` on a small random input. One function per kind; a kind with none is an error."""
    generator = torch.Generator().manual_seed(seed)
    return CALLS[entry(name).kind](model, generator)


def _decoder(model, generator):
    return (model(torch.randint(0, model.config.vocab_size, (3, 11), generator=generator)),)


CALLS = {"decoder": _decoder}
