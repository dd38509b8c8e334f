"""ViT and DINOv2 (with and without registers) in Hugging Face checkpoints; DINOv2 with a map head in an ONNX file.

Hugging Face has no class for the map head: such a model is kept in Headway's own format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from headway.base.errors import Unsupported
from headway.models.catalog import entry
from headway.models.vit import ViTConfig
from headway.weights.configs import only, refuse
from headway.weights.engine import Reshape, Row, Stack, Table, Transpose
from headway.weights.native import native_table
from headway.weights.onnx import ONNX


def rows(config: ViTConfig) -> Iterator[Row]:
    if config.map_widths:
        yield from native_table(entry("vit")).rows(config)
        return
    c, dino = config, config.layer_scale is not None
    base = ("dinov2_with_registers." if c.n_register else "dinov2.") if dino else "vit."
    base = base if not dino or c.n_class else ""
    front = f"{base}embeddings."
    side = [c.width, c.channels, c.patch, c.patch]
    yield Row(
        f"{front}patch_embeddings.projection.weight", "patches.weight", Reshape(side, [c.width, side[1] * c.patch**2])
    )
    yield Row(f"{front}patch_embeddings.projection.bias", "patches.bias")
    yield Row(f"{front}cls_token", "class_token", Reshape([1, 1, c.width], [c.width]))
    places = [1 + c.side**2, c.width]
    yield Row(f"{front}position_embeddings", "position", Reshape([1, *places], places))
    if c.n_register:
        yield Row(f"{front}register_tokens", "registers", Reshape([1, c.n_register, c.width], [c.n_register, c.width]))
    if c.mask_token:
        yield Row(f"{front}mask_token", "mask_token", Reshape([1, c.width], [c.width]))
    for n in range(c.n_layer):
        yield from _block(c, f"{base}encoder.layer.{n}.", f"blocks.{n}.", dino)
    yield from both(f"{base}layernorm", "norm")
    if c.n_class:
        yield from both("classifier", "head")


def _block(c: ViTConfig, theirs: str, ours: str, dino: bool) -> Iterator[Row]:
    for part in ("weight", "bias") if c.qkv_bias else ("weight",):
        qkv = tuple(f"{theirs}attention.attention.{name}.{part}" for name in ("query", "key", "value"))
        yield Row(qkv, f"{ours}attn.qkv.{part}", Stack([c.width] * 3))
    yield from both(f"{theirs}attention.output.dense", f"{ours}attn.out")
    names = ("norm1", "norm2", "mlp.fc1", "mlp.fc2")
    if not dino:
        names = ("layernorm_before", "layernorm_after", "intermediate.dense", "output.dense")
    for their_name, our_name in zip(names, ("attn_norm", "mlp_norm", "mlp.up", "mlp.down"), strict=True):
        yield from both(theirs + their_name, ours + our_name)
    if dino:
        yield Row(f"{theirs}layer_scale1.lambda1", f"{ours}attn_scale")
        yield Row(f"{theirs}layer_scale2.lambda1", f"{ours}mlp_scale")


def both(theirs: str, ours: str) -> Iterator[Row]:
    """Weight and bias of one layer."""
    for part in ("weight", "bias"):
        yield Row(f"{theirs}.{part}", f"{ours}.{part}")


def read_config(theirs: dict[str, Any]) -> ViTConfig:
    if "config" in theirs:
        return native_table(entry("vit")).read_config(theirs)
    name = (theirs.get("architectures") or [theirs.get("model_type")])[0]
    only(theirs, "hidden_act", "gelu", default="gelu")
    refuse(theirs, "use_swiglu_ffn", "drop_path_rate")
    width = theirs["hidden_size"]
    sizes: dict[str, Any] = {
        "image": theirs.get("image_size", 224),
        "patch": theirs.get("patch_size", 14 if theirs.get("model_type") == "dinov2" else 16),
        "channels": theirs.get("num_channels", 3),
        "width": width,
        "n_layer": theirs["num_hidden_layers"],
        "n_head": theirs["num_attention_heads"],
        "qkv_bias": theirs.get("qkv_bias", True),
        **(_classes(theirs) if str(name).endswith("ImageClassification") else {"n_class": 0}),
        "eps": theirs.get("layer_norm_eps", 1e-12 if theirs.get("model_type") == "vit" else 1e-6),
    }
    if theirs.get("model_type") == "vit":
        return ViTConfig(**sizes, ff_width=theirs["intermediate_size"])
    registers = theirs.get("num_register_tokens", 4) if theirs.get("model_type") == "dinov2_with_registers" else 0
    return ViTConfig(
        **sizes,
        ff_width=int(width * theirs.get("mlp_ratio", 4)),
        layer_scale=theirs.get("layerscale_value", 1.0),
        n_register=registers,
        mask_token=theirs.get("use_mask_token", True) or bool(registers),
        pool="both" if sizes["n_class"] else "class",
    )


def _classes(theirs: dict[str, Any]) -> dict[str, Any]:
    """How many classes there are, and what they are called where that is more than a number."""
    names = theirs.get("id2label")
    if names is None:
        return {"n_class": theirs.get("num_labels", 2)}
    labels = tuple(str(names[key]) for key in sorted(names, key=int))
    numbered = labels == tuple(f"LABEL_{n}" for n in range(len(labels)))
    return {"n_class": len(labels), "labels": () if numbered else labels}


def onnx_rows(config: ViTConfig) -> Iterator[Row]:
    """As torch's exporter writes it: a matrix that is multiplied from the right is a constant, transposed, named by its use."""
    c, front = config, "backbone.embeddings."
    side = [c.width, c.channels, c.patch, c.patch]
    patches = Reshape(side, [c.width, c.channels * c.patch**2])
    yield Row(f"{front}patch_embeddings.projection.weight", "patches.weight", patches)
    yield Row(f"{front}patch_embeddings.projection.bias", "patches.bias")
    yield Row(f"{front}cls_token", "class_token", Reshape([1, 1, c.width], [c.width]))
    # Cut in two by the exporter, since only the grid is resized.
    halves = [Reshape([1, n, c.width], [n, c.width]) for n in (1, c.side**2)]
    yield Row((f"{front}Concat", f"{front}Reshape"), "position", Stack([1, c.side**2], halves))
    for n in range(c.n_layer):
        theirs, ours = f"backbone.encoder.layer.{n}.", f"blocks.{n}."
        parts = [f"{theirs}attention.attention.{name}." for name in ("query", "key", "value")]
        turned = [Transpose()] * 3
        yield Row(tuple(f"{part}MatMul" for part in parts), f"{ours}attn.qkv.weight", Stack([c.width] * 3, turned))
        yield Row(tuple(f"{part}bias" for part in parts), f"{ours}attn.qkv.bias", Stack([c.width] * 3))
        for name, own in (("attention.output.dense", "attn.out"), ("mlp.fc1", "mlp.up"), ("mlp.fc2", "mlp.down")):
            yield Row(f"{theirs}{name}.MatMul", f"{ours}{own}.weight", Transpose())
            yield Row(f"{theirs}{name}.bias", f"{ours}{own}.bias")
        yield from both(f"{theirs}norm1", f"{ours}attn_norm")
        yield from both(f"{theirs}norm2", f"{ours}mlp_norm")
        yield Row(f"{theirs}layer_scale1.lambda1", f"{ours}attn_scale")
        yield Row(f"{theirs}layer_scale2.lambda1", f"{ours}mlp_scale")
    yield from both("backbone.layernorm", "norm")
    for n in range(len(c.map_widths)):
        yield from both(f"decoder.upconv{n + 1}", f"map.up.{n}")
        yield from both(f"decoder.bn{n + 1}", f"map.norm.{n}")
        yield Row(f"decoder.bn{n + 1}.running_mean", f"map.norm.{n}.mean")
        yield Row(f"decoder.bn{n + 1}.running_var", f"map.norm.{n}.variance")
    yield from both("decoder.final_conv", "map.out")


