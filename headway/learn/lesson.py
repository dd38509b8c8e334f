"""What lessons are made of besides prose: our code read from its source, the exercises' mistakes, numbers from results.

A lesson quotes nothing by hand that a program knows: code comes from the source, mistakes from the exercises, measured
numbers from the claims' JSON.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import textwrap
from collections.abc import Callable
from typing import Any

from headway.base.errors import HeadwayError
from headway.base.lines import lines_of
from headway.learn.contract import mistakes_of
from headway.learn.evidence import record
from headway.learn.exercise import exercises, find_exercise
from headway.learn.path import COURSE, the_path
from headway.learn.recall import Question, questions
from headway.learn.workspace import find_workspace


def source(thing: Callable[..., Any] | type, *, docstring: bool = True) -> str:
    """The source of a function or class as Markdown, without its docstring if so asked, and where it stands."""

    text = textwrap.dedent(inspect.getsource(thing))
    if not docstring:
        tree = ast.parse(text)
        node = tree.body[0]
        assert isinstance(node, ast.FunctionDef | ast.ClassDef)
        first = node.body[0]
        if ast.get_docstring(node) is not None and len(node.body) > 1:
            lines = lines_of(text)
            assert first.end_lineno is not None
            del lines[first.lineno - 1 : first.end_lineno]
            text = "\n".join(lines)
    where = thing.__module__.replace(".", "/")
    return f"```python\n# {where}.py\n{text.strip()}\n```"


def mistakes(exercise: str, names: list[str], **facts: Any) -> str:
    """Mistakes of an exercise as a Markdown list: what the judge says when it meets them, with the numbers `facts`."""
    known = {mistake.name: mistake for mistake in mistakes_of(find_exercise(exercise))}
    told = [known[name].told(facts).strip() for name in names]
    return "\n".join(f"- {line[0].upper()}{line[1:].rstrip('.')}." for line in told)


def mistakes_of_topic(topic: str, each: int = 3) -> str:
    """Mistakes of all exercises of a topic, the first few of each whose sentence needs no numbers, as a Markdown list."""

    lines = []
    for exercise in exercises().values():
        if exercise.topic != topic:
            continue
        every = mistakes_of(exercise)
        plain = list(dict.fromkeys(mistake.sentence for mistake in every if "{" not in mistake.sentence))
        lines += [f"- **{exercise.name}**: {line[0].lower()}{line[1:].rstrip('.')}." for line in plain[:each]]
    return "\n".join(lines) or "The judge's exercises on this topic are still to come."


def result_of(claim: str) -> str:
    """The verdict that was shipped for a claim, with its measured means, as Markdown read from its JSON."""

    path = COURSE.parent / "claims" / "results" / f"{claim}.json"  # data of a higher layer, read as a file
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if result is None:
        return f"No result of `{claim}` is shipped yet: `headway reproduce {claim}` makes one."
    rows = "\n".join(
        f"| {check['text']}{' (negative control)' if check['control'] else ''} | {check['mean']:.4g} | "
        f"{check['threshold']} | {check['outcome']} |"
        for check in result["checks"]
    )
    return f"**{result['verdict']}**: {result['reason']}.\n\n| what | mean | threshold | outcome |\n|---|---|---|---|\n{rows}"


def what_follows(topic: str) -> str:
    """The exercises, claims and papers of a topic as Markdown, each with the command that leads to it."""

    path = the_path()
    found = path.topic(topic)
    lines = ["**Exercises**", ""]
    lines += [f"- {e.title}: `headway check {e.id}`" for e in exercises().values() if e.topic == topic]
    if found.claims:
        lines += ["", "**Claims you can reproduce**", ""]
        lines += [f"- `headway reproduce {name}`" for name in found.claims]
    lines += ["", "**Papers**", ""]
    for key in found.papers:
        paper = path.papers[key]
        lines.append(f"- {paper.short}, *{paper.title}*" + (f", <{paper.link}>" if paper.link else ""))
    return "\n".join(lines)


class Recall:
    """A topic's recall questions as marimo controls, checked as they are answered."""

    def __init__(self, topic: str):
        import marimo as mo

        self.questions = questions(topic)
        self._logged: dict[str, Any] = {}
        self.controls = mo.ui.array(
            [
                mo.ui.radio(options=list(question.choices))
                if question.choices
                else mo.ui.text(placeholder="a number, or a fraction")
                for question in self.questions
            ]
        )

    def _remember(self, question: Question, given: Any) -> None:
        """Log an answer once, so that `headway review` can bring the question back; nothing outside a workspace."""

        if not given or self._logged.get(question.id) == given:
            return
        self._logged[question.id] = given
        with contextlib.suppress(HeadwayError, OSError):
            result = "right" if question.right(str(given)) else "wrong"
            record(find_workspace(), kind="recall", name=question.name, result=result)

    def show(self) -> Any:
        """The questions, and after each answer what to say to it. To be the last expression of a cell that reads `controls`."""
        import marimo as mo

        rows = []
        for question, control in zip(self.questions, self.controls, strict=True):
            given = control.value
            self._remember(question, given)
            told = mo.callout(
                mo.md(question.reply(str(given))), kind="success" if question.right(str(given)) else "warn"
            )
            rows.append(mo.vstack([mo.md(f"**{question.ask}**"), control, *([told] if given else [])]))
        return mo.vstack(rows, gap=1.5)
