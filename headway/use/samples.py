"""What a model in training writes: the trainer is handed this and knows nothing of sampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from headway.sample.beam import reading
from headway.sample.filters import Sampling
from headway.sample.generate import Until, generate
from headway.train.data import Examples
from headway.train.words import Words

LENGTH = 400
"""Tokens of a sample."""


def sampler(objective: str) -> Callable[[Any, Words, Examples], str] | None:
    """How a model with this objective shows what it has learned, None where there is nothing to read."""
    return {"causal": write, "seq2seq": translate}.get(objective)


def write(model: Any, words: Words, source: Examples) -> str:
    """A text from the first held-out token on, drawn with a fixed seed; of any length, though a model's context may end."""
    device = next(model.parameters()).device
    random = torch.Generator(device).manual_seed(0)
    tokens = source.held_out(1, 1)[0].tokens[:, :1].to(device)
    context = getattr(model.config, "context", LENGTH)
    while tokens.shape[1] < LENGTH:
        prompt = tokens[:, -max(1, context // 2) :]
        steps = min(LENGTH - tokens.shape[1], max(1, context - prompt.shape[1]))
        until = Until(max_tokens=steps)
        drawn = generate(model, prompt, until=until, sampling=Sampling(temperature=0.8), generator=random)
        tokens = torch.cat([tokens, *(token[:, None] for token in drawn)], dim=1)
    return words.decode(tokens[0].tolist())


def translate(model: Any, words: Words, source: Examples) -> str:
    """The first held-out sources with what the model makes of them, greedily, and with what was meant."""
    batch = source.held_out(8, 8)[0].to(next(model.parameters()).device)
    assert batch.source is not None
    start, end = words.special["start"], words.special["end"]
    lines = []
    for row in range(len(batch)):
        real = batch.source[row] if batch.source_mask is None else batch.source[row][batch.source_mask[row]]
        meant = [id for id in batch.targets[row].tolist() if id >= 0 and id != end]
        begin = torch.tensor([[start]], device=real.device)
        said = generate(reading(model, real[None]), begin, until=Until(max_tokens=2 * len(meant) + 8, stop_ids=(end,)))
        ids = [int(token) for token in said]
        text = words.decode([id for id in ids if id != end])
        wanted = words.decode(meant)
        lines.append(f"{words.decode(real.tolist())} -> {text}" + ("" if text == wanted else f"   (meant: {wanted})"))
    return "\n".join(lines)
