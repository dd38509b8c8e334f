"""Qwen2 and Qwen3 in Hugging Face checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.models.qwen import QwenConfig
from headway.weights import kin
from headway.weights.configs import only, refuse, rope_base, rope_scaling
from headway.weights.engine import Row, Table


def rows(config: QwenConfig) -> Iterator[Row]:
    yield from kin.ends(tied=config.tied)
    for n in range(config.n_layer):
        yield from kin.attention(
            n, n_head=config.n_head, n_group=config.n_group, head_width=config.head_width, bias=config.qkv_bias
        )
        yield from kin.weights(n, ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "mlp_norm"), *kin.MLP)
        if config.qk_norm:
            yield from kin.weights(n, ("self_attn.q_norm", "attn.q_norm"), ("self_attn.k_norm", "attn.k_norm"))


def read_config(theirs: dict[str, Any]) -> QwenConfig:
    newer = "Qwen3ForCausalLM" in (theirs.get("architectures") or ()) or theirs.get("model_type") == "qwen3"
    only(theirs, "hidden_act", "silu", default="silu")
    rope_scaling(theirs)
    if newer:
        refuse(theirs, "attention_bias")
    defaults = {"head_dim": 128} if newer else {}
    sizes = kin.read_sizes(theirs, num_key_value_heads=32, max_position_embeddings=32768, **defaults)
    window, full_layers = _windows(theirs)
    return QwenConfig(
        **sizes,
        qkv_bias=not newer,
        qk_norm=newer,
        window=window,
        full_layers=full_layers,
        rope_base=rope_base(theirs),
        tied=theirs.get("tie_word_embeddings", False),
    )


def _windows(theirs: dict[str, Any]) -> tuple[int | None, int]:
    """The window of the windowed layers, and how many layers before them look all the way back."""
    if not theirs.get("use_sliding_window") or theirs.get("sliding_window") is None:
        return None, 0
    n_layer = theirs["num_hidden_layers"]
    layers = theirs.get("layer_types") or ["full_attention"] * min(n_layer, theirs.get("max_window_layers", 28))
    full = layers.count("full_attention")
    only({"layer_types": layers[full:]}, "layer_types", ["sliding_attention"] * (len(layers) - full), default=None)
    return theirs["sliding_window"], full


def write_config(config: QwenConfig) -> dict[str, Any]:
    name, kind = ("Qwen3ForCausalLM", "qwen3") if config.qk_norm else ("Qwen2ForCausalLM", "qwen2")
    only({"qkv_bias": config.qkv_bias}, "qkv_bias", not config.qk_norm, default=None)
    sizes = kin.write_sizes(config)
    if not config.qk_norm and config.head_width == config.width // config.n_head:
        del sizes["head_dim"]  # Qwen2 knows it, and its files do without
    return {
        "architectures": [name],
        "model_type": kind,
        **sizes,
        "use_sliding_window": config.window is not None,
        "sliding_window": config.window,
        "max_window_layers": config.full_layers,
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