def read_onnx_config(file: ONNX) -> ViTConfig:
    """By the shapes of the weights. What they do not tell is DINOv2's own: heads 64 wide, eps 1e-6."""
    width, channels, patch, _ = file.shape("backbone.embeddings.patch_embeddings.projection.weight")
    steps = sum(key.startswith("decoder.upconv") and key.endswith(".weight") for key in file)
    return ViTConfig(
        image=math.isqrt(file.shape("backbone.embeddings.Reshape")[1]) * patch,
        patch=patch,
        channels=channels,
        width=width,
        n_layer=sum(key.endswith(".layer_scale1.lambda1") for key in file),
        n_head=max(1, width // 64),
        ff_width=file.shape("backbone.encoder.layer.0.mlp.fc1.bias")[0],
        layer_scale=1.0,
        map_widths=tuple(file.shape(f"decoder.upconv{n + 1}.bias")[0] for n in range(steps)),
        eps=1e-6,
    )


def write_config(config: ViTConfig) -> dict[str, Any]:
    if config.map_widths:
        return native_table(entry("vit")).write_config(config)
    c, dino = config, config.layer_scale is not None
    labels = c.labels or [f"LABEL_{n}" for n in range(c.n_class)]
    facts: dict[str, Any] = {
        "image_size": c.image,
        "patch_size": c.patch,
        "num_channels": c.channels,
        "hidden_size": c.width,
        "num_hidden_layers": c.n_layer,
        "num_attention_heads": c.n_head,
        "qkv_bias": c.qkv_bias,
        "layer_norm_eps": c.eps,
        "hidden_act": "gelu",
        "hidden_dropout_prob": c.dropout,
        "attention_probs_dropout_prob": 0.0,
        "id2label": {str(n): label for n, label in enumerate(labels)},
        "label2id": {label: n for n, label in enumerate(labels)},
    }
    if not dino:
        if c.n_register or c.mask_token or c.pool != "class":
            raise Unsupported("a Hugging Face ViT has no registers, no mask token, and pools the class token")
        name = "ViTForImageClassification" if c.n_class else "ViTModel"
        return {"architectures": [name], "model_type": "vit", **facts, "intermediate_size": c.ff_width}
    if c.ff_width % c.width or c.pool != ("both" if c.n_class else "class"):
        raise Unsupported("a Hugging Face DINOv2 has ff_width a multiple of width, and pools both where it classifies")
    kind = "dinov2_with_registers" if c.n_register else "dinov2"
    stem = "Dinov2WithRegisters" if c.n_register else "Dinov2"
    facts |= {"mlp_ratio": c.ff_width // c.width, "layerscale_value": c.layer_scale}
    facts |= {"num_register_tokens": c.n_register} if c.n_register else {"use_mask_token": c.mask_token}
    return {"architectures": [stem + ("ForImageClassification" if c.n_class else "Model")], "model_type": kind, **facts}


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="vit.",
    ignore={
        "pooler.dense.weight": "a pooler on top of the class token, which the features do not pass",
        "pooler.dense.bias": "its bias",
    },
)
