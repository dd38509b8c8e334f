"""RetNet equals the authors' own decoder (torchscale 0.3.0), in the forms where theirs agree with each other.

torchscale asks for packages that its retention does not use (fairscale, timm), so it is installed without dependencies and
imported here with empty modules in their place:  pip install --no-deps torchscale==0.3.0
"""

from __future__ import annotations

import contextlib
import sys
import types
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close, assert_gradients_close, lifted, randomise

from headway.blocks import retention
from headway.models.retnet import RetNet, RetNetConfig

pytest.importorskip("torchscale", reason="pip install --no-deps torchscale==0.3.0")

few = settings(max_examples=12, deadline=None)

NEVER_CALLED = {
    "fairscale": {},
    "fairscale.nn": {"checkpoint_wrapper": None, "wrap": None},
    "timm": {},
    "timm.models": {},
    "timm.models.layers": {"drop_path": None},
    "torchscale.component.xmoe.moe_layer": {"MOELayer": None},
    "torchscale.component.xmoe.routing": {"Top1Gate": None, "Top2Gate": None},
}


@pytest.fixture(scope="module")
def torchscale():
    stubs = {name: types.ModuleType(name) for name in NEVER_CALLED if name not in sys.modules}
    for name, module in stubs.items():
        module.__dict__.update(NEVER_CALLED[name])
    sys.modules.update(stubs)
    try:
        from torchscale.architecture.config import RetNetConfig as Sizes
        from torchscale.architecture.retnet import RetNetDecoder

        yield SimpleNamespace(Sizes=Sizes, RetNetDecoder=RetNetDecoder)
    finally:
        for name in stubs:
            sys.modules.pop(name, None)


@st.composite
def configs(draw, eps=st.sampled_from([1e-6, 1e-3, 0.5])):
    heads, pairs = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return RetNetConfig(
        vocab_size=draw(st.integers(5, 30)),
        width=heads * 2 * pairs,
        n_layer=draw(st.integers(1, 3)),
        n_head=heads,
        value_width=heads * draw(st.integers(1, 9)),
        ff_width=draw(st.integers(2, 20)),
        eps=draw(eps),
        chunk=draw(st.integers(1, 12)),
    )


OURS = {
    "retention.q_proj": "retention.q",
    "retention.k_proj": "retention.k",
    "retention.v_proj": "retention.v",
    "retention.g_proj": "retention.gate",
    "retention.out_proj": "retention.out",
    "retention_layer_norm": "retain_norm",
    "final_layer_norm": "mlp_norm",
    "ffn.fc1": "mlp.up",
    "ffn.fc2": "mlp.down",
    "ffn.gate": "mlp.gate",
    "layers.": "blocks.",
    "output_projection": "head",
    "embed_tokens": "embed",
}


def our_name(name: str) -> str:
    for theirs, ours in OURS.items():
        name = name.replace(theirs, ours)
    return "norm.weight" if name == "layer_norm.weight" else name


def pair(torchscale, config: RetNetConfig, dtype: torch.dtype, seed: int, **more):
    """Their decoder and ours, with the same random weights."""
    sizes = torchscale.Sizes(
        vocab_size=config.vocab_size,
        decoder_embed_dim=config.width,
        decoder_value_embed_dim=config.value_width,
        decoder_retention_heads=config.n_head,
        decoder_ffn_embed_dim=config.ff_width,
        decoder_layers=config.n_layer,
        layernorm_eps=config.eps,
        **more,
    )
    with lifted() if dtype == torch.float64 else contextlib.nullcontext():
        theirs = torchscale.RetNetDecoder(sizes, torch.nn.Embedding(config.vocab_size, config.width)).to(dtype).eval()
    randomise(theirs, seed)
    ours = RetNet(config).to(dtype).eval()
    ours.load_state_dict({our_name(name): parameter.detach() for name, parameter in theirs.named_parameters()})
    return theirs, ours


@few
@given(config=configs(), b=st.integers(1, 3), t=st.integers(1, 40), double=st.booleans(), seed=st.integers(0, 99))
def test_logits_and_gradients(torchscale, config, b, t, double, seed):
    dtype, tolerance = (torch.float64, 1e-10) if double else (torch.float32, 1e-5)
    theirs, ours = pair(torchscale, config, dtype, seed)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, config.vocab_size, (b, t), generator=generator)
    pull = torch.randn(b, t, config.vocab_size, generator=generator, dtype=torch.float64).to(dtype)
    with lifted() if double else contextlib.nullcontext():
        wanted, _ = theirs(tokens)
        (wanted * pull).sum().backward()
    got = ours(tokens)
    (got * pull).sum().backward()
    assert_close(got, wanted, tolerance)
    if double:
        gradients = {our_name(name): parameter.grad for name, parameter in theirs.named_parameters()}
        assert_gradients_close({name: p.grad for name, p in ours.named_parameters()}, gradients, tolerance)


@few
@given(config=configs(eps=st.just(0.0)), t=st.integers(1, 12), seed=st.integers(0, 99))
def test_their_recurrent_form(torchscale, config, t, seed):
    """Theirs divides a row by less than its parallel form does, and leaves the difference to the group norm: right for eps 0."""
    theirs, ours = pair(torchscale, config, torch.float64, seed)
    tokens = torch.randint(0, config.vocab_size, (2, t), generator=torch.Generator().manual_seed(seed))
    cache, state = ours.new_cache(2, t), {}
    with torch.no_grad(), lifted():
        for n in range(t):
            wanted, _ = theirs(tokens[:, : n + 1], incremental_state=state)
            assert_close(ours(tokens[:, n : n + 1], cache), wanted, 1e-10, f"token {n}")


@few
@given(config=configs(eps=st.just(0.0)), chunks=st.integers(1, 4), seed=st.integers(0, 99))
def test_their_chunkwise_form(torchscale, config, chunks, seed):
    size = config.chunk
    theirs, ours = pair(torchscale, config, torch.float64, seed, chunkwise_recurrent=True, recurrent_chunk_size=size)
    tokens = torch.randint(0, config.vocab_size, (2, chunks * size), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad(), lifted():
        wanted, _ = theirs(tokens)
        assert_close(ours(tokens), wanted, 1e-10)


def test_the_decays_are_the_papers():
    gamma = retention.decays(3, dtype=torch.float64).exp()
    assert_close(gamma, torch.tensor([31 / 32, 63 / 64, 127 / 128], dtype=torch.float64), 1e-15)
