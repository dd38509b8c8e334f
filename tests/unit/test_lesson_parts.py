"""What lessons are made of: notes that cannot outlive their line, answers kept once, code that waits for its exercise."""

from __future__ import annotations

import html
import re
import subprocess
import sys
import textwrap

import pytest

from headway.learn import lesson
from headway.learn.annotated import annotated, source_lines
from headway.learn.evidence import read, record
from headway.learn.glossary import marked, term
from headway.learn.lesson import Predict, after, noted, result_of, story
from headway.learn.path import COURSE, the_path
from headway.learn.recall import LESSONS, Question, questions, seed_of
from headway.learn.shelf import length_of, neighbours, reading, written
from headway.learn.workspace import create


def sample(
    first: list[int],
    second: dict[str, int] | None = None,
) -> int:
    """Says nothing.

    def sample(: not the line of a note.
    """
    total: int = len(first)  # ü ends the ascii
    if second:
        total += 1
    return total


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    made = create(tmp_path / "ws")
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(made.root))
    monkeypatch.delenv("HEADWAY_REVEAL", raising=False)
    return made


def plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_notes_stand_beside_their_lines_and_the_rest_is_folded():
    page = annotated(sample, {"total += 1": "one more for `second`"}, only=("if second", "total += 1"))
    row = re.search(r'<div class="hw-line hw-has-note">(.*?)</div>', page, re.DOTALL)
    assert row
    assert plain(row[1]).split("\n") == ["        total += 1", "one more for second"]
    assert "Says nothing" not in page
    folded = re.findall(r"<details>(.*?)</details>", page, re.DOTALL)
    assert [plain(part).strip() for part in folded] == [
        "5 more linesdef sample(\n    first: list[int],\n    second: dict[str, int] | None = None,\n) -> int:\n"
        "    total: int = len(first)  # ü ends the ascii",
        "1 more line    return total",
    ]


def test_types_are_quiet_and_nothing_else_is():
    quiet = ["".join(line.text[n] for n in sorted(line.quiet)) for line in source_lines(sample)]
    assert [text for text in quiet if text] == [": list[int]", ": dict[str, int] | None", " -> int", ": int"]


@pytest.mark.parametrize("piece", ["total -= 1", "total", "Says nothing"])
def test_a_note_on_no_line_or_on_several_is_an_error(piece):
    with pytest.raises(ValueError, match="exactly one line"):
        annotated(sample, {piece: "?"})


def test_a_note_outside_the_lines_that_matter_is_an_error():
    with pytest.raises(ValueError, match="outside"):
        annotated(sample, {"return total": "?"}, only=("if second", "total += 1"))


def test_terms_and_papers_are_marked_and_code_is_left_alone():
    text = marked("a [[query|queries]], [[@bahdanau]], `x[[query]]`\n\n```python\ny[[key]]\n```\n")
    assert term("query", "queries") in text
    assert "[Bahdanau et al. 2014](https://arxiv.org/abs/1409.0473)" in text
    assert "`x[[query]]`" in text
    assert "y[[key]]" in text
    for wrong in ("[[no such term]]", "[[@no-such-paper]]"):
        with pytest.raises(ValueError, match="no "):
            marked(wrong)


def guess() -> Predict:
    return Predict("t/id", "?", choices=["a", "b", "c"], answer="a", wrong={"b": "No b.", "c": "No c."}, why="So.")


def test_a_prediction_is_kept_once_and_remembered(workspace):
    first = guess()
    assert not first.revealed
    assert "when you have said" in first.waiting.text
    first._update("b")  # what marimo does when the form is sent
    assert first.revealed
    assert "No b." in first.reply.text
    first._update("a")
    assert [(piece.name, piece.result, piece.facts["given"]) for piece in read(workspace)] == [("t/id", "wrong", "b")]
    again = guess()
    assert again.revealed
    assert again.given == "b"


@pytest.mark.parametrize("given", ["x", "1/0", "🙂", " "])
def test_what_is_no_number_is_no_answer(workspace, given):
    guess = Predict("t/id", "?", answer="8", why="So.")
    guess._update(given)
    assert not guess.revealed
    assert "The answer" not in guess.reply.text
    assert ("is not a number" in guess.waiting.text) == bool(given.strip())
    assert not read(workspace)
    guess._update("7")
    assert guess.revealed
    assert "The answer: 8. So." in guess.reply.text
    assert [(each.name, each.result) for each in read(workspace)] == [("t/id", "wrong")]


def test_every_wrong_choice_of_a_prediction_needs_a_reply():
    with pytest.raises(ValueError, match="no reply to c"):
        Predict("t/id", "?", choices=["a", "b", "c"], answer="a", wrong={"b": "No."}, why="So.")


