"""What the Hugging Face layouts of Llama and its near kin have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.weights.engine import Row, Stack

MLP = (("mlp.gate_proj", "mlp.gate"), ("mlp.up_proj", "mlp.up"), ("mlp.down_proj", "mlp.down"))


def ends(*, tied: bool) -> Iterator[Row]:
    """Embedding, last norm and, unless it is the embedding, the head."""
    yield Row("model.embed_tokens.weight", "embed.weight")
    yield Row("model.norm.weight", "norm.weight")
    if not tied:
        yield Row("lm_head.weight", "head.weight")


def attention(n: int, *, n_head: int, n_group: int, head_width: int, bias: bool = False) -> Iterator[Row]:
    """Layer `n`'s projections: theirs are three, ours is fused."""
    sizes = [n_head * head_width, n_group * head_width, n_group * head_width]
    for part in ("weight", "bias") if bias else ("weight",):
        theirs = tuple(f"model.layers.{n}.self_attn.{name}_proj.{part}" for name in "qkv")
        yield Row(theirs, f"blocks.{n}.attn.qkv.{part}", Stack(sizes))
    yield Row(f"model.layers.{n}.self_attn.o_proj.weight", f"blocks.{n}.attn.out.weight")


def weights(n: int, *names: tuple[str, str]) -> Iterator[Row]:
    """Layer `n`'s plain weights, as (their name, our name)."""
    for theirs, ours in names:
        yield Row(f"model.layers.{n}.{theirs}.weight", f"blocks.{n}.{ours}.weight")


def tied_copies(config: Any) -> dict[str, str]:
    """A tied head may lie in the file a second time."""
    return {"lm_head.weight": "model.embed_tokens.weight"} if config.tied else {}


INV_FREQ = {".rotary_emb.inv_freq": "rotary frequencies, which early versions saved as a buffer"}


def read_sizes(theirs: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """The fields that every kin's config.json names alike, under our names; `defaults` for what a file may leave out."""
    theirs = {"rms_norm_eps": 1e-6, **defaults, **theirs}
    n_head = theirs["num_attention_heads"]
    return {
        "vocab_size": theirs["vocab_size"],
        "width": theirs["hidden_size"],
        "n_layer": theirs["num_hidden_layers"],
        "n_head": n_head,
        "n_group": theirs.get("num_key_value_heads") or n_head,
        "head_width": theirs.get("head_dim") or theirs["hidden_size"] // n_head,
        "ff_width": theirs["intermediate_size"],
        "eps": theirs["rms_norm_eps"],
        "context": theirs["max_position_embeddings"],
    }


def write_sizes(config: Any) -> dict[str, Any]:
    """The inverse of `read_sizes`."""
    return {
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_layer,
        "num_attention_heads": config.n_head,
        "num_key_value_heads": config.n_group,
        "head_dim": config.head_width,
        "intermediate_size": config.ff_width,
        "rms_norm_eps": config.eps,
        "max_position_embeddings": config.context,
    }
