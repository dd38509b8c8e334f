"""Gradients through time vanish or explode with the spectral radius (Pascanu, Mikolov & Bengio 2012, section 2)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLACK, BLUE, ORANGE, RED, SKY, band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {"units": 64, "steps": 200, "from": 60, "input_std": 0.1}

RADII = {"linear-low": 0.9, "linear-one": 1.0, "linear-high": 1.1, "tanh-low": 0.9, "tanh-high": 1.1}


def _matrix(arm: str, draw: torch.Generator) -> Tensor:
    """A Gaussian matrix scaled to the arm's spectral radius, or an orthogonal one; (units, units), float64."""
    gaussian = torch.randn(SETTINGS["units"], SETTINGS["units"], generator=draw, dtype=torch.float64)
    if arm == "orthogonal":
        return torch.linalg.qr(gaussian).Q
    return gaussian * RADII[arm] / torch.linalg.eigvals(gaussian).abs().max()


def unit(arm: str, seed: int) -> Numbers:
    """log ||dh_t / dh_0|| (Frobenius, over sqrt(units)) for every t, and its slope in t from step 60 on."""
    draw = torch.Generator().manual_seed(seed)
    recurrent = _matrix(arm, draw)
    h = torch.zeros(SETTINGS["units"], dtype=torch.float64)
    jacobian = torch.eye(SETTINGS["units"], dtype=torch.float64)
    logs = []
    for _ in range(SETTINGS["steps"]):
        noise = torch.randn(SETTINGS["units"], generator=draw, dtype=torch.float64) * SETTINGS["input_std"]
        if arm.startswith("tanh"):
            h = (recurrent @ h + noise).tanh()
            jacobian = (1 - h.square())[:, None] * (recurrent @ jacobian)
        else:
            jacobian = recurrent @ jacobian  # of a linear network, whatever the input
        logs.append(math.log(jacobian.norm().item() / math.sqrt(SETTINGS["units"])))
    tail = torch.tensor(logs[SETTINGS["from"] :], dtype=torch.float64)
    at = torch.arange(len(tail), dtype=torch.float64)
    at -= at.mean()
    return {"logs": logs, "slope": ((at * tail).sum() / at.square().sum()).item()}


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """The size of the gradient over the distance in time, one line per recurrent matrix."""
    axes = figure.subplots()
    steps = range(1, SETTINGS["steps"] + 1)
    arms = (
        ("linear-high", RED, r"linear, $\rho$ = 1.1", "-"),
        ("tanh-high", ORANGE, r"tanh, $\rho$ = 1.1", "-"),
        ("orthogonal", BLACK, "orthogonal", "-"),
        ("linear-low", BLUE, r"linear, $\rho$ = 0.9", "-"),
        ("tanh-low", SKY, r"tanh, $\rho$ = 0.9", "-"),
    )
    for arm, colour, label, style in arms:
        rows = [[value / math.log(10) for value in seed[arm]["logs"]] for seed in seeds.values()]
        band(axes, steps, rows, colour, label, linestyle=style)
    for radius in (0.9, 1.1):
        axes.plot(steps, [t * math.log10(radius) for t in steps], color="#888888", linestyle="--", linewidth=1)
    axes.text(SETTINGS["steps"], SETTINGS["steps"] * math.log10(1.1) + 0.3, r"$\rho^t$", color="#666666", ha="right")
    axes.set(xlabel="steps back in time", ylabel=r"$\log_{10}$ of the gradient's size")
    axes.legend(loc="lower left")


CLAIM = Claim(
    name="rnn-gradients",
    papers=(cite("rnn-difficulty", "section 2"),),
    statement=(
        "Through time, a recurrent network's gradient grows or shrinks like the t-th power of its recurrent matrix's spectral "
        "radius: below one it vanishes, above one it can explode."
    ),
    experiment=(
        "The Jacobian of the state at t in the state at 0, t up to 200, for random recurrent matrices of 64 units scaled to "
        "spectral radius 0.9, 1 and 1.1: linear networks, and tanh networks with small random inputs."
    ),
    control="An orthogonal recurrent matrix, every eigenvalue on the unit circle, must do neither.",
    statistic="Slope of the log of the Jacobian's norm in t from step 60 on, against log of the spectral radius.",
    limits=(
        "For tanh, a radius above one is necessary for explosion but not sufficient: saturation shrinks the gradient. That part "
        "is checked only in this direction."
    ),
    arms=(
        *(Arm(name=name, text=f"{name.split('-')[0]}, spectral radius {radius}") for name, radius in RADII.items()),
        Arm(name="orthogonal", text="linear, orthogonal matrix", control=True),
    ),
    checks=(
        Check(
            text="linear, radius 0.9, 1, 1.1: the slope is the log of the radius (largest distance)",
            value=lambda seed: max(
                abs(seed[arm]["slope"] - math.log(RADII[arm])) for arm in ("linear-low", "linear-one", "linear-high")
            ),
            at_most=0.01,
            contrary=0.05,
        ),
        Check(
            text="tanh, radius 0.9: vanishes at least as fast as 0.9^t allows (slope)",
            value=lambda seed: seed["tanh-low"]["slope"],
            at_most=math.log(0.9) + 0.01,
            contrary=0.0,
        ),
        Check(
            text="tanh, radius 1.1: grows no faster than 1.1^t (slope)",
            value=lambda seed: seed["tanh-high"]["slope"],
            at_most=math.log(1.1) + 0.01,
            contrary=math.log(1.1) + 0.05,
        ),
        Check(
            text="control: orthogonal, neither (|slope|)",
            value=lambda seed: abs(seed["orthogonal"]["slope"]),
            at_most=1e-10,
            control=True,
            exact=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.05,
    settings=SETTINGS,
)
