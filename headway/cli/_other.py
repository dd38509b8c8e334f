"""What `headway run` does with a model that is no decoder of text: compare sentences, fill a mask, name a picture, transcribe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.zoo import Loaded


def run_other(loaded: Loaded, words: Sequence[str]) -> bool:
    """Do the natural thing for `loaded`, if it is of a kind for which there is one; False where it is not."""
    kind = type(loaded.model).__name__
    if kind in ("Bert", "Roberta"):
        _sentences(loaded, list(words))
    elif kind == "ViT":
        _picture(loaded, _files(words))
    else:
        return False
    return True


def _files(words: Sequence[str]) -> list[Path]:
    from headway.base.errors import HeadwayError

    paths = [Path(word).expanduser() for word in words]
    for path in paths:
        if not path.is_file():
            raise HeadwayError(f"there is no file {path}: this model takes files.")
    return paths


def _sentences(loaded: Loaded, texts: list[str]) -> None:
    """A gap in the text is filled; several texts are compared; one text becomes its vector."""
    import torch

    tokenizer: Any = loaded.words
    mask = getattr(tokenizer, "mask_token", None) or ("<mask>" if "oberta" in type(loaded.model).__name__ else "[MASK]")
    with torch.inference_mode():
        if any(mask in text for text in texts):
            for text in texts:
                _fill(loaded, text, mask)
            return
        vectors = torch.cat([_vector(loaded, text) for text in texts])
    if len(texts) == 1:
        print(" ".join(f"{value:.6f}" for value in vectors[0].tolist()))
        return
    from rich.table import Table

    from headway.base.console import out

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("cosine of their vectors")
    for n in range(1, len(texts) + 1):
        table.add_column(str(n), justify="right")
    for n, (text, row) in enumerate(zip(texts, (vectors @ vectors.T).tolist(), strict=True), 1):
        table.add_row(f"{n}  {text}", *(f"{value:.3f}" for value in row))
    out().print(table)


def _vector(loaded: Loaded, text: str):
    """The text's vector: the mean of its tokens' states, of length 1."""
    import torch

    from headway.base.errors import HeadwayError

    ids = loaded.words.encode(text, specials=True) if _takes_specials(loaded.words) else loaded.words.encode(text)
    if not ids:
        raise HeadwayError("an empty text has no vector: give some words.")
    return loaded.model.sentence(torch.tensor([ids]))


def _takes_specials(tokenizer: Any) -> bool:
    import inspect

    return "specials" in inspect.signature(tokenizer.encode).parameters


def _fill(loaded: Loaded, text: str, mask: str) -> None:
    """The five likeliest words for the gap."""
    import torch

    from headway.base.errors import HeadwayError

    model, tokenizer = loaded.model, loaded.words
    if model.config.head not in ("mlm", "pretraining"):
        raise HeadwayError(f"{loaded.name} comes without the head that guesses words: give it texts to compare.")
    ids = torch.tensor([tokenizer.encode(text)])
    gap = tokenizer.encode(mask)
    places = [n for n, id in enumerate(ids[0].tolist()) if id in gap and tokenizer.decode([id]).strip() == mask]
    if not places:
        raise HeadwayError(f"the tokenizer does not know {mask} as one token")
    out = model(ids)
    logits = out[0] if isinstance(out, tuple) else out
    for place in places:
        best = logits[0, place].float().softmax(-1).topk(5)
        for value, id in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            print(f"{value:6.1%}  {tokenizer.decode([id]).strip()}")


def _picture(loaded: Loaded, paths: list[Path]) -> None:
    """The likeliest classes of each picture; for a model without classes, its vector."""
    import torch

    from headway.base.errors import HeadwayError

    if not paths:
        raise HeadwayError("give a picture: headway run MODEL picture.png")
    c = loaded.model.config
    for path in paths:
        with torch.inference_mode():
            out = loaded.model(_pixels(path, c.image, c.channels)[None])[0]
        if not c.n_class:
            print(" ".join(f"{value:.6f}" for value in out.tolist()))
            continue
        best = out.softmax(-1).topk(min(5, c.n_class))
        names = _labels(loaded)
        for value, n in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            print(f"{value:6.1%}  {names.get(str(n), n)}")


def _labels(loaded: Loaded) -> dict[str, str]:
    import json

    try:
        return json.loads((loaded.where / "config.json").read_text(encoding="utf-8")).get("id2label", {})
    except (OSError, ValueError):
        return {}


def _pixels(path: Path, side: int, channels: int):
    """A picture as (channels, side, side), scaled and cut to its middle, normalised to mean and spread 0.5 (ViT's own)."""
    import numpy as np
    import torch
    from PIL import Image, UnidentifiedImageError

    from headway.base.errors import Corrupt

    try:
        picture = Image.open(path).convert("RGB" if channels == 3 else "L")
    except (UnidentifiedImageError, OSError) as error:
        raise Corrupt(f"{path} is no picture that can be read (PNG, JPEG, WebP ...): {error}") from error
    scale = side / min(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    values = np.asarray(picture.crop((left, top, left + side, top + side)), dtype=np.float32) / 255
    pixels = torch.from_numpy(values).view(side, side, -1).permute(2, 0, 1)
    return (pixels - 0.5) / 0.5
