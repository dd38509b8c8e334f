"""Reversing the source makes sequence to sequence learning easier (Sutskever, Vinyals & Le 2014, section 3.3).

The mean distance between a word and its translation stays the same; but the first words of the source come to stand next to the
first words of the target, and learning gets a foothold there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, ORANGE, RED, band
from headway.models.seq2seq import Seq2Seq, Seq2SeqConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "words": 16,
    "length": 12,
    "width": 32,
    "state": 96,
    "batch": 64,
    "steps": 600,
    "lr": 3e-3,
    "clip": 1.0,
    "eval_every": 25,
    "test_batch": 256,
}


def _pairs(arm: str, count: int, dictionary: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Sources, what the decoder is given, what it has to say. The translation is word by word, in order."""
    source = torch.randint(SETTINGS["words"], (count, SETTINGS["length"]), generator=draw)
    target = dictionary[source]
    if arm == "both-reversed":
        target = target.flip(1)
    if arm != "in-order":
        source = source.flip(1)
    begin = torch.full((count, 1), SETTINGS["words"])
    return source, torch.cat([begin, target[:, :-1]], dim=1), target


def unit(arm: str, seed: int) -> Numbers:
    """Train a one-way encoder-decoder through one vector; the accuracy per word over the steps, and its mean over them."""
    draw = torch.Generator().manual_seed(seed)
    dictionary = torch.randperm(SETTINGS["words"], generator=draw)
    test = _pairs(arm, SETTINGS["test_batch"], dictionary, draw)
    torch.manual_seed(seed)
    model = Seq2Seq(
        Seq2SeqConfig(
            vocab_size=SETTINGS["words"] + 1,
            width=SETTINGS["width"],
            state=SETTINGS["state"],
            attention="none",
            bidirectional=False,
        )
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"], fused=True)
    steps, accuracies = [], []
    for step in range(1, SETTINGS["steps"] + 1):
        source, given, target = _pairs(arm, SETTINGS["batch"], dictionary, draw)
        loss = F.cross_entropy(model(source, given).flatten(0, 1), target.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimiser.step()
        if step % SETTINGS["eval_every"] == 0:
            with torch.no_grad():
                right = model(test[0], test[1]).argmax(-1) == test[2]
            steps.append(step)
            accuracies.append(right.double().mean().item())
    return {
        "steps": steps,
        "accuracies": accuracies,
        "mean": sum(accuracies) / len(accuracies),
        "final": accuracies[-1],
    }


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Accuracy over steps, one line per order."""
    axes = figure.subplots()
    arms = (
        ("reversed", BLUE, "source reversed"),
        ("in-order", RED, "source in order"),
        ("both-reversed", ORANGE, "source and target reversed"),
    )
    for arm, colour, label in arms:
        rows = [seed[arm]["accuracies"] for seed in seeds.values()]
        band(axes, next(iter(seeds.values()))[arm]["steps"], rows, colour, label)
    axes.set(xlabel="step", ylabel="share of words right", ylim=(0, 1.03))
    axes.legend(loc="upper left")


CLAIM = Claim(
    name="source-reversal",
    papers=(cite("seq2seq", "section 3.3"),),
    statement="Reading the source backwards, and nothing else changed, makes a recurrent encoder-decoder learn better.",
    experiment=(
        "A one-way recurrent encoder-decoder of 96 units, one fixed vector, learns to translate strings of 12 words one "
        "by one; the source is read in order or reversed. 600 steps of 64."
    ),
    control=(
        "With the target reversed as well, the source's first words are far from the target's first again: the gain has "
        "to be gone."
    ),
    statistic="Share of words right on held-out strings, the mean over the course of training.",
    limits=(
        "A gated recurrent unit of one layer in place of the paper's LSTM of four; an artificial language with a fixed "
        "word order."
    ),
    arms=(
        Arm(name="in-order", text="source in order"),
        Arm(name="reversed", text="source reversed"),
        Arm(name="both-reversed", text="source and target reversed", control=True),
    ),
    checks=(
        Check(
            text="reversing the source helps (mean share right, reversed minus in order)",
            value=lambda seed: seed["reversed"]["mean"] - seed["in-order"]["mean"],
            at_least=0.03,
            contrary=0.0,
        ),
        Check(
            text="control: reversing both does not (mean share right, both reversed minus in order)",
            value=lambda seed: seed["both-reversed"]["mean"] - seed["in-order"]["mean"],
            at_most=0.02,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=4,
    settings=SETTINGS,
)
