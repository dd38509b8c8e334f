"""What `headway run` does with pictures: name them, compare them, find what stands out, match texts, answer questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.base.errors import HeadwayError
from headway.base.files import expanded
from headway.cli._asked import How, best, compare, files, id_of

if TYPE_CHECKING:
    from torch import Tensor

    from headway.data.pictures import Manner
    from headway.zoo import Loaded

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm")


def look(loaded: Loaded, words: list[str], how: How) -> None:
    """A ViT: the likeliest classes of each picture; without classes, its vector, or how alike several are; or its map."""
    import torch

    from headway.data.pictures import load_picture

    c = loaded.model.config
    pictures = [load_picture(path) for path in files(words, "pictures: headway run MODEL picture.png")]
    if c.map_widths:
        for n, (file, picture) in enumerate(zip(words, pictures, strict=True)):
            if n:
                print()
            _stands_out(loaded, file, picture)
        return
    manner = _manner(loaded, "vit" if c.layer_scale is None else "dinov2", 224 if c.image == 518 else c.image)
    with torch.inference_mode():
        found = [loaded.model(_batch(loaded, manner, picture, c.channels))[0] for picture in pictures]
    if not c.n_class:
        compare(words, torch.stack(found))
        return
    for n, (file, logits) in enumerate(zip(words, found, strict=True)):
        if len(words) > 1:
            print(f"{chr(10) if n else ''}{file}")
        best(logits, lambda id: c.labels[id] if c.labels else id)


def _stands_out(loaded: Loaded, file: str, picture: Any) -> None:
    """Where in the picture the map is high: a box in pixels for each place."""
    import torch
    import torch.nn.functional as F

    from headway.cli._talk import note
    from headway.data.pictures import IMAGENET, Manner, inside_square, regions

    # 224 is the side that vit-s-focus was exported for; its positions are resized to it from 518.
    square, (left, top, width, height) = inside_square(picture, 224)
    mean, spread = IMAGENET
    pixels = _batch(loaded, Manner(size=None, mean=mean, spread=spread), square, loaded.model.config.channels)
    with torch.inference_mode():
        values = loaded.model(pixels).sigmoid()[0, top : top + height, left : left + width].float().cpu()
    found = regions(values)
    print(f"{'importance':>10}  {'mean':>5}  left, top, width, height in pixels")
    for region in found:
        box = (region.left * picture.width, region.top * picture.height, region.width * picture.width)
        box = (*box, region.height * picture.height)
        print(f"{region.highest:10.3f}  {region.mean:5.3f}  {', '.join(str(round(value)) for value in box)}")
    for line in _shades(F.interpolate(values[None, None], size=_coarse(width, height), mode="area")[0, 0]):
        note(line)
    note(f"{file}: importance from {float(values.min()):.3f} to {float(values.max()):.3f}")


def _coarse(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of a small map in characters, which are twice as high as wide."""
    return max(1, round(height / 14)), max(1, round(width / 7))


def _shades(values: Tensor) -> list[str]:
    low, high = float(values.min()), float(values.max())
    steps = " .:-=+*#%@"
    scaled = ((values - low) / max(high - low, 1e-9) * (len(steps) - 1)).round().int().tolist()
    return ["".join(steps[value] for value in row) for row in scaled]


def match(loaded: Loaded, words: list[str], how: How) -> None:
    """CLIP: how well each text fits each picture, as shares of one; pictures alone are compared."""
    import torch

    from headway.base.errors import HeadwayError
    from headway.data.pictures import load_picture

    c, model = loaded.model.config, loaded.model
    paths, texts = _apart(words, 'headway run MODEL picture.png "a cat" "a dog"')
    manner = _manner(loaded, "clip", c.image)
    pictures = [load_picture(path) for path in paths]
    with torch.inference_mode():
        seen = torch.cat([model.see(_batch(loaded, manner, picture, c.channels)) for picture in pictures])
        if not texts:
            compare([str(path) for path in paths], seen)
            return
        read = []
        for text in texts:
            ids = loaded.encode(text)
            if c.end_token is not None and c.end_token not in ids:
                raise HeadwayError(f"the tokenizer of {loaded.name} does not end texts with the id {c.end_token}.")
            read.append(model.read(torch.tensor([ids], device=seen.device)))
        shares = (model.temperature.exp() * seen @ torch.cat(read).T).float().softmax(-1)
    for n, (path, row) in enumerate(zip(paths, shares, strict=True)):
        if len(paths) > 1:
            print(f"{chr(10) if n else ''}{path}")
        order = row.argsort(descending=True, stable=True)
        for id in order.tolist():
            print(f"{float(row[id]):6.1%}  {texts[id]}")


