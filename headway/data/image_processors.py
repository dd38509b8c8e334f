"""What a folder's preprocessor_config.json says about pictures: by the class it names, whose defaults fill what it leaves out.

Every key is read or refused by its name. The classes are those of `transformers` 5 for the models that Headway has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.base.errors import Corrupt, Unsupported

HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Means and spreads of red, green and blue: ViT's, those of ImageNet's pictures (DINOv2), and CLIP's."""

NEAREST, LANCZOS, BILINEAR, BICUBIC, BOX, HAMMING = range(6)
"""How pixels are interpolated, by Pillow's numbers, which stand in preprocessor_config.json."""


@dataclass(frozen=True, kw_only=True)
class ImageProcessor:
    """The defaults of a class.

    Attributes:
        size: What a picture is resized to, as the files write it.
        crop: What is cut out of the middle, (height, width); None for nothing.
        square: Whether a size that is one number is a square's, and not the shortest side's.
        resample, normal: How pixels are interpolated; means and spreads.
        pads: Whether it may pad a picture to a square first (LLaVA).
    """

    size: dict[str, int]
    crop: dict[str, int] | None
    square: bool
    resample: int
    normal: tuple[tuple[float, ...], tuple[float, ...]]
    pads: bool = False


SIDE = {"height": 224, "width": 224}
PROCESSORS = {
    "ViTImageProcessor": ImageProcessor(size=SIDE, crop=None, square=True, resample=BILINEAR, normal=HALF),
    "DeiTImageProcessor": ImageProcessor(
        size={"height": 256, "width": 256}, crop=SIDE, square=True, resample=BICUBIC, normal=HALF
    ),
    "BitImageProcessor": ImageProcessor(
        size={"shortest_edge": 224}, crop=SIDE, square=False, resample=BICUBIC, normal=CLIP
    ),
    "CLIPImageProcessor": ImageProcessor(
        size={"shortest_edge": 224}, crop=SIDE, square=False, resample=BICUBIC, normal=CLIP
    ),
    "LlavaImageProcessor": ImageProcessor(
        size={"shortest_edge": 224}, crop=SIDE, square=False, resample=BICUBIC, normal=CLIP, pads=True
    ),
}
OF_KIND = {"vit": "ViTImageProcessor", "dinov2": "BitImageProcessor", "clip": "CLIPImageProcessor"}
"""Kind of model -> the class where a file names none."""

WITHOUT_EFFECT = frozenset(
    {"image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb", "device", "return_tensors",
     "disable_grouping", "image_seq_length", "input_data_format", "_valid_processor_keys", "model_input_names", "use_fast",
     "patch_size", "vision_feature_select_strategy", "num_additional_image_tokens", "chat_template", "image_token"}
)  # fmt: skip
"""Keys that say nothing about the pixels of a colour picture."""

READ = frozenset(
    {"do_resize", "size", "default_to_square", "crop_size", "resample", "do_rescale", "rescale_factor", "do_normalize",
     "image_mean", "image_std", "do_center_crop", "do_pad", "data_format", "use_square_size"}
)  # fmt: skip


def read_processor(facts: Mapping[str, Any], kind: str, path: Path) -> dict[str, Any]:
    """The fields of a `headway.data.pictures.Manner` that the content of a file asks for.

    Args:
        facts: The content of preprocessor_config.json, or of the part of processor_config.json that is about pictures.
        kind: What the model is, where the file names no class.
        path: Where it lies, for messages.
    """
    name = _class_of(facts, kind, path)
    has = PROCESSORS[name]
    for key, value in facts.items():
        if key not in READ | WITHOUT_EFFECT and value not in (None, False, "", [], {}):
            raise Unsupported(f"{path} sets {key} to {value!r:.60}, which Headway does not know")
    if facts.get("data_format") not in (None, "channels_first"):
        raise Unsupported(f"{path} sets data_format to {facts['data_format']!r}; Headway has 'channels_first'")
    square = has.square if facts.get("default_to_square") is None else _flag(facts, "default_to_square", path, True)
    size = facts.get("size")
    if facts.get("use_square_size") and name == "CLIPImageProcessor":
        size = SIDE
    resized = _flag(facts, "do_resize", path, True)
    cropped = _flag(facts, "do_center_crop", path, has.crop is not None)
    normal = _flag(facts, "do_normalize", path, True)
    padded = _flag(facts, "do_pad", path, False)
    if padded and not has.pads:
        raise Unsupported(f"{path} sets do_pad, which Headway does not do for {name}")
    crop = facts.get("crop_size") if facts.get("crop_size") is not None else has.crop
    if cropped and crop is None:
        raise Unsupported(f"{path} sets do_center_crop without a crop_size, and {name} has none")
    shortest, longest, whole = (None, None, None)
    if resized:
        shortest, longest, whole = _size(has.size if size is None else size, square, path)
    scale = _number(facts, "rescale_factor", path, 1 / 255)
    return {
        "size": whole if shortest is None else shortest,
        "longest": longest,
        "crop": _crop(crop, path) if cropped else None,
        "resample": _resample(facts, has.resample, path),
        "mean": _channels(facts, "image_mean", has.normal[0], path) if normal else None,
        "spread": _channels(facts, "image_std", has.normal[1], path) if normal else None,
        "scale": scale if _flag(facts, "do_rescale", path, True) else 1.0,
        "padded": padded,
    }


