"""Every lesson runs from top to bottom, offline; its recall questions are well formed, and everything it points at exists."""

from __future__ import annotations

import re
import time

import pytest
from support.lessons import WRITTEN, load

from headway.cli.app import commands
from headway.learn.exercise import exercises
from headway.learn.glossary import marked, the_glossary
from headway.learn.path import the_path
from headway.learn.recall import questions
from headway.learn.shelf import length_of


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", WRITTEN)
def test_runs_offline_in_under_a_minute(name, monkeypatch):
    import socket

    monkeypatch.setenv("HEADWAY_REVEAL", "1")

    def refused(*_args, **_kwargs):
        raise OSError("a lesson reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    began = time.process_time()  # of this process: a busy machine takes longer, and the lesson is none the slower
    outputs, definitions = load(name).app.run()
    assert time.process_time() - began < 60
    text = "\n".join(str(getattr(output, "text", output)) for output in outputs if output is not None)
    for command in re.findall(r"headway ([a-z-]+)", text):
        assert command in commands(), f"the lesson names `headway {command}`, which there is not"
    for exercise in re.findall(r"headway check ([\w/-]+)", text):
        assert exercise in exercises()
    controls = [value for value in definitions.values() if type(value).__module__.startswith("marimo._plugins.ui")]
    assert len(controls) >= 2, "a live control, and the recall questions"


@pytest.mark.parametrize("name", WRITTEN)
def test_belongs_to_a_topic_and_has_three_to_six_questions(name):
    assert the_path().topics[name].lesson == f"{name}.py"
    asked = questions(name)
    assert 3 <= len(asked) <= 6
    for question in asked:
        assert question.right(question.answer)
        assert question.why.endswith((".", ".)"))
        assert set(question.wrong) == set(question.choices) - {question.answer}, "every wrong choice has a reply"
        for place, choice in enumerate(question.choices, 1):
            assert question.right(str(place)) == (choice == question.answer)
            assert question.reply(choice).startswith("Right." if choice == question.answer else "Not quite.")


def test_numbers_are_read_as_people_write_them():
    question = next(question for question in questions("attention") if question.id == "scale-2017")
    for given in ("1/8", "0.125", " 12.5 % ", ".125"):
        assert question.right(given), given
    for given in ("8", "", "one eighth", "1/0", "0.13"):
        assert not question.right(given), given


def test_the_glossary_is_closed_and_its_lessons_exist():
    for term in the_glossary().values():
        marked(term.means)  # raises on a marked term that is not defined
        assert 3 <= len(term.plain.split()) <= 45, term.term
        assert term.plain.endswith(".")
        assert term.lesson is None or the_path().topics[term.lesson].lesson_file


def test_a_lesson_lasts_ten_to_fifteen_minutes(capsys):
    """With -s this prints what is counted: words read, stations, minutes."""
    with capsys.disabled():
        for name in WRITTEN:
            file = the_path().topics[name].lesson_file
            assert file is not None
            length = length_of(file)
            print(
                f"\n{name:<18} {length.minutes:>3} minutes  {length.words:>5} words  {length.stations:>2} stations",
                end="",
            )
            assert 10 <= length.minutes <= 16, "10 to 15 minutes are meant; the count of stations is a rough one"
            assert len(length.predictions) >= 2, "the reader says twice what they expect"
