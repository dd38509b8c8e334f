"""A name becomes a model and a tokenizer, ready to use: the one place that joins them.

A name is one of `ZOO`, a folder in Hugging Face's layout, a ``.gguf`` or ``.onnx`` file, a training run
(its folder, its name, or ``last``), or an id on the Hugging Face hub (``owner/name``, with ``@revision`` if you like).
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.base import hub as hub_client
from headway.base.errors import HeadwayError, Offline, Unsupported, did_you_mean
from headway.base.files import expanded
from headway.base.http import TooSlow
from headway.base.reading import read_json_object
from headway.base.sources import fetch, state
from headway.base.sources import find as find_source
from headway.models.catalog import CATALOG, Entry
from headway.train.folder import RunFolder, is_run, model_of_run

if TYPE_CHECKING:
    import torch

    from headway.tokens.tokenizer import TextStream, Tokenizer

ZOO: dict[str, str] = {
    "smollm2-135m": "fetch:smollm2-135m",
    "minilm-l6": "fetch:minilm-l6",
    "whisper-tiny-en": "fetch:whisper-tiny-en",
    "vit-s-focus": "fetch:vit-s-focus",
    "shakespeare-char": "house:gpt2",
    "shakespeare-bpe": "house:gpt2",
    "numbers-gru": "house:seq2seq",
    "numbers-transformer": "house:transformer",
    "gpt2": "hub:openai-community/gpt2",
    "gpt2-medium": "hub:openai-community/gpt2-medium",
    "gpt2-large": "hub:openai-community/gpt2-large",
    "gpt2-xl": "hub:openai-community/gpt2-xl",
}
"""Name -> where it comes from: a source of `headway fetch`, the hub, or this package itself (house: and the architecture)."""

HOUSE = tuple(name for name, where in ZOO.items() if where.startswith("house:"))
"""Models of our own, which come with Headway."""

DEFAULT = "smollm2-135m"
"""What `headway chat`, `bench` and `tour` take where no name is given."""

DTYPES = {
    "float32": ("float32", "fp32", "f32"),
    "bfloat16": ("bfloat16", "bf16"),
    "float16": ("float16", "fp16", "f16", "half"),
    "float64": ("float64", "fp64", "f64", "double"),
}


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model and its tokenizer.

    Attributes:
        name: What was asked for.
        entry: The architecture, as the catalogue has it.
        model: In evaluation mode.
        tokenizer: None where the checkpoint has none, or one that is not read here.
        where: The file or folder it was read from.
        refusal: Why its tokenizer is not read here, None where it is, or where there is none.
    """

    name: str
    entry: Entry
    model: Any
    tokenizer: Tokenizer | None
    where: Path
    refusal: HeadwayError | None = None

    def encode(self, text: str) -> list[int]:
        """The ids of a text to be completed."""
        return self.words.encode(text)

    def decoder(self) -> TextStream:
        """For ids that come one by one: `push` and `close`."""
        return self.words.stream()

    @property
    def words(self) -> Tokenizer:
        """The tokenizer; one line where there is none, or one that is not read here."""
        if self.refusal is not None:
            raise self.refusal
        if self.tokenizer is None:
            raise HeadwayError(
                f"{self.name} comes without a tokenizer ({self.where}): it takes and gives ids only, no text."
            )
        return self.tokenizer

    @property
    def chats(self) -> bool:
        """Whether it was trained to answer: it has a chat template."""
        return self.tokenizer is not None and self.tokenizer.template is not None

    @property
    def stop_ids(self) -> frozenset[int]:
        return frozenset() if self.tokenizer is None else self.tokenizer.stop_ids


def load(name: str | Path, *, dtype: Any = None, device: Any = None, progress: bool = True) -> Loaded:
    """The model called `name`, wherever it has to come from.

    Args:
        name: See the top of this file.
        dtype: A torch dtype or its name; None for float32 on a CPU, and as stored elsewhere.
        device: A torch device or its name; None for the CPU.
        progress: Whether to show what is fetched.

    Raises:
        HeadwayError: one line: unknown, missing, gated, `Offline`, `Corrupt`, `Unsupported`.
    """
    dtype, device = parse_dtype(dtype), parse_device(device)
    name = str(name)
    path = find(name, progress=progress)
    if dtype is None and device.type == "cpu":
        import torch

        dtype = torch.float32
    if path.suffix.lower() == ".onnx" and path.is_file():
        from headway.weights import load_onnx

        return _joined(name, load_onnx(path, dtype=dtype, device=device), None, path)
    return (_from_gguf if path.is_file() else _from_folder)(name, path, dtype, device)


