"""What a pretrained tokenizer is made of, whatever file it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tokenizers import Tokenizer as Backend


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a pretrained tokenizer is made of.

    Attributes:
        backend: The `tokenizers` library's.
        words: ``bos_token``, ``eos_token``, ... -> the token.
        stops: Ids at which a reply ends, besides that of the end of a text.
        template: The chat template's source, or None.
        name: What it belongs to, for messages.
        tidy: Whether spaces before full stops and the like are taken out of a decoded text.
        suffix: What ends a word in the vocabulary and is a space in a text (CLIP), or None.
        splits_special: Whether special tokens in a text are text like any other unless asked for.
        twins: Id -> the id of the same token, where a vocabulary has one twice.
    """

    backend: Backend
    words: Mapping[str, str] = field(default_factory=dict)
    stops: Iterable[int] = ()
    template: str | None = None
    name: str = "this model"
    tidy: bool = False
    suffix: str | None = None
    splits_special: bool = False
    twins: Mapping[int, int] = field(default_factory=dict)
