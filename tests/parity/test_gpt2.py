"""GPT-2 equals `GPT2LMHeadModel`: sizes, batch and padding drawn."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import check_causal, check_greedy, check_round_trip
from transformers import GPT2Config, GPT2LMHeadModel

few = settings(max_examples=10, deadline=None)


@st.composite
def configs(draw):
    n_head = draw(st.integers(1, 4))
    return GPT2Config(
        vocab_size=draw(st.integers(5, 40)),
        n_positions=draw(st.integers(30, 50)),
        n_embd=n_head * draw(st.integers(1, 6)),
        n_layer=draw(st.integers(1, 3)),
        n_head=n_head,
        n_inner=draw(st.none() | st.integers(3, 30)),
        layer_norm_epsilon=draw(st.sampled_from([1e-5, 1e-3])),
    )


@few
@given(config=configs(), b=st.integers(1, 3), t=st.integers(1, 24), data=st.data())
def test_logits_and_gradients(config, b, t, data):
    pads = [data.draw(st.integers(0, t - 1)) for _ in range(b)]
    check_causal(GPT2LMHeadModel, config, b=b, t=t, pads=pads, right=data.draw(st.booleans()))


@settings(max_examples=4, deadline=None)
@given(config=configs(), t=st.integers(2, 12))
def test_greedy_tokens(config, t):
    check_greedy(GPT2LMHeadModel, config, t=t, new=12)


def test_round_trip(tmp_path):
    config = GPT2Config(vocab_size=40, n_positions=32, n_embd=16, n_layer=2, n_head=4)
    check_round_trip(GPT2LMHeadModel, config, tmp_path)
