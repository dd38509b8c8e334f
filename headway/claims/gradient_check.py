"""Automatic differentiation is exact to rounding; differences never are (Baydin et al. 2015).

A finite difference is caught between truncation (error h or h^2) and rounding (error eps/h). Backpropagation is neither
numerical nor symbolic: it applies the chain rule to numbers, and its error is that of the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLACK, BLUE, ORANGE, RED, band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {"width": 12, "hidden": 16, "classes": 5, "cases": 8, "powers": list(range(1, 14))}


def _problem(seed: int) -> tuple[Tensor, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """A point, a function of it (linear, LayerNorm, tanh, linear, cross-entropy), and the same with a wrong backward.

    The function takes (..., n) and works for complex arguments: no absolute value anywhere.
    """
    draw = torch.Generator().manual_seed(seed)
    width, hidden, classes = SETTINGS["width"], SETTINGS["hidden"], SETTINGS["classes"]

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    x, readout = normal(SETTINGS["cases"], width), normal(hidden, classes)
    labels = torch.randint(classes, (SETTINGS["cases"],), generator=draw)

    def loss(flat: Tensor, detach: bool) -> Tensor:
        weight = flat.unflatten(-1, (width, hidden))
        a = x.to(flat.dtype) @ weight
        mean = a.mean(-1, keepdim=True)
        variance = (a - mean).square().mean(-1, keepdim=True)
        if detach:
            # A mistake that people make by hand: mean and variance taken for constants.
            mean, variance = mean.detach(), variance.detach()
        logits = ((a - mean) / (variance + 1e-5).sqrt()).tanh() @ readout.to(flat.dtype)
        log_total = logits.exp().sum(-1).log()
        own = logits.gather(-1, labels.expand(logits.shape[:-1])[..., None])[..., 0]
        return (log_total - own).mean(-1)

    return normal(width * hidden), lambda flat: loss(flat, detach=False), lambda flat: loss(flat, detach=True)


def _complex_step(function: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    """Im f(x + ih) / h with h = 1e-30: no difference is taken, so it is exact to rounding, and owes nothing to autograd."""
    steps = torch.eye(len(point), dtype=torch.complex128) * 1e-30j
    return function(point + steps).imag / 1e-30


def _backward(function: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    point = point.clone().requires_grad_()
    return torch.autograd.grad(function(point), point)[0]


def unit(arm: str, seed: int) -> Numbers:
    """Relative errors against the complex-step derivative: of backpropagation, or of differences for h = 1e-1 to 1e-13."""
    point, right, wrong = _problem(seed)
    exact = _complex_step(right, point)

    def error(found: Tensor) -> float:
        return ((found - exact).norm() / exact.norm()).item()

    if arm == "backpropagation":
        return {"error": error(_backward(right, point))}
    if arm == "wrong-backward":
        return {"error": error(_backward(wrong, point))}
    eye, errors = torch.eye(len(point), dtype=torch.float64), []
    for power in SETTINGS["powers"]:
        h = 10.0**-power
        if arm == "central":
            errors.append(error((right(point + h * eye) - right(point - h * eye)) / (2 * h)))
        else:
            errors.append(error((right(point + h * eye) - right(point)) / h))
    # The stretch from 1e-2 to 1e-4 is all truncation: a step ten times smaller is so many powers of ten better.
    order = math.log10(errors[1] / errors[3]) / 2
    return {"errors": errors, "best": min(errors), "order": order}


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Error against the step of the difference: two V's, above the line of backpropagation."""
    axes = figure.subplots()
    steps = [10.0**-power for power in SETTINGS["powers"]]
    for arm, colour, label in (("forward", ORANGE, "forward difference"), ("central", BLUE, "central difference")):
        band(axes, steps, [seed[arm]["errors"] for seed in seeds.values()], colour, label, marker="o")
    flat = (
        ("backpropagation", BLACK, "backpropagation"),
        ("wrong-backward", RED, "a backward with mean and variance as constants"),
    )
    for arm, colour, label in flat:
        band(axes, [steps[-1], steps[0]], [[seed[arm]["error"]] * 2 for seed in seeds.values()], colour, label)
    axes.set(xscale="log", yscale="log", xlabel="step h of the difference", ylabel="relative error of the gradient")
    axes.legend(loc="upper center", bbox_to_anchor=(0.55, 0.98), fontsize=8.5)


CLAIM = Claim(
    name="gradient-check",
    papers=(cite("autodiff-survey"),),
    statement=(
        "Automatic differentiation is exact up to rounding, while a finite difference trades truncation error against rounding "
        "error and never gets there; it is good enough, though, to catch a wrong backward."
    ),
    experiment=(
        "The gradient of a linear layer, LayerNorm, tanh, linear and cross-entropy in 192 weights, float64, by autograd and by "
        "forward and central differences with steps from 1e-1 to 1e-13, against the complex-step derivative."
    ),
    control="A backward that treats LayerNorm's mean and variance as constants has to stand out from the differences.",
    statistic="Relative error of the gradient; the order of a difference from its errors at h = 1e-2 and 1e-4.",
    limits="One function. Nothing is said of speed, where backpropagation wins by the number of parameters.",
    arms=(
        Arm(name="backpropagation", text="torch.autograd"),
        Arm(name="forward", text="(f(x + h) - f(x)) / h"),
        Arm(name="central", text="(f(x + h) - f(x - h)) / 2h"),
        Arm(name="wrong-backward", text="autograd with LayerNorm's mean and variance detached", control=True),
    ),
    checks=(
        Check(
            text="backpropagation is exact to rounding (relative error)",
            value=lambda seed: seed["backpropagation"]["error"],
            at_most=1e-13,
            exact=True,
        ),
        Check(
            text="the best central difference is worse (its error over backpropagation's)",
            value=lambda seed: seed["central"]["best"] / seed["backpropagation"]["error"],
            at_least=100.0,
            contrary=1.0,
        ),
        Check(
            text="forward differences are of order 1 (distance from it)",
            value=lambda seed: abs(seed["forward"]["order"] - 1),
            at_most=0.1,
            contrary=0.5,
        ),
        Check(
            text="central differences are of order 2 (distance from it)",
            value=lambda seed: abs(seed["central"]["order"] - 2),
            at_most=0.1,
            contrary=0.5,
        ),
        Check(
            text="control: the wrong backward is caught (its error over that of the best central difference)",
            value=lambda seed: seed["wrong-backward"]["error"] / seed["central"]["best"],
            at_least=1e6,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.02,
    settings=SETTINGS,
)
