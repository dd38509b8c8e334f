"""DeepNorm trains where Post-LN no longer does: 64 layers (Wang et al. 2022; ReZero, Bachlechner et al. 2020).

DeepNorm is Post-LN with the residual weighted by alpha = (2N)^(1/4) and the initial weights of the branch, all but queries and
keys, scaled by beta = (8N)^(-1/4) for a decoder of N layers. ReZero has no norm: each branch starts behind a gate of zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, GREEN, ORANGE, RED, band
from headway.claims.small import Block, SmallLM, held_out_loss, next_symbol_loss
from headway.data.markov import MarkovText

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "symbols": 24,
    "peak": 1.0,
    "far": 0.3,
    "length": 16,
    "batch": 16,
    "width": 32,
    "n_head": 4,
    "layers": 64,
    "shallow": 4,
    "steps": 200,
    "warmup": 50,
    "lr": 1e-3,
    "betas": [0.9, 0.98],
    "eval_every": 25,
}


class DeepNormBlock(Block):
    """LayerNorm(alpha x + f(x))."""

    def __init__(self, width: int, n_head: int, layers: int) -> None:
        super().__init__(width, n_head, "post")
        self.alpha, beta = (2 * layers) ** 0.25, (8 * layers) ** -0.25
        for linear in (self.qkv, self.out, self.up, self.down):
            nn.init.zeros_(linear.bias)
        q, k, v = self.qkv.weight.data.chunk(3)
        for part, gain in (
            (q, 1.0), (k, 1.0), (v, beta), (self.out.weight, beta), (self.up.weight, beta), (self.down.weight, beta)
        ):  # fmt: skip
            nn.init.xavier_uniform_(part, gain=gain)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attn_norm(self.alpha * x + self.attend(x))
        return self.mlp_norm(self.alpha * x + self.mlp(x))


class ReZeroBlock(Block):
    """x + gate * f(x), the gate starting at zero; no norm."""

    def __init__(self, width: int, n_head: int) -> None:
        super().__init__(width, n_head, "post")
        del self.attn_norm, self.mlp_norm
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.gate * self.attend(x)
        return x + self.gate * self.mlp(x)


def _model(arm: str) -> SmallLM:
    """A Post-LN model; for the other arms its blocks are replaced."""
    layers = SETTINGS["shallow" if arm == "post-shallow" else "layers"]
    width, n_head = SETTINGS["width"], SETTINGS["n_head"]
    model = SmallLM(SETTINGS["symbols"], SETTINGS["length"], layers=layers, width=width, n_head=n_head, norm="post")
    if arm == "deepnorm":
        model.blocks = nn.ModuleList(DeepNormBlock(width, n_head, layers) for _ in range(layers))
    elif arm == "rezero":
        model.blocks = nn.ModuleList(ReZeroBlock(width, n_head) for _ in range(layers))
    return model


def unit(arm: str, seed: int) -> Numbers:
    """Adam, 50 steps of warm-up, then a constant rate; the share of what there is to learn, on text not trained on."""
    language = MarkovText(SETTINGS["symbols"], peak=SETTINGS["peak"], far=SETTINGS["far"], seed=seed)
    draw = torch.Generator().manual_seed(seed)
    held_out = language.sample(128, SETTINGS["length"] + 1, draw)
    torch.manual_seed(seed)
    model = _model(arm)
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"], betas=SETTINGS["betas"], fused=True)
    steps, shares = [], []
    for step in range(SETTINGS["steps"] + 1):
        if step % SETTINGS["eval_every"] == 0:
            left = held_out_loss(model, held_out) - language.entropy_rate
            steps.append(step)
            shares.append(1 - left / (language.unigram_entropy - language.entropy_rate))
        optimiser.param_groups[0]["lr"] = SETTINGS["lr"] * min(1.0, (step + 1) / SETTINGS["warmup"])
        loss = next_symbol_loss(model, language.sample(SETTINGS["batch"], SETTINGS["length"] + 1, draw))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return {"steps": steps, "shares": shares, "learned": sum(shares[-3:]) / 3}


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """What has been learned over the steps, one line per arm."""
    axes = figure.subplots()
    arms = (
        ("deepnorm", BLUE, f"DeepNorm, {SETTINGS['layers']} layers"),
        ("rezero", GREEN, f"ReZero, {SETTINGS['layers']} layers"),
        ("post-shallow", ORANGE, f"Post-LN, {SETTINGS['shallow']} layers"),
        ("post", RED, f"Post-LN, {SETTINGS['layers']} layers"),
    )
    for arm, colour, label in arms:
        band(
            axes,
            next(iter(seeds.values()))[arm]["steps"],
            [seed[arm]["shares"] for seed in seeds.values()],
            colour,
            label,
        )
    axes.axhline(0.0, color="#888888", linestyle="--", linewidth=1)
    axes.text(
        SETTINGS["steps"], 0.02, "knows only how often each symbol occurs", fontsize=8, color="#666666", ha="right"
    )
    axes.set(xlabel="step", ylabel="learned of what there is to learn (share)", ylim=(-0.6, 1.0))
    axes.legend(loc="upper left")


CLAIM = Claim(
    name="deepnorm-64",
    papers=(cite("deepnet"), cite("rezero")),
    statement=(
        "With DeepNorm's weighted residual and smaller initial weights, or behind ReZero's gates, a Transformer of 64 "
        "layers trains where plain Post-LN learns nothing."
    ),
    experiment=(
        "A causal Transformer of width 32 and 64 layers on text of known entropy, Adam at 1e-3 after 50 steps of "
        "warm-up, 200 steps: DeepNorm, ReZero, Post-LN; and Post-LN with 4 layers."
    ),
    control=(
        "Post-LN at 64 layers has to fail, and with 4 layers, all else equal, has to train: depth is what it cannot do."
    ),
    statistic=(
        "Share of what there is to learn (unigram entropy minus entropy rate), the mean of the last three evaluations."
    ),
    limits=(
        "One learning rate and warm-up. A longer warm-up or a smaller rate may bring Post-LN through; and that deeper "
        "is better is not claimed: on this language 4 layers are enough."
    ),
    arms=(
        Arm(name="deepnorm", text="DeepNorm, 64 layers"),
        Arm(name="rezero", text="ReZero, 64 layers"),
        Arm(name="post", text="Post-LN, 64 layers", control=True),
        Arm(name="post-shallow", text="Post-LN, 4 layers", control=True),
    ),
    checks=(
        Check(
            text="DeepNorm trains 64 layers (share learned)",
            value=lambda seed: seed["deepnorm"]["learned"],
            at_least=0.4,
            contrary=0.1,
        ),
        Check(
            text="ReZero trains 64 layers (share learned)",
            value=lambda seed: seed["rezero"]["learned"],
            at_least=0.4,
            contrary=0.1,
        ),
        Check(
            text="control: Post-LN does not train 64 layers (share learned)",
            value=lambda seed: seed["post"]["learned"],
            at_most=0.1,
            control=True,
        ),
        Check(
            text="control: Post-LN trains 4 layers (share learned)",
            value=lambda seed: seed["post-shallow"]["learned"],
            at_least=0.4,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=7,
    settings=SETTINGS,
)
