"""CLIP in Hugging Face checkpoints; its vision tower is LLaVA's as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.models.clip import CLIPConfig, TowerConfig
from headway.weights.configs import only
from headway.weights.engine import Reshape, Row, Stack, Table
from headway.weights.tables.vit import both


def rows(config: CLIPConfig) -> Iterator[Row]:
    c = config
    yield from vision_rows(c.vision, c.channels, c.patch, "vision_model.", "vision.")
    yield Row("text_model.embeddings.token_embedding.weight", "text.embed.weight")
    yield Row("text_model.embeddings.position_embedding.weight", "text.position.weight")
    for n in range(c.text.n_layer):
        yield from _block(c.text, f"text_model.encoder.layers.{n}.", f"text.blocks.{n}.")
    yield from both("text_model.final_layer_norm", "text.norm")
    yield Row("visual_projection.weight", "vision_out.weight")
    yield Row("text_projection.weight", "text_out.weight")
    yield Row("logit_scale", "temperature")


def vision_rows(tower: TowerConfig, channels: int, patch: int, theirs: str, ours: str) -> Iterator[Row]:
    """The vision tower, wherever it stands."""
    conv = Reshape([tower.width, channels, patch, patch], [tower.width, channels * patch**2])
    yield Row(f"{theirs}embeddings.patch_embedding.weight", f"{ours}patches.weight", conv)
    yield Row(f"{theirs}embeddings.class_embedding", f"{ours}class_token")
    yield Row(f"{theirs}embeddings.position_embedding.weight", f"{ours}position")
    yield from both(f"{theirs}pre_layrnorm", f"{ours}first_norm")  # their spelling
    for n in range(tower.n_layer):
        yield from _block(tower, f"{theirs}encoder.layers.{n}.", f"{ours}blocks.{n}.")
    yield from both(f"{theirs}post_layernorm", f"{ours}norm")


def _block(tower: TowerConfig, theirs: str, ours: str) -> Iterator[Row]:
    for part in ("weight", "bias"):
        qkv = tuple(f"{theirs}self_attn.{name}_proj.{part}" for name in "qkv")
        yield Row(qkv, f"{ours}attn.qkv.{part}", Stack([tower.width] * 3))
    yield from both(f"{theirs}self_attn.out_proj", f"{ours}attn.out")
    yield from both(f"{theirs}layer_norm1", f"{ours}attn_norm")
    yield from both(f"{theirs}layer_norm2", f"{ours}mlp_norm")
    yield from both(f"{theirs}mlp.fc1", f"{ours}mlp.up")
    yield from both(f"{theirs}mlp.fc2", f"{ours}mlp.down")


def read_tower(theirs: dict[str, Any]) -> TowerConfig:
    """One tower's configuration; files leave out what is at its default."""
    facts: dict[str, Any] = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, **theirs}
    return TowerConfig(
        width=facts["hidden_size"],
        n_layer=facts["num_hidden_layers"],
        n_head=facts["num_attention_heads"],
        ff_width=facts["intermediate_size"],
        activation=only(facts, "hidden_act", "quick_gelu", "gelu", default="quick_gelu"),
        eps=facts["layer_norm_eps"],
    )


SHARED = {"num_hidden_layers": 12, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
VISION = SHARED | {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
VISION |= {"image_size": 224, "patch_size": 32, "num_channels": 3}
TEXT = SHARED | {"hidden_size": 512, "num_attention_heads": 8, "intermediate_size": 2048}
TEXT |= {"vocab_size": 49408, "max_position_embeddings": 77, "eos_token_id": 49407}


def read_config(theirs: dict[str, Any]) -> CLIPConfig:
    vision, text = _part(theirs, "vision_config", VISION), _part(theirs, "text_config", TEXT)
    end = text["eos_token_id"]
    return CLIPConfig(
        vision=read_tower(vision),
        text=read_tower(text),
        image=vision["image_size"],
        patch=vision["patch_size"],
        channels=vision["num_channels"],
        vocab_size=text["vocab_size"],
        context=text["max_position_embeddings"],
        end_token=None if end == 2 else end,  # early files give 2 by mistake, and mean the largest id
        projection=theirs.get("projection_dim", 512),
        temperature=theirs.get("logit_scale_init_value", 2.6592),
    )


def _part(theirs: dict[str, Any], name: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """One tower's fields. Early files list them twice; the short list then holds, with the defaults it leaves out."""
    listed, short = theirs.get(name) or {}, theirs.get(f"{name}_dict")
    return {**defaults, **listed} if short is None else {**listed, **defaults, **short}


def write_tower(tower: TowerConfig) -> dict[str, Any]:
    """The inverse of `read_tower`."""
    return {
        "hidden_size": tower.width,
        "num_hidden_layers": tower.n_layer,
        "num_attention_heads": tower.n_head,
        "intermediate_size": tower.ff_width,
        "hidden_act": tower.activation,
        "layer_norm_eps": tower.eps,
    }


def write_vision(tower: TowerConfig, image: int, patch: int, channels: int) -> dict[str, Any]:
    """The vision tower's part of a config.json."""
    sizes = {"image_size": image, "patch_size": patch, "num_channels": channels}
    return {"model_type": "clip_vision_model", **write_tower(tower), **sizes}


def write_config(config: CLIPConfig) -> dict[str, Any]:
    c = config
    text = {
        "vocab_size": c.vocab_size,
        "max_position_embeddings": c.context,
        "pad_token_id": None,
        "bos_token_id": None,
    }
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": c.projection,
        "logit_scale_init_value": c.temperature,
        "vision_config": write_vision(c.vision, c.image, c.patch, c.channels),
        "text_config": {
            "model_type": "clip_text_model",
            **write_tower(c.text),
            **text,
            "eos_token_id": 2 if c.end_token is None else c.end_token,
        },
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    ignore={".embeddings.position_ids": "0, 1, 2, ..., which early versions saved as a buffer"},
)
