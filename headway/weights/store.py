"""Load a model from a folder, a GGUF file or an ONNX file; export one to a folder that Hugging Face's `from_pretrained` loads."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import os
import re
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.files import replacing, write_text
from headway.base.reading import read_json_object
from headway.blocks.hollow import hollow
from headway.models.catalog import CATALOG, Entry
from headway.weights.ctranslate2 import CTranslate2
from headway.weights.engine import Table, read_weights, write_weights
from headway.weights.files import GGUF, Weights, open_folder
from headway.weights.native import native_name, native_table
from headway.weights.onnx import ONNX


def table_of(entry: Entry) -> Table:
    """The weight table of an architecture; Headway's own format where no other has it (`hf` is empty)."""
    if not entry.hf:
        return native_table(entry)
    return importlib.import_module(f"headway.weights.tables.{entry.name}").TABLE


OLDER = {"T5WithLMHeadModel": "T5ForConditionalGeneration", "LLaMAForCausalLM": "LlamaForCausalLM"}
"""What classes were called when some of the released files were written."""

MODEL_TYPES = {
    "marian": "transformer",
    "xlm-roberta": "roberta",
    "mt5": "t5",
    "qwen2": "qwen",
    "qwen3": "qwen",
    "gemma2": "gemma",
    "gemma3_text": "gemma",
    "gemma3": "gemma",
    "dinov2": "vit",
    "dinov2_with_registers": "vit",
}
"""A config.json's `model_type` where it is not our name; it counts where there are no `architectures`."""


def entry_of_config(theirs: dict[str, Any], where: str) -> Entry:
    """The architecture a config.json asks for, by its `architectures`, else by its `model_type`."""
    listed = theirs.get("architectures") or ()
    names = [OLDER.get(name, name) for name in map(str, listed if isinstance(listed, list | tuple) else [listed])]
    for name in names:
        for entry in CATALOG.values():
            if name in entry.hf or name == native_name(entry):
                return entry
    kind = theirs.get("model_type")
    if not names and isinstance(kind, str) and MODEL_TYPES.get(kind, kind) in CATALOG:
        return CATALOG[MODEL_TYPES.get(kind, kind)]
    if not names and kind is None and "ssm_cfg" in theirs:  # Mamba's authors name neither
        settings = theirs["ssm_cfg"]
        return CATALOG["mamba2" if isinstance(settings, dict) and settings.get("layer") == "Mamba2" else "mamba"]
    asked = " or ".join(names) or f"model type {kind!r}"
    raise Unsupported(
        f"{where} asks for {asked}, which Headway does not have. It has {', '.join(_near(names, kind))} and others: "
        "`headway models` lists them."
    )


COMMON = ("LlamaForCausalLM", "GPT2LMHeadModel", "BertForMaskedLM", "T5ForConditionalGeneration")


def _near(names: list[str], kind: Any) -> list[str]:
    """The three names that Headway has and that are most like what was asked for; the commonest where none is."""

    def likeness(known: str) -> float:
        family = re.match(r"[A-Z]+[a-z]{2,}", known)
        same = family is not None and asked.startswith(family[0])  # BertForThis and BertForThat
        return SequenceMatcher(None, asked, known).ratio() + same

    asked = str(names[0] if names else kind)
    ranked = sorted({name for entry in CATALOG.values() for name in entry.hf}, key=likeness, reverse=True)
    return ranked[:3] if likeness(ranked[0]) > 0.6 else list(COMMON)


