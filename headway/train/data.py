"""Batches: an endless sequence of rows in which row n is always the same.

Row n of a run depends on the seed and on n alone. So the position in the data is a number, a run that goes on asks for the
next one, and every process, however many there are, knows the whole batch and takes its share.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import cache_dir, expanded, replacing
from headway.base.lines import lines_of
from headway.blocks.documents import pack
from headway.data.pairs import load_pairs
from headway.data.text import load_text, split
from headway.train.config import TrainConfig
from headway.train.losses import IGNORE, count_targets
from headway.train.masking import Masking, hide
from headway.train.words import Words


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows for one forward pass, on the CPU until `to`.

    Attributes:
        tokens: What the model (or its decoder) reads: (b, t).
        targets: What it has to say: (b, t), or (b,) for labels; `IGNORE` where nothing is asked.
        mask: True at real tokens, None if all are.
        documents: Of packed rows: which text each token belongs to; None if every row is one.
        source, source_mask: What an encoder reads: (b, s).
    """

    tokens: Int[Tensor, "b t"]
    targets: Int[Tensor, ...]
    mask: Bool[Tensor, "b t"] | None = None
    documents: Int[Tensor, "b t"] | None = None
    source: Int[Tensor, "b s"] | None = None
    source_mask: Bool[Tensor, "b s"] | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with every tensor changed."""
        fields = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        changed: Any = {name: None if tensor is None else change(tensor) for name, tensor in fields.items()}
        return Batch(**changed)

    def part(self, n: int, parts: int) -> Batch:
        """Part `n` of `parts` nearly equal ones."""
        first, last = len(self) * n // parts, len(self) * (n + 1) // parts
        return self.each(lambda tensor: tensor[first:last])

    def to(self, device: torch.device) -> Batch:
        """The batch on `device`."""
        return self.each(lambda tensor: tensor.to(device))

    @property
    def n_targets(self) -> int:
        """How many targets count."""
        return int(count_targets(self.targets))

    @property
    def n_tokens(self) -> int:
        """Real tokens that are read, for the speed."""
        read = self.tokens.numel() if self.mask is None else int(self.mask.sum())
        if self.source is not None:
            read += self.source.numel() if self.source_mask is None else int(self.source_mask.sum())
        return read


def generator(*names: Any) -> torch.Generator:
    """A generator whose seed is a hash of `names`: independent streams for independent purposes."""
    digest = hashlib.blake2b(repr(names).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)


class Examples:
    """Rows to train on and rows held out.

    Args:
        examples: How many rows an epoch has.
        seed: Of the order.
    """

    def __init__(self, examples: int, seed: int):
        self.examples, self.seed = examples, seed
        self._order: tuple[int, Tensor] | None = None

    def batch(self, first: int, rows: int) -> Batch:
        """Rows `first` to `first + rows` of the endless sequence: every example once per epoch, each epoch in its own order."""
        places = [self._place(row) for row in range(first, first + rows)]
        return self.make(places, generator(self.seed, "batch", first))

    def held_out(self, rows: int, batch: int) -> list[Batch]:
        """The same `rows` held-out rows every time (0 for all), evenly spread, in batches of `batch`."""
        n = self.n_held_out
        chosen = range(n) if rows in (0, n) or rows > n else [n * row // rows for row in range(rows)]
        cuts = [list(chosen[at : at + batch]) for at in range(0, len(chosen), batch)]
        return [self.make_held_out(cut, generator(self.seed, "held out", n)) for n, cut in enumerate(cuts)]

    def _place(self, row: int) -> tuple[int, int]:
        epoch, at = divmod(row, self.examples)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, torch.randperm(self.examples, generator=generator(self.seed, "order", epoch))
        return epoch, int(self._order[1][at])

    n_held_out: int

    def make(self, places: Sequence[tuple[int, int]], random: torch.Generator) -> Batch:
        """The rows at these (epoch, example) places."""
        raise NotImplementedError

    def make_held_out(self, examples: Sequence[int], random: torch.Generator) -> Batch:
        """Held-out rows by number."""
        raise NotImplementedError


class Stream(Examples):
    """One long text, cut into rows of `context` tokens; a row's targets are its tokens moved by one.

    "shuffled": an epoch cuts the text into rows that do not overlap, starting at an offset of its own, so that over
    the epochs every token is seen at every position. "random": rows start anywhere, and may overlap, or be missed.
    """

    def __init__(
        self, ids: np.ndarray, held_out: np.ndarray, *, context: int, seed: int, order: str, masking: Masking | None
    ):
        need = context + 1
        for name, part in (("to train on", ids), ("held out", held_out)):
            if len(part) < 2 * need:
                raise HeadwayError(
                    f"the part {name} has {len(part)} tokens, and rows of {context} need at least {2 * need}: "
                    "give more text, or set data.context lower"
                )
        super().__init__((len(ids) - 1) // context - 1, seed)  # one row less, so that an offset always fits
        self.ids, self.rest, self.context, self.random, self.masking = (
            ids,
            held_out,
            context,
            order == "random",
            masking,
        )
        self.n_held_out = (len(held_out) - 1) // context

    def batch(self, first: int, rows: int) -> Batch:
        if not self.random:
            return super().batch(first, rows)
        random = generator(self.seed, "batch", first)
        starts = torch.randint(len(self.ids) - self.context, (rows,), generator=random).tolist()
        return self._rows(self.ids, starts, random)

    def make(self, places: Sequence[tuple[int, int]], random: torch.Generator) -> Batch:
        return self._rows(self.ids, [self._offset(epoch) + n * self.context for epoch, n in places], random)

    def make_held_out(self, examples: Sequence[int], random: torch.Generator) -> Batch:
        return self._rows(self.rest, [n * self.context for n in examples], random)

    def _offset(self, epoch: int) -> int:
        return int(torch.randint(self.context, (), generator=generator(self.seed, "offset", epoch)))

    def _rows(self, ids: np.ndarray, starts: list[int], random: torch.Generator) -> Batch:
        long = np.stack([ids[start : start + self.context + 1] for start in starts]).astype(np.int64)
        rows = torch.from_numpy(long)
        if self.masking is None:
            return Batch(tokens=rows[:, :-1].contiguous(), targets=rows[:, 1:].contiguous())
        tokens = rows[:, :-1].contiguous()
        inputs, targets = hide(tokens, torch.ones_like(tokens, dtype=torch.bool), self.masking, random)
        return Batch(tokens=inputs, targets=targets)


class Packed(Examples):
    """Whole documents, several to a row; none sees another, and the last token of one is not asked for the next one's first.

    Documents longer than a row are cut into pieces, each a document of its own.
    """

    def __init__(
        self, ids: np.ndarray, ends: np.ndarray, held_out: np.ndarray, held_ends: np.ndarray, *, context: int, seed: int
    ):
        self.context = context
        self.parts = {
            "train": (ids, *_packed_rows(ends, context)),
            "held out": (held_out, *_packed_rows(held_ends, context)),
        }
        for name, (_, pieces, rows) in self.parts.items():
            if not rows:
                raise HeadwayError(f"the {name} part holds no document of two tokens or more ({len(pieces)} in all)")
        super().__init__(len(self.parts["train"][2]), seed)
        self.n_held_out = len(self.parts["held out"][2])

    def make(self, places: Sequence[tuple[int, int]], random: torch.Generator) -> Batch:
        return self._rows("train", [n for _, n in places])

    def make_held_out(self, examples: Sequence[int], random: torch.Generator) -> Batch:
        return self._rows("held out", examples)

    def _rows(self, part: str, numbers: Sequence[int]) -> Batch:
        ids, pieces, rows = self.parts[part]
        tokens = torch.zeros(len(numbers), self.context, dtype=torch.long)
        targets = torch.full_like(tokens, IGNORE)
        documents = torch.zeros_like(tokens)
        for at, number in enumerate(numbers):
            column = 0
            for n, piece in enumerate(rows[number], start=1):
                first, length = pieces[piece]
                text = torch.from_numpy(ids[first : first + length].astype(np.int64))
                tokens[at, column : column + length] = text
                targets[at, column : column + length - 1] = text[1:]
                documents[at, column : column + length] = n
                column += length
        return Batch(tokens=tokens, targets=targets, documents=documents)


def _packed_rows(ends: np.ndarray, context: int) -> tuple[list[tuple[int, int]], list[list[int]]]:
    """(start, length) of every piece, and the pieces of every row. Documents of one token teach nothing and are left out."""
    pieces, start = [], 0
    for end in ends.tolist():
        for first in range(start, end, context):
            pieces.append((first, min(context, end - first)))
        start = end
    pieces = [piece for piece in pieces if piece[1] > 1]
    return pieces, pack([length for _, length in pieces], context)


class Pairs(Examples):
    """(source, target) pairs of ids for an encoder-decoder: it reads the source and start + target, and says target + end."""

    def __init__(
        self,
        pairs: Sequence[tuple[list[int], list[int]]],
        held_out: Sequence[tuple[list[int], list[int]]],
        *,
        words: Words,
        seed: int,
    ):
        super().__init__(len(pairs), seed)
        self.pairs, self.rest, self.special, self.n_held_out = pairs, held_out, words.special, len(held_out)

    def make(self, places: Sequence[tuple[int, int]], random: torch.Generator) -> Batch:
        return self._rows([self.pairs[n] for _, n in places])

    def make_held_out(self, examples: Sequence[int], random: torch.Generator) -> Batch:
        return self._rows([self.rest[n] for n in examples])

    def _rows(self, pairs: Sequence[tuple[list[int], list[int]]]) -> Batch:
        pad, start, end = (self.special[name] for name in ("pad", "start", "end"))
        source, source_mask = _padded([source for source, _ in pairs], pad)
        tokens, mask = _padded([[start, *target] for _, target in pairs], pad)
        targets, _ = _padded([[*target, end] for _, target in pairs], IGNORE)
        return Batch(tokens=tokens, targets=targets, mask=mask, source=source, source_mask=source_mask)


class Labels(Examples):
    """(text, label) pairs for a classifier: start + text in, the number of a label out."""

    def __init__(
        self,
        rows: Sequence[tuple[list[int], int]],
        held_out: Sequence[tuple[list[int], int]],
        *,
        words: Words,
        seed: int,
    ):
        super().__init__(len(rows), seed)
        self.rows, self.rest, self.special, self.n_held_out = rows, held_out, words.special, len(held_out)

    def make(self, places: Sequence[tuple[int, int]], random: torch.Generator) -> Batch:
        return self._rows([self.rows[n] for _, n in places])

    def make_held_out(self, examples: Sequence[int], random: torch.Generator) -> Batch:
        return self._rows([self.rest[n] for n in examples])

    def _rows(self, rows: Sequence[tuple[list[int], int]]) -> Batch:
        tokens, mask = _padded([[self.special["start"], *ids] for ids, _ in rows], self.special["pad"])
        return Batch(tokens=tokens, targets=torch.tensor([label for _, label in rows]), mask=mask)


def _padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor | None]:
    """Rows padded on the right to the longest, and True at what is real (None if all is)."""
    width = max(1, *(len(row) for row in rows))
    tokens = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    mask = torch.arange(width) < lengths[:, None]
    return tokens, None if bool(mask.all()) else mask


# What a run is made from


@dataclass(frozen=True, kw_only=True)
class Material:
    """What was read, before any of it is ids. Which field is filled depends on the objective and on the file.

    Attributes:
        documents: Texts.
        ids: Ids that somebody else made, memory-mapped.
        pairs: (source, target) or (text, label).
        labels: The names of the labels, in the order of their numbers.
    """

    documents: list[str] = dataclasses.field(default_factory=list)
    ids: np.ndarray | None = None
    pairs: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    labels: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it, for a tokenizer to be learned from."""
        if self.pairs:
            return "\n".join(side for pair in self.pairs for side in (pair[:1] if self.labels else pair))
        return "".join(self.documents)