def find(name: str, *, progress: bool = True) -> Path:
    """The file or folder of the model called `name`, fetched first where it is not on this disk."""
    if name in ZOO:
        way, _, what = ZOO[name].partition(":")
        if way == "fetch":
            return fetch(what, progress=progress)
        if way == "house":
            return house(name)
        return _from_hub(what, progress)
    path = expanded(name)
    if name and path.exists():
        if path.is_file() and path.suffix.lower() not in (".gguf", ".onnx"):
            raise HeadwayError(f"{name} is a file, but no .gguf file: give the folder it lies in, or a .gguf file.")
        return RunFolder(path).model if is_run(path) else path
    is_file = name.endswith((".gguf", ".onnx"))
    if is_file or name.startswith((".", "/", "~", "\\")) or "\\" in name:
        raise HeadwayError(f"there is no {'file' if is_file else 'folder'} {name}.")
    if name.count("/") == 1 and all(name.split("/")):
        return _from_hub(name, progress)
    if name in CATALOG:
        here = ready().get(name)
        these = f"{' or '.join(here)}, " if here else ""
        raise HeadwayError(f"{name} is an architecture: give weights of it, {these}a folder, or a Hugging Face id.")
    if (model := model_of_run(name)) is not None:
        return model
    known = ", ".join(ZOO)
    raise HeadwayError(
        f"there is no model '{name}'.{did_you_mean(name, list(ZOO))} Known: {known}; or a folder, a .gguf file, "
        "or a Hugging Face id (owner/name)."
    )


def check_name(name: str) -> None:
    """Refuse a name that stands for no model, before anything slow is imported; nothing is fetched or read for it."""
    id_of_hub = name.count("/") == 1 and all(name.split("/")) and not name.startswith((".", "~"))
    if name not in ZOO and (not id_of_hub or expanded(name).exists()):
        find(name)


def kind_of(name: str) -> str | None:
    """What kind of model is called `name`, where that can be told without loading it; see `headway.models.catalog.Kind`."""
    if name in ZOO:
        return CATALOG[_architecture(name)].kind
    path = expanded(name)
    if path.suffix.lower() == ".gguf":
        return "decoder"
    config = (RunFolder(path).model if name and is_run(path) else path) / "config.json"
    names = read_json_object(config).get("architectures") if config.is_file() else None
    for entry in CATALOG.values():
        if isinstance(names, list) and any(each in entry.hf for each in names):
            return entry.kind
    return None


def must_speak(kind: str | None, name: str) -> None:
    """Raise `Unsupported` for a model that does not go on with a text; of an unknown kind (None) nothing is said yet."""
    if kind not in (None, "decoder"):
        raise Unsupported(f"{name} does not go on with a text. `headway run --help` shows what it does.")


def _architecture(name: str) -> str:
    """Of a name of `ZOO`."""
    way, _, what = ZOO[name].partition(":")
    return what if way == "house" else KINDS.get(name, name.partition("-")[0])


def house(name: str) -> Path:
    """The folder of one of `HOUSE`, with house.json beside the weights: recipe, seed, machine, evaluation, checksums."""
    return Path(__file__).parent / "house" / name


def ready() -> dict[str, list[str]]:
    """Architecture -> names of `ZOO` whose files are on this disk, so that they run without a network."""
    found: dict[str, list[str]] = {}
    for name, where in ZOO.items():
        way, _, what = where.partition(":")
        there = {"fetch": _fetched, "hub": _in_hub_cache, "house": lambda _, name=name: house(name).is_dir()}[way]
        if there(what):
            found.setdefault(_architecture(name), []).append(name)
    return found


KINDS = {"smollm2-135m": "llama", "minilm-l6": "bert", "whisper-tiny-en": "whisper", "vit-s-focus": "vit"}
"""Name -> architecture, where the name does not begin with it."""


def _fetched(name: str) -> bool:
    return state(find_source(name)) == "present"


def _in_hub_cache(id: str) -> bool:
    home = Path(
        os.environ.get("HF_HUB_CACHE")
        or expanded(os.environ.get("HF_HOME") or "~/.cache/huggingface", "HF_HOME") / "hub"
    )
    return any((home / f"models--{id.replace('/', '--')}" / "snapshots").glob("*/config.json"))


def check_place(dtype: str | None, device: str | None) -> None:
    """Refuse names of a number format or a device that mean nothing. PyTorch is asked only whether there is a GPU."""
    if dtype is not None:
        dtype_name(dtype)
    if device is not None:
        _check_device(device)
        if device.partition(":")[0] != "cpu":
            parse_device(device)


def dtype_name(dtype: str) -> str:
    """How PyTorch calls a number format: ``bf16`` -> ``bfloat16``."""
    for full, names in DTYPES.items():
        if dtype.lower() in names:
            return full
    known = [name for names in DTYPES.values() for name in names]
    raise HeadwayError(
        f"there is no dtype '{dtype}'.{did_you_mean(dtype, known)} Known: {', '.join(DTYPES)} (also fp32, bf16, ...)."
    )


def _check_device(device: str) -> None:
    if not re.fullmatch(r"(cpu|mps)(:0)?|cuda(:\d{1,3})?", device):
        raise HeadwayError(f"there is no device '{device}': cpu, cuda, cuda:0, mps ...")


def parse_dtype(dtype: Any) -> torch.dtype | None:
    """A torch dtype from its name (``bf16`` as well as ``bfloat16``)."""
    import torch

    if dtype is None or isinstance(dtype, torch.dtype):
        return dtype
    return getattr(torch, dtype_name(str(dtype)))


