"""The glossary: the field's words, each with one or two plain sentences, and the lesson that teaches it.

In a lesson's Markdown ``[[query]]`` becomes the word with its definition on hover, on focus and on touch; ``[[query|queries]]``
shows other words for the same term; ``[[@transformer]]`` becomes a link to a paper of papers.toml, named as one cites it.
Inside code (backticks and fences) nothing is replaced.
"""

from __future__ import annotations

import functools
import html
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from headway.learn.path import COURSE, the_papers

FILE = COURSE / "glossary.toml"
_MARK = re.compile(r"\[\[(@?)([^\[\]|\n]+)(?:\|([^\[\]\n]+))?\]\]")
_CODE = re.compile(r"(^(?P<fence>```+|~~~+).*?^(?P=fence)[ \t]*$|`+[^`\n]+`+)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Term:
    """A word of the field.

    Attributes:
        term: The word, as it stands in a sentence.
        means: What it means, in one or two sentences; ``[[...]]`` marks other terms.
        lesson: The topic whose lesson teaches it; None where no lesson does yet.
        also: Other words for it.
    """

    term: str
    means: str
    lesson: str | None = None
    also: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Its place on the page of the glossary."""
        return re.sub(r"[^a-z0-9]+", "-", self.term.lower()).strip("-")

    @property
    def plain(self) -> str:
        """What it means, without marks."""
        return _MARK.sub(lambda found: found[3] or found[2], self.means)


def read_glossary(file: Path = FILE) -> dict[str, Term]:
    """Every term by its name, in small letters; other words for it lead to it too.

    Raises ValueError where two terms share a name: a mistake of the course.
    """
    found: dict[str, Term] = {}
    for row in tomllib.loads(file.read_text(encoding="utf-8"))["term"]:
        term = Term(row["term"], row["means"], row.get("lesson"), tuple(row.get("also", ())))
        for name in (term.term, *term.also):
            if name.lower() in found:
                raise ValueError(f"glossary.toml: two terms are called {name!r}")
            found[name.lower()] = term
    return found


@functools.cache
def the_glossary() -> dict[str, Term]:
    """The glossary that Headway ships."""
    return read_glossary()


def find_term(name: str) -> Term:
    """The term called `name`; raises ValueError where the glossary has none: a lesson must not use what nobody explains."""
    found = the_glossary().get(name.strip().lower())
    if found is None:
        raise ValueError(f"the glossary has no term {name!r}: headway/course/glossary.toml")
    return found


def term(name: str, shown: str | None = None) -> str:
    """HTML of the word `shown` (the term itself if left out) with its definition, for keyboard, mouse and touch alike."""
    found = find_term(name)
    word, means = html.escape(shown or name, quote=False), html.escape(found.plain, quote=False)
    return (
        f'<span class="hw-term" tabindex="0" role="note">{word}'
        f'<span class="hw-means" role="tooltip"><b>{html.escape(found.term, quote=False)}</b> {means}</span></span>'
    )


def cite(key: str, shown: str | None = None) -> str:
    """A Markdown link to the paper `key` of papers.toml, named as one cites it, or by `shown`.

    Raises ValueError where there is no such paper, or no address for it.
    """
    paper = the_papers().get(key.strip())
    if paper is None:
        raise ValueError(f"papers.toml has no paper {key!r}")
    return f"[{shown or paper.short}]({paper.link})" if paper.link else (shown or f"{paper.short}, *{paper.title}*")


def marked(text: str) -> str:
    """`text` (Markdown) with every ``[[term]]`` and ``[[@paper]]`` replaced, code aside."""

    def replace(found: re.Match[str]) -> str:
        return cite(found[2], found[3]) if found[1] else term(found[2], found[3])

    out, at = [], 0
    for code in _CODE.finditer(text):
        out += [_MARK.sub(replace, text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*out, _MARK.sub(replace, text[at:])])
