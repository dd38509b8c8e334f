"""Tiny models with random weights and a tokenizer of letters, as `headway.zoo.load` would give them: for looking inside."""

from __future__ import annotations

from pathlib import Path

import torch
from support.tiny import TINY

from headway.models.catalog import build, entry
from headway.tokens.chars import CharTokenizer
from headway.zoo import Loaded

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

TEXT = "abcabdace"
"""Letters that every tiny vocabulary has."""

KINDS = ("decoder", "encoder", "encoder-decoder")
TINIES = [(name, n) for name, configs in TINY.items() if entry(name).kind in KINDS for n in range(len(configs))]
"""Every tiny configuration of a model of text: name and place in `TINY`."""


class Letters(CharTokenizer):
    """One id per letter. The first two also begin and end a target, the last of all is the mask."""

    bos, stop_ids = 0, frozenset({1})

    def id_of(self, token: str) -> int | None:
        return self.vocab_size - 1 if token == "[MASK]" else super().id_of(token)


def tiny(name: str, n: int = 0, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> Loaded:
    """The n-th tiny configuration of an architecture, its weights drawn wide enough that nothing is nearly uniform."""
    torch.manual_seed(seed)
    model = build(name, **TINY[name][n]).to(dtype).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight += 0.3 * torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(dtype)
    sizes = [model.config.vocab_size, getattr(model.config, "target_vocab_size", None) or model.config.vocab_size]
    return Loaded(
        name=f"tiny-{name}",
        entry=entry(name),
        model=model,
        tokenizer=Letters(LETTERS[: min(sizes)]),
        where=Path("nowhere"),
    )


def target_of(loaded: Loaded) -> str | None:
    """Something for an encoder-decoder to have written."""
    return "bad" if loaded.entry.kind == "encoder-decoder" else None
