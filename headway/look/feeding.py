"""From what a person gives (a text, a picture, a sound) to what one run of a model takes, and names for its positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.use.pictures import name_of, opened_picture, pixels_of
from headway.use.texts import ends_of, ids_of, rewrite
from headway.zoo import Loaded


@dataclass(frozen=True)
class Feed:
    """One input, made ready.

    Attributes:
        call: Runs the model on it.
        told: What was given, in words.
        texts: What stands at each position: ``text``, or ``source`` and ``target``, or ``picture``.
        ids: The ids of the text (of the target, where there are two).
        grid: Rows and columns of patches, for a picture.
        stacks: Name of a list of blocks -> which of `texts` its positions are.
    """

    call: Callable[[Any], Any]
    told: str
    texts: dict[str, tuple[str, ...]]
    ids: Tensor | None = None
    grid: tuple[int, int] | None = None

    def of_stack(self, stack: str) -> str:
        """Which of `texts` the positions of a list of blocks are."""
        if len(self.texts) == 1:
            return next(iter(self.texts))
        return "source" if "encoder" in stack else "target"


def feed(loaded: Loaded, given: Any, target: Any = None) -> Feed:
    """Make an input ready for one run of `loaded`.

    Args:
        given: A text; a picture (file or image) for vision; for an encoder-decoder the source; for a Whisper a sound.
        target: For an encoder-decoder or a Whisper what it writes, its own answer if left out; for others nothing.

    Raises:
        HeadwayError: this kind of model is not looked into, or the input is none for it.
    """
    kind = loaded.entry.kind
    if target is not None and kind not in ("encoder-decoder", "speech"):
        raise HeadwayError(f"{loaded.name} writes nothing beside its input: a target is for encoder-decoders.")
    if kind in ("decoder", "encoder"):
        ids = ids_of(loaded, _text(loaded, given))
        return Feed(lambda model: model(ids), repr(given), {"text": tokens_of(loaded, ids[0].tolist())}, ids[0])
    if kind == "encoder-decoder":
        return _translation(loaded, _text(loaded, given), target)
    if kind == "vision":
        return _picture(loaded, given)
    if kind == "speech":
        return _speech(loaded, given, target)
    raise HeadwayError(f"{loaded.name} is a {type(loaded.model).__name__}: there is no look into one yet.")


def _text(loaded: Loaded, given: Any) -> str:
    if not isinstance(given, str):
        raise HeadwayError(f"{loaded.name} takes a text, not {type(given).__name__}.")
    return given


def _translation(loaded: Loaded, given: str, target: Any) -> Feed:
    source = ids_of(loaded, given)
    start = ends_of(loaded)[0]
    ids = list(rewrite(loaded, given).ids) if target is None else loaded.encode(_text(loaded, target))
    row = torch.tensor([[start, *ids]], device=source.device)
    names = {start: "⟨start⟩"} | dict.fromkeys(ends_of(loaded)[1], "⟨end⟩")
    texts = {side: tokens_of(loaded, ids[0].tolist(), names) for side, ids in (("source", source), ("target", row))}
    return Feed(lambda model: model(source, row), repr(given), texts, row[0])


def _picture(loaded: Loaded, given: Any) -> Feed:
    if isinstance(given, Tensor):
        pixels = given[None] if given.dim() == 3 else given
        told = "pixels"
    else:
        if isinstance(given, str | Path) and not Path(given).is_file():
            raise HeadwayError(f"there is no picture {given}.")
        pixels, told = pixels_of(loaded, opened_picture(given)), name_of(given)
    rows, columns = (side // loaded.model.config.patch for side in pixels.shape[-2:])
    names = tuple(f"{y},{x}" for y in range(rows) for x in range(columns))
    return Feed(lambda model: model(pixels), told, {"picture": names}, None, (rows, columns))


def _speech(loaded: Loaded, given: Any, target: Any) -> Feed:
    raise HeadwayError("a sound is looked into with look.alignment.")


def tokens_of(loaded: Loaded, ids: list[int], names: dict[int, str] | None = None) -> tuple[str, ...]:
    """Each token as it reads in the text, blanks included; a part of a character in the vocabulary's own spelling.

    Args:
        names: For ids that the vocabulary has no spelling for.
    """
    words, found = loaded.words, []
    for id in ids:
        spelling = words.tokens([id])[0]
        if not spelling:
            found.append((names or {}).get(id, f"⟨{id}⟩"))
            continue
        text = words.decode([id], special=True)
        if not text or "�" in text:
            text = spelling
        elif text[:1] != " " and spelling[:1] in ("Ġ", "▁") and len(spelling) > 1:
            text = " " + text
        found.append(text)
    return tuple(found)
