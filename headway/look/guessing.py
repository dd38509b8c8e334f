"""What a model of text says about words: which row of its logits speaks of which token, and how a row is read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headway.base.errors import HeadwayError
from headway.look.feeding import Feed, tokens_of
from headway.sample.rewrite import writing_of
from headway.zoo import Loaded

WORDS = ("decoder", "encoder", "encoder-decoder", "speech")
"""Kinds of models that may have logits of tokens."""


def must_guess(loaded: Loaded) -> None:
    """Raise a `HeadwayError` for a model that gives no probabilities of tokens."""
    model = loaded.model
    if loaded.entry.kind not in WORDS:
        raise HeadwayError(
            f"{loaded.name} is a {type(model).__name__}: it gives no probabilities of tokens to look at."
        )
    if loaded.entry.kind == "encoder" and getattr(model, "mlm", None) is None:
        raise HeadwayError(
            f"{loaded.name} comes without the head that guesses words: it has states, and no probabilities of tokens."
        )


def masked(loaded: Loaded) -> bool:
    """Whether row t of the logits speaks of token t itself (masked models), and not of the one after it."""
    return loaded.entry.kind == "encoder"


def side_of(food: Feed) -> str:
    """Which of the texts the logits' rows are."""
    return "target" if "target" in food.texts else "text"


def spoken_of(loaded: Loaded, food: Feed) -> Int[Tensor, " t"]:
    """For each row of the logits, the id of the token that it speaks of; -1 where that is not known: after the text."""
    ids = food.ids
    assert ids is not None
    return ids if masked(loaded) else torch.cat((ids[1:], ids.new_full((1,), -1)))


def names_of(loaded: Loaded, ids: Sequence[int]) -> tuple[str, ...]:
    """Each token as it reads in a text; those without a spelling by what they are for."""
    names: dict[int, str] = {}
    if loaded.entry.kind == "encoder-decoder":
        writing = writing_of(loaded.where, loaded.words)
        names = {writing.start: "⟨start⟩"} | dict.fromkeys(writing.stops, "⟨end⟩")
    known = dict(zip(unique := list(dict.fromkeys(ids)), tokens_of(loaded, unique, names), strict=True))
    return tuple(known[id] for id in ids)


def readout(model: nn.Module, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
    """The stream as words, by the model's own last norm and head: what the model itself does after its last block."""
    norm = getattr(model, "decoder_norm", None) or getattr(model, "norm", None)
    if isinstance(norm, nn.Module):
        weight = getattr(norm, "weight", None)
        x = norm(x if weight is None else x.to(weight.dtype))
    out = model.readout(x)  # type: ignore[operator]
    return out[0] if isinstance(out, tuple) else out


def entropy(log_p: Float[Tensor, "*t v"]) -> Float[Tensor, "*t"]:
    """The entropy of each row of log-probabilities, in bits."""
    return -(log_p.exp() * log_p.clamp(min=-1e4)).sum(-1) / LN2  # clamped, for 0 times -inf is none


def ranks(logits: Float[Tensor, "t v"], ids: Int[Tensor, " t"]) -> Int[Tensor, " t"]:
    """The place of each row's id among all, 1 for the likeliest; 0 where the id is negative. Ties share the better place."""
    own = logits.gather(1, ids.clamp(min=0)[:, None])
    return torch.where(ids < 0, 0, (logits > own).sum(-1) + 1)


LN2 = 0.6931471805599453
