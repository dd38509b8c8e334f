"""How text looks on a terminal: lines broken between words, whatever the pieces it comes in; whole in a pipe."""

from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.terminal import Terminal

from headway.base.console import broken
from headway.base.errors import did_you_mean
from headway.cli.shared.writing import WordWrap

TEXTS = st.text(alphabet="ab \n語é\t", max_size=80)


def wrapped(text: str, width: int, cuts: list[int], column: int = 0) -> str:
    lines = WordWrap(width, column)
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return "".join(lines.push(text[a:b]) for a, b in itertools.pairwise(edges)) + lines.close()


@given(text=TEXTS, width=st.integers(8, 20), cuts=st.lists(st.integers(0, 80), max_size=8))
def test_the_same_lines_come_out_however_it_is_cut(text, width, cuts):
    assert wrapped(text, width, cuts) == wrapped(text, width, [])


@given(text=TEXTS, width=st.integers(8, 20))
def test_nothing_is_lost_but_spaces_at_the_ends_of_lines(text, width):
    out = wrapped(text, width, [])
    assert out.split() == text.split() or "語" in text
    assert "".join(out.split()) == "".join(text.split())
    for line in out.split("\n"):
        assert cell_len(line.expandtabs()) <= width or len(line.split()) <= 1 or "\t" in line


def test_words_stay_whole_and_indents_stay():
    assert wrapped("The capital of France is Paris.", 12, []) == "The capital\nof France is\nParis."
    assert wrapped("def f():\n    return 1", 40, []) == "def f():\n    return 1"
    assert wrapped("is Paris", 10, [], column=8) == "is\nParis"
    assert wrapped("a" * 30 + " b", 10, []).replace("\n", "").startswith("a" * 30)


class AtTerminal:
    """What `broken` asks of a console."""

    is_terminal, width = True, 30


def test_a_long_path_is_not_broken():
    path = "/home/somebody/with/a/very/long/name/talk.md"
    lines = broken(f"the file that was saved just now is {path}", AtTerminal()).split("\n")
    assert lines[-1] == path
    assert broken("    a = b\n\nc", AtTerminal()) == "    a = b\n\nc"


@pytest.mark.parametrize("width", [60, 100])
def test_an_error_on_a_terminal_breaks_between_words(width):
    with Terminal("run", "nosuchmodel", "hi", COLUMNS=str(width)) as terminal:
        out = terminal.until(r"owner/name\)\.")
        assert terminal.close() == 2
    lines = out.replace("\r", "").strip().split("\n")
    assert len(lines) > 1
    assert all(len(line) <= width for line in lines)
    assert "numbers-transformer," in out  # a name that would have been cut


PAGER = """
import sys
text = sys.stdin.read()
print("PAGED", len(text.splitlines()), "lines, the first:", text.splitlines()[0])
"""


@pytest.mark.parametrize(("lines", "paged"), [(10, True), (400, False)])
def test_what_is_longer_than_the_screen_goes_through_the_pager(tmp_path, lines, paged):
    (tmp_path / "pager.py").write_text(PAGER)
    pager = f"{sys.executable} {tmp_path / 'pager.py'}"
    with Terminal("claims", cwd=tmp_path, TERM="xterm", LINES=str(lines), PAGER=pager) as terminal:
        seen = terminal.until(r"PAGED \d\d+ lines, the first: .*gradient-check" if paged else "one in full")
        assert ("PAGED" in seen) == paged
        assert terminal.close() == 0


def test_no_pager_where_none_is_wanted(tmp_path):
    with Terminal("claims", cwd=tmp_path, TERM="xterm", LINES="10", PAGER="cat") as terminal:
        assert "gradient-check" in terminal.until("one in full")
        assert terminal.close() == 0


@pytest.mark.parametrize("word", ["nosuch", "nonsense", "foobar", "asdf", "xyz"])
def test_nonsense_is_not_answered_with_a_guess(word):
    from headway.cli.app import commands
    from headway.learn.exercise import exercises

    known = [*commands(), *exercises(), *(exercise.name for exercise in exercises().values())]
    assert did_you_mean(word, known) == ""


@pytest.mark.parametrize(
    ("word", "meant"),
    [("tuor", "tour"), ("modles", "models"), ("sdpaa", "sdpa"), ("ROPE", "rope"), ("smollm", "smollm2-135m")],
)
def test_a_slip_is(word, meant):
    assert (
        did_you_mean(word, ["tour", "models", "sdpa", "rope", "smollm2-135m", "einsum"]) == f" Did you mean '{meant}'?"
    )
