"""What a state keeps: how much of it is left from one token to the next, and of each token at each later one.

In all of these a number of state goes from token to token by a factor between 0 and 1, to which the new token's share is added:

    Mamba          exp(dt[t] A)      by channel and number of state; dt depends on the token
    Mamba-2        exp(dt[t] A)      by head
    RetNet         γ                 by head, the same at every token
    S4D            |exp(dt A)|       by channel and number of state, the same at every token
    LSTM           f[t]              the forget gate, by number of the cell
    GRU            z[t]              the update gate, by number of state (also in the recurrent encoder-decoder)

What is left at token t of what token s wrote is the product of the factors of s+1 to t. For a Mamba, an S4D and the cells that is
one factor for each of thousands of numbers: shown are some of them, from the quickest to forget to the slowest.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.text import Text
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.base.replaced import replaced
from headway.blocks.diagonal import held
from headway.blocks.recurrent import gru, gru_step, lstm, lstm_by_hand
from headway.look.attention import visible
from headway.look.editing import Edit
from headway.look.feeding import feed
from headway.look.mixing import Mix
from headway.look.picture import Picture
from headway.look.telling import heading, printable
from headway.look.tracing import Trace, run
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 5
"""Numbers of state shown of a layer that has a factor for each: the quickest to forget, the slowest, and three between."""

SPREAD = 41
"""Half-lives by which their distribution in a layer is told, from the least to the largest."""


@dataclass(frozen=True)
class Kept:
    """One layer.

    Attributes:
        place: The module.
        gate: What the factor is called, as at the top of this file.
        side: Which of the picture's texts its steps are.
        steps: The order in which it reads the text: places of the text, which a backwards layer reads from the end.
        names: What is shown: heads, or single numbers of state.
        total: How many factors there are at each token.
        keep: The factor of each at each step, (h, t).
        state: Its size after each step, (h, t): a number's magnitude, or the length (L2) of a head's state.
        half_lives: In tokens, of all factors of the layer, sorted, a selection: log 2 over the mean of -log of the factor.
            Infinite where nothing is forgotten.
    """

    place: str
    gate: str
    side: str
    steps: tuple[int, ...]
    names: tuple[str, ...]
    total: int
    keep: Float[Tensor, "h t"]
    state: Float[Tensor, "h t"]
    half_lives: Float[Tensor, " n"]


@dataclass(frozen=True, kw_only=True)
class Decay(Picture):
    """What states keep.

    Attributes:
        texts: ``text``, or ``source`` and ``target`` -> its tokens.
        layers: In the order in which they ran.
    """

    kind = "decay"

    texts: dict[str, tuple[str, ...]]
    layers: tuple[Kept, ...]

    def left(self, layer: int, head: int) -> Float[Tensor, "t s"]:
        """What is left, after step t, of what step s wrote: 1 on the diagonal, 0 above it."""
        return left(self.layers[layer].keep[head])

    def lines(self, width: int = 100) -> list[Text]:
        """Half-lives by layer; then, of the last layer, what is left of each token at the end."""
        some = (0, 0.25, 0.5, 0.75, 1) if width >= 90 else (0, 0.5, 1)
        wide = min(max(5, *(len(layer.place) for layer in self.layers)), 22 if width >= 90 else 18)
        head = ("least", "quarter", "median", "3 quarters", "most") if width >= 90 else ("least", "median", "most")
        columns = "".join(f"{name:>{11 if width >= 90 else 9}}" for name in head)
        found = [Text(f"{'':<{wide}} {'factor':<13} half-life in tokens", "bold")]
        found.append(Text(f"{'layer':<{wide}} {'':<13}{columns}", "bold"))
        for layer in self.layers:
            spread = [layer.half_lives[round(q * (len(layer.half_lives) - 1))] for q in some]
            told = "".join(f"{tokens_told(float(x)):>{11 if width >= 90 else 9}}" for x in spread)
            found.append(Text(f"{layer.place[:wide]:<{wide}} {layer.gate:<13}{told}"))
        last = self.layers[-1]
        texts = self.texts[last.side]
        shown = min(len(last.names), max(1, (width - 18) // 14), 6)
        chosen = [round(n * (len(last.names) - 1) / max(shown - 1, 1)) for n in range(shown)]
        found.append(Text(""))
        found.append(Text(f"{last.place}: left at the end of what each token wrote"[:width], "bold"))
        found.append(Text(f"{'':<16}" + "".join(f"{last.names[n][:13]:<14}" for n in chosen), "dim"))
        ends = [left(last.keep[n])[-1].tolist() for n in chosen]
        for step, place in enumerate(last.steps):
            line = Text(f"{visible(texts[place])[:14]:<16}")
            for end in ends:
                line.append(f"{'█' * round(8 * end[step]):<8} {end[step]:.2f} ", "cyan" if end[step] > 0.1 else "dim")
            found.append(line)
        return found

    def draw(self, figure: Figure) -> None:
        """Half-lives by layer; and for the last layer the factor at each token, and what is left of the first token."""
        above, below = figure.subplots(2, 1, height_ratios=[1, 1.3])
        for n, layer in enumerate(self.layers):
            lives = layer.half_lives.double().clamp(1e-2, 1e6).numpy()
            above.plot([n] * len(lives), lives, "_", color="#2f6fc4", alpha=0.7, markersize=12)
        above.set_yscale("log")
        step = max(1, math.ceil(len(self.layers) / 12))
        names = [layer.place.removeprefix("blocks.") for layer in self.layers]
        above.set_xticks(range(0, len(names), step), names[::step], fontsize=6, rotation=20, ha="right")
        above.set_ylabel("half-life (tokens)", fontsize=8)
        last = self.layers[-1]
        for n in range(min(len(last.names), 8)):
            below.plot(left(last.keep[n])[:, 0].numpy(), label=last.names[n], linewidth=1.6)
        texts = self.texts[last.side]
        ticks = range(0, len(last.steps), max(1, math.ceil(len(last.steps) / 30)))
        below.set_xticks(
            ticks, [printable(visible(texts[last.steps[n]]))[:10] for n in ticks], rotation=45, ha="right", fontsize=7
        )
        below.set(ylim=(-0.02, 1.02))
        below.set_ylabel(f"left of the first token\n({last.place})", fontsize=8)
        below.legend(frameon=False, fontsize=6)
        for axis in (above, below):
            axis.spines[["top", "right"]].set_visible(False)
        figure.suptitle(heading(self), fontsize=9)


def left(keep: Float[Tensor, " t"]) -> Float[Tensor, "t s"]:
    """The product of the factors of s+1 to t, for each t and s; 0 where s comes after t."""
    sums = keep.double().clamp(min=1e-300).log().cumsum(0)
    whole = (sums[:, None] - sums[None]).tril().exp().tril()
    return whole.to(keep.dtype)


def tokens_told(x: float) -> str:
    """A half-life in a few places."""
    return "forever" if x > 1e6 else f"{x:,.0f}" if x >= 10 else f"{x:.2g}"


@dataclass
class Cell:
    """One call of a recurrent cell's function: its inputs, the state before and the states after, (1, t, n)."""

    place: str
    x: Tensor
    start: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    outputs: Tensor


