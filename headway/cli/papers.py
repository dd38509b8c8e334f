"""``headway papers``: the papers of the path and the learner's own, notes on them, and their way to and from other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from headway.base.files import expanded

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
    from difflib import get_close_matches

    from rich.text import Text

    from headway.base.console import out
    from headway.base.errors import HeadwayError
    from headway.cli._papers import library, next_paper, state_of, take_notes
    from headway.cli._plan import _rows, fit, told_line
    from headway.learn.path import the_path
    from headway.learn.progress import Progress, sync
    from headway.learn.workspace import workspace_around

    if what:
        try:
            return show(*what)
        except HeadwayError:
            near = get_close_matches(what[0], ["add", "export", "import", "note", "show", "zotero"], n=1, cutoff=0.7)
            if len(what) == 1 and near:
                raise HeadwayError(
                    f"there is no paper and no command '{what[0]}'. Did you mean 'headway papers {near[0]}'?"
                ) from None
            raise
    path, workspace = the_path(), workspace_around()
    only = path.topic(topic).id if topic is not None else None
    shelf = library(workspace)
    progress = None
    if workspace is not None:
        take_notes(workspace, shelf)
        for item in sync(workspace):
            out().print(f"Headway ticked {told_line(item)}", markup=False, style="green")
        progress = _progress(Progress(workspace))
    marks = _marks()
    groups = [(one.title, one.id, list(one.papers)) for one in path.topics.values() if only in (None, one.id)]
    mine = [key for key in shelf.records if key not in path.papers]
    for _, id, keys in groups:
        keys += [key for key in mine if id in shelf.records[key].topics]
    own = [key for key in mine if not set(shelf.records[key].topics) & set(path.topics)]
    if own and only is None:
        groups.append(("Your own", "", own))
    widest = max((len(key) for _, _, keys in groups for key in keys), default=0)
    narrow = out().is_terminal and out().width < 72
    widest = min(widest, 14 if narrow else 24)
    rows: list[tuple[Text, Text]] = []
    for title, id, keys in groups:
        if not keys:
            continue
        head = Text("\n" if rows else "").append(title, style="bold")
        rows.append((head.append(f"  {id}", style="dim"), Text()))
        for key in keys:
            record, (state, told) = shelf.records[key], state_of(key, shelf)
            line = Text("  ").append(
                marks[state], style={"written": "bold green", "begun": "yellow", "none": "dim"}[state]
            )
            line.append(f" {key:<{widest}}", style="cyan")
            if not narrow:
                line.append(f"  {record.short:<24}", style="dim")
            line.append(f"  {record.title}")
            rows.append(
                (line, Text(told, style="green" if state == "written" else "yellow" if state == "begun" else "dim"))
            )
    if not rows:
        out().print(f"No paper belongs to {path.topics[only].title}." if only else "No papers.", markup=False)
    else:
        _rows(rows)
    written = sum(note.written for note in shelf.notes.values())
    begun = sum(note.state == "begun" for note in shelf.notes.values())
    console = out()
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
    from rich.text import Text

    from headway.base.console import out
    from headway.base.errors import HeadwayError
    from headway.claims.catalog import CATALOG as CLAIMS
    from headway.cli._papers import library, state_of, take_notes
    from headway.learn.path import the_path
    from headway.learn.steps import typed
    from headway.learn.workspace import workspace_around
    from headway.models.catalog import CATALOG as MODELS

    if not paper:
        raise HeadwayError("say which paper: headway papers show KEY; `headway papers` lists the keys.")
    workspace, path = workspace_around(), the_path()
    shelf = library(workspace)
    record = shelf.find(" ".join(paper))
    if workspace is not None:
        take_notes(workspace, shelf)
    console = out()
    console.print(Text(record.title, style="bold"))
    rows: list[tuple[str, str, str]] = []
    rows.append(("key", record.key, "cyan"))
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
    for n, id in enumerate(_exercises(record)):
        rows.append(("exercises" if not n else "", f"headway check {id}", "cyan"))
    note, (state, told) = shelf.notes.get(record.key), state_of(record.key, shelf)
    if note is not None and workspace is not None:
        rows.append(
            ("note", f"{typed(workspace, note.path)}: {told}", {"written": "green", "begun": "yellow"}.get(state, ""))
        )
    else:
        rows.append(("note", f"headway papers note {record.key}", "cyan"))
    for label, text, style in rows:
        console.print(Text(f"  {label:<10}", style="dim").append(text, style=style), soft_wrap=True)
    return 0


@app.command
def note(
    *paper: str,
    edit: Annotated[bool, Parameter(help="Open it in $VISUAL or $EDITOR; only on a terminal.")] = True,
) -> int:
    """Make a note on a paper, or open the one you have; what you wrote is never changed.

    It counts once it has 25 words of your own.

    Parameters
    ----------
    paper
        Its key, arXiv id, DOI, or words of its title.
    """
    from headway.base.console import out
    from headway.base.errors import HeadwayError
    from headway.cli._papers import library
    from headway.learn.workspace import find_workspace

    if not paper:
        raise HeadwayError("say on which paper: headway papers note KEY; `headway papers` lists the keys.")
    workspace = find_workspace()
    shelf = library(workspace)
    record = shelf.find(" ".join(paper))
    path, _ = shelf.note(record)
    out().print(str(path), markup=False, soft_wrap=True)
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
    year: Annotated[int | None, Parameter(help="its year,")] = None,
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
    from headway.base.errors import HeadwayError
    from headway.cli._papers import library, with_topics, within_address
    from headway.learn.workspace import find_workspace
    from headway.papers import fetch
    from headway.papers.records import Record, arxiv_id, doi, read_name

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
        record = Record(
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
    known: list[Record] = []
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
    import sys

    from headway.base.console import err
    from headway.base.files import back_up, write_text
    from headway.cli._papers import library
    from headway.learn.path import the_path
    from headway.learn.workspace import workspace_around
    from headway.papers import formats

    form = formats.format_named(format, out)
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
        from headway.base.errors import HeadwayError

        raise HeadwayError(f"{out} is a folder: give a file, such as {out / 'papers.bib'}.")
    kept = back_up(out) if out.exists() and out.read_bytes() != text.encode() else None
    write_text(out, text)
    told = f"{len(records)} paper{'s' * (len(records) != 1)} written to {out}"
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
    from headway.base.errors import HeadwayError
    from headway.cli._papers import library
    from headway.learn.workspace import find_workspace

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
    from headway.base.console import err, out
    from headway.papers.zotero import Zotero

    library = Zotero(group, local=_local(local, group))
    rows = library.collections()
    for key, name, count in rows:
        out().print(f"{key}  {name}  ({count} items)", markup=False, soft_wrap=True)
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
    from rich.text import Text

    from headway.base.console import err, out
    from headway.cli._papers import library
    from headway.learn.workspace import find_workspace, workspace_around
    from headway.papers.entries import Entry
    from headway.papers.zotero import Zotero, place, to_record

    where = place(what, group)
    source = Zotero(where.group, local=_local(local, where.group))
    workspace = find_workspace() if yes else workspace_around()
    shelf = library(workspace)
    entries = [Entry(0, to_record(item)) for item in source.items(where)]
    if not yes:
        new, known = shelf.would_be(entry.record for entry in entries if entry.record.title)
        for record in new:
            out().print(Text("+ ", style="green").append(f"{record.short}, {record.title}"), soft_wrap=True)
        for record in known:
            out().print(Text(f"= {record.key}: {record.title}", style="dim"), soft_wrap=True)
        untitled = sum(not entry.record.title for entry in entries)
        told = f"{source.name}: {len(new)} new, {len(known)} known" + (
            f", {untitled} without a title" if untitled else ""
        )
        err().print(f"{told}. Nothing was written: --yes files them.", markup=False, soft_wrap=True)
        return 0
    outcome = shelf.take(entries)
    for record in outcome.new:
        out().print(f"{record.key}: {record.title}", markup=False, soft_wrap=True)
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
    import os

    from rich.text import Text

    from headway.base.console import err, out
    from headway.base.errors import HeadwayError
    from headway.cli._papers import library
    from headway.learn.path import the_path
    from headway.learn.workspace import workspace_around
    from headway.papers.zotero import Zotero, place

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
    console = out()
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
    import os

    return local if local is not None else not (os.environ.get("ZOTERO_API_KEY") or group)


def _marks() -> dict[str, str]:
    from headway.cli._plan import glyphs

    marks = glyphs()
    plain = marks["open"] == "[ ]"
    return {"written": marks["headway"], "begun": "[~]" if plain else "◐", "none": marks["open"]}


def _progress(progress: Any) -> Any:
    """The progress, or None where the plan cannot be read just now: papers are shown all the same."""
    from headway.base.errors import HeadwayError

    try:
        _ = progress.lines
    except (HeadwayError, OSError):
        return None
    return progress


def _exercises(record: Any) -> list[str]:
    """The exercises that cite the paper: by its arXiv id, or by its first author and year."""
    import re

    from headway.learn.exercise import exercises

    family = re.escape(record.authors[0].family) if record.authors else None
    cited = (
        re.compile(rf"\b{family}\b[^\n]{{0,60}}\b{record.year}\b")
        if family and record.year and not record.arxiv
        else None
    )
    found = []
    for exercise in exercises().values():
        text = exercise.task.read_text(encoding="utf-8")
        if (record.arxiv and record.arxiv in text) or (cited and cited.search(text)):
            found.append(exercise.id)
    return found


def _is_file(word: str) -> bool:
    path = expanded(word)
    try:
        return path.is_file() or (path.suffix.lower() in (".bib", ".ris", ".json") and "://" not in word)
    except OSError:
        return False


def _by_words(shelf: Any, word: str) -> Any:
    """The paper meant by words; where there is none, what can be added instead."""
    from headway.base.errors import HeadwayError
    from headway.cli._papers import is_sciencedirect

    if is_sciencedirect(word):
        raise HeadwayError("ScienceDirect's address does not tell the DOI; its page does: headway papers add DOI")
    if word.startswith(("http://", "https://")):
        raise HeadwayError(
            f'{word} names no arXiv id and no DOI: add it by one of these, or by hand: headway papers add {word} --title "..."'
        )
    return shelf.find(word)


def _filed(workspace: Any, shelf: Any, records: list[Any], key: str | None = None, topic: tuple[str, ...] = ()) -> int:
    """File the records and say where each lies."""
    import dataclasses

    from headway.base.console import out
    from headway.cli._papers import with_topics
    from headway.learn.steps import typed

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
        out().print(f"{word} {record.key}: {record.short}, {record.title}", markup=False, soft_wrap=True)
        out().print(f"  {typed(workspace, path)}", markup=False, soft_wrap=True)
    _told(workspace, shelf, [])
    return 0


def _take_file(workspace: Any, shelf: Any, path: Path, topic: tuple[str, ...] = ()) -> int:
    """Import one file and say in one line what came of it; broken entries are named before it."""
    import dataclasses

    from headway.base.console import err, out
    from headway.cli._papers import with_topics
    from headway.papers.entries import Entry
    from headway.papers.formats import read_file

    entries = [
        dataclasses.replace(entry, record=with_topics(entry.record, list(topic)))
        if isinstance(entry, Entry) and topic
        else entry
        for entry in read_file(path)
    ]
    if len(entries) > 300:
        err().print(f"{path.name}: {len(entries)} entries, a file for each that is new ...", markup=False, style="dim")
    outcome = shelf.take(entries)
    for broken in outcome.broken:
        err().print(f"{path.name}, line {broken.line}: {broken.why}; passed over", markup=False, soft_wrap=True)
    out().print(f"{path.name}: {outcome}", markup=False, soft_wrap=True)
    return 1 if outcome.broken else 0


def _told(workspace: Any, shelf: Any, keys: list[str]) -> None:
    """Take the notes into the evidence, and say how far those of `keys` are and what was ticked."""
    from headway.base.console import err, out
    from headway.cli._papers import state_of, take_notes
    from headway.cli._plan import told_line
    from headway.learn.progress import sync

    fresh = take_notes(workspace, shelf)
    for key in keys:
        state, told = state_of(key, shelf)
        text = (
            f"{told}: it counts"
            if state == "written"
            else told
            if state == "begun"
            else "25 words of your own make it count"
        )
        err().print(text, markup=False, style="green" if key in fresh else "dim")
    for item in sync(workspace):
        out().print(f"Headway ticked {told_line(item)}", markup=False, style="green")


def _edit(path: Path) -> None:
    """Open the learner's editor, where there is a terminal and one is named."""
    import os
    import shlex
    import subprocess

    from headway.base.console import err, interactive

    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not named or not interactive():
        return
    try:
        code = subprocess.run([*shlex.split(named), str(path)], check=False).returncode
        if code:
            err().print(f"{named} ended with {code}; the note is at {path}", markup=False)
    except (OSError, ValueError) as error:
        err().print(f"{named} cannot be started ({error}): open {path} yourself.", markup=False)
