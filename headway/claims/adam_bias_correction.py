"""What Adam's bias correction is for (Kingma & Ba 2014, algorithm 1 and section 3).

The running averages m and v start at zero. Divided by 1 - beta^t they are unbiased from the first step on; left as they are, the
first updates are (1 - beta1^t) / sqrt(1 - beta2^t) times too large, which grows without bound as beta2 goes to one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, GREEN, RED, SKY, band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "beta1": 0.9,
    "slow": 0.9999,
    "fast": 0.9,
    "lr": 1e-2,
    "steps": 200,
    "batch": 64,
    "inputs": 32,
    "hidden": 64,
    "classes": 10,
}


class _Adam:
    """Algorithm 1 on one tensor, with or without its two lines of bias correction; epsilon is zero to have exact sizes."""

    def __init__(self, beta2: float, correct: bool) -> None:
        self.beta2, self.correct = beta2, correct
        self.t, self.m, self.v = 0, torch.tensor(0.0), torch.tensor(0.0)

    def update(self, gradient: Tensor, lr: float) -> Tensor:
        """What to add to the parameter."""
        beta1, beta2 = SETTINGS["beta1"], self.beta2
        self.t += 1
        self.m = beta1 * self.m + (1 - beta1) * gradient
        self.v = beta2 * self.v + (1 - beta2) * gradient.square()
        m, v = self.m, self.v
        if self.correct:
            m, v = m / (1 - beta1**self.t), v / (1 - beta2**self.t)
        # A gradient of exactly zero (a dead ReLU) gives 0/0: no step.
        return torch.nan_to_num(-lr * m / v.sqrt())


def unit(arm: str, seed: int) -> Numbers:
    """The size of the first update over gradients of many scales, and the losses of a small classifier's first steps."""
    beta2 = SETTINGS["fast" if arm.startswith("fast") else "slow"]
    correct = not arm.endswith("uncorrected")
    draw = torch.Generator().manual_seed(seed)
    gradients = torch.randn(1000, dtype=torch.float64, generator=draw) * 10 ** torch.empty(
        1000, dtype=torch.float64
    ).uniform_(-6, 6, generator=draw)
    sizes = _Adam(beta2, correct).update(gradients, SETTINGS["lr"]).abs() / SETTINGS["lr"]
    losses = _train(beta2, correct, seed)
    return {
        "smallest_first_step": sizes.min().item(),
        "largest_first_step": sizes.max().item(),
        "final": sum(losses[-10:]) / 10,
        "losses": losses,
    }


def _train(beta2: float, correct: bool, seed: int) -> list[float]:
    """Cross-entropy of every step's fresh batch: labels from a random linear teacher, one hidden layer."""
    inputs, classes = SETTINGS["inputs"], SETTINGS["classes"]
    draw = torch.Generator().manual_seed(seed)
    teacher = torch.randn(inputs, classes, generator=draw)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(inputs, SETTINGS["hidden"]), nn.Tanh(), nn.Linear(SETTINGS["hidden"], classes))
    rules = [_Adam(beta2, correct) for _ in model.parameters()]
    losses = []
    for _ in range(SETTINGS["steps"]):
        x = torch.randn(SETTINGS["batch"], inputs, generator=draw)
        loss = nn.functional.cross_entropy(model(x), (x @ teacher).argmax(-1))
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient, rule in zip(model.parameters(), gradients, rules, strict=True):
                parameter += rule.update(gradient, SETTINGS["lr"])
    return losses


def _predicted() -> float:
    """The size of the first update without correction, in units of the learning rate."""
    return (1 - SETTINGS["beta1"]) / math.sqrt(1 - SETTINGS["slow"])


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Left: the factor by which an uncorrected update is too large. Right: the loss of the first steps."""
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    steps = list(range(1, 201))
    for beta2, colour in ((SETTINGS["fast"], SKY), (0.999, GREEN), (SETTINGS["slow"], RED)):
        factor = [(1 - SETTINGS["beta1"] ** t) / math.sqrt(1 - beta2**t) for t in steps]
        left.plot(steps, factor, color=colour, label=rf"$\beta_2$ = {beta2}")
    left.axhline(1.0, color="#888888", linestyle="--", linewidth=1)
    left.set(
        ylim=(0.2, 200),
        xscale="log",
        yscale="log",
        xlabel="step",
        ylabel="uncorrected / corrected update",
        title="by formula",
    )
    left.legend(loc="upper left", fontsize=8.5)
    arms = (
        ("slow-uncorrected", RED, rf"$\beta_2$ = {SETTINGS['slow']}, no correction"),
        ("slow-corrected", BLUE, rf"$\beta_2$ = {SETTINGS['slow']}, corrected"),
        ("fast-uncorrected", SKY, rf"$\beta_2$ = {SETTINGS['fast']}, no correction"),
    )
    for arm, colour, label in arms:
        rows = [seed[arm]["losses"] for seed in seeds.values()]
        band(right, range(1, SETTINGS["steps"] + 1), rows, colour, label)
    right.set(xlabel="step", ylabel="loss (nats)", ylim=(0, None), title="training a small classifier")
    right.legend()


CLAIM = Claim(
    name="adam-bias-correction",
    papers=(cite("adam", "algorithm 1, section 3"),),
    statement=(
        "Adam's bias correction makes the first update exactly the learning rate, whatever the gradient's scale; "
        "without it a beta2 close to one makes the first steps far too large, and training is the worse for it."
    ),
    experiment=(
        "The first update over gradients of twelve orders of magnitude in float64; then 200 steps of a one-hidden-layer "
        "classifier at learning rate 0.01 with beta2 0.9999, with and without the correction."
    ),
    control=(
        "With beta2 0.9 = beta1 the uncorrected factor never exceeds one: leaving the correction out must do no harm."
    ),
    statistic=(
        "Size of the first update over the learning rate; the mean loss of steps 191 to 200, uncorrected over "
        "corrected."
    ),
    limits="One small problem. How much the correction matters later in training, or at beta2 0.999, is not tested.",
    arms=(
        Arm(name="slow-corrected", text="beta2 0.9999, corrected"),
        Arm(name="slow-uncorrected", text="beta2 0.9999, no correction"),
        Arm(name="fast-corrected", text="beta2 0.9, corrected", control=True),
        Arm(name="fast-uncorrected", text="beta2 0.9, no correction", control=True),
    ),
    checks=(
        Check(
            text="corrected, the first update is the learning rate (largest relative error)",
            value=lambda seed: max(
                abs(seed["slow-corrected"][end] - 1) for end in ("smallest_first_step", "largest_first_step")
            ),
            at_most=1e-12,
            exact=True,
        ),
        Check(
            text="uncorrected, it is (1 - beta1) / sqrt(1 - beta2) = 10 times that (largest relative error)",
            value=lambda seed: max(
                abs(seed["slow-uncorrected"][end] / _predicted() - 1)
                for end in ("smallest_first_step", "largest_first_step")
            ),
            at_most=1e-9,
            exact=True,
        ),
        Check(
            text="uncorrected, the same steps leave a higher loss (uncorrected over corrected)",
            value=lambda seed: seed["slow-uncorrected"]["final"] / seed["slow-corrected"]["final"],
            at_least=1.5,
            contrary=1.0,
        ),
        Check(
            text="control: with beta2 0.9 leaving it out does no harm (uncorrected over corrected)",
            value=lambda seed: seed["fast-uncorrected"]["final"] / seed["fast-corrected"]["final"],
            at_most=1.1,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.1,
    settings=SETTINGS,
)