def decay(
    loaded: Loaded, given: Any, *, target: Any = None, edits: Sequence[Edit] = (), layers: Sequence[int] | None = None
) -> Decay:
    """How quickly a recurrent model forgets, token by token.

    Args:
        loaded: A Mamba, Mamba-2, RetNet, S4D, LSTM, GRU, or a recurrent encoder-decoder.
        given: A text.
        target: For an encoder-decoder, what it writes; its own answer if left out.
        edits: What is changed for this run.
        layers: Which to show, counted from 0; all if left out.

    Raises:
        HeadwayError: the model has no state that decays, or not that layer.
    """
    food = feed(loaded, given, target)
    cells: list[Cell] = []
    depth = [0]
    owners = {id(weight): name.rpartition(".input.")[0] for name, weight in loaded.model.named_parameters()}

    def recorded(before: Callable, *, n_state: int) -> Callable:
        def call(x: Tensor, *rest: Any) -> Any:
            depth[0] += 1
            try:
                out = before(x, *rest)
            finally:
                depth[0] -= 1
            if depth[0]:  # one of these functions calls another: the outermost call is the cell's
                return out
            ys = out[0] if isinstance(out, tuple) and n_state == 2 and out[0].dim() == 3 else out
            single = x.dim() == 2
            start, weights = rest[:n_state], rest[n_state:]
            cells.append(
                Cell(
                    owners.get(id(weights[0]), ""),
                    x[:, None] if single else x,
                    tuple(start),
                    tuple(weights),
                    ys[:, None] if single else ys,
                )
            )
            return out

        return call

    @contextlib.contextmanager
    def within(found: Trace) -> Iterator[None]:
        news: dict[Callable, Callable[[Callable], Callable]] = dict.fromkeys(
            (gru, gru_step), functools.partial(recorded, n_state=1)
        )
        news |= dict.fromkeys((lstm, lstm_by_hand), functools.partial(recorded, n_state=2))
        with replaced(news):
            yield

    with torch.no_grad():
        found = run(loaded, food, edits, within=within)
        made = [_of_mix(mix, found) for mix in found.mixes if mix.name in _FACTORS]
        made += [_of_cell(cell, found) for cell in _joined(cells)]
    if not made:
        raise HeadwayError(
            f"a {type(loaded.model).__name__} has no state that decays: recurrent cells, state spaces and retention have one."
        )
    if layers is not None:
        for n in layers:
            if not -len(made) <= n < len(made):
                raise HeadwayError(f"there is no layer {n}: they are counted from 0 to {len(made) - 1}.")
        made = [made[n] for n in layers]
    return Decay(
        title=f"{loaded.name}: {food.told}", edits=tuple(map(str, edits)), texts=dict(food.texts), layers=tuple(made)
    )


