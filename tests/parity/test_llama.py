"""Llama equals `LlamaForCausalLM`: sizes, grouping, head widths, rope scaling, tying, batch and padding drawn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import check_causal, check_greedy, check_round_trip
from transformers import LlamaConfig, LlamaForCausalLM

few = settings(max_examples=10, deadline=None)

SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}


@st.composite
def configs(draw):
    group = draw(st.integers(1, 3))
    repeat = draw(st.integers(1, 3))
    head = draw(st.sampled_from([2, 4, 6, 10]))
    own_width = draw(st.booleans())
    scaled = draw(st.booleans())
    return LlamaConfig(
        vocab_size=draw(st.integers(5, 40)),
        hidden_size=group * repeat * (draw(st.integers(1, 8)) if own_width else head),
        head_dim=head,
        num_attention_heads=group * repeat,
        num_key_value_heads=group,
        num_hidden_layers=draw(st.integers(1, 3)),
        intermediate_size=draw(st.integers(3, 30)),
        rms_norm_eps=draw(st.sampled_from([1e-6, 1e-5, 1e-2])),
        rope_parameters={"rope_theta": draw(st.sampled_from([100.0, 10000.0, 500000.0]))}
        | (SCALING if scaled else {"rope_type": "default"}),
        tie_word_embeddings=draw(st.booleans()),
        max_position_embeddings=128,
    )


@few
@given(config=configs(), b=st.integers(1, 3), t=st.integers(1, 24), data=st.data())
def test_logits_and_gradients(config, b, t, data):
    pads = [data.draw(st.integers(0, t - 1)) for _ in range(b)]
    check_causal(LlamaForCausalLM, config, b=b, t=t, pads=pads, right=data.draw(st.booleans()))


@settings(max_examples=4, deadline=None)
@given(config=configs(), t=st.integers(2, 12))
def test_greedy_tokens(config, t):
    check_greedy(LlamaForCausalLM, config, t=t, new=12)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("scaled", [True, False])
def test_round_trip(tied, scaled, tmp_path):
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_hidden_layers=2,
        intermediate_size=24,
        tie_word_embeddings=tied,
        rope_parameters={"rope_theta": 500.0} | (SCALING if scaled else {"rope_type": "default"}),
    )
    check_round_trip(LlamaForCausalLM, config, tmp_path)
