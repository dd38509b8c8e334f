"""Texts or pictures as vectors, and how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.reading import read_json, read_json_object
from headway.use.pictures import Picture, name_of, pixels_of
from headway.use.results import Likeness
from headway.use.texts import ids_of
from headway.zoo import Loaded


@torch.inference_mode()
def compare(loaded: Loaded, inputs: Sequence[str | Picture]) -> Likeness:
    """A vector for each input, and how alike they are.

    Args:
        loaded: An encoder of texts (BERT, MiniLM: of length 1, made as `pooling` says), of pictures (ViT, DINOv2: what it gives
            for the whole picture), or CLIP, of whose two encoders the one for pictures is used.
        inputs: Texts for the first, pictures for the others.
    """
    if not inputs:
        raise HeadwayError("there is nothing to compare: give a text or a picture, or several.")
    match loaded.entry.kind:
        case "encoder":
            if not all(isinstance(text, str) for text in inputs):
                raise HeadwayError(f"{loaded.name} reads texts: give it texts to compare.")
            how = pooling(loaded.where)
            found = [loaded.model.sentence(ids_of(loaded, str(text)), how=how) for text in inputs]
        case "vision":
            if loaded.model.config.map_widths:
                raise HeadwayError(f"{loaded.name} makes a map of a picture, and no vector: see `importance`.")
            found = [loaded.model(pixels_of(loaded, picture)) for picture in inputs]
        case "vision-text":
            found = [loaded.model.see(pixels_of(loaded, picture)) for picture in inputs]
        case _:
            raise HeadwayError(f"{loaded.name} makes no vectors to compare: encoders of texts and of pictures do.")
    return Likeness(tuple(name_of(given) for given in inputs), torch.cat(found))


MODULES = ("Transformer", "Pooling", "Normalize")
"""What sentence-transformers puts one behind the other; our vectors are of length 1 in any case."""

POOLING = {"mean": "mean", "mean_tokens": "mean", "cls": "first", "cls_token": "first"}


def pooling(folder: Path) -> Literal["mean", "first"]:
    """How a folder of sentence-transformers makes one vector of a text: the mean of the states, or the first. The mean where
    a folder says nothing.

    Raises:
        Unsupported: it says something else, or has further modules; each by its name.
    """
    listed = folder / "modules.json"
    if not listed.is_file():
        return "mean"
    modules = read_json(listed)
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise Corrupt(f"{listed} is no list of modules: fetch it again")
    kinds = {str(module.get("type", "")).rpartition(".")[2]: str(module.get("path", "")) for module in modules}
    if strange := [kind for kind in kinds if kind not in MODULES]:
        raise Unsupported(
            f"{listed} has the module {strange[0]}; for vectors of texts Headway has {', '.join(MODULES)}"
        )
    words = folder / "sentence_bert_config.json"
    if words.is_file() and read_json_object(words).get("do_lower_case"):
        raise Unsupported(f"{words} sets do_lower_case, which Headway leaves to the tokenizer: set it there")
    place = kinds.get("Pooling", "")
    if "Pooling" not in kinds or Path(place).name != place:
        raise Unsupported(f"{listed} names no folder for its module Pooling: one vector of a text is made by one")
    path = folder / place / "config.json"
    facts = read_json_object(path)
    asked = [
        key.removeprefix("pooling_mode_") for key, on in facts.items() if key.startswith("pooling_mode_") and on is True
    ]
    asked = asked or [str(facts.get("pooling_mode", "mean"))]
    if len(asked) > 1 or asked[0] not in POOLING:
        raise Unsupported(f"{path} makes a vector by {' and '.join(asked)}; Headway has mean_tokens and cls_token")
    return POOLING[asked[0]]  # type: ignore[return-value]
