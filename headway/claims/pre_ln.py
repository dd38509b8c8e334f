"""Where LayerNorm sits decides whether a Transformer needs warm-up (Xiong et al. 2020, arXiv 2002.04745).

Two measurements on one small language model. At initialisation: how the gradient of the last layer's second feed-forward
matrix changes with depth. In training: the same twelve layers with and without warm-up, everything else equal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, GREEN, ORANGE, RED, band
from headway.claims.small import Norm, SmallLM, held_out_loss, next_symbol_loss
from headway.data.markov import MarkovText

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "symbols": 24,
    "peak": 1.0,
    "far": 0.3,
    "length": 32,
    "batch": 16,
    "width": 32,
    "n_head": 4,
    "depths": [2, 4, 8, 16],
    "models_at_init": 4,
    "layers": 12,
    "steps": 400,
    "warmup": 200,
    "lr": 2e-3,
    "betas": [0.9, 0.98],
    "eval_every": 20,
}


def unit(arm: str, seed: int) -> Numbers:
    """``<norm>-gradients``: the slope over depth. ``<norm>`` and ``<norm>-warmup``: a training run."""
    norm: Norm = "post" if arm.startswith("post") else "pre"
    language = MarkovText(SETTINGS["symbols"], peak=SETTINGS["peak"], far=SETTINGS["far"], seed=seed)
    if arm.endswith("gradients"):
        return _gradients(language, norm, seed)
    return _train(language, norm, seed, warmup=SETTINGS["warmup"] if arm.endswith("warmup") else 0)


def _model(norm: Norm, layers: int, seed: int) -> SmallLM:
    torch.manual_seed(seed)
    return SmallLM(
        SETTINGS["symbols"],
        SETTINGS["length"],
        layers=layers,
        width=SETTINGS["width"],
        n_head=SETTINGS["n_head"],
        norm=norm,
    )


def _gradients(language: MarkovText, norm: Norm, seed: int) -> Numbers:
    """The Frobenius norm of the gradient at the last `down` matrix, per depth, and the slope of its log in log depth."""
    draw = torch.Generator().manual_seed(seed)
    norms = []
    for depth in SETTINGS["depths"]:
        found = []
        for n in range(SETTINGS["models_at_init"]):
            model = _model(norm, depth, seed=1000 * seed + n)
            loss = next_symbol_loss(model, language.sample(SETTINGS["batch"], SETTINGS["length"] + 1, draw))
            (gradient,) = torch.autograd.grad(loss, model.get_parameter(f"blocks.{depth - 1}.down.weight"))
            found.append(gradient.norm().item())
        norms.append(sum(found) / len(found))
    return {"norms": norms, "slope": _slope(SETTINGS["depths"], norms)}


def _slope(x: list[int], y: list[float]) -> float:
    """The least-squares slope of log y in log x."""
    logs = [(math.log(a), math.log(b)) for a, b in zip(x, y, strict=True)]
    mean_x, mean_y = (sum(column) / len(logs) for column in zip(*logs, strict=True))
    return sum((a - mean_x) * (b - mean_y) for a, b in logs) / sum((a - mean_x) ** 2 for a, _ in logs)


def _train(language: MarkovText, norm: Norm, seed: int, warmup: int) -> Numbers:
    """Adam at a constant rate, reached linearly over the first `warmup` steps; losses on text not trained on."""
    draw = torch.Generator().manual_seed(seed)
    held_out = language.sample(64, SETTINGS["length"] + 1, draw)
    model = _model(norm, SETTINGS["layers"], seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"], betas=SETTINGS["betas"], fused=True)
    steps, losses = [], []
    for step in range(SETTINGS["steps"] + 1):
        if step % SETTINGS["eval_every"] == 0:
            steps.append(step)
            losses.append(held_out_loss(model, held_out))
        optimiser.param_groups[0]["lr"] = SETTINGS["lr"] * min(1.0, (step + 1) / warmup if warmup else 1.0)
        loss = next_symbol_loss(model, language.sample(SETTINGS["batch"], SETTINGS["length"] + 1, draw))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    final = sum(losses[-3:]) / 3
    unigram, rate = language.unigram_entropy, language.entropy_rate
    return {
        "loss": final,
        "learned": (unigram - final) / (unigram - rate),
        "unigram_entropy": unigram,
        "entropy_rate": rate,
        "steps": steps,
        "losses": losses,
    }


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Left: gradient against depth. Right: the four training runs between the entropies of the language."""
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    for norm, colour in (("post", RED), ("pre", BLUE)):
        rows = [seed[f"{norm}-gradients"]["norms"] for seed in seeds.values()]
        band(left, SETTINGS["depths"], rows, colour, f"{norm.capitalize()}-LN", marker="o")
    left.set(
        xscale="log", yscale="log", xlabel="layers", ylabel="gradient norm of the last W2", title="at initialisation"
    )
    left.set_xticks(SETTINGS["depths"], [str(depth) for depth in SETTINGS["depths"]])
    left.minorticks_off()
    left.legend()
    arms = (
        ("post", RED, "Post-LN, no warm-up"),
        ("post-warmup", ORANGE, "Post-LN, warm-up"),
        ("pre", BLUE, "Pre-LN, no warm-up"),
        ("pre-warmup", GREEN, "Pre-LN, warm-up"),
    )
    for arm, colour, label in arms:
        # What is left to learn, as a share: each seed has a language of its own, so the losses themselves do not compare.
        rows = [
            [(loss - seed[arm]["entropy_rate"]) / (seed[arm]["unigram_entropy"] - seed[arm]["entropy_rate"])
             for loss in seed[arm]["losses"]]
            for seed in seeds.values()
        ]  # fmt: skip
        band(right, next(iter(seeds.values()))[arm]["steps"], rows, colour, label)
    right.axhline(1.0, color="#888888", linestyle="--", linewidth=1)
    right.text(
        SETTINGS["steps"], 1.02, "knows only how often each symbol occurs", fontsize=8, color="#666666", ha="right"
    )
    right.axhline(0.0, color="#888888", linestyle="--", linewidth=1)
    right.text(SETTINGS["steps"], 0.02, "knows the language", fontsize=8, color="#666666", ha="right")
    right.set(
        xlabel="step",
        ylabel="what is left to learn (share)",
        ylim=(-0.05, 1.5),
        title=f"training, {SETTINGS['layers']} layers",
    )
    right.legend(loc="lower left", bbox_to_anchor=(0.0, 0.06), fontsize=8.5)


