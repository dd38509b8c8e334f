"""The next token's distribution on its way through the dials: what each filter takes away, one after the other.

The numbers come from `headway.sample.filters`, in its order: what was said already (repetition penalty, n-grams), temperature,
top-k, top-p, min-p.
"""

from __future__ import annotations

import dataclasses
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
from headway.look.feeding import feed
from headway.look.guessing import entropy, masked, must_guess, names_of, side_of
from headway.look.picture import Picture
from headway.look.telling import heading, notes, percent, printable
from headway.look.tracing import run
from headway.sample.filters import Sampling
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIALS = ("repetition_penalty", "no_repeat_ngram", "temperature", "top_k", "top_p", "min_p")
"""In the order in which they act."""

NEUTRAL = Sampling()
"""Dials that change nothing."""

NGRAMS = (2, 3, 4)
"""Lengths for which the picture says which tokens would repeat an n-gram, so that the dial can be turned in a browser."""


@dataclass(frozen=True)
class DialStep:
    """What one dial did.

    Attributes:
        dial: ``model`` for the model's own distribution, else the dial's name.
        value: Where it stands; None for the model.
        kept: How many tokens are left.
        removed: The probability, before this step, of the tokens that it ruled out.
        bits: The entropy of what is left, in bits.
        probabilities: After it, of the picture's tokens, (n,).
    """

    dial: str
    value: float | None
    kept: int
    removed: float
    bits: float
    probabilities: Float[Tensor, " n"]


