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


def _encoder_decoder(model, generator):
    tokens = torch.randint(0, vocabulary(model), (3, 7), generator=generator)
    return (model(draw_source(model, 3, 9, generator), tokens),)


def draw_source(model: nn.Module, b: int, s: int, generator: torch.Generator) -> Tensor:
    """What an encoder-decoder reads: ids (b, s)."""
    return torch.randint(0, model.config.vocab_size, (b, s), generator=generator)


def vocabulary(model: nn.Module) -> int:
    """How many symbols the target has."""
    return getattr(model.config, "target_vocab_size", None) or model.config.vocab_size


CALLS = {"decoder": _decoder, "encoder-decoder": _encoder_decoder}
