"""Pictures are made ready as `transformers` does it, by the preprocessor_config.json files of released models."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from headway.base.errors import HeadwayError
from headway.data.pictures import Manner, inside_square, load_picture, regions

RELEASED = {  # as published; sides divided by 7, so that a test is quick
    "google/vit-base-patch16-224": (
        ViTImageProcessorPil,
        {
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5],
            "image_processor_type": "ViTImageProcessor",
            "image_std": [0.5, 0.5, 0.5],
            "resample": 2,
            "rescale_factor": 0.00392156862745098,
            "size": {"height": 32, "width": 32},
        },
    ),
    "nateraw/vit-base-beans": (  # as ViTs were saved at first: one number, which means a square
        ViTImageProcessorPil,
        {
            "do_normalize": True,
            "do_resize": True,
            "feature_extractor_type": "ViTFeatureExtractor",
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
            "resample": 2,
            "size": 32,
        },
    ),
    "facebook/dinov2-small": (
        BitImageProcessorPil,
        {
            "crop_size": {"height": 32, "width": 32},
            "do_center_crop": True,
            "do_convert_rgb": True,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.485, 0.456, 0.406],
            "image_processor_type": "BitImageProcessor",
            "image_std": [0.229, 0.224, 0.225],
            "resample": 3,
            "rescale_factor": 0.00392156862745098,
            "size": {"shortest_edge": 37},
        },
    ),
    "openai/clip-vit-base-patch32": (
        CLIPImageProcessorPil,
        {
            "crop_size": 32,
            "do_center_crop": True,
            "do_normalize": True,
            "do_resize": True,
            "feature_extractor_type": "CLIPFeatureExtractor",
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
            "resample": 3,
            "size": 32,
        },
    ),
}


def draw(width: int, height: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize("name", RELEASED)
@settings(max_examples=12, deadline=None)
@given(width=st.integers(1, 120), height=st.integers(1, 120), mode=st.sampled_from(["RGB", "L"]))
def test_as_the_reference(name, width, height, mode, tmp_path_factory):
    if not 1 / 20 < width / height < 20:
        return
    kind, facts = RELEASED[name]
    path = tmp_path_factory.mktemp("p") / "preprocessor_config.json"
    path.write_text(json.dumps(facts))
    picture = draw(width, height, mode)
    ours = Manner.read(path, Manner.of("vit", 8))(picture)
    processor = kind.from_dict(facts)
    theirs = processor(picture.convert("RGB"), return_tensors="pt")["pixel_values"][0]
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=2e-6)


def test_without_a_file_the_papers_own():
    for kind, name in (("vit", "google/vit-base-patch16-224"), ("clip", "openai/clip-vit-base-patch32")):
        processor = RELEASED[name][0].from_dict(RELEASED[name][1])
        picture = draw(50, 41)
        theirs = processor(picture, return_tensors="pt")["pixel_values"][0]
        assert torch.allclose(Manner.of(kind, 32)(picture), theirs, atol=2e-6)


def test_a_map_falls_into_the_regions_that_stand_out():
    values = torch.zeros(20, 30)
    values[2:6, 3:10] = 1.0
    values[3, 4] = 1.5
    values[12:18, 20:28] = 1.3
    values[18, 28] = 1.3  # touches by a corner
    values[0, 29] = 1.4  # too small
    first, second = regions(values, above=0.6, least=5)
    assert (first.highest, first.left, first.top) == (1.5, 3 / 30, 2 / 20)
    assert (first.width, first.height) == (7 / 30, 4 / 20)
    assert abs(second.mean - 1.3) < 1e-6
    assert (second.width, second.height) == (9 / 30, 7 / 20)
    assert regions(torch.ones(4, 4)) == []


@pytest.mark.parametrize(("width", "height"), [(40, 20), (7, 300), (1, 1), (64, 64)])
def test_a_whole_picture_in_a_square(width, height):
    square, (left, top, w, h) = inside_square(draw(width, height), 64)
    assert square.size == (64, 64)
    assert max(w, h) == 64
    assert left == (64 - w) // 2
    assert top == (64 - h) // 2


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0garbage", b"GIF89a", b"P6 9"]
)
def test_what_is_no_picture_is_one_line(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(HeadwayError, match="no picture") as caught:
        load_picture(tmp_path / "a.png")
    assert "\n" not in str(caught.value)


def test_a_picture_cut_short_or_too_thin_is_one_line(tmp_path):
    draw(60, 60).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    for cut in (20, 100, len(content) // 2, len(content) - 500):
        (tmp_path / "b.png").write_bytes(content[:cut])
        with pytest.raises(HeadwayError, match="no picture"):
            load_picture(tmp_path / "b.png")
    with pytest.raises(HeadwayError, match="too thin"):
        Manner.of("clip", 224)(Image.new("RGB", (1, 3000)))


def test_sixteen_bits_keep_their_greys(tmp_path):
    values = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray((values // 256).astype(np.uint8)).save(tmp_path / "b.png")
    assert np.array_equal(np.asarray(load_picture(tmp_path / "a.png")), np.asarray(load_picture(tmp_path / "b.png")))


def test_a_damaged_preprocessor_config_is_one_line(tmp_path):
    path = tmp_path / "preprocessor_config.json"
    for text in ("{", "[]", '{"size": {"width": 3}}', '{"size": "big"}', '{"image_mean": "x"}'):
        path.write_text(text)
        with pytest.raises(HeadwayError, match=r"preprocessor_config\.json") as caught:
            Manner.read(path, Manner.of("vit", 8))
        assert "\n" not in str(caught.value)
