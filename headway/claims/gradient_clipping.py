"""Clipping the gradient's norm keeps a recurrent network trainable where gradients explode (Pascanu et al. 2012, algorithm 1).

A linear recurrent network learns to imitate another one. What it starts with decides whether its gradients explode through
time: a spectral radius above one, or below.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, GREEN, RED, SKY, band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "units": 24,
    "inputs": 4,
    "length": 30,
    "batch": 32,
    "steps": 600,
    "lr": 0.02,
    "clip": 1.0,
    "high": 1.2,
    "low": 0.5,
    "teacher": 0.9,
    "window": 20,
}


def _network(radius: float, draw: torch.Generator) -> list[Tensor]:
    """Recurrent matrix of the given spectral radius, input matrix, readout."""
    units, inputs = SETTINGS["units"], SETTINGS["inputs"]
    recurrent = torch.randn(units, units, generator=draw)
    return [
        recurrent * radius / torch.linalg.eigvals(recurrent).abs().max(),
        torch.randn(units, inputs, generator=draw) / math.sqrt(inputs),
        torch.randn(1, units, generator=draw) / math.sqrt(units),
    ]


def _output(network: list[Tensor], x: Tensor) -> Tensor:
    """h_t = W h_{t-1} + U x_t, read out at the end: x (b t i) -> (b 1)."""
    recurrent, into, readout = network
    h = x.new_zeros(len(x), len(recurrent))
    for now in x.unbind(1):
        h = h @ recurrent.T + now @ into.T
    return h @ readout.T


def unit(arm: str, seed: int) -> Numbers:
    """Plain gradient descent on the relative squared error, with the gradient's norm clipped to one or not."""
    draw = torch.Generator().manual_seed(seed)
    teacher = _network(SETTINGS["teacher"], draw)
    radius = SETTINGS["high" if arm.startswith("high") else "low"]
    student = [part.requires_grad_() for part in _network(radius, draw)]
    losses, norms = [], []
    for _ in range(SETTINGS["steps"]):
        x = torch.randn(SETTINGS["batch"], SETTINGS["length"], SETTINGS["inputs"], generator=draw)
        target = _output(teacher, x)
        loss = (_output(student, x) - target).square().mean() / target.square().mean()
        gradients = torch.autograd.grad(loss, student)
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm().item()
        factor = SETTINGS["clip"] / max(norm, SETTINGS["clip"]) if arm.endswith("-clipped") else 1.0
        with torch.no_grad():
            for part, gradient in zip(student, gradients, strict=True):
                part -= SETTINGS["lr"] * factor * gradient
        losses.append(loss.item())
        norms.append(norm)
    # A window's median: single batches jump, and an infinity must not hide in a mean.
    window = SETTINGS["window"]
    curve = [_median(losses[at : at + window]) for at in range(0, SETTINGS["steps"], window)]
    return {"curve": curve, "final": curve[-1], "first_norm": norms[0]}


def _median(values: list[float]) -> float:
    """The middle value; infinite where any is not a number, for that network is lost."""
    return math.inf if any(math.isnan(value) for value in values) else sorted(values)[len(values) // 2]


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Loss over steps; the runs that blew up leave the picture at its upper edge."""
    axes = figure.subplots()
    steps = [SETTINGS["window"] * (n + 0.5) for n in range(SETTINGS["steps"] // SETTINGS["window"])]
    arms = (
        ("high-clipped", BLUE, f"radius {SETTINGS['high']}, clipped", "-"),
        ("low-unclipped", GREEN, f"radius {SETTINGS['low']}, not clipped", "-"),
        ("low-clipped", SKY, f"radius {SETTINGS['low']}, clipped", "--"),
    )
    for arm, colour, label, style in arms:
        band(axes, steps, [seed[arm]["curve"] for seed in seeds.values()], colour, label, linestyle=style)
    lost = sum(not seed["high-unclipped"]["final"] < 100 for seed in seeds.values())
    axes.plot(
        [0, 12], [3, 3e4], color=RED, label=f"radius {SETTINGS['high']}, not clipped: {lost} of {len(seeds)} lost at once"
    )  # fmt: skip
    axes.axhline(1.0, color="#888888", linestyle="--", linewidth=1)
    axes.text(SETTINGS["steps"], 1.1, "always answers zero", fontsize=8, color="#666666", ha="right")
    axes.set(yscale="log", ylim=(5e-4, 2e4), xlabel="step", ylabel="squared error / that of answering zero")
    axes.legend()


CLAIM = Claim(
    name="gradient-clipping",
    papers=(cite("rnn-difficulty", "algorithm 1"),),
    statement="Where gradients explode through time, clipping their norm lets training survive and succeed.",
    experiment=(
        "A linear recurrent network of 24 units and 30 steps imitates another one by plain gradient descent at rate "
        "0.02. It starts with spectral radius 1.2, where gradients explode, or 0.5, where they do not; the norm is "
        "clipped to 1 or not."
    ),
    control=(
        "Unclipped at radius 1.2 has to be lost; and at radius 0.5 the same run without clipping has to succeed: what "
        "kills it is the explosion, not the learning rate."
    ),
    statistic="Squared error relative to answering zero, the median of the last 20 of 600 steps.",
    limits="Linear networks, in which nothing but the recurrent matrix can explode. One threshold, one learning rate.",
    arms=(
        Arm(name="high-clipped", text="spectral radius 1.2, norm clipped to 1"),
        Arm(name="high-unclipped", text="spectral radius 1.2, not clipped", control=True),
        Arm(name="low-clipped", text="spectral radius 0.5, norm clipped to 1"),
        Arm(name="low-unclipped", text="spectral radius 0.5, not clipped", control=True),
    ),
    checks=(
        Check(
            text="radius 1.2, clipped: learns (relative squared error)",
            value=lambda seed: seed["high-clipped"]["final"],
            at_most=0.2,
            contrary=1.0,
        ),
        Check(
            text="radius 0.5: clipping does no harm (error clipped over unclipped)",
            value=lambda seed: seed["low-clipped"]["final"] / seed["low-unclipped"]["final"],
            at_most=4.0,
            contrary=20.0,
        ),
        Check(
            text="control: radius 1.2, not clipped: is lost (relative squared error)",
            value=lambda seed: seed["high-unclipped"]["final"],
            at_least=10.0,
            control=True,
        ),
        Check(
            text="control: radius 0.5, not clipped: learns (relative squared error)",
            value=lambda seed: seed["low-unclipped"]["final"],
            at_most=0.2,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.7,
    settings=SETTINGS,
)
