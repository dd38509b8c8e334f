"""The logit lens: what the stream would say after each layer, if it were read out there.

nostalgebraist, *interpreting GPT: the logit lens*, 2020. The stream after a layer goes through the model's own last norm and
head, as if the layers above were not there. After the last layer that is what the model says.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.look.attention import visible
from headway.look.editing import Edit
from headway.look.feeding import feed
from headway.look.guessing import entropy, must_guess, names_of, ranks, readout, side_of, spoken_of
from headway.look.picture import Picture
from headway.look.telling import heading, notes, percent, printable
from headway.look.tracing import Trace, run
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AFFORDED = 12e9
"""Multiplications of the head in one picture. Of a model for which all layers come to more, some are shown, evenly spread."""

AT_ONCE = 192
"""Rows of logits that are worked out together."""


@dataclass(frozen=True, kw_only=True)
class Lens(Picture):
    """What each layer would say at each position.

    Attributes:
        texts: The text's tokens, one for each position.
        comes: For each position the token that its logits speak of: the next one of the text, or, in masked models, the one that
            stands there; empty after the end.
        layers: ``embedding``, then the blocks' numbers; a few of them where all would take too long.
        guesses: By layer and position, the likeliest tokens, the likeliest first.
        probabilities: Of those, (layers, t, k).
        ranks: By layer and position, the place (1 for the likeliest) of the token that the last layer puts first.
        ranks_of_comes: The same for the token that really comes; 0 where none does.
        entropies: Of each distribution, in bits, (layers, t).
        most: The entropy, in bits, of a vocabulary whose tokens are all as likely.
    """

    kind = "lens"

    texts: tuple[str, ...]
    comes: tuple[str, ...]
    layers: tuple[str, ...]
    guesses: tuple[tuple[tuple[str, ...], ...], ...]
    probabilities: Float[Tensor, "l t k"]
    ranks: tuple[tuple[int, ...], ...]
    ranks_of_comes: tuple[tuple[int, ...], ...]
    entropies: Float[Tensor, "l t"]
    most: float

    def lines(self, width: int = 100) -> list[Text]:
        """A table: a row for each layer, the last on top, a column for each position, as many from the end as fit."""
        cell = 11
        columns = max(1, (width - 10) // cell)
        shown = range(max(0, len(self.texts) - columns), len(self.texts))
        found = [
            Text(f"{'after':<10}" + "".join(f"{visible(self.texts[t])[: cell - 1]:<{cell}}" for t in shown), "bold")
        ]
        for n in reversed(range(len(self.layers))):
            line = Text(f"{self.layers[n][:9]:<10}")
            for t in shown:
                p = float(self.probabilities[n, t, 0])
                word = visible(self.guesses[n][t][0])
                style = "bold cyan" if self.ranks[n][t] == 1 else "" if p > 0.3 else "dim"
                line.append(f"{word[: cell - 5]:<{cell - 5}}{percent(p):>4} ", style)
            found.append(line)
        found.append(
            Text(
                f"{'comes':<10}"
                + "".join(f"{visible(self.comes[t])[: cell - 1] if self.comes[t] else '':<{cell}}" for t in shown),
                "bold",
            )
        )
        if len(shown) < len(self.texts):
            found += notes(f"the last {len(shown)} of {len(self.texts)} positions", width)
        return found

    def draw(self, figure: Figure) -> None:
        """A cell for each layer and position: its likeliest token, on a ground as dark as it is likely; of many layers some."""
        axis = figure.subplots()
        first, few = max(0, len(self.texts) - 14), min(len(self.layers), 16)
        shown = sorted({round(n * (len(self.layers) - 1) / max(few - 1, 1)) for n in range(few)})
        p = self.probabilities[shown, first:, 0].float()
        axis.imshow(p.numpy(), cmap="Blues", vmin=0, vmax=1.15, origin="lower", aspect="auto")
        size = min(7.5, 130 / few, 95 / max(p.shape[1], 1))
        for row, n in enumerate(shown):
            for t in range(p.shape[1]):
                word = visible(self.guesses[n][first + t][0])[:9]
                agrees = self.ranks[n][first + t] == 1
                look = {"color": "white" if p[row, t] > 0.6 else "black", "weight": "bold" if agrees else "normal"}
                axis.text(t, row, printable(word), ha="center", va="center", fontsize=size, **look)
        ticks = dict(enumerate(printable(visible(text))[:10] for text in self.texts[first:]))
        axis.set_xticks(list(ticks), list(ticks.values()), fontsize=7, rotation=30, ha="right")
        axis.set_yticks(range(few), [self.layers[n] for n in shown], fontsize=6)
        axis.set(ylabel="after layer")
        axis.set_title(heading(self), fontsize=9)


def lens(
    loaded: Loaded,
    given: Any,
    *,
    target: Any = None,
    edits: Sequence[Edit] = (),
    layers: Sequence[int] | None = None,
    k: int = 5,
) -> Lens:
    """What the stream after each layer says about the token to come, read out by the model's own last norm and head.

    Args:
        loaded: A decoder; an encoder with its head for words; an encoder-decoder or a Whisper (then its decoder's layers).
        given: A text.
        target: For an encoder-decoder, what it writes; its own answer if left out.
        edits: What is changed for this run.
        layers: Which to show: 0 is the embedding, 1 the first block, -1 the last. If left out, all, or, where that would be much
            to compute, as many as can be had soon, evenly spread.
        k: Tokens for each layer and position.

    Returns:
        Lens: its last layer is what the model says.

    Raises:
        HeadwayError: the model gives no probabilities of tokens, has no layers of one width, or not those asked for.
    """
    must_guess(loaded)
    food = feed(loaded, given, target)
    read: dict[str, tuple[Tensor, ...]] = {}

    @contextlib.contextmanager
    def within(found: Trace) -> Iterator[None]:
        yield
        streams = _streams(found)
        names = list(streams)
        places = _chosen(names, layers, loaded, len(food.texts[side_of(food)]))
        last = readout(loaded.model, streams[names[-1]])[
            0
        ]  # alone, as the model does it: the same numbers to the last bit
        final = last.argmax(-1)
        comes = spoken_of(loaded, food)
        below = [n for n in places if n != len(names) - 1]
        together = max(1, AT_ONCE // len(final))  # so that the head's matrix is read once for several layers
        for group in (below[n : n + together] for n in range(0, len(below), together)):
            rows = torch.cat([streams[names[n]] for n in group], 1)
            for n, logits in zip(group, readout(loaded.model, rows)[0].chunk(len(group)), strict=True):
                read[names[n]] = _read(logits.float(), final, comes, k)
        if len(below) < len(places):
            read[names[-1]] = _read(last.float(), final, comes, k)

    run(loaded, food, edits, within=within)
    best = {name: columns[1].tolist() for name, columns in read.items()}
    ids = spoken_of(loaded, food).tolist()
    unique = list(dict.fromkeys(id for rows in best.values() for row in rows for id in row))
    words = dict(zip(unique, names_of(loaded, unique), strict=True))
    texts = food.texts[side_of(food)]
    told = names_of(loaded, [id for id in ids if id >= 0])
    return Lens(
        title=f"{loaded.name}: {food.told}",
        edits=tuple(map(str, edits)),
        texts=texts,
        comes=(*told, *("",) * (len(ids) - len(told))),
        layers=tuple(read),
        guesses=tuple(tuple(tuple(words[id] for id in row) for row in rows) for rows in best.values()),
        probabilities=torch.stack([columns[0] for columns in read.values()]).cpu(),
        ranks=tuple(tuple(columns[2].tolist()) for columns in read.values()),
        ranks_of_comes=tuple(tuple(columns[3].tolist()) for columns in read.values()),
        entropies=torch.stack([columns[4] for columns in read.values()]).cpu(),
        most=math.log2(vocabulary(loaded)),
    )


def vocabulary(loaded: Loaded) -> int:
    """How many tokens the logits are of."""
    config = loaded.model.config
    return getattr(config, "target_vocab_size", None) or config.vocab_size


def _streams(found: Trace) -> dict[str, Tensor]:
    """Name of a layer -> the stream after it, from the embedding on: of the stack that the head reads."""
    stacks = list(dict.fromkeys(name.rpartition(".")[0] for name in found.stream))
    if not stacks:
        name = type(found.loaded.model).__name__
        raise HeadwayError(f"a {name} has no stack of layers to read out: --tokens shows what it says of each token.")
    stack = next((name for name in stacks if name.endswith("decoder")), stacks[-1])
    layers = {name.rpartition(".")[2]: x for name, x in found.stream.items() if name.rpartition(".")[0] == stack}
    width = list(layers.values())[-1].shape
    start = found.embedded.get(stack)
    start = {} if start is None or start.shape != width else {"embedding": start}
    return start | {name: x for name, x in layers.items() if x.shape == width}


def _chosen(names: list[str], layers: Sequence[int] | None, loaded: Loaded, t: int) -> list[int]:
    n = len(names)
    if layers is not None:
        for layer in layers:
            if not -n <= layer < n:
                raise HeadwayError(f"there is no layer {layer} to read: 0 is the {names[0]}, {n - 1} the last block.")
        return sorted({layer % n for layer in layers})
    weight = t * vocabulary(loaded) * max(getattr(loaded.model.config, "width", 1), 1)
    few = min(n, max(6, int(AFFORDED / weight)))
    return sorted({round(place * (n - 1) / max(few - 1, 1)) for place in range(few)})


def _read(logits: Float[Tensor, "t v"], final: Tensor, comes: Tensor, k: int) -> tuple[Tensor, ...]:
    log_p = logits.log_softmax(-1)
    best = log_p.topk(min(k, log_p.shape[-1]))
    return best.values.exp(), best.indices, ranks(logits, final), ranks(logits, comes), entropy(log_p)
