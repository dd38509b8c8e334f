"""RoBERTa and XLM-RoBERTa in Hugging Face checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.models.roberta import RobertaConfig
from headway.weights.configs import only
from headway.weights.engine import Row, Table
from headway.weights.tables.bert import both, encoder_rows, fit, read_sizes, write_sizes

HEADS: dict[str, Any] = {
    f"{family}{name}": head
    for family in ("Roberta", "XLMRoberta")
    for name, head in (
        ("ForMaskedLM", "mlm"),
        ("ForSequenceClassification", "sequence"),
        ("ForTokenClassification", "token"),
        ("Model", "states"),
    )
}


def rows(config: RobertaConfig) -> Iterator[Row]:
    yield from encoder_rows(config, "roberta.")
    if config.head == "states" and config.pooler:
        yield from both("roberta.pooler.dense", "pool")
    if config.head == "mlm":
        yield from both("lm_head.dense", "mlm.dense")
        yield from both("lm_head.layer_norm", "mlm.norm")
        yield Row("lm_head.bias", "mlm.bias")
    if config.head == "sequence":
        yield from both("classifier.dense", "pool")
        yield from both("classifier.out_proj", "classify")
    if config.head == "token":
        yield from both("classifier", "classify")


def read_config(theirs: dict[str, Any]) -> RobertaConfig:
    only(theirs, "pad_token_id", 1, default=1)  # positions are counted from there
    # What a file leaves out is BERT's: RoBERTa's own numbers (1e-5, 1 and 514) always stand in it.
    return RobertaConfig(context=theirs.get("max_position_embeddings", 512) - 2, **read_sizes(theirs, HEADS))


def write_config(config: RobertaConfig) -> dict[str, Any]:
    return {
        **write_sizes(config, HEADS),
        "model_type": "roberta",
        "max_position_embeddings": config.context + 2,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="roberta.",
    fit=fit,
    copies=lambda config: {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    },
    ignore={
        "embeddings.position_ids": "0, 1, 2, ..., which early versions saved as a buffer",
        "pooler.dense.weight": "released checkpoints of one head often carry another's",
        "pooler.dense.bias": "the same",
    },
)
