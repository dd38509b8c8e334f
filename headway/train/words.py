"""The tokenizer of a run, and the few ids that stand for no text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import expanded
from headway.tokens.bpe import BPE
from headway.tokens.chars import CharTokenizer
from headway.tokens.load import load_tokenizer
from headway.tokens.tokenizer import Tokenizer

FILE = "tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class Words:
    """A tokenizer and what its ids mean to the trainer.

    Attributes:
        tokenizer: Of the text.
        special: pad, start, end, mask -> id, where the objective needs them: the ids after the tokenizer's own.
    """

    tokenizer: Tokenizer
    special: dict[str, int]

    @property
    def size(self) -> int:
        """Rows that an embedding needs."""
        return max([self.tokenizer.vocab_size - 1, *self.special.values()]) + 1

    def encode(self, text: str) -> list[int]:
        """The ids of `text` alone, without anything that a tokenizer puts around a text."""
        return self.tokenizer.encode(text, special=False)

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`, the special ones left out."""
        return self.tokenizer.decode([id for id in ids if id < self.tokenizer.vocab_size])


SPECIAL = {
    "causal": (),
    "masked": ("mask",),
    "seq2seq": ("pad", "start", "end"),
    "classification": ("pad", "start"),
}
"""Objective -> the ids it needs beside those of text."""


def make_words(spec: str, text: str, objective: str) -> Words:
    """The tokenizer that `spec` asks for (see `config.Data.tokens`), learned from `text` where it is learned."""
    return _with_special(_tokenizer(spec, text), objective)


def _tokenizer(spec: str, text: str) -> Tokenizer:
    kind, _, size = spec.partition(":")
    if kind == "characters" and not size:
        return CharTokenizer.from_text(text)
    if kind == "bytes" and not size:
        return BPE.train([], 256)
    if kind == "bpe":
        if not size.isdecimal() or int(size) < 257:
            raise HeadwayError(f"data.tokens={spec}: write bpe:SIZE with a size above the 256 bytes, like bpe:1024")
        return BPE.train([text], int(size))
    path = expanded(spec)
    if path.exists():
        return load_tokenizer(path)
    raise HeadwayError(
        f"data.tokens={spec}: it is characters, bytes, bpe:SIZE, or a folder or file with a tokenizer.json"
    )


def save_words(words: Words, folder: Path) -> None:
    """Write the tokenizer into `folder`: tokenizer.json, and what lies beside it."""
    words.tokenizer.save(folder)


def load_words(folder: Path, objective: str) -> Words:
    """What `save_words` wrote."""
    if not (folder / FILE).is_file():
        raise Corrupt(f"{folder / FILE} is missing: the run cannot go on without its tokenizer")
    return _with_special(load_tokenizer(folder), objective)


def _with_special(tokenizer: Tokenizer, objective: str) -> Words:
    first = tokenizer.vocab_size
    return Words(tokenizer=tokenizer, special={name: first + n for n, name in enumerate(SPECIAL[objective])})