def answer(loaded: Loaded, words: list[str], how: How) -> None:
    """LLaVA: a picture and a question, answered as it comes."""
    import torch

    from headway.base.errors import HeadwayError
    from headway.cli._talk import note, write
    from headway.data.pictures import load_picture
    from headway.sample.text import Reply, reply

    c, model, options = loaded.model.config, loaded.model, how.options
    paths, texts = _apart(words, 'headway run MODEL picture.png "What is in it?"')
    if not texts:
        raise HeadwayError('ask something about the picture: headway run MODEL picture.png "What is in it?"')
    pictures = [load_picture(path) for path in paths]
    if id_of(loaded.words, "<image>") != c.image_token:
        raise HeadwayError(
            f"the tokenizer of {loaded.name} has no <image> with the id {c.image_token}: it cannot be shown one."
        )
    ids = [
        id
        for token in _question(loaded, " ".join(texts), len(pictures))
        for id in [token] * (c.n_patch if token == c.image_token else 1)
    ]
    room = c.language.context - len(ids)
    if room < 1:
        raise HeadwayError(f"picture and question take {len(ids)} tokens, and this model reads {c.language.context}.")
    manner = _manner(loaded, "clip", c.image)
    pixels = torch.cat([_batch(loaded, manner, picture, c.channels) for picture in pictures])
    shown = torch.tensor([c.image_token], device=pixels.device)

    def forward(tokens: Tensor, cache: Any, mask: Tensor | None) -> Tensor:
        given = pixels if cache.length == 0 else None
        logits = model(tokens, cache, pictures=given, mask=mask)[:, -1]
        return logits.index_fill(-1, shown, -torch.inf)  # a picture is nothing to be said

    said = Reply()
    pieces = reply(
        model,
        loaded.decoder(),
        ids,
        max_tokens=min(options.max_tokens, room),
        sampling=options.sampling(0.0, 1.0),
        stop_ids=loaded.stop_ids,
        stops=options.stops,
        generator=options.generator(pixels.device),
        into=said,
        forward=forward,
    )
    write(pieces)
    print(flush=True)
    note(said.line())


def _question(loaded: Loaded, text: str, n: int) -> list[int]:
    """The ids of a question about `n` pictures: by the checkpoint's template, else as LLaVA 1.5 was trained."""
    from headway.base.errors import HeadwayError

    symbol = loaded.model.config.image_token
    ids: list[int] = []
    if loaded.chats:
        content: Any = [{"type": "image"}] * n + [{"type": "text", "text": text}]
        ids = loaded.words.encode_chat([{"role": "user", "content": content}])
    if ids.count(symbol) != n:  # no template, or one that knows only text
        ids = loaded.encode(f"USER: {'<image>' * n}\n{text} ASSISTANT:")
    if ids.count(symbol) != n:
        raise HeadwayError("the question contains <image>: leave it out, the picture is put there by itself.")
    return ids


def _apart(words: list[str], usage: str) -> tuple[list[Path], list[str]]:
    """The pictures that stand in front, and the texts behind them."""
    from headway.base.errors import HeadwayError

    n = 0
    while n < len(words) and _is_picture(words[n]):
        n += 1
    if not n:
        first = words[0] if words else ""
        said = f"'{first[:60]}' is no file. " if first else ""
        raise HeadwayError(f"{said}This model takes a picture first, then words: {usage}")
    texts = [word for word in words[n:] if word.strip()]
    return files(words[:n], f"a picture: {usage}"), texts


def _is_picture(word: str) -> bool:
    """Whether a word names a picture: it ends like one, or a file of that name is there."""
    if word.lower().endswith(SUFFIXES) and " " not in word.strip():
        return True
    try:
        return expanded(word).is_file()
    except (OSError, ValueError, HeadwayError):
        return False


def _manner(loaded: Loaded, kind: Any, side: int) -> Manner:
    """How pictures are made ready: as the checkpoint says, else as its kind is used to."""
    from headway.data.pictures import Manner

    otherwise = Manner.of(kind, side)
    folder = loaded.where if loaded.where.is_dir() else loaded.where.parent
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).is_file() and (manner := Manner.read(folder / name, otherwise)) != otherwise:
            return manner
    return otherwise


def _batch(loaded: Loaded, manner: Manner, picture: Any, channels: int) -> Tensor:
    """One picture as a batch, where the model is and as precise as it is."""
    return manner(picture, channels)[None].to(next(loaded.model.parameters()))
