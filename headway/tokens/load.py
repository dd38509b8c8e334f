"""The one way to a tokenizer: a folder's, whatever it is made of, or a GGUF file's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headway.base.reading import parse_json, read_text
from headway.tokens.chars import CharTokenizer
from headway.tokens.folder import CONFIG, class_of, read_backend, read_config, refuse_unknown
from headway.tokens.marian import MarianTokenizer
from headway.tokens.parts import Parts
from headway.tokens.pretrained import PretrainedTokenizer
from headway.tokens.tokenizer import Tokenizer


def load_tokenizer(folder: Path | str, *, name: str | None = None) -> Tokenizer:
    """The tokenizer in a folder of Hugging Face's layout, or of Headway's own with a character alphabet.

    Args:
        folder: With tokenizer.json, or the vocabulary's own files: vocab.txt (BERT), vocab.json and merges.txt (GPT-2,
            RoBERTa, Whisper, CLIP, Qwen), spiece.model (T5), tokenizer.model (Llama, Gemma), sentencepiece.bpe.model (XLM-R),
            source.spm and vocab.json (Marian). Or a file: a character alphabet, or a tokenizer.json of any name.
        name: What it belongs to, for messages; the folder's name if left out.

    Raises:
        Missing: there is no tokenizer in the folder.
        Unsupported: it has a setting, a class or a file that is not read here, each by its name.
        Corrupt: a file is damaged.
    """
    folder = Path(folder)
    if folder.is_file():
        return _from_file(folder, name)
    name = name or folder.name
    for own in ("tokenizer.json", "characters.json"):
        if (folder / own).is_file() and _is_alphabet(folder / own):
            return CharTokenizer.load(folder / own)
    config = read_config(folder)
    if class_of(folder, config) == "MarianTokenizer":
        refuse_unknown(config, {"source_lang", "target_lang"}, folder / CONFIG)
        return MarianTokenizer.from_folder(folder, config, name=name)
    return PretrainedTokenizer.from_folder(folder, name=name)


def _from_file(path: Path, name: str | None) -> Tokenizer:
    if _is_alphabet(path):
        return CharTokenizer.load(path)
    if path.name == "tokenizer.json":
        return load_tokenizer(path.parent, name=name)
    return PretrainedTokenizer(Parts(backend=read_backend(path), name=name or path.name))


def gguf_tokenizer(facts: Mapping[str, Any], *, name: str | None = None) -> Tokenizer:
    """The tokenizer in the metadata of a GGUF file."""
    return PretrainedTokenizer.from_gguf(facts, name=name)


def _is_alphabet(path: Path) -> bool:
    text = read_text(path)
    if '"characters"' not in text:
        return False
    content = parse_json(text, path)
    return isinstance(content, dict) and content.get("kind") == "characters"
