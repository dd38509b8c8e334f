"""ViT, DINOv2 (with registers), CLIP and LLaVA equal `transformers`: outputs and gradients; sizes, options and batch drawn."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
import torch
import transformers as hf
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import DOUBLE, SINGLE, gradients_through_files, reference, through_files
from support.parity import assert_close, assert_gradients_close, lifted

from headway.weights.store import export_folder, load_folder

few = settings(max_examples=5, deadline=None)
BOTH = ((torch.float64, DOUBLE), (torch.float32, SINGLE))


def tower(draw, ff: bool = True) -> dict:
    n_head = draw(st.integers(1, 3))
    sizes = {
        "hidden_size": n_head * draw(st.integers(1, 4)),
        "num_hidden_layers": draw(st.integers(1, 3)),
        "num_attention_heads": n_head,
        "layer_norm_eps": draw(st.sampled_from([1e-6, 1e-3])),
    }
    return sizes | ({"intermediate_size": draw(st.integers(3, 20))} if ff else {})


def picture(draw) -> dict:
    patch = draw(st.integers(1, 4))
    return {"image_size": patch * draw(st.integers(1, 4)), "patch_size": patch, "num_channels": draw(st.integers(1, 3))}


def check(hf_class, config, seed, theirs_call, ours_call) -> None:
    """Outputs in both precisions, and every gradient in float64, of a call that returns tensors on both sides."""
    for dtype, tolerance in BOTH:
        wide = lifted() if dtype == torch.float64 else contextlib.nullcontext()
        theirs = reference(hf_class, config, dtype, seed)
        with tempfile.TemporaryDirectory() as folder:
            model = through_files(theirs, Path(folder) / "weights", dtype)
            with wide:
                wanted = theirs_call(theirs, dtype)
            got = ours_call(model, dtype)
            pulls = [
                torch.randn(w.shape, generator=torch.Generator().manual_seed(n)).to(dtype) for n, w in enumerate(wanted)
            ]
            for ours, reference_out in zip(got, wanted, strict=True):
                assert_close(ours, reference_out, tolerance, f"output in {dtype}")
            if dtype == torch.float64:
                sum((w * p).sum() for w, p in zip(wanted, pulls, strict=True)).backward()
                sum((g * p).sum() for g, p in zip(got, pulls, strict=True)).backward()
                pair = gradients_through_files(model, theirs, Path(folder) / "gradients")
                assert_gradients_close(*pair, tolerance)


def pictures(config, b: int, dtype, seed: int = 0, size: tuple[int, int] | None = None) -> torch.Tensor:
    shape = (b, config.num_channels, *(size or (config.image_size, config.image_size)))
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@few
@given(b=st.integers(1, 3), data=st.data())
def test_vit(b, data):
    config = hf.ViTConfig(**tower(data.draw), **picture(data.draw), num_labels=4, qkv_bias=data.draw(st.booleans()))
    check(
        hf.ViTForImageClassification,
        config,
        0,
        lambda m, dtype: (m(pictures(config, b, dtype)).logits,),
        lambda m, dtype: (m(pictures(config, b, dtype)),),
    )


@few
@given(b=st.integers(1, 2), more=st.integers(1, 3), data=st.data())
def test_positions_are_resized_as_theirs(b, more, data):
    config = hf.ViTConfig(**tower(data.draw), **picture(data.draw), num_labels=4)
    size = (config.image_size, config.image_size + more * config.patch_size)
    check(
        hf.ViTForImageClassification,
        config,
        0,
        lambda m, dtype: (m(pictures(config, b, dtype, size=size), interpolate_pos_encoding=True).logits,),
        lambda m, dtype: (m(pictures(config, b, dtype, size=size)),),
    )


@pytest.mark.parametrize("registers", [False, True])
@few
@given(b=st.integers(1, 3), data=st.data())
def test_dinov2(registers, b, data):
    sizes = {**tower(data.draw, ff=False), **picture(data.draw), "layerscale_value": 0.7, "mlp_ratio": 2}
    if registers:
        config = hf.Dinov2WithRegistersConfig(**sizes, num_register_tokens=data.draw(st.integers(1, 3)))
        cls = hf.Dinov2WithRegistersModel
    else:
        config, cls = hf.Dinov2Config(**sizes), hf.Dinov2Model
    n = (config.image_size // config.patch_size) ** 2
    hide = torch.rand(b, n, generator=torch.Generator().manual_seed(3)) < 0.5
    check(
        cls,
        config,
        0,
        lambda m, dtype: (m(pictures(config, b, dtype), bool_masked_pos=hide).last_hidden_state,),
        lambda m, dtype: (m.hidden(pictures(config, b, dtype), hide=hide),),
    )


@pytest.mark.parametrize("registers", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (2, 9), (12, 5)])
def test_dinov2_resizes_its_positions_as_theirs(registers, rows, columns):
    """Smaller than it was trained at, as everybody uses it (518 pixels, then 224): antialiased with registers only."""
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 16, "patch_size": 2}
    config = (hf.Dinov2WithRegistersConfig if registers else hf.Dinov2Config)(**sizes, mlp_ratio=2)
    seen = pictures(config, 2, torch.float64, size=(2 * rows, 2 * columns))
    check(
        hf.Dinov2WithRegistersModel if registers else hf.Dinov2Model,
        config,
        0,
        lambda m, dtype: (m(seen.to(dtype)).last_hidden_state,),
        lambda m, dtype: (m.hidden(seen.to(dtype)),),
    )


def test_dinov2_classifies_from_both_pools():
    config = hf.Dinov2Config(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=8, patch_size=4, num_labels=5
    )
    check(
        hf.Dinov2ForImageClassification,
        config,
        0,
        lambda m, dtype: (m(pictures(config, 2, dtype)).logits,),
        lambda m, dtype: (m(pictures(config, 2, dtype)),),
    )


@few
@given(b=st.integers(1, 3), i=st.integers(1, 3), t=st.integers(1, 7), early=st.booleans(), data=st.data())
def test_clip(b, i, t, early, data):
    act = data.draw(st.sampled_from(["quick_gelu", "gelu"]))
    end = 2 if early else 11
    config = hf.CLIPConfig(
        vision_config={**tower(data.draw), **picture(data.draw), "hidden_act": act},
        text_config={
            **tower(data.draw),
            "hidden_act": act,
            "vocab_size": 12,
            "max_position_embeddings": 7,
            "eos_token_id": end,
            "bos_token_id": None,
            "pad_token_id": None,
        },
        projection_dim=data.draw(st.integers(2, 8)),
    )
    captions = torch.randint(0, 11, (b, t), generator=torch.Generator().manual_seed(1))
    ends = torch.randint(0, t, (b,), generator=torch.Generator().manual_seed(2))
    captions[torch.arange(b), ends] = 11
    mask = torch.arange(t) <= ends[:, None]
    check(
        hf.CLIPModel,
        config,
        0,
        lambda m, dtype: (
            m(
                input_ids=captions, pixel_values=pictures(config.vision_config, i, dtype), attention_mask=mask.long()
            ).logits_per_image,
        ),
        lambda m, dtype: (m(pictures(config.vision_config, i, dtype), captions, mask=mask),),
    )


def llava_config(draw=None) -> hf.LlavaConfig:
    vision = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
    look = {"image_size": 8, "patch_size": 4, "num_channels": 2}
    if draw is not None:
        vision, look = tower(draw) | {"num_hidden_layers": 2}, picture(draw)
    text = hf.LlamaConfig(
        vocab_size=20,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
    )
    layer = -2 if draw is None else draw(st.sampled_from([-1, -2]))
    return hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**vision, **look, hidden_act="gelu"),
        text_config=text,
        image_token_id=19,
        vision_feature_layer=layer,
    )


def shown(config, b: int = 2) -> torch.Tensor:
    """Two rows of text, each with one picture's tokens in its midst."""
    n = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    tokens = torch.randint(0, 19, (b, n + 5), generator=torch.Generator().manual_seed(4))
    tokens[:, 2 : 2 + n] = 19
    return tokens


