"""Mamba in Hugging Face checkpoints (`state-spaces/mamba-*-hf`) and in its authors' own (`state-spaces/mamba-*`).

Their filters are (channels, 1, taps), ours (taps, channels). The authors' files have the same weights under almost the same
names, and a config.json that says little and names no architecture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from headway.base.derived import DERIVED
from headway.models.mamba import MambaConfig
from headway.weights.configs import only, refuse
from headway.weights.engine import Row, Table


class Taps:
    """A filter per channel, as `nn.Conv1d` stores it, becomes a row per tap."""

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        return [theirs[0].squeeze(1).t()]

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        return [ours[0].t().unsqueeze(1)]


def rows(config: MambaConfig) -> Iterator[Row]:
    yield Row("backbone.embeddings.weight", "embed.weight")
    for n in range(config.n_layer):
        theirs, ours = f"backbone.layers.{n}.", f"blocks.{n}."
        yield Row(f"{theirs}norm.weight", f"{ours}norm.weight")
        theirs, ours = f"{theirs}mixer.", f"{ours}mixer."
        yield Row(f"{theirs}in_proj.weight", f"{ours}expand.weight")
        yield Row(f"{theirs}conv1d.weight", f"{ours}conv_weight", Taps())
        if config.conv_bias:
            yield Row(f"{theirs}conv1d.bias", f"{ours}conv_bias")
        yield Row(f"{theirs}x_proj.weight", f"{ours}select.weight")
        yield Row(f"{theirs}dt_proj.weight", f"{ours}step.weight")
        yield Row(f"{theirs}dt_proj.bias", f"{ours}step.bias")
        yield Row(f"{theirs}A_log", f"{ours}A_log")
        yield Row(f"{theirs}D", f"{ours}D")
        yield Row(f"{theirs}out_proj.weight", f"{ours}out.weight")
        if config.bias:
            yield Row(f"{theirs}in_proj.bias", f"{ours}expand.bias")
            yield Row(f"{theirs}out_proj.bias", f"{ours}out.bias")
    yield Row("backbone.norm_f.weight", "norm.weight")
    if not config.tied:
        yield Row("lm_head.weight", "head.weight")


def shared_settings(theirs: dict[str, Any]) -> dict[str, Any]:
    """The authors' config.json as Hugging Face's fields, as far as Mamba and Mamba-2 have them in common."""
    only(theirs, "rms_norm", True, default=True)
    refuse(theirs, "attn_layer_idx", "d_intermediate")
    settings, multiple = theirs.get("ssm_cfg") or {}, theirs.get("pad_vocab_size_multiple", 8)
    fields = {
        "vocab_size": -(-theirs["vocab_size"] // multiple) * multiple,
        "hidden_size": theirs["d_model"],
        "num_hidden_layers": theirs["n_layer"],
        "tie_word_embeddings": theirs.get("tie_embeddings", True),
    }
    names = {"d_state": "state_size", "d_conv": "conv_kernel", "expand": "expand", "conv_bias": "use_conv_bias"}
    names |= {"bias": "use_bias"}
    return fields | {ours: settings[name] for name, ours in names.items() if name in settings}


def read_config(theirs: dict[str, Any]) -> MambaConfig:
    if "d_model" in theirs and "hidden_size" not in theirs:
        theirs = shared_settings(theirs) | {"time_step_rank": (theirs.get("ssm_cfg") or {}).get("dt_rank", "auto")}
    only(theirs, "hidden_act", "silu", "swish", default="silu")
    # residual_in_fp32 either way: in float32 it is the same, and in bf16 we keep the better one.
    rank = theirs.get("time_step_rank", "auto")
    return MambaConfig(
        vocab_size=theirs["vocab_size"],
        width=theirs["hidden_size"],
        n_layer=theirs.get("num_hidden_layers", theirs.get("n_layer", 32)),
        inner=theirs.get("intermediate_size") or int(theirs.get("expand", 2) * theirs["hidden_size"]),
        state=theirs.get("state_size", 16),
        taps=theirs.get("conv_kernel", 4),
        step_rank=DERIVED if rank == "auto" else rank,
        bias=theirs.get("use_bias", False),
        conv_bias=theirs.get("use_conv_bias", True),
        eps=theirs.get("layer_norm_epsilon", 1e-5),
        tied=theirs.get("tie_word_embeddings", True),
    )


def write_config(config: MambaConfig) -> dict[str, Any]:
    expand = config.inner / config.width
    return {
        "architectures": ["MambaForCausalLM"],
        "model_type": "mamba",
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_layer,
        "intermediate_size": config.inner,
        "expand": int(expand) if expand.is_integer() else expand,
        "state_size": config.state,
        "conv_kernel": config.taps,
        "time_step_rank": config.step_rank,
        "use_bias": config.bias,
        "use_conv_bias": config.conv_bias,
        "layer_norm_epsilon": config.eps,
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
