"""Retention is one function: parallel, recurrent and chunkwise agree at every chunk size, alone and through the whole model.

Outputs, memories and gradients, in float64, with padding and with a past. The eps of the group norm is drawn large as well:
where the forms divided a row by different numbers, which the norm hides but for its eps, this is where it shows.
"""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close, randomise

from headway.blocks import retention
from headway.models.retnet import RetNet, RetNetConfig

EXACT = 1e-10
few = settings(max_examples=15, deadline=None)


def draw(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@st.composite
def retentions(draw_):
    b, t, h, k, w = (draw_(st.integers(1, top)) for top in (3, 60, 3, 6, 6))
    g = torch.Generator().manual_seed(draw_(st.integers(0, 99)))
    scale = draw_(
        st.sampled_from([0.1, 1.0, 10.0])
    )  # small scores are divided by the one divisor, large ones by the other
    inputs = [draw(g, b, h, t, k) * scale, draw(g, b, h, t, k), draw(g, b, h, t, w)]
    past, real = None, None
    if draw_(st.booleans()):
        past = [draw(g, b, h, k, w), draw(g, b, h, k), torch.randint(0, 50, (b,), generator=g)]
    if draw_(st.booleans()):
        lengths = torch.tensor([draw_(st.integers(0, t)) for _ in range(b)])
        real = torch.arange(t) < lengths[:, None]
    return inputs, past, real


def run(form, inputs, past, real) -> dict[str, torch.Tensor]:
    """Outputs, memory, and gradients of the inputs and of the past, of a function that weighs every number differently."""
    inputs = [part.detach().requires_grad_() for part in inputs]
    floats = [] if past is None else [part.detach().requires_grad_() for part in past[:2]]
    memory = None if past is None else retention.RetentionState(*floats, past[2])
    decay = retention.decays(inputs[0].shape[1], dtype=torch.float64)
    out, (S, z, seen) = form(*inputs, decay, memory, real)
    out = out if real is None else out.masked_fill(~real[:, None, :, None], 0)
    pull = torch.Generator().manual_seed(3)
    loss = sum((part * draw(pull, *part.shape)).sum() for part in (out, S, z))
    gradients = torch.autograd.grad(loss, [*inputs, *floats], materialize_grads=True, allow_unused=True)
    names = ("q", "k", "v", "S", "z")
    results = {"output": out, "S": S, "z": z, "seen": seen.double()}
    return results | {f"gradient of {name}": part for name, part in zip(names, gradients, strict=False)}


def agree(form, case) -> None:
    wanted, got = run(retention.retain_by_hand, *case), run(form, *case)
    for name in wanted:
        assert_close(got[name], wanted[name], EXACT, name)


@few
@given(case=retentions())
def test_parallel_is_recurrent(case):
    agree(retention.retain_in_parallel, case)
    agree(retention.retain, case)


@few
@given(case=retentions(), chunk=st.integers(1, 70))
def test_chunkwise_is_recurrent_at_every_chunk_size(case, chunk):
    agree(functools.partial(retention.retain_in_chunks, chunk=chunk), case)


@few
@given(case=retentions())
def test_equations_5_and_6_written_out(case):
    """Without the divisor: R = (Q Kᵀ ⊙ D) V, with D by powers of γ."""
    (q, k, v), _, _ = case
    t, gamma = q.shape[2], retention.decays(q.shape[1], dtype=torch.float64).exp()
    D = torch.stack([torch.stack([gamma ** max(n - m, 0) * (m <= n) for m in range(t)], -1) for n in range(t)], -2)
    scores = (q @ k.transpose(-2, -1)) * D
    divisor = torch.maximum(scores.sum(-1).abs(), D.sum(-1).sqrt())
    got, memory = retention.retain(q, k, v, gamma.log())
    assert_close(got, (scores @ v) / divisor[..., None], EXACT)
    assert_close(memory.S, (k * D[:, -1][..., None]).transpose(-2, -1) @ v, EXACT)


@few
@given(data=st.data(), t=st.integers(1, 40), eps=st.sampled_from([1e-6, 1e-2, 1.0]), seed=st.integers(0, 99))
def test_the_whole_model_at_every_chunk_size(data, t, eps, seed):
    """Through the rotation, the group norm and the gate: logits, gradients, and the memories left behind."""

    def build(chunk):
        config = RetNetConfig(vocab_size=11, width=12, n_layer=2, n_head=3, value_width=9, eps=eps, chunk=chunk)
        model = RetNet(config).double()
        randomise(model, seed)
        return model

    tokens = torch.randint(0, 11, (2, t), generator=torch.Generator().manual_seed(seed))
    outcomes = []
    for chunk in (t, data.draw(st.integers(1, t + 5)), 1):
        model = build(chunk)
        cache = model.new_cache(2, t)
        logits = model(tokens)
        logits.square().sum().backward()
        with torch.no_grad():
            model(tokens, cache)
        memories = [layer.read()[name] for layer in cache for name in ("S", "z")]
        outcomes.append([logits.detach(), *(p.grad for p in model.parameters()), *memories])
    for other in outcomes[1:]:
        for got, wanted in zip(other, outcomes[0], strict=True):
            assert_close(got, wanted, EXACT)
    model, cache, steps = build(t), build(t).new_cache(2, t), []
    with torch.no_grad():
        steps = [model(token, cache) for token in tokens.split(1, 1)]
    assert_close(torch.cat(steps, 1), outcomes[0][0], EXACT)


def test_float32_stays_close_over_a_long_text():
    g = torch.Generator().manual_seed(0)
    q, k, v = (draw(g, 1, 2, 3000, 4) for _ in range(3))
    wanted, _ = retention.retain(q, k, v, retention.decays(2, dtype=torch.float64))
    got, _ = retention.retain(q.float(), k.float(), v.float(), retention.decays(2))
    assert torch.isfinite(got).all()
    assert_close(got.double(), wanted, 1e-4)


@pytest.mark.parametrize("name", ["retnet", "mamba", "mamba2"])
def test_memory_is_constant_in_the_length(name):
    from support.tiny import TINY

    from headway.models.catalog import build

    model = build(name, **TINY[name][0])
    cache = model.new_cache(2, 10)
    sizes = set()
    with torch.no_grad():
        for t in (1, 7, 300):
            model(torch.zeros(2, t, dtype=torch.long), cache)
            sizes.add(cache.nbytes)
    assert len(sizes) == 1
    assert cache.length == 308
    kept = sum(state.nbytes for layer in cache for state in layer.read().values())
    assert sizes == {kept}
    for layer in cache:  # and no state is a view that keeps something larger alive
        for state in layer.read().values():
            assert state.untyped_storage().nbytes() == state.nbytes
