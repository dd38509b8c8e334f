"""Which part of its source each word was written from: words of a translation, or words in a sound, on the axis of time.

What a decoder attends to while it writes a token is read at the position before it, which predicts it.

Times of words: as in OpenAI's `whisper.timing` (2023). The attention of some heads to the frames is normalised over the tokens,
smoothed by a median over time and averaged; dynamic time warping finds the way through it on which time never runs backwards.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.base.reading import read_json_object
from headway.look.attention import name_of_place, visible
from headway.look.editing import Edit
from headway.look.mixing import ALIGNMENT, Mix
from headway.look.picture import Picture
from headway.look.telling import heading, printable
from headway.look.tracing import Trace, trace
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PER_SECOND = 50
"""Positions of Whisper's encoder in a second."""

SMOOTH = 7
"""Positions over which the median is taken."""


@dataclass(frozen=True)
class Word:
    """A word in a sound.

    Attributes:
        text: The word.
        begin, end: In seconds.
        rows: Which rows of the picture are its tokens: the first, and the one after the last.
    """

    text: str
    begin: float
    end: float
    rows: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Alignment(Picture):
    """What each token was written from.

    Attributes:
        how: Which attention this is, in words.
        rows: The tokens that were written.
        columns: The tokens of the source; empty for a sound.
        weights: (rows, columns), each row a mean of attention; for a sound (rows, positions), 50 a second.
        best: For each row the column it takes most from; for a sound the first position of its stretch of the path.
        words: For a sound: the words and when they are said.
        sound: For a sound: its log-mel frames, (mels, s), 100 a second.
        seconds: For a sound: how long it is; else None.
    """

    kind = "alignment"

    how: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: Float[Tensor, "t s"]
    best: tuple[int, ...]
    words: tuple[Word, ...] = ()
    sound: Float[Tensor, "m n"] | None = None
    seconds: float | None = None

    def lines(self, width: int = 100) -> list[Text]:
        """Each word on the axis of time; or each token and the three it was most written from."""
        found = [Text(line, style="dim") for line in textwrap.wrap(self.how, width)]
        if self.seconds is not None:
            wide = min(18, max((len(word.text) for word in self.words), default=1))
            room = max(10, width - wide - 16)
            for word in self.words:
                begin = min(room - 1, int(word.begin / self.seconds * room))
                end = max(begin + 1, min(room, round(word.end / self.seconds * room)))
                line = Text(f"{word.text[:wide]:<{wide}} {word.begin:5.2f}–{word.end:5.2f} s ")
                line.append(" " * begin + "█" * (end - begin), style="cyan")
                found.append(line)
            return found
        wide = min(16, max(len(visible(token)) for token in self.rows))
        for token, row in zip(self.rows, self.weights, strict=True):
            line = Text(f"{visible(token)[:wide]:<{wide}} ")
            for at in row.argsort(descending=True)[:3].tolist():
                piece = f" {visible(self.columns[at])[:16]} {float(row[at]):.2f} "
                if row[at] >= 0.005 and line.cell_len + len(piece) < width:
                    line.append(piece, style="bold cyan" if row[at] > 0.5 else "cyan" if row[at] > 0.15 else "dim")
            found.append(line)
        return found

    def draw(self, figure: Figure) -> None:
        """The sound with its words over it, and the attention below; or the matrix of tokens by tokens."""
        figure.suptitle(f"{heading(self)}\n{self.how}", fontsize=9)
        if self.seconds is None or self.sound is None:
            axis = figure.subplots()
            axis.imshow(self.weights.numpy(), cmap="Blues", vmin=0, aspect="auto")
            axis.set_xticks(range(len(self.columns)), [printable(visible(token)) for token in self.columns], fontsize=8)
            axis.set_yticks(range(len(self.rows)), [printable(visible(token)) for token in self.rows], fontsize=8)
            if max(map(len, self.columns)) > 2:
                axis.tick_params(axis="x", rotation=50)
            axis.set(xlabel="taken from", ylabel="written")
            return
        over, under = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.3))
        over.imshow(
            self.sound.numpy(),
            origin="lower",
            aspect="auto",
            cmap="magma",
            extent=(0, self.seconds, 0, len(self.sound)),
        )
        over.set(yticks=[], ylabel="frequency")
        top = len(self.sound)
        for n, word in enumerate(self.words):
            over.axvline(word.begin, color="white", linewidth=0.6, alpha=0.7)
            place = top * (0.9 if n % 2 else 0.76)
            over.text((word.begin + word.end) / 2, place, printable(word.text), color="white", fontsize=8, ha="center")
        under.imshow(
            self.weights.sqrt().numpy(), aspect="auto", cmap="Blues", extent=(0, self.seconds, len(self.rows), 0)
        )
        under.set_yticks(
            [n + 0.5 for n in range(len(self.rows))], [printable(visible(token)) for token in self.rows], fontsize=6
        )
        steps = [n / PER_SECOND for n in (*self.best, round(self.seconds * PER_SECOND))]
        under.step(steps, [*range(len(self.best)), len(self.best)], where="pre", color="#be5c0e", linewidth=1)
        under.set(xlabel="seconds", xlim=(0, self.seconds))


