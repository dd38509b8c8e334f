"""One vector for a whole sentence fails on long ones, and attention cures it (Cho et al. 2014; Bahdanau et al. 2014).

The "translation" maps every word by a fixed dictionary and reverses the order: as hard at length 5 as at 30 for whoever can look
at the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, RED, band
from headway.models.seq2seq import Seq2Seq, Seq2SeqConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "words": 20,
    "width": 32,
    "state": 64,
    "shortest": 2,
    "longest": 20,
    "batch": 64,
    "steps": 1000,
    "lr": 4e-3,
    "clip": 1.0,
    "test_lengths": [5, 10, 15, 20, 30],
    "test_batch": 200,
}


def _pairs(count: int, length: int, dictionary: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Sources, what the decoder is given (begin, then the target), and what it has to say: (b, length) each."""
    source = torch.randint(SETTINGS["words"], (count, length), generator=draw)
    target = dictionary[source].flip(1)
    begin = torch.full((count, 1), SETTINGS["words"])
    return source, torch.cat([begin, target[:, :-1]], dim=1), target


def unit(arm: str, seed: int) -> Numbers:
    """Train on lengths 2 to 20; accuracy per word at five lengths, and where attention looks."""
    draw = torch.Generator().manual_seed(seed)
    dictionary = torch.randperm(SETTINGS["words"], generator=draw)
    torch.manual_seed(seed)
    model = Seq2Seq(
        Seq2SeqConfig(
            vocab_size=SETTINGS["words"] + 1,
            width=SETTINGS["width"],
            state=SETTINGS["state"],
            attention="additive" if arm == "attention" else "none",
        )
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"], fused=True)
    for step in range(SETTINGS["steps"]):
        length = int(torch.randint(SETTINGS["shortest"], SETTINGS["longest"] + 1, (), generator=draw))
        source, given, target = _pairs(SETTINGS["batch"], length, dictionary, draw)
        optimiser.param_groups[0]["lr"] = SETTINGS["lr"] * (1 - step / SETTINGS["steps"])
        loss = F.cross_entropy(model(source, given).flatten(0, 1), target.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimiser.step()
    seen: list[Tensor] = []
    model.decoder.alignment.register_forward_hook(lambda _module, _inputs, weights: seen.append(weights.detach()))
    accuracies, mirrored = [], []
    with torch.no_grad():
        for length in SETTINGS["test_lengths"]:
            source, given, target = _pairs(SETTINGS["test_batch"], length, dictionary, draw)
            seen.clear()
            accuracies.append((model(source, given).argmax(-1) == target).double().mean().item())
            if seen:
                mirror = torch.arange(length).flip(0)
                mirrored.append(((seen[0].argmax(-1) - mirror).abs() <= 1).double().mean().item())
    found: Numbers = {"accuracies": accuracies}
    for length, accuracy in zip(SETTINGS["test_lengths"], accuracies, strict=True):
        found[f"at_{length}"] = accuracy
    if mirrored:
        found["mirrored"] = mirrored[SETTINGS["test_lengths"].index(20)]
        found["map"] = seen[0][0].flatten().tolist()
    return found


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Left: accuracy over length. Right: where the decoder of one seed looks, at the longest length."""
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    for arm, colour, label in (("attention", BLUE, "attention"), ("fixed", RED, "one fixed vector")):
        rows = [seed[arm]["accuracies"] for seed in seeds.values()]
        band(left, SETTINGS["test_lengths"], rows, colour, label, marker="o")
    left.axvspan(SETTINGS["longest"], SETTINGS["test_lengths"][-1], color="#f0f0f0", zorder=0)
    left.text(SETTINGS["longest"] + 0.3, 0.03, "longer than in training", fontsize=8, color="#666666")
    left.set(xlabel="length", ylabel="share of words right", ylim=(0, 1.03))
    left.legend(loc="lower left")
    length = SETTINGS["test_lengths"][-1]
    weights = torch.tensor(next(iter(seeds.values()))["attention"]["map"]).view(length, length)
    right.imshow(weights, cmap="Blues", origin="upper", vmin=0, vmax=1)
    right.grid(visible=False)
    right.set(xlabel="word of the source", ylabel="word of the target", title="attention, one sentence of 30")


CLAIM = Claim(
    name="length-collapse",
    papers=(cite("bahdanau"), cite("nmt-properties")),
    statement=(
        "An encoder that has to put the whole sentence into one vector gets worse quickly as sentences grow; a decoder "
        "that attends to the encoder's states does not."
    ),
    experiment=(
        "A recurrent encoder-decoder of 64 units learns to relabel and reverse strings of 20 words, lengths 2 to 20, "
        "1000 steps of 64; with additive attention or with one fixed vector. Tested at lengths 5 to 30."
    ),
    control=(
        "The fixed vector has to do well at length 5 and collapse at 20: it is the length that defeats it, not the "
        "task."
    ),
    statistic=(
        "Share of words right, each given the right words before it; share of attention peaks within one place of the "
        "mirror."
    ),
    limits=(
        "An artificial language; words are scored one by one, given the right ones before. No BLEU, no real sentences."
    ),
    arms=(
        Arm(name="attention", text="additive attention over the encoder's states"),
        Arm(name="fixed", text="one vector, the encoder's last states", control=True),
    ),
    checks=(
        Check(
            text="attention holds at the longest length of training (share right at 20)",
            value=lambda seed: seed["attention"]["at_20"],
            at_least=0.9,
            contrary=0.6,
        ),
        Check(
            text="attention is ahead at length 20 (share right minus that of the fixed vector)",
            value=lambda seed: seed["attention"]["at_20"] - seed["fixed"]["at_20"],
            at_least=0.3,
            contrary=0.0,
        ),
        Check(
            text="and at length 30, which neither was trained on (the same difference)",
            value=lambda seed: seed["attention"]["at_30"] - seed["fixed"]["at_30"],
            at_least=0.2,
            contrary=0.0,
        ),
        Check(
            text="attention looks where the word is: mirrored places (share of peaks at length 20)",
            value=lambda seed: seed["attention"]["mirrored"],
            at_least=0.8,
            contrary=0.3,
        ),
        Check(
            text="control: the fixed vector manages short sentences (share right at 5)",
            value=lambda seed: seed["fixed"]["at_5"],
            at_least=0.8,
            control=True,
        ),
        Check(
            text="control: the fixed vector collapses (share right at 20 minus at 5)",
            value=lambda seed: seed["fixed"]["at_20"] - seed["fixed"]["at_5"],
            at_most=-0.3,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=5,
    settings=SETTINGS,
)
