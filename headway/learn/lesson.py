"""What lessons are made of: one import for those who write one. ``docs/lessons.md`` shows each with an example.

A lesson quotes nothing by hand that a program knows: code comes from the source, measured numbers from the claims' JSON,
papers from papers.toml, words from the glossary, and how far the learner is from the evidence.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import html
import inspect
import io
import json
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import marimo as mo

from headway.base.lines import lines_of
from headway.learn.annotated import annotated
from headway.learn.controls import Predict, Recall, learners_workspace
from headway.learn.evidence import read
from headway.learn.exercise import exercises, find_exercise
from headway.learn.glossary import cite, marked, term
from headway.learn.path import COURSE, Topic, the_path
from headway.learn.progress import GAVE_UP, PASSED, Progress
from headway.learn.recall import LESSONS
from headway.learn.shelf import length_of, neighbours, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Predict",
    "Recall",
    "after",
    "cite",
    "drawn",
    "foot",
    "head",
    "noted",
    "prose",
    "result_of",
    "solved",
    "source",
    "story",
    "term",
]


def lessons_off_the_path() -> None:
    """Take the lessons' own folder off Python's path, where Python and marimo put the folder of what they run.

    There `tokenizers.py` would stand for the package `tokenizers`, which reads the real models' tokenizers.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != LESSONS]


lessons_off_the_path()


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


BAR = r"\|"
"""A bar that stands in a cell of a Markdown table and does not end it: ``|slope|``."""


def result_of(claim: str) -> str:
    """The verdict that was shipped for a claim, with its measured means, as Markdown read from its JSON."""

    path = COURSE.parent / "claims" / "results" / f"{claim}.json"  # data of a higher layer, read as a file
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if result is None:
        return f"No result of `{claim}` is shipped yet: `headway reproduce {claim}` makes one."
    rows = "\n".join(
        f"| {check['text'].replace('|', BAR)}{' (negative control)' if check['control'] else ''} | "
        f"{float(check['mean']):.4g} | {check['threshold']} | {check['outcome']} |"  # an infinite mean is a text in JSON
        for check in result["checks"]
    )
    return f"**{result['verdict']}**: {result['reason']}.\n\n| what | mean | threshold | outcome |\n|---|---|---|---|\n{rows}"


def prose(text: str) -> Any:
    """Markdown as marimo shows it, with ``[[term]]`` explained by the glossary and ``[[@paper]]`` linked.

    Write ``prose(r"...")`` where a lesson would say ``mo.md(r"...")``.
    """
    return mo.md(marked(textwrap.dedent(text)))


def noted(thing: Callable[..., Any] | type, notes: Mapping[str, str], only: tuple[str, str] | None = None) -> Any:
    """Our source, read live, with a short note beside each line that matters.

    ``noted(attend_by_hand, {"scores =": "one score per query and key"}, only=("scores =", "return"))``: a note belongs to the one
    line that its piece is part of; what is before and after `only` is folded. See `headway.learn.annotated`.
    """
    return mo.Html(annotated(thing, notes, only))