CLAIM = Claim(
    name="pre-ln",
    papers=(cite("pre-ln", "theorem 1"),),
    statement=(
        "With LayerNorm after the residual sum (Post-LN) the last layer's gradients stay large however deep the network, and "
        "training fails without warm-up; with LayerNorm on the branch (Pre-LN) they shrink with depth and warm-up is not needed."
    ),
    experiment=(
        "A causal Transformer on text from a chance process of known entropy. At initialisation, the gradient norm of the last "
        "layer's second feed-forward matrix for 2, 4, 8 and 16 layers. Then 12 layers, Adam (beta2 0.98) at 2e-3 for 400 steps, "
        "Post-LN and Pre-LN, with and without 200 steps of warm-up."
    ),
    control="Post-LN with warm-up, all else equal, has to train: what fails without it is the start, not the architecture.",
    statistic=(
        "Slope of log gradient norm in log depth; and the share of what there is to learn (unigram entropy minus entropy rate) "
        "that the held-out loss has covered at the end, the mean of the last three evaluations."
    ),
    limits=(
        "One width, one learning rate, 400 steps of a toy language. The failure is one of deep and hasty training: at 1e-3 "
        "pilots with 8 layers, or with 12 and more steps, came off the plateau without warm-up. It shows no translation scores."
    ),
    arms=(
        Arm(name="post-gradients", text="Post-LN at initialisation"),
        Arm(name="pre-gradients", text="Pre-LN at initialisation"),
        Arm(name="post", text="Post-LN, no warm-up"),
        Arm(name="post-warmup", text="Post-LN, 200 steps of warm-up", control=True),
        Arm(name="pre", text="Pre-LN, no warm-up"),
        Arm(name="pre-warmup", text="Pre-LN, 200 steps of warm-up"),
    ),
    checks=(
        Check(
            text="Post-LN's last gradient does not shrink with depth (slope)",
            value=lambda seed: seed["post-gradients"]["slope"],
            at_least=-0.1,
            contrary=-0.2,
        ),
        Check(
            text="Pre-LN's last gradient shrinks with depth (slope)",
            value=lambda seed: seed["pre-gradients"]["slope"],
            at_most=-0.2,
            contrary=0.0,
        ),
        Check(
            text="without warm-up Post-LN learns no more than symbol counts (share learned)",
            value=lambda seed: seed["post"]["learned"],
            at_most=0.1,
            contrary=0.2,
        ),
        Check(
            text="without warm-up Pre-LN learns (share learned)",
            value=lambda seed: seed["pre"]["learned"],
            at_least=0.5,
            contrary=0.1,
        ),
        Check(
            text="warm-up adds little to Pre-LN (share learned with, minus without)",
            value=lambda seed: seed["pre-warmup"]["learned"] - seed["pre"]["learned"],
            at_most=0.1,
            contrary=0.2,
        ),
        Check(
            text="control: with warm-up Post-LN trains (share learned with, minus without)",
            value=lambda seed: seed["post-warmup"]["learned"] - seed["post"]["learned"],
            at_least=0.4,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=6,
    settings=SETTINGS,
)