def read_material(config: TrainConfig) -> Material:
    """Read what the settings name, fetching it first where Headway knows it and it is not on this disk."""
    data = config.data
    if config.objective in ("seq2seq", "classification"):
        pairs = load_pairs(data.pairs)
        labels = tuple(sorted({label for _, label in pairs})) if config.objective == "classification" else ()
        if config.objective == "classification" and len(labels) < 2:
            raise HeadwayError(f"{data.pairs} has one label only, '{labels[0]}': nothing to tell apart")
        return Material(pairs=pairs, labels=labels)
    path = expanded(data.text)
    if path.suffix in (".npy", ".bin") and path.is_file():
        if data.tokens in ("characters", "bytes") or data.tokens.startswith("bpe:"):
            raise HeadwayError(f"{path} holds ids: data.tokens has to name the tokenizer.json they were made with")
        return Material(ids=_read_ids(path))

    text = load_text(data.text)
    return Material(documents=documents_of(text, data.documents, data.text))


def _read_ids(path: Path) -> np.ndarray:
    """A .npy file of whole numbers, or a raw .bin of two-byte ones (what nanoGPT writes), memory-mapped."""
    try:
        if path.suffix == ".bin":
            return np.memmap(path, dtype="<u2", mode="r")
        ids = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except (
        Exception
    ) as error:  # the library raises whatever the damage makes of it: ValueError, TokenError, OverflowError ...
        raise Corrupt(f"{path} holds no ids ({' '.join(str(error).split())})") from None
    if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise HeadwayError(f"{path} holds {ids.dtype} of shape {ids.shape}: ids are one row of whole numbers")
    return ids


