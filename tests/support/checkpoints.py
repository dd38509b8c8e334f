"""Small checkpoints as Hugging Face lays them out, and small pictures and sounds to give them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image
from support.parity import randomise
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, processors

from headway.weights import export_folder

SIZES = {"width": 8, "n_layer": 1, "n_head": 2, "ff_width": 12}
LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())


def save(model, folder: Path, *specials: str, around: tuple[str | None, str | None] = (None, None), **facts) -> Path:
    """A checkpoint with weights that matter, and a tokenizer that has a token for each byte and each of `specials`."""
    randomise(model, 0)
    export_folder(model.eval(), folder)
    if facts:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | facts))
    words = [*specials, *LETTERS]
    backend = Backend(models.BPE(vocab={word: id for id, word in enumerate(words)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(specials))
    pattern = " ".join(filter(None, (around[0], "$A", around[1])))
    backend.post_processor = processors.TemplateProcessing(
        single=pattern, special_tokens=[(word, words.index(word)) for word in around if word]
    )
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text("{}")
    return folder


def ids_of(text: str, specials: int) -> list[int]:
    """The ids of an ASCII text in `save`'s vocabulary."""
    return [specials + LETTERS.index("Ġ" if sign == " " else sign) for sign in text]


def picture(path: Path, seed: int = 0) -> Path:
    """A picture of noise, in colours."""
    values = np.random.default_rng(seed).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


def wave(path: Path, seconds: float = 0.5) -> Path:
    samples = np.random.default_rng(2).integers(-9000, 9000, round(16000 * seconds)).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data"
        + struct.pack("<I", len(samples)) + samples
    )  # fmt: skip
    return path
