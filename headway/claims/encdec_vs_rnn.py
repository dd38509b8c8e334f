"""The encoder-decoder Transformer against a recurrent one with attention, at the same cost (Vaswani et al. 2017).

The translation is from digits to English number words: 4207 -> four thousand two hundred and seven. Cost is what table 2 of
the paper counts, floating-point operations: the steps of the two are set so that they are equal, and a control holds them to
it. Those of a step depend on shapes alone, so that the same steps are equal cost on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, ORANGE, RED, dots
from headway.data.pairs import load_pairs
from headway.models.seq2seq import Seq2Seq, Seq2SeqConfig
from headway.models.transformer import Transformer, TransformerConfig
from headway.train.flops import flops_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "transformer": {"width": 64, "n_layer": 2, "n_head": 4, "norm": "pre"},
    "recurrent": {"width": 64, "state": 96, "attention": "additive"},
    "transformer_steps": 240,
    "recurrent_steps": 178,
    "batch": 64,
    "held_out": 1000,
    "lr": 3e-3,
    "warmup": 50,
    "clip": 1.0,
}

PAD, BEGIN, END = 0, 1, 2


class _Numbers:
    """The pairs as padded ids: sources (n, s), targets with begin and end (n, t)."""

    def __init__(self, seed: int) -> None:
        pairs = load_pairs("numbers")
        order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed)).tolist()
        digits, words = [list(pairs[i][0]) for i in order], [pairs[i][1].replace("-", " - ").split() for i in order]
        self.source_ids = {symbol: 1 + n for n, symbol in enumerate("0123456789")}
        self.target_ids = {word: 3 + n for n, word in enumerate(sorted({word for row in words for word in row}))}
        self.source = _padded([[self.source_ids[digit] for digit in row] for row in digits])
        self.target = _padded([[BEGIN, *(self.target_ids[word] for word in row), END] for row in words])


def _padded(rows: list[list[int]]) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])


def _model(arm: str, data: _Numbers) -> nn.Module:
    sizes = {"vocab_size": 1 + len(data.source_ids), "target_vocab_size": 3 + len(data.target_ids)}
    if arm == "recurrent":
        return Seq2Seq(Seq2SeqConfig(**sizes, **SETTINGS["recurrent"]))
    return Transformer(TransformerConfig(**sizes, **SETTINGS["transformer"]))


def unit(arm: str, seed: int) -> Numbers:
    """Train; then the share of unseen numbers whose every word is right.

    Each word is asked for after the right ones. A number counts only if all its words are the first choice, and then greedy
    decoding would have come the same way: the share is that of greedy decoding.
    """
    data = _Numbers(seed)
    draw = torch.Generator().manual_seed(seed)
    source, target = data.source, data.target
    if arm == "shuffled":
        # The same digits in an order of their own: whoever translates these does without the order.
        keys = torch.rand(source.shape, generator=draw).masked_fill(source == PAD, 2.0)
        source = source.gather(1, keys.argsort(1))
    held_out, seen = slice(0, SETTINGS["held_out"]), slice(SETTINGS["held_out"], None)
    torch.manual_seed(seed)
    model = _model(arm, data)
    steps = SETTINGS["recurrent_steps" if arm == "recurrent" else "transformer_steps"]
    # The backward pass of a product is two products of the same size.
    flops = 3 * steps * flops_of(lambda: _loss(model, *_longest(source[seen], target[seen])))
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"], betas=(0.9, 0.98), fused=True)
    for step in range(steps):
        pick = torch.randint(len(source[seen]), (SETTINGS["batch"],), generator=draw)
        rate = min((step + 1) / SETTINGS["warmup"], 1 - step / steps)
        optimiser.param_groups[0]["lr"] = SETTINGS["lr"] * rate
        loss = _loss(model, source[seen][pick], target[seen][pick])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimiser.step()
    with torch.no_grad():
        wrong = torch.zeros(SETTINGS["held_out"], dtype=torch.bool)
        given, asked = target[held_out, :-1], target[held_out, 1:]
        choice = _logits(model, source[held_out], given).argmax(-1)
        wrong = ((choice != asked) & (asked != PAD)).any(1)
        words = ((choice == asked) & (asked != PAD)).sum() / (asked != PAD).sum()
    return {
        "exact": 1 - wrong.double().mean().item(),
        "words": words.item(),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "steps": steps,
        "teraflops": flops / 1e12,
    }


def _longest(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """A batch in the longest shape there is; nearly every batch that is drawn has it."""
    rows = [(ids != PAD).sum(1).argsort(descending=True)[: SETTINGS["batch"] // 2] for ids in (source, target)]
    pick = torch.cat(rows)
    return source[pick], target[pick]


def _logits(model: nn.Module, source: Tensor, given: Tensor) -> Tensor:
    return model(source, given, source_mask=source != PAD)


def _loss(model: nn.Module, source: Tensor, target: Tensor) -> Tensor:
    # Columns in which the whole batch is padding are left out: they cost time and teach nothing.
    source, target = source[:, (source != PAD).any(0)], target[:, (target != PAD).any(0)]
    logits = _logits(model, source, target[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD)


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """The share of unseen numbers translated without a mistake, a dot per seed."""
    axes = figure.subplots()
    arms = ("transformer", "recurrent", "shuffled")
    rows = [[100 * seed[arm]["exact"] for seed in seeds.values()] for arm in arms]
    names = ["Transformer", "GRU with attention", "Transformer,\ndigits shuffled"]
    dots(axes, names, rows, (BLUE, RED, ORANGE))
    axes.set(ylabel="unseen numbers all right (%)", ylim=(-3, 103))


CLAIM = Claim(
    name="encdec-vs-rnn",
    papers=(cite("transformer"), cite("bahdanau")),
    statement=(
        "At equal cost an encoder-decoder Transformer translates better than a recurrent encoder-decoder with "
        "attention."
    ),
    experiment=(
        "Digits to English number words, 19,000 numbers below a million to learn from, 1,000 others to be tested on; a "
        "Transformer of 2 + 2 layers, width 64, and a GRU of 96 units with additive attention, each for as many steps as "
        "take the same floating-point operations in products of matrices."
    ),
    control=(
        "The same Transformer on shuffled digits has to fail: the test cannot be passed without reading the order. And the "
        "operations of the two, counted, have to be equal to 2 %."
    ),
    statistic="Share of unseen numbers of which every word is right.",
    limits=(
        "A toy translation with a rule behind it, seconds of training, one setting for each of the two. Equal operations are "
        "not equal time: on a CPU the two take about as long here, on an accelerator recurrence takes longer."
    ),
    arms=(
        Arm(name="transformer", text="Transformer, pre-norm, 2 + 2 layers, width 64"),
        Arm(name="recurrent", text="bidirectional GRU, additive attention, 96 units"),
        Arm(name="shuffled", text="the Transformer, digits shuffled", control=True),
    ),
    checks=(
        Check(
            text="it is ahead of the recurrent one (share all right, difference)",
            value=lambda seed: seed["transformer"]["exact"] - seed["recurrent"]["exact"],
            at_least=0.02,
            contrary=-0.02,
        ),
        Check(
            text="control: on shuffled digits it fails (share all right)",
            value=lambda seed: seed["shuffled"]["exact"],
            at_most=0.3,
            control=True,
        ),
        Check(
            text="control: the two cost the same (operations, difference as a share of the Transformer's)",
            value=lambda seed: abs(seed["recurrent"]["teraflops"] / seed["transformer"]["teraflops"] - 1),
            at_most=0.02,
            control=True,
        ),
    ),
    seeds=tuple(range(10)),
    unit=unit,
    draw=draw,
    minutes=6,
    settings=SETTINGS,
)
