"""Whisper in Hugging Face checkpoints, and in CTranslate2's model.bin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from headway.models.whisper import WhisperConfig
from headway.weights.configs import only, refuse
from headway.weights.ctranslate2 import CTranslate2
from headway.weights.engine import Row, Split, Table


def both(theirs: str, ours: str) -> Iterator[Row]:
    """A weight and a bias."""
    yield Row(f"{theirs}.weight", f"{ours}.weight")
    yield Row(f"{theirs}.bias", f"{ours}.bias")


def rows(config: WhisperConfig) -> Iterator[Row]:
    for name in ("conv1", "conv2"):
        yield from both(f"model.encoder.{name}", name)
    yield Row("model.encoder.embed_positions.weight", "frame_position")
    yield Row("model.decoder.embed_tokens.weight", "embed.weight")
    yield Row("model.decoder.embed_positions.weight", "position.weight")
    for side, n_layer in (("encoder", config.n_layer), ("decoder", config.n_decoder_layer)):
        for n in range(n_layer):
            theirs, ours = f"model.{side}.layers.{n}.", f"{side}.{n}."
            attentions = [("self_attn", "attn"), ("encoder_attn", "cross")][: 1 if side == "encoder" else 2]
            for their_name, name in attentions:
                for part, own in (("q_proj", "q"), ("v_proj", "v"), ("out_proj", "out")):
                    yield from both(f"{theirs}{their_name}.{part}", f"{ours}{name}.{own}")
                yield Row(f"{theirs}{their_name}.k_proj.weight", f"{ours}{name}.k.weight")
                yield from both(f"{theirs}{their_name}_layer_norm", f"{ours}{name}_norm")
            yield from both(f"{theirs}fc1", f"{ours}mlp.up")
            yield from both(f"{theirs}fc2", f"{ours}mlp.down")
            yield from both(f"{theirs}final_layer_norm", f"{ours}mlp_norm")
        yield from both(f"model.{side}.layer_norm", f"{side}_norm")


def read_config(theirs: dict[str, Any]) -> WhisperConfig:
    only(theirs, "activation_function", "gelu", default="gelu")
    only(theirs, "tie_word_embeddings", True, default=True)
    refuse(theirs, "scale_embedding")
    heads, ff_width = theirs["encoder_attention_heads"], theirs["encoder_ffn_dim"]
    only(theirs, "decoder_attention_heads", heads, default=heads)
    only(theirs, "decoder_ffn_dim", ff_width, default=ff_width)
    return WhisperConfig(
        vocab_size=theirs["vocab_size"],
        width=theirs["d_model"],
        n_layer=theirs["encoder_layers"],
        n_decoder_layer=theirs["decoder_layers"],
        n_head=heads,
        ff_width=ff_width,
        mels=theirs.get("num_mel_bins", 80),
        frames=2 * theirs.get("max_source_positions", 1500),
        context=theirs.get("max_target_positions", 448),
        dropout=theirs.get("dropout", 0.0),
    )


def write_config(config: WhisperConfig) -> dict[str, Any]:
    english = config.vocab_size == 51864  # the released vocabularies: where the special symbols begin
    end = min(50256 if english else 50257, config.vocab_size - 2)
    return {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "is_encoder_decoder": True,
        "vocab_size": config.vocab_size,
        "d_model": config.width,
        "encoder_layers": config.n_layer,
        "decoder_layers": config.n_decoder_layer,
        "encoder_attention_heads": config.n_head,
        "decoder_attention_heads": config.n_head,
        "encoder_ffn_dim": config.ff_width,
        "decoder_ffn_dim": config.ff_width,
        "num_mel_bins": config.mels,
        "max_source_positions": config.frames // 2,
        "max_target_positions": config.context,
        "activation_function": "gelu",
        "scale_embedding": False,
        "dropout": config.dropout,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "tie_word_embeddings": True,
        "pad_token_id": end,
        "bos_token_id": end,
        "eos_token_id": end,
        "decoder_start_token_id": end + 1,
    }


@dataclass(frozen=True)
class NoKeyBias:
    """A fused bias of queries, keys and values, whose part for the keys has to be zero: `ours` has the other two."""

    width: int
    parts: int

    def read(self, theirs: list[Tensor]) -> list[Tensor]:
        pieces = theirs[0].split([self.width] * self.parts)
        if bool(pieces[-2].any()):
            raise ValueError
        return [*pieces[:-2], pieces[-1]]

    def write(self, ours: list[Tensor]) -> list[Tensor]:
        return [torch.cat((*ours[:-1], torch.zeros_like(ours[-1]), ours[-1]))]


def ct2_rows(config: WhisperConfig) -> Iterator[Row]:
    d = config.width

    def norm(theirs: str, ours: str) -> Iterator[Row]:
        yield Row(f"{theirs}/layer_norm/gamma", f"{ours}.weight")
        yield Row(f"{theirs}/layer_norm/beta", f"{ours}.bias")

    def linear(theirs: str, ours: str) -> Iterator[Row]:
        yield Row(f"{theirs}/weight", f"{ours}.weight")
        yield Row(f"{theirs}/bias", f"{ours}.bias")

    for name in ("conv1", "conv2"):
        yield from linear(f"encoder/{name}", name)
    yield Row("encoder/position_encodings/encodings", "frame_position")
    yield Row("decoder/embeddings/weight", "embed.weight")
    yield Row("decoder/position_encodings/encodings", "position.weight")
    for side, n_layer in (("encoder", config.n_layer), ("decoder", config.n_decoder_layer)):
        for n in range(n_layer):
            theirs, ours = f"{side}/layer_{n}", f"{side}.{n}."
            fused, own = f"{theirs}/self_attention/linear_0", f"{ours}attn"
            yield Row(f"{fused}/weight", tuple(f"{own}.{part}.weight" for part in "qkv"), Split([d] * 3))
            yield Row(f"{fused}/bias", (f"{own}.q.bias", f"{own}.v.bias"), NoKeyBias(d, 3))
            yield from linear(f"{theirs}/self_attention/linear_1", f"{own}.out")
            yield from norm(f"{theirs}/self_attention", f"{own}_norm")
            if side == "decoder":
                cross, own = f"{theirs}/attention", f"{ours}cross"
                yield from linear(f"{cross}/linear_0", f"{own}.q")
                yield Row(f"{cross}/linear_1/weight", (f"{own}.k.weight", f"{own}.v.weight"), Split([d] * 2))
                yield Row(f"{cross}/linear_1/bias", f"{own}.v.bias", NoKeyBias(d, 2))
                yield from linear(f"{cross}/linear_2", f"{own}.out")
                yield from norm(cross, f"{own}_norm")
            yield from linear(f"{theirs}/ffn/linear_0", f"{ours}mlp.up")
            yield from linear(f"{theirs}/ffn/linear_1", f"{ours}mlp.down")
            yield from norm(f"{theirs}/ffn", f"{ours}mlp_norm")
        yield from norm(side, f"{side}_norm")


def read_ct2_config(file: CTranslate2) -> WhisperConfig:
    only(file.facts, "decoder/activation", 3, default=3)  # GELU, by its place in CTranslate2's list
    only(file.facts, "decoder/pre_norm", 1, default=1)
    only(file.facts, "encoder/num_heads", file.facts["decoder/num_heads"], default=None)
    layers = {
        side: {key.split("/")[1] for key in file if key.startswith(f"{side}/layer_")} for side in ("encoder", "decoder")
    }
    vocab_size, width = file.shape("decoder/embeddings/weight")
    return WhisperConfig(
        vocab_size=vocab_size,
        width=width,
        n_layer=len(layers["encoder"] - {"layer_norm"}),
        n_decoder_layer=len(layers["decoder"] - {"layer_norm"}),
        n_head=int(file.facts["decoder/num_heads"]),
        ff_width=file.shape("decoder/layer_0/ffn/linear_0/weight")[0],
        mels=file.shape("encoder/conv1/weight")[1],
        frames=2 * file.shape("encoder/position_encodings/encodings")[0],
        context=file.shape("decoder/position_encodings/encodings")[0],
    )


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="model.",
    copies=lambda config: {"proj_out.weight": "model.decoder.embed_tokens.weight"},
)