def test_tests_may_reveal_every_prediction(workspace, monkeypatch):
    monkeypatch.setenv("HEADWAY_REVEAL", "1")
    assert guess().revealed
    assert guess().given is None
    assert not read(workspace)


def test_an_answer_waits_for_its_exercise_and_a_story_is_folded(workspace):
    made = []

    def answer():
        made.append(1)
        return noted(sample, {})

    assert "headway check layer-norm/rms" in plain(after("layer-norm/rms", answer, instead="Another form.").text)
    assert "<details" in story("layer-norm/rms", "What happened", "It did.").text
    assert " open" not in story("layer-norm/rms", "What happened", "It did.").text.partition(">")[0]
    assert not made, "what is not shown is not made"
    record(workspace, kind="exercise", name="layer-norm/rms", result="failed")
    after("layer-norm/rms", answer)
    assert not made
    record(workspace, kind="exercise", name="layer-norm/rms", result="passed")
    assert "hw-noted" in after("layer-norm/rms", answer).text
    assert made
    assert " open" in story("layer-norm/rms", "What happened", "It did.").text.partition(">")[0]


def test_the_order_of_choices_is_the_learners_own_and_stable(workspace):
    seed = seed_of(workspace)
    assert seed
    assert seed == seed_of(workspace)
    question = Question("t", "id", "?", "a", "So.", ("a", "b", "c", "d"))
    assert question.shuffled(seed) == question.shuffled(seed)
    assert sorted(question.shuffled(seed).choices) == ["a", "b", "c", "d"]
    places = {question.shuffled(str(n)).choices.index("a") for n in range(64)}
    assert places == {0, 1, 2, 3}
    mixed = question.shuffled(seed)
    assert mixed.right(str(mixed.choices.index("a") + 1))
    assert mixed.right("A")
    for asked in (question for topic in written() for question in questions(topic.id)):
        assert asked.shuffled(seed).right(asked.answer)


def test_head_and_foot_lead_to_the_neighbours(workspace, monkeypatch):
    monkeypatch.setenv(lesson.SERVED, "1")
    before, behind = neighbours("attention")
    assert before is not None
    assert behind is not None
    for page in (lesson.head("attention").text, lesson.foot("attention").text):
        assert f'href="/{before.id}/"' in page
        assert f'href="/{behind.id}/"' in page
    monkeypatch.delenv(lesson.SERVED)
    assert 'href="/' not in lesson.head("attention").text
    assert "headway read transformer" in lesson.head("attention").text
    record(workspace, kind="exercise", name="attention/sdpa", result="passed")
    assert "(passed)" in lesson.foot("attention").text


def test_what_is_answered_is_counted(workspace):
    topic = the_path().topics["attention"]
    assert reading(topic, workspace).recall[0] == 0
    one = questions("attention")[0]
    for _ in range(2):
        record(workspace, kind="recall", name=one.name, result="right", given=one.answer)
    record(workspace, kind="recall", name="attention/no-such-question", result="right", given="64")
    assert reading(topic, workspace).recall == (1, len(questions("attention")))
    assert not reading(topic, None).opened


def test_words_and_stations_are_counted_once(tmp_path):
    file = tmp_path / "small.py"
    file.write_text(
        textwrap.dedent('''
            def _():
                """Not read."""
                mo.vstack([prose("one two $x + y$ four"), mo.callout(mo.md(f"five {six} seven words"))])

            def _():
                a, b = mo.ui.slider(0, 1, label="not prose"), mo.ui.switch()

            def _():
                guess = Predict("t/id", "eight nine?", answer="1", why="ten eleven")
        ''')
    )
    length = length_of(file)
    assert length.words == 4 + 2 + 4
    assert length.stations == 2
    assert length.predictions == ("t/id",)


@pytest.mark.parametrize("claim", sorted(path.stem for path in (COURSE.parent / "claims" / "results").glob("*.json")))
def test_a_claims_table_has_four_columns_in_every_row(claim):
    """A bar in a check's text, as in |slope|, and a mean that is infinite do not break the table."""
    rows = [row for row in result_of(claim).splitlines() if row.startswith("|")]
    assert len(rows) > 2
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)


def test_a_lesson_run_as_a_script_hides_no_package_of_its_name():
    """Python puts the folder of a script on its path: tokenizers.py there is not the package `tokenizers`."""
    code = (
        "import headway.learn.lesson, sys, tokenizers; from headway.learn.recall import LESSONS; "
        "assert str(LESSONS) not in sys.path; assert str(LESSONS) not in tokenizers.__file__"
    )
    script = f"import sys; sys.path.insert(0, {str(LESSONS)!r}); {code}"
    subprocess.run([sys.executable, "-c", script], check=True)
