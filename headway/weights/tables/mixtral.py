"""Mixtral in Hugging Face checkpoints: every expert's three matrices by themselves (w1 gate, w2 down, w3 up)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.models.mixtral import MixtralConfig
from headway.weights import kin
from headway.weights.configs import only, rope_base, rope_scaling
from headway.weights.engine import Row, Table


def rows(config: MixtralConfig) -> Iterator[Row]:
    yield from kin.ends(tied=config.tied)
    for n in range(config.n_layer):
        yield from kin.attention(n, n_head=config.n_head, n_group=config.n_group, head_width=config.head_width)
        yield from kin.weights(
            n,
            ("input_layernorm", "attn_norm"),
            ("post_attention_layernorm", "mlp_norm"),
            ("block_sparse_moe.gate", "mlp.router"),
        )
        for e in range(config.n_expert):
            for theirs, ours in (("w1", "gate"), ("w2", "down"), ("w3", "up")):
                yield from kin.weights(n, (f"block_sparse_moe.experts.{e}.{theirs}", f"mlp.experts.{e}.{ours}"))


def read_config(theirs: dict[str, Any]) -> MixtralConfig:
    only(theirs, "hidden_act", "silu", default="silu")
    rope_scaling(theirs)
    return MixtralConfig(
        **kin.read_sizes(theirs, num_key_value_heads=8, rms_norm_eps=1e-5, max_position_embeddings=131072),
        n_expert=theirs.get("num_local_experts", 8),
        n_active=theirs.get("num_experts_per_tok", 2),
        window=theirs.get("sliding_window"),
        rope_base=rope_base(theirs, 1000000.0),
        tied=theirs.get("tie_word_embeddings", False),
    )


def write_config(config: MixtralConfig) -> dict[str, Any]:
    return {
        "architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral",
        **kin.write_sizes(config),
        "num_local_experts": config.n_expert,
        "num_experts_per_tok": config.n_active,
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
