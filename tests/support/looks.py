"""Tiny models of every architecture as `headway.zoo` would load them, with something to look at for each."""

from __future__ import annotations

from pathlib import Path

import torch
from support.numerics import DEVICE
from torch import nn

from headway.data.episodes import Episode
from headway.look.feeding import Feed, feed
from headway.models.catalog import entry
from headway.tokens.tokenizer import Tokenizer
from headway.zoo import Loaded

SYMBOLS = ("<|startoftranscript|>", "<|notimestamps|>", "<|endoftext|>")


class Letters(Tokenizer):
    """A character is an id; so many ids that a few letters share one. 0 begins a text and 1 ends it."""

    bos, eos = 0, 1
    stop_ids = frozenset({1})

    def __init__(self, rows: int, symbols: dict[str, int] | None = None, end: int | None = None):
        self.rows, self.symbols, self.end = rows, symbols or {}, end
        taken = {*self.symbols.values(), end, 0, 1}
        self.free = [id for id in range(rows) if id not in taken]

    @property
    def vocab_size(self) -> int:
        return self.rows

    def encode(self, text: str, *, special: bool = True, recognise: bool = True) -> list[int]:
        found = []
        while text:
            symbol = next((name for name in self.symbols if text.startswith(name)), None)
            found.append(self.symbols[symbol] if symbol else self.free[ord(text[0]) % len(self.free)])
            text = text.removeprefix(symbol) if symbol else text[1:]
        return [*found, *([self.end] if special and self.end is not None else [])]

    def decode(self, ids, *, special: bool = False) -> str:
        return "".join(self.tokens(ids))

    def tokens(self, ids) -> list[str]:
        return [chr(97 + id) for id in ids]

    def id_of(self, token: str) -> int | None:
        return self.symbols.get(token)


def loaded(name: str, model: nn.Module) -> Loaded:
    """`model`, an instance of the architecture `name`, as if it had come from a folder that says nothing."""
    c, symbols, end = model.config, {}, None
    rows = getattr(c, "vocab_size", None) or (c.language.vocab_size if name == "llava" else 2)
    if name == "whisper":
        symbols = dict(zip(SYMBOLS, (2, 3, 1), strict=True))
    elif name == "llava":
        symbols = {"<image>": c.image_token}
    elif name == "clip":
        end = rows - 1 if c.end_token is None else c.end_token
    rows = min(rows, getattr(c, "target_vocab_size", None) or rows)
    words = None if entry(name).kind in ("vision", "decision") else Letters(rows, symbols, end)
    return Loaded(name=name, entry=entry(name), model=model, tokenizer=words, where=Path("/nowhere"))


def inputs(name: str, model: nn.Module, seed: int = 0) -> tuple:
    """Something for `headway.look.trace`: what is given, and the target, None where there is none."""
    c, generator = model.config, torch.Generator().manual_seed(seed)
    turn = "quick brown fox"[seed % 7 :]
    if name == "whisper":
        return torch.randn(c.mels, c.frames, generator=generator, dtype=torch.float64).to(DEVICE), turn[:4]
    if entry(name).kind == "decision":
        return draw_episode(c, generator), None
    if hasattr(c, "patch"):
        pixels = torch.randn(c.channels, c.image, c.image, generator=generator, dtype=torch.float64)
        return pixels, {"clip": turn[:5], "llava": turn[:5]}.get(name)
    if entry(name).kind == "encoder-decoder":
        return turn[:8], turn[2:7]
    return turn[:9], None


def draw_episode(config, generator, t: int = 4) -> Episode:
    """Some steps of an episode."""
    states = torch.randn(t, config.state_width, generator=generator)
    actions = torch.randn(t - 1, config.action_width, generator=generator)
    return Episode(states=states, actions=actions, returns=torch.randn(t, generator=generator))


def fed(model: Loaded, seed: int = 0) -> Feed:
    """The same, made ready."""
    return feed(model, *inputs(model.entry.name, model.model, seed))