def map_ids(ids: Callable[[], Sequence[int]], key: str) -> np.ndarray:
    """Ids as an array that lies on the disk and is read as it is needed; made once per `key`, in Headway's cache.

    Two or four bytes a token. What is in the cache can be thrown away at any time. Where the cache cannot be written (shared,
    read-only, full) they lie in a temporary file that only this process has.
    """
    path = cache_dir() / "tokens" / f"{key}.npy"
    if not path.is_file():
        found = np.asarray(ids(), dtype=np.int64)
        small = found.astype(np.uint16 if found.max(initial=0) < 2**16 else np.uint32)
        try:
            with replacing(path) as temporary, open(temporary, "wb") as file:
                np.save(file, small, allow_pickle=False)
        except OSError:
            return _in_passing(small)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise Corrupt(f"{path} cannot be read ({error}): delete it, it will be made again") from None


def _in_passing(ids: np.ndarray) -> np.ndarray:
    """`ids` in a temporary file without a name, which is gone with this process; in memory where there is no room for one."""
    try:
        with tempfile.TemporaryFile() as file:
            ids.tofile(file)
            file.flush()
            return np.memmap(file, dtype=ids.dtype, mode="r", shape=ids.shape)
    except (OSError, ValueError):  # no disk will have them; or there are none, which cannot be mapped
        return ids


