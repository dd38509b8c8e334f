"""One engine for all weight tables: a foreign checkpoint is a list of rows, read both ways.

Nothing is skipped in silence: every key on both sides and every shape is accounted for, and one error lists all that is
unknown, missing or misshapen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from headway.base.errors import Corrupt


class Transform(Protocol):
    """How the tensors of one row become ours, and back. Both directions only move numbers, never change them."""

    def read(self, theirs: list[Tensor]) -> list[Tensor]: ...
    def write(self, ours: list[Tensor]) -> list[Tensor]: ...


class Same:
    """The same tensor under another name."""

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        return theirs

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        return ours


class Transpose:
    """A matrix stored (in, out), as TensorFlow and GPT-2's Conv1D have it."""

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        return [tensor.t() for tensor in theirs]

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        return [tensor.t() for tensor in ours]


@dataclass(frozen=True)
class Stack:
    """Several of theirs, along the first axis, are one of ours (a fused projection). `parts` acts on each before."""

    sizes: Sequence[int]
    parts: Sequence[Transform] | None = None

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        if self.parts is not None:
            theirs = [part.read([tensor])[0] for part, tensor in zip(self.parts, theirs, strict=True)]
        return [torch.cat(theirs)]

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        theirs = list(ours[0].split(list(self.sizes)))
        if self.parts is not None:
            theirs = [part.write([tensor])[0] for part, tensor in zip(self.parts, theirs, strict=True)]
        return theirs


@dataclass(frozen=True)
class Split:
    """One of theirs is several of ours along the first axis."""

    sizes: Sequence[int]

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        return list(theirs[0].split(list(self.sizes)))

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        return [torch.cat(ours)]


@dataclass(frozen=True)
class Reshape:
    """The same numbers in another shape."""

    theirs: Sequence[int]
    ours: Sequence[int]

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        return [theirs[0].reshape(tuple(self.ours))]

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        return [ours[0].reshape(tuple(self.theirs))]


@dataclass(frozen=True)
class FirstRow:
    """The first of their `rows` rows is ours, the others are never read (and written as zeros)."""

    rows: int

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        return [theirs[0][0]]

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        rest = ours[0].new_zeros(self.rows - 1, *ours[0].shape)
        return [torch.cat((ours[0][None], rest))]


@dataclass(frozen=True)
class Unread:
    """Weights that their code creates and never uses: nothing of ours, zeros on the way back. `ours` is ``()``."""

    shape: Sequence[int]

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        if tuple(theirs[0].shape) != tuple(self.shape):
            raise ValueError
        return []

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        return [torch.zeros(tuple(self.shape))]


@dataclass(frozen=True)
class HalfSplit:
    """Rows of a query or key projection whose rotary pairs are interleaved (x[2i], x[2i+1]) become half-split pairs.

    GGUF files of Llama are interleaved; `headway.blocks.rotary.rotate` is half-split.
    """

    n_head: int

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        rows = theirs[0]
        return [rows.unflatten(0, (self.n_head, -1, 2)).transpose(1, 2).reshape(rows.shape)]

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        rows = ours[0]
        return [rows.unflatten(0, (self.n_head, 2, -1)).transpose(1, 2).reshape(rows.shape)]


@dataclass(frozen=True)
class Row:
    """One line of a table: `theirs` and `ours` name the same numbers, `how` says how they are laid out."""

    theirs: str | tuple[str, ...]
    ours: str | tuple[str, ...]
    how: Transform = field(default_factory=Same)

    @property
    def their_keys(self) -> tuple[str, ...]:
        return (self.theirs,) if isinstance(self.theirs, str) else self.theirs

    @property
    def our_keys(self) -> tuple[str, ...]:
        return (self.ours,) if isinstance(self.ours, str) else self.ours


@dataclass(frozen=True, kw_only=True)
class Table:
    """How one architecture lies in other people's checkpoints.

    Attributes:
        rows: Configuration -> the rows of a Hugging Face checkpoint.
        read_config: config.json as a dictionary -> our configuration.
        write_config: our configuration -> a config.json that `from_pretrained` takes.
        prefix: What a checkpoint of the bare model (no head) lacks at the front of its keys.
        copies: Theirs -> theirs: a key that may repeat another, and must then equal it bit for bit (tied heads).
        spellings: Front of a key as some versions write it -> as the rows have it; tried on keys the rows do not know.
            One that begins with a dot is the end of a key.
        ignore: Endings of keys that carry no weights of ours, each with the reason. One that ends with a dot is a key's front.
        fit: The configuration and the file's keys -> the configuration, where config.json leaves open what the keys tell.
        gguf_rows, read_gguf_config: The same for GGUF files, where they exist.
    """

    rows: Callable[[Any], Iterable[Row]]
    read_config: Callable[[dict[str, Any]], Any]
    write_config: Callable[[Any], dict[str, Any]]
    prefix: str = ""
    copies: Callable[[Any], dict[str, str]] = lambda config: {}
    spellings: Mapping[str, str] = field(default_factory=dict)
    ignore: Mapping[str, str] = field(default_factory=dict)
    fit: Callable[[Any, Collection[str]], Any] = lambda config, keys: config
    gguf_rows: Callable[[Any], Iterable[Row]] | None = None
    read_gguf_config: Callable[[dict[str, Any]], Any] | None = None


