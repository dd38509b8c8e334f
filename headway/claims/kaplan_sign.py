"""The loss of a language model falls as a power of its size (Kaplan et al. 2020), in sign and shape on a laptop's scale.

Every size sees the same text. On text without structure there is nothing to be had from size: the control.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, RED, band
from headway.claims.small import SmallLM, held_out_loss, next_symbol_loss
from headway.data.markov import MarkovText

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "symbols": 128,
    "peak": 3.0,
    "far": 0.4,
    "length": 32,
    "batch": 32,
    "layers": 2,
    "n_head": 2,
    "widths": [4, 8, 16, 32, 64],
    "steps": 400,
    "lr": 1e-2,
    "warmup": 30,
}


def unit(arm: str, seed: int) -> Numbers:
    """Held-out loss for each width after the same text, and the least-squares line of log loss in log parameters."""
    language = MarkovText(SETTINGS["symbols"], peak=SETTINGS["peak"], far=SETTINGS["far"], seed=seed)
    sizes, losses = [], []
    for width in SETTINGS["widths"]:
        size, loss = _train(language, width, seed, shuffled=arm == "shuffled")
        sizes.append(size)
        losses.append(loss)
    slope, squared = _line(sizes, losses)
    gains = [before - after for before, after in pairwise(losses)]
    return {
        "parameters": sizes,
        "losses": losses,
        "slope": slope,
        "r_squared": squared,
        "least_gain": min(gains),
        "unigram_entropy": language.unigram_entropy,
        "entropy_rate": language.entropy_rate,
    }


def _train(language: MarkovText, width: int, seed: int, *, shuffled: bool) -> tuple[int, float]:
    """Parameters without the embeddings, as the paper counts them, and the held-out loss."""
    draw = torch.Generator().manual_seed(seed)

    def text(count: int) -> torch.Tensor:
        rows = language.sample(count, SETTINGS["length"] + 1, draw)
        return rows.flatten()[torch.randperm(rows.numel(), generator=draw)].view_as(rows) if shuffled else rows

    held_out = text(256)
    torch.manual_seed(seed)
    model = SmallLM(
        SETTINGS["symbols"],
        SETTINGS["length"],
        layers=SETTINGS["layers"],
        width=width,
        n_head=SETTINGS["n_head"],
        norm="pre",
    )
    # Rates fall with the width, as the best ones do.
    peak = SETTINGS["lr"] * math.sqrt(8 / max(width, 8))
    optimiser = torch.optim.Adam(model.parameters(), lr=peak, betas=(0.9, 0.98), fused=True)
    for step in range(SETTINGS["steps"]):
        left = 1 - step / SETTINGS["steps"]
        optimiser.param_groups[0]["lr"] = peak * min((step + 1) / SETTINGS["warmup"], left)
        loss = next_symbol_loss(model, text(SETTINGS["batch"]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    size = sum(weight.numel() for block in model.blocks for weight in block.parameters())
    return size, held_out_loss(model, held_out)


def _line(sizes: list[int], losses: list[float]) -> tuple[float, float]:
    """Slope and R squared of log loss in log size."""
    x, y = [math.log(size) for size in sizes], [math.log(loss) for loss in losses]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    xx = sum((a - mean_x) ** 2 for a in x)
    xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    yy = sum((b - mean_y) ** 2 for b in y)
    return xy / xx, xy**2 / (xx * yy)


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Loss over parameters, both axes logarithmic."""
    axes = figure.subplots()
    sizes = next(iter(seeds.values()))["text"]["parameters"]
    for arm, colour, label in (("shuffled", RED, "shuffled text: nothing to learn"), ("text", BLUE, "text")):
        band(axes, sizes, [seed[arm]["losses"] for seed in seeds.values()], colour, label, marker="o")
    rate = sum(seed["text"]["entropy_rate"] for seed in seeds.values()) / len(seeds)
    axes.axhline(rate, color="#888888", linestyle="--", linewidth=1)
    axes.text(sizes[0], rate * 1.005, "entropy of the language", fontsize=8, color="#666666", va="bottom")
    axes.set(xscale="log", yscale="log", xlabel="parameters, embeddings not counted", ylabel="loss (nats per symbol)")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ticks = [2.0, 2.5, 3.0, 3.5, 4.0]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="center left")


CLAIM = Claim(
    name="kaplan-sign",
    papers=(cite("scaling-laws"),),
    statement=(
        "A language model's loss falls as its number of parameters grows, close to a straight line in logarithms, as "
        "long as the text has something to teach."
    ),
    experiment=(
        "Causal Transformers of two layers, width 4 to 64, on the same 400 batches of 1024 symbols from a chance "
        "process over 128 symbols; the slope of log held-out loss in log parameters."
    ),
    control="The same symbols shuffled: there the slope has to be gone.",
    statistic=(
        "Slope and R squared of log loss in log parameters (embeddings not counted); the least gain from one size to "
        "the next."
    ),
    limits=(
        "Sign and shape over two and a half orders of magnitude, not the paper's exponents: those are of natural text "
        "and of training to convergence."
    ),
    arms=(
        Arm(name="text", text="text with structure"),
        Arm(name="shuffled", text="the same symbols in random order", control=True),
    ),
    checks=(
        Check(
            text="the loss falls with size (slope)",
            value=lambda seed: seed["text"]["slope"],
            at_most=-0.02,
            contrary=0.0,
        ),
        Check(
            text="every size beats the one before (least gain in nats)",
            value=lambda seed: seed["text"]["least_gain"],
            at_least=0.0,
            contrary=-0.02,
        ),
        Check(
            text="close to a straight line (R squared)",
            value=lambda seed: seed["text"]["r_squared"],
            at_least=0.85,
            contrary=0.5,
        ),
        Check(
            text="control: not on shuffled text (|slope|)",
            value=lambda seed: abs(seed["shuffled"]["slope"]),
            at_most=0.01,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=6,
    settings=SETTINGS,
)
