"""Texts or pictures as vectors, and how alike they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from headway.base.errors import HeadwayError
from headway.use.pictures import Picture, name_of, pixels_of
from headway.use.results import Likeness
from headway.use.texts import ids_of
from headway.zoo import Loaded


@torch.inference_mode()
def compare(loaded: Loaded, inputs: Sequence[str | Picture]) -> Likeness:
    """A vector for each input, and how alike they are.

    Args:
        loaded: An encoder of texts (BERT, MiniLM: mean of the states, of length 1), of pictures (ViT, DINOv2: what it gives
            for the whole picture), or CLIP, of whose two encoders the one for pictures is used.
        inputs: Texts for the first, pictures for the others.
    """
    if not inputs:
        raise HeadwayError("there is nothing to compare: give a text or a picture, or several.")
    match loaded.entry.kind:
        case "encoder":
            if not all(isinstance(text, str) for text in inputs):
                raise HeadwayError(f"{loaded.name} reads texts: give it texts to compare.")
            found = [loaded.model.sentence(ids_of(loaded, str(text))) for text in inputs]
        case "vision":
            if loaded.model.config.map_widths:
                raise HeadwayError(f"{loaded.name} makes a map of a picture, and no vector: see `importance`.")
            found = [loaded.model(pixels_of(loaded, picture)) for picture in inputs]
        case "vision-text":
            found = [loaded.model.see(pixels_of(loaded, picture)) for picture in inputs]
        case _:
            raise HeadwayError(f"{loaded.name} makes no vectors to compare: encoders of texts and of pictures do.")
    return Likeness(tuple(name_of(given) for given in inputs), torch.cat(found))
