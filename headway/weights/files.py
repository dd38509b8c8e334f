"""Checkpoint files, lazily: safetensors (whole or sharded), PyTorch's zip files read without unpickling, GGUF.

Every reader gives a mapping from key to tensor that reads one tensor at a time, and one clear line where a file is not whole.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from headway.base.errors import Corrupt, HeadwayError
from headway.base.reading import read_json_object
from headway.weights.gguf_header import DamagedHeader, read_header, tensor_bytes


def mapped(path: Path) -> mmap.mmap:
    """A file's bytes, read when asked for. Raises HeadwayError where it is not there, Corrupt where it is empty."""
    if not path.is_file():
        raise HeadwayError(f"there is no file {path}")
    if not path.stat().st_size:
        raise Corrupt(f"{path} is empty: fetch it again")
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class Weights(Mapping[str, Tensor]):
    """Tensors by name, each read when asked for."""

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a tensor, which is not read for it where the file tells it."""
        return tuple(self[key].shape)


class InMemory(Weights):
    """Tensors that lie in memory already."""

    def __init__(self, tensors: dict[str, Tensor]):
        self._tensors = tensors

    def __getitem__(self, key: str) -> Tensor:
        return self._tensors[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


class SafeTensors(Weights):
    """The tensors of one or more safetensors files, read when asked for."""

    def __init__(self, paths: list[Path]):
        self._owner: dict[str, Any] = {}
        for path in paths:
            if not path.exists():
                raise HeadwayError(f"{path} is missing: the checkpoint's index names it, so fetch the checkpoint again")
            try:
                handle = safe_open(path, framework="pt")
                self._owner.update(dict.fromkeys(handle.keys(), handle))
            except (SafetensorError, OSError) as error:
                raise Corrupt(f"{path} is no whole safetensors file ({error}): fetch it again") from error

    def __getitem__(self, key: str) -> Tensor:
        return self._owner[key].get_tensor(key)

    def shape(self, key: str) -> tuple[int, ...]:
        return tuple(self._owner[key].get_slice(key).get_shape())

    def __iter__(self) -> Iterator[str]:
        return iter(self._owner)

    def __len__(self) -> int:
        return len(self._owner)


def open_folder(folder: Path) -> Weights:
    """The weights in a Hugging Face folder: safetensors where there are, else pytorch_model.bin; whole, else in shards.

    The whole file wins over an index, as in `transformers`: one that lies beside it is left from shards it replaced.
    """
    for single, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if (folder / single).exists():
            names = [single]
        elif (folder / index).exists():
            places = read_json_object(folder / index).get("weight_map")
            if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
                raise Corrupt(f"{folder / index} does not say which file each weight lies in: fetch it again")
            names = sorted(set(places.values()))
        else:
            continue
        if any(Path(name).name != name for name in names):
            raise Corrupt(f"{folder / index} names files outside its folder")
        paths = [folder / name for name in names]
        return SafeTensors(paths) if single.endswith(".safetensors") else _torch_files(paths)
    raise HeadwayError(f"{folder} holds no model.safetensors and no pytorch_model.bin: is it a model's folder?")


def _torch_files(paths: list[Path]) -> InMemory:
    tensors: dict[str, Tensor] = {}
    for path in paths:
        if not path.exists():
            raise HeadwayError(f"{path} is missing: the checkpoint's index names it, so fetch the checkpoint again")
        try:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise Corrupt(
                f"{path} cannot be read as plain tensors ({type(error).__name__}): it is damaged, or it carries code, "
                "which Headway never runs"
            ) from error
        if not isinstance(loaded, dict) or not all(map(_is_plain, loaded, loaded.values())):
            raise Corrupt(f"{path} holds something other than named, dense tensors")
        tensors.update(loaded)
    return InMemory(tensors)


def _is_plain(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, Tensor) and value.layout == torch.strided


class GGUF(Weights):
    """A GGUF file: `facts` are its metadata, the mapping its tensors, dequantised to float32 when asked for.

    `facts["tensors"]` lists the tensors' names, for tables that depend on which there are.
    """

    def __init__(self, path: Path):

        self.path = path
        if not path.is_file():
            raise HeadwayError(f"there is no file {path}")
        try:
            with open(path, "rb") as file:
                self._data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            self.facts, self._places = read_header(self._data)
            for place in self._places.values():
                tensor_bytes(self._data, place)  # a truncated file is noticed before anything is built on it
        except (DamagedHeader, ValueError) as error:
            raise Corrupt(f"{path} is no whole GGUF file ({error}): fetch it again") from error
        self.facts["tensors"] = list(self._places)

    def __getitem__(self, key: str) -> Tensor:
        from gguf.constants import GGMLQuantizationType
        from gguf.quants import dequantize

        place = self._places[key]
        kind = GGMLQuantizationType(place.kind)
        try:
            values = dequantize(tensor_bytes(self._data, place), kind)
        except NotImplementedError as error:
            raise HeadwayError(
                f"{self.path.name} stores {key} as {kind.name}, which cannot be read here: "
                "take a file quantised as Q8_0, Q4_0, Q4_1, Q4_K, Q5_K, Q6_K, F16 or BF16"
            ) from error
        if values.base is not None or values.dtype != np.float32:  # a view of the file: it may go away
            values = np.array(values, dtype=np.float32)
        return torch.from_numpy(values.reshape(place.shape))

    def shape(self, key: str) -> tuple[int, ...]:
        return self._places[key].shape

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
