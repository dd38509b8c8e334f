"""Self-attention connects any two positions in one step, a recurrence in as many as lie between (Vaswani et al. 2017, table 1).

The task is nothing but distance: say the first symbol again after so many others. For attention it is as near as the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, RED, band
from headway.claims.small import SmallLM
from headway.models.gru import GRU, GRUConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "symbols": 16,
    "lengths": [8, 16, 32, 64, 128],
    "width": 32,
    "n_head": 2,
    "layers": 2,
    "state": 64,
    "batch": 32,
    "steps": 300,
    "lr": 3e-3,
    "clip": 1.0,
    "test_batch": 512,
}


def unit(arm: str, seed: int) -> Numbers:
    """Per length, the accuracy of saying the first symbol after the last one, trained anew for each length."""
    accuracies = []
    for length in SETTINGS["lengths"]:
        draw = torch.Generator().manual_seed(1000 * seed + length)
        torch.manual_seed(seed)
        model = _model(arm, length)
        optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"], fused=True)
        for _ in range(SETTINGS["steps"]):
            tokens = torch.randint(SETTINGS["symbols"], (SETTINGS["batch"], length), generator=draw)
            loss = F.cross_entropy(model(tokens)[:, -1], tokens[:, 0])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
            optimiser.step()
        tokens = torch.randint(SETTINGS["symbols"], (SETTINGS["test_batch"], length), generator=draw)
        with torch.no_grad():
            accuracies.append((model(tokens)[:, -1].argmax(-1) == tokens[:, 0]).double().mean().item())
    return {"accuracies": accuracies, "nearest": accuracies[0], "farthest": accuracies[-1]}


def _model(arm: str, length: int) -> nn.Module:
    symbols, width = SETTINGS["symbols"], SETTINGS["width"]
    if arm == "gru":
        return GRU(GRUConfig(vocab_size=symbols, width=width, state=SETTINGS["state"]))
    return SmallLM(symbols, length, layers=SETTINGS["layers"], width=width, n_head=SETTINGS["n_head"], norm="pre")


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Accuracy over distance, one line per architecture."""
    axes = figure.subplots()
    for arm, colour, label in (
        ("attention", BLUE, "Transformer: path of length 1"),
        ("gru", RED, "GRU: path as long as the text"),
    ):
        band(axes, SETTINGS["lengths"], [seed[arm]["accuracies"] for seed in seeds.values()], colour, label, marker="o")
    chance = 1 / SETTINGS["symbols"]
    axes.axhline(chance, color="#888888", linestyle="--", linewidth=1)
    axes.text(SETTINGS["lengths"][0], chance + 0.015, "chance", fontsize=8, color="#666666")
    axes.set_xscale("log", base=2)
    axes.set_xticks(SETTINGS["lengths"], [str(length) for length in SETTINGS["lengths"]])
    axes.set(xlabel="length of the text", ylabel="first symbol recalled (share)", ylim=(0, 1.03))
    axes.legend(loc="center right")


CLAIM = Claim(
    name="path-length",
    papers=(cite("transformer", "table 1"),),
    statement=(
        "Between two positions a signal travels one step in self-attention and as many steps as lie between in a "
        "recurrent layer; that makes distant dependencies easy for one and hard for the other."
    ),
    experiment=(
        "Say the first of 16 symbols again at the end of a text of 8 to 128: a Transformer of two layers, width 32, and "
        "a GRU of 64 units, each trained anew for every length, 300 steps of 32 at the same learning rate."
    ),
    control="Where the distance is short the GRU has to manage as well: it is the path that defeats it, not the task.",
    statistic="Share of held-out texts whose first symbol is recalled.",
    limits="300 steps. With many more, or with an initialisation made for it, a GRU can learn to carry one symbol far.",
    arms=(
        Arm(name="attention", text="Transformer, 2 layers"),
        Arm(name="gru", text="GRU, 64 units", control=True),
    ),
    checks=(
        Check(
            text="the Transformer recalls at length 128 (share)",
            value=lambda seed: seed["attention"]["farthest"],
            at_least=0.9,
            contrary=0.5,
        ),
        Check(
            text="it hardly matters to it how far (share at 128 minus at 8)",
            value=lambda seed: seed["attention"]["farthest"] - seed["attention"]["nearest"],
            at_least=-0.05,
            contrary=-0.3,
        ),
        Check(
            text="the GRU falls with distance (share at 128 minus at 8)",
            value=lambda seed: seed["gru"]["farthest"] - seed["gru"]["nearest"],
            at_most=-0.5,
            contrary=-0.1,
        ),
        Check(
            text="control: the GRU manages the short distance (share at 8)",
            value=lambda seed: seed["gru"]["nearest"],
            at_least=0.9,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=4,
    settings=SETTINGS,
)
