"""For a given amount of compute there is a best size, and it grows with compute (Hoffmann et al. 2022, approach 2).

A model of N parameters on D symbols costs about 6 N D operations. At a fixed budget a small model sees much text and a large one
little; the loss has a minimum in between.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, GREEN, ORANGE, RED
from headway.claims.small import SmallLM, held_out_loss, next_symbol_loss
from headway.data.markov import MarkovText

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "symbols": 128,
    "peak": 3.0,
    "far": 0.4,
    "length": 32,
    "batch": 16,
    "layers": 2,
    "n_head": 2,
    "budgets": [2e9, 6e9, 1.8e10],
    "widths": [[4, 6, 8, 12, 16], [6, 8, 12, 16, 24], [8, 12, 16, 24, 32]],
    "same_text_widths": [8, 12, 16, 24, 32],
    "same_text_steps": 300,
    "lr": 1e-2,
    "warmup": 30,
}


def unit(arm: str, seed: int) -> Numbers:
    """``same-budget``: sizes and losses for each budget. ``same-text``: for as many steps at every size."""
    language = MarkovText(SETTINGS["symbols"], peak=SETTINGS["peak"], far=SETTINGS["far"], seed=seed)
    if arm == "same-text":
        rows = [
            _train(language, width, seed, steps=SETTINGS["same_text_steps"]) for width in SETTINGS["same_text_widths"]
        ]
        losses = [loss for _, loss in rows]
        return {"sizes": [size for size, _ in rows], "losses": losses, "last_gain": losses[-2] - losses[-1]}
    sizes, curves, best = [], [], []
    for budget, widths in zip(SETTINGS["budgets"], SETTINGS["widths"], strict=True):
        rows = [_train(language, width, seed, budget=budget) for width in widths]
        sizes.append([size for size, _ in rows])
        curves.append([loss for _, loss in rows])
        best.append(_vertex(sizes[-1], curves[-1]))
    return {
        "sizes": sizes,
        "losses": curves,
        "best": best,
        "depth": min(min(curve[0], curve[-1]) - min(curve) for curve in curves),
        "exponent": _exponent(SETTINGS["budgets"], best),
    }


def _train(
    language: MarkovText, width: int, seed: int, *, budget: float | None = None, steps: int = 0
) -> tuple[int, float]:
    """Parameters that multiply (blocks and head), and the held-out loss after the budget or the steps are spent."""
    draw = torch.Generator().manual_seed(seed)
    held_out = language.sample(256, SETTINGS["length"] + 1, draw)
    torch.manual_seed(seed)
    model = SmallLM(
        SETTINGS["symbols"],
        SETTINGS["length"],
        layers=SETTINGS["layers"],
        width=width,
        n_head=SETTINGS["n_head"],
        norm="pre",
    )
    size = sum(weight.numel() for part in (model.blocks, model.head) for weight in part.parameters())
    if budget is not None:
        steps = max(1, round(budget / (6 * size * SETTINGS["batch"] * SETTINGS["length"])))
    peak = SETTINGS["lr"] * math.sqrt(8 / max(width, 8))
    optimiser = torch.optim.Adam(model.parameters(), lr=peak, betas=(0.9, 0.98), fused=True)
    for step in range(steps):
        # The schedule ends where the training ends: a longer one cut short would make few steps look worse than they are.
        warmup = max(1.0, min(SETTINGS["warmup"], steps / 10))
        optimiser.param_groups[0]["lr"] = peak * min((step + 1) / warmup, 1 - step / steps)
        loss = next_symbol_loss(model, language.sample(SETTINGS["batch"], SETTINGS["length"] + 1, draw))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return size, held_out_loss(model, held_out)


def _parabola(sizes: list[int], losses: list[float]) -> list[float]:
    """The least-squares coefficients of loss = a + b x + c x^2 in x = log size."""
    x = torch.tensor(sizes, dtype=torch.float64).log()
    powers = torch.stack([torch.ones_like(x), x, x.square()], dim=1)
    target = torch.tensor(losses, dtype=torch.float64)[:, None]
    return torch.linalg.lstsq(powers, target, driver="gelsd").solution[:, 0].tolist()


def _vertex(sizes: list[int], losses: list[float]) -> float:
    """The size at the parabola's minimum; not a number where it has none within the sizes that were tried."""
    _, b, c = _parabola(sizes, losses)
    at = -b / (2 * c) if c > 0 else math.nan
    return math.exp(at) if math.log(sizes[0]) <= at <= math.log(sizes[-1]) else math.nan


