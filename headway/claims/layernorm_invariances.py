"""What a normalised layer does not notice (Ba, Kiros & Hinton 2016, table 1), for layer, batch and weight normalisation.

Every cell of the table is either an exact invariance or none at all, so that the cells without one are the control.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import GREEN, RED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {"cases": 64, "inputs": 20, "units": 30}

CHANGES = (
    "weight matrix re-scaled",
    "weight matrix re-centred",
    "one weight vector re-scaled",
    "dataset re-scaled",
    "dataset re-centred",
    "one case re-scaled",
)

TABLE = {
    "batch": (True, False, True, True, True, False),
    "weight": (True, False, True, False, False, False),
    "layer": (True, True, False, True, False, True),
}
"""Arm -> for each of `CHANGES`, whether the output stays exactly the same."""


def _output(arm: str, weight: Tensor, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """tanh(gain * normalised(x W^T) + bias), (cases, units); no epsilon, so that an invariance is exact."""
    if arm == "weight":
        return (x @ (weight / weight.norm(dim=1, keepdim=True)).T * gain + bias).tanh()
    a = x @ weight.T
    over = 1 if arm == "layer" else 0
    centred = a - a.mean(over, keepdim=True)
    return (centred / centred.square().mean(over, keepdim=True).sqrt() * gain + bias).tanh()


def unit(arm: str, seed: int) -> Numbers:
    """For each change, the largest change of any output, in float64."""
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    weight, x = normal(SETTINGS["units"], SETTINGS["inputs"]), normal(SETTINGS["cases"], SETTINGS["inputs"])
    gain, bias = normal(SETTINGS["units"]).exp(), normal(SETTINGS["units"])
    factor = 1.5 + torch.rand((), generator=draw, dtype=torch.float64)
    towards = normal(SETTINGS["inputs"])
    one_unit, one_case = torch.ones(SETTINGS["units"], 1), torch.ones(SETTINGS["cases"], 1)
    one_unit[0], one_case[0] = factor, factor
    changed = (
        (factor * weight, x),
        (weight + towards, x),
        (one_unit.double() * weight, x),
        (weight, factor * x),
        (weight, x + towards),
        (weight, one_case.double() * x),
    )
    before = _output(arm, weight, x, gain, bias)
    return {"changes": [(_output(arm, w, y, gain, bias) - before).abs().max().item() for w, y in changed]}


def _worst(seed: Seed, arm: str) -> float:
    """The largest change in the cells that the table calls invariant."""
    return max(change for change, stays in zip(seed[arm]["changes"], TABLE[arm], strict=True) if stays)


def _least(seed: Seed) -> float:
    """The least change in the cells that the table does not call invariant, over all three normalisations."""
    return min(
        change
        for arm, cells in TABLE.items()
        for change, stays in zip(seed[arm]["changes"], cells, strict=True)
        if not stays
    )


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """The table: one cell per normalisation and change, with the largest change over the seeds."""
    figure.subplots_adjust(left=0.16)
    axes = figure.subplots()
    for row, arm in enumerate(reversed(TABLE)):
        for column in range(len(CHANGES)):
            change = max(seed[arm]["changes"][column] for seed in seeds.values())
            stays = change < 1e-6
            axes.add_patch(_box(column, row, GREEN if stays else RED))
            text = "invariant" if stays else "changes"
            axes.text(column + 0.5, row + 0.6, text, ha="center", va="center", weight="bold", color="white")
            power = f"{change:.0e}" if change > 0 else "0"
            axes.text(column + 0.5, row + 0.32, power, ha="center", va="center", fontsize=8.5, color="white")
    axes.set(xlim=(0, len(CHANGES)), ylim=(0, len(TABLE)))
    axes.set_xticks([n + 0.5 for n in range(len(CHANGES))], [change.replace(" re-", "\nre-") for change in CHANGES])
    axes.set_yticks([n + 0.5 for n in range(len(TABLE))], [f"{arm} norm" for arm in reversed(TABLE)])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_title("largest change of an output, float64", fontsize=10)


def _box(column: int, row: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column + 0.02, row + 0.03), 0.96, 0.94, color=colour, alpha=0.85, linewidth=0)


CLAIM = Claim(
    name="layernorm-invariances",
    papers=(cite("layer-norm", "table 1"),),
    statement=(
        "LayerNorm does not notice re-scaling of the weight matrix, of the data or of one case, nor re-centring of the weight "
        "matrix; batch and weight normalisation are invariant to other changes."
    ),
    experiment="One layer with a gain, a bias and tanh, float64, no epsilon: all 18 cells of the table, random sizes of change.",
    control="Every cell that the table marks as not invariant has to change.",
    statistic="The largest change of any output, per cell.",
    limits="With an epsilon, as used in practice, the re-scaling invariances are only approximate; epsilon is left out here.",
    arms=(
        Arm(name="layer", text="layer normalisation"),
        Arm(name="batch", text="batch normalisation, statistics of the batch"),
        Arm(name="weight", text="weight normalisation"),
    ),
    checks=(
        *(
            Check(
                text=f"{arm} norm: the invariant cells stay (largest change)",
                value=lambda seed, arm=arm: _worst(seed, arm),
                at_most=1e-10,
                exact=True,
            )
            for arm in TABLE
        ),
        Check(
            text="control: the other cells change (least change)", value=_least, at_least=1e-3, control=True, exact=True
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.02,
    settings=SETTINGS,
)