def key_of(*parts: str) -> str:
    """A name for what is made from `parts`."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def fingerprint(ids: np.ndarray) -> str:
    """SHA-256 of the ids themselves: what a run that goes on compares."""
    digest = hashlib.sha256()
    for at in range(0, len(ids), 1 << 22):
        digest.update(ids[at : at + (1 << 22)].astype("<u4").tobytes())
    return digest.hexdigest()


def documents_of(text: str, how: str, path: str) -> list[str]:
    """The documents of a text: see `config.Data.documents`. A .jsonl file has one per line, under "text"."""
    if path.endswith(".jsonl"):
        found = []
        for number, line in enumerate(lines_of(text), start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                    found.append(row if isinstance(row, str) else str(row["text"]))
                except (ValueError, KeyError, TypeError, RecursionError):
                    raise HeadwayError(f'{path}, line {number}: there should be JSON with a "text"') from None
        return found
    if how == "lines":
        return [line for line in lines_of(text, keep_ends=True) if line.strip()]
    if how == "blank-lines":
        return [part + "\n" for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return [text]


def split_documents(documents: list[str], held_out: float) -> tuple[list[str], list[str]]:
    """(To train on, held out): the last share of the documents; of a single one, the last share of its text."""
    if len(documents) == 1:
        first, second = split(documents[0], held_out)
        return [first], [second]
    cut = min(len(documents) - 1, max(1, round(len(documents) * (1 - held_out))))
    return documents[:cut], documents[cut:]


def open_source(config: TrainConfig, words: Words, material: Material, tokenizer: str) -> tuple[Examples, str]:
    """The rows of a run, and a fingerprint of what they are made from.

    Args:
        tokenizer: The content of the run's tokenizer.json, which with the text decides what the ids are.
    """
    data, room = config.data, config.data.context
    if config.objective == "seq2seq":
        both = [(_fitting(words, one, room), _fitting(words, other, room)) for one, other in material.pairs]
        cut = _cut(len(both), data.held_out)
        return Pairs(both[:cut], both[cut:], words=words, seed=config.seed), key_of(repr(both))
    if config.objective == "classification":
        number = {label: n for n, label in enumerate(material.labels)}
        rows = [(_fitting(words, text, room), number[label]) for text, label in material.pairs]
        cut = _cut(len(rows), data.held_out)
        return Labels(rows[:cut], rows[cut:], words=words, seed=config.seed), key_of(repr(rows))
    if material.ids is not None:
        cut = round(len(material.ids) * (1 - data.held_out))
        halves = [(material.ids[:cut], np.array([cut])), (material.ids[cut:], np.array([len(material.ids) - cut]))]
    else:
        halves = [_encode(words, half, tokenizer) for half in split_documents(material.documents, data.held_out)]
    (ids, ends), (rest, rest_ends) = halves
    found = key_of(fingerprint(ids), fingerprint(rest), fingerprint(ends), fingerprint(rest_ends))
    if data.pack:
        return Packed(ids, ends, rest, rest_ends, context=room, seed=config.seed), found
    masking = None
    if config.objective == "masked":
        masking = Masking(mask_id=words.special["mask"], words=words.tokenizer.vocab_size, rate=data.mask_rate)
    return Stream(ids, rest, context=room, seed=config.seed, order=data.order, masking=masking), found


def _encode(words: Words, documents: list[str], tokenizer: str) -> tuple[np.ndarray, np.ndarray]:
    """The ids of all documents, memory-mapped, and where each document ends."""
    encoded: list[list[int]] = []

    def once() -> list[list[int]]:
        if not encoded:
            encoded.extend(words.encode(document) for document in documents)
        return encoded

    key = key_of(tokenizer, *documents)
    ids = map_ids(lambda: [id for document in once() for id in document], key)
    ends = map_ids(lambda: np.cumsum([len(document) for document in once()]).tolist(), f"{key}-ends")
    return ids, ends


def _fitting(words: Words, text: str, room: int) -> list[int]:
    ids = words.encode(text)
    if len(ids) >= room:
        raise HeadwayError(
            f"a text of {len(ids)} tokens does not fit data.context={room}: set it to {len(ids) + 1} or more"
        )
    return ids


def _cut(n: int, held_out: float) -> int:
    return min(n - 1, max(1, round(n * (1 - held_out))))
