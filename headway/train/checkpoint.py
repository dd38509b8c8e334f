"""Checkpoints: everything that the next step depends on, written so that a crash at any moment leaves a whole one.

A checkpoint of step n is three files: ``n.model.safetensors``, ``n.state.safetensors`` (optimiser and random states), and
``n.json``, which names the two with their SHA-256 and holds the rest. The JSON is written last: its rename is the moment at
which the checkpoint exists. Older ones are deleted only after that. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headway.base.errors import Corrupt
from headway.base.files import checksum, replacing, write_text
from headway.base.reading import read_json_object
from headway.train.disk import room_for, saved_steps

DTYPES = {
    torch.int64: "I64", torch.float64: "F64", torch.float32: "F32", torch.int32: "I32", torch.bfloat16: "BF16",
    torch.float16: "F16", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
"""safetensors' names, in the order in which it writes the types: the widest first, so that all are aligned."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint in memory.

    Attributes:
        step: Updates done.
        model: Whole tensors by name.
        state: The optimiser's tensors and the random generators' states, by name.
        facts: The rest, as JSON takes it.
    """

    step: int
    model: dict[str, Tensor]
    state: dict[str, Tensor]
    facts: dict[str, Any]


def save(folder: Path, checkpoint: Checkpoint, *, keep: int = 1, keep_step: int | None = None) -> None:
    """Write `checkpoint` into `folder`; then delete all but the newest `keep`, and `keep_step`.

    Raises:
        Full: one line; what was there before is still there.
    """
    name = _name(checkpoint.step)
    with room_for(folder):
        files = {}
        for kind, tensors in (("model", checkpoint.model), ("state", checkpoint.state)):
            path = folder / f"{name}.{kind}.safetensors"
            with replacing(path) as temporary:
                files[path.name] = write_tensors(temporary, tensors)
        content = {"step": checkpoint.step, "files": files, **checkpoint.facts}
        write_text(folder / f"{name}.json", json.dumps(content, indent=1, allow_nan=False) + "\n")
    tidy(folder, keep=keep, also={checkpoint.step, keep_step})


def tidy(folder: Path, *, keep: int, also: set[int | None]) -> None:
    """Delete all checkpoints but the newest `keep` and those of the steps `also`, and what a crash left behind."""
    steps = saved_steps(folder)
    for step in steps:
        if step not in {*sorted(steps)[-keep:], *also}:
            delete(folder, step)
    _sweep(folder)


def load(folder: Path, step: int | None = None) -> Checkpoint | None:
    """The newest whole checkpoint (or that of `step`), None where there is none.

    Every file is read and its checksum compared; a damaged checkpoint is passed over for the one before it.

    Raises:
        Corrupt: if there are checkpoints and none of them is whole.
    """
    complaints = []
    for found in [step] if step is not None else sorted(saved_steps(folder), reverse=True):
        try:
            return _load(folder, found)
        except (Corrupt, OSError, KeyError, TypeError, ValueError) as error:
            complaints.append(str(error))
    if complaints:
        raise Corrupt(f"no checkpoint in {folder} is whole: {'; '.join(complaints)}")
    return None


def delete(folder: Path, step: int) -> None:
    """Delete the checkpoint of `step`: its JSON first, so that there is never one that misses its tensors."""
    for suffix in (".json", ".model.safetensors", ".state.safetensors"):
        (folder / f"{_name(step)}{suffix}").unlink(missing_ok=True)


def _name(step: int) -> str:
    return f"{step:08d}"


def _sweep(folder: Path) -> None:
    """Delete temporary files, and tensors that no JSON names."""
    whole = {_name(step) for step in saved_steps(folder)}
    for path in folder.glob("*.safetensors"):
        if path.name.split(".")[0] not in whole:
            path.unlink(missing_ok=True)
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)


def _load(folder: Path, step: int) -> Checkpoint:
    path = folder / f"{_name(step)}.json"
    facts = read_json_object(path, then="it is passed over")
    if facts["step"] != step:
        raise Corrupt(f"{path} says it is of step {facts['step']}")
    parts = {}
    for kind in ("model", "state"):
        file = folder / f"{_name(step)}.{kind}.safetensors"
        parts[kind] = read_tensors(file, sha256=facts["files"][file.name])
    return Checkpoint(step=step, facts={k: v for k, v in facts.items() if k not in ("step", "files")}, **parts)


# Tensors as safetensors


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write a safetensors file, tensor by tensor, without a second copy in memory; return its SHA-256.

    The format: eight bytes of header length, the header as JSON, the tensors one after the other. Written here, because
    the library's writer hides what went wrong with the disk.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    rank = {dtype: n for n, dtype in enumerate(DTYPES)}
    names = sorted(tensors, key=lambda name: (rank[tensors[name].dtype], name))
    for name in names:
        tensor = tensors[name]
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + tensor.nbytes],
        }
        at += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for chunk in (struct.pack("<Q", len(text)), text, *(_bytes(tensors[name]) for name in names)):
            file.write(chunk)
            digest.update(chunk)
    return digest.hexdigest()


def read_tensors(path: Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises Corrupt if it is not what was written."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Corrupt(f"{path} is missing") from None
    if sha256 is not None and checksum(content) != sha256:
        raise Corrupt(f"{path} is not what was written")
    try:
        return load(content)
    except (SafetensorError, ValueError) as error:
        raise Corrupt(f"{path} is no safetensors file ({error})") from None


def _bytes(tensor: Tensor) -> memoryview:
    flat: Any = tensor.detach().cpu().contiguous().flatten()
    return memoryview(flat.view(torch.uint8).numpy()) if flat.numel() else memoryview(b"")


# Random generators


def random_states(rank: int, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """The states of this process's generators: PyTorch's into `tensors`, Python's and NumPy's as JSON."""
    tensors[f"random.torch.{rank}"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors[f"random.cuda.{rank}"] = torch.cuda.get_rng_state()
    version, words, gauss = random.getstate()
    numpy: Any = np.random.get_state(legacy=True)
    kind, keys, at, has_gauss, cached = numpy
    return {
        "python": [version, list(words), gauss],
        "numpy": [kind, keys.tolist(), at, has_gauss, cached],
    }


def restore_random_states(rank: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Set this process's generators to what `random_states` found."""
    torch.set_rng_state(tensors[f"random.torch.{rank}"])
    if torch.cuda.is_available() and f"random.cuda.{rank}" in tensors:
        torch.cuda.set_rng_state(tensors[f"random.cuda.{rank}"])
    version, words, gauss = facts["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, at, has_gauss, cached = facts["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), at, has_gauss, cached))
