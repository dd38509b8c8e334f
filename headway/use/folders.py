"""A model on the disk as others know it: a folder in Hugging Face's layout, with all that belongs to it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.base.files import replacing, write_text
from headway.base.reading import read_json_object
from headway.models.whisper import Whisper
from headway.weights import export_folder
from headway.zoo import Loaded


@dataclass(frozen=True)
class Exported:
    """What `export` wrote.

    Attributes:
        folder: Where.
        files: The names of all files in it.
        remark: What of it `transformers` cannot load; None where it loads all.
    """

    folder: Path
    files: tuple[str, ...]
    remark: str | None


def export(loaded: Loaded, folder: Path) -> Exported:
    """Write a model as config.json and model.safetensors, its tokenizer, and what its checkpoint says about generating and about
    pictures and sounds, for `from_pretrained` and for `headway.zoo.load`.

    Args:
        folder: Made if it is not there; files of the same name are replaced.

    Raises:
        HeadwayError: where `folder` is a file.
    """
    ends = _ends(loaded)  # first: it may be read from the very folder
    written = export_folder(loaded.model, folder)
    _write_beside(loaded, written)
    if ends:
        facts = read_json_object(written / "config.json")
        write_text(written / "config.json", json.dumps(facts | ends, indent=2) + "\n")
    files = tuple(sorted(path.name for path in written.iterdir()))
    return Exported(written, files, _only_ours(loaded, written))


def _only_ours(loaded: Loaded, folder: Path) -> str | None:
    """What of an export `transformers` cannot load; None where it loads all of it."""
    if str(read_json_object(folder / "config.json").get("model_type")).startswith("headway-"):
        return (
            f"transformers has no model like {loaded.name}: it is in Headway's own format, which `headway run {folder}` "
            "loads and `from_pretrained` does not."
        )
    if loaded.tokenizer is not None and not loaded.tokenizer.portable:
        return "The tokenizer knows characters only and is Headway's own: `from_pretrained` loads the model without it."
    return None


IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id")
IDS += ("forced_eos_token_id", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens", "forced_decoder_ids")
IDS += ("num_beams", "length_penalty", "early_stopping")


def _ends(loaded: Loaded) -> dict[str, Any]:
    """With which ids a text begins and ends: as the checkpoint's config.json has it, or else its tokenizer."""
    source = loaded.where / "config.json"
    if source.is_file():
        return {name: value for name, value in read_json_object(source).items() if name in IDS and value is not None}
    ids: dict[str, Any] = {}
    if loaded.tokenizer is not None:
        ids = {f"{name}_token_id": getattr(loaded.tokenizer, name) for name in ("bos", "eos", "pad")}
    if len(loaded.stop_ids) > 1:
        ids["eos_token_id"] = sorted(loaded.stop_ids)
    return {name: id for name, id in ids.items() if id is not None}


HEARING = {  # log_mel of headway.data.audio, as transformers writes it down; files of CTranslate2 leave it out
    "feature_extractor_type": "WhisperFeatureExtractor",
    "processor_class": "WhisperProcessor",
    "sampling_rate": 16000,
    "n_fft": 400,
    "hop_length": 160,
    "chunk_length": 30,
}

COPIED = ("generation_config.json", "preprocessor_config.json", "processor_config.json")


def _write_beside(loaded: Loaded, folder: Path) -> None:
    """The tokenizer, and what the checkpoint says about generating and about pictures."""
    if loaded.tokenizer is not None:
        loaded.tokenizer.save(folder)
    if isinstance(loaded.model, Whisper) and not (loaded.where / "preprocessor_config.json").is_file():
        write_text(
            folder / "preprocessor_config.json", json.dumps(HEARING | {"feature_size": loaded.model.config.mels})
        )
    if not loaded.where.is_dir() or loaded.where.resolve() == folder.resolve():
        return
    for name in COPIED:
        if (loaded.where / name).is_file():
            with replacing(folder / name) as temporary:
                shutil.copyfile(loaded.where / name, temporary)