@few
@given(data=st.data())
def test_llava(data):
    config = llava_config(data.draw)
    tokens = shown(config)
    check(
        hf.LlavaForConditionalGeneration,
        config,
        0,
        lambda m, dtype: (m(input_ids=tokens, pixel_values=pictures(config.vision_config, 2, dtype)).logits,),
        lambda m, dtype: (m(tokens, pictures=pictures(config.vision_config, 2, dtype)),),
    )


def test_llava_generates_the_same_tokens():
    config = llava_config()
    theirs = reference(hf.LlavaForConditionalGeneration, config, torch.float64, 0)
    tokens, seen = shown(config), pictures(config.vision_config, 2, torch.float64)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        model = through_files(theirs, Path(folder), torch.float64)
        with lifted():
            wanted = theirs.generate(
                input_ids=tokens,
                pixel_values=seen,
                max_new_tokens=10,
                min_new_tokens=10,
                do_sample=False,
                pad_token_id=0,
            )[:, tokens.shape[1] :]
        cache, got = model.new_cache(2, tokens.shape[1] + 10), []
        logits = model(tokens, cache, pictures=seen)
        for _ in range(10):
            # A picture cannot be written: transformers may pick its token, we would then be asked for the picture.
            got.append(logits[:, -1:].argmax(-1))
            if bool((got[-1] == config.image_token_id).any()):
                break
            logits = model(got[-1], cache)
    assert len(got) >= 2
    assert torch.equal(torch.cat(got, 1), wanted[:, : len(got)])


ROUND = [
    (
        hf.ViTForImageClassification,
        hf.ViTConfig(
            hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12, image_size=8, patch_size=4
        ),
    ),
    (
        hf.Dinov2WithRegistersModel,
        hf.Dinov2WithRegistersConfig(
            hidden_size=8, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=8, patch_size=4
        ),
    ),
    (
        hf.CLIPModel,
        hf.CLIPConfig(
            vision_config={
                "hidden_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 12,
                "image_size": 8,
                "patch_size": 4,
            },
            text_config={
                "hidden_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 12,
                "vocab_size": 12,
                "eos_token_id": 11,
                "bos_token_id": None,
                "pad_token_id": None,
            },
        ),
    ),
    (hf.LlavaForConditionalGeneration, llava_config()),
]


@pytest.mark.parametrize(("cls", "config"), ROUND, ids=[cls.__name__ for cls, _ in ROUND])
def test_round_trip(cls, config, tmp_path):
    theirs = reference(cls, config, torch.float32, 0)
    model = through_files(theirs, tmp_path / "theirs", torch.float32)
    export_folder(model, tmp_path / "ours")
    again, report = cls.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor), key
    assert load_folder(tmp_path / "ours").config == model.config


def test_a_patch_is_a_convolution():
    from headway.models.vit import patchify

    x, kernel = torch.randn(2, 3, 8, 12).double(), torch.randn(5, 3, 4, 4).double()
    wanted = torch.nn.functional.conv2d(x, kernel, stride=4).flatten(2).transpose(1, 2)
    assert_close(patchify(x, 4) @ kernel.flatten(1).T, wanted, 1e-12)
