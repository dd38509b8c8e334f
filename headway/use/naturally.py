"""What a model is made for: which function of `headway.use` is the natural one, given the model and its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from headway.base.errors import HeadwayError
from headway.use.texts import mask_of
from headway.zoo import Loaded

Task = Literal[
    "go_on",
    "chat",
    "fill",
    "label",
    "label_tokens",
    "compare",
    "rewrite",
    "hear",
    "see",
    "importance",
    "match",
    "answer",
    "act",
]


def natural(loaded: Loaded, texts: Sequence[str] = ()) -> Task:
    """The name of the function that does what `loaded` is made for with these texts (beside pictures, where it sees)."""
    config = loaded.model.config
    match loaded.entry.kind:
        case "decoder":
            return "chat" if loaded.chats else "go_on"
        case "encoder":
            mask = mask_of(loaded)
            if mask is not None and any(mask in text for text in texts):
                return "fill"
            return "label" if config.head == "sequence" else "label_tokens" if config.head == "token" else "compare"
        case "encoder-decoder":
            return "rewrite"
        case "speech":
            return "hear"
        case "vision":
            return "importance" if config.map_widths else "see" if config.n_class else "compare"
        case "vision-text":
            return "match" if texts else "compare"
        case "vision-decoder":
            return "answer"
        case "decision":
            return "act"
    raise HeadwayError(f"{loaded.name} is of the kind {loaded.entry.kind}, for which Headway has no use yet.")