def load_folder(
    folder: Path | str, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> nn.Module:
    """The model in a Hugging Face folder (config.json and weights), in evaluation mode.

    Args:
        folder: With config.json and model.safetensors or pytorch_model.bin, whole or in shards.
        dtype: What to convert the weights to. As stored if None; where they are stored in several, in the one that config.json
            names, else the first, as `transformers` has it.
        device: Where to put them, the CPU if None.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise HeadwayError(f"there is no folder {folder}")
    if (folder / "model.bin").is_file() and not any(folder.glob("*.safetensors")):
        return load_ctranslate2(folder, dtype=dtype, device=device)
    theirs = read_json_object(folder / "config.json")
    if quantised := theirs.get("quantization_config"):
        method = quantised.get("quant_method") if isinstance(quantised, dict) else quantised
        raise Unsupported(
            f"{folder} is quantised ({method}), which Headway reads from GGUF files only: take a .gguf, or the weights it was "
            "made from"
        )
    entry = entry_of_config(theirs, str(folder / "config.json"))
    table = table_of(entry)
    config = _config(table.read_config, theirs, folder / "config.json")
    weights = open_folder(folder)
    _check_filled(config, weights, folder / "config.json")
    model = _hollow(entry, config, folder / "config.json")
    fitted = table.fit(config, weights.keys())
    if fitted != config:
        config, model = fitted, _hollow(entry, fitted, folder / "config.json")
    read_weights(
        model,
        table.rows(config),
        weights,
        where=str(folder),
        prefix=table.prefix,
        copies=table.copies(config),
        spellings=table.spellings,
        ignore=table.ignore,
        dtype=dtype,
    )
    if dtype is None:
        _in_one_dtype(model, theirs)
    return model.to(device).eval()


def _in_one_dtype(model: nn.Module, theirs: dict[str, Any]) -> None:
    """Make the weights of one dtype, if they are not: products of two take none."""
    stored = list(dict.fromkeys(weight.dtype for weight in model.parameters()))
    if len(stored) > 1:
        named = str(theirs.get("dtype") or theirs.get("torch_dtype")).removeprefix("torch.")
        model.to(next((dtype for dtype in stored if str(dtype) == f"torch.{named}"), stored[0]))


def load_gguf(
    file: GGUF | Path | str, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> nn.Module:
    """The model in a GGUF file, dequantised (to float32 unless `dtype` says otherwise), in evaluation mode."""
    gguf = file if isinstance(file, GGUF) else GGUF(Path(file))
    kind = gguf.facts.get("general.architecture")
    entry = next((entry for entry in CATALOG.values() if kind in entry.gguf), None)
    table = table_of(entry) if entry else None
    if entry is None or table is None or table.gguf_rows is None or table.read_gguf_config is None:
        known = ", ".join(
            sorted(name for e in CATALOG.values() if e.gguf and table_of(e).gguf_rows is not None for name in e.gguf)
        )
        raise Unsupported(f"{gguf.path} holds the architecture {kind!r}; from GGUF files Headway loads {known}")
    facts = gguf.facts
    if "rope_freqs.weight" in gguf:  # what each rotary frequency is divided by
        facts = facts | {"rope_freqs": gguf["rope_freqs.weight"].tolist()}
    config = _config(table.read_gguf_config, facts, gguf.path)
    _check_filled(config, gguf, gguf.path)
    model = _hollow(entry, config, gguf.path)
    read_weights(model, table.gguf_rows(config), gguf, where=str(gguf.path), dtype=dtype, ignore=("rope_freqs.weight",))
    return model.to(device).eval()


def load_ctranslate2(
    folder: Path | str, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> nn.Module:
    """The model in a CTranslate2 folder (model.bin), dequantised, in float32 unless `dtype` says otherwise; evaluation mode.

    Whisper is the architecture that is read.
    """
    from headway.models.whisper import Whisper
    from headway.weights.tables import whisper

    path = Path(folder) / "model.bin"
    file = CTranslate2(path)
    if file.spec != "WhisperSpec":
        raise Unsupported(f"{path} holds a {file.spec}; from CTranslate2's files Headway reads WhisperSpec")
    try:
        config = whisper.read_ct2_config(file)
    except (KeyError, ValueError, IndexError) as error:
        raise Corrupt(f"{path} lacks {error}: is it a whole Whisper?") from error
    with hollow():
        model = Whisper(config)
    read_weights(model, whisper.ct2_rows(config), file, where=str(path), dtype=dtype or torch.float32)
    return model.to(device).eval()


def load_onnx(
    path: Path | str, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> nn.Module:
    """The model in an ONNX file, in evaluation mode: DINOv2 with a head that makes a map is the one that is read.

    Only the weights are taken; what is computed with them is `headway.models.vit`.
    """
    from headway.models.vit import ViT
    from headway.weights.tables import vit

    file = ONNX(path)
    try:
        config = vit.read_onnx_config(file)
    except (KeyError, ValueError, IndexError) as error:
        raise Unsupported(
            f"{path} is not the one ONNX layout Headway reads (a DINOv2 with a map head, as vit-s-focus has it): it lacks {error}"
        ) from error
    with hollow():
        model = ViT(config)
    read_weights(model, vit.onnx_rows(config), file, where=str(path), dtype=dtype)
    return model.to(device).eval()


def export_folder(model: nn.Module, folder: Path | str) -> Path:
    """Write `model` as config.json and model.safetensors, for `from_pretrained` and for `load_folder`.

    The weights keep their dtype, and reading them back is bit-identical. Each file is replaced atomically.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise HeadwayError(f"{folder} is a file: give a folder to export to")
    entry = entry_of_model(model)
    table = table_of(entry)
    config: Any = model.config
    dtype = next(model.parameters()).dtype
    facts = {**table.write_config(config), "dtype": str(dtype).removeprefix("torch.")}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "model.safetensors") as temporary:
        try:
            save_file(write_weights(model, table.rows(config)), temporary, metadata={"format": "pt"})
        except SafetensorError as error:  # which hides what the disk said among its words
            if code := re.search(r"os error (\d+)", str(error)):
                raise OSError(int(code[1]), os.strerror(int(code[1]))) from error
            raise
    # Of shards that lay here before: another program might take them for the weights.
    (folder / "model.safetensors.index.json").unlink(missing_ok=True)
    write_text(folder / "config.json", json.dumps(facts, indent=2) + "\n")
    return folder


