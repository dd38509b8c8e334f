"""What a model needs in memory as the text grows: the bytes of its cache by length, beside those of its weights.

The bytes are those of the model's own `new_cache`, made on PyTorch's meta device, where tensors have shapes and take no memory.
So a window, shared keys and values (GQA), and a state of fixed size show as what they are, and a model of any size can be asked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from rich.text import Text

from headway.base.errors import HeadwayError, did_you_mean
from headway.blocks.hollow import hollow
from headway.look.picture import Picture
from headway.look.telling import notes, printable
from headway.models.catalog import CATALOG
from headway.zoo import Loaded, parse_dtype

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 131_072
"""Tokens up to which bytes are shown, where nothing else is asked for."""


@dataclass(frozen=True)
class Need:
    """One model.

    Attributes:
        name: Of the model or the preset.
        architecture: As in the catalogue.
        dtype: Of its weights; a state is kept in at least float32.
        weights: Bytes of its parameters.
        cache: Bytes of the cache of one text (or batch) with room for each of the picture's lengths. What an encoder-decoder
            keeps of its source is not in it.
        context: The length it was trained for; None where its configuration names none.
        equals_weights: The least length, up to the picture's last, at which the cache is as large as the weights; None for never.
    """

    name: str
    architecture: str
    dtype: str
    weights: int
    cache: tuple[int, ...]
    context: int | None
    equals_weights: int | None


@dataclass(frozen=True)
class Crossing:
    """Where two lines cross: from `length` tokens on, the cache of `larger` takes more than that of `smaller`."""

    larger: str
    smaller: str
    length: int


@dataclass(frozen=True, kw_only=True)
class CacheSizes(Picture):
    """Bytes of caches by length.

    Attributes:
        lengths: Tokens.
        models: As asked for.
        crossings: Where their lines cross.
    """

    kind = "memory"

    lengths: tuple[int, ...]
    models: tuple[Need, ...]
    crossings: tuple[Crossing, ...]

    def lines(self, width: int = 100) -> list[Text]:
        """A table: a line for each length, a column for each model, then where lines cross."""
        wide = max(10, *(len(model.name) for model in self.models))
        shown = self.models[: max(1, (width - 12) // (wide + 2))]
        found = [Text(f"{'tokens':>10}" + "".join(f"  {model.name:>{wide}}" for model in shown), "bold")]
        for n, length in enumerate(self.lengths):
            if length & (length - 1) and length != self.lengths[-1]:
                continue
            line = Text(f"{length:>10,}")
            for model in shown:
                line.append(f"  {told(model.cache[n]):>{wide}}", "yellow" if model.cache[n] > model.weights else "cyan")
            found.append(line)
        found.append(Text(f"{'weights':>10}" + "".join(f"  {told(model.weights):>{wide}}" for model in shown), "bold"))
        found.append(Text(f"{'numbers':>10}" + "".join(f"  {model.dtype:>{wide}}" for model in shown), "dim"))
        for crossing in self.crossings:
            found += notes(
                f"from {crossing.length:,} tokens on {crossing.larger} needs more than {crossing.smaller}", width
            )
        for model in self.models:
            if (n := model.equals_weights) is not None:
                found += notes(f"from {n:,} tokens on the cache of {model.name} is larger than its weights", width)
        if len(shown) < len(self.models):
            found.append(Text(f"{len(shown)} of {len(self.models)} models: a wider terminal shows more", "dim"))
        return found

    def draw(self, figure: Figure) -> None:
        """Lines of bytes by length, both logarithmic; weights as dashes of the same colour."""
        axis = figure.subplots()
        for n, model in enumerate(self.models):
            colour = f"C{n}"
            label = f"{model.name} ({model.dtype})"
            axis.plot(
                self.lengths, [max(bytes, 0.5) for bytes in model.cache], color=colour, label=label, linewidth=1.8
            )
            axis.axhline(model.weights, color=colour, linestyle=":", linewidth=1)
        axis.set(xscale="log", yscale="log", xlabel="tokens", ylabel="bytes of the cache")
        ticks = [10**n for n in range(0, 16, 3)]
        low, high = axis.get_ylim()
        axis.set_yticks(
            [tick for tick in ticks if low <= tick <= high], [told(tick) for tick in ticks if low <= tick <= high]
        )
        axis.minorticks_off()
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
        axis.set_title(printable(f"{self.title} (dotted: the weights)"), fontsize=9)


def told(bytes: int) -> str:
    """``1.5 GB``, in powers of 1000."""
    size = float(bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def memory(
    models: Loaded | str | Sequence[Loaded | str], *, longest: int = LONGEST, dtype: Any = None, batch: int = 1
) -> CacheSizes:
    """Bytes of the cache by length of text, for models and presets, beside the bytes of their weights.

    There is no input and nothing runs, so there are no edits: what is held depends on shapes alone.

    Args:
        models: Loaded ones, or names of presets (``llama-7b``; ``headway models llama`` lists Llama's), one or several.
        longest: The last length, in tokens.
        dtype: Of weights and caches; if left out, of a loaded model its own, of a preset bfloat16.
        batch: Texts at once, each with a cache of its own.

    Raises:
        HeadwayError: a name that is no preset, a model without a cache, or a length below 1.
    """
    asked = [models] if isinstance(models, Loaded | str) else list(models)
    if not asked:
        raise HeadwayError("name at least one model or preset.")
    if longest < 1 or batch < 1:
        raise HeadwayError(f"longest and batch are at least 1, not {longest} and {batch}.")
    built = [_hollow(model, parse_dtype(dtype)) for model in asked]
    lengths = tuple(sorted({2**n for n in range(longest.bit_length()) if 2**n <= longest} | {longest}))
    rooms: list[Callable[[int], int]] = [_bytes(model, batch) for _, _, model, _ in built]
    needs = []
    for (name, architecture, model, dtype), room in zip(built, rooms, strict=True):
        weights = sum(weight.nbytes for weight in model.parameters())
        context = getattr(model.config, "context", None)
        equal = next(iter(_crossings(lengths, room, lambda _, weights=weights: weights)), None)
        cache = tuple(map(room, lengths))
        needs.append(Need(name, architecture, str(dtype).removeprefix("torch."), weights, cache, context, equal))
    crossings = [
        Crossing(needs[a].name, needs[b].name, length)
        for a in range(len(needs))
        for b in range(len(needs))
        for length in (_crossings(lengths, rooms[a], rooms[b]) if a != b else ())
    ]
    crossings.sort(key=lambda crossing: crossing.length)
    title = f"The cache of {', '.join(need.name for need in needs)}{f', {batch} texts at once' if batch > 1 else ''}"
    return CacheSizes(title=title, lengths=lengths, models=tuple(needs), crossings=tuple(crossings))


def _crossings(lengths: Sequence[int], one: Callable[[int], int], other: Callable[[int], int]) -> list[int]:
    """The lengths from which on `one` is more than `other`, where it was not before: to the token, not only between `lengths`."""
    found = []
    for low, high in pairwise(lengths):
        if one(low) > other(low) or one(high) <= other(high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if one(middle) > other(middle) else (middle, high)
        found.append(high)
    return found


def _bytes(model: Any, batch: int) -> Callable[[int], int]:
    known: dict[int, int] = {}

    def room(n: int) -> int:
        if n not in known:
            known[n] = model.new_cache(batch, n).nbytes
        return known[n]

    return room


def _hollow(model: Loaded | str, dtype: torch.dtype | None) -> tuple[str, str, Any, torch.dtype]:
    """Name, architecture, a model of shapes only, and its dtype."""
    if isinstance(model, Loaded):
        name, kind, config = model.name, model.entry, model.model.config
        dtype = dtype or next(model.model.parameters()).dtype
    else:
        name, kind, config = preset_of(model)
        dtype = dtype or torch.bfloat16
    made = kind.load()[0]
    if not hasattr(made, "new_cache"):
        raise HeadwayError(f"{name} is a {made.__name__}: it reads its input at once and keeps no cache.")
    with hollow():
        return name, kind.name, made(config).to(dtype), dtype


def preset_of(name: str) -> tuple[str, Any, Any]:
    """A size of a model's file by its name: what it is called, its entry of the catalogue, its config.

    Raises:
        HeadwayError: there is none of this name, or there are several.
    """
    known: dict[str, list[tuple[str, Any, Any]]] = {}
    for kind in CATALOG.values():
        for preset, config in getattr(importlib.import_module(f"headway.models.{kind.name}"), "PRESETS", {}).items():
            known.setdefault(preset, []).append((preset, kind, config))
            known[f"{kind.name}/{preset}"] = [(f"{kind.name}/{preset}", kind, config)]
    found = known.get(name, [])
    if len(found) > 1:
        raise HeadwayError(
            f"{name} is a preset of several: {' or '.join(f'{kind.name}/{name}' for _, kind, _ in found)}."
        )
    if not found:
        plain = [preset for preset in known if "/" not in preset]
        raise HeadwayError(
            f"there is no preset '{name}'.{did_you_mean(name, plain)} `headway models llama` lists those of Llama."
        )
    return found[0]
