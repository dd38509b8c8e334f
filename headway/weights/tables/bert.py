"""BERT in Hugging Face checkpoints, with any of its heads; Google's first releases spell the norms' weights gamma and beta."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import Any

from headway.models.bert import ACTIVATIONS, BertConfig
from headway.weights.configs import only, refuse
from headway.weights.engine import Row, Stack, Table

HEADS: dict[str, Any] = {
    "BertForPreTraining": "pretraining",
    "BertForMaskedLM": "mlm",
    "BertForSequenceClassification": "sequence",
    "BertForTokenClassification": "token",
    "BertModel": "states",
}


def both(theirs: str, ours: str) -> Iterator[Row]:
    """A weight and a bias."""
    yield Row(f"{theirs}.weight", f"{ours}.weight")
    yield Row(f"{theirs}.bias", f"{ours}.bias")


def encoder_rows(config: BertConfig, prefix: str) -> Iterator[Row]:
    """What all heads share; RoBERTa's encoder has the same names."""
    for name, ours in (("word", "embed"), ("position", "position"), ("token_type", "segment")):
        yield Row(f"{prefix}embeddings.{name}_embeddings.weight", f"{ours}.weight")
    yield from both(f"{prefix}embeddings.LayerNorm", "embed_norm")
    for n in range(config.n_layer):
        theirs, ours = f"{prefix}encoder.layer.{n}.", f"blocks.{n}."
        for kind in ("weight", "bias"):
            parts = tuple(f"{theirs}attention.self.{name}.{kind}" for name in ("query", "key", "value"))
            yield Row(parts, f"{ours}attn.qkv.{kind}", Stack([config.width] * 3))
        yield from both(f"{theirs}attention.output.dense", f"{ours}attn.out")
        yield from both(f"{theirs}attention.output.LayerNorm", f"{ours}attn_norm")
        yield from both(f"{theirs}intermediate.dense", f"{ours}mlp.up")
        yield from both(f"{theirs}output.dense", f"{ours}mlp.down")
        yield from both(f"{theirs}output.LayerNorm", f"{ours}mlp_norm")


def rows(config: BertConfig) -> Iterator[Row]:
    yield from encoder_rows(config, "bert.")
    if config.pools:
        yield from both("bert.pooler.dense", "pool")
    if config.head in ("mlm", "pretraining"):
        yield from both("cls.predictions.transform.dense", "mlm.dense")
        yield from both("cls.predictions.transform.LayerNorm", "mlm.norm")
        yield Row("cls.predictions.bias", "mlm.bias")
    if config.head == "pretraining":
        yield from both("cls.seq_relationship", "nsp")
    if config.head in ("sequence", "token"):
        yield from both("classifier", "classify")


def read_sizes(theirs: dict[str, Any], heads: dict[str, Any]) -> dict[str, Any]:
    """The fields that BERT and RoBERTa name alike."""
    only(theirs, "hidden_act", *ACTIVATIONS, default="gelu")
    only(theirs, "position_embedding_type", "absolute", default="absolute")
    only(theirs, "tie_word_embeddings", True, default=True)
    refuse(theirs, "is_decoder", "add_cross_attention")
    head = heads[(theirs.get("architectures") or [list(heads)[-1]])[0]]
    labels = theirs.get("id2label") or {n: f"LABEL_{n}" for n in range(theirs.get("num_labels", 2))}
    return {
        "vocab_size": theirs["vocab_size"],
        "width": theirs["hidden_size"],
        "n_layer": theirs["num_hidden_layers"],
        "n_head": theirs["num_attention_heads"],
        "ff_width": theirs["intermediate_size"],
        "n_segment": theirs.get("type_vocab_size", 2),
        "head": head,
        "labels": tuple(str(labels[key]) for key in sorted(labels, key=int)),
        "activation": theirs.get("hidden_act", "gelu"),
        "eps": theirs.get("layer_norm_eps", 1e-12),
        "dropout": theirs.get("hidden_dropout_prob", 0.1),
    }


def read_config(theirs: dict[str, Any]) -> BertConfig:
    return BertConfig(context=theirs.get("max_position_embeddings", 512), **read_sizes(theirs, HEADS))


def write_sizes(config: BertConfig, heads: dict[str, Any]) -> dict[str, Any]:
    return {
        "architectures": [next(name for name, head in heads.items() if head == config.head)],
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_layer,
        "num_attention_heads": config.n_head,
        "intermediate_size": config.ff_width,
        "type_vocab_size": config.n_segment,
        "id2label": {str(n): label for n, label in enumerate(config.labels)},
        "label2id": {label: n for n, label in enumerate(config.labels)},
        "hidden_act": config.activation,
        "layer_norm_eps": config.eps,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": 0.0,
        "tie_word_embeddings": True,
    }


def write_config(config: BertConfig) -> dict[str, Any]:
    return {
        **write_sizes(config, HEADS),
        "model_type": "bert",
        "max_position_embeddings": config.context,
        "pad_token_id": 0,
    }


def fit(config: Any, keys: Collection[str]) -> Any:
    """A BertModel or RobertaModel without a pooler says so by its keys alone."""
    pooler = config.head != "states" or any(key.endswith("pooler.dense.weight") for key in keys)
    return dataclasses.replace(config, pooler=pooler)


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="bert.",
    copies=lambda config: {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    fit=fit,
    spellings={".LayerNorm.gamma": ".LayerNorm.weight", ".LayerNorm.beta": ".LayerNorm.bias"},
    ignore={
        "embeddings.position_ids": "0, 1, 2, ..., which early versions saved as a buffer",
        "pooler.dense.weight": "released checkpoints of one head often carry another's",
        "pooler.dense.bias": "the same",
        "cls.seq_relationship.weight": "the same",
        "cls.seq_relationship.bias": "the same",
    },
)
