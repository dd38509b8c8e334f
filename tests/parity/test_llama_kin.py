"""Mistral, Qwen2, Qwen3, OLMo 2, Gemma 1 to 3 and Mixtral equal `transformers`: sizes, options, batch and padding drawn."""

from __future__ import annotations

import pytest
import transformers as hf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.hf import check_causal, check_greedy, check_round_trip

# From 2 on: with a window of 1, transformers' cache keeps everything (it cuts to the newest `window - 1`, that is [-0:]).
WINDOW = st.integers(2, 9)

few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.differing_executors])


def sizes(draw) -> dict:
    group, repeat = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    return {
        "vocab_size": draw(st.integers(5, 30)),
        "num_attention_heads": group * repeat,
        "num_key_value_heads": group,
        "head_dim": draw(st.sampled_from([2, 4, 6])),
        "hidden_size": group * repeat * draw(st.sampled_from([2, 4, 6])),
        "intermediate_size": draw(st.integers(3, 20)),
        "num_hidden_layers": draw(st.integers(1, 4)),
        "rms_norm_eps": draw(st.sampled_from([1e-6, 1e-3])),
        "max_position_embeddings": 64,
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def theta(draw, *values: float) -> float:
    return draw(st.sampled_from(values or (100.0, 10000.0)))


@st.composite
def mistral(draw):
    return hf.MistralConfig(
        **sizes(draw),
        sliding_window=draw(st.none() | WINDOW),
        rope_parameters={"rope_type": "default", "rope_theta": theta(draw)},
        tie_word_embeddings=draw(st.booleans()),
    )


@st.composite
def qwen2(draw):
    given_sizes = sizes(draw)
    del given_sizes["head_dim"]
    return hf.Qwen2Config(
        **given_sizes,
        use_sliding_window=draw(st.booleans()),
        sliding_window=draw(WINDOW),
        max_window_layers=draw(st.integers(0, 3)),
        rope_parameters={"rope_type": "default", "rope_theta": theta(draw)},
        tie_word_embeddings=draw(st.booleans()),
    )


@st.composite
def qwen3(draw):
    return hf.Qwen3Config(
        **sizes(draw),
        rope_parameters={"rope_type": "default", "rope_theta": theta(draw)},
        tie_word_embeddings=draw(st.booleans()),
    )


@st.composite
def olmo2(draw):
    given_sizes = sizes(draw)
    if draw(st.booleans()):
        del given_sizes["head_dim"]
        given_sizes["hidden_size"] = given_sizes["num_attention_heads"] * draw(st.sampled_from([2, 4, 6]))
    return hf.Olmo2Config(
        **given_sizes,
        rope_parameters={"rope_type": "default", "rope_theta": theta(draw)},
        tie_word_embeddings=draw(st.booleans()),
    )


@st.composite
def gemma(draw):
    return hf.GemmaConfig(
        **sizes(draw),
        rope_parameters={"rope_type": "default", "rope_theta": theta(draw)},
        hidden_activation="gelu_pytorch_tanh",
    )


@st.composite
def gemma2(draw):
    return hf.Gemma2Config(
        **sizes(draw),
        rope_parameters={"rope_type": "default", "rope_theta": theta(draw)},
        sliding_window=draw(WINDOW),
        query_pre_attn_scalar=draw(st.integers(1, 20)),
        attn_logit_softcapping=draw(st.none() | st.sampled_from([0.5, 50.0])),
        final_logit_softcapping=draw(st.none() | st.sampled_from([0.5, 30.0])),
    )


@st.composite
def gemma3(draw):
    far = {"rope_type": "default", "rope_theta": theta(draw, 500.0, 1e6)}
    if draw(st.booleans()):
        far |= {"rope_type": "linear", "factor": 8.0}
    return hf.Gemma3TextConfig(
        **sizes(draw),
        rope_parameters={
            "full_attention": far,
            "sliding_attention": {"rope_type": "default", "rope_theta": theta(draw)},
        },
        sliding_window=draw(WINDOW),
        layer_types=None,
        sliding_window_pattern=draw(st.integers(2, 3)),
        query_pre_attn_scalar=draw(st.integers(1, 20)),
    )


@st.composite
def mixtral(draw):
    n_expert = draw(st.integers(1, 5))
    return hf.MixtralConfig(
        **sizes(draw),
        num_local_experts=n_expert,
        num_experts_per_tok=draw(st.integers(1, n_expert)),
        sliding_window=draw(st.none() | WINDOW),
        rope_parameters={"rope_type": "default", "rope_theta": theta(draw)},
        tie_word_embeddings=draw(st.booleans()),
    )


KIN = [
    (hf.MistralForCausalLM, mistral),
    (hf.Qwen2ForCausalLM, qwen2),
    (hf.Qwen3ForCausalLM, qwen3),
    (hf.Olmo2ForCausalLM, olmo2),
    (hf.GemmaForCausalLM, gemma),
    (hf.Gemma2ForCausalLM, gemma2),
    (hf.Gemma3ForCausalLM, gemma3),
    (hf.MixtralForCausalLM, mixtral),
]
EACH = pytest.mark.parametrize(("cls", "configs"), KIN, ids=[cls.__name__ for cls, _ in KIN])


@EACH
@few
@given(b=st.integers(1, 3), t=st.integers(1, 20), data=st.data())
def test_logits_and_gradients(cls, configs, b, t, data):
    pads = [data.draw(st.integers(0, t - 1)) for _ in range(b)]
    check_causal(cls, data.draw(configs()), b=b, t=t, pads=pads, right=data.draw(st.booleans()))


@EACH
@settings(max_examples=2, deadline=None)
@given(t=st.integers(2, 12), data=st.data())
def test_greedy_tokens(cls, configs, t, data):
    check_greedy(cls, data.draw(configs()), t=t, new=12)


@EACH
@settings(max_examples=1, deadline=None)
@given(data=st.data())
def test_round_trip(cls, configs, tmp_path_factory, data):
    check_round_trip(cls, data.draw(configs()), tmp_path_factory.mktemp("checkpoint"))