# Factors and states, from what a function was called with: log of the factor of each number or head, (t, ...)


def _scan_factors(mix: Mix) -> Tensor:
    dt, A = mix.args[1][0], mix.args[2]
    return dt[..., None] * A


def _ssd_factors(mix: Mix) -> Tensor:
    return mix.args[1][0] * mix.args[2]


def _retain_factors(mix: Mix) -> Tensor:
    return mix.args[3].expand(mix.args[0].shape[2], -1)


def _diagonal_factors(mix: Mix) -> Tensor:
    x, A, _, dt = mix.args[:4]
    return (dt[:, None] * A.real).expand(x.shape[1], *A.shape)


_FACTORS: dict[str, tuple[str, Callable[[Mix], Tensor]]] = {
    "scan": ("exp(dt A)", _scan_factors),
    "ssd": ("exp(dt A)", _ssd_factors),
    "retain": ("γ", _retain_factors),
    "diagonal": ("|exp(dt A)|", _diagonal_factors),
}


def _of_mix(mix: Mix, found: Trace) -> Kept:
    gate, factors = _FACTORS[mix.name]
    logs = factors(mix).float()
    t = logs.shape[0]
    lives = _half_lives(logs.flatten(1).mean(0))
    if logs.dim() == 2:  # by head: all are shown
        chosen = list(range(logs.shape[1]))
        names = tuple(f"head {n}" for n in chosen)
        state = _head_states(mix, logs)
    else:
        n = logs.shape[2]
        flat = logs.flatten(1)
        chosen = _spread(flat.mean(0))
        names = tuple(f"channel {place // n}, number {place % n}" for place in chosen)
        state = _number_states(mix, chosen)
        logs = flat
    return Kept(
        mix.place,
        gate,
        found.feed.of_stack(mix.place),
        tuple(range(t)),
        names,
        logs.shape[1],
        logs[:, chosen].exp().t().contiguous().cpu(),
        state.float().cpu(),
        lives.cpu(),
    )


