"""Pictures: files as pixels, in the size and with the normalisation that a checkpoint was trained with."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import expanded
from headway.base.reading import read_json_object
from headway.data.image_processors import BICUBIC, BILINEAR, CLIP, HALF, IMAGENET, read_processor

MOST = 64_000_000
"""Pixels of a picture; decoding takes some ten bytes for each."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a picture is made ready for a model.

    Attributes:
        size: What it is resized to: a number for the shortest side (the proportions stay), or (height, width).
        longest: The most that the longest side may become, where the proportions stay; None for any.
        crop: What is then cut out of the middle, (height, width); None for nothing.
        resample: See the numbers above.
        mean, spread: Of the channels, after scaling to [0, 1]; None where nothing is normalised.
        scale: What the values 0 to 255 are multiplied by.
        padded: Whether the picture is put on a square of its mean colour first.
        kind: What the model is: the class that reads a file which names none.
    """

    size: int | tuple[int, int] | None
    crop: tuple[int, int] | None = None
    resample: int = BICUBIC
    mean: tuple[float, ...] | None = HALF[0]
    spread: tuple[float, ...] | None = HALF[1]
    scale: float = 1 / 255
    longest: int | None = None
    padded: bool = False
    kind: Literal["vit", "dinov2", "clip"] = "vit"

    @classmethod
    def of(cls, kind: Literal["vit", "dinov2", "clip"], side: int) -> Manner:
        """What the papers' own code does for pictures of `side` by `side` pixels, where a checkpoint does not say."""
        if kind == "vit":
            return cls(size=(side, side), resample=BILINEAR, kind=kind)
        mean, spread = IMAGENET if kind == "dinov2" else CLIP
        shortest = round(side * 256 / 224) if kind == "dinov2" else side
        return cls(size=shortest, crop=(side, side), mean=mean, spread=spread, kind=kind)

    @classmethod
    def read(cls, path: Path, otherwise: Manner) -> Manner:
        """As a preprocessor_config.json says, what it leaves out as its class has it; `otherwise` where there is none.

        Of a processor_config.json, what it says about pictures. `headway.data.image_processors` names the keys and classes.
        """
        if not path.is_file():
            return otherwise
        facts = read_json_object(path)
        if path.name == "processor_config.json" and "image_processor" not in facts:
            return otherwise
        facts = facts.get("image_processor", facts)
        if not isinstance(facts, dict):
            raise Corrupt(f"{path} says nothing about pictures that can be read: fetch it again")
        return cls(**read_processor(facts, otherwise.kind, path), kind=otherwise.kind)

    @classmethod
    def of_folder(cls, folder: Path, otherwise: Manner) -> Manner:
        """As a folder says: processor_config.json where that has a part about pictures, else preprocessor_config.json."""
        told = cls.read(folder / "processor_config.json", otherwise)
        return cls.read(folder / "preprocessor_config.json", otherwise) if told is otherwise else told

    def __call__(self, picture: Image.Image, channels: int = 3) -> Float[Tensor, "c y x"]:
        """The picture as numbers."""
        picture = picture.convert("RGB" if channels == 3 else "L")
        if self.padded:
            picture = _on_square(picture, self.mean)
        if self.size is not None:
            height, width = (
                self.size if isinstance(self.size, tuple) else _in_proportion(picture, self.size, self.longest)
            )
            picture = picture.resize((width, height), Image.Resampling(self.resample))
        if self.crop is not None:
            picture = _middle(picture, *self.crop)
        pixels = (_numbers(picture).double() * self.scale).float()
        if self.mean is None or self.spread is None:
            return pixels
        return (pixels - pixels.new_tensor(self.mean)[:channels, None, None]) / pixels.new_tensor(self.spread)[
            :channels, None, None
        ]


