"""Tiny configurations of every architecture, for the laws: several each, so that every option is on once.

A test holds this table against the catalogue: an architecture without an entry here fails before its author writes a test.
"""

from __future__ import annotations

from headway.models.llama import RopeScaling

TINY: dict[str, list[dict]] = {
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
}