WITHOUT = {"lm_head.weight": " (saved without its head, it has states and no words: take the whole model's checkpoint)"}
"""What to say of a key that is not there."""


def read_weights(
    model: nn.Module,
    rows: Iterable[Row],
    theirs: Mapping[str, Tensor],
    *,
    where: str,
    prefix: str = "",
    copies: Mapping[str, str] | None = None,
    spellings: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    dtype: torch.dtype | None = None,
) -> None:
    """Fill `model` (which may lie on the meta device) with the tensors of `theirs`, in place.

    Args:
        rows: The table's rows for the model's configuration.
        theirs: Their keys -> tensors. A lazy mapping is read one tensor at a time.
        where: The file or folder, for the error.
        prefix, copies, spellings, ignore: See `Table`.
        dtype: What to convert floating tensors to; as stored if None.

    Raises:
        Corrupt: one line that lists every key unknown or missing and every wrong shape.
    """
    rows, copies = list(rows), dict(copies or {})
    known = {key for row in rows for key in row.their_keys}
    names = _names(theirs, known, prefix, spellings or {})
    for copy, original in copies.items():  # a writer that leaves out doubles may have kept the other name
        if copy in names and original not in names:
            names[original] = names[copy]
    complaints: list[str] = []
    ignore = list(ignore)
    fronts = tuple(part for part in ignore if part.endswith("."))
    ends = tuple(part for part in ignore if not part.endswith("."))
    strange = (key for key in names if key not in known and key not in copies)
    unknown = sorted(key for key in strange if not key.startswith(fronts) and not key.endswith(ends))
    missing = sorted(key for key in known if key not in names)
    complaints += [f"unknown {key}" for key in unknown] + [f"missing {key}{WITHOUT.get(key, '')}" for key in missing]
    targets = dict(model.named_parameters()) | dict(model.named_buffers())
    expected = dict(model.state_dict(keep_vars=True))
    uncovered = set(expected) - {key for row in rows for key in row.our_keys}
    assert not uncovered, f"the weight table leaves out {sorted(uncovered)}"
    for row in rows:
        if any(key not in names for key in row.their_keys):
            continue
        tensors = [theirs[names[key]] for key in row.their_keys]
        odd = {tensor.dtype for tensor in tensors if not tensor.is_floating_point() or tensor.dtype.itemsize < 2}
        if odd:
            complaints.append(f"{row.their_keys[0]} is stored as {odd.pop()}, which without its scales is no weight")
            continue
        wanted = [tuple(expected[key].shape) for key in row.our_keys]
        try:
            ours = row.how.read(tensors)
            shapes = [tuple(tensor.shape) for tensor in ours]
        except (RuntimeError, IndexError, ValueError):
            shapes, ours = [], None
        if shapes != wanted or ours is None:
            have = ", ".join(f"{key} {tuple(t.shape)}" for key, t in zip(row.their_keys, tensors, strict=True))
            need = " + ".join(str(shape) for shape in wanted)
            complaints.append(f"misshapen {have} (the configuration asks for {need})")
            continue
        for key, tensor in zip(row.our_keys, ours, strict=True):
            if tensor.is_floating_point() and dtype is not None:
                tensor = tensor.to(dtype)
            _put(model, key, tensor.contiguous(), is_parameter=isinstance(targets[key], nn.Parameter))
    for copy, original in copies.items():
        if copy in names and original in names and not torch.equal(theirs[names[copy]], theirs[names[original]]):
            complaints.append(f"{copy} differs from {original}, though the configuration ties them")
    if complaints:
        shown = "; ".join(complaints[:12]) + (f"; and {len(complaints) - 12} more" if len(complaints) > 12 else "")
        raise Corrupt(f"{where} does not fit its configuration: {shown}")


def write_weights(model: nn.Module, rows: Iterable[Row]) -> dict[str, Tensor]:
    """Their keys -> tensors, the inverse of `read_weights`: reading them back is bit-identical."""
    ours = model.state_dict()
    theirs: dict[str, Tensor] = {}
    for row in rows:
        for key, tensor in zip(row.their_keys, row.how.write([ours[key] for key in row.our_keys]), strict=True):
            theirs[key] = tensor.contiguous().clone()
    return theirs


def _names(theirs: Mapping[str, Tensor], known: set[str], prefix: str, spellings: Mapping[str, str]) -> dict[str, str]:
    """The table's key -> the file's key: the same, or without the prefix where the bare model was saved, or respelt."""
    bare = bool(prefix) and not any(key.startswith(prefix) for key in theirs)

    def ours(key: str) -> str:
        for theirs_end, our_end in spellings.items():
            if theirs_end.startswith(".") and key.endswith(theirs_end):
                key = key.removesuffix(theirs_end) + our_end
        if bare and prefix + key in known:
            return prefix + key
        for theirs_front, our_front in spellings.items():
            if key not in known and key.startswith(theirs_front):
                return our_front + key.removeprefix(theirs_front)
        return key

    return {ours(key): key for key in theirs}


def _put(model: nn.Module, key: str, tensor: Tensor, *, is_parameter: bool) -> None:
    """Put `tensor` in the place called `key`, replacing what is there (which may have no storage)."""
    path, _, name = key.rpartition(".")
    owner = model.get_submodule(path)
    if is_parameter:
        setattr(owner, name, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
    else:
        owner.register_buffer(name, tensor, persistent=name not in owner._non_persistent_buffers_set)
