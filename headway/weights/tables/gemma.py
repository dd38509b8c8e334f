"""Gemma 1, 2 and 3 in Hugging Face checkpoints. One name changes its place: see `rows`.

Gemma 3 from 4B on is released only with a vision tower: its language model is read, the tower is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headway.base.errors import Unsupported
from headway.models.gemma import GemmaConfig
from headway.weights import kin
from headway.weights.configs import number, only, refuse, rope_base, rope_scaling
from headway.weights.engine import Row, Table


def rows(config: GemmaConfig) -> Iterator[Row]:
    yield from kin.ends(tied=True)
    for n in range(config.n_layer):
        yield from kin.attention(n, n_head=config.n_head, n_group=config.n_group, head_width=config.head_width)
        yield from kin.weights(n, ("input_layernorm", "attn_norm"), *kin.MLP)
        if config.sandwich:
            # post_attention_layernorm now is what its name says: it norms what attention gave.
            yield from kin.weights(
                n,
                ("post_attention_layernorm", "attn_out_norm"),
                ("pre_feedforward_layernorm", "mlp_norm"),
                ("post_feedforward_layernorm", "mlp_out_norm"),
            )
        else:
            yield from kin.weights(n, ("post_attention_layernorm", "mlp_norm"))
        if config.qk_norm:
            yield from kin.weights(n, ("self_attn.q_norm", "attn.q_norm"), ("self_attn.k_norm", "attn.k_norm"))


def read_config(theirs: dict[str, Any]) -> GemmaConfig:
    generation = _generation(theirs)
    if "text_config" in theirs:
        only(theirs, "tie_word_embeddings", True, default=True)
        # Such a model does not cap its logits.
        theirs = {**TEXT, **theirs["text_config"], "model_type": "gemma3_text", "final_logit_softcapping": None}
    only(theirs, "hidden_activation", "gelu_pytorch_tanh", None, default=None)
    if generation == 1:  # whose early files say "gelu" and mean its tanh form
        only(theirs, "hidden_act", "gelu_pytorch_tanh", "gelu", default="gelu")
    refuse(theirs, "attention_bias", "use_bidirectional_attention")
    only(theirs, "tie_word_embeddings", True, default=True)
    groups, context = {1: (16, 8192), 2: (4, 8192), 3: (4, 131072)}[generation]
    sizes = kin.read_sizes(theirs, num_key_value_heads=groups, max_position_embeddings=context, head_dim=256)
    base, local, factor = _rope(theirs, generation)
    if generation == 1:
        return GemmaConfig(**sizes, rope_base=base)
    period = 2 if generation == 2 else theirs.get("sliding_window_pattern") or 6
    n_layer, window = theirs["num_hidden_layers"], theirs.get("sliding_window", 4096)
    kinds = theirs.get("layer_types") or [
        "sliding_attention" if (n + 1) % period else "full_attention" for n in range(n_layer)
    ]
    for kind in kinds:
        only({"layer_types": kind}, "layer_types", "sliding_attention", "full_attention", default=None)
    return GemmaConfig(
        **sizes,
        rope_base=base,
        local_rope_base=local,
        rope_factor=factor,
        windows=tuple(window if kind == "sliding_attention" else None for kind in kinds),
        sandwich=True,
        qk_norm=generation == 3,
        score_scale=theirs.get("query_pre_attn_scalar", 256) ** -0.5,
        # transformers' Gemma 3 never applies attn_logit_softcapping, whatever the file says.
        score_cap=theirs.get("attn_logit_softcapping", 50.0) if generation == 2 else None,
        logit_cap=theirs.get("final_logit_softcapping", 30.0 if generation == 2 else None),
    )


TEXT = {  # what a text_config leaves out; released files leave out most of it
    "vocab_size": 262208,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
}


def _generation(theirs: dict[str, Any]) -> int:
    names = {"gemma": 1, "gemma2": 2, "gemma3_text": 3}
    names |= {"GemmaForCausalLM": 1, "Gemma2ForCausalLM": 2, "Gemma3ForCausalLM": 3}
    names |= {"gemma3": 3, "Gemma3ForConditionalGeneration": 3}
    for name in (*(theirs.get("architectures") or ()), theirs.get("model_type")):
        if name in names:
            return names[name]
    raise Unsupported(f"this is none of {', '.join(names)}")


def _rope(theirs: dict[str, Any], generation: int) -> tuple[float, float, float]:
    """Base of the layers that see everything, base of the windowed ones, and what the former divide positions by."""
    if generation < 3:
        rope_scaling(theirs)
        return rope_base(theirs), rope_base(theirs), 1.0
    newer = theirs.get("rope_parameters") or {}  # one set per kind of layer; older files have flat fields instead
    if newer and not {"full_attention", "sliding_attention"} & newer.keys():
        raise Unsupported(
            "this checkpoint's rope_parameters do not say for which layers: Gemma 3 has a set for full_attention and one "
            "for sliding_attention"
        )
    full = {"rope_theta": theirs.get("rope_theta", 1000000.0), **(newer.get("full_attention") or {})}
    full |= theirs.get("rope_scaling") or {}  # flat fields speak of the layers that see everything
    local = {"rope_theta": theirs.get("rope_local_base_freq", 10000.0), **(newer.get("sliding_attention") or {})}
    if "rope_type" not in full:
        refuse(
            {"rope_scaling's type": full.get("type")}, "rope_scaling's type"
        )  # transformers reads rope_type alone here
    kind = only(full, "rope_type", "default", "linear", default="default")
    only(local, "rope_type", "default", default="default")
    factor = number("rope factor", full["factor"]) if kind == "linear" else 1.0
    return number("rope_theta", full["rope_theta"]), number("rope_local_base_freq", local["rope_theta"]), factor


def write_config(config: GemmaConfig) -> dict[str, Any]:
    shared = kin.write_sizes(config) | {"hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": True}
    shared |= {"attention_bias": False}
    if not config.sandwich:
        return {
            "architectures": ["GemmaForCausalLM"],
            "model_type": "gemma",
            **shared,
            "rope_theta": config.rope_base,
        }
    assert config.score_scale is not None
    windows = {window for window in config.windows if window is not None}
    if len(windows) > 1:
        raise Unsupported(f"a Gemma checkpoint has one window for all windowed layers, not {sorted(windows)}")
    shared |= {
        "sliding_window": windows.pop() if windows else config.context,
        "layer_types": ["full_attention" if window is None else "sliding_attention" for window in config.windows],
        "query_pre_attn_scalar": _whole(config.score_scale**-2),
        "final_logit_softcapping": config.logit_cap,
        "attn_logit_softcapping": config.score_cap,
    }
    if not config.qk_norm:
        return {
            "architectures": ["Gemma2ForCausalLM"],
            "model_type": "gemma2",
            **shared,
            "rope_theta": config.rope_base,
        }
    full: dict[str, Any] = {"rope_type": "default", "rope_theta": config.rope_base}
    if config.rope_factor != 1:
        full |= {"rope_type": "linear", "factor": config.rope_factor}
    local = {"rope_type": "default", "rope_theta": config.local_rope_base}
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        **shared,
        "rope_parameters": {"full_attention": full, "sliding_attention": local},
    }


def _whole(value: float) -> int:
    """The whole number that the format asks for."""
    if abs(value - round(value)) > 1e-6:
        raise Unsupported(f"a Gemma checkpoint stores 1 / score_scale² as a whole number, and this is {value}")
    return round(value)


TABLE = Table(
    rows=rows,
    read_config=read_config,
    write_config=write_config,
    prefix="model.",
    copies=lambda config: {"lm_head.weight": "model.embed_tokens.weight"},
    spellings={
        "language_model.lm_head.": "lm_head.",
        "language_model.model.": "model.",
        "model.language_model.": "model.",
    },
    ignore={
        **kin.INV_FREQ,
        "vision_tower.": "the vision tower of Gemma 3 from 4B on",
        "multi_modal_projector.": "the same",
        "model.vision_tower.": "the same",
        "model.multi_modal_projector.": "the same",
    },
)
