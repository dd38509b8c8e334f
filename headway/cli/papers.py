"""``headway papers``: the papers of the path and the learner's own, notes on them, and their way to and from other programs."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from headway.base.console import err, interactive, under
from headway.base.console import out as answers
from headway.base.errors import HeadwayError
from headway.base.files import back_up, expanded, write_text
from headway.base.paper import Paper, arxiv_id, doi, read_name
from headway.claims.catalog import CATALOG as CLAIMS
from headway.cli.shared.drawing import draw_rows, fit, glyphs, told_line
from headway.cli.shared.numbers import Whole
from headway.desk import (
    is_sciencedirect,
    library,
    next_paper,
    of_exercises,
    state_of,
    take_notes,
    up_to_date,
    with_topics,
    within_address,
)
from headway.learn.path import the_path
from headway.learn.progress import Progress
from headway.learn.steps import typed
from headway.learn.workspace import Workspace, find_workspace, workspace_around
from headway.models.catalog import CATALOG as MODELS
from headway.papers import fetch, formats
from headway.papers.entries import PaperEntry
from headway.papers.library import Library
from headway.papers.zotero import Zotero, place, to_record

app = App(name="papers", help="List the papers, write notes on them, file new ones, export and import them.")
zotero = App(name="zotero", help="Show Zotero's collections; pull papers from it, push papers to it.")
app.command(zotero)

Flag = Parameter(negative="")


@app.default
def papers(*what: str, topic: Annotated[str | None, Parameter(help="Only the papers of this topic.")] = None) -> int:
    """List the papers of each topic with your notes on them, and say which one is next.

    Parameters
    ----------
    what
        A paper: shows it, as `headway papers show` does.
    """
    if what:
        try:
            return show(*what)
        except HeadwayError:
            near = get_close_matches(
                what[0], ["add", "export", "import", "list", "note", "search", "show", "zotero"], n=1, cutoff=0.7
            )
            if len(what) == 1 and near:
                raise HeadwayError(
                    f"there is no paper and no command '{what[0]}'. Did you mean 'headway papers {near[0]}'?"
                ) from None
            raise
    return _list(topic)


@app.command(name="list")
def list_(
    *,
    search: Annotated[str | None, Parameter(help="Only papers that have all these words.")] = None,
    topic: Annotated[str | None, Parameter(help="Only the papers of this topic.")] = None,
) -> int:
    """List the papers of each topic with your notes on them; --search as `headway papers search`."""
    return _list(topic) if search is None else _found(search, topic)


@app.command
def search(
    *words: str, topic: Annotated[str | None, Parameter(help="Only among the papers of this topic.")] = None
) -> int:
    """Find papers by words of their titles, authors, years, venues, keys and of your notes; all words have to be there.

    Parameters
    ----------
    words
        What to look for; the beginning of a word is enough.
    """
    if not words:
        raise HeadwayError("say what to look for: headway papers search WORDS")
    return _found(" ".join(words), topic)


def _found(words: str, topic: str | None) -> int:
    """List the papers that have all of `words`."""
    path, workspace = the_path(), workspace_around()
    only = path.topic(topic).id if topic is not None else None
    shelf = library(workspace)
    if workspace is not None:
        take_notes(workspace, shelf)
    found = [paper for paper in shelf.search(words) if only is None or only in paper.topics]
    if not found:
        err().print(
            f"No paper has all of '{words}': try fewer words, or file it with headway papers add.", markup=False
        )
        return 1
    draw_rows([_row(paper, shelf, max(len(paper.key) for paper in found)) for paper in found])
    return 0


def _row(paper: Paper, shelf: Library, widest: int) -> tuple[Text, Text]:
    """A paper as a line of a list: the mark of its note, its key, who and when, its title; and how far the note is."""
    narrow = answers().is_terminal and answers().width < 72
    widest = min(widest, 14 if narrow else 24)
    state, told = state_of(paper.key, shelf)
    line = Text("  ").append(_marks()[state], style={"written": "bold green", "begun": "yellow", "none": "dim"}[state])
    line.append(f" {paper.key:<{widest}}", style="cyan")
    if not narrow:
        line.append(f"  {paper.short:<24}", style="dim")
    line.append(f"  {paper.title}")
    return line, Text(told, style="green" if state == "written" else "yellow" if state == "begun" else "dim")


def _list(topic: str | None) -> int:
    """List the papers by topic, and say which is next."""
    path, workspace = the_path(), workspace_around()
    only = path.topic(topic).id if topic is not None else None
    shelf = library(workspace)
    progress = None
    if workspace is not None:
        now = up_to_date(workspace, shelf)
        for item in now.ticked:
            answers().print(f"Headway ticked {told_line(item)}", markup=False, style="green")
        progress = _readable(now.progress)
    marks = _marks()
    groups = [(one.title, one.id, list(one.papers)) for one in path.topics.values() if only in (None, one.id)]
    mine = [key for key in shelf.records if key not in path.papers]
    for _, id, keys in groups:
        keys += [key for key in mine if id in shelf.records[key].topics]
    own = [key for key in mine if not set(shelf.records[key].topics) & set(path.topics)]
    if own and only is None:
        groups.append(("Your own", "", own))
    widest = max((len(key) for _, _, keys in groups for key in keys), default=0)
    rows: list[tuple[Text, Text]] = []
    for title, id, keys in groups:
        if not keys:
            continue
        head = Text("\n" if rows else "").append(title, style="bold")
        rows.append((head.append(f"  {id}", style="dim"), Text()))
        rows += [_row(shelf.records[key], shelf, widest) for key in keys]
    if not rows:
        answers().print(f"No paper belongs to {path.topics[only].title}." if only else "No papers.", markup=False)
    else:
        draw_rows(rows)
    written = sum(note.written for note in shelf.notes.values())
    begun = sum(note.state == "begun" for note in shelf.notes.values())
    console = answers()
    console.print()
    legend = Text("", style="dim").append(f"{marks['written']} ", style="bold green").append("note written   ")
    legend.append(f"{marks['begun']} ", style="yellow").append(f"begun   {marks['none']} none")
    counts = f"{len({key for _, _, keys in groups for key in keys})} papers, {written} notes written, {begun} begun"
    console.print(Text(counts, style="dim"), **fit())
    console.print(legend, **fit())
    if (key := next_paper(progress, shelf, only)) is None:
        return 0
    record = shelf.records[key]
    console.print()
    console.print(Text("Next  ", style="bold").append(f"{record.short}, {record.title}"), **fit())
    console.print()
    if workspace is None:
        console.print(Text("      headway start", style="bold cyan"))
    console.print(Text(f"      headway papers note {key}", style="bold cyan"))
    return 0


@app.command
def show(*paper: str) -> int:
    """Show one paper: its record, its links, what Headway has for it, and your note.

    Parameters
    ----------
    paper
        Its key, arXiv id, DOI, address, or words of its title.
    """

    if not paper:
        raise HeadwayError("say which paper: headway papers show KEY; `headway papers` lists the keys.")
    workspace, path = workspace_around(), the_path()
    shelf = library(workspace)
    record = shelf.find(" ".join(paper))
    if workspace is not None:
        take_notes(workspace, shelf)
    console = answers()
    console.print(Text(record.title, style="bold"))
    rows: list[tuple[str, str, str]] = []
    rows.append(("key", record.key + (f", in your bibliography {record.citekey}" if record.citekey else ""), "cyan"))
    names = ", ".join(name.plain for name in record.authors) + (" et al." if record.others else "")
    rows.append(("authors", names or "unknown", ""))
    rows.append(("year", f"{record.year or 'unknown'}" + (f", {record.venue}" if record.venue else ""), ""))
    if record.arxiv:
        rows.append(("arXiv", f"https://arxiv.org/abs/{record.arxiv}", ""))
        rows.append(("", f"https://arxiv.org/pdf/{record.arxiv}", ""))
    if record.doi:
        rows.append(("DOI", f"https://doi.org/{record.doi}", ""))
    if record.url:
        rows.append(("link", record.url, ""))
    if record.says:
        rows.append(("it says", record.says, ""))
    if record.read_closely:
        rows.append(("closely", record.read_closely, ""))
    for n, (file, name, seen) in enumerate(record.places):
        rows.append(("in code" if not n else "", f"{file}, {name}" + (f": {seen}" if seen else ""), ""))
    topics = [path.topics[id] for id in record.topics if id in path.topics]
    for n, topic in enumerate(topics):
        rows.append(("topics" if not n else "", f"{topic.id}: {topic.title}", ""))
    models = [entry for entry in MODELS.values() if record.key in entry.papers]
    for n, entry in enumerate(models):
        rows.append(("models" if not n else "", f"headway models {entry.name}", "cyan"))
    short = path.papers[record.key].short if record.key in path.papers else record.short
    claims = [name for name, claim in CLAIMS.items() if claim.paper == short and claim.topic in record.topics]
    for n, name in enumerate(claims):
        rows.append(("claims" if not n else "", f"headway reproduce {name}", "cyan"))
    for n, id in enumerate(of_exercises(record)):
        rows.append(("exercises" if not n else "", f"headway check {id}", "cyan"))
    note, (state, told) = shelf.notes.get(record.key), state_of(record.key, shelf)
    if note is not None and workspace is not None:
        rows.append(
            ("note", f"{typed(workspace, note.path)}: {told}", {"written": "green", "begun": "yellow"}.get(state, ""))
        )
    else:
        rows.append(("note", f"headway papers note {record.key}", "cyan"))
    for label, text, style in rows:
        under(Text(f"  {label:<10}", style="dim"), Text(text, style=style))
    return 0


@app.command
def note(
    *paper: str,
    edit: Annotated[bool, Parameter(help="Open it in $VISUAL or $EDITOR; only on a terminal.")] = True,
) -> int:
    """Make a note on a paper, or open the one you have; what you wrote is never changed.

    It counts once it has 25 words of your own, twelve of them different.

    Parameters
    ----------
    paper
        Its key, arXiv id, DOI, or words of its title.
    """

    if not paper:
        raise HeadwayError("say on which paper: headway papers note KEY; `headway papers` lists the keys.")
    workspace = find_workspace()
    shelf = library(workspace)
    record = shelf.find(" ".join(paper))
    path, _ = shelf.note(record)
    answers().print(str(path), markup=False, soft_wrap=True)
    if edit:
        _edit(path)
    shelf.forget()
    _told(workspace, shelf, [record.key])
    return 0


@app.command
def add(
    *what: str,
    title: Annotated[str | None, Parameter(help="By hand, without the network: its title,")] = None,
    author: Annotated[tuple[str, ...], Parameter(help="its authors, the option once for each,", negative="")] = (),
    year: Annotated[Whole | None, Parameter(help="its year,")] = None,
    venue: Annotated[str | None, Parameter(help="where it appeared,")] = None,
    key: Annotated[str | None, Parameter(help="and the key it goes by.")] = None,
    topic: Annotated[tuple[str, ...], Parameter(help="A topic of the path it belongs to.", negative="")] = (),
) -> int:
    """File papers: by arXiv id, DOI or address (fetched once, unless Headway knows it), from a file, or by hand.

    Parameters
    ----------
    what
        arXiv ids, DOIs, their addresses, or .bib, .ris and CSL .json files.
    """

    workspace = find_workspace()
    shelf = library(workspace)
    by_hand = title is not None or author or year is not None or venue is not None
    if by_hand:
        if title is None or not title.strip():
            raise HeadwayError(
                'a paper filed by hand needs a title: headway papers add --title "..." --author "..." --year YYYY'
            )
        if len(what) > 1:
            raise HeadwayError("one paper at a time by hand: give one arXiv id, DOI or address, or none.")
        if year is not None and not 1000 <= year <= 2999:
            raise HeadwayError(f"--year {year} is no year: give four digits.")
        word = what[0] if what else ""
        number, name = arxiv_id(word), doi(word) or within_address(word)
        if word and not number and not name and not word.startswith(("http://", "https://")):
            raise HeadwayError(f"'{word}' is no arXiv id, no DOI and no address: leave it out, or give one of them.")
        authors = tuple(map(read_name, author))
        record = Paper(
            key=key or "", title=title, authors=authors, year=year, venue=venue, arxiv=number, doi=name, url=word
        )
        return _filed(workspace, shelf, [with_topics(record, list(topic))])
    if not what:
        raise HeadwayError(
            "say what to file: an arXiv id, a DOI, an address, a .bib, .ris or .json file, or --title by hand."
        )
    code = 0
    numbers: list[str] = []
    names: list[str] = []
    known: list[Paper] = []
    for word in what:
        if _is_file(word):
            code = max(code, _take_file(workspace, shelf, expanded(word)))
        elif there := shelf.lookup(word):
            known.append(there)
        elif number := arxiv_id(word):
            numbers.append(number)
        elif name := doi(word) or within_address(word):
            if there := shelf.lookup(name):
                known.append(there)
            else:
                names.append(name)
        else:
            known.append(_by_words(shelf, word))
    numbers = list(dict.fromkeys(numbers))
    records = list(known)
    if numbers:
        found = fetch.from_arxiv(numbers)
        records += [found[number] for number in numbers if number in found]
        if missing := [number for number in numbers if number not in found]:
            if records:
                _filed(workspace, shelf, records, key, topic)
            raise HeadwayError(
                f"arXiv knows no {', '.join(missing)}: check the number, or file it by hand with --title."
            )
    for name in dict.fromkeys(names):
        try:
            records.append(fetch.from_doi(name))
        except HeadwayError:
            if records:  # what was fetched before is not lost
                _filed(workspace, shelf, records, key, topic)
            raise
    return max(code, _filed(workspace, shelf, records, key, topic) if records else 0)


@app.command
def export(
    *paper: str,
    format: Annotated[str | None, Parameter(help="bibtex, ris, csl or markdown; else by the file's ending.")] = None,
    topic: Annotated[str | None, Parameter(help="Only the papers of this topic.")] = None,
    mine: Annotated[bool, Parameter(negative="", help="Only papers that have a file in your workspace.")] = False,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"], help="Write to this file.")] = None,
) -> int:
    """Write papers as BibTeX, RIS, CSL JSON (Zotero, pandoc) or Markdown: all of them, a topic's, or those named.

    Parameters
    ----------
    paper
        Keys, arXiv ids or DOIs.
    """

    form = formats.format_named(format, out)
    named = formats.NAMES[form]
    shelf, path = library(workspace_around()), the_path()
    records = list(dict.fromkeys(shelf.find(word) for word in paper)) if paper else list(shelf.records.values())
    if topic is not None:
        id = path.topic(topic).id
        records = [record for record in records if id in record.topics]
    if mine:
        records = [record for record in records if record.key in shelf.notes]
    text = formats.write(records, form, {one.id: one.title for one in path.topics.values()})
    if out is None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8")  # what is piped into a file has to be what BibTeX expects
        sys.stdout.write(text)
        return 0
    if out.is_dir():
        raise HeadwayError(f"{out} is a folder: give a file, such as {out / 'papers.bib'}.")
    kept = back_up(out) if out.exists() and out.read_bytes() != text.encode() else None
    write_text(out, text)
    told = f"{len(records)} paper{'s' * (len(records) != 1)} written to {out} as {named}"
    err().print(told + (f"; what was there is kept as {kept.name}" if kept else ""), markup=False, soft_wrap=True)
    return 0


@app.command(name="import")
def import_(
    *file: Path, topic: Annotated[tuple[str, ...], Parameter(help="A topic they belong to.", negative="")] = ()
) -> int:
    """File the papers of .bib, .ris or CSL .json files, as Zotero, Mendeley, Google Scholar and others write them.

    Papers that are here already are recognised by DOI, arXiv id or title; nothing that you wrote is changed.

    Parameters
    ----------
    file
        The files.
    """

    if not file:
        raise HeadwayError("say which files: headway papers import library.bib")
    workspace = find_workspace()
    shelf = library(workspace)
    return max(_take_file(workspace, shelf, expanded(path), topic) for path in file)


# -- Zotero --------------------------------------------------------------------------------------------------------------

Group = Annotated[str | None, Parameter(help="The number of a group library: zotero.org/groups/NUMBER.")]
Local = Annotated[
    bool | None, Parameter(negative="--web", help="The Zotero on this machine, or zotero.org.", show_default=False)
]


@zotero.default
def zotero_(*, group: Group = None, local: Local = None) -> int:
    """List the collections of a library: the running Zotero's, or zotero.org's where ZOTERO_API_KEY is set."""

    library = Zotero(group, local=_local(local, group))
    rows = library.collections()
    for key, name, count in rows:
        answers().print(f"{key}  {name}  ({count} items)", markup=False, soft_wrap=True)
    err().print(f"{len(rows)} collections in {library.name}", style="dim", markup=False)
    err().print("headway papers zotero pull NAME takes one in; push NAME writes to one", style="dim", markup=False)
    return 0


@zotero.command
def pull(
    what: str | None = None,
    /,
    *,
    group: Group = None,
    local: Local = None,
    yes: Annotated[bool, Parameter(negative="", help="File them; without it they are only listed.")] = False,
) -> int:
    """File the papers of a Zotero collection, of a search, or of single items; those that are here already stay as they are.

    Parameters
    ----------
    what
        A collection's name or key, or an address of zotero.org; without it the whole library.
    """

    where = place(what, group)
    source = Zotero(where.group, local=_local(local, where.group))
    workspace = find_workspace() if yes else workspace_around()
    shelf = library(workspace)
    entries = [PaperEntry(0, to_record(item)) for item in source.items(where)]
    if not yes:
        new, known = shelf.would_be(entry.record for entry in entries if entry.record.title)
        for record in new:
            answers().print(Text("+ ", style="green").append(f"{record.short}, {record.title}"), soft_wrap=True)
        for record in known:
            answers().print(Text(f"= {record.key}: {record.title}", style="dim"), soft_wrap=True)
        untitled = sum(not entry.record.title for entry in entries)
        told = f"{source.name}: {len(new)} new, {len(known)} known" + (
            f", {untitled} without a title" if untitled else ""
        )
        err().print(f"{told}. Nothing was written: --yes files them.", markup=False, soft_wrap=True)
        return 0
    outcome = shelf.take(entries)
    for record in outcome.new:
        answers().print(f"{record.key}: {record.title}", markup=False, soft_wrap=True)
    err().print(f"{source.name}: {outcome}", markup=False, soft_wrap=True)
    return 0


@zotero.command
def push(
    collection: str,
    /,
    *paper: str,
    topic: Annotated[str | None, Parameter(help="Only the papers of this topic.")] = None,
    mine: Annotated[bool, Parameter(negative="", help="Only papers that have a file in your workspace.")] = False,
    group: Group = None,
    yes: Annotated[bool, Parameter(negative="", help="Write them; without it they are only listed.")] = False,
) -> int:
    """Put papers into a collection on zotero.org, tagged headway/TOPIC; needs ZOTERO_API_KEY with write access.

    An item that is there already gets the tags and the collection, and keeps everything else.

    Parameters
    ----------
    collection
        Its name or key, or its address; a name that is not there yet is made.
    paper
        Keys, arXiv ids or DOIs; without them all papers.
    """

    where = place(collection, group)
    if not os.environ.get("ZOTERO_API_KEY"):
        raise HeadwayError(
            "pushing goes to zotero.org and needs a key that may write: make one at https://www.zotero.org/settings/keys "
            "and set ZOTERO_API_KEY (the Zotero on this machine is only read)."
        )
    if where.collection is None:
        raise HeadwayError(f"{collection} names no collection: give a collection's name, its key, or its address.")
    shelf = library(workspace_around())
    records = [shelf.find(word) for word in paper] or list(shelf.records.values())
    if topic is not None:
        id = the_path().topic(topic).id
        records = [record for record in records if id in record.topics]
    if mine:
        records = [record for record in records if record.key in shelf.notes]
    plan = Zotero(where.group).plan(list(dict.fromkeys(records)), where.collection)
    console = answers()
    for record in plan.new:
        console.print(Text("+ ", style="green").append(f"{record.key}: {record.title}"), soft_wrap=True)
    for record, _, tags in plan.tagged:
        console.print(
            Text("~ ", style="yellow").append(f"{record.key}: {', '.join(tags) or 'into the collection'}"),
            soft_wrap=True,
        )
    made = "" if plan.key else " (the collection is new)"
    counts = f"{len(plan.new)} new, {len(plan.tagged)} to tag, {len(plan.same)} as they are"
    told = f"{plan.library.name}, {where.collection}{made}: {counts}"
    if not yes:
        err().print(f"{told}. Nothing was written: --yes writes.", markup=False, soft_wrap=True)
        return 0
    written = plan.write()
    for line in plan.failed:
        err().print(f"refused: {line}", markup=False, soft_wrap=True)
    err().print(f"{told}; {written} written, {len(plan.failed)} refused", markup=False, soft_wrap=True)
    return 1 if plan.failed else 0


# -- shared --------------------------------------------------------------------------------------------------------------


def _local(local: bool | None, group: str | None) -> bool:
    """Where to ask when nobody says: zotero.org with a key or for a group, else the program on this machine."""

    return local if local is not None else not (os.environ.get("ZOTERO_API_KEY") or group)


def _marks() -> dict[str, str]:

    marks = glyphs()
    plain = marks["open"] == "[ ]"
    return {"written": marks["headway"], "begun": "[~]" if plain else "◐", "none": marks["open"]}


def _readable(progress: Progress) -> Progress | None:
    """The progress, or None where the plan cannot be read just now: papers are shown all the same."""
    try:
        _ = progress.lines
    except (HeadwayError, OSError):
        return None
    return progress


def _is_file(word: str) -> bool:
    path = expanded(word)
    try:
        return path.is_file() or (path.suffix.lower() in (".bib", ".ris", ".json") and "://" not in word)
    except OSError:
        return False


def _by_words(shelf: Library, word: str) -> Paper:
    """The paper meant by words; where there is none, what can be added instead."""

    if is_sciencedirect(word):
        raise HeadwayError("ScienceDirect's address does not tell the DOI; its page does: headway papers add DOI")
    if word.startswith(("http://", "https://")):
        raise HeadwayError(
            f'{word} names no arXiv id and no DOI: add it by one of these, or by hand: headway papers add {word} --title "..."'
        )
    return shelf.find(word)


def _filed(
    workspace: Workspace, shelf: Library, records: list[Paper], key: str | None = None, topic: tuple[str, ...] = ()
) -> int:
    """File the records and say where each lies."""

    for record in records:
        if record.key not in shelf.records or record != shelf.records[record.key]:
            record = with_topics(record, list(topic))
            if key:
                record = dataclasses.replace(record, key=key)
            record, new = shelf.file(record)
        else:
            new = False
        path, made = shelf.note(record)
        word = "filed" if new or made else "known"
        under(Text(f"{word} "), Text(f"{record.key}: {record.short}, {record.title}"))
        answers().print(f"  {typed(workspace, path)}", markup=False, soft_wrap=True)
    _told(workspace, shelf, [])
    return 0


SHOWN = 20
"""Known papers that an import names."""


def _take_file(workspace: Workspace, shelf: Library, path: Path, topic: tuple[str, ...] = ()) -> int:
    """Import one file and say in one line what came of it; broken entries are named before it."""

    entries = [
        dataclasses.replace(entry, record=with_topics(entry.record, list(topic)))
        if isinstance(entry, PaperEntry) and topic
        else entry
        for entry in formats.read_file(path)
    ]
    if len(entries) > 300:
        err().print(f"{path.name}: {len(entries)} entries, a file for each that is new ...", markup=False, style="dim")
    outcome = shelf.take(entries)
    for broken in outcome.broken:
        err().print(f"{path.name}, line {broken.line}: {broken.why}; passed over", markup=False, soft_wrap=True)
    answers().print(f"{path.name}: {outcome}", markup=False, soft_wrap=True)
    known = list({record.key: record for record in outcome.known}.values())
    for record in known[:SHOWN]:
        cited = f" ({record.citekey} in your bibliography)" if record.citekey else ""
        under(Text("  known  "), Text(f"{record.key}{cited}: {record.title}"))
    if len(known) > SHOWN:
        answers().print(f"  and {len(known) - SHOWN} more that are known", markup=False)
    return 1 if outcome.broken else 0


def _told(workspace: Workspace, shelf: Library, keys: list[str]) -> None:
    """Take the notes into the evidence, and say how far those of `keys` are and what was ticked."""

    now = up_to_date(workspace, shelf)
    for key in keys:
        state, told = state_of(key, shelf)
        text = (
            f"{told}: it counts"
            if state == "written"
            else told
            if state == "begun"
            else "25 words of your own make it count"
        )
        err().print(text, markup=False, style="green" if key in now.noted else "dim")
    for item in now.ticked:
        answers().print(f"Headway ticked {told_line(item)}", markup=False, style="green")


def _edit(path: Path) -> None:
    """Open the learner's editor, where there is a terminal and one is named."""

    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not named or not interactive():
        return
    try:
        code = subprocess.run([*shlex.split(named), str(path)], check=False).returncode
        if code:
            err().print(f"{named} ended with {code}; the note is at {path}", markup=False)
    except (OSError, ValueError) as error:
        err().print(f"{named} cannot be started ({error}): open {path} yourself.", markup=False)
