"""What comes of using a model, as plain data: drawn by the command line, sent as JSON by the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Choice:
    """One of several possibilities, with its probability among all of them."""

    name: str
    probability: float


@dataclass(frozen=True)
class Gap:
    """A gap in a text: its place among the tokens, counted from 0, and the likeliest tokens for it, the best first."""

    place: int
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class TokenLabel:
    """The likeliest label of one token of a text."""

    token: str
    label: str


@dataclass(frozen=True)
class Likeness:
    """Texts or pictures as vectors.

    Attributes:
        names: What was compared: the texts, or the pictures' files.
        vectors: One for each, as the model gives them.
    """

    names: tuple[str, ...]
    vectors: Float[Tensor, "n d"]

    @property
    def cosines(self) -> Float[Tensor, "n n"]:
        """The cosine of each vector with each."""
        unit = F.normalize(self.vectors.float(), dim=-1)
        return unit @ unit.T


@dataclass(frozen=True)
class Rewritten:
    """What an encoder-decoder makes of a text.

    Attributes:
        text: The new text.
        ids: Its tokens as they came, the one that ends it included.
        read: Tokens of the old text.
        beams: Texts searched at once; None where it was sampled.
        ended: ``stop``, or ``length`` where it was cut at the most tokens asked for.
    """

    text: str
    ids: tuple[int, ...]
    read: int
    beams: int | None
    ended: str


@dataclass(frozen=True)
class Place:
    """A part of a picture that stands out: the highest and mean importance in it, from 0 to 1, and its box in pixels."""

    highest: float
    mean: float
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Importance:
    """How important each part of a picture is.

    Attributes:
        map: From 0 to 1; y runs down, x to the right, smaller than the picture and in its proportions.
        places: What stands out, the most important first.
    """

    map: Float[Tensor, "y x"]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Action:
    """What a decision model does next.

    Attributes:
        values: The action, in the units the model was trained in.
        step: The number of the step in the episode, counted from 0.
        asked: The return asked for from here on.
    """

    values: tuple[float, ...]
    step: int
    asked: float


def likeliest(logits: Float[Tensor, " n"], name: Any, n: int = 5) -> tuple[Choice, ...]:
    """The `n` best of `logits` by probability; `name` says what each index stands for."""
    found = logits.float().softmax(-1).topk(min(n, len(logits)))
    pairs = zip(found.values.tolist(), found.indices.tolist(), strict=True)
    return tuple(Choice(str(name(id)), probability) for probability, id in pairs)
