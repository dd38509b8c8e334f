"""Each token of a text as the model sees it: how likely it was, how surprising, and what might have stood there instead.

- Decoders and encoder-decoders: the probability of a token given all before it. Of the first token of a text nothing is said, for
  nothing comes before it; after the last one the model says what may come.
- Masked models: the probability of a token given all others, with the mask in its place, one token at a time (the
  pseudo-likelihood of Salazar et al., *Masked Language Model Scoring*, 2019, arXiv 1910.14659).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.look.attention import visible
from headway.look.editing import Edit
from headway.look.feeding import Feed, feed
from headway.look.guessing import LN2, entropy, masked, must_guess, names_of, ranks, side_of, spoken_of
from headway.look.lens import vocabulary
from headway.look.picture import Picture
from headway.look.telling import heading, notes, percent, printable
from headway.look.tracing import run
from headway.use.texts import mask_of, symbol
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Tokens(Picture):
    """Each token, and what might have stood there.

    Attributes:
        way: ``next``, where a token is foretold from those before it; ``masked``, from those around it.
        texts: The text's tokens. With `way` ``next`` there is one place more than tokens, the one after the text, where the
            alternatives are what may come; its text is empty.
        probabilities: Of each token, (places,); NaN where nothing was said of it.
        ranks: Its place among all tokens, 1 for the likeliest; 0 where nothing was said.
        surprisals: -log2 of its probability, in bits, (places,).
        entropies: Of the distribution it was drawn from, in bits: the surprisal to be expected, (places,).
        alternatives: By place, the likeliest tokens there, the likeliest first.
        alternative_probabilities: Of those, (places, k).
        bits: The mean surprisal, in bits per token, of those that something was said of.
        perplexity: 2 to the power of `bits`.
        most: The entropy, in bits, of a vocabulary whose tokens are all as likely.
    """

    kind = "tokens"

    way: str
    texts: tuple[str, ...]
    probabilities: Float[Tensor, " t"]
    ranks: tuple[int, ...]
    surprisals: Float[Tensor, " t"]
    entropies: Float[Tensor, " t"]
    alternatives: tuple[tuple[str, ...], ...]
    alternative_probabilities: Float[Tensor, "t k"]
    bits: float
    perplexity: float
    most: float

    def lines(self, width: int = 100) -> list[Text]:
        """A line for each token: its probability, its rank, bits of surprise as a bar, what else might have stood there."""
        wide = min(max(6, *(len(visible(text)) for text in self.texts)), 14)
        found = [Text(f"{'token':<{wide}}  {'prob':>4} {'rank':>6}  {'bits':>4}            instead", "bold")]
        for n, text in enumerate(self.texts):
            name = visible(text)[:wide] if text else "⟨next⟩"[:wide]
            p, bits = float(self.probabilities[n]), float(self.surprisals[n])
            if self.ranks[n]:
                bar = "█" * min(10, round(10 * bits / max(self.most, 1e-9)))
                line = Text(f"{name:<{wide}}  {percent(p):>4} {self.ranks[n]:>6,}  {bits:>4.1f} ")
                line.append(
                    f"{bar:<10} ", "red" if bits > self.most / 2 else "yellow" if bits > self.most / 6 else "green"
                )
            else:
                line = Text(f"{name:<{wide}}  {'':>4} {'':>6}  {'':>4} {'':<10} ")
            for word, share in zip(self.alternatives[n], self.alternative_probabilities[n].tolist(), strict=False):
                piece = f" {visible(word)[:14]} {percent(share)}"
                if math.isnan(share) or line.cell_len + len(piece) > width:
                    break
                line.append(piece, "bold" if word == text else "dim")
            found.append(line)
        found += notes(f"{self.bits:.2f} bits per token, perplexity {self.perplexity:,.1f}: {told(self.way)}", width)
        return found

    def draw(self, figure: Figure) -> None:
        """Bits of surprise by token, the entropy behind them, and above each what the model held likeliest."""
        axis = figure.subplots()
        first = max(0, len(self.texts) - 40)
        places = [n for n in range(first, len(self.texts)) if self.texts[n]]
        at = range(len(places))
        axis.bar(
            at,
            [0.0 if math.isnan(b := float(self.surprisals[n])) else b for n in places],
            color="#2f6fc4",
            width=0.7,
            label="surprise",
        )
        axis.plot(
            at,
            [float(self.entropies[n]) for n in places],
            "_",
            color="#b4570c",
            markersize=11,
            markeredgewidth=2,
            label="expected (entropy)",
        )
        if len(places) <= 24:
            for x, n in enumerate(places):
                if self.ranks[n] > 1:
                    word = printable(visible(self.alternatives[n][0]))[:10]
                    axis.text(x, float(self.surprisals[n]), word, ha="center", va="bottom", fontsize=6, color="#b4570c")
        axis.set_xticks(
            at, [printable(visible(self.texts[n]))[:12] for n in places], rotation=45, ha="right", fontsize=7
        )
        axis.set_ylabel("bits")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=7)
        axis.set_title(heading(self), fontsize=9)


def told(way: str) -> str:
    """What the probabilities are given, in words."""
    return "each token from those before it" if way == "next" else "each token from all others, a mask in its place"


def tokens(loaded: Loaded, given: Any, *, target: Any = None, edits: Sequence[Edit] = (), k: int = 5) -> Tokens:
    """How likely each token of a text is to a model, and what else might have stood there.

    Args:
        loaded: A decoder, an encoder with its head for words, an encoder-decoder or a Whisper (then the tokens it writes).
        given: A text.
        target: For an encoder-decoder, what it writes; its own answer if left out.
        edits: What is changed for this run.
        k: Alternatives for each token.

    Raises:
        HeadwayError: the model gives no probabilities of tokens.
    """
    must_guess(loaded)
    food = feed(loaded, given, target)
    ids = spoken_of(loaded, food)
    if masked(loaded):
        logits, asked = _one_by_one(loaded, food, edits)
        texts, ids = food.texts["text"], torch.where(asked, ids, -1)
    else:
        logits = run(loaded, food, edits).logits
        texts = food.texts[side_of(food)]
        # Of the first token nothing is said: a row that knows nothing, so that places and tokens are the same.
        logits = torch.cat((logits.new_full((1, logits.shape[-1]), torch.nan), logits))
        ids = torch.cat((ids.new_full((1,), -1), ids))
        texts = (*texts, "")
    log_p = logits.float().log_softmax(-1)
    own = torch.where(ids < 0, torch.nan, log_p.gather(1, ids.clamp(min=0)[:, None])[:, 0])
    best = log_p.nan_to_num(nan=-torch.inf).topk(min(k, log_p.shape[-1]))
    said = ~log_p[:, 0].isnan()
    names = iter(names_of(loaded, best.indices[said].flatten().tolist()))
    bits = -own / LN2
    mean = float(bits[ids >= 0].mean()) if bool((ids >= 0).any()) else math.nan
    return Tokens(
        title=f"{loaded.name}: {food.told}",
        edits=tuple(map(str, edits)),
        way="masked" if masked(loaded) else "next",
        texts=texts,
        probabilities=own.exp().cpu(),
        ranks=tuple(ranks(logits, ids).tolist()),
        surprisals=bits.cpu(),
        entropies=entropy(log_p).cpu(),
        alternatives=tuple(
            tuple(next(names) for _ in range(best.indices.shape[1])) if here else () for here in said.tolist()
        ),
        alternative_probabilities=torch.where(said[:, None], best.values.exp(), torch.nan).cpu(),
        bits=mean,
        perplexity=2**mean,
        most=math.log2(vocabulary(loaded)),
    )


def _one_by_one(loaded: Loaded, food: Feed, edits: Sequence[Edit]) -> tuple[Tensor, Tensor]:
    """The logits at each place with the mask standing there, (t, v), and which places were asked: not those of special tokens."""
    gap = None if (sign := mask_of(loaded)) is None else symbol(loaded, sign)
    if gap is None:
        raise HeadwayError(f"the tokenizer of {loaded.name} knows no mask: nothing can be hidden from the model.")
    ids, model = food.ids, loaded.model
    assert ids is not None
    special = getattr(loaded.words, "special_ids", ())
    asked = torch.tensor([id not in special or id == gap for id in ids.tolist()], device=ids.device)
    places = torch.arange(len(ids), device=ids.device)
    rows = ids.repeat(len(ids), 1)
    rows[places[asked], places[asked]] = gap

    def call(_: Any) -> Tensor:
        here = model.hidden(rows)[places, places]  # the state of the hidden token only, (t, d)
        return model.mlm(here[:, None], model.embed.weight).transpose(0, 1)

    logits = run(loaded, dataclasses.replace(food, call=call), edits).logits
    asked = asked & (ids != gap)  # a mask in the text itself has no right answer
    return logits, asked
