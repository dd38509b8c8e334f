"""Tiny configurations of every architecture, for the laws: several each, so that every option is on once.

A test holds this table against the catalogue: an architecture without an entry here fails before its author writes a test.
"""

from __future__ import annotations

from headway.models.clip import TowerConfig
from headway.models.llama import LlamaConfig, RopeScaling

KIN = {"vocab_size": 31, "width": 16, "n_layer": 2, "n_head": 4, "head_width": 4, "ff_width": 20}

PAIR = {"vocab_size": 19, "width": 8, "n_layer": 2, "n_head": 2, "ff_width": 10}

PICTURE = {"image": 8, "patch": 4, "channels": 2}
SMALL = {"width": 12, "n_layer": 1, "n_head": 2, "ff_width": 16}

TINY: dict[str, list[dict]] = {
    "bigram": [{"vocab_size": 13}],
    "mlp_lm": [
        {"vocab_size": 13, "context": 4, "width": 5, "ff_width": 7},
        {"vocab_size": 11, "context": 3, "width": 3, "ff_width": 6, "direct": False},
    ],
    "gru": [
        {"vocab_size": 13, "width": 5, "state": 7},
        {"vocab_size": 11, "width": 4, "state": 6, "n_layer": 3},
    ],
    "lstm": [
        {"vocab_size": 13, "width": 5, "state": 7},
        {"vocab_size": 11, "width": 4, "state": 6, "n_layer": 3},
    ],
    "seq2seq": [
        {"vocab_size": 13, "width": 5, "state": 6},
        {"vocab_size": 13, "width": 5, "state": 6, "attention": "none", "target_vocab_size": 9},
        {"vocab_size": 13, "width": 5, "state": 6, "attention": "dot", "bidirectional": False},
        {"vocab_size": 13, "width": 5, "state": 6, "attention": "general"},
        {"vocab_size": 13, "width": 5, "state": 6, "attention": "concat", "bidirectional": False},
    ],
    "transformer": [
        {"vocab_size": 31, "width": 12, "n_layer": 2, "n_head": 3},
        {**PAIR, "norm": "pre", "n_decoder_layer": 1, "interleaved": False, "scaled": False, "head_bias": True},
        {
            **PAIR,
            "norm": "post",
            "activation": "silu",
            "interleaved": False,
            "head_bias": True,
            "target_vocab_size": 23,
        },
        {**PAIR, "norm": "deepnorm", "activation": "gelu", "eps": 1e-3},
        {**PAIR, "norm": "rezero"},
    ],
    "bert": [
        {"vocab_size": 31, "width": 12, "n_layer": 2, "n_head": 3, "context": 40},
        {**PAIR, "context": 40, "head": "mlm", "activation": "gelu_new", "n_segment": 3},
        {**PAIR, "context": 40, "head": "sequence", "labels": ("no", "perhaps", "yes")},
        {**PAIR, "context": 40, "head": "token", "activation": "relu"},
        {**PAIR, "context": 40, "head": "states", "eps": 1e-3},
    ],
    "roberta": [
        {"vocab_size": 31, "width": 12, "n_layer": 2, "n_head": 3, "context": 40},
        {**PAIR, "context": 40, "head": "sequence", "labels": ("no", "perhaps", "yes")},
        {**PAIR, "context": 40, "head": "token"},
        {**PAIR, "context": 40, "head": "states"},
    ],
    "t5": [
        {"vocab_size": 19, "width": 8, "n_layer": 2, "n_head": 2, "ff_width": 10, "head_width": 3},
        {
            "vocab_size": 19,
            "width": 8,
            "n_layer": 2,
            "n_head": 3,
            "ff_width": 10,
            "head_width": 4,
            "n_decoder_layer": 1,
            "n_bucket": 8,
            "max_distance": 9,
            "activation": "gelu_new",
            "gated": True,
            "tied": False,
            "eps": 1e-4,
        },
    ],
    "whisper": [
        {**PAIR, "mels": 5, "frames": 12, "context": 32},
        {**PAIR, "width": 12, "n_head": 3, "n_decoder_layer": 1, "mels": 3, "frames": 8, "context": 24},
    ],
    "gpt2": [
        {"vocab_size": 31, "context": 48, "width": 12, "n_layer": 2, "n_head": 3},
        {"vocab_size": 17, "context": 48, "width": 8, "n_layer": 1, "n_head": 1, "ff_width": 10},
    ],
    "llama": [
        {"vocab_size": 31, "width": 16, "n_layer": 2, "n_head": 4, "n_group": 2, "ff_width": 20, "tied": True},
        {
            "vocab_size": 23,
            "width": 12,
            "n_layer": 2,
            "n_head": 3,
            "n_group": 1,
            "head_width": 6,
            "ff_width": 8,
            "rope_base": 500.0,
            "rope_scaling": RopeScaling(factor=4.0, low=1.0, high=4.0, context=16),
        },
    ],
    "mistral": [
        {**KIN, "n_group": 2, "window": 5},
        {**KIN, "n_group": 4, "window": 2, "tied": True},
        {**KIN, "n_group": 1, "window": None},
    ],
    "qwen": [
        {**KIN, "n_group": 2, "qkv_bias": True, "qk_norm": False},
        {**KIN, "n_group": 1, "head_width": 6, "qkv_bias": False, "qk_norm": True, "tied": True},
        {**KIN, "n_group": 4, "qkv_bias": True, "qk_norm": False, "window": 7, "full_layers": 1},
    ],
    "olmo2": [
        {**KIN, "n_group": 2},
        {**KIN, "n_group": 4, "head_width": 6, "tied": True},
    ],
    "gemma": [
        {**KIN, "n_group": 1, "head_width": 6},
        {
            **KIN,
            "n_group": 2,
            "windows": (6, None),
            "sandwich": True,
            "score_scale": 0.25,
            "score_cap": 2.0,
            "logit_cap": 3.0,
        },
        {
            **KIN,
            "n_group": 2,
            "n_layer": 3,
            "windows": (3, 3, None),
            "sandwich": True,
            "qk_norm": True,
            "rope_base": 1000.0,
            "local_rope_base": 100.0,
            "rope_factor": 8.0,
        },
    ],
    "mixtral": [
        {**KIN, "n_group": 2, "n_expert": 4, "n_active": 2},
        {**KIN, "n_group": 2, "n_expert": 3, "n_active": 2, "window": 5, "tied": True},
    ],
    "retnet": [
        {"vocab_size": 31, "width": 12, "n_layer": 2, "n_head": 3, "chunk": 5},
        {
            "vocab_size": 23,
            "width": 4,
            "n_layer": 2,
            "n_head": 2,
            "value_width": 6,
            "ff_width": 5,
            "eps": 0.1,
            "tied": True,
        },
        {"vocab_size": 19, "width": 8, "n_layer": 1, "n_head": 1, "chunk": 1},
    ],
    "s4d": [
        {"vocab_size": 31, "width": 12, "n_layer": 2, "state": 3},
        {"vocab_size": 23, "width": 5, "n_layer": 2, "state": 1, "tied": False},
    ],
    "mamba": [
        {"vocab_size": 31, "width": 12, "n_layer": 2, "state": 3},
        {
            "vocab_size": 23,
            "width": 10,
            "n_layer": 2,
            "inner": 15,
            "state": 5,
            "taps": 3,
            "step_rank": 2,
            "bias": True,
            "conv_bias": False,
            "tied": False,
        },
        {"vocab_size": 19, "width": 36, "n_layer": 1, "state": 1, "taps": 1},
    ],
    "vit": [
        {**PICTURE, **SMALL, "n_class": 5, "n_layer": 2},
        {**PICTURE, **SMALL, "ff_width": 24, "layer_scale": 0.5, "mask_token": True, "qkv_bias": False},
        {
            **PICTURE,
            **SMALL,
            "ff_width": 24,
            "layer_scale": 0.5,
            "mask_token": True,
            "n_register": 3,
            "n_class": 4,
            "pool": "both",
        },
        {**PICTURE, **SMALL, "map_widths": (5, 4)},
    ],
    "clip": [
        {
            **PICTURE,
            "vision": TowerConfig(**SMALL),
            "text": TowerConfig(**{**SMALL, "width": 8}),
            "vocab_size": 20,
            "context": 9,
            "end_token": end,
            "projection": 6,
        }
        for end in (7, None)
    ],
    "llava": [
        {
            **PICTURE,
            "vision": TowerConfig(**{**SMALL, "n_layer": 2, "activation": "gelu"}),
            "language": LlamaConfig(vocab_size=20, width=8, n_layer=2, n_head=2, ff_width=10, tied=tied),
            "image_token": 19,
            "projector_bias": not tied,
        }
        for tied in (False, True)
    ],
    "decision_transformer": [
        {"state_width": 3, "action_width": 2, "width": 8, "n_layer": 2, "n_head": 2, "episode": 12},
        {
            "state_width": 1,
            "action_width": 4,
            "width": 6,
            "n_layer": 1,
            "n_head": 1,
            "ff_width": 10,
            "episode": 12,
            "bounded": False,
            "positions": 7,
        },
    ],
    "mamba2": [
        {"vocab_size": 31, "width": 12, "n_layer": 2, "n_head": 6, "head_width": 4, "state": 3},
        {
            "vocab_size": 23,
            "width": 10,
            "n_layer": 2,
            "n_head": 6,
            "head_width": 5,
            "n_group": 3,
            "state": 5,
            "taps": 3,
            "bias": True,
            "conv_bias": False,
            "step_limits": (0.2, 1.5),
            "tied": False,
        },
    ],
}
