"""Learning rates over the steps, against the papers' formulas and PyTorch's schedulers."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headway.train import schedules
from headway.train.config import Schedule
from headway.train.updates import schedule


@given(step=st.integers(1, 10**6), width=st.integers(1, 4096), warmup=st.integers(1, 10**5))
def test_equation_3(step, width, warmup):
    expected = width**-0.5 * min(step**-0.5, step * warmup**-1.5)
    assert schedules.attention_is_all_you_need(step, width=width, warmup=warmup) == pytest.approx(expected, rel=1e-12)
    peak = schedules.attention_is_all_you_need(warmup, width=width, warmup=warmup)
    assert schedules.inverse_sqrt(step, warmup=warmup) == pytest.approx(expected / peak, rel=1e-9)


def test_the_papers_own_numbers():
    # Base model: width 512, 4000 steps of warm-up; the peak is 512^-0.5 · 4000^-0.5.
    assert schedules.attention_is_all_you_need(4000, width=512, warmup=4000) == pytest.approx(6.9877e-4, rel=1e-4)
    assert schedules.attention_is_all_you_need(100_000, width=512, warmup=4000) == pytest.approx(1.3975e-4, rel=1e-4)


def test_cosine_is_torchs():
    weight = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=90, eta_min=0.1)
    for step in range(10, 101):
        assert schedules.cosine(step, steps=100, warmup=10, floor=0.1) == pytest.approx(
            theirs.get_last_lr()[0], abs=1e-12
        )
        optimiser.step()
        theirs.step()


@given(
    name=st.sampled_from(["cosine", "linear", "wsd", "inverse-sqrt", "constant"]),
    steps=st.integers(2, 300), warmup=st.integers(0, 100), floor=st.floats(0, 1), decay=st.floats(0, 1),
)  # fmt: skip
def test_every_schedule_rises_to_one_and_never_leaves_its_bounds(name, steps, warmup, floor, decay):
    warmup = min(warmup, steps - 1)
    rate = schedule(Schedule(name=name, warmup=warmup, floor=floor, decay=decay), steps=steps, width=64)
    values = [rate(step) for step in range(1, steps + 1)]
    assert all(0 <= value <= 1 + 1e-12 for value in values)
    assert values[:warmup] == sorted(values[:warmup])
    if warmup and not (name == "wsd" and decay > 0.5):
        assert values[warmup - 1] == pytest.approx(1)
    tail = values[max(warmup, 1) :]
    assert all(a >= b - 1e-12 for a, b in pairwise(tail))
    if name in ("cosine", "linear") and steps > warmup + 1:
        assert values[-1] == pytest.approx(floor, abs=1e-9)


def test_warm_up_stable_decay_has_a_plateau_that_can_be_prolonged():
    short = [schedules.warm_up_stable_decay(step, steps=100, warmup=10, decay=20) for step in range(1, 81)]
    long = [schedules.warm_up_stable_decay(step, steps=500, warmup=10, decay=20) for step in range(1, 81)]
    assert short == long
    assert short[9:] == [1.0] * 71
    assert schedules.warm_up_stable_decay(100, steps=100, warmup=10, decay=20) == 0.0
    assert schedules.warm_up_stable_decay(90, steps=100, warmup=10, decay=20) == pytest.approx(0.5)
