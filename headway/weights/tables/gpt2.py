"""GPT-2 in Hugging Face checkpoints. Its linear layers are stored (in, out); query, key and value are fused there too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.base.derived import DERIVED
from headway.models.gpt2 import GPT2Config
from headway.weights.configs import only, refuse
from headway.weights.engine import Row, Table, Transpose


def rows(config: GPT2Config) -> Iterator[Row]:
    yield Row("transformer.wte.weight", "embed.weight")
    yield Row("transformer.wpe.weight", "position.weight")
    for n in range(config.n_layer):
        theirs, ours = f"transformer.h.{n}.", f"blocks.{n}."
        for their_norm, our_norm in (("ln_1", "attn_norm"), ("ln_2", "mlp_norm")):
            yield Row(f"{theirs}{their_norm}.weight", f"{ours}{our_norm}.weight")
            yield Row(f"{theirs}{their_norm}.bias", f"{ours}{our_norm}.bias")
        for their_layer, our_layer in (
            ("attn.c_attn", "attn.qkv"),
            ("attn.c_proj", "attn.out"),
            ("mlp.c_fc", "mlp.up"),
            ("mlp.c_proj", "mlp.down"),
        ):
            yield Row(f"{theirs}{their_layer}.weight", f"{ours}{our_layer}.weight", Transpose())
            yield Row(f"{theirs}{their_layer}.bias", f"{ours}{our_layer}.bias")
    yield Row("transformer.ln_f.weight", "norm.weight")
    yield Row("transformer.ln_f.bias", "norm.bias")


def read_config(theirs: dict[str, Any]) -> GPT2Config:
    only(theirs, "activation_function", "gelu_new", "gelu_pytorch_tanh", default="gelu_new")
    only(theirs, "scale_attn_weights", True, default=True)
    refuse(theirs, "scale_attn_by_inverse_layer_idx", "add_cross_attention")
    only(theirs, "tie_word_embeddings", True, default=True)
    return GPT2Config(
        vocab_size=theirs["vocab_size"],
        context=theirs.get("n_positions", 1024),
        width=theirs["n_embd"],
        n_layer=theirs["n_layer"],
        n_head=theirs["n_head"],
        ff_width=theirs.get("n_inner", DERIVED),
        eps=theirs.get("layer_norm_epsilon", 1e-5),
    )


def write_config(config: GPT2Config) -> dict[str, Any]:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.context,
        "n_embd": config.width,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        "n_inner": config.ff_width,
        "layer_norm_epsilon": config.eps,
        "activation_function": "gelu_new",
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": 0.0,
        "tie_word_embeddings": True,
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="transformer.",
    copies=lambda config: {"lm_head.weight": "transformer.wte.weight"},
    ignore={
        ".attn.bias": "the causal mask, which early versions saved as a buffer",
        ".attn.masked_bias": "its fill value",
    },
)