def entry_of_model(model: nn.Module) -> Entry:
    """The catalogue's entry of a model's class."""
    for entry in CATALOG.values():
        if type(model).__module__ == f"headway.models.{entry.name}" and type(model).__name__ == entry.model:
            return entry
    raise Unsupported(f"{type(model).__name__} is not in the catalogue")


def _hollow(entry: Entry, config: Any, path: Path) -> nn.Module:
    """The model without memory for its weights, so that loading needs them once, not twice."""
    try:
        with hollow():
            return entry.load()[0](config)
    except (TypeError, ValueError, RuntimeError, ArithmeticError, AssertionError) as error:
        line = " ".join(str(error).split())
        raise Corrupt(f"{path} has a value that no model can be built with ({line[:200]})") from error


def _config(read: Any, theirs: dict[str, Any], path: Path) -> Any:
    try:
        config = read(theirs)
        _check_sizes(config)
    except KeyError as error:
        raise Corrupt(f"{path} lacks {error.args[0]}: is it the whole file?") from error
    except (TypeError, ValueError, AttributeError, ArithmeticError, IndexError) as error:
        raise Corrupt(f"{path} has a value of the wrong kind ({error})") from error
    return config


def _check_filled(config: Any, weights: Weights, path: Path) -> None:
    """Hold the sizes that a file announces against the weights that are there, before anything of these sizes is built.

    A layer has at least one weight of its own, an expert one number at least, and no size of a model is larger than all its
    numbers together. What is still too large then is found by name and shape.
    """
    shapes = [weights.shape(key) for key in weights]
    _check_below(config, len(shapes), sum(map(math.prod, shapes)), path)


def _check_below(config: Any, n_weight: int, n_number: int, path: Path) -> None:
    layers = getattr(config, "n_layer", 1) or 1
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            _check_below(value, n_weight, n_number, path)
        elif isinstance(value, int) and field.name in ("n_layer", "n_decoder_layer") and value > n_weight:
            raise Corrupt(
                f"{path} asks for {value} layers, and there are only {n_weight} weights: they do not belong together"
            )
        elif isinstance(value, int) and field.name in (*AT_LEAST_ONE, "n_expert", "n_decoder_layer", "state", "inner"):
            each = layers if field.name == "n_expert" else 1
            if value * each > n_number:
                raise Corrupt(
                    f"{path} says {field.name} is {value}, and the weights hold only {n_number} numbers: they do not belong "
                    "together"
                )


AT_LEAST_ONE = (
    "vocab_size",
    "width",
    "n_layer",
    "n_head",
    "n_group",
    "head_width",
    "ff_width",
    "n_segment",
    "image",
    "patch",
)


def _check_sizes(config: Any) -> None:
    """Sizes are whole numbers and not negative, other numbers are finite: a file may say anything."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            _check_sizes(value)
        elif str(field.type).startswith("int"):
            if value is None and "None" in str(field.type):
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{field.name} is {value!r}, not a whole number")
            if value < (field.name in AT_LEAST_ONE):
                raise ValueError(f"{field.name} is {value}")
        elif str(field.type).startswith("float") and value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise TypeError(f"{field.name} is {value!r}, not a number")
        elif field.type == "bool" and not isinstance(value, bool):
            raise TypeError(f"{field.name} is {value!r}, neither true nor false")
