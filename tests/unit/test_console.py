"""The one progress bar, drawn on a terminal of our own; errors as one line whatever is in them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from headway.base import console
from headway.base.console import Bar, fail


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 120 columns is sent, as text."""
    drawn = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(console, "err", lambda: drawn)
    return lambda: drawn.file.getvalue()


def test_a_bar_shows_what_is_done_and_says_more(terminal) -> None:
    with Bar("[gru]", 10, done=2, time_left=False, stays=True) as bar:
        bar.to(7, "loss 1.25 [b]")
    assert "[gru]" in terminal()
    assert "7/10" in terminal()
    assert "loss 1.25 [b]" in terminal()


def test_a_bar_of_bytes_counts_in_bytes(terminal) -> None:
    with Bar("model", 10_000_000, sizes=True, stays=True) as bar:
        bar.to(5_000_000)
    assert "5.0/10.0 MB" in terminal()


def test_a_bar_can_be_stopped_twice_and_draws_nothing_where_nobody_looks(capfd) -> None:
    console.err.cache_clear()
    bar = Bar("model", 10)
    bar.to(5, "half")
    bar.stop()
    bar.stop()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text", ["two\nlines", "red \x1b[31mletters\x1b[0m", "\x1b]0;title\x07", "[bold]markup[/]", "\x00\x9b"]
)
def test_an_error_is_one_line_without_control_codes(terminal, text) -> None:
    fail(text)
    line = terminal().removeprefix("error: ")
    assert line.count("\n") == 1
    assert all(character.isprintable() for character in line.strip())
