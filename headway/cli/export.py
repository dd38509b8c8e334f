"""``headway export MODEL DIR``: a model as a folder that Hugging Face's `from_pretrained` loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cyclopts

if TYPE_CHECKING:
    from headway.zoo import Loaded

app = cyclopts.App(name="export", help="Write a model as a Hugging Face folder.")


@app.default
def export(name: str, folder: Path, *, dtype: str | None = None) -> int:
    """Write a model as config.json and model.safetensors, for `from_pretrained` and for `headway run FOLDER`; its tokenizer too.

    Parameters
    ----------
    name
        A name (`headway run --help` says which), a folder or a .gguf file.
    folder
        Where to write; made if it is not there, files of the same name are replaced.
    dtype
        float32, bfloat16 or float16; as the model is loaded if left out.
    """
    from headway.base.console import out
    from headway.weights import export_folder
    from headway.zoo import load

    loaded = load(name, dtype=dtype)
    written = export_folder(loaded.model, folder)
    _write_beside(loaded, written)
    out().print(f"{written}: {', '.join(sorted(path.name for path in written.iterdir()))}")
    return 0


COPIED = ("generation_config.json", "preprocessor_config.json", "processor_config.json", "special_tokens_map.json")


def _write_beside(loaded: Loaded, folder: Path) -> None:
    """The tokenizer, and what the checkpoint says about generating and about pictures."""
    import shutil

    from headway.base.files import replacing
    from headway.tokens.chars import CharTokenizer

    tokenizer, copied = loaded.tokenizer, COPIED
    if isinstance(tokenizer, CharTokenizer):
        tokenizer.save(folder / "tokenizer.json")
    elif hasattr(tokenizer, "save"):
        tokenizer.save(folder)
    elif tokenizer is not None:
        copied += ("source.spm", "target.spm", "vocab.json", "tokenizer_config.json")  # Marian's
    if not loaded.where.is_dir() or loaded.where.resolve() == folder.resolve():
        return
    for name in copied:
        if (loaded.where / name).is_file():
            with replacing(folder / name) as temporary:
                shutil.copyfile(loaded.where / name, temporary)
