"""Mamba-2 equals `Mamba2ForCausalLM`: heads, groups, states, their chunk sizes, options, batch and padding drawn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import check_causal, check_greedy, check_round_trip
from transformers import Mamba2Config, Mamba2ForCausalLM

from headway.models.mamba2 import PRESETS
from headway.weights.store import entry_of_config, table_of

few = settings(max_examples=10, deadline=None)


@st.composite
def configs(draw, bias=st.booleans(), limits=st.sampled_from([(0.0, float("inf")), (0.3, 1.2)])):
    group, repeat, head = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 9))
    expand = draw(st.sampled_from([n for n in (1, 2, 3) if group * repeat * head % n == 0]))
    return Mamba2Config(
        vocab_size=draw(st.integers(5, 40)),
        hidden_size=group * repeat * head // expand,
        expand=expand,
        num_heads=group * repeat,
        head_dim=head,
        n_groups=group,
        num_hidden_layers=draw(st.integers(1, 3)),
        state_size=draw(st.integers(1, 17)),
        conv_kernel=draw(st.integers(2, 5)),
        chunk_size=draw(st.sampled_from([1, 2, 5, 8, 64])),
        use_bias=draw(bias),
        use_conv_bias=draw(st.booleans()),
        time_step_limit=draw(limits),
        layer_norm_epsilon=draw(st.sampled_from([1e-6, 1e-5, 1e-2])),
        tie_word_embeddings=draw(st.booleans()),
        residual_in_fp32=draw(st.booleans()),
        pad_token_id=0,
        eos_token_id=None,
    )


@few
@given(config=configs(), b=st.integers(1, 3), t=st.integers(1, 80))
def test_logits_and_gradients(config, b, t):
    check_causal(Mamba2ForCausalLM, config, b=b, t=t, as_exact=True)


# As with Mamba, theirs lets padding through where the first projection has a bias; and a step kept above zero lets its
# state decay at padding. Ours does neither, which tests/laws holds (the row alone).
@few
@given(config=configs(bias=st.just(False)), b=st.integers(1, 3), t=st.integers(1, 40), data=st.data())
def test_logits_and_gradients_with_padding(config, b, t, data):
    pads = [data.draw(st.integers(0, t - 1)) for _ in range(b)]
    check_causal(Mamba2ForCausalLM, config, b=b, t=t, pads=pads, right=data.draw(st.booleans()), as_exact=True)


# Their one-token step forgets time_step_limit, so tokens are compared without one.
@settings(max_examples=4, deadline=None)
@given(config=configs(bias=st.just(False), limits=st.just((0.0, float("inf")))), t=st.integers(2, 12))
def test_greedy_tokens(config, t):
    check_greedy(Mamba2ForCausalLM, config, t=t, new=12)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_round_trip(tied, bias, tmp_path):
    config = Mamba2Config(
        vocab_size=40,
        hidden_size=16,
        num_heads=4,
        head_dim=8,
        n_groups=2,
        num_hidden_layers=2,
        state_size=4,
        use_bias=bias,
        tie_word_embeddings=tied,
    )
    check_round_trip(Mamba2ForCausalLM, config, tmp_path)


# The released config.json files, with the fields that matter to us.
RELEASED = {
    "state-spaces/mamba2-130m": {
        "d_model": 768,
        "d_intermediate": 0,
        "n_layer": 24,
        "vocab_size": 50277,
        "ssm_cfg": {"layer": "Mamba2"},
        "attn_layer_idx": [],
        "attn_cfg": {},
        "rms_norm": True,
        "residual_in_fp32": True,
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 16,
        "tie_embeddings": True,
    },
    "AntonV/mamba2-130m-hf": {  # without `architectures`
        "model_type": "mamba2",
        "chunk_size": 256,
        "conv_kernel": 4,
        "expand": 2,
        "head_dim": 64,
        "hidden_act": "silu",
        "hidden_size": 768,
        "layer_norm_epsilon": 1e-05,
        "n_groups": 1,
        "num_heads": 24,
        "num_hidden_layers": 24,
        "residual_in_fp32": True,
        "rms_norm": True,
        "state_size": 128,
        "tie_word_embeddings": True,
        "time_step_limit": [0.0, float("inf")],
        "use_bias": False,
        "use_conv_bias": True,
        "vocab_size": 50288,
    },
}


@pytest.mark.parametrize("name", RELEASED)
def test_released_configurations_are_the_preset(name):
    table = table_of(entry_of_config(RELEASED[name], name))
    assert table.read_config(RELEASED[name]) == PRESETS["mamba2-130m"]
