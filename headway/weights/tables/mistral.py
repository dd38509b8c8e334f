"""Mistral in Hugging Face checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.models.mistral import MistralConfig
from headway.weights import kin
from headway.weights.configs import only, rope_base, rope_scaling
from headway.weights.engine import Row, Table


def rows(config: MistralConfig) -> Iterator[Row]:
    yield from kin.ends(tied=config.tied)
    for n in range(config.n_layer):
        yield from kin.attention(n, n_head=config.n_head, n_group=config.n_group, head_width=config.head_width)
        yield from kin.weights(n, ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "mlp_norm"), *kin.MLP)


def read_config(theirs: dict[str, Any]) -> MistralConfig:
    only(theirs, "hidden_act", "silu", default="silu")
    rope_scaling(theirs)
    return MistralConfig(
        **kin.read_sizes(theirs, num_key_value_heads=8, max_position_embeddings=131072),
        window=theirs.get("sliding_window", 4096),  # null says that there is none
        rope_base=rope_base(theirs),
        tied=theirs.get("tie_word_embeddings", False),
    )


def write_config(config: MistralConfig) -> dict[str, Any]:
    return {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        **kin.write_sizes(config),
        "sliding_window": config.window,
        "rope_theta": config.rope_base,
        "tie_word_embeddings": config.tied,
        "hidden_act": "silu",
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="model.",
    copies=kin.tied_copies,
    ignore=kin.INV_FREQ,
)
