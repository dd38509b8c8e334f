"""Several texts in one row, so that no column is padding, and none of them sees another.

Without this, a full row is a leak: its second text attends to the first, and its positions start in the middle. Here each
text has positions from 0 and a mask of its own, and the logits are those of the text alone; a law holds that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from headway.base.errors import HeadwayError


class _Now:
    """What the `apart` block that is running was given, and whether the model has asked for it. One process trains one model at
    a time, hence plain variables."""

    documents: Tensor | None = None
    asked = False


@contextlib.contextmanager
def apart(documents: Int[Tensor, "b t"] | None) -> Iterator[None]:
    """Within this block the model is called on rows that hold several texts.

    Args:
        documents: The number of the text that each token belongs to. A text is a run of equal numbers; padding is a text
            nobody asks about. None: rows are single texts, and the block does nothing.

    Raises:
        HeadwayError: on leaving, if the model never asked where its tokens stand (`cache.locate`): a recurrent state would
            have run on from one text into the next.
    """
    if documents is None:
        yield
        return
    if _Now.documents is not None:
        raise HeadwayError("these blocks do not nest")
    _Now.documents, _Now.asked = documents, False
    try:
        yield
        if not _Now.asked:
            raise HeadwayError(
                "this model does not keep packed texts apart (a recurrent state runs on from one to the next): "
                "train it without packing"
            )
    finally:
        _Now.documents = None


def documents_now(tokens: Tensor, cache: Any, mask: Tensor | None) -> Int[Tensor, "b t"] | None:
    """The documents of the current `apart` block, or None outside of one; asked by `cache.locate`."""
    documents = _Now.documents
    if documents is None:
        return None
    if cache is not None or mask is not None:
        raise HeadwayError("packed rows are whole texts: call the model without a cache and without a mask")
    if documents.shape != tokens.shape[:2]:
        raise HeadwayError(f"documents are {tuple(documents.shape)} and tokens {tuple(tokens.shape[:2])}: one for each")
    _Now.asked = True
    return documents


def positions_in_documents(documents: Int[Tensor, "b t"]) -> Int[Tensor, "b t"]:
    """Each token's position in its own text: 0 wherever the number changes."""
    column = torch.arange(documents.shape[1], device=documents.device).expand_as(documents)
    starts = torch.ones_like(documents, dtype=torch.bool)
    starts[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return column - torch.where(starts, column, 0).cummax(-1).values


def pack(lengths: list[int], room: int) -> list[list[int]]:
    """Put texts of these lengths into rows of at most `room` tokens: best fit, longest first. Rows of text numbers.

    Raises ValueError if a text is longer than a row: cut it first.
    """
    if max(lengths, default=0) > room:
        raise ValueError(f"a text of {max(lengths)} tokens does not fit a row of {room}")
    rows: list[list[int]] = []
    open_rows: dict[int, list[int]] = {}  # room left -> rows with that much
    for text in sorted(range(len(lengths)), key=lambda text: -lengths[text]):
        need = lengths[text]
        left = min((left for left in open_rows if left >= need), default=None)
        if left is None:
            row, left = len(rows), room
            rows.append([])
        else:
            row = open_rows[left].pop()
            if not open_rows[left]:
                del open_rows[left]
        rows[row].append(text)
        if left > need:
            open_rows.setdefault(left - need, []).append(row)
    return rows