def _head_states(mix: Mix, logs: Float[Tensor, "t h"]) -> Float[Tensor, "h t"]:
    """The length of each head's state after each step: keys times values, decayed (or B times dt x)."""
    if mix.name == "retain":
        k, v = mix.args[1][0].transpose(0, 1), mix.args[2][0].transpose(0, 1)  # (t, h, .)
    else:
        x, dt, _, B = mix.args[:4]
        k = B[0].repeat_interleave(x.shape[2] // B.shape[2], 1)
        v = x[0] * dt[0][..., None]
    S = k.new_zeros(k.shape[1], k.shape[2], v.shape[2])
    sizes = []
    for keep, k_t, v_t in zip(logs.exp().unbind(0), k.unbind(0), v.unbind(0), strict=True):
        S = keep[:, None, None] * S + k_t[:, :, None] * v_t[:, None]
        sizes.append(S.flatten(1).norm(dim=1))
    return torch.stack(sizes, 1)


def _number_states(mix: Mix, chosen: list[int]) -> Float[Tensor, "h t"]:
    """The magnitude of single numbers of state after each step."""
    x = mix.args[0][0]
    if mix.name == "scan":
        dt, A, B = mix.args[1][0], mix.args[2], mix.args[3][0]
        n = A.shape[1]
        channels, numbers = [place // n for place in chosen], [place % n for place in chosen]
        keep = (dt[:, channels] * A[channels, numbers]).exp()
        new = dt[:, channels] * x[:, channels] * B[:, numbers]
    else:
        A, dt = mix.args[1], mix.args[3]
        n = A.shape[1]
        channels, numbers = [place // n for place in chosen], [place % n for place in chosen]
        factor, take = held(A, dt)
        keep = factor[channels, numbers].expand(len(x), -1)
        new = take[channels, numbers] * x[:, channels]
    h = torch.zeros_like(new[0])
    sizes = []
    for keep_t, new_t in zip(keep, new, strict=True):
        h = keep_t * h + new_t
        sizes.append(h.abs())
    return torch.stack(sizes, 1)


def _joined(cells: list[Cell]) -> list[Cell]:
    """The calls, those of one cell step by step made one."""
    found: list[Cell] = []
    for cell in cells:
        if found and found[-1].place == cell.place and cell.x.shape[1] == 1:
            last = found[-1]
            found[-1] = Cell(
                last.place,
                torch.cat((last.x, cell.x), 1),
                last.start,
                last.weights,
                torch.cat((last.outputs, cell.outputs), 1),
            )
        else:
            found.append(cell)
    return found


def _of_cell(cell: Cell, found: Trace) -> Kept:
    """A recurrent cell: its gates are worked out again, from its inputs and from the states that it really had."""
    before = torch.cat((cell.start[0][:, None], cell.outputs[:, :-1]), 1)[0]
    w_x, w_h, b_x, b_h = cell.weights
    from_x, from_h = F.linear(cell.x[0], w_x, b_x), F.linear(before, w_h, b_h)
    n = w_h.shape[1]
    if len(cell.start) == 1:
        gate, gates = "update gate z", from_x[:, n : 2 * n] + from_h[:, n : 2 * n]
        state = cell.outputs[0]
    else:
        i, f, g, _ = (from_x + from_h).chunk(4, -1)
        gate, gates = "forget gate f", f
        c, cs = cell.start[1][0], []
        for keep, new in zip(torch.sigmoid(f), torch.sigmoid(i) * torch.tanh(g), strict=True):
            c = keep * c + new
            cs.append(c)
        state = torch.stack(cs)
    logs = F.logsigmoid(gates).float()
    chosen = _spread(logs.mean(0))
    t = len(logs)
    back = cell.place.rpartition(".")[2] == "back"
    encoder = cell.place.rpartition(".")[2] in ("ahead", "back")
    texts = found.feed.texts
    side = next(iter(texts)) if len(texts) == 1 else "source" if encoder else "target"
    return Kept(
        cell.place or "cell",
        gate,
        side,
        tuple(reversed(range(t))) if back else tuple(range(t)),
        tuple(f"number {place}" for place in chosen),
        n,
        logs[:, chosen].exp().t().contiguous().cpu(),
        state[:, chosen].abs().t().float().contiguous().cpu(),
        _half_lives(logs.mean(0)).cpu(),
    )


def _spread(means: Float[Tensor, " n"]) -> list[int]:
    """Places of the quickest to forget, of the slowest, and of some between."""
    order = means.argsort(stable=True).tolist()
    n = min(SHOWN, len(order))
    return list(dict.fromkeys(order[round(place * (len(order) - 1) / max(n - 1, 1))] for place in range(n)))


def _half_lives(means: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    lives = (math.log(2) / -means.double()).sort().values
    n = min(SPREAD, len(lives))
    return lives[[round(place * (len(lives) - 1) / max(n - 1, 1)) for place in range(n)]]
