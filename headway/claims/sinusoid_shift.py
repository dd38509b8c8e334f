"""A shift of sinusoidal positions is a linear map (Vaswani et al. 2017, section 3.5).

For each frequency w the pair (sin wp, cos wp) turns by the angle w k when p grows by k: a rotation that does not depend on p.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, ORANGE, RED, band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {"width": 64, "base": 10_000.0, "shifts": [1, 2, 5, 10, 20, 50, 100], "positions": 512}


def _angles(positions: Tensor) -> Tensor:
    """w_i p with w_i = base^(-2i/d): (p) -> (p, d/2), float64."""
    half = torch.arange(SETTINGS["width"] // 2, dtype=torch.float64)
    return positions.double()[:, None] * SETTINGS["base"] ** (-2 * half / SETTINGS["width"])


def _encode(arm: str, positions: Tensor, seed: int) -> Tensor:
    """The positions' vectors (p, d): sines beside cosines, sines of twice as many frequencies, or one random row each."""
    if arm == "random":
        table = torch.randn(4096, SETTINGS["width"], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        return table[positions]
    angles = _angles(positions)
    if arm == "sines":
        return torch.cat([angles, angles * 0.77], dim=-1).sin()
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def _rotation(shift: int) -> Tensor:
    """The block-diagonal matrix of rotations by w_i k, (d, d), to be applied as PE(p) @ matrix."""
    angle = _angles(torch.tensor([shift]))[0]
    blocks = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=-1).view(-1, 2, 2)
    return torch.block_diag(*blocks)


def unit(arm: str, seed: int) -> Numbers:
    """Per shift, the relative error of the best linear map at positions it was not fitted to.

    `matrix` is the map that theory gives, and its largest absolute error. The other arms get the least-squares map from half of
    the positions, which is the most that any linear map can do there, and are tested on the other half.
    """
    draw = torch.Generator().manual_seed(seed)
    positions = torch.randperm(2048, generator=draw)[: SETTINGS["positions"]]
    fit, test = positions.chunk(2)
    errors = []
    for shift in SETTINGS["shifts"]:
        if arm == "matrix":
            moved = _encode(arm, positions, seed) @ _rotation(shift)
            errors.append((moved - _encode(arm, positions + shift, seed)).abs().max().item())
            continue
        # A shift of the random table must hold for all positions at once: what it fitted by chance does not count.
        found = torch.linalg.lstsq(
            _encode(arm, fit, seed), _encode(arm, fit + shift, seed), rcond=1e-12, driver="gelsd"
        ).solution
        target = _encode(arm, test + shift, seed)
        errors.append(((_encode(arm, test, seed) @ found - target).norm() / target.norm()).item())
    return {"errors": errors, "worst": max(errors), "least": min(errors)}


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Error of the best linear shift over the distance, one line per encoding."""
    axes = figure.subplots()
    arms = (
        ("random", RED, "a random vector per position: best linear map"),
        ("sines", ORANGE, "sines without their cosines: best linear map"),
        ("sinusoids", BLUE, "sinusoids: best linear map"),
        ("matrix", "#222222", "sinusoids: the rotation from theory"),
    )
    for arm, colour, label in arms:
        rows = [[max(error, 1e-17) for error in seed[arm]["errors"]] for seed in seeds.values()]
        band(axes, SETTINGS["shifts"], rows, colour, label, marker="o")
    axes.set(
        xscale="log", yscale="log", xlabel="shift k", ylabel="error of PE(p + k) predicted from PE(p)", ylim=(1e-16, 30)
    )
    axes.set_xticks(SETTINGS["shifts"], [str(shift) for shift in SETTINGS["shifts"]])
    axes.minorticks_off()
    axes.legend(loc="center right")


CLAIM = Claim(
    name="sinusoid-shift",
    papers=(cite("transformer", "section 3.5"),),
    statement="For every fixed offset k, the sinusoidal encoding PE(p + k) is one linear function of PE(p), whatever p is.",
    experiment=(
        "Width 64, base 10000, float64, 512 random positions below 2048, shifts from 1 to 100. The rotation that theory gives is "
        "applied; besides, the best linear map is fitted on half of the positions and tested on the other half."
    ),
    control="A random vector per position, and sines without their cosines, must have no such linear map.",
    statistic="Largest error over the shifts (absolute for the rotation, relative for fitted maps); for the controls the least.",
    limits="That the map exists says nothing on whether a trained model uses it.",
    arms=(
        Arm(name="matrix", text="sinusoids, the rotation from theory"),
        Arm(name="sinusoids", text="sinusoids, the fitted linear map"),
        Arm(name="sines", text="sines of 64 frequencies, no cosines, the fitted linear map", control=True),
        Arm(name="random", text="a random vector per position, the fitted linear map", control=True),
    ),
    checks=(
        Check(
            text="the rotation maps PE(p) to PE(p + k) (largest error)",
            value=lambda seed: seed["matrix"]["worst"],
            at_most=2e-12,
            exact=True,
        ),
        Check(
            text="a fitted linear map generalises to other positions (largest relative error)",
            value=lambda seed: seed["sinusoids"]["worst"],
            at_most=1e-6,
            exact=True,
        ),
        Check(
            text="control: none exists for random vectors (least relative error)",
            value=lambda seed: seed["random"]["least"],
            at_least=0.5,
            control=True,
            exact=True,
        ),
        Check(
            text="control: none exists for sines alone (least relative error)",
            value=lambda seed: seed["sines"]["least"],
            at_least=1e-3,
            control=True,
            exact=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.05,
    settings=SETTINGS,
)
