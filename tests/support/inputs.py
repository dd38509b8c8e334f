"""A natural call of each kind of model, for laws that need any call at all: returns its outputs as a tuple of tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from headway.models.catalog import entry


def call(name: str, model: nn.Module, seed: int = 1) -> tuple[Tensor, ...]:
    """Outputs of `model` on a small random input. One function per kind; a kind with none is an error."""
    generator = torch.Generator().manual_seed(seed)
    return CALLS[entry(name).kind](model, generator)


def like(model: nn.Module, drawn: Tensor) -> Tensor:
    """What was drawn on the CPU, in float64 or as integers, where `model` is; numbers that are not integers in its format."""
    weight = next(model.parameters())
    return drawn.to(weight) if drawn.is_floating_point() else drawn.to(weight.device)


def _decoder(model, generator):
    return (model(like(model, torch.randint(0, model.config.vocab_size, (3, 11), generator=generator))),)


def _encoder_decoder(model, generator):
    tokens = like(model, torch.randint(0, vocabulary(model), (3, 7), generator=generator))
    return (model(draw_source(model, 3, 9, generator), tokens),)


def draw_source(model: nn.Module, b: int, s: int, generator: torch.Generator) -> Tensor:
    """What an encoder-decoder reads: ids (b, s), or frames."""
    if hasattr(model.config, "mels"):  # sound: frames, always as many
        frames = torch.randn(b, model.config.mels, model.config.frames, generator=generator, dtype=torch.float64)
        return like(model, frames)
    return like(model, torch.randint(0, model.config.vocab_size, (b, s), generator=generator))


def vocabulary(model: nn.Module) -> int:
    """How many symbols the target has."""
    return getattr(model.config, "target_vocab_size", None) or model.config.vocab_size


def _encoder(model, generator):
    tokens = like(model, torch.randint(0, model.config.vocab_size, (3, 11), generator=generator))
    segments = like(model, torch.randint(0, model.config.n_segment, (3, 11), generator=generator))
    out = model(tokens, segments=segments)
    # A model of bare states is also asked for its pooled state, which nothing else reads.
    out = (out, model.pooled(out)) if model.config.head == "states" else out
    return out if isinstance(out, tuple) else (out,)


def _vision(model, generator):
    c = model.config
    pictures = like(model, torch.randn(3, c.channels, c.image, c.image, generator=generator, dtype=torch.float64))
    hide = like(model, torch.rand(3, c.side**2, generator=generator) < 0.5) if c.mask_token else None
    return model(pictures, hide=hide), model.hidden(pictures, hide=hide)


def _vision_text(model, generator):
    c = model.config
    pictures = like(model, torch.randn(2, c.channels, c.image, c.image, generator=generator, dtype=torch.float64))
    captions = torch.randint(0, 7, (3, c.context), generator=generator)
    captions[:, -1] = 7
    return (model(pictures, like(model, captions)),)


def _vision_decoder(model, generator):
    c = model.config
    pictures = like(model, torch.randn(2, c.channels, c.image, c.image, generator=generator, dtype=torch.float64))
    tokens = torch.randint(0, c.image_token, (2, 9), generator=generator)
    tokens[:, 2 : 2 + c.n_patch] = c.image_token
    return (model(like(model, tokens), pictures=pictures),)


def episodes(model, generator, b: int = 2, t: int = 5):
    """Recorded episodes for a Decision Transformer: returns, states, actions, times."""
    c = model.config
    draw = [torch.randn(b, t, n, generator=generator, dtype=torch.float64) for n in (1, c.state_width, c.action_width)]
    return tuple(like(model, part) for part in (*draw, torch.arange(t).expand(b, t)))


def _decision(model, generator):
    return tuple(model(*episodes(model, generator)))


CALLS = {
    "vision": _vision,
    "vision-text": _vision_text,
    "vision-decoder": _vision_decoder,
    "decision": _decision,
    "decoder": _decoder,
    "encoder-decoder": _encoder_decoder,
    "encoder": _encoder,
    "speech": _encoder_decoder,
}
