"""How large everything is: the residual stream by layer and token, what each part added to it, and the gradients.

Sizes are lengths of vectors (L2 norms). What a part added is the stream after it less the stream before it; in a model whose
norms stand after the sums (2017) that holds the norm's work too. Gradients are those of the loss of the text: the mean surprisal
of its tokens in nats.

Where many positions become one number it is their median: in many models the first token's stream is a hundred times as long as
the others', and would be all of a mean.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.text import Text
from torch import Tensor, nn

from headway.base.errors import HeadwayError
from headway.look.editing import Edit, Off, block_of, blocks_of
from headway.look.feeding import Feed, feed
from headway.look.guessing import WORDS, spoken_of
from headway.look.picture import Picture
from headway.look.telling import heading, notes
from headway.look.tracing import Trace, run
from headway.zoo import Loaded

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class BlockNorms:
    """One stack of blocks.

    Attributes:
        name: ``blocks``, ``encoder`` or ``decoder``.
        side: Which of the picture's texts its positions are.
        places: ``embedding``, then each part of each block: ``0.attn``, ``0.mlp``, ``1.attn`` ...
        stream: The stream's size after each place, at each position, (places, t).
        added: The size of what the place added to the stream, (places, t); of the embedding, its own.
        gradient: The size of the loss's gradient with respect to the stream there, (places, t); NaN where there is no loss.
    """

    name: str
    side: str
    places: tuple[str, ...]
    stream: Float[Tensor, "p t"]
    added: Float[Tensor, "p t"]
    gradient: Float[Tensor, "p t"]


@dataclass(frozen=True)
class Group:
    """The parameters of one part of the model: a part of a block, or one of what stands around the blocks.

    Attributes:
        name: ``embed``, ``blocks.0.attn``, ``head`` ...
        count: Numbers in it.
        weight: The size of all of them as one vector.
        gradient: The size of the loss's gradient with respect to them; NaN where there is no loss.
    """

    name: str
    count: int
    weight: float
    gradient: float


@dataclass(frozen=True, kw_only=True)
class Norms(Picture):
    """Sizes by layer and token, and by parameter.

    Attributes:
        texts: ``text``, or ``source`` and ``target``, or ``picture`` -> what stands at each position.
        stacks: In the order in which they run.
        groups: In the order of the module tree.
        loss: In nats; NaN where nothing says what the answer should have been.
        loss_told: What the loss is of, in words.
    """

    kind = "norms"

    texts: dict[str, tuple[str, ...]]
    stacks: tuple[BlockNorms, ...]
    groups: tuple[Group, ...]
    loss: float
    loss_told: str

    def lines(self, width: int = 100) -> list[Text]:
        """A line for each place: the median size of the stream, of what was added, and of the gradient."""
        found: list[Text] = []
        for stack in self.stacks:
            wide = max(9, *(len(place) for place in stack.places))
            long = max(4, (width - wide - 30) // 3)
            head = "".join(f"{name:<{long + 9}}" for name in ("stream", "added", "gradient")[: 2 + self.has_gradients])
            found.append(Text(f"{stack.name:<{wide}}  {head}".rstrip(), "bold"))
            columns = [part.double().median(1).values for part in (stack.stream, stack.added, stack.gradient)][
                : 2 + self.has_gradients
            ]
            for n, place in enumerate(stack.places):
                line = Text(f"{place:<{wide}}  ")
                for column, style in zip(columns, ("cyan", "green", "yellow"), strict=False):
                    line.append(f"{short(float(column[n])):>7} ")
                    line.append(f"{'█' * round(long * share(column, n)):<{long}} ", style)
                found.append(line)
        told = f"loss {self.loss:.3f} nats, {self.loss_told}" if self.has_gradients else self.loss_told
        found += notes(f"medians over the positions; bars on a logarithmic scale; {told}", width)
        return found

    @property
    def has_gradients(self) -> bool:
        """Whether there was a loss to send back."""
        return not math.isnan(self.loss)

    def draw(self, figure: Figure) -> None:
        """The stream, what was added, and the gradient, by place: faint lines for positions, a strong one for their median."""
        shown = ("stream", "added", "gradient")[: 2 + self.has_gradients]
        axes = figure.subplots(len(self.stacks), len(shown), squeeze=False)
        for row, stack in zip(axes, self.stacks, strict=True):
            for axis, what in zip(row, shown, strict=True):
                values = getattr(stack, what).double()
                axis.plot(values.numpy(), color="#2f6fc4", alpha=max(0.08, 1 / values.shape[1]), linewidth=0.8)
                axis.plot(values.median(1).values.numpy(), color="#b4570c", linewidth=1.8)
                axis.set_yscale("log" if bool((values > 0).any()) else "linear")
                axis.set_title(
                    {"stream": "residual stream", "added": "added by each part", "gradient": "gradient of the loss"}[
                        what
                    ],
                    fontsize=8,
                )
                step = max(1, math.ceil(len(stack.places) / 10))
                axis.set_xticks(
                    range(0, len(stack.places), step), stack.places[::step], rotation=45, ha="right", fontsize=6
                )
                axis.tick_params(axis="y", labelsize=6)
                axis.spines[["top", "right"]].set_visible(False)
            row[0].set_ylabel(stack.name, fontsize=8)
        figure.suptitle(heading(self), fontsize=9)


def share(column: Tensor, n: int) -> float:
    """Where a size stands between a thousandth of the largest (0) and the largest (1), by logarithm."""
    top, own = float(column.nan_to_num(0).max()), float(column[n])
    return max(0.0, 1 + math.log10(own / top) / 3) if own > 0 and top > 0 else 0.0


def short(x: float) -> str:
    """A size in at most seven places."""
    return "–" if math.isnan(x) else f"{x:.3g}" if len(f"{x:.3g}") <= 7 else f"{x:.1e}"


def norms(
    loaded: Loaded, given: Any, *, target: Any = None, edits: Sequence[Edit] = (), gradients: bool = True
) -> Norms:
    """Sizes of the residual stream, of what each part adds, and of the loss's gradients, by layer and token.

    Args:
        loaded: Any model with blocks.
        given: A text, or a picture for vision.
        target: For an encoder-decoder, what it writes; its own answer if left out.
        edits: What is changed for this run; gradients are those of the model as changed.
        gradients: Whether the loss is sent back, which takes about as long again, twice.

    Returns:
        Norms: without gradients where the model gives no logits of tokens, or the text has one token only.

    Raises:
        HeadwayError: the model has no blocks.
    """
    food = feed(loaded, given, target)
    model = loaded.model
    if not blocks_of(model):
        raise HeadwayError(f"a {type(model).__name__} has no layers between which something could grow or shrink.")
    answers, why = _answers(loaded, food)
    sent = gradients and answers is not None
    kept: dict[str, Any] = {}

    @contextlib.contextmanager
    def within(found: Trace) -> Iterator[None]:
        yield
        kept["stacks"] = stacks = _places(found)
        if not sent:
            return
        loss = F.cross_entropy(found.logits.float()[answers >= 0], answers[answers >= 0])
        tensors = [x for _, _, xs in stacks for x in xs.values()]
        weights = list(model.parameters())
        back = torch.autograd.grad(loss, [*tensors, *weights], allow_unused=True)
        kept["loss"] = float(loss.detach())
        kept["back"] = dict(zip([id(x) for x in tensors], back[: len(tensors)], strict=True))
        kept["weights"] = dict(zip([id(w) for w in weights], back[len(tensors) :], strict=True))

    with _asking(model) if sent else contextlib.nullcontext():
        run(loaded, food, edits, gradients=sent, within=within)
    off = {
        block_of(model, edit.layer)[0]
        for edit in edits
        if isinstance(edit, Off) and edit.part == "layer" and edit.head is None
    }
    return Norms(
        title=f"{loaded.name}: {food.told}",
        edits=tuple(map(str, edits)),
        texts=_with_extras(food.texts, kept["stacks"]),
        stacks=tuple(_measured(name, side, xs, kept.get("back"), off) for name, side, xs in kept["stacks"]),
        groups=_groups(model, kept.get("weights")),
        loss=kept.get("loss", math.nan),
        loss_told=why if sent or answers is None else "no gradients were asked for",
    )


def _answers(loaded: Loaded, food: Feed) -> tuple[Tensor | None, str]:
    """What each row of the logits should have said (-1 for nothing), and the loss in words."""
    kind = loaded.entry.kind
    if kind not in WORDS or (kind == "encoder" and getattr(loaded.model, "mlm", None) is None):
        return None, "the model gives no probabilities of tokens, so there is no loss and there are no gradients"
    answers = spoken_of(loaded, food)
    if not bool((answers >= 0).any()):
        return None, "one token alone foretells nothing, so there is no loss and there are no gradients"
    if kind == "encoder":
        return answers, "the mean surprise at each token from all tokens, itself among them"
    return answers, "the mean surprise at each token after the first"


@contextlib.contextmanager
def _asking(model: nn.Module) -> Iterator[None]:
    """All parameters ask for gradients for a while."""
    frozen = [weight for weight in model.parameters() if not weight.requires_grad and weight.is_floating_point()]
    try:
        for weight in frozen:
            weight.requires_grad_(True)
        yield
    finally:
        for weight in frozen:
            weight.requires_grad_(False)


def _places(found: Trace) -> list[tuple[str, str, dict[str, Tensor]]]:
    """Each stack: its name, its side, and the stream after its embedding and after each of its parts, (1, t, d)."""
    stacks: dict[str, dict[str, Tensor]] = {}
    taps = list(found.taps.items())
    for name, stream in found.stream.items():
        stack, _, number = name.rpartition(".")
        places = stacks.setdefault(stack, {})
        if not places and (start := found.embedded.get(stack)) is not None and start.shape == stream.shape:
            places["embedding"] = start
        parts = [
            (tap.removeprefix(f"{name}.after").lstrip("_"), x)
            for tap, x in taps
            if tap.startswith(f"{name}.after") and x.shape == stream.shape
        ]
        for part, x in parts[:-1]:
            places[f"{number}.{part}"] = x
        # The block's own output is the last part's: an edit of the block comes after its last tap.
        last = parts[-1][0] if parts else ""
        places[f"{number}.{last}" if last else number] = stream
    return [(stack, found.feed.of_stack(stack), places) for stack, places in stacks.items()]


def _with_extras(
    texts: dict[str, tuple[str, ...]], stacks: list[tuple[str, str, dict[str, Tensor]]]
) -> dict[str, tuple[str, ...]]:
    """The texts, with names for what a vision model puts before its patches."""
    texts = dict(texts)
    for _, side, xs in stacks:
        extra = next(iter(xs.values())).shape[1] - len(texts[side])
        if extra > 0:
            texts[side] = (*(("[CLS]",) if extra == 1 else tuple(f"[{n}]" for n in range(extra))), *texts[side])
    return texts


def _measured(
    name: str, side: str, xs: dict[str, Tensor], back: dict[int, Tensor | None] | None, off: set[str]
) -> BlockNorms:
    # Before the sums are rounded to single precision: a small part added to a large stream would lose its last digits.
    streams = [x.detach()[0].to(torch.promote_types(x.dtype, torch.float32)) for x in xs.values()]
    added = [streams[0], *(now - before for before, now in pairwise(streams))]
    sizes = torch.stack([x.norm(dim=-1).float() for x in added])
    stream = torch.stack([x.norm(dim=-1).float() for x in streams])
    for n, place in enumerate(xs):
        # A layer that is off has still computed its parts: nothing of them was passed on.
        if f"{name}.{place.partition('.')[0]}" in off and n:
            sizes[n], stream[n] = 0, stream[n - 1]
    gradient = torch.full_like(stream, torch.nan)
    if back is not None:
        found = [back[id(x)] for x in xs.values()]
        gradient = torch.stack([torch.zeros_like(stream[0]) if g is None else g[0].float().norm(dim=-1) for g in found])
    return BlockNorms(name, side, tuple(xs), stream.cpu(), sizes.cpu(), gradient.cpu())


def _groups(model: nn.Module, back: dict[int, Tensor | None] | None) -> tuple[Group, ...]:
    """Parameters by part: of a block by its children, else by the module at the top."""
    parts: dict[str, list[Tensor]] = {}
    blocks = tuple(f"{name}." for name in blocks_of(model))
    for name, weight in model.named_parameters():
        block = next((block for block in blocks if name.startswith(block)), "")
        child, _, _ = name[len(block) :].partition(".")
        parts.setdefault(block + child, []).append(weight)
    return tuple(
        Group(
            name,
            sum(w.numel() for w in weights),
            _length(weights),
            math.nan if back is None else _length([g for w in weights if (g := back[id(w)]) is not None]),
        )
        for name, weights in parts.items()
    )


def _length(tensors: Sequence[Tensor]) -> float:
    """All tensors as one vector, its length."""
    wide = [torch.promote_types(x.dtype, torch.float32) for x in tensors]
    return math.hypot(
        *(float(torch.linalg.vector_norm(x.detach(), dtype=w)) for x, w in zip(tensors, wide, strict=True))
    )
