"""Mamba equals `MambaForCausalLM` and mambapy, whichever way its scan is computed: sizes, options, batch and padding drawn."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import check_causal, check_greedy, check_round_trip, reference
from support.parity import assert_close, randomise
from transformers import MambaConfig, MambaForCausalLM

from headway.base.errors import Unsupported
from headway.models import mamba as ours
from headway.weights.store import entry_of_config, load_folder, table_of

few = settings(max_examples=10, deadline=None)


@st.composite
def configs(draw, bias=st.booleans()):
    return MambaConfig(
        vocab_size=draw(st.integers(5, 40)),
        hidden_size=draw(st.integers(2, 36)),
        num_hidden_layers=draw(st.integers(1, 3)),
        state_size=draw(st.integers(1, 17)),
        expand=draw(st.integers(1, 3)),
        conv_kernel=draw(st.integers(2, 5)),
        use_bias=draw(bias),
        use_conv_bias=draw(st.booleans()),
        time_step_rank=draw(st.sampled_from(["auto", 1, 3])),
        layer_norm_epsilon=draw(st.sampled_from([1e-6, 1e-5, 1e-2])),
        tie_word_embeddings=draw(st.booleans()),
        residual_in_fp32=draw(st.booleans()),
        pad_token_id=0,
        eos_token_id=None,
    )


@few
@given(config=configs(), b=st.integers(1, 3), t=st.integers(1, 40))
def test_logits_and_gradients(config, b, t):
    check_causal(MambaForCausalLM, config, b=b, t=t, as_exact=True)


# Theirs zeroes the padding before a projection: with a bias there, padding reaches the convolution. Ours never does, which
# tests/laws holds (the row alone); so the two are compared without that bias.
@few
@given(config=configs(bias=st.just(False)), b=st.integers(1, 3), t=st.integers(1, 40), data=st.data())
def test_logits_and_gradients_with_padding(config, b, t, data):
    pads = [data.draw(st.integers(0, t - 1)) for _ in range(b)]
    check_causal(MambaForCausalLM, config, b=b, t=t, pads=pads, right=data.draw(st.booleans()), as_exact=True)


@settings(max_examples=4, deadline=None)
@given(config=configs(bias=st.just(False)), t=st.integers(2, 12))
def test_greedy_tokens(config, t):
    check_greedy(MambaForCausalLM, config, t=t, new=12)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_round_trip(tied, bias, tmp_path):
    config = MambaConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, state_size=4, use_bias=bias, tie_word_embeddings=tied
    )
    check_round_trip(MambaForCausalLM, config, tmp_path)


@few
@given(data=st.data(), b=st.integers(1, 2), t=st.integers(2, 33))
def test_mambapy(data, b, t):
    """A second reference, with a scan of its own (Blelloch's), whole and step by step."""
    from mambapy.mamba import Mamba
    from mambapy.mamba import MambaConfig as Sizes

    width, n = data.draw(st.integers(2, 20)), data.draw(st.integers(1, 9))
    sizes = Sizes(
        d_model=width, n_layers=2, d_state=n, d_conv=data.draw(st.integers(2, 5)), bias=data.draw(st.booleans())
    )
    theirs = Mamba(sizes)
    theirs = theirs.double()
    randomise(theirs, 0)
    config = ours.MambaConfig(vocab_size=7, width=width, n_layer=2, state=n, taps=sizes.d_conv, bias=sizes.bias)
    model = ours.Mamba(config).double()
    weights = dict(theirs.named_parameters())
    for name, parameter in model.named_parameters():
        if name.startswith("blocks."):
            their = name.replace("blocks.", "layers.").replace("expand", "in_proj").replace("select", "x_proj")
            their = their.replace("step", "dt_proj").replace("mixer.out", "mixer.out_proj").replace("conv_", "conv1d.")
            value = weights[their].detach()
            parameter.data = value.squeeze(1).t() if name.endswith("conv_weight") else value
    x = torch.randn(b, t, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    # mambapy casts A and D to float32: what is left of parity is float32's.
    real, wanted, got = ours.Real(), theirs(x), x
    for block in model.blocks:
        got = block(got, real, None)
    assert_close(got, wanted, 1e-5)


# The released config.json files, with the fields that matter to us; sizes shrink in the test.
RELEASED = {
    "state-spaces/mamba-130m-hf": {
        "architectures": ["MambaForCausalLM"],
        "conv_kernel": 4,
        "d_inner": 1536,
        "d_model": 768,
        "expand": 2,
        "fused_add_norm": True,
        "hidden_act": "silu",
        "hidden_size": 768,
        "initializer_range": 0.1,
        "intermediate_size": 1536,
        "layer_norm_epsilon": 1e-05,
        "model_type": "mamba",
        "n_layer": 24,
        "num_hidden_layers": 24,
        "pad_vocab_size_multiple": 8,
        "rescale_prenorm_residual": False,
        "residual_in_fp32": True,
        "rms_norm": True,
        "ssm_cfg": {},
        "state_size": 16,
        "time_step_floor": 0.0001,
        "time_step_init_scheme": "random",
        "time_step_rank": 48,
        "use_bias": False,
        "use_conv_bias": True,
        "vocab_size": 50280,
    },
    "state-spaces/mamba-130m": {
        "d_model": 768,
        "n_layer": 24,
        "vocab_size": 50277,
        "ssm_cfg": {},
        "rms_norm": True,
        "residual_in_fp32": True,
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 8,
    },
}


@pytest.mark.parametrize("name", RELEASED)
def test_released_configurations_are_the_preset(name):
    table = table_of(entry_of_config(RELEASED[name], name))
    assert table.read_config(RELEASED[name]) == ours.PRESETS["mamba-130m"]


def test_the_authors_own_checkpoints(tmp_path):
    """pytorch_model.bin with `backbone.embedding.weight`, the head beside it, and a vocabulary rounded up."""
    config = MambaConfig(vocab_size=24, hidden_size=16, num_hidden_layers=2, state_size=4)
    theirs = reference(MambaForCausalLM, config, torch.float32)
    weights = {key.replace("embeddings.", "embedding."): tensor for key, tensor in theirs.state_dict().items()}
    torch.save(weights, tmp_path / "pytorch_model.bin")
    said = {**RELEASED["state-spaces/mamba-130m"], "d_model": 16, "n_layer": 2, "vocab_size": 21}
    (tmp_path / "config.json").write_text(json.dumps({**said, "ssm_cfg": {"d_state": 4}}))
    model = load_folder(tmp_path)
    tokens = torch.randint(0, 21, (2, 9))
    with torch.no_grad():
        assert_close(model(tokens), theirs(tokens).logits, 1e-5)


def test_a_hybrid_is_refused():
    with pytest.raises(Unsupported, match="attn_layer_idx"):
        table_of(entry_of_config(RELEASED["state-spaces/mamba-130m"], "x")).read_config(
            {**RELEASED["state-spaces/mamba-130m"], "attn_layer_idx": [3, 7]}
        )
