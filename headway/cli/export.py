"""``headway export MODEL DIR``: a model as a folder that Hugging Face's `from_pretrained` loads."""

from __future__ import annotations

from pathlib import Path

import cyclopts

from headway.base.console import err, out
from headway.base.errors import HeadwayError
from headway.zoo import check_name, check_place, load

app = cyclopts.App(name="export", help="Write a model as a Hugging Face folder.")


@app.default
def export(name: str, folder: Path, /, *, dtype: str | None = None) -> int:
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
    check_name(name)
    check_place(dtype, None)
    if folder.exists() and not folder.is_dir():
        raise HeadwayError(f"{folder} is a file: give a folder to export to")

    # This loads torch, and a mistake on the command line is told without.
    from headway import use

    found = use.export(load(name, dtype=dtype), folder)
    out().print(f"{found.folder}: {', '.join(found.files)}", soft_wrap=True)
    if found.remark:
        err().print(found.remark, soft_wrap=not err().is_terminal)
    return 0