def load_picture(path: Path | str) -> Image.Image:
    """A picture from a file, turned upright; one line where it is none."""
    path = expanded(path)
    if not path.is_file():
        raise HeadwayError(f"there is no file {str(path)[:200]}")
    try:
        with _opened(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode.startswith("I;16"):  # of which `convert` would cut off all above 255
                picture = Image.fromarray((np.asarray(picture) // 256).astype(np.uint8))
            return picture.convert("RGB")
    except HeadwayError:
        raise
    except (
        Exception
    ) as error:  # the decoders raise whatever the damage makes of them: struct.error, KeyError, IndexError ...
        raise Corrupt(f"{path} is no picture that can be read (PNG, JPEG, WebP ...): {_line(error)}") from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture of which only the header is read yet; HeadwayError where it has more than `MOST` pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours comes earlier
        with Image.open(path) as file:
            width, height = file.size
            if width * height > MOST:
                raise HeadwayError(
                    f"{path} has {width} x {height} pixels: up to {MOST // 10**6} million are read; make it smaller"
                )
            yield file


def inside_square(picture: Image.Image, side: int) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The whole picture, as large as fits into a black square, and where in it: left, top, width, height."""
    ratio = side / max(picture.size)
    width, height = (max(1, min(side, round(n * ratio))) for n in picture.size)
    small = picture.convert("RGB").resize(
        (width, height), Image.Resampling.BOX if ratio < 1 else Image.Resampling.BILINEAR
    )
    left, top = (side - width) // 2, (side - height) // 2
    square = Image.new("RGB", (side, side))
    square.paste(small, (left, top))
    return square, (left, top, width, height)


@dataclass(frozen=True, kw_only=True)
class Region:
    """A connected part of a map that stands out: its highest and mean value, and the box around it in shares of the map."""

    highest: float
    mean: float
    left: float
    top: float
    width: float
    height: float


def regions(values: Float[Tensor, "y x"], *, above: float = 0.8, least: int = 100) -> list[Region]:
    """The parts of a map that lie in the upper share of its range, the highest first.

    Args:
        above: Where the upper share begins, of the way from the lowest value to the highest.
        least: Pixels that a part has to have.
    """
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return []
    table = values.double().numpy()
    left_over = table >= low + above * (high - low)
    found = []
    while left_over.any():
        start = np.unravel_index(int(np.argmax(left_over)), left_over.shape)
        rows, columns = _flood(left_over, (int(start[0]), int(start[1])))
        left_over[rows, columns] = False
        if len(rows) < least:
            continue
        part = table[rows, columns]
        found.append(
            Region(
                highest=float(part.max()),
                mean=float(part.mean()),
                left=columns.min() / table.shape[1],
                top=rows.min() / table.shape[0],
                width=(columns.max() + 1 - columns.min()) / table.shape[1],
                height=(rows.max() + 1 - rows.min()) / table.shape[0],
            )
        )
    return sorted(found, key=lambda region: -region.highest)


def _flood(inside: np.ndarray, start: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of all that hangs together with `start`, corners included."""
    seen, edge = {start}, [start]
    while edge:
        y, x = edge.pop()
        for place in ((y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            within = 0 <= place[0] < inside.shape[0] and 0 <= place[1] < inside.shape[1]
            if within and place not in seen and inside[place]:
                seen.add(place)
                edge.append(place)
    places = np.array(sorted(seen))
    return places[:, 0], places[:, 1]


def _in_proportion(picture: Image.Image, shortest: int, longest: int | None) -> tuple[int, int]:
    """(height, width) whose shorter side is `shortest`, or less where the longer one would be more than `longest`; the longer
    one is rounded down, as everybody does."""
    width, height = picture.size
    if max(width, height) > 100 * min(width, height):
        raise HeadwayError(f"a picture of {width} x {height} pixels is too thin to be cut to a square")
    exact: float = shortest
    if longest is not None and max(width, height) / min(width, height) * shortest > longest:
        exact = longest * min(width, height) / max(width, height)
        shortest = round(exact)
    if longest is not None and min(width, height) == shortest:
        return height, width
    if width <= height:
        return int(exact * height / width), shortest
    return shortest, int(exact * width / height)


def _on_square(picture: Image.Image, mean: tuple[float, ...] | None) -> Image.Image:
    """A picture in the middle of a square of the mean colour, as LLaVA pads it; on black where there is no mean."""
    side = max(picture.size)
    colour = tuple(int(value * 255) for value in mean or (0.0,) * len(picture.getbands()))
    square = Image.new(picture.mode, (side, side), colour if len(picture.getbands()) > 1 else colour[0])
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def _middle(picture: Image.Image, height: int, width: int) -> Image.Image:
    """The middle of a picture; black around it where it is smaller."""
    left, top = math.floor((picture.width - width) / 2), math.floor((picture.height - height) / 2)
    return picture.crop((left, top, left + width, top + height))


def _numbers(picture: Image.Image) -> Float[Tensor, "c y x"]:
    values = np.asarray(picture, dtype=np.float32)
    return torch.from_numpy(values.reshape(picture.height, picture.width, -1).copy()).permute(2, 0, 1)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