def drawn(figure: Figure, alt: str) -> Any:
    """A matplotlib figure as a picture of exactly its `figsize`, which `alt` describes to those who do not see it.

    marimo's own way cuts off what is white at the edges, so that a picture changes its size with its labels, and the page
    jumps while a control moves.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, bbox_inches=None)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)  # pyplot would keep every figure that was ever drawn
    wide, tall = (round(float(inches) * 110) for inches in figure.get_size_inches())
    data = base64.b64encode(buffer.getvalue()).decode()
    return mo.Html(
        f'<img class="hw-figure" width="{wide}" height="{tall}" alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'
    )


def solved(exercise: str) -> bool:
    """Whether the learner has passed an exercise, or was shown its solution: what it asks for may be shown then."""
    name = find_exercise(exercise).id
    workspace = learners_workspace()
    with contextlib.suppress(OSError):
        pieces = read(workspace) if workspace else []
        return any(
            piece.kind == "exercise" and piece.name == name and piece.result in (PASSED, GAVE_UP) for piece in pieces
        )
    return False


def after(exercise: str, content: Any, instead: str = "") -> Any:
    """`content` once `exercise` is passed, and before that a line that says when it comes.

    For code that *is* an exercise's answer, and for what gives it away. `content` is what a cell may show, or a function
    without arguments that makes it; `instead` (Markdown) is shown before, above that line: another form of the same thing.
    """
    name = find_exercise(exercise).id
    if solved(name):
        return content() if inspect.isfunction(content) else content
    line = f"*Our code for this comes here when you have written yours: `headway check {name}`.*"
    return prose(f"{textwrap.dedent(instead)}\n\n{line}" if instead else line)


def story(exercise: str, title: str, text: str) -> Any:
    """What went wrong before, or goes wrong today: one mistake told as a story, folded until `exercise` is passed.

    One story per mistake, two or three in a lesson: `title` says what happened and not what the mistake was.
    """
    name = find_exercise(exercise).id
    passed = solved(name)
    told = mo.md(marked(textwrap.dedent(text))).text
    hint = "" if passed else f" <small>gives away part of <code>headway check {name}</code></small>"
    first = f"<summary>{html.escape(title, quote=False)}{hint}</summary>"
    return mo.Html(f'<details class="hw-story"{" open" if passed else ""}>{first}{told}</details>')


SERVED = "HEADWAY_LESSONS"
"""An environment variable that `headway read` sets where all lessons lie side by side under one address."""


def link_to(topic: Topic, shown: str | None = None) -> str:
    """HTML that leads to the lesson of `topic`: a link where all are served together, else the command."""
    words = html.escape(shown or topic.title, quote=False)
    if not topic.lesson_file:
        return f"{words} (its lesson is not written yet)"
    if os.environ.get(SERVED):
        return f'<a href="/{topic.id}/" target="_self">{words}</a>'
    return f"{words} (<code>headway read {topic.id}</code>)"


def _way(topic: Topic) -> str:
    """The line with the lesson before, the contents and the lesson after."""
    before, behind = neighbours(topic.id)
    parts = [f'<span class="hw-before">← {link_to(before)}</span>' if before else "<span></span>"]
    if os.environ.get(SERVED):
        parts.append('<a href="/" target="_self">All lessons</a> · <a href="/glossary" target="_self">Glossary</a>')
    parts.append(f'<span class="hw-behind">{link_to(behind)} →</span>' if behind else "<span></span>")
    parts = [part if part.startswith("<span") else f"<span>{part}</span>" for part in parts]
    return f'<nav class="hw-way" aria-label="Lessons">{"".join(parts)}</nav>'


def head(topic: str, question: str = "") -> Any:
    """The top of a lesson: title, the question it answers, minutes, its place on the path, the ways to the others.

    `question` is one sentence of Markdown; the topic's own reason (``why`` in path.toml) stands there if it is left out.
    """
    lessons_off_the_path()  # again: a server opens many lessons in one process
    found = the_path().topic(topic)
    row = written()
    place = next((n for n, each in enumerate(row, 1) if each.id == found.id), 0)
    minutes = f"{length_of(found.lesson_file).minutes} minutes" if found.lesson_file else ""
    needs = [link_to(the_path().topics[id]) for id in found.needs]
    facts = [
        f"Lesson {place} of {len(row)}",
        minutes,
        f"builds on {', '.join(needs)}" if needs else "builds on nothing",
    ]
    asked = mo.md(marked(question or found.why)).text
    return mo.Html(
        f'<header class="hw-head">{_way(found)}<h1>{html.escape(found.title, quote=False)}</h1>'
        f'<p class="hw-facts">{" · ".join(fact for fact in facts if fact)}</p><div class="hw-question">{asked}</div></header>'
    )


def foot(topic: str) -> Any:
    """The end of a lesson: exercises and how far they are, claims, papers with what to read in them, what follows."""
    found = the_path().topic(topic)
    workspace = learners_workspace()
    states = Progress(workspace).topics[found.id].exercises if workspace else ()
    passed = {state.exercise.id for state in states if state.done}
    own = [each for each in exercises().values() if each.topic in (found.id, *found.also)]
    lines = ["## What follows", "", "**Exercises**", ""]
    lines += [
        f"- {'✓ ' if each.id in passed else ''}{each.title}: `headway check {each.id}`{' (passed)' if each.id in passed else ''}"
        for each in own
    ] or ["None yet."]
    if found.claims:
        lines += ["", "**Claims you can reproduce**", "", *(f"- `headway reproduce {name}`" for name in found.claims)]
    lines += ["", "**Papers**", ""] if found.papers else []
    for key in found.papers:
        paper = the_path().papers[key]
        name = f"[{paper.short}, *{paper.title}*]({paper.link})" if paper.link else f"{paper.short}, *{paper.title}*"
        lines.append(f"- {name}. {paper.says}".rstrip())
        if paper.read_closely:
            lines.append(f"    - Read closely: {paper.read_closely}.")
        if places := [f"`{file}`, `{name}` ({seen})" for file, name, seen in paper.places]:
            lines.append(f"    - In our code: {'; '.join(places)}.")
    onward = [each for each in the_path().topics.values() if found.id in each.needs]
    text = mo.md(marked("\n".join(lines))).text
    ahead = f"<p><strong>Builds on this:</strong> {', '.join(map(link_to, onward))}.</p>" if onward else ""
    return mo.Html(f'<footer class="hw-foot">{text}{ahead}{_way(found)}</footer>')
