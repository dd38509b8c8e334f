"""Llama in Hugging Face checkpoints and in GGUF files. GGUF keeps Meta's interleaved rotary pairs; we turn half-split ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from headway.base.derived import DERIVED
from headway.base.errors import Unsupported
from headway.blocks.rotary import rotary_frequencies
from headway.models.llama import LlamaConfig, RopeScaling, stretch
from headway.weights.configs import only, refuse, rope_base, rope_scaling
from headway.weights.engine import HalfSplit, Row, Same, Stack, Table


def rows(config: LlamaConfig) -> Iterator[Row]:
    sizes = [config.n_head * config.head_width, *2 * [config.n_group * config.head_width]]
    yield Row("model.embed_tokens.weight", "embed.weight")
    for n in range(config.n_layer):
        theirs, ours = f"model.layers.{n}.", f"blocks.{n}."
        yield Row(f"{theirs}input_layernorm.weight", f"{ours}attn_norm.weight")
        qkv = tuple(f"{theirs}self_attn.{name}_proj.weight" for name in "qkv")
        yield Row(qkv, f"{ours}attn.qkv.weight", Stack(sizes))
        yield Row(f"{theirs}self_attn.o_proj.weight", f"{ours}attn.out.weight")
        yield Row(f"{theirs}post_attention_layernorm.weight", f"{ours}mlp_norm.weight")
        for name in ("gate", "up", "down"):
            yield Row(f"{theirs}mlp.{name}_proj.weight", f"{ours}mlp.{name}.weight")
    yield Row("model.norm.weight", "norm.weight")
    if not config.tied:
        yield Row("lm_head.weight", "head.weight")


def read_config(theirs: dict[str, Any]) -> LlamaConfig:
    only(theirs, "hidden_act", "silu", default="silu")
    refuse(theirs, "attention_bias", "mlp_bias")
    scaling = rope_scaling(theirs, "llama3")
    return LlamaConfig(
        vocab_size=theirs["vocab_size"],
        width=theirs["hidden_size"],
        n_layer=theirs["num_hidden_layers"],
        n_head=theirs["num_attention_heads"],
        n_group=theirs.get("num_key_value_heads", DERIVED),
        head_width=theirs.get("head_dim", DERIVED),
        ff_width=theirs["intermediate_size"],
        eps=theirs.get("rms_norm_eps", 1e-6),
        rope_base=rope_base(theirs),
        rope_scaling=None
        if scaling is None
        else RopeScaling(
            factor=scaling["factor"],
            low=scaling["low_freq_factor"],
            high=scaling["high_freq_factor"],
            context=scaling["original_max_position_embeddings"],
        ),
        tied=theirs.get("tie_word_embeddings", False),
        context=theirs.get("max_position_embeddings", 2048),
    )


def write_config(config: LlamaConfig) -> dict[str, Any]:
    scaling = config.rope_scaling
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_layer,
        "num_attention_heads": config.n_head,
        "num_key_value_heads": config.n_group,
        "head_dim": config.head_width,
        "intermediate_size": config.ff_width,
        "rms_norm_eps": config.eps,
        "rope_theta": config.rope_base,
        "rope_scaling": None
        if scaling is None
        else {
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low,
            "high_freq_factor": scaling.high,
            "original_max_position_embeddings": scaling.context,
        },
        "tie_word_embeddings": config.tied,
        "max_position_embeddings": config.context,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
    }


def gguf_rows(config: LlamaConfig) -> Iterator[Row]:
    h, g, k = config.n_head, config.n_group, config.head_width
    yield Row("token_embd.weight", "embed.weight")
    for n in range(config.n_layer):
        theirs, ours = f"blk.{n}.", f"blocks.{n}."
        yield Row(f"{theirs}attn_norm.weight", f"{ours}attn_norm.weight")
        qkv = tuple(f"{theirs}attn_{name}.weight" for name in "qkv")
        how = Stack([h * k, g * k, g * k], parts=(HalfSplit(h), HalfSplit(g), Same()))
        yield Row(qkv, f"{ours}attn.qkv.weight", how)
        yield Row(f"{theirs}attn_output.weight", f"{ours}attn.out.weight")
        yield Row(f"{theirs}ffn_norm.weight", f"{ours}mlp_norm.weight")
        for name in ("gate", "up", "down"):
            yield Row(f"{theirs}ffn_{name}.weight", f"{ours}mlp.{name}.weight")
    yield Row("output_norm.weight", "norm.weight")
    if not config.tied:
        yield Row("output.weight", "head.weight")


def gguf_scaling(divisors: list[float] | None, width: int, base: float) -> RopeScaling | None:
    """Llama 3.1's stretching, of which a GGUF file keeps what it makes of each frequency, and not the settings themselves."""
    if divisors is None or max(divisors, default=1.0) == 1:
        return None
    scaling = RopeScaling(factor=round(max(divisors), 3))
    frequencies = rotary_frequencies(width, base)
    wanted, found = frequencies / stretch(frequencies, scaling), torch.tensor(divisors)
    if found.shape != wanted.shape or not torch.allclose(found, wanted, rtol=1e-4):
        raise Unsupported("this file's rope_freqs.weight stretches its rotary waves in another way than Llama 3.1's")
    return scaling


def read_gguf_config(facts: dict[str, Any]) -> LlamaConfig:
    n_head = facts["llama.attention.head_count"]
    refuse(facts, "llama.expert_count")
    base, width = facts.get("llama.rope.freq_base", 10000.0), facts.get("llama.attention.key_length")
    width = facts["llama.embedding_length"] // n_head if width is None else width
    only(facts, "llama.rope.dimension_count", width, default=width)
    only(facts, "llama.rope.scaling.type", "none", default="none")
    only(facts, "llama.rope.scale_linear", 1.0, default=1.0)  # as files of version 2 have it
    return LlamaConfig(
        vocab_size=facts.get("llama.vocab_size", len(facts.get("tokenizer.ggml.tokens", ()))),
        width=facts["llama.embedding_length"],
        n_layer=facts["llama.block_count"],
        n_head=n_head,
        n_group=facts.get("llama.attention.head_count_kv", n_head),
        head_width=width,
        ff_width=facts["llama.feed_forward_length"],
        eps=facts["llama.attention.layer_norm_rms_epsilon"],
        rope_base=base,
        rope_scaling=gguf_scaling(facts.get("rope_freqs"), width, base),
        tied="output.weight" not in facts["tensors"],
        context=facts["llama.context_length"],
    )


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="model.",
    copies=lambda config: {"lm_head.weight": "model.embed_tokens.weight"} if config.tied else {},
    ignore={".rotary_emb.inv_freq": "rotary frequencies, which early versions saved as a buffer"},
    gguf_rows=gguf_rows,
    read_gguf_config=read_gguf_config,
)
