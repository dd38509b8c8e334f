"""Decision Transformer in Hugging Face checkpoints: a GPT-2 under `encoder.`, of whose positions only the first is ever used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.base.derived import DERIVED
from headway.models.decision_transformer import DecisionTransformerConfig
from headway.weights.configs import only, refuse
from headway.weights.engine import FirstRow, Row, Table, Transpose, Unread
from headway.weights.tables.vit import both


def rows(config: DecisionTransformerConfig) -> Iterator[Row]:
    yield from both("embed_return", "embed_return")
    yield from both("embed_state", "embed_state")
    yield from both("embed_action", "embed_action")
    yield Row("embed_timestep.weight", "time.weight")
    yield from both("embed_ln", "embed_norm")
    # Every token is given position 0 (time has a vector of its own), so one row is a learned offset and the rest is idle.
    yield Row("encoder.wpe.weight", "offset", FirstRow(config.positions))
    yield Row("encoder.wte.weight", (), Unread([1, config.width]))
    for n in range(config.n_layer):
        theirs, ours = f"encoder.h.{n}.", f"blocks.{n}."
        yield from both(f"{theirs}ln_1", f"{ours}attn_norm")
        yield from both(f"{theirs}ln_2", f"{ours}mlp_norm")
        for their_layer, our_layer in (
            ("attn.c_attn", "attn.qkv"),
            ("attn.c_proj", "attn.out"),
            ("mlp.c_fc", "mlp.up"),
            ("mlp.c_proj", "mlp.down"),
        ):
            yield Row(f"{theirs}{their_layer}.weight", f"{ours}{our_layer}.weight", Transpose())
            yield Row(f"{theirs}{their_layer}.bias", f"{ours}{our_layer}.bias")
    yield from both("encoder.ln_f", "norm")
    yield from both("predict_action.0", "to_action")
    yield from both("predict_state", "to_state")
    yield from both("predict_return", "to_return")


def read_config(theirs: dict[str, Any]) -> DecisionTransformerConfig:
    only(theirs, "activation_function", "relu", default="relu")
    only(theirs, "vocab_size", 1, default=1)
    only(theirs, "scale_attn_weights", True, default=True)
    refuse(theirs, "add_cross_attention", "scale_attn_by_inverse_layer_idx")
    return DecisionTransformerConfig(
        state_width=theirs["state_dim"],
        action_width=theirs["act_dim"],
        width=theirs["hidden_size"],
        n_layer=theirs["n_layer"],
        n_head=theirs["n_head"],
        ff_width=theirs.get("n_inner", DERIVED),
        episode=theirs["max_ep_len"],
        bounded=theirs.get("action_tanh", True),
        positions=theirs.get("n_positions", 1024),
        eps=theirs.get("layer_norm_epsilon", 1e-5),
    )


def write_config(config: DecisionTransformerConfig) -> dict[str, Any]:
    return {
        "architectures": ["DecisionTransformerModel"],
        "model_type": "decision_transformer",
        "state_dim": config.state_width,
        "act_dim": config.action_width,
        "hidden_size": config.width,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        "n_inner": config.ff_width,
        "max_ep_len": config.episode,
        "action_tanh": config.bounded,
        "n_positions": config.positions,
        "layer_norm_epsilon": config.eps,
        "activation_function": "relu",
        "vocab_size": 1,
        "bos_token_id": None,
        "eos_token_id": None,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": 0.0,
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    ignore={
        ".attn.bias": "the causal mask, which early versions saved as a buffer",
        ".attn.masked_bias": "its fill value",
    },
)
