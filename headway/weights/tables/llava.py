"""LLaVA in Hugging Face checkpoints: CLIP's and Llama's rows under other prefixes, and the projector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.base.errors import Unsupported
from headway.models.llava import LlavaConfig
from headway.weights.configs import only
from headway.weights.engine import Row, Table
from headway.weights.tables import clip, llama


def rows(config: LlavaConfig) -> Iterator[Row]:
    tower = "vision_tower.vision_model."
    yield from clip.vision_rows(config.vision, config.channels, config.patch, tower, "vision.")
    for theirs, ours in (("linear_1", "up"), ("linear_2", "down")):
        for part in ("weight", "bias") if config.projector_bias else ("weight",):
            yield Row(f"multi_modal_projector.{theirs}.{part}", f"projector.{ours}.{part}")
    for row in llama.rows(config.language):
        theirs = tuple(f"language_model.{key}" for key in row.their_keys)
        yield Row(theirs, tuple(f"language.{key}" for key in row.our_keys), row.how)


def read_config(theirs: dict[str, Any]) -> LlavaConfig:
    vision, text = theirs["vision_config"], dict(theirs["text_config"])
    only(theirs, "projector_hidden_act", "gelu", default="gelu")
    only(theirs, "vision_feature_select_strategy", "default", default="default")
    only(text, "model_type", "llama", default="llama")
    layer = theirs.get("vision_feature_layer", -2)
    if not isinstance(layer, int):
        raise Unsupported(f"this checkpoint's vision_feature_layer is {layer!r}; Headway has one layer, not several")
    text = {**LLAMA_7B, **text}
    text["tie_word_embeddings"] = text.get("tie_word_embeddings", False)
    tower = clip.read_tower(vision)
    return LlavaConfig(
        vision=tower,
        language=llama.read_config(text),
        image=vision["image_size"],
        patch=vision["patch_size"],
        channels=vision.get("num_channels", 3),
        image_token=theirs.get("image_token_index", theirs.get("image_token_id", 32000)),
        blocks_left_out=-1 - layer if layer < 0 else tower.n_layer - layer,
        projector_bias=theirs.get("multimodal_projector_bias", True),
    )


LLAMA_7B = {  # what a text_config leaves out is Llama 7B's
    "vocab_size": 32000,
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
}


def write_config(config: LlavaConfig) -> dict[str, Any]:
    text = llama.write_config(config.language)
    del text["architectures"]
    return {
        "architectures": ["LlavaForConditionalGeneration"],
        "model_type": "llava",
        "vision_config": clip.write_vision(config.vision, config.image, config.patch, config.channels),
        "text_config": text,
        "image_token_index": config.image_token,
        "image_seq_length": config.n_patch,
        "vision_feature_layer": -1 - config.blocks_left_out,
        "vision_feature_select_strategy": "default",
        "projector_hidden_act": "gelu",
        "multimodal_projector_bias": config.projector_bias,
        "tie_word_embeddings": config.language.tied,
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    spellings={"vision_tower.": "vision_tower.vision_model."},  # version 5 of transformers leaves the inner name out
    ignore={
        ".embeddings.position_ids": "0, 1, 2, ..., which early versions saved as a buffer",
        ".rotary_emb.inv_freq": "rotary frequencies, which early versions saved as a buffer",
    },
)
