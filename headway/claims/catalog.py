"""Every claim by name, with what a list of them shows. Reading this table imports no torch and no claim."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.base.errors import HeadwayError, did_you_mean

if TYPE_CHECKING:
    from headway.claims.base import Claim


@dataclass(frozen=True, kw_only=True)
class ClaimEntry:
    """One row of the list: the claim in a few words, whose it is, its topic, and its cost in CPU-minutes on one core."""

    title: str
    paper: str
    topic: str
    minutes: float

    @property
    def cost(self) -> str:
        """``20 s`` or ``7 min``."""
        return f"{max(1, round(self.minutes * 60))} s" if self.minutes < 1 else f"{self.minutes:.0f} min"


CATALOG: dict[str, ClaimEntry] = {
    "gradient-check": ClaimEntry(
        title="Backpropagation is exact to rounding, finite differences are not",
        paper="Baydin et al. 2015",
        topic="autograd",
        minutes=0.02,
    ),
    "adam-bias-correction": ClaimEntry(
        title="Without bias correction Adam's first steps are too large",
        paper="Kingma and Ba 2014",
        topic="training-basics",
        minutes=0.1,
    ),
    "l2-vs-decoupled": ClaimEntry(
        title="For Adam, an L2 term is not weight decay",
        paper="Loshchilov and Hutter 2017",
        topic="training-basics",
        minutes=1,
    ),
    "rnn-gradients": ClaimEntry(
        title="Gradients through time follow the spectral radius",
        paper="Pascanu et al. 2012",
        topic="language-models",
        minutes=0.05,
    ),
    "gradient-clipping": ClaimEntry(
        title="Clipping the norm saves a recurrent network whose gradients explode",
        paper="Pascanu et al. 2012",
        topic="language-models",
        minutes=0.7,
    ),
    "scale": ClaimEntry(
        title="Var(q.k) is d_k, and a softmax without 1/sqrt(d_k) stops learning",
        paper="Vaswani et al. 2017",
        topic="attention",
        minutes=0.7,
    ),
    "sinusoid-shift": ClaimEntry(
        title="Shifting a sinusoidal position is a linear map",
        paper="Vaswani et al. 2017",
        topic="attention",
        minutes=0.05,
    ),
    "layernorm-invariances": ClaimEntry(
        title="Which changes layer, batch and weight normalisation are invariant to",
        paper="Ba et al. 2016",
        topic="layer-norm",
        minutes=0.02,
    ),
    "pre-ln": ClaimEntry(
        title="Post-LN needs warm-up, Pre-LN does not",
        paper="Xiong et al. 2020",
        topic="layer-norm",
        minutes=6,
    ),
    "bpe-no-unknowns": ClaimEntry(
        title="Byte pair encoding has no unknown words, and gives back every byte",
        paper="Sennrich et al. 2015",
        topic="tokenizers",
        minutes=0.5,
    ),
    "length-collapse": ClaimEntry(
        title="One vector fails on long sentences, and attention cures it",
        paper="Bahdanau et al. 2014",
        topic="seq2seq",
        minutes=5,
    ),
    "source-reversal": ClaimEntry(
        title="Reading the source backwards makes a recurrent translator learn better",
        paper="Sutskever et al. 2014",
        topic="seq2seq",
        minutes=4,
    ),
    "path-length": ClaimEntry(
        title="Attention connects distant positions in one step, a recurrence in many",
        paper="Vaswani et al. 2017",
        topic="attention",
        minutes=4,
    ),
    "deepnorm-64": ClaimEntry(
        title="DeepNorm and ReZero train 64 layers, Post-LN does not",
        paper="Wang et al. 2022",
        topic="layer-norm",
        minutes=7,
    ),
    "mup-transfer": ClaimEntry(
        title="Under muP the best learning rate transfers across widths",
        paper="Yang et al. 2022",
        topic="training",
        minutes=5,
    ),
    "kaplan-sign": ClaimEntry(
        title="The loss falls as a power of the model's size",
        paper="Kaplan et al. 2020",
        topic="training",
        minutes=6,
    ),
    "chinchilla-minimum": ClaimEntry(
        title="For every budget of compute there is a best size",
        paper="Hoffmann et al. 2022",
        topic="training",
        minutes=8,
    ),
    "encdec-vs-rnn": ClaimEntry(
        title="At equal cost the Transformer translates better than a GRU with attention",
        paper="Vaswani et al. 2017",
        topic="transformer",
        minutes=6,
    ),
}


def check_name(name: str) -> str:
    """`name`, where there is a claim called so; else one line. Imports no claim."""
    if name not in CATALOG:
        known = list(CATALOG)
        raise HeadwayError(
            f"there is no claim '{name}'.{did_you_mean(name, known)} `headway claims` lists all {len(known)}."
        )
    return name


def module_of(name: str) -> str:
    """The module of the claim called `name`: its file, and where its `unit` is."""
    return f"headway.claims.{check_name(name).replace('-', '_')}"


def get(name: str) -> Claim:
    """Import the claim called `name`."""
    return importlib.import_module(module_of(name)).CLAIM
