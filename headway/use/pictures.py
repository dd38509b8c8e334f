"""Pictures: named, their important parts found, matched with texts, asked about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.data.pictures import IMAGENET, Manner, inside_square, load_picture, regions
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Conditioned, Until
from headway.sample.text import Reply, reply
from headway.use.results import Choice, Importance, Place, likeliest
from headway.use.texts import MOST, randomness, symbol
from headway.zoo import Loaded

Picture = str | Path | Image.Image
"""A file, or what Pillow makes of one."""


@torch.inference_mode()
def see(loaded: Loaded, picture: Picture, *, n: int = 5) -> tuple[Choice, ...]:
    """The `n` likeliest classes of a picture."""
    config = loaded.model.config
    if loaded.entry.kind != "vision" or not config.n_class:
        raise HeadwayError(f"{loaded.name} knows no classes to name a picture by: a ViT with a classifier does.")
    logits = loaded.model(pixels_of(loaded, picture))[0]
    return likeliest(logits, lambda id: config.labels[id] if config.labels else id, n)


@torch.inference_mode()
def importance(loaded: Loaded, picture: Picture) -> Importance:
    """How important each part of a picture is, by a model with a head that makes a map; and the places that stand out."""
    config = loaded.model.config
    if loaded.entry.kind != "vision" or not config.map_widths:
        raise HeadwayError(f"{loaded.name} makes no map of a picture: vit-s-focus does.")
    opened = opened_picture(picture)
    pixels, (left, top, width, height) = _whole(loaded, opened)
    values = loaded.model(pixels).sigmoid()[0, top : top + height, left : left + width].float().cpu()
    places = [
        Place(
            region.highest,
            region.mean,
            left=round(region.left * opened.width),
            top=round(region.top * opened.height),
            width=round(region.width * opened.width),
            height=round(region.height * opened.height),
        )
        for region in regions(values)
    ]
    return Importance(values, tuple(places))


@torch.inference_mode()
def match(loaded: Loaded, pictures: Sequence[Picture], texts: Sequence[str]) -> tuple[tuple[Choice, ...], ...]:
    """For each picture how well each of the texts fits it, as shares of one, the best first."""
    model, config = loaded.model, loaded.model.config
    if loaded.entry.kind != "vision-text":
        raise HeadwayError(f"{loaded.name} does not compare pictures with texts: CLIP does.")
    if not pictures or not texts:
        raise HeadwayError("give at least one picture and one text.")
    seen = torch.cat([model.see(pixels_of(loaded, picture)) for picture in pictures])
    read = []
    for text in texts:
        ids = loaded.encode(text)
        if config.end_token is not None and config.end_token not in ids:
            raise HeadwayError(f"the tokenizer of {loaded.name} does not end texts with the id {config.end_token}.")
        read.append(model.read(torch.tensor([ids], device=seen.device)))
    shares = (model.temperature.exp() * seen @ torch.cat(read).T).float().softmax(-1)
    found = []
    for row in shares:
        order = row.argsort(descending=True, stable=True).tolist()
        found.append(tuple(Choice(texts[id], float(row[id])) for id in order))
    return tuple(found)


def answer(
    loaded: Loaded,
    pictures: Sequence[Picture],
    question: str,
    *,
    max_tokens: int = MOST,
    stops: Sequence[str] = (),
    sampling: Sampling = GREEDY,
    seed: int | None = None,
) -> Reply:
    """Answer a question about pictures, piece by piece.

    Args:
        loaded: A LLaVA.
        max_tokens, stops, sampling, seed: As in `headway.use.go_on`.

    Raises:
        HeadwayError: at once: no such model, its tokenizer has no symbol for a picture, or all is too long for it.
    """
    model, config = loaded.model, loaded.model.config
    if loaded.entry.kind != "vision-decoder":
        raise HeadwayError(f"{loaded.name} does not answer about pictures: LLaVA does.")
    if not pictures or not question.strip():
        raise HeadwayError("give a picture and a question about it.")
    opened = [opened_picture(picture) for picture in pictures]
    ids = ids_of_question(loaded, question, len(opened))
    room = config.language.context - len(ids)
    if room < 1:
        raise HeadwayError(
            f"picture and question take {len(ids)} tokens, and this model reads {config.language.context}."
        )
    pixels = torch.cat([pixels_of(loaded, picture) for picture in opened])
    symbols = torch.tensor([config.image_token], device=pixels.device)

    def step(tokens: Tensor, cache: Any, mask: Tensor | None) -> Tensor:
        given = pixels if cache.length == 0 else None
        logits = model(tokens, cache, pictures=given, mask=mask)[:, -1]
        return logits.index_fill(-1, symbols, -torch.inf)  # a picture is nothing to be said

    until = Until(max_tokens=min(max_tokens, room), stop_ids=loaded.stop_ids, stops=stops)
    generator = randomness(loaded, seed)
    return reply(Conditioned(model, step), loaded.decoder(), ids, until=until, sampling=sampling, generator=generator)


def ids_of_question(loaded: Loaded, text: str, n: int) -> list[int]:
    """The ids of a question about `n` pictures, an image token for every patch: by the checkpoint's template, else as LLaVA
    1.5 was trained.

    Raises:
        HeadwayError: the tokenizer has no symbol for a picture, or it stands in the question.
    """
    config = loaded.model.config
    token = config.image_token
    if symbol(loaded, "<image>") != token:
        raise HeadwayError(
            f"the tokenizer of {loaded.name} has no <image> with the id {token}: it cannot be shown one."
        )
    ids: list[int] = []
    if loaded.chats:
        content: Any = [{"type": "image"}] * n + [{"type": "text", "text": text}]
        ids = loaded.words.encode_chat([{"role": "user", "content": content}])
    if ids.count(token) != n:  # no template, or one that knows only text
        ids = loaded.encode(f"USER: {'<image>' * n}\n{text} ASSISTANT:")
    if ids.count(token) != n:
        raise HeadwayError("the question contains <image>: leave it out, the picture is put there by itself.")
    return [id for one in ids for id in [one] * (config.n_patch if one == token else 1)]


# A picture made ready for a model


def opened_picture(picture: Picture) -> Image.Image:
    """The picture itself."""
    return picture if isinstance(picture, Image.Image) else load_picture(picture)


def name_of(given: Picture) -> str:
    """What a picture, or a text, goes by in a result."""
    return str(getattr(given, "filename", "") or "picture") if isinstance(given, Image.Image) else str(given)


def pixels_of(loaded: Loaded, picture: Picture) -> Float[Tensor, "1 c y x"]:
    """A picture as `loaded` was trained to see it: as the checkpoint says, else as its kind is used to."""
    config = loaded.model.config
    if loaded.entry.kind == "vision" and config.map_widths:
        return _whole(loaded, opened_picture(picture))[0]
    return _batch(loaded, _manner(loaded), opened_picture(picture))


def as_seen(loaded: Loaded, pixels: Float[Tensor, "1 c y x"]) -> Float[Tensor, "y x 3"]:
    """What `pixels_of` made of a picture, as it can be looked at: from 0 to 1, red, green and blue."""
    config, x = loaded.model.config, pixels[0].detach().float().cpu()
    makes_map = loaded.entry.kind == "vision" and config.map_widths
    mean, spread = IMAGENET if makes_map else ((manner := _manner(loaded)).mean, manner.spread)
    if mean and spread and len(mean) == len(x):
        x = x * torch.tensor(spread)[:, None, None] + torch.tensor(mean)[:, None, None]
    x = x if len(x) == 3 else x.mean(0, keepdim=True).expand(3, -1, -1)
    return x.clamp(0, 1).permute(1, 2, 0)


def _whole(loaded: Loaded, picture: Image.Image) -> tuple[Tensor, tuple[int, int, int, int]]:
    """A picture for a model that makes a map of it: in a black square, and where in it (left, top, width, height)."""
    # 224 is the side that vit-s-focus was exported for; its positions are resized to it from 518.
    square, place = inside_square(picture, 224)
    mean, spread = IMAGENET
    return _batch(loaded, Manner(size=None, mean=mean, spread=spread), square), place


def _manner(loaded: Loaded) -> Manner:
    """How a picture is made ready: as the checkpoint says, else as the kind of model is used to."""
    config = loaded.model.config
    kind: Any
    if loaded.entry.kind == "vision":
        kind, side = ("vit", config.image) if config.layer_scale is None else ("dinov2", config.image)
        side = 224 if side == 518 else side
    else:
        kind, side = "clip", config.image
    otherwise = Manner.of(kind, side)
    folder = loaded.where if loaded.where.is_dir() else loaded.where.parent
    return Manner.of_folder(folder, otherwise)


def _batch(loaded: Loaded, manner: Manner, picture: Image.Image) -> Tensor:
    """One picture as a batch, where the model is and as precise as it is."""
    config = loaded.model.config
    return manner(picture, config.channels)[None].to(next(loaded.model.parameters()))
