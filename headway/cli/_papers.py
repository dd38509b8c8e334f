"""The paper library beside the path: what the path knows of a paper, and what the learner's notes are evidence of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from headway.learn.evidence import Evidence, read, record
from headway.learn.path import Path, the_path
from headway.learn.progress import EMPTIED
from headway.papers.library import Library
from headway.papers.records import Record, read_name

if TYPE_CHECKING:
    from headway.learn.match import Match
    from headway.learn.plan import Item
    from headway.learn.progress import Progress
    from headway.learn.workspace import Workspace

NOTED = "noted"


def known(path: Path | None = None) -> dict[str, Record]:
    """The papers of the path as records, each with its topics."""
    path = path or the_path()
    topics: dict[str, list[str]] = {key: [] for key in path.papers}
    for topic in path.topics.values():
        for key in topic.papers:
            topics[key].append(topic.id)
    return {
        paper.key: Record(
            key=paper.key,
            title=paper.title,
            authors=tuple(map(read_name, paper.authors)),
            others=paper.others,
            year=paper.year,
            venue=paper.venue,
            arxiv=paper.arxiv,
            doi=paper.doi,
            topics=tuple(topics[paper.key]),
            links=paper.links,
        )
        for paper in path.papers.values()
    }


def library(workspace: Workspace | None) -> Library:
    """Everything that can be found: the path's papers, and the notes of the workspace where there is one."""
    if workspace is None:
        return Library(known())
    return Library(known(), workspace.papers, workspace.marks / "papers.lock")


def take_notes(workspace: Workspace, shelf: Library | None = None) -> list[str]:
    """Hold the notes against the evidence log, and return the keys of those that count from now on.

    A note that has become one is written into the log once, with a checksum of the file; one that was emptied or taken
    away is written there too, and counts no longer (what was ticked stays ticked).
    """
    last: dict[str, Evidence] = {}
    if shelf is None:
        if not workspace.papers.is_dir() or not any(workspace.papers.glob("*.md")):
            notes = {}
        else:
            notes = library(workspace).notes
    else:
        notes = shelf.notes
    for piece in read(workspace):
        if piece.kind == "paper":
            last[piece.name] = piece
    fresh = []
    for key, note in notes.items():
        before = last.get(key)
        if note.written and (before is None or before.result == EMPTIED):
            record(workspace, kind="paper", name=key, result=NOTED, words=note.words, note=note.stamp)
            fresh.append(key)
    for key, before in last.items():
        if before.result == NOTED and not (key in notes and notes[key].written):
            words = notes[key].words if key in notes else 0
            record(workspace, kind="paper", name=key, result=EMPTIED, words=words)
    return fresh


def state_of(key: str, shelf: Library) -> tuple[str, str]:
    """``written``, ``begun`` or ``none``, and in words: ``note, 120 words``, ``begun, 7 of 25 words``, ``filed``."""
    from headway.papers.notes import ENOUGH

    note = shelf.notes.get(key)
    if note is None:
        return "none", ""
    if note.written:
        return "written", f"note, {note.words} words"
    if note.words:
        return "begun", f"begun, {note.words} of {ENOUGH} words"
    return "none", "filed, no word yet"


def next_paper(progress: Progress | None, shelf: Library, topic: str | None = None) -> str | None:
    """The paper to write a note on next: one that is begun, else the first of what the plan has open, else of the path."""
    path = progress.path if progress else the_path()
    if topic is not None:
        order = list(path.topics[topic].papers)
    else:
        order = []
        if progress is not None:
            order = [key for key, note in shelf.notes.items() if note.state == "begun"]
            lines = [line for line in progress.lines if not line.item.ticked and line.item.kind != "heading"]
            for id in dict.fromkeys(id for line in lines for id in line.match.topics):
                if not progress.topics[id].skipped:
                    order += path.topics[id].papers
        order += [key for one in path.topics.values() for key in one.papers]
    states = {key: state_of(key, shelf)[0] for key in order}
    begun = [key for key in order if states[key] == "begun"]
    return next((key for key in (*begun, *order) if states[key] != "written"), None)


def of_line(item: Item, match: Match, shelf: Library) -> list[tuple[Record | None, str]]:
    """The papers that a line of the plan names by title, address, arXiv id or DOI, each with what to type.

    A paper that is not filed yet comes as None.
    """
    import re

    from headway.learn.match import take_apart
    from headway.papers.records import arxiv_id, doi

    words = take_apart(f"{item.text} {item.more}")
    found: dict[str, tuple[Record | None, str]] = {}
    for reason in match.reasons:
        if (title := re.match(r"title of ([\w-]+)", reason)) and title[1] in shelf.records:
            found[title[1]] = (shelf.records[title[1]], f"headway papers note {title[1]}")
    numbers = re.findall(r"(?<![\d./])\d{4}\.\d{4,5}(?:v\d+)?(?![\d.]*\d)|\b10\.\d{4,9}/[^\s\"<>]+", words.text)
    for text in (*words.links, *numbers):
        number = arxiv_id(text) or doi(text) or within_address(text)
        paper = shelf.lookup(text) or (shelf.lookup(number) if number else None)
        if paper is not None:
            found.setdefault(paper.key, (paper, f"headway papers note {paper.key}"))
        elif number:
            found.setdefault(number, (None, f"headway papers add {number}"))
        elif is_sciencedirect(text) and not found:
            found.setdefault(text, (None, "headway papers add DOI   (its page shows the DOI; its address does not)"))
    return list(found.values())


def within_address(text: str) -> str | None:
    """The DOI in a publisher's address, such as ``dl.acm.org/doi/10.1145/...`` or ``aclanthology.org/2020.acl-main.1``."""
    import re
    from urllib.parse import unquote

    from headway.papers.records import doi

    text = unquote(text)
    if found := re.search(r"aclanthology\.org/((?:[A-Z]\d\d-\d{4}|\d{4}\.[a-z0-9_-]+\.\d+))", text):
        return f"10.18653/v1/{found[1].lower()}"
    if found := re.search(r"/(10\.\d{4,9}/[^\s?#\"<>]+)", text):
        return doi(re.sub(r"(?:/(?:full|abstract|pdf|epdf|meta|summary)|\.pdf)+/?$", "", found[1]))
    return None


def is_sciencedirect(text: str) -> bool:
    """Whether an address is one of ScienceDirect's, which name a paper by a number that is not its DOI."""
    return "sciencedirect.com/science/article" in text


def with_topics(paper: Record, topics: list[str]) -> Record:
    """`paper` with these topics of the path as well."""
    path = the_path()
    return dataclasses.replace(paper, topics=(*paper.topics, *(path.topic(name).id for name in topics)))
