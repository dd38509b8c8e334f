"""Why attention divides by the square root of the head width (Vaswani et al. 2017, section 3.2.1, footnote 4).

The components of q and k are independent with mean 0 and variance 1, as the footnote has it. Then q.k has variance d_k, and a
softmax over such scores leaves its gradient-carrying range as d_k grows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, RED, band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "widths": [8, 16, 32, 64, 128, 256, 512, 1024],
    "draws": 100_000,
    "keys": 64,
    "queries": 400,
}


def unit(arm: str, seed: int) -> Numbers:
    """Per width: the variance of the scores, the entropy of their softmax over 64 keys, and the size of its Jacobian."""
    draw = torch.Generator().manual_seed(seed)
    variances, entropies, jacobians = [], [], []
    for width in SETTINGS["widths"]:
        scale = 1 / math.sqrt(width) if arm == "scaled" else 1.0
        moments = torch.zeros(2, dtype=torch.float64)
        for _ in range(SETTINGS["draws"] // 5000):
            q, k = torch.randn(2, 5000, width, generator=draw)
            scores = ((q * k).sum(-1) * scale).double()
            moments += torch.stack([scores.sum(), scores.square().sum()])
        mean, square = (moments / SETTINGS["draws"]).tolist()
        variances.append(square - mean**2)
        q = torch.randn(SETTINGS["queries"], width, generator=draw, dtype=torch.float64)
        k = torch.randn(SETTINGS["keys"], width, generator=draw, dtype=torch.float64)
        p = (q @ k.T * scale).softmax(-1)
        entropies.append(-torch.xlogy(p, p).sum(-1).mean().item())
        jacobian = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
        jacobians.append(jacobian.flatten(1).norm(dim=1).mean().item())
    return {"variances": variances, "entropies": entropies, "jacobians": jacobians}


def _worst(seed: Seed) -> float:
    """The largest relative distance of Var(q.k) from d_k over all widths."""
    return max(
        abs(variance / width - 1)
        for variance, width in zip(seed["unscaled"]["variances"], SETTINGS["widths"], strict=True)
    )


def _shrinks(seed: Seed, arm: str, what: str) -> float:
    """The value at the largest width as a share of that at the smallest."""
    return seed[arm][what][-1] / seed[arm][what][0]


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Variance, entropy and Jacobian over the width, scaled and not."""
    parts = (
        ("variances", "variance of the scores", True),
        ("entropies", "entropy of the softmax (nats)", False),
        ("jacobians", "norm of the softmax's Jacobian", False),
    )
    for axes, (what, label, log) in zip(figure.subplots(1, 3), parts, strict=True):
        for arm, colour in (("unscaled", RED), ("scaled", BLUE)):
            band(axes, SETTINGS["widths"], [seed[arm][what] for seed in seeds.values()], colour, arm, marker="o")
        axes.set_xscale("log", base=2)
        axes.set(xlabel="head width $d_k$", title=label)
        if log:
            axes.set_yscale("log", base=2)
            axes.plot(SETTINGS["widths"], SETTINGS["widths"], color="#888888", linestyle="--", label="$d_k$", zorder=0)
        else:
            axes.set_ylim(bottom=0)
        axes.legend()


CLAIM = Claim(
    name="scale",
    papers=(cite("transformer", "section 3.2.1, footnote 4"),),
    statement=(
        "For q and k of independent components with mean 0 and variance 1, q.k has variance d_k; without the factor 1/sqrt(d_k) "
        "wide heads push the softmax to where its gradients are extremely small."
    ),
    experiment=(
        "q and k drawn from the normal distribution for d_k from 8 to 1024. The variance of 100,000 products; the entropy, and "
        "the Frobenius norm of the Jacobian, of the softmax over 64 keys."
    ),
    control="With the factor 1/sqrt(d_k) neither entropy nor Jacobian may change with the width.",
    statistic="The largest |Var / d_k - 1| over the widths; values at d_k 1024 as a share of those at 8.",
    limits="It is about random vectors, as they are at initialisation; what training does to q and k is not looked at.",
    arms=(
        Arm(name="unscaled", text="softmax(q.k)"),
        Arm(name="scaled", text="softmax(q.k / sqrt(d_k))", control=True),
    ),
    checks=(
        Check(text="Var(q.k) is d_k at every width (largest relative error)", value=_worst, at_most=0.02, contrary=0.1),
        Check(
            text="without the factor the entropy collapses (d_k 1024 as a share of 8)",
            value=lambda seed: _shrinks(seed, "unscaled", "entropies"),
            at_most=0.2,
            contrary=0.8,
        ),
        Check(
            text="without the factor the Jacobian collapses (d_k 1024 as a share of 8)",
            value=lambda seed: _shrinks(seed, "unscaled", "jacobians"),
            at_most=0.4,
            contrary=0.8,
        ),
        Check(
            text="control: with it the entropy stays (d_k 1024 as a share of 8)",
            value=lambda seed: _shrinks(seed, "scaled", "entropies"),
            at_least=0.9,
            control=True,
        ),
        Check(
            text="control: with it the Jacobian stays (d_k 1024 as a share of 8)",
            value=lambda seed: _shrinks(seed, "scaled", "jacobians"),
            at_least=0.8,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.7,
    settings=SETTINGS,
)
