"""The same folder gives the same pixels in `transformers`: preprocessor_config.json in every form that folders have had.

A folder that is refused has to say which of its settings is the reason, and one in five of them has to be read.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from headway.base.errors import HeadwayError, Unsupported
from headway.data.pictures import Manner

KINDS = {"vit": ("ViT", "vit"), "dinov2": ("Bit", "dinov2"), "clip": ("CLIP", "clip")}
REFERENCES = {
    "ViTImageProcessor": "vit",
    "DeiTImageProcessor": "deit",
    "BitImageProcessor": "bit",
    "CLIPImageProcessor": "clip",
    "LlavaImageProcessor": "llava",
}


def reference(name: str) -> Any:
    import importlib

    module = importlib.import_module(f"transformers.models.{REFERENCES[name]}.image_processing_pil_{REFERENCES[name]}")
    return getattr(module, f"{name}Pil")


def drawn(rng: random.Random) -> dict[str, Any]:
    """The content of a preprocessor_config.json; every key may be absent."""
    side = rng.randrange(8, 40)
    sizes: list[Any] = [
        side,
        [side, side + 3],
        {"height": side, "width": side - 2},
        {"shortest_edge": side},
        {"shortest_edge": side, "longest_edge": side + rng.randrange(0, 30)},
        {"longest_edge": side},
        {"max_height": side, "max_width": side},
        None,
    ]
    crops: list[Any] = [side, [side - 4, side], {"height": side, "width": side - 3}, {"shortest_edge": side}, None]
    choices: dict[str, list[Any]] = {
        "size": sizes,
        "crop_size": crops,
        "do_resize": [True, False],
        "do_center_crop": [True, False],
        "do_rescale": [True, False],
        "do_normalize": [True, False],
        "do_convert_rgb": [True, None],
        "do_pad": [False, True],
        "rescale_factor": [1 / 255, 0.00392156862745098, 1 / 127.5, None],
        "resample": [0, 1, 2, 3, 4, 5, None],
        "image_mean": [0.5, [0.1, 0.2, 0.3], [0.48145466, 0.4578275, 0.40821073], None],
        "image_std": [0.25, [0.5, 0.6, 0.7], [0.26862954, 0.26130258, 0.27577711], None],
        "default_to_square": [True, False],
        "use_square_size": [True, False],
        "processor_class": ["CLIPProcessor"],
        "crop_pct": [0.9, None],
    }
    often = {
        "size": 0.8,
        "crop_size": 0.5,
        "do_pad": 0.15,
        "default_to_square": 0.15,
        "use_square_size": 0.1,
        "crop_pct": 0.1,
    }
    return {key: rng.choice(values) for key, values in choices.items() if rng.random() < often.get(key, 0.4)}


def same_pixels(folder: Path, kind: str, name: str, facts: dict[str, Any], rng: random.Random) -> bool:
    manner = refusal = None
    try:
        manner = Manner.of_folder(folder, Manner.of(kind, 8))  # type: ignore[arg-type]
    except HeadwayError as error:
        refusal = error
    pixels = np.random.default_rng(rng.randrange(1 << 30))
    height, width = rng.randrange(12, 90), rng.randrange(12, 90)
    picture = Image.fromarray(pixels.integers(0, 256, (height, width, 3), dtype=np.uint8))
    try:
        theirs = reference(name).from_dict(facts)(picture, return_tensors="pt")["pixel_values"][0]
    except Exception:
        theirs = None
    if refusal is not None:
        assert "\n" not in str(refusal)
        assert isinstance(refusal, Unsupported) or theirs is None, (str(refusal), facts)
        return False
    assert manner is not None
    if theirs is None:
        return False
    ours = manner(picture)
    assert ours.shape == theirs.shape, (name, facts, ours.shape, theirs.shape)
    # A last bit of float32, which the two divide at in another order, relative to values of up to 255 / 0.25.
    assert torch.allclose(ours, theirs.float(), rtol=1e-6, atol=1e-6), (name, facts, (ours - theirs).abs().max())
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("round_", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 20))])
def test_pixels_of_drawn_folders(kind, round_, tmp_path):
    read = 0
    for n in range(40):
        rng = random.Random(f"{kind} {round_} {n}")
        facts = drawn(rng)
        named = rng.random()
        family = KINDS[kind][0]
        name = f"{family}ImageProcessor"
        if named < 0.4:
            facts["image_processor_type"] = rng.choice([name, f"{name}Fast"])
        elif named < 0.6:
            facts["feature_extractor_type"] = f"{family}FeatureExtractor"
        elif named < 0.8:
            name = rng.choice(list(REFERENCES))
            facts["image_processor_type"] = name
        folder = tmp_path / str(n)
        folder.mkdir()
        if rng.random() < 0.2:
            (folder / "processor_config.json").write_text(json.dumps({"image_processor": facts}))
            (folder / "preprocessor_config.json").write_text('{"size": 9}')
        else:
            (folder / "preprocessor_config.json").write_text(json.dumps(facts))
            if rng.random() < 0.3:
                (folder / "processor_config.json").write_text('{"processor_class": "CLIPProcessor"}')
        read += same_pixels(folder, kind, name, facts, rng)
    assert read >= 8


@pytest.mark.parametrize(
    ("facts", "kind", "shape"),
    [
        ({"size": {"shortest_edge": 32}}, "clip", (3, 224, 224)),  # the class's own crop, on black
        ({"size": {"shortest_edge": 32}}, "dinov2", (3, 224, 224)),
        ({"size": 32, "crop_size": 32}, "clip", (3, 32, 32)),
        ({"size": [32, 40]}, "vit", (3, 32, 40)),
        ({"size": 32, "image_mean": 0.5, "image_std": 0.5}, "vit", (3, 32, 32)),
        ({}, "vit", (3, 224, 224)),
        ({"size": 48, "feature_extractor_type": "CLIPFeatureExtractor"}, "vit", (3, 224, 224)),
        ({"do_resize": False, "do_center_crop": False}, "clip", (3, 40, 60)),
    ],
)
def test_what_a_file_leaves_out_its_class_fills(facts, kind, shape, tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(facts))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    assert Manner.of_folder(tmp_path, Manner.of(kind, 8))(picture).shape == shape


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"size": "big"}, "size is 'big'"),
        ({"size": {"pixels": 3}}, "pixels"),
        ({"size": 10**9}, "no number of pixels"),
        ({"size": -1}, "no number of pixels"),
        ({"image_mean": [0.5]}, None),
        ({"image_mean": [0.5, 0.5]}, "image_mean"),
        ({"image_std": 0}, "zero"),
        ({"resample": 9}, "resample"),
        ({"do_resize": "yes"}, "do_resize is 'yes'"),
        ({"rescale_factor": "1/255"}, "rescale_factor"),
        ({"image_processor_type": "SegformerImageProcessor"}, "Segformer"),
        ({"size_divisor": 32}, "size_divisor"),
        ({"do_center_crop": True, "image_processor_type": "ViTImageProcessor"}, "crop_size"),
    ],
)
def test_what_is_not_done_is_refused_by_its_name(facts, says, tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(facts))
    if says is None:
        assert Manner.of_folder(tmp_path, Manner.of("clip", 8)).mean == (0.5,)
        return
    with pytest.raises(HeadwayError, match=says) as caught:
        Manner.of_folder(tmp_path, Manner.of("vit", 8))
    assert "\n" not in str(caught.value)
