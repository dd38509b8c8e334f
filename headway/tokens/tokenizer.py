"""What every tokenizer does, whatever it is made of: text <-> ids, one by one as they come, and conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from headway.base.errors import HeadwayError
from headway.tokens.chat import Message, render


class Tokenizer(Protocol):
    """Text <-> ids.

    A class names this one as its base and gives `vocab_size`, `encode`, `decode`, `tokens`, `id_of` and `save`; the rest
    follows, for a tokenizer without special tokens.

    Attributes:
        bos, eos, pad, unk: Ids of the special tokens, None where there is none.
        stop_ids: Ids at which a reply ends.
        special_ids: Ids that stand for no text.
        template: The chat template's source, or None.
        name: What it belongs to, for messages.
        rows: Rows of the embedding it is used with, None where that is not known: an id at or beyond them is refused by
            `checked` when a text comes to it. (Gemma 3 1B was released with one token more than its model has rows.)
        portable: Whether `transformers` loads what `save` writes.
    """

    bos: int | None = None
    eos: int | None = None
    pad: int | None = None
    unk: int | None = None
    stop_ids: frozenset[int] = frozenset()
    template: str | None = None
    name: str = "this model"
    rows: int | None = None
    portable: bool = True

    @property
    def vocab_size(self) -> int:
        """Ids run from 0 to below this, those of special tokens included."""
        ...

    @property
    def special_ids(self) -> frozenset[int]:
        return frozenset()

    def encode(self, text: str, *, special: bool = True, recognise: bool = True) -> list[int]:
        """The ids of `text`.

        Args:
            special: Put around it what this tokenizer puts around a text: a beginning mark, ``[CLS]`` and ``[SEP]``, ...
            recognise: Take a special token that stands in the text for itself; otherwise it is text like any other, which is
                what the words of a stranger should be.
        """
        ...

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of `ids`; special tokens are left out unless `special`."""
        ...

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The vocabulary's own spelling of each id; empty for an id that it does not have."""
        ...

    def id_of(self, token: str) -> int | None:
        """The id of a token in the vocabulary's spelling."""
        ...

    def save(self, folder: Path | str) -> None:
        """Write it into a folder, for `headway.tokens.folder.load_tokenizer`."""
        ...

    def settled(self, id: int) -> bool:
        """Whether the text up to `id` stays what it is, whatever ids follow."""
        return True

    def stream(self, *, special: bool = False) -> TextStream:
        """A decoder for ids that come one by one."""
        left_out = (
            frozenset() if special else self.special_ids
        )  # which give no text, and may stand between two halves of one
        return TextStream(
            lambda ids: self.decode(ids, special=special), lambda id: id not in left_out and self.settled(id)
        )

    def chat(self, messages: Sequence[Message], *, reply: bool = True, **facts: Any) -> str:
        """The text of a conversation under the checkpoint's template, up to where the assistant `reply` begins."""
        if self.template is None:
            raise HeadwayError(f"{self.name} has no chat template: it completes text. Use `headway run --raw`.")
        words = {"add_generation_prompt": reply, **self.named_tokens(), **facts}
        return render(self.template, messages, where=self.name, **words)

    def named_tokens(self) -> dict[str, str]:
        """``bos_token``, ``eos_token``, ... -> the token, which a chat template may ask for."""
        return {}

    def encode_chat(self, messages: Sequence[Message], *, reply: bool = True, **facts: Any) -> list[int]:
        """The ids of `chat`. The template writes the special tokens itself, so none are added."""
        return self.encode(self.chat(messages, reply=reply, **facts), special=False)

    def checked(self, ids: list[int]) -> list[int]:
        """`ids`, of which each has to have a row of the embedding; one line that names the token otherwise."""
        if self.rows is not None and ids and (worst := max(ids)) >= self.rows:
            raise HeadwayError(
                f"the token {self.tokens([worst])[0]!r} has the id {worst}, and {self.name} has {self.rows} rows (0 to "
                f"{self.rows - 1}): leave it out of the text, or give the tokenizer that belongs to the model"
            )
        return ids


class TextStream:
    """Turns ids into text as they come, and never gives out half a character.

    All pieces together, the one from `close` included, are exactly the text of all ids decoded at once.

    Args:
        decode: Some ids -> their text.
        settled: Whether the text up to an id stays what it is, whatever follows. (Where bytes stand for unknown characters,
            one wrong byte turns the whole run of them into U+FFFD: nothing of it can be told before it ends.)
    """

    def __init__(self, decode: Callable[[list[int]], str], settled: Callable[[int], bool] = lambda id: True):
        self._decode, self._settled = decode, settled
        self._ids: list[int] = []
        self._start = 0  # what is decoded again with each id: enough to the left for what comes to read right
        self._told = 0  # ids whose text is out
        self._length = 0  # of all that is out

    def push(self, id: int) -> str:
        """The text that `id` completes; empty while a character is unfinished."""
        self._ids.append(id)
        if not self._settled(id):
            return ""
        before = self._decode(self._ids[self._start : self._told])
        now = self._decode(self._ids[self._start :])
        if now.endswith("\ufffd") or len(now) <= len(before) or not now.startswith(before):
            return ""
        piece = now[len(before) :]
        self._start, self._told = self._told, len(self._ids)
        self._length += len(piece)
        return piece

    def close(self) -> str:
        """What was still held back: an unfinished character, as U+FFFD."""
        rest = self._decode(self._ids)[self._length :]
        self._ids, self._start, self._told, self._length = [], 0, 0, 0
        return rest
