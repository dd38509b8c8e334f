"""Decision Transformer equals `DecisionTransformerModel`; acting step by step equals looking at the whole episode."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
import transformers as hf
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import DOUBLE, SINGLE, gradients_through_files, reference, through_files
from support.inputs import episodes
from support.parity import assert_close, assert_gradients_close, lifted, randomise
from support.tiny import TINY

from headway.base.errors import HeadwayError
from headway.models.catalog import build
from headway.weights.store import export_folder


@settings(max_examples=6, deadline=None)
@given(b=st.integers(1, 3), t=st.integers(1, 6), data=st.data())
def test_predictions_and_gradients(b, t, data):
    n_head = data.draw(st.integers(1, 3))
    config = hf.DecisionTransformerConfig(
        state_dim=data.draw(st.integers(1, 4)),
        act_dim=data.draw(st.integers(1, 4)),
        hidden_size=n_head * data.draw(st.integers(1, 4)),
        n_layer=data.draw(st.integers(1, 3)),
        n_head=n_head,
        n_inner=data.draw(st.none() | st.integers(3, 16)),
        max_ep_len=10,
        n_positions=data.draw(st.integers(1, 9)),
        action_tanh=data.draw(st.booleans()),
        bos_token_id=None,
        eos_token_id=None,
    )
    pads = torch.tensor([data.draw(st.integers(0, t - 1)) for _ in range(b)])
    mask = torch.arange(t) >= pads[:, None]
    for dtype, tolerance in ((torch.float64, DOUBLE), (torch.float32, SINGLE)):
        theirs = reference(hf.DecisionTransformerModel, config, dtype, 0)
        with tempfile.TemporaryDirectory() as folder:
            model = through_files(theirs, Path(folder) / "weights", dtype)
            returns, states, actions, times = episodes(model, torch.Generator().manual_seed(1), b, t)
            returns, states, actions = returns.to(dtype), states.to(dtype), actions.to(dtype)
            named = {"states": states, "actions": actions, "returns_to_go": returns, "timesteps": times}
            if dtype == torch.float64:
                with lifted():
                    out = theirs(**named, attention_mask=mask.long())
            else:
                out = theirs(**named, attention_mask=mask.long())
            wanted = (out.action_preds, out.state_preds, out.return_preds)
            got = model(returns, states, actions, times, mask=mask)
            for ours, reference_out in zip(got, wanted, strict=True):
                assert_close(ours[mask], reference_out[mask], tolerance)
            if dtype == torch.float64:
                sum(w[mask].square().sum() for w in wanted).backward()
                sum(g[mask].square().sum() for g in got).backward()
                assert_gradients_close(*gradients_through_files(model, theirs, Path(folder) / "gradients"), tolerance)


def test_export_loads_there(tmp_path):
    config = hf.DecisionTransformerConfig(
        state_dim=3, act_dim=2, hidden_size=8, n_layer=2, n_head=2, max_ep_len=10, bos_token_id=None, eos_token_id=None
    )
    theirs = reference(hf.DecisionTransformerModel, config, torch.float32, 0)
    export_folder(through_files(theirs, tmp_path / "theirs", torch.float32), tmp_path / "ours")
    again, report = hf.DecisionTransformerModel.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    unread = ("encoder.wte.weight", "encoder.wpe.weight")  # of the positions only the first is read; of wte none
    for key, tensor in theirs.state_dict().items():
        if key not in unread:
            assert torch.equal(again.state_dict()[key], tensor), key
    assert torch.equal(again.state_dict()[unread[1]][0], theirs.state_dict()[unread[1]][0])


def make():
    model = build("decision_transformer", state_width=3, action_width=2, width=8, n_layer=2, n_head=2, episode=12)
    model.double().eval()
    randomise(model, 0)
    return model


@settings(max_examples=6, deadline=None)
@given(b=st.integers(1, 3), t=st.integers(1, 8))
def test_acting_step_by_step_is_the_whole_episode(b, t):
    model = make()
    returns, states, actions, times = episodes(model, torch.Generator().manual_seed(2), b, t)
    cache, last = model.new_cache(b, t), None
    with torch.no_grad():
        whole = model(returns, states, actions, times).actions
        for step in range(t):
            action = model.act(returns[:, step], states[:, step], step, cache, last_action=last)
            assert_close(action, whole[:, step], 1e-12, f"step {step}")
            last = actions[:, step]


def test_an_action_cannot_see_itself_or_what_comes_after():
    model = make()
    returns, states, actions, times = episodes(model, torch.Generator().manual_seed(2))
    changed = actions.clone()
    changed[:, 2:] += 1
    with torch.no_grad():
        before = model(returns, states, actions, times)
        after = model(returns, states, changed, times)
    assert torch.equal(before.actions[:, :3], after.actions[:, :3])
    assert not torch.allclose(before.actions[:, 3:], after.actions[:, 3:])
    assert not torch.allclose(before.states[:, 2], after.states[:, 2])


def test_a_forgotten_action_is_asked_for():
    model = make()
    cache = model.new_cache(1, 3)
    state, wish = torch.zeros(1, 3).double(), torch.ones(1, 1).double()
    with torch.no_grad():
        model.act(wish, state, 0, cache)
        with pytest.raises(HeadwayError, match="last_action"):
            model.act(wish, state, 1, cache)


@pytest.mark.parametrize("time", [-1, 12, 4000])
def test_a_time_beyond_the_episode_is_refused_with_the_limit(time):
    model = build("decision_transformer", **TINY["decision_transformer"][0]).eval()
    cache, g = model.new_cache(1, 3), torch.Generator().manual_seed(0)
    with pytest.raises(HeadwayError, match=f"12 steps, 0 to 11: there is no step {time}"):
        model.act(torch.ones(1, 1), torch.zeros(1, 3), time, cache)
    returns, states, actions, times = episodes(model, g)
    with pytest.raises(HeadwayError, match=f"time step {time} is out of range: this model has 12, from 0 to 11"):
        model(returns, states, actions, torch.full_like(times, time))
