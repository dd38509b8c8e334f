"""OLMo 2 in Hugging Face checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.models.olmo2 import Olmo2Config
from headway.weights import kin
from headway.weights.configs import only, refuse, rope_base, rope_scaling
from headway.weights.engine import Row, Table


def rows(config: Olmo2Config) -> Iterator[Row]:
    yield from kin.ends(tied=config.tied)
    for n in range(config.n_layer):
        yield from kin.attention(n, n_head=config.n_head, n_group=config.n_group, head_width=config.head_width)
        yield from kin.weights(n, ("self_attn.q_norm", "attn.q_norm"), ("self_attn.k_norm", "attn.k_norm"), *kin.MLP)
        yield from kin.weights(n, ("post_attention_layernorm", "attn_out_norm"))
        yield from kin.weights(n, ("post_feedforward_layernorm", "mlp_out_norm"))


def read_config(theirs: dict[str, Any]) -> Olmo2Config:
    only(theirs, "hidden_act", "silu", default="silu")
    refuse(theirs, "attention_bias")
    rope_scaling(theirs)
    return Olmo2Config(
        **kin.read_sizes(theirs, rms_norm_eps=1e-5, max_position_embeddings=2048),
        rope_base=rope_base(theirs),
        tied=theirs.get("tie_word_embeddings", False),
    )


def write_config(config: Olmo2Config) -> dict[str, Any]:
    return {
        "architectures": ["Olmo2ForCausalLM"],
        "model_type": "olmo2",
        **kin.write_sizes(config),
        "rope_theta": config.rope_base,
        "tie_word_embeddings": config.tied,
        "hidden_act": "silu",
        "attention_bias": False,
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="model.",
    copies=kin.tied_copies,
    ignore=kin.INV_FREQ,
)