def parse_device(device: Any) -> torch.device:
    """A torch device that this machine really has."""
    import torch

    if isinstance(device, torch.device):
        return device
    _check_device(device or "cpu")
    found = torch.device(device or "cpu")
    if found.type == "cpu":
        return found
    if found.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            raise HeadwayError(
                f"device {device}: this machine has no CUDA device that PyTorch can use (`headway doctor`)."
            )
        if (found.index or 0) >= count:
            raise HeadwayError(f"device {device}: there are {count} here, cuda:0 to cuda:{count - 1}.")
        return found
    if found.type == "mps" and torch.backends.mps.is_available():
        return found
    raise HeadwayError(f"device {device} is not available here; use cpu.")


def _from_gguf(name: str, path: Path, dtype: Any, device: Any) -> Loaded:
    from headway.tokens.load import gguf_tokenizer
    from headway.weights import GGUF, load_gguf

    file = GGUF(path)
    tokenizer = gguf_tokenizer(file.facts, name=name)  # first: it is read in a moment
    return _joined(name, load_gguf(file, dtype=dtype, device=device), tokenizer, path)


def _from_folder(name: str, path: Path, dtype: Any, device: Any) -> Loaded:
    from headway.tokens.folder import Missing
    from headway.tokens.load import load_tokenizer
    from headway.weights import load_folder

    tokenizer = refusal = None
    try:
        tokenizer = load_tokenizer(path, name=name)
    except Missing:
        pass
    except Unsupported as error:  # the model may be used without: said when a text comes to it
        refusal = error
    model = load_folder(path, dtype=dtype, device=device)
    return _joined(name, model, tokenizer, path, refusal)


def _joined(
    name: str, model: Any, tokenizer: Tokenizer | None, where: Path, refusal: HeadwayError | None = None
) -> Loaded:
    """The parts as one. The tokenizer knows how many rows the model has: an id beyond is refused when a text uses it."""
    from headway.weights.store import entry_of_model

    if tokenizer is not None:
        tokenizer.rows = getattr(model.config, "vocab_size", None)
    entry = entry_of_model(model)
    return Loaded(name=name, entry=entry, model=model, tokenizer=tokenizer, where=where, refusal=refusal)


def _from_hub(name: str, progress: bool) -> Path:
    """The folder of a model of the Hugging Face hub, downloaded into its own cache (HF_HOME and HF_HUB_OFFLINE hold)."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub import errors as hub
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    hub_client.watch()
    id, _, revision = name.partition("@")
    page = f"{constants.ENDPOINT}/{id}"
    if not progress:
        disable_progress_bars()

    def download(*patterns: str) -> Path:
        # Not the same weights again for other frameworks or in other cuts (consolidated.safetensors), nor folders below.
        return Path(
            snapshot_download(id, revision=revision or None, allow_patterns=list(patterns), ignore_patterns=["*/*"])
        )

    try:
        folder = download("*.json", "*.txt", "*.jinja", "*.spm", "*.model", "model*.safetensors")
        if not any(folder.glob("*.safetensors")):
            folder = download("pytorch_model*.bin", "*.json", "*.txt")
        if (folder / "modules.json").is_file():  # of sentence-transformers: how one vector of a text is made
            snapshot_download(id, revision=revision or None, allow_patterns=["1_Pooling/config.json"])
        return folder
    except hub.HFValidationError as error:
        raise HeadwayError(
            f"'{name}' is no Hugging Face id: owner/name, of letters, digits, '-', '_' and '.'."
        ) from error
    except hub.GatedRepoError as error:
        raise HeadwayError(
            f"{id} is gated: accept its terms at {page}, then log in with `hf auth login` or set HF_TOKEN."
        ) from error
    except hub.RevisionNotFoundError as error:
        raise HeadwayError(f"{id} has no revision '{revision}' at {page}.") from error
    except (hub.OfflineModeIsEnabled, hub.LocalEntryNotFoundError) as error:
        why = "HF_HUB_OFFLINE is set" if constants.is_offline_mode() else "the hub does not answer"
        raise _offline(id, why) from error
    except hub.HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else None
        if code in (401, 403, 404):
            raise HeadwayError(
                f"there is no model {id} at {constants.ENDPOINT}, or it is private: check the spelling, or log in with "
                "`hf auth login`."
            ) from error
        raise HeadwayError(f"the hub answered {code or 'an error'} for {id} ({page}): try again later.") from error
    except TooSlow as error:
        raise _offline(id, f"the hub sends too slowly ({error.why})") from error
    except Exception as error:
        line = " ".join(str(error).split())
        if type(error).__module__.startswith("httpx"):  # whichever of its versions the hub's client stands on
            raise _offline(id, f"the hub does not answer ({type(error).__name__})") from error
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HeadwayError(f"no room on the disk for {id}: free some, or set HF_HOME to a larger disk.") from error
        if isinstance(error, OSError):
            raise HeadwayError(f"{id} could not be fetched ({line}).") from error
        raise
    finally:
        if not progress:
            enable_progress_bars()


def _offline(id: str, why: str) -> Offline:
    return Offline(f"{id} is not on this disk, and {why}: connect and run this again, or give a local folder.")