def _class_of(facts: Mapping[str, Any], kind: str, path: Path) -> str:
    name = facts.get("image_processor_type")
    if name is None and (older := facts.get("feature_extractor_type")) is not None:
        name = str(older).replace("FeatureExtractor", "ImageProcessor")
    if name is None:
        return OF_KIND[kind]
    name = str(name).removesuffix("Fast")
    if name not in PROCESSORS:
        raise Unsupported(f"{path} names the class {name}; Headway has {', '.join(PROCESSORS)}")
    return name


def _wrong(path: Path, key: str, value: Any, what: str) -> Corrupt:
    return Corrupt(f"{path}: {key} is {value!r:.60}, {what}: fetch it again")


def _flag(facts: Mapping[str, Any], key: str, path: Path, default: bool) -> bool:
    value = facts.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _wrong(path, key, value, "neither true nor false")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(facts: Mapping[str, Any], key: str, path: Path, default: float) -> float:
    value = facts.get(key)
    if value is None:
        return default
    if not _is_number(value):
        raise _wrong(path, key, value, "no number")
    return float(value)


def _resample(facts: Mapping[str, Any], default: int, path: Path) -> int:
    value = facts.get("resample")
    if value is None:
        return default
    if isinstance(value, bool) or value not in range(6):
        raise _wrong(path, "resample", value, "none of Pillow's filters, 0 to 5")
    return int(value)


def _channels(facts: Mapping[str, Any], key: str, default: tuple[float, ...], path: Path) -> tuple[float, ...]:
    """One number per channel; a number alone stands for each of them."""
    value = facts.get(key)
    if value is None:
        return default
    found = [value] * 3 if _is_number(value) else value
    if not isinstance(found, list) or len(found) not in (1, 3) or not all(map(_is_number, found)):
        raise _wrong(path, key, value, "not a number for each of three channels")
    if key == "image_std" and not all(found):
        raise _wrong(path, key, value, "with a zero, by which nothing can be divided")
    return tuple(map(float, found))


MOST = 16384
"""Pixels of a side."""


def _side(value: Any, key: str, path: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
        raise _wrong(path, key, value, f"no number of pixels from 1 to {MOST}")
    return value


def _size(value: Any, square: bool, path: Path) -> tuple[int | None, int | None, tuple[int, int] | None]:
    """The shortest side, the most of the longest one, and (height, width): what the file asks for, in each of its forms."""
    if isinstance(value, int) and not isinstance(value, bool):
        side = _side(value, "size", path)
        return (None, None, (side, side)) if square else (side, None, None)
    if isinstance(value, list) and len(value) >= 2:
        return None, None, (_side(value[0], "size", path), _side(value[1], "size", path))
    if isinstance(value, Mapping):
        keys = set(value)
        if keys == {"height", "width"}:
            return None, None, (_side(value["height"], "size", path), _side(value["width"], "size", path))
        if "shortest_edge" in keys and keys <= {"shortest_edge", "longest_edge"}:
            longest = value.get("longest_edge")
            return (
                _side(value["shortest_edge"], "size", path),
                None if longest is None else _side(longest, "size", path),
                None,
            )
        raise Unsupported(
            f"{path} gives a size by {', '.join(map(str, value)) or 'nothing'}; Headway has height and width, or shortest_edge"
        )
    raise _wrong(path, "size", value, "no size")


def _crop(value: Any, path: Path) -> tuple[int, int]:
    """Height and width of what is cut out; a number alone is a square's."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value, value]
    if isinstance(value, Mapping) and set(value) == {"height", "width"}:
        value = [value["height"], value["width"]]
    if not isinstance(value, list) or len(value) < 2:
        raise Unsupported(f"{path} gives crop_size as {value!r:.60}; Headway has a height and a width")
    return _side(value[0], "crop_size", path), _side(value[1], "crop_size", path)
