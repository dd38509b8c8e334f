"""Under muP the best learning rate does not depend on the width (Yang et al. 2022, Tensor Programs V, table 3).

For Adam, in words: the input layer keeps its rate; hidden layers have theirs divided by the width; the output layer as well, and
starts smaller. All multipliers are relative to a base width, at which muP and the standard parametrisation coincide.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLACK, BLUE, GREEN, ORANGE, RED, SKY
from headway.data.markov import MarkovText

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "symbols": 32,
    "peak": 4.0,
    "far": 0.5,
    "widths": [32, 64, 128, 256, 512],
    "log2_rates": list(range(-12, -2)),
    "steps": 150,
    "batch": 128,
    "last": 20,
}


class _MLP(nn.Module):
    """The last two symbols, embedded and summed -> two hidden layers -> logits."""

    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Parameter(torch.randn(2, symbols, width) / math.sqrt(2))
        self.hidden = nn.ParameterList(torch.randn(width, width) * math.sqrt(2 / width) for _ in range(2))
        self.head = nn.Parameter(torch.randn(width, symbols) / math.sqrt(width))

    def forward(self, before: Tensor) -> Tensor:
        x = (self.embed[0, before[:, 0]] + self.embed[1, before[:, 1]]).relu()
        for weight in self.hidden:
            x = (x @ weight).relu()
        return x @ self.head


def unit(arm: str, seed: int) -> Numbers:
    """For each width, the loss at the end for every learning rate, and the best rate (log2)."""
    language = MarkovText(SETTINGS["symbols"], peak=SETTINGS["peak"], far=SETTINGS["far"], seed=seed)
    curves = [
        [_train(language, arm, width, 2.0**power, seed) for power in SETTINGS["log2_rates"]]
        for width in SETTINGS["widths"]
    ]
    best = [SETTINGS["log2_rates"][curve.index(min(curve))] for curve in curves]
    return {
        "curves": curves,
        "best": best,
        "drift": best[-1] - best[0],
        "widest_best": min(curves[-1]),
        "widest_at_narrow_rate": curves[-1][SETTINGS["log2_rates"].index(best[0])],
    }


def _train(language: MarkovText, arm: str, width: int, lr: float, seed: int) -> float:
    """Mean loss of the last steps, less the entropy rate; the data are the same for every width and rate."""
    draw = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = _MLP(SETTINGS["symbols"], width)
    ratio = width / SETTINGS["widths"][0] if arm == "mup" else 1.0
    with torch.no_grad():
        model.head.div_(math.sqrt(ratio))  # its variance falls with the square of the width instead of the width
    groups = [
        {"params": [model.embed], "lr": lr},
        {"params": list(model.hidden), "lr": lr / ratio},
        {"params": [model.head], "lr": lr / ratio},
    ]
    optimiser = torch.optim.Adam(groups, fused=True)
    losses = []
    for _ in range(SETTINGS["steps"]):
        text = language.sample(SETTINGS["batch"], 3, draw)
        loss = F.cross_entropy(model(text[:, :2]), text[:, 2])
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    last = losses[-SETTINGS["last"] :]
    return sum(last) / len(last) - language.entropy_rate if all(map(math.isfinite, last)) else math.inf


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Loss over learning rate, one curve per width: side by side without and with muP."""
    panels = figure.subplots(1, 2, sharey=True)
    colours = (SKY, BLUE, GREEN, ORANGE, RED)
    for axes, (arm, title) in zip(panels, (("standard", "standard parametrisation"), ("mup", "muP")), strict=True):
        for n, (width, colour) in enumerate(zip(SETTINGS["widths"], colours, strict=True)):
            rows = [seed[arm]["curves"][n] for seed in seeds.values()]
            mean = [sum(column) / len(column) for column in zip(*rows, strict=True)]
            axes.plot(SETTINGS["log2_rates"], mean, color=colour, label=f"width {width}")
            at = mean.index(min(mean))
            axes.plot(SETTINGS["log2_rates"][at], mean[at], marker="o", color=colour, markeredgecolor=BLACK)
        axes.set(title=title, xlabel=r"$\log_2$ of the learning rate")
    finite = [y for seed in seeds.values() for arm in seed.values() for row in arm["curves"] for y in row if y < 10]
    panels[0].set(ylabel="loss - entropy of the language (nats)", ylim=(0.9 * min(finite), 1.2))
    panels[0].legend(fontsize=8.5)


CLAIM = Claim(
    name="mup-transfer",
    papers=(cite("mup", "table 3"),),
    statement=(
        "In the maximal update parametrisation the best learning rate of a narrow network is the best rate of a wide "
        "one; in the standard parametrisation it falls as the width grows."
    ),
    experiment=(
        "A language model of two hidden layers, width 32 to 512, 150 steps of Adam at ten learning rates from 2^-12 to "
        "2^-3, in the standard parametrisation and in muP with base width 32."
    ),
    control="In the standard parametrisation the best rate has to move by two grid steps (a factor of four) or more.",
    statistic=(
        "log2 of the best rate at width 512 minus that at width 32; the loss at width 512 with the rate best at 32."
    ),
    limits=(
        "A feed-forward network, sixteen times the width, early in training. The paper's experiments are on "
        "Transformers."
    ),
    arms=(
        Arm(name="mup", text="maximal update parametrisation"),
        Arm(name="standard", text="standard parametrisation", control=True),
    ),
    checks=(
        Check(
            text="muP: the best rate stays (|log2 of its change|)",
            value=lambda seed: abs(seed["mup"]["drift"]),
            at_most=1.0,
            contrary=2.0,
        ),
        Check(
            text="muP: the narrow network's rate serves the wide one (loss there minus the wide one's best)",
            value=lambda seed: seed["mup"]["widest_at_narrow_rate"] - seed["mup"]["widest_best"],
            at_most=0.02,
            contrary=0.1,
        ),
        Check(
            text="control: standard, the best rate falls (log2 of its change)",
            value=lambda seed: seed["standard"]["drift"],
            at_most=-2.0,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=5,
    settings=SETTINGS,
)
