"""Checkpoint files, lazily: safetensors (whole or sharded), PyTorch's zip files read without unpickling, GGUF.

Every reader gives a mapping from key to tensor that reads one tensor at a time, and one clear line where a file is not whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headway.base.errors import Corrupt, HeadwayError


class SafeTensors(Mapping[str, Tensor]):
    """The tensors of one or more safetensors files, read when asked for."""

    def __init__(self, paths: list[Path]):
        from safetensors import SafetensorError, safe_open

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

    def __iter__(self) -> Iterator[str]:
        return iter(self._owner)

    def __len__(self) -> int:
        return len(self._owner)


def open_folder(folder: Path) -> Mapping[str, Tensor]:
    """The weights in a Hugging Face folder: safetensors where there are, else pytorch_model.bin, either in shards."""
    for single, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if (folder / index).exists():
            names = sorted(set(read_json(folder / index).get("weight_map", {}).values()))
        elif (folder / single).exists():
            names = [single]
        else:
            continue
        if any(Path(name).name != name for name in names):
            raise Corrupt(f"{folder / index} names files outside its folder")
        paths = [folder / name for name in names]
        return SafeTensors(paths) if single.endswith(".safetensors") else _torch_files(paths)
    raise HeadwayError(f"{folder} holds no model.safetensors and no pytorch_model.bin: is it a model's folder?")


def _torch_files(paths: list[Path]) -> dict[str, Tensor]:
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
        if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
            raise Corrupt(f"{path} holds something other than named tensors")
        tensors.update(loaded)
    return tensors


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, or one clear line."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HeadwayError(f"{path} is missing: is {path.parent} a model's folder?") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise Corrupt(f"{path} is no JSON ({error}): fetch it again") from error
    if not isinstance(content, dict):
        raise Corrupt(f"{path} holds no JSON object")
    return content


class GGUF(Mapping[str, Tensor]):
    """A GGUF file: `facts` are its metadata, the mapping its tensors, dequantised to float32 when asked for.

    `facts["tensors"]` lists the tensors' names, for tables that depend on which there are.
    """

    def __init__(self, path: Path):
        from gguf import GGUFReader

        self.path = path
        if not path.is_file():
            raise HeadwayError(f"there is no file {path}")
        try:
            reader = GGUFReader(path)
            self._tensors = {tensor.name: tensor for tensor in reader.tensors}
            self.facts: dict[str, Any] = {name: entry.contents() for name, entry in reader.fields.items()}
        except Exception as error:
            # gguf maps the file and slices it: what a damaged file raises is whatever the slice did.
            raise Corrupt(f"{path} is no whole GGUF file ({type(error).__name__}: {error}): fetch it again") from error
        self.facts["tensors"] = list(self._tensors)

    def __getitem__(self, key: str) -> Tensor:
        import numpy as np
        from gguf.quants import dequantize

        tensor = self._tensors[key]
        try:
            values = dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError as error:
            raise HeadwayError(
                f"{self.path.name} stores {key} as {tensor.tensor_type.name}, which cannot be read here: "
                "take a file quantised as Q8_0, Q4_0, Q4_1, Q4_K, Q5_K, Q6_K, F16 or BF16"
            ) from error
        if len(values.shape) == len(tensor.shape) and tuple(values.shape) != tuple(reversed(tensor.shape.tolist())):
            raise Corrupt(f"{self.path}: {key} is not of the size its header gives")
        return torch.from_numpy(np.array(values, dtype=np.float32))  # a copy: the file may go away

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)