def _exponent(budgets: list[float], best: list[float]) -> float:
    """The slope of log best size in log budget."""
    x, y = [math.log(budget) for budget in budgets], [math.log(size) for size in best]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Left: loss over size, one curve per budget with its minimum. Right: best size over budget."""
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    first = next(iter(seeds.values()))["same-budget"]
    for n, (budget, colour) in enumerate(zip(SETTINGS["budgets"], (ORANGE, GREEN, BLUE), strict=True)):
        sizes = first["sizes"][n]
        rows = [seed["same-budget"]["losses"][n] for seed in seeds.values()]
        mean = [sum(column) / len(column) for column in zip(*rows, strict=True)]
        left.plot(sizes, mean, "o", color=colour)
        a, b, c = _parabola(sizes, mean)
        fine = torch.linspace(math.log(sizes[0]), math.log(sizes[-1]), 60).tolist()
        label = f"{budget:.1e}".replace("e+0", "e").replace("e+", "e")
        left.plot(
            [math.exp(x) for x in fine],
            [a + b * x + c * x * x for x in fine],
            color=colour,
            label=f"{label} operations",
        )
        left.plot(_vertex(sizes, mean), a - b * b / (4 * c), marker="*", markersize=13, color=colour)
    sizes = first["sizes"][-1]
    rows = [seed["same-text"]["losses"] for seed in seeds.values()]
    mean = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    left.plot(
        sizes, mean, color=RED, linestyle="--", label=f"control: {SETTINGS['same_text_steps']} steps at every size"
    )
    left.set(xscale="log", xlabel="parameters", ylabel="loss (nats per symbol), mean of seeds", title="same compute")
    left.legend(fontsize=8.5)
    for seed in seeds.values():
        right.plot(SETTINGS["budgets"], seed["same-budget"]["best"], "o-", color=BLUE, alpha=0.5, linewidth=1)
    exponent = sum(seed["same-budget"]["exponent"] for seed in seeds.values()) / len(seeds)
    right.set(xscale="log", yscale="log", xlabel="operations", ylabel="best number of parameters")
    right.set_title(f"grows with power {exponent:.2f}")


CLAIM = Claim(
    name="chinchilla-minimum",
    papers=(cite("chinchilla"),),
    statement=(
        "At a fixed budget of compute the loss has a minimum in the number of parameters, and the best number grows "
        "about with the square root of the budget."
    ),
    experiment=(
        "Causal Transformers of two layers on a chance process over 128 symbols; three budgets of 6 N D operations, "
        "five sizes each, the learning rate's schedule ending with the budget. A parabola in log N gives the best size."
    ),
    control=(
        "With the same number of steps at every size, and so more compute for the larger, there must be no minimum."
    ),
    statistic=(
        "How far the better edge lies above the minimum, over budgets the least; the slope of log best size in log "
        "budget."
    ),
    limits=(
        "Budgets of 2e9 to 2e10 operations, where the paper's begin at 1e18; one family of sizes, in which width alone "
        "grows; one rule for the learning rate."
    ),
    arms=(
        Arm(name="same-budget", text="three budgets, five sizes each"),
        Arm(name="same-text", text="300 steps at every size", control=True),
    ),
    checks=(
        Check(
            text="the best size lies inside, at every budget (better edge above the minimum, nats)",
            value=lambda seed: seed["same-budget"]["depth"],
            at_least=0.01,
            contrary=0.0,
        ),
        Check(
            text="the best size grows like the square root of the budget (exponent's distance from 0.5)",
            value=lambda seed: abs(seed["same-budget"]["exponent"] - 0.5),
            at_most=0.2,
            contrary=0.5,
        ),
        Check(
            text="control: at the same number of steps the largest is the best (gain of the last size, nats)",
            value=lambda seed: seed["same-text"]["last_gain"],
            at_least=0.0,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=8,
    settings=SETTINGS,
)
