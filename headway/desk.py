"""The learner's desk: the workspace, the path and the paper library joined, for whoever draws them (terminal, page).

notes in papers/  ->  evidence log  ->  ticks in PLAN.md  ->  Progress          (`up_to_date`: one call, in this order)
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from urllib.parse import unquote

from headway.base.paper import Paper, arxiv_id, doi
from headway.learn.evidence import Evidence, read, record_all
from headway.learn.exercise import exercises
from headway.learn.match import Match, take_apart
from headway.learn.path import the_path
from headway.learn.plan import Item
from headway.learn.progress import EMPTIED, Progress, sync
from headway.learn.workspace import Workspace
from headway.papers.library import Library
from headway.papers.notes import DIFFERENT, ENOUGH

NOTED = "noted"


@dataclass(frozen=True)
class UpToDate:
    """A workspace once its notes were taken into the log and what was earned is ticked.

    Attributes:
        progress: How far the learner is, read after that.
        ticked: The lines that Headway ticked just now.
        noted: The keys of the papers whose notes count from now on.
    """

    progress: Progress
    ticked: list[Item]
    noted: list[str]


def up_to_date(workspace: Workspace, shelf: Library | None = None) -> UpToDate:
    """Take the learner's notes into the evidence, tick what is earned, and say how far the learner is."""
    noted = take_notes(workspace, shelf)
    progress = Progress(workspace)
    ticked = sync(workspace, progress)
    return UpToDate(Progress(workspace) if ticked else progress, ticked, noted)


def library(workspace: Workspace | None) -> Library:
    """Everything that can be found: the path's papers, and the notes of the workspace where there is one."""
    if workspace is None:
        return Library(the_path().papers)
    return Library(the_path().papers, workspace.papers, workspace.marks / "papers.lock")


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
    fresh, rows = [], []
    for key, note in notes.items():
        before = last.get(key)
        if note.written and (before is None or before.result == EMPTIED):
            facts = {"words": note.words, "note": note.stamp}
            rows.append({"kind": "paper", "name": key, "result": NOTED, "facts": facts})
            fresh.append(key)
    for key, before in last.items():
        if before.result == NOTED and not (key in notes and notes[key].written):
            facts = {"words": notes[key].words if key in notes else 0}
            rows.append({"kind": "paper", "name": key, "result": EMPTIED, "facts": facts})
    record_all(workspace, rows)
    return fresh


def state_of(key: str, shelf: Library) -> tuple[str, str]:
    """``written``, ``begun`` or ``none``, and in words: ``note, 120 words``, ``begun, 7 of 25 words``, ``filed``."""
    note = shelf.notes.get(key)
    if note is None:
        return "none", ""
    if note.written:
        return "written", f"note, {note.words} words"
    if note.words >= ENOUGH:
        return "begun", f"begun, {note.words} words, but only {note.different} of {DIFFERENT} different ones"
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


def of_line(item: Item, match: Match, shelf: Library) -> list[tuple[Paper | None, str]]:
    """The papers that a line of the plan names by title, address, arXiv id or DOI, each with what to type.

    A paper that is not filed yet comes as None.
    """
    words = take_apart(f"{item.text} {item.more}")
    found: dict[str, tuple[Paper | None, str]] = {}
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
    text = unquote(text)
    if found := re.search(r"aclanthology\.org/((?:[A-Z]\d\d-\d{4}|\d{4}\.[a-z0-9_-]+\.\d+))", text):
        return f"10.18653/v1/{found[1].lower()}"
    if found := re.search(r"/(10\.\d{4,9}/[^\s?#\"<>]+)", text):
        return doi(re.sub(r"(?:/(?:full|abstract|pdf|epdf|meta|summary)|\.pdf)+/?$", "", found[1]))
    return None


def is_sciencedirect(text: str) -> bool:
    """Whether an address is one of ScienceDirect's, which name a paper by a number that is not its DOI."""
    return "sciencedirect.com/science/article" in text


def with_topics(paper: Paper, topics: list[str]) -> Paper:
    """`paper` with these topics of the path as well."""
    path = the_path()
    return dataclasses.replace(paper, topics=(*paper.topics, *(path.topic(name).id for name in topics)))


def of_exercises(paper: Paper) -> list[str]:
    """The ids of the exercises that cite the paper: by its arXiv id, or by its first author and year."""
    family = re.escape(paper.authors[0].family) if paper.authors else None
    by_name = family and paper.year and not paper.arxiv
    cited = re.compile(rf"\b{family}\b[^\n]{{0,60}}\b{paper.year}\b") if by_name else None
    found = []
    for exercise in exercises().values():
        text = exercise.task.read_text(encoding="utf-8")
        if (paper.arxiv and paper.arxiv in text) or (cited and cited.search(text)):
            found.append(exercise.id)
    return found
