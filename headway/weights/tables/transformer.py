"""The 2017 Transformer as Marian's checkpoints have it; what Marian cannot say is kept in Headway's own format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.models.catalog import entry
from headway.models.transformer import TransformerConfig
from headway.weights.configs import only, refuse
from headway.weights.engine import Reshape, Row, Stack, Table
from headway.weights.native import native_table

ACTIVATIONS: dict[str, Any] = {"relu": "relu", "gelu": "gelu", "swish": "silu", "silu": "silu"}


def is_marian(config: TransformerConfig) -> bool:
    """Whether `MarianMTModel` computes this: norm after the sum, positions in halves."""
    return config.norm == "post" and not config.interleaved and config.eps == 1e-5


def attention_rows(theirs: str, ours: str, width: int) -> Iterator[Row]:
    for kind in ("weight", "bias"):
        yield Row(f"{theirs}q_proj.{kind}", f"{ours}q.{kind}")
        yield Row((f"{theirs}k_proj.{kind}", f"{theirs}v_proj.{kind}"), f"{ours}kv.{kind}", Stack([width] * 2))
        yield Row(f"{theirs}out_proj.{kind}", f"{ours}out.{kind}")


def rows(config: TransformerConfig) -> Iterator[Row]:
    if not is_marian(config):
        yield from native_table(entry("transformer")).rows(config)
        return
    if config.target_vocab_size is None:
        yield Row("model.shared.weight", "embed.weight")
    else:
        yield Row("model.encoder.embed_tokens.weight", "embed.weight")
        yield Row("model.decoder.embed_tokens.weight", "target_embed.weight")
    for side, n_layer in (("encoder", config.n_layer), ("decoder", config.n_decoder_layer)):
        for n in range(n_layer):
            theirs, ours = f"model.{side}.layers.{n}.", f"{side}.{n}."
            yield from attention_rows(f"{theirs}self_attn.", f"{ours}attn.", config.width)
            if side == "decoder":
                yield from attention_rows(f"{theirs}encoder_attn.", f"{ours}cross.", config.width)
            for kind in ("weight", "bias"):
                yield Row(f"{theirs}self_attn_layer_norm.{kind}", f"{ours}attn_sum.norm.{kind}")
                if side == "decoder":
                    yield Row(f"{theirs}encoder_attn_layer_norm.{kind}", f"{ours}cross_sum.norm.{kind}")
                yield Row(f"{theirs}fc1.{kind}", f"{ours}mlp.up.{kind}")
                yield Row(f"{theirs}fc2.{kind}", f"{ours}mlp.down.{kind}")
                yield Row(f"{theirs}final_layer_norm.{kind}", f"{ours}mlp_sum.norm.{kind}")
    if config.head_bias:
        size = config.target_vocab_size or config.vocab_size
        yield Row("final_logits_bias", "head_bias", Reshape((1, size), (size,)))


def read_config(theirs: dict[str, Any]) -> TransformerConfig:
    if "config" in theirs:
        return native_table(entry("transformer")).read_config(theirs)
    only(theirs, "activation_function", *ACTIVATIONS, default="gelu")
    only(theirs, "tie_word_embeddings", True, default=True)
    refuse(theirs, "normalize_before", "normalize_embedding", "add_final_layer_norm")
    only(theirs, "static_position_embeddings", True, default=True)
    heads, ff_width = theirs["encoder_attention_heads"], theirs["encoder_ffn_dim"]
    only(theirs, "decoder_attention_heads", heads, default=heads)
    only(theirs, "decoder_ffn_dim", ff_width, default=ff_width)
    shared = theirs.get("share_encoder_decoder_embeddings", True)
    return TransformerConfig(
        vocab_size=theirs["vocab_size"],
        target_vocab_size=None if shared else theirs.get("decoder_vocab_size") or theirs["vocab_size"],
        width=theirs["d_model"],
        n_layer=theirs["encoder_layers"],
        n_decoder_layer=theirs["decoder_layers"],
        n_head=heads,
        ff_width=ff_width,
        activation=ACTIVATIONS[theirs.get("activation_function", "gelu")],
        scaled=theirs.get("scale_embedding", False),
        interleaved=False,
        head_bias=theirs.get("headway_head_bias", True),
        dropout=theirs.get("dropout", 0.1),
        context=theirs.get("max_position_embeddings", 1024),
    )


def write_config(config: TransformerConfig) -> dict[str, Any]:
    if not is_marian(config):
        return native_table(entry("transformer")).write_config(config)
    shared = config.target_vocab_size is None
    # Marian's last symbol is the padding, with which a target also starts; its first symbol is the end.
    start = (config.vocab_size if shared else min(config.vocab_size, config.target_vocab_size or 0)) - 1
    return {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "is_encoder_decoder": True,
        "vocab_size": config.vocab_size,
        "decoder_vocab_size": config.vocab_size if shared else config.target_vocab_size,
        "share_encoder_decoder_embeddings": shared,
        "d_model": config.width,
        "encoder_layers": config.n_layer,
        "decoder_layers": config.n_decoder_layer,
        "encoder_attention_heads": config.n_head,
        "decoder_attention_heads": config.n_head,
        "encoder_ffn_dim": config.ff_width,
        "decoder_ffn_dim": config.ff_width,
        "activation_function": config.activation,
        "scale_embedding": config.scaled,
        "headway_head_bias": config.head_bias,
        "dropout": config.dropout,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "max_position_embeddings": config.context,
        "tie_word_embeddings": True,
        "pad_token_id": start,
        "decoder_start_token_id": start,
        "eos_token_id": 0,
        "forced_eos_token_id": 0,
    }


def copies(config: TransformerConfig) -> dict[str, str]:
    if config.target_vocab_size is not None:
        return {"lm_head.weight": "model.decoder.embed_tokens.weight"}
    tied = ("lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight")
    return dict.fromkeys(tied, "model.shared.weight")


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    copies=copies,
    ignore={"embed_positions.weight": "the sinusoids, which are computed"},
)