def alignment(
    loaded: Loaded,
    given: Any,
    *,
    target: str | None = None,
    layers: Sequence[int] | None = None,
    edits: Sequence[Edit] = (),
) -> Alignment:
    """What each word of a translation, or of a transcript, was written from.

    Args:
        loaded: An encoder-decoder with attention, or a Whisper.
        given: The source: a text, or a sound of half a minute at most (longer ones are cut).
        target: What was written; the model's own answer if left out.
        layers: Which layers of the decoder, counted from 0. If left out: for a text all of them; for a sound the heads that the
            checkpoint names (``alignment_heads``), else those of the upper half of the layers.
        edits: What is changed for this run.

    Raises:
        HeadwayError: the model writes nothing from a source, or without attending to it.
    """
    if loaded.entry.kind not in ("encoder-decoder", "speech"):
        raise HeadwayError(f"{loaded.name} writes nothing from a source: encoder-decoders and Whisper do.")
    return alignment_of(trace(loaded, given, target=target, edits=edits), layers)


def alignment_of(found: Trace, layers: Sequence[int] | None = None) -> Alignment:
    """`alignment`, of a run that is there already."""
    mixes = [mix for mix in found.mixes if mix.kind == ALIGNMENT or mix.place.endswith(".cross")]
    if not mixes:
        raise HeadwayError(f"{found.loaded.name} does not attend to its source: all it has of it is one vector.")
    for n in layers or ():
        if not 0 <= n < len(mixes):
            raise HeadwayError(f"there is no layer {n}: those of the decoder are counted from 0 to {len(mixes) - 1}.")
    return (_of_sound if found.feed.seconds is not None else _of_text)(found, mixes, layers)


def _of_text(found: Trace, mixes: list[Mix], layers: Sequence[int] | None) -> Alignment:
    chosen = [mixes[n] for n in layers] if layers else mixes
    weights = torch.cat([mix.weights().float().cpu() for mix in chosen]).mean(0)[:-1]
    texts = found.feed.texts
    if not len(weights):
        raise HeadwayError("nothing was written: there is nothing to align.")
    every = "the decoder's one attention" if mixes[0].kind == ALIGNMENT else "mean of all heads"
    where = "" if mixes[0].kind == ALIGNMENT else f" of {_listed([mix.place for mix in chosen])}"
    return Alignment(
        title=f"{found.loaded.name}: {found.feed.told}",
        edits=found.told,
        how=f"{every}{where}",
        rows=texts["target"][1:],
        columns=texts["source"],
        weights=weights,
        best=tuple(weights.argmax(-1).tolist()),
    )


