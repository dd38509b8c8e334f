"""Mamba-2 in Hugging Face checkpoints and in its authors' own (`state-spaces/mamba2-*`); see the table of Mamba."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from headway.base.errors import HeadwayError
from headway.models.mamba2 import Mamba2Config
from headway.weights.configs import only
from headway.weights.engine import Row, Table
from headway.weights.tables.mamba import Taps, shared_settings

INFINITY = {"__float__": "Infinity"}
"""How `transformers` writes it, because JSON has none; older files hold the bare word."""


def _number(limit: Any) -> float:
    return math.inf if limit == INFINITY else float(limit)


def rows(config: Mamba2Config) -> Iterator[Row]:
    yield Row("backbone.embeddings.weight", "embed.weight")
    for n in range(config.n_layer):
        theirs, ours = f"backbone.layers.{n}.", f"blocks.{n}."
        yield Row(f"{theirs}norm.weight", f"{ours}norm.weight")
        theirs, ours = f"{theirs}mixer.", f"{ours}mixer."
        yield Row(f"{theirs}in_proj.weight", f"{ours}expand.weight")
        yield Row(f"{theirs}conv1d.weight", f"{ours}conv_weight", Taps())
        if config.conv_bias:
            yield Row(f"{theirs}conv1d.bias", f"{ours}conv_bias")
        yield Row(f"{theirs}dt_bias", f"{ours}step_bias")
        yield Row(f"{theirs}A_log", f"{ours}A_log")
        yield Row(f"{theirs}D", f"{ours}D")
        yield Row(f"{theirs}norm.weight", f"{ours}norm.weight")
        yield Row(f"{theirs}out_proj.weight", f"{ours}out.weight")
        if config.bias:
            yield Row(f"{theirs}in_proj.bias", f"{ours}expand.bias")
            yield Row(f"{theirs}out_proj.bias", f"{ours}out.bias")
    yield Row("backbone.norm_f.weight", "norm.weight")
    if not config.tied:
        yield Row("lm_head.weight", "head.weight")


def read_config(theirs: dict[str, Any]) -> Mamba2Config:
    if "d_model" in theirs and "hidden_size" not in theirs:
        settings = theirs.get("ssm_cfg") or {}
        head, width = settings.get("headdim", 64), settings.get("expand", 2) * theirs["d_model"]
        theirs = {"state_size": 128, "expand": 2, **shared_settings(theirs)}
        theirs |= {"n_groups": settings.get("ngroups", 1), "head_dim": head, "num_heads": width // head}
        theirs["time_step_limit"] = settings.get("dt_limit")
    only(theirs, "hidden_act", "silu", "swish", default="silu")
    # residual_in_fp32 either way: in float32 it is the same, and in bf16 we keep the better one. chunk_size changes no number.
    n_head, head_width = theirs.get("num_heads", 128), theirs.get("head_dim", 64)
    if n_head * head_width != theirs.get("expand", 2) * theirs["hidden_size"]:
        raise HeadwayError(
            f"this checkpoint's num_heads {n_head} · head_dim {head_width} is not its expand {theirs.get('expand', 2)} · "
            f"hidden_size {theirs['hidden_size']}: the configuration contradicts itself"
        )
    low, high = map(_number, theirs.get("time_step_limit") or (0.0, math.inf))
    return Mamba2Config(
        vocab_size=theirs["vocab_size"],
        width=theirs["hidden_size"],
        n_layer=theirs.get("num_hidden_layers", 64),
        n_head=n_head,
        head_width=head_width,
        n_group=theirs.get("n_groups", 8),
        state=theirs.get("state_size", 128),
        taps=theirs.get("conv_kernel", 4),
        bias=theirs.get("use_bias", False),
        conv_bias=theirs.get("use_conv_bias", True),
        eps=theirs.get("layer_norm_epsilon", 1e-5),
        step_limits=(low, high),
        tied=theirs.get("tie_word_embeddings", False),
    )


def write_config(config: Mamba2Config) -> dict[str, Any]:
    expand = config.inner / config.width
    return {
        "architectures": ["Mamba2ForCausalLM"],
        "model_type": "mamba2",
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_layer,
        "num_heads": config.n_head,
        "head_dim": config.head_width,
        "expand": int(expand) if expand.is_integer() else expand,
        "n_groups": config.n_group,
        "state_size": config.state,
        "conv_kernel": config.taps,
        "use_bias": config.bias,
        "use_conv_bias": config.conv_bias,
        "layer_norm_epsilon": config.eps,
        "time_step_limit": [INFINITY if math.isinf(limit) else limit for limit in config.step_limits],
        "tie_word_embeddings": config.tied,
        "hidden_act": "silu",
        "residual_in_fp32": True,
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="backbone.",
    copies=lambda config: {"lm_head.weight": "backbone.embeddings.weight"} if config.tied else {},
    spellings={"backbone.embedding.": "backbone.embeddings."},
)
