"""What a reader of a lesson answers: predictions before a figure, and the recall questions at the end.

Both are forms: an answer counts when it is given (the button, or Enter), not while the arrow keys move through the
choices. Each is written into the evidence log once, and a lesson that is opened again shows what was answered.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

import marimo as mo

from headway.base.errors import HeadwayError
from headway.learn.evidence import read, record
from headway.learn.glossary import marked
from headway.learn.recall import Question, number_in, questions, seed_of
from headway.learn.shelf import PREDICTION, RECALL, latest
from headway.learn.workspace import Workspace, workspace_around

REVEAL = "HEADWAY_REVEAL"
"""An environment variable: set to anything but "", every prediction counts as made. Tests run each lesson both ways."""


def learners_workspace() -> Workspace | None:
    """The workspace that the lesson is read in; None where there is none, and where the variable for it names none."""
    with contextlib.suppress(HeadwayError, OSError):
        return workspace_around()
    return None


def _given_before(kind: str) -> dict[str, str]:
    workspace = learners_workspace()
    with contextlib.suppress(OSError):
        return latest(read(workspace), kind) if workspace else {}
    return {}


def _log(kind: str, question: Question, given: str) -> None:
    """Write an answer into the log; nothing outside a workspace, and a lesson goes on where nothing can be written."""
    workspace = learners_workspace()
    if workspace is not None:
        with contextlib.suppress(HeadwayError, OSError):
            result = "right" if question.right(given) else "wrong"
            record(workspace, kind=kind, name=question.name, result=result, given=given)


def _field(question: Question, given: str | None) -> Any:
    """The control for one question, with what was answered before."""
    if question.choices:
        return mo.ui.radio(options=list(question.choices), value=given if given in question.choices else None)
    return mo.ui.text(placeholder="such as 3, 0.5 or 2/3", value=given or "")


def _answers(question: Question, given: str) -> bool:
    """Whether `given` is an answer at all: a choice, or, where a number is asked for, a number."""
    return bool(given.strip()) and (bool(question.choices) or number_in(given) is not None)


def _reply(question: Question, given: str) -> Any:
    if not _answers(question, given):
        return mo.callout(mo.plain_text(f"“{given[:40]}” is not a number; 3, 0.5 and 2/3 are."), kind="warn")
    good = question.right(given)
    head = "" if question.choices else f"You said {given}. "
    return mo.callout(mo.md(marked(head + question.reply(given))), kind="success" if good else "warn")


class Predict(mo.ui.form):
    """A question that the reader answers before a figure or a number is shown.

    In a lesson it takes two cells, because marimo runs a cell again when a control *of another cell* changes::

        guess = Predict(
            "attention/wide-head",                       # topic/id: unique, and stable once people have answered
            "A head gets 64 times wider, and nothing divides. What happens to the largest weight?",
            choices=["it goes to 1", "it stays", "it goes to 1/32"],
            answer="it goes to 1",
            wrong={"it stays": "The scores spread by √d.", "it goes to 1/32": "That would be an even look."},
            why="One score is far above the others, and the softmax takes it nearly alone.",
        )
        guess                                            # the last expression: the question is shown here

    and in a cell below, which is run again when the answer is given::

        mo.stop(not guess.revealed, guess.waiting)       # nothing of the figure is computed or shown before
        mo.vstack([guess.reply, figure(width.value)])

    Without `choices` the answer is a number. `reply` names what is wrong with a wrong answer, then says `why`.

    Args:
        name: ``topic/id``.
        ask: The question, in Markdown; ``[[term]]`` works.
        answer: The right answer: one of `choices`, or a number as text.
        choices: What to choose from; shown in the learner's own order.
        wrong: Every wrong choice -> what is wrong about it; all have to be there.
        why: Why the answer is what it is.
    """

    def __init__(
        self,
        name: str,
        ask: str,
        *,
        answer: str,
        why: str,
        choices: Sequence[str] = (),
        wrong: Mapping[str, str] | None = None,
    ) -> None:
        topic, _, id = name.partition("/")
        question = Question(topic, id, ask, answer, why, tuple(choices), dict(wrong or {}))
        missing = set(question.choices) - {answer} - set(question.wrong)
        if missing:
            raise ValueError(f"the prediction {name} has no reply to {', '.join(sorted(missing))}")
        self.question = question.shuffled(seed_of(learners_workspace()))
        self._before = _given_before(PREDICTION).get(question.name)
        self._logged = self._before
        super().__init__(
            element=_field(self.question, self._before),
            label=marked(f"**Predict.** {ask}"),
            submit_button_label="That is my prediction",
            on_change=self._remember,
        )

    def _remember(self, given: str | None) -> None:
        """Log the first answer: a prediction is what one thought before one saw."""
        if given and self._logged is None and _answers(self.question, given):
            self._logged = given
            _log(PREDICTION, self.question, given)

    @property
    def given(self) -> str | None:
        """What the reader answered, now or on an earlier day; None before."""
        return self.value or self._before or None

    @property
    def revealed(self) -> bool:
        """Whether the reader has answered, so that the figure may be shown."""
        return (self.given is not None and _answers(self.question, self.given)) or bool(os.environ.get(REVEAL))

    @property
    def waiting(self) -> Any:
        """What stands in the figure's place until then; where a word was given for a number, that one is asked for."""
        if self.given and self.given.strip():
            return self.reply
        return mo.Html('<p class="hw-waiting">The figure comes when you have said what you expect.</p>')

    @property
    def reply(self) -> Any:
        """What to say to the answer; nothing while there is none."""
        return _reply(self.question, self.given) if self.given else mo.Html("")


class Recall:
    """A topic's recall questions as forms, answered one by one.

    In a lesson: ``recall = Recall("attention"); answers = recall.controls`` in one cell, and in the next
    ``_ = answers.value; recall.show()``.
    """

    def __init__(self, topic: str) -> None:
        seed = seed_of(learners_workspace())
        self.questions = [question.shuffled(seed) for question in questions(topic)]
        before = _given_before(RECALL)
        # An older log may have a choice's number, which means nothing in another order.
        self._before = [
            found if (found := before.get(question.name)) in question.choices or not question.choices else None
            for question in self.questions
        ]
        self._logged = list(self._before)
        self.controls = mo.ui.array(
            [
                mo.ui.form(
                    _field(question, given),
                    label=marked(f"**{question.ask}**"),
                    submit_button_label="Answer",
                    bordered=False,
                )
                for question, given in zip(self.questions, self._before, strict=True)
            ]
        )

    def show(self) -> Any:
        """The questions, and after each answer what to say to it. To be the last expression of a cell that reads `controls`."""
        rows = []
        for n, (question, control) in enumerate(zip(self.questions, self.controls, strict=True)):
            given = str(control.value or self._before[n] or "").strip()
            if given != self._logged[n] and _answers(question, given):
                self._logged[n] = given
                _log(RECALL, question, given)
            rows.append(mo.vstack([control, *([_reply(question, given)] if given else [])]))
        return mo.vstack(rows, gap=1.5)