def _listed(places: list[str]) -> str:
    """Layers in words: ``decoder.0.cross`` is decoder 0."""
    names = [name_of_place(place).partition(",")[0] for place in places]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _of_sound(found: Trace, mixes: list[Mix], layers: Sequence[int] | None) -> Alignment:
    feed = found.feed
    assert feed.seconds is not None
    assert feed.frames is not None
    length = max(1, min(mixes[0].args[1].shape[2], round(feed.seconds * PER_SECOND)))
    heads, how = _heads(found.loaded, mixes, layers)
    picked = [mixes[layer].weights()[head, :, :length] for layer, head in heads]
    weights = torch.stack(picked).float().cpu()
    weights = weights / weights.sum(-1, keepdim=True)  # as if there had been no silence behind the sound
    first = _prompt(found)  # the position that predicts the first token of the text
    rows = feed.texts["target"][first + 1 :]  # the text, and what ends it
    score = _smoothed((weights - weights.mean(-2, keepdim=True)) / weights.std(-2, keepdim=True, correction=0))
    path = warped(score.mean(0)[first:-1])
    best = tuple(path)
    return Alignment(
        title=f"{found.loaded.name}: {feed.told}",
        edits=found.told,
        how=f"{how}, and the way through it by dynamic time warping",
        rows=rows[:-1],
        columns=(),
        weights=weights.mean(0)[first : first + len(rows) - 1],
        best=best[:-1],
        words=_words(rows, best),
        sound=feed.frames[0, :, : 2 * length].float().cpu(),
        seconds=length / PER_SECOND,
    )


def _prompt(found: Trace) -> int:
    """The last position of what begins every text."""
    ids = found.feed.ids
    assert ids is not None
    marks = [n for n, id in enumerate(ids.tolist()) if found.loaded.words.id_of("<|notimestamps|>") == id]
    return marks[0]


def _heads(loaded: Loaded, mixes: list[Mix], layers: Sequence[int] | None) -> tuple[list[tuple[int, int]], str]:
    """Which heads (layer, head), and in words."""
    if layers is None:
        for name in ("generation_config.json", "config.json"):
            path = loaded.where / name
            told = read_json_object(path).get("alignment_heads") if path.is_file() else None
            if told:
                pairs = [(int(layer), int(head)) for layer, head in told]
                if all(0 <= layer < len(mixes) and 0 <= head < mixes[layer].n_head for layer, head in pairs):
                    return pairs, f"mean of the {len(pairs)} heads that the checkpoint names for this"
        layers = range(len(mixes) // 2, len(mixes))
    pairs = [(layer, head) for layer in layers for head in range(mixes[layer].n_head)]
    return pairs, f"mean of all heads of {_listed([mixes[layer].place for layer in layers])}"


def _smoothed(x: Float[Tensor, "h t s"]) -> Float[Tensor, "h t s"]:
    """The median over `SMOOTH` positions, the edges mirrored; short sounds stay as they are."""
    side = SMOOTH // 2
    x = x.nan_to_num(0.0)  # a single token has no spread
    if x.shape[-1] <= side:
        return x
    return F.pad(x, (side, side), mode="reflect").unfold(-1, SMOOTH, 1).median(-1).values


def warped(score: Float[Tensor, "t s"]) -> list[int]:
    """Dynamic time warping (Sakoe & Chiba, 1978): the way from the first token and position to the last of both, by steps of one
    in either or both, whose sum of scores is the largest. Returns the position at which each token begins."""
    t, s = score.shape
    rows = score.double().tolist()
    best = [[-float("inf")] * (s + 1) for _ in range(t + 1)]
    best[0][0] = 0.0
    came = [[0] * (s + 1) for _ in range(t + 1)]
    for i in range(1, t + 1):
        above, here, marks, row = best[i - 1], best[i], came[i], rows[i - 1]
        for j in range(1, s + 1):
            options = (above[j - 1], above[j], here[j - 1])
            which = max(range(3), key=options.__getitem__)
            here[j], marks[j] = options[which] + row[j - 1], which
    begins = [0] * t
    i, j = t, s
    while i and j:
        begins[i - 1] = j - 1
        which = came[i][j]
        i, j = i - (which != 2), j - (which != 1)
    return begins


def _words(rows: tuple[str, ...], best: Sequence[int]) -> tuple[Word, ...]:
    """Tokens put together to words at their blanks; punctuation belongs to the word before it. The last row ends the text."""
    starts = [
        n for n, token in enumerate(rows[:-1]) if n == 0 or (token[:1].isspace() and any(c.isalnum() for c in token))
    ]
    found = []
    for begin, end in zip(starts, [*starts[1:], len(rows) - 1], strict=True):
        text = "".join(rows[begin:end]).strip()
        found.append(Word(text, best[begin] / PER_SECOND, best[end] / PER_SECOND, (begin, end)))
    return tuple(found)
