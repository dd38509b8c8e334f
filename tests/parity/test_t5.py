"""T5 and its version 1.1 equal `T5ForConditionalGeneration`: sizes, buckets, options, batch and padding drawn."""

from __future__ import annotations

import contextlib
import json

import pytest
import torch
import transformers as hf
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import check_round_trip
from support.hf_pair import check_greedy_pair, check_pair
from support.parity import assert_close, randomise
from torch import nn
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from headway.base.errors import HeadwayError, Unsupported
from headway.models.t5 import T5Config as OurConfig
from headway.models.t5 import buckets
from headway.weights.store import load_folder
from headway.weights.tables.t5 import read_config

few = settings(max_examples=6, deadline=None)


class V11(T5ForConditionalGeneration):
    """As released: the head is a matrix of its own. (`transformers` ties every fresh T5, and only unties what a file unties.)"""

    def tie_weights(self, *args, **kwargs):
        super().tie_weights(*args, **kwargs)
        if self.lm_head.weight is self.shared.weight and not self.config.scale_decoder_outputs:
            own = torch.randn(self.shared.weight.shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
            self.lm_head.weight = nn.Parameter(own.to(self.shared.weight.dtype) * 0.3)


V11.__name__ = "T5ForConditionalGeneration"


@st.composite
def configs(draw):
    n_bucket = 2 * draw(st.integers(2, 16))
    version = {} if draw(st.booleans()) else {"tie_word_embeddings": False}
    return T5Config(
        vocab_size=draw(st.integers(5, 30)),
        d_model=draw(st.integers(2, 16)),
        d_kv=draw(st.integers(1, 6)),
        num_heads=draw(st.integers(1, 4)),
        d_ff=draw(st.integers(3, 20)),
        num_layers=draw(st.integers(1, 3)),
        num_decoder_layers=draw(st.integers(1, 3)),
        relative_attention_num_buckets=n_bucket,
        relative_attention_max_distance=n_bucket + draw(st.integers(1, 100)),
        feed_forward_proj=draw(st.sampled_from(["relu", "gated-gelu", "gated-silu", "gated-relu"])),
        layer_norm_epsilon=draw(st.sampled_from([1e-6, 1e-2])),
        dropout_rate=0.0,
        pad_token_id=0,
        decoder_start_token_id=0,
        **version,
    )


@contextlib.contextmanager
def buckets_in_float32():
    """The edges of the buckets are float32's, with which the models were trained: `lifted` must not move them."""
    original = T5Attention._relative_position_bucket

    def plain(*args, **kwargs):
        with torch._C.DisableTorchFunction():
            return original(*args, **kwargs)

    T5Attention._relative_position_bucket = staticmethod(plain)
    try:
        yield
    finally:
        T5Attention._relative_position_bucket = staticmethod(original)


@few
@given(config=configs(), s=st.integers(1, 40), t=st.integers(1, 40), b=st.integers(1, 3), data=st.data())
def test_logits_states_and_gradients(config, s, t, b, data):
    source_pads = [data.draw(st.integers(0, s - 1)) for _ in range(b)]
    pads = [data.draw(st.integers(0, t - 1)) for _ in range(b)]
    with buckets_in_float32():
        check_pair(V11, config, s=s, t=t, source_pads=source_pads, pads=pads)


@settings(max_examples=4, deadline=None)
@given(config=configs(), s=st.integers(2, 9))
def test_greedy_tokens(config, s):
    with buckets_in_float32():
        check_greedy_pair(V11, config, s=s, new=12, source_pads=[0, s // 2])


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_round_trip(version, tmp_path):
    options = {} if version == "1.0" else {"tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}
    config = T5Config(vocab_size=40, d_model=16, d_kv=3, num_heads=2, d_ff=24, num_layers=2, **options)
    check_round_trip(V11, config, tmp_path)


@few
@given(
    n_bucket=st.integers(2, 40).map(lambda n: 2 * n),
    beyond=st.integers(1, 500),
    both=st.booleans(),
    low=st.integers(-3000, 3000),
)
def test_buckets_are_the_same_at_any_distance(n_bucket, beyond, both, low):
    distance = torch.arange(low, low + 600)
    wanted = T5Attention._relative_position_bucket(distance, both, n_bucket, n_bucket + beyond)
    assert torch.equal(buckets(distance, n_bucket, n_bucket + beyond, both_ways=both), wanted)
    assert torch.equal(
        buckets(distance, 32, 128, both_ways=both), T5Attention._relative_position_bucket(distance, both, 32, 128)
    )


RELEASED = {
    # google-t5/t5-small and google/t5-v1_1-small, sizes divided; keys of other tasks left out.
    "t5-small": """{"architectures": ["T5ForConditionalGeneration"], "d_ff": 32, "d_kv": 4, "d_model": 16,
        "decoder_start_token_id": 0, "dropout_rate": 0.1, "eos_token_id": 1, "initializer_factor": 1.0,
        "is_encoder_decoder": true, "layer_norm_epsilon": 1e-06, "model_type": "t5", "n_positions": 512, "num_heads": 4,
        "num_layers": 2, "output_past": true, "pad_token_id": 0, "relative_attention_num_buckets": 32, "vocab_size": 60}""",
    "t5-v1.1-small": """{"architectures": ["T5ForConditionalGeneration"], "d_ff": 32, "d_kv": 4, "d_model": 16,
        "decoder_start_token_id": 0, "dropout_rate": 0.1, "eos_token_id": 1, "feed_forward_proj": "gated-gelu",
        "initializer_factor": 1.0, "is_encoder_decoder": true, "layer_norm_epsilon": 1e-06, "model_type": "t5",
        "num_decoder_layers": 2, "num_heads": 3, "num_layers": 2, "output_past": true, "pad_token_id": 0,
        "relative_attention_num_buckets": 32, "tie_word_embeddings": false, "vocab_size": 60}""",
}


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_configuration_shrunk(name, tmp_path):
    # Their .bin files hold the shared embedding three times, and a bias that version 1.0 never used.
    theirs = json.loads(RELEASED[name])
    reference = V11(T5Config(**theirs)).eval()
    randomise(reference, 3)
    tensors = reference.state_dict()
    tensors["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"] = torch.zeros(32, 4)
    (tmp_path / "config.json").write_text(json.dumps(theirs))
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    ours = load_folder(tmp_path)
    source, tokens = torch.randint(0, 60, (2, 50)), torch.randint(0, 60, (2, 40))
    with torch.no_grad():
        assert_close(ours(source, tokens), reference(source, decoder_input_ids=tokens).logits, 1e-5)


def test_mt5_is_t5_version_1_1(tmp_path):
    sizes = {"d_model": 16, "d_kv": 3, "num_heads": 2, "d_ff": 24, "num_layers": 2}
    theirs = hf.MT5ForConditionalGeneration(hf.MT5Config(vocab_size=40, **sizes)).eval()
    randomise(theirs, 3)
    theirs.lm_head.weight = nn.Parameter(torch.randn(40, 16))
    theirs.save_pretrained(tmp_path)
    source, tokens = torch.randint(0, 40, (2, 9)), torch.randint(0, 40, (2, 7))
    with torch.no_grad():
        assert_close(load_folder(tmp_path)(source, tokens), theirs(source, decoder_input_ids=tokens).logits, 1e-5)


def test_what_is_not_done_is_refused_by_name():
    with pytest.raises(Unsupported, match="feed_forward_proj"):
        read_config(T5Config().to_dict() | {"feed_forward_proj": "gated-swish"})
    with pytest.raises(HeadwayError, match="n_bucket is even"):
        OurConfig(vocab_size=9, width=4, n_layer=1, n_head=1, ff_width=4, n_bucket=5)
