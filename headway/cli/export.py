"""``headway export MODEL DIR``: a model as a folder that Hugging Face's `from_pretrained` loads."""

from __future__ import annotations

from pathlib import Path

import cyclopts

app = cyclopts.App(name="export", help="Write a model as a Hugging Face folder.")


@app.default
def export(name: str, folder: Path, *, dtype: str | None = None) -> int:
    """Write a model as config.json and model.safetensors, for `from_pretrained` and for `headway run FOLDER`.

    Parameters
    ----------
    name
        A name (`headway run --help` says which), a folder or a .gguf file.
    folder
        Where to write; made if it is not there, files of the same name are replaced.
    dtype
        float32, bfloat16 or float16; as the model is loaded if left out.
    """
    from headway.base.console import err, out
    from headway.weights import export_folder
    from headway.zoo import load

    loaded = load(name, dtype=dtype)
    written = export_folder(loaded.model, folder)
    tokenizer = loaded.tokenizer
    if hasattr(tokenizer, "save"):
        tokenizer.save(written)
    elif tokenizer is not None:
        err().print("(the tokenizer is not written: take the checkpoint's own files)")
    out().print(f"{written}: {', '.join(sorted(path.name for path in written.iterdir()))}")
    return 0