@dataclass(frozen=True, kw_only=True)
class Dials(Picture):
    """The next token, under the dials.

    Attributes:
        text: The tokens so far.
        dials: Where they stand: the fields of `headway.sample.filters.Sampling`.
        words: The likeliest tokens by the model's own distribution, the likeliest first, each as it reads.
        steps: The model's distribution, then what each dial in use makes of it.
        logits: The model's own, of all tokens, the largest first, (v,): `words` are its first.
        said: Places in `logits` of the tokens that the text has already.
        repeats: Length of an n-gram -> places in `logits` of the tokens that would repeat one.
    """

    kind = "sampling"

    text: tuple[str, ...]
    dials: dict[str, float]
    words: tuple[str, ...]
    steps: tuple[DialStep, ...]
    logits: Float[Tensor, " v"]
    said: tuple[int, ...]
    repeats: dict[int, tuple[int, ...]]

    def lines(self, width: int = 100) -> list[Text]:
        """A line for each likely token: its probability by the model, and after all dials."""
        first, last = self.steps[0], self.steps[-1]
        wide = min(max(map(len, map(visible, self.words))), 14)
        long = max(8, (width - wide - 18) // 2)
        top = max(float(step.probabilities.max()) for step in (first, last)) or 1.0
        found = [Text(f"{'next':<{wide}}  {'model':<{long + 6}} {'drawn from':<{long + 6}}", "bold")]
        for n, word in enumerate(self.words):
            line = Text(f"{visible(word)[:wide]:<{wide}}  ")
            for step, style in ((first, "dim"), (last, "cyan")):
                p = float(step.probabilities[n])
                line.append(f"{percent(p) if p else '–':>4} ")
                line.append(f"{'█' * round(p / top * long):<{long + 2}}", style)
            found.append(line)
        for step in self.steps[1:]:
            what = f"{step.dial.replace('_', '-')} {step.value:g}"
            told = f"keeps {step.kept:,}, takes away {100 * step.removed:.1f} %, leaves {step.bits:.2f} bits"
            found += notes(f"{what:<22} {told}", width)
        return found

    def draw(self, figure: Figure) -> None:
        """Bars for the likeliest tokens, before and after the dials."""
        axis = figure.subplots()
        n = min(len(self.words), 20)
        at = torch.arange(n).double().numpy()
        axis.bar(at - 0.2, self.steps[0].probabilities[:n].double().numpy(), 0.4, color="#b8c4d6", label="the model")
        after = (
            ", ".join(f"{step.dial.replace('_', '-')} {step.value:g}" for step in self.steps[1:]) or "no dial in use"
        )
        axis.bar(at + 0.2, self.steps[-1].probabilities[:n].double().numpy(), 0.4, color="#2f6fc4", label=after)
        axis.set_xticks(
            at.tolist(), [printable(visible(word))[:12] for word in self.words[:n]], rotation=45, ha="right", fontsize=8
        )
        axis.set_ylabel("probability of the next token")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
        axis.set_title(heading(self), fontsize=9)


def sampling(
    loaded: Loaded,
    given: Any,
    *,
    target: Any = None,
    edits: Sequence[Edit] = (),
    dials: Sampling = NEUTRAL,
    n: int = 24,
) -> Dials:
    """The distribution of the token after a text, and what each dial makes of it.

    Args:
        loaded: A decoder, or an encoder-decoder (then the token after the target).
        given: A text.
        target: For an encoder-decoder, what it has written; nothing yet if left out.
        edits: What is changed for this run.
        dials: Temperature, top-k, top-p, min-p, repetition penalty and n-grams.
        n: How many tokens are named.

    Raises:
        HeadwayError: the model does not go on with a text.
    """
    must_guess(loaded)
    if masked(loaded):
        raise HeadwayError(
            f"{loaded.name} does not go on with a text: nothing is sampled from it. --tokens shows its guesses."
        )
    if loaded.entry.kind == "encoder-decoder" and target is None:
        target = ""
    food = feed(loaded, given, target)
    assert food.ids is not None
    logits = run(loaded, food, edits).logits[-1].float()
    ids = food.ids[None]
    order = logits.argsort(descending=True, stable=True)
    place = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    neutral = {name: getattr(NEUTRAL, name) for name in DIALS}
    return Dials(
        title=f"{loaded.name}: {food.told}",
        edits=tuple(map(str, edits)),
        text=food.texts[side_of(food)],
        dials={name: getattr(dials, name) for name in DIALS},
        words=names_of(loaded, order[:n].tolist()),
        steps=steps(logits, ids, dials, order[:n]),
        logits=logits[order].cpu(),
        said=tuple(sorted(place[ids[0].unique()].tolist())),
        repeats={
            size: tuple(
                sorted(
                    place[
                        Sampling(**neutral | {"no_repeat_ngram": size}).filtered(logits[None], ids)[0] == -torch.inf
                    ].tolist()
                )
            )
            for size in NGRAMS
        },
    )


def steps(logits: Float[Tensor, " v"], ids: Tensor, dials: Sampling, shown: Tensor) -> tuple[DialStep, ...]:
    """The model's distribution, then the dials in use one after the other; after the last it is what `dials` samples from.

    Args:
        logits: The model's.
        ids: The tokens so far, (1, s).
        dials: Where they stand.
        shown: Ids of the tokens whose probabilities are kept.
    """
    now = logits[None].float()
    p = now.softmax(-1)
    found = [DialStep("model", None, int((p > 0).sum()), 0.0, float(entropy(p.log())[0]), p[0, shown].cpu())]
    for dial in DIALS:
        value = getattr(dials, dial)
        if value == getattr(NEUTRAL, dial):
            continue
        if dial == "temperature" and value == 0:
            after = torch.full_like(now, -torch.inf).scatter(1, now.argmax(-1, keepdim=True), 0.0)
        else:
            after = dataclasses.replace(NEUTRAL, **{dial: value}).filtered(now, ids)
        out = (after == -torch.inf) & (now > -torch.inf)
        removed = float(p[out].sum())
        now, p = after, after.softmax(-1)
        found.append(
            DialStep(dial, value, int((now > -torch.inf).sum()), removed, float(entropy(p.log())[0]), p[0, shown].cpu())
        )
        if dial == "temperature" and value == 0:
            break  # the likeliest is taken, whatever the other dials say
    return tuple(found)
