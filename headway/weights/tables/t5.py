"""T5 and T5 v1.1 (mT5 and Flan-T5 as well) in Hugging Face checkpoints."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import Any

from headway.base.errors import Unsupported
from headway.models.t5 import T5Config
from headway.weights.configs import only, refuse
from headway.weights.engine import Row, Stack, Table

PROJECTIONS: dict[str, tuple[Any, bool]] = {
    "relu": ("relu", False),
    "gelu_new": ("gelu_new", False),
    "silu": ("silu", False),
    "gated-gelu": ("gelu_new", True),  # Hugging Face means the tanh form by it here
    "gated-gelu_new": ("gelu_new", True),
    "gated-relu": ("relu", True),
    "gated-silu": ("silu", True),
}


def attention_rows(theirs: str, ours: str, config: T5Config) -> Iterator[Row]:
    yield Row(f"{theirs}.q.weight", f"{ours}.q.weight")
    inner = config.n_head * config.head_width
    yield Row((f"{theirs}.k.weight", f"{theirs}.v.weight"), f"{ours}.kv.weight", Stack([inner, inner]))
    yield Row(f"{theirs}.o.weight", f"{ours}.out.weight")


def rows(config: T5Config) -> Iterator[Row]:
    yield Row("shared.weight", "embed.weight")
    for side, n_layer in (("encoder", config.n_layer), ("decoder", config.n_decoder_layer)):
        first = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        yield Row(first, f"{side}_bias.weight")
        for n in range(n_layer):
            theirs, ours = f"{side}.block.{n}.layer.", f"{side}.{n}."
            yield Row(f"{theirs}0.layer_norm.weight", f"{ours}attn_norm.weight")
            yield from attention_rows(f"{theirs}0.SelfAttention", f"{ours}attn", config)
            if side == "decoder":
                yield Row(f"{theirs}1.layer_norm.weight", f"{ours}cross_norm.weight")
                yield from attention_rows(f"{theirs}1.EncDecAttention", f"{ours}cross", config)
            last = f"{theirs}{1 if side == 'encoder' else 2}."
            yield Row(f"{last}layer_norm.weight", f"{ours}mlp_norm.weight")
            ups = (("wi_0", "gate"), ("wi_1", "up")) if config.gated else (("wi", "up"),)
            for their_name, name in (*ups, ("wo", "down")):
                yield Row(f"{last}DenseReluDense.{their_name}.weight", f"{ours}mlp.{name}.weight")
        yield Row(f"{side}.final_layer_norm.weight", f"{side}_norm.weight")
    if not config.tied:
        yield Row("lm_head.weight", "head.weight")


def read_config(theirs: dict[str, Any]) -> T5Config:
    multilingual = theirs.get("model_type") == "mt5"  # always version 1.1, whatever its files say of tying
    projection = theirs.get("feed_forward_proj", "gated-gelu" if multilingual else "relu")
    if projection not in PROJECTIONS:
        known = " or ".join(map(repr, PROJECTIONS))
        raise Unsupported(f"this checkpoint's feed_forward_proj is {projection!r}; Headway has {known} here")
    refuse(theirs, "is_decoder")
    only(theirs, "is_encoder_decoder", True, default=True)
    activation, gated = PROJECTIONS[projection]
    only(theirs, "dense_act_fn", activation, default=activation)  # files often say it a second time
    only(theirs, "is_gated_act", gated, default=gated)
    # Version 1.1 says that it does not tie; newer transformers say instead that the output is not scaled.
    tied = (
        theirs.get("scale_decoder_outputs", theirs.get("tie_word_embeddings", True) is not False) and not multilingual
    )
    return T5Config(
        vocab_size=theirs["vocab_size"],
        width=theirs["d_model"],
        n_layer=theirs["num_layers"],
        n_decoder_layer=theirs.get("num_decoder_layers") or theirs["num_layers"],
        n_head=theirs["num_heads"],
        head_width=theirs["d_kv"],
        ff_width=theirs["d_ff"],
        n_bucket=theirs.get("relative_attention_num_buckets", 32),
        max_distance=theirs.get("relative_attention_max_distance", 128),
        activation=activation,
        gated=gated,
        tied=tied,
        eps=theirs.get("layer_norm_epsilon", 1e-6),
        dropout=theirs.get("dropout_rate", 0.1),
    )


def write_config(config: T5Config) -> dict[str, Any]:
    names = {value: name for name, value in reversed(PROJECTIONS.items())}
    if config.scaled and not config.tied:
        raise Unsupported("a Hugging Face T5 scales what goes into a tied head only: set scaled=False, or tied=True")
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": "t5",
        "is_encoder_decoder": True,
        "vocab_size": config.vocab_size,
        "d_model": config.width,
        "num_layers": config.n_layer,
        "num_decoder_layers": config.n_decoder_layer,
        "num_heads": config.n_head,
        "d_kv": config.head_width,
        "d_ff": config.ff_width,
        "relative_attention_num_buckets": config.n_bucket,
        "relative_attention_max_distance": config.max_distance,
        "feed_forward_proj": names[config.activation, config.gated],
        "tie_word_embeddings": config.tied,
        **({"scale_decoder_outputs": False} if config.tied and not config.scaled else {}),
        "layer_norm_epsilon": config.eps,
        "dropout_rate": config.dropout,
        "pad_token_id": 0,
        "decoder_start_token_id": 0,
        "eos_token_id": 1,
    }


def copies(config: T5Config) -> dict[str, str]:
    tied = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", *(["lm_head.weight"] if config.tied else []))
    return dict.fromkeys(tied, "shared.weight")


def fit(config: T5Config, keys: Collection[str]) -> T5Config:
    """Version 1.1 made anew by transformers 5 has no head of its own, whatever its config.json says."""
    return config if config.tied or "lm_head.weight" in keys else dataclasses.replace(config, tied=True)


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    copies=copies,
    fit=fit,
    ignore={"EncDecAttention.relative_attention_bias.weight": "saved by early versions, and never used"},
)
