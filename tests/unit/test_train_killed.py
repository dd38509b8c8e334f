"""Killed at any moment and gone on, a run ends with the same bits as one that never was."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
from support.training import outcome, small, some_text, train_and_die

from headway.train.folder import list_runs


@pytest.fixture(scope="module")
def children():
    """Processes that start in milliseconds: forked from one that has imported everything and computed nothing."""
    context = multiprocessing.get_context("forkserver")
    ours = ["headway.train.loop", "headway.models.gpt2", "headway.data.text", "support.training"]
    late = ["torch.utils.flop_counter", "matplotlib.figure", "matplotlib.backends.backend_agg"]
    context.set_forkserver_preload([*ours, *late])
    return context


@pytest.fixture(scope="module")
def never_killed(children, tmp_path_factory):
    home = tmp_path_factory.mktemp("whole")
    plain = small(some_text(home / "text.txt"))
    first = children.Process(target=int)  # the server that all others are forked from takes seconds to start
    first.start()
    first.join()
    child = children.Process(target=train_and_die, args=(home, plain, None, False))
    began = time.monotonic()
    child.start()
    child.join()
    assert child.exitcode == 0
    took = time.monotonic() - began
    return plain, outcome(list_runs(home)[-1]), int((home / "operations").read_text()), took


def begin(children, home: Path, plain, *, at=None, after=False):
    """A run of `plain`, or the one that is there already, in a child."""
    there = list_runs(home)
    child = children.Process(target=train_and_die, args=(home, None if there else plain, at, after))
    child.start()
    return child


def go_on_to_the_end(children, home: Path, plain, wanted):
    child = begin(children, home, plain)
    child.join()
    assert child.exitcode == 0
    assert len(list_runs(home)) == 1
    got = outcome(list_runs(home)[0])
    for what, value in wanted.items():
        assert got[what] == value, f"{what} is not what the run that was never killed has"


def test_killed_at_random_moments_it_ends_with_the_same_bits(children, never_killed, tmp_path):
    plain, wanted, _, took = never_killed
    draw = random.Random(os.urandom(8))
    kills = 0
    while kills < 6:
        child = begin(children, tmp_path, plain)
        time.sleep(draw.uniform(0.02, 0.5) * took)
        if child.exitcode is not None:
            break
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        kills += 1
    assert kills, "the run was over before the first kill"
    go_on_to_the_end(children, tmp_path, plain, wanted)


def check_kill_at(children, never_killed, home: Path, at: int, after: bool):
    plain, wanted, *_ = never_killed
    child = begin(children, home, plain, at=at, after=after)
    child.join()
    assert child.exitcode == -signal.SIGKILL
    go_on_to_the_end(children, home, plain, wanted)


@pytest.mark.parametrize("n", range(3))
def test_killed_in_the_middle_of_a_write_it_ends_with_the_same_bits(children, never_killed, tmp_path, n):
    draw = random.Random(os.urandom(8))
    at, after = draw.randint(1, never_killed[2]), draw.random() < 0.5
    print(f"killed {'after' if after else 'at'} operation {at} of {never_killed[2]}")
    check_kill_at(children, never_killed, tmp_path, at, after)


@pytest.mark.slow
def test_killed_at_every_single_write(children, never_killed, tmp_path):
    for at in range(1, never_killed[2] + 1):
        for after in (False, True):
            home = tmp_path / f"{at}-{after}"
            home.mkdir()
            check_kill_at(children, never_killed, home, at, after)
