"""L2 regularisation is not weight decay once the step is adaptive (Loshchilov & Hutter 2017, propositions 1 and 2).

Weights in four groups see gradients of pure noise, each group at another scale, so that all that moves them on average is the
decay. The optimisers are PyTorch's own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, GREEN, RED, SKY, band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "scales": [0.3, 1.0, 3.0, 10.0],
    "weights": 20_000,
    "steps": 1000,
    "adam_lr": 2e-3,
    "adam_l2": 0.03,
    "adamw_decay": 0.03,
    "sgd_lr": 2e-3,
    "sgd_decay": 0.15,
}


def unit(arm: str, seed: int) -> Numbers:
    """Per group, how fast the mean weight decays (in units of learning rate x decay), and the slope of that in log scale."""
    draw = torch.Generator().manual_seed(seed)
    scales = torch.tensor(SETTINGS["scales"], dtype=torch.float64)[:, None]
    weights = torch.nn.Parameter(torch.ones(len(scales), SETTINGS["weights"], dtype=torch.float64))
    lr, decay, optimiser = _optimiser(arm, weights)
    for _ in range(SETTINGS["steps"]):
        weights.grad = torch.randn(weights.shape, generator=draw, dtype=torch.float64) * scales
        if arm == "sgd-decoupled":
            weights.data.mul_(1 - lr * decay)
        optimiser.step()
    means = weights.detach().mean(1)
    rates = (-means.log() / (SETTINGS["steps"] * lr * decay)).tolist()
    return {
        "rates": rates,
        "slope": math.log(rates[-1] / rates[0]) / math.log(SETTINGS["scales"][-1] / SETTINGS["scales"][0])
        if min(rates[0], rates[-1]) > 0
        else math.nan,
        "sample": weights.detach()[:, :8].flatten().tolist(),
    }


def _optimiser(arm: str, weights: torch.nn.Parameter) -> tuple[float, float, torch.optim.Optimizer]:
    if arm == "adam-l2":
        lr, decay = SETTINGS["adam_lr"], SETTINGS["adam_l2"]
        return lr, decay, torch.optim.Adam([weights], lr=lr, weight_decay=decay)
    if arm == "adamw":
        lr, decay = SETTINGS["adam_lr"], SETTINGS["adamw_decay"]
        return lr, decay, torch.optim.AdamW([weights], lr=lr, weight_decay=decay)
    lr, decay = SETTINGS["sgd_lr"], SETTINGS["sgd_decay"]
    return lr, decay, torch.optim.SGD([weights], lr=lr, weight_decay=decay if arm == "sgd-l2" else 0.0)


def _sgd_differs(seed: Seed) -> float:
    """The largest difference between the weights of the two SGD arms (a sample of them)."""
    pairs = zip(seed["sgd-l2"]["sample"], seed["sgd-decoupled"]["sample"], strict=True)
    return max(abs(a - b) for a, b in pairs)


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """How fast weights decay against how large their gradients are: one line per optimiser."""
    axes = figure.subplots()
    arms = (
        ("adam-l2", RED, "Adam with an L2 term", {"marker": "o"}),
        ("adamw", BLUE, "AdamW, decoupled decay", {"marker": "o"}),
        ("sgd-l2", GREEN, "SGD with an L2 term", {"marker": "s"}),
        ("sgd-decoupled", SKY, "SGD, decoupled decay", {"marker": "x", "linestyle": ":"}),
    )
    for arm, colour, label, how in arms:
        band(axes, SETTINGS["scales"], [seed[arm]["rates"] for seed in seeds.values()], colour, label, **how)
    axes.set(
        xscale="log", yscale="log", xlabel="scale of a weight's gradients", ylabel="decay / (learning rate x coefficient)"
    )  # fmt: skip
    axes.set_xticks(SETTINGS["scales"], [f"{scale:g}" for scale in SETTINGS["scales"]])
    axes.minorticks_off()
    axes.legend()


CLAIM = Claim(
    name="l2-vs-decoupled",
    papers=(cite("adamw", "propositions 1 and 2"),),
    statement=(
        "For SGD an L2 term and weight decay are the same thing; for Adam they are not: under L2 a weight with larger gradients "
        "decays less, while decoupled decay shrinks all weights alike."
    ),
    experiment=(
        "Four groups of 20,000 weights whose gradients are noise of scale 0.3 to 10, 1000 steps of Adam with L2, AdamW, SGD with "
        "L2 and SGD with decoupled decay. Measured: how fast the groups' mean weights shrink."
    ),
    control="With SGD the two must agree, weight by weight, and shrink all groups alike.",
    statistic="Slope of log decay rate in log gradient scale: 0 means that all weights shrink alike.",
    limits="Noise in place of a task: it shows the mechanism, not that AdamW generalises better.",
    arms=(
        Arm(name="adam-l2", text="torch.optim.Adam with weight_decay"),
        Arm(name="adamw", text="torch.optim.AdamW"),
        Arm(name="sgd-l2", text="torch.optim.SGD with weight_decay", control=True),
        Arm(name="sgd-decoupled", text="SGD, weights multiplied by 1 - lr x decay", control=True),
    ),
    checks=(
        Check(
            text="Adam with L2: larger gradients, less decay (slope)",
            value=lambda seed: seed["adam-l2"]["slope"],
            at_most=-0.8,
            contrary=0.0,
        ),
        Check(
            text="AdamW: the same decay for all (|slope|)",
            value=lambda seed: abs(seed["adamw"]["slope"]),
            at_most=0.05,
            contrary=0.5,
        ),
        Check(
            text="control: SGD, L2 equals decoupled decay (largest difference of a weight)",
            value=_sgd_differs,
            at_most=1e-12,
            control=True,
            exact=True,
        ),
        Check(
            text="control: SGD with L2, the same decay for all (|slope|)",
            value=lambda seed: abs(seed["sgd-l2"]["slope"]),
            at_most=0.05,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=1,
    settings=SETTINGS,
)
