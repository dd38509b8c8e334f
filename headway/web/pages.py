"""The pages around the lessons: the contents, with how far the learner is, and the glossary. Plain HTML, one style sheet."""

from __future__ import annotations

import contextlib
import html
import re
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.learn.glossary import Term, the_glossary
from headway.learn.path import Topic, the_path
from headway.learn.progress import Progress
from headway.learn.shelf import Reading, length_of, reading_in
from headway.learn.workspace import workspace_around

STYLESHEET = Path(__file__).parent / "lessons.css"


def page(title: str, body: str) -> str:
    """A whole page of ours."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/lessons.css"></head>'
        f'<body class="hw-page"><main>{body}</main></body></html>'
    )


def contents_page() -> str:
    """Every lesson with its minutes and what is answered, and the topics whose lesson is not written."""
    progress = None
    with contextlib.suppress(HeadwayError, OSError):
        workspace = workspace_around()
        progress = Progress(workspace) if workspace else None
    topics = the_path().topics.values()
    rows = "".join(_row(n, topic, progress) for n, topic in enumerate((t for t in topics if t.lesson_file), 1))
    missing = ", ".join(html.escape(topic.title) for topic in topics if not topic.lesson_file)
    rest = f"<h2>Not written yet</h2><p>{missing}.</p>" if missing else ""
    told = (
        ""
        if progress
        else "<p>There is no workspace here: what you answer is not kept. <code>headway start</code> makes one.</p>"
    )
    return page(
        "Lessons",
        '<nav class="hw-way"><span><a href="/look/">Look inside a model</a></span>'
        '<span><a href="/glossary">Glossary</a></span></nav>'
        f'<h1>Lessons</h1>{told}<ol class="hw-shelf">{rows}</ol>{rest}',
    )


def _row(number: int, topic: Topic, progress: Progress | None) -> str:
    assert topic.lesson_file is not None
    state = reading_in(topic, progress)
    length = length_of(topic.lesson_file)
    return (
        f'<li><a href="/{topic.id}/">{number}. {html.escape(topic.title)}</a>'
        f' <span class="hw-facts">{length.minutes} minutes · {_so_far(state)}</span>{html.escape(topic.why)}</li>'
    )


def _so_far(state: Reading) -> str:
    """``opened · 2 of 3 predictions · 4 of 6 questions answered · 1 of 6 exercises passed``."""
    kinds = (
        (state.predictions, "predictions made"),
        (state.recall, "questions answered"),
        (state.exercises, "exercises passed"),
    )
    counts = [f"{done} of {of} {what}" for (done, of), what in kinds if of]
    return " · ".join(["opened" if state.opened else "not opened", *counts])


def glossary_page() -> str:
    """Every term with its definition, in which other terms are links."""
    terms = sorted({id(term): term for term in the_glossary().values()}.values(), key=lambda term: term.term.lower())
    rows = "".join(
        f'<dt id="{term.anchor}">{html.escape(term.term)}{_also(term)}</dt><dd>{_linked(term)}{_taught(term)}</dd>'
        for term in terms
    )
    return page(
        "Glossary",
        '<nav class="hw-way"><span><a href="/">All lessons</a></span><span></span></nav>'
        f'<h1>Glossary</h1><dl class="hw-glossary">{rows}</dl>',
    )


def _also(term: Term) -> str:
    return f" <small>also: {html.escape(', '.join(term.also))}</small>" if term.also else ""


def _taught(term: Term) -> str:
    topic = the_path().topics.get(term.lesson or "")
    return (
        f' <a class="hw-taught" href="/{topic.id}/">{html.escape(topic.title)}</a>'
        if topic and topic.lesson_file
        else ""
    )


def _linked(term: Term) -> str:
    text = html.escape(term.means, quote=False)

    def link(found: re.Match[str]) -> str:
        other = the_glossary()[html.unescape(found[1]).lower()]
        return f'<a href="#{other.anchor}">{found[2] or found[1]}</a>'

    return re.sub(r"\[\[([^\[\]|]+)(?:\|([^\[\]]+))?\]\]", link, text)


def missing_page() -> str:
    """What is shown where there is no page."""
    return page("Not here", '<h1>There is no such page</h1><p><a href="/">All lessons</a></p>')
