"""All papers at hand: those that come with Headway, and those the learner filed; which of them a word means; new ones."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.base.files import create_texts
from headway.base.lock import locked
from headway.base.paper import Keys, Paper, arxiv_id, doi, good_key, made_key, plain_title
from headway.papers import notes
from headway.papers.entries import Broken, PaperEntry
from headway.papers.index import Index, unknown
from headway.papers.notes import Note


@dataclass
class Import:
    """What came of a file: records that are new, those that were known (as the library has them), what was skipped and why."""

    new: list[Paper] = field(default_factory=list)
    known: list[Paper] = field(default_factory=list)
    completed: list[Paper] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)

    def __str__(self) -> str:
        """``12 new, 3 known, 1 skipped: no title``."""
        parts = [f"{len(self.new)} new", f"{len(self.known)} known"]
        if self.completed:
            parts[-1] += f" ({len(self.completed)} completed from it)"
        parts += [f"{n} skipped: {why}" for why, n in self.skipped.items()]
        if self.broken:
            parts.append(f"{len(self.broken)} broken")
        return ", ".join(parts)


class Library:
    """The papers of the path and, where there is a workspace, the notes in its folder.

    Args:
        known: The records that come with Headway, by key.
        folder: The learner's notes; None where there is no workspace.
        lock: A file that keeps two commands from filing papers at once.
    """

    def __init__(self, known: Mapping[str, Paper], folder: Path | None = None, lock: Path | None = None) -> None:
        self.known = dict(known)
        self.folder = folder
        self.lock = lock

    @functools.cached_property
    def notes(self) -> dict[str, Note]:
        """The notes by key. Of two files that call themselves the same, the one named after the key is the note."""
        found: dict[str, Note] = {}
        for path in sorted(self.folder.glob("*.md")) if self.folder and self.folder.is_dir() else ():
            if path.name.startswith(".") or not path.is_file():
                continue
            try:
                note = notes.read(path)
            except OSError:
                continue
            if note.record is None and note.key not in self.known:
                continue  # a Markdown file about something else
            if note.key not in found or path.stem == note.key:
                found[note.key] = note
        return found

    @functools.cached_property
    def records(self) -> dict[str, Paper]:
        """Every record by key: Headway's own as it comes (as the learner has it, where they changed it), then the filed ones."""
        out = dict(self.known)
        for key, note in self.notes.items():
            if note.record is None:
                continue
            if key not in out:
                out[key] = note.record
            elif not note.ours:
                shipped = out[key]
                guide = {"says": shipped.says, "read_closely": shipped.read_closely, "in_code": shipped.in_code}
                out[key] = dataclasses.replace(note.record.filled(shipped), links=shipped.links, **guide)
            elif note.record.citekey:
                out[key] = dataclasses.replace(out[key], citekey=note.record.citekey)
        return out

    @functools.cached_property
    def index(self) -> Index:
        return Index(self.records.values())

    @functools.cached_property
    def _named(self) -> dict[str, Paper]:
        """The records by what a person types for them: key, the key in their own bibliography, arXiv id, DOI."""
        out: dict[str, Paper] = {}
        for names in (
            lambda record: (record.key.lower(),),
            lambda record: (record.citekey.lower(), good_key(record.citekey).lower()),
            lambda record: (record.arxiv, record.doi),
        ):
            for record in self.records.values():
                for name in names(record):
                    if name:
                        out.setdefault(name, record)
        return out

    @functools.cached_property
    def _keys(self) -> Keys:
        """The keys that are taken: by records, and by any other Markdown file in the folder."""
        stems = (path.stem for path in self.folder.glob("*.md")) if self.folder and self.folder.is_dir() else ()
        return Keys((*self.records, *stems))

    def forget(self) -> None:
        """Look at the folder anew the next time."""
        for name in ("notes", "records", "index", "_named", "_keys"):
            self.__dict__.pop(name, None)

    @contextlib.contextmanager
    def _filing(self) -> Iterator[None]:
        """While papers are filed nobody else files any, and what others have filed meanwhile is known."""
        home = self._home
        with locked(self.lock) if self.lock is not None else contextlib.nullcontext():
            if home.is_dir():
                self.forget()
            yield
            self.__dict__.pop("_named", None)

    def search(self, words: str) -> list[Paper]:
        """The papers that have all of `words`, or their beginnings, in title, authors, year, venue, key, topics or note."""
        asked = plain_title(words).split()
        found: list[tuple[int, Paper]] = []
        for record in self.records.values():
            title = f" {plain_title(record.title)}"
            names = " ".join([record.key, record.citekey, str(record.year or ""), record.venue or "", *record.topics,
                              record.arxiv or "", record.doi or ""])  # fmt: skip
            rest = f" {_authors(record)} {plain_title(names)}"
            if all(f" {word}" in title for word in asked):
                found.append((0, record))
            elif all(f" {word}" in title or f" {word}" in rest for word in asked):
                found.append((1, record))
            elif (note := self.notes.get(record.key)) is not None and note.words:
                body = f"{title}{rest} {plain_title(notes.body(note.path))}"
                if all(f" {word}" in body for word in asked):
                    found.append((2, record))
        return [record for _, record in sorted(found, key=lambda row: row[0])]

    def find(self, word: str) -> Paper:
        """The paper that `word` means: its key, arXiv id, DOI, address, or words of its title or authors.

        Raises HeadwayError where there is none, or where there are several.
        """
        asked = word.strip()
        if record := self.lookup(asked):
            return record
        number, name = arxiv_id(asked), doi(asked)
        if number or name:
            raise HeadwayError(f"{asked} is not filed yet: headway papers add {asked}")
        words = plain_title(asked).split()
        if not words:
            raise unknown(asked, self.records.values())
        rows = [(record, plain_title(record.title)) for record in self.records.values()]
        for record, title in rows:
            if title == " ".join(words):
                return record
        phrase = " ".join(words)
        found = [record for record, title in rows if f" {phrase}" in f" {title}"]
        if len(found) != 1 and len(words) > 1:
            whole = [(record, f" {title} {_authors(record)} {record.year}") for record, title in rows]
            found = found or [record for record, text in whole if all(f" {word}" in text for word in words)]
        if not found:
            found = [record for record, _ in rows if any(plain_title(name.family) == phrase for name in record.authors)]
        if len(found) > 1:
            shown = ", ".join(record.key for record in found[:6]) + (", ..." if len(found) > 6 else "")
            raise HeadwayError(f"'{asked}' fits {len(found)} papers: {shown}. Give the key, or more words.")
        if not found:
            raise unknown(asked, self.records.values())
        return found[0]

    def lookup(self, word: str) -> Paper | None:
        """The paper whose key, arXiv id, DOI or address `word` is."""
        asked = word.strip()
        number, name = arxiv_id(asked), doi(asked)
        for spelling in (asked.lower(), good_key(asked).lower(), number, name):
            if spelling and (record := self._named.get(spelling)):
                return record
        return self._by_link(asked) if re.match(r"(?:https?://)?[\w.-]+\.[a-z]{2,}/", asked) else None

    def _by_link(self, address: str) -> Paper | None:
        bare = _bare(address)
        for record in self.records.values():
            url = _bare(record.url or "")
            if any(bare.startswith(_bare(link)) for link in record.links) or (url and bare == url):
                return record
        return None

    # -- taking in

    def note(self, record: Paper) -> tuple[Path, bool]:
        """The note of `record`, made where there is none; one whose front matter nobody touched is brought up to date."""
        if there := self.notes.get(record.key):
            if there.ours and there.record is not None:
                record = dataclasses.replace(record, citekey=record.citekey or there.record.citekey)
                if not notes.same(there.record, record):
                    notes.refresh(there, record)
                    self.forget()
            return there.path, False
        path, new = notes.create(self._home, record)
        self.forget()
        return path, new

    def file(self, record: Paper, imported: str = "") -> tuple[Paper, bool]:
        """Put a record into the library: itself and True where it is new, else the one that it is.

        A known record that the learner filed and never changed is completed from the new one, and one that comes with Headway
        keeps the key that the learner's own bibliography has for it; nothing else is altered.
        """
        outcome = self.take([PaperEntry(0, record, imported)])
        return (outcome.new[0], True) if outcome.new else (outcome.known[0], False)

    def take(self, entries: Iterable[PaperEntry | Broken]) -> Import:
        """Put every entry of a file into the library, as `file` does; what is new is written at once, at the end."""
        outcome = Import()
        with self._filing():
            fresh: dict[str, tuple[Paper, str]] = {}
            known: dict[str, Paper] = {}
            for entry in entries:
                if isinstance(entry, Broken):
                    outcome.broken.append(entry)
                elif not entry.record.title:
                    outcome.skipped["no title"] += 1
                elif there := self.index.find(entry.record):
                    before = self.records[there.key]
                    full = self._completed(before, entry.record, fresh)
                    outcome.known.append(full)
                    if not notes.same(before, full) and full.key not in self.known:
                        known[full.key] = full
                else:
                    record = self._added(entry.record)
                    fresh[record.key] = record, entry.note
            outcome.completed = list(known.values())
            written = self._write(fresh)
            outcome.new = [written[key] for key in fresh]
            outcome.known = [written.get(record.key, record) for record in outcome.known]
        return outcome

    def _added(self, record: Paper) -> Paper:
        """A new record under a key of its own. Where that cannot be what the learner's bibliography has, it has both."""
        own = (
            ""
            if record.key.lower().startswith(("http", "item-")) or not re.search("[A-Za-z]", record.key)
            else record.key
        )
        cite = record.cite if own else ""
        key = self._keys.free(own or made_key(record))
        if cite == own and (own not in self.known or own in self.notes):
            cite = ""  # the other paper of this key is the learner's as well: one of the two has to have another
        record = dataclasses.replace(record, key=key, citekey=cite if cite != key else "").bare
        self.records[key] = record
        self.index.add(record)
        return record

    def _completed(self, there: Paper, record: Paper, fresh: dict[str, tuple[Paper, str]]) -> Paper:
        """`there` with what it lacks taken from `record`, as far as the learner has left its note to Headway."""
        note, shipped = self.notes.get(there.key), there.key in self.known
        if note is not None and not note.ours:
            return there
        cite = record.cite if shipped and not there.citekey and _is_citekey(record) else ""
        if shipped:
            full = dataclasses.replace(there, citekey=there.citekey or cite)
        else:
            full = there.filled(dataclasses.replace(record, citekey=""))
        if notes.same(full, there):
            return there
        if there.key in fresh:
            fresh[there.key] = full, fresh[there.key][1]
        elif note is None:
            notes.create(self._home, full)
            self.notes[full.key] = notes.read(self._home / f"{full.key}.md")
        elif notes.refresh(note, full):
            self.notes[full.key] = notes.read(note.path)
        else:
            return there
        self.records[full.key] = full
        self.index.add(full)
        return full

    def _write(self, fresh: Mapping[str, tuple[Paper, str]]) -> dict[str, Paper]:
        """Write the notes of new records, and return each record, by the key it was to have, as it was filed."""
        texts = {self._home / f"{record.key}.md": notes.text_of(record, note) for record, note in fresh.values()}
        made = create_texts(texts)
        out: dict[str, Paper] = {}
        for key, (record, note) in fresh.items():
            path = self._home / f"{record.key}.md"
            text = texts[path]
            while path not in made:  # somebody made a file of this name a moment ago
                del self.records[record.key]
                record = dataclasses.replace(record, key=self._keys.free(record.key))
                self.records[record.key] = record
                self.index.add(record)
                path, text = self._home / f"{record.key}.md", notes.text_of(record, note)
                made = create_texts({path: text})
            made.add(path)
            self.notes[record.key] = notes.fresh(path, record, text)
            out[key] = record
        return out

    def would_be(self, records: Iterable[Paper]) -> tuple[list[Paper], list[Paper]]:
        """Which of `records` are new and which are known (as the library has them), without writing anything."""
        new: list[Paper] = []
        known: list[Paper] = []
        index = Index(self.records.values())
        for record in records:
            if there := index.find(record):
                known.append(there)
            else:
                new.append(record)
                index.add(record)
        return new, known

    @property
    def _home(self) -> Path:
        if self.folder is None:
            raise HeadwayError(
                "papers are filed in a workspace, and there is none here: run `headway start` to make one."
            )
        return self.folder


def _authors(record: Paper) -> str:
    return plain_title(" ".join(name.plain for name in record.authors))


def _bare(link: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", link.strip(), flags=re.IGNORECASE).rstrip("/").lower()


def _is_citekey(record: Paper) -> bool:
    """Whether what a record is called was chosen by somebody: no address, no number, no key that Zotero made up."""
    key = record.cite
    made_up = key.lower().startswith(("http", "item-")) or re.fullmatch(r"(?=.*\d)[A-Z0-9]{8}", key)
    return bool(key and not made_up and re.search("[A-Za-z]", key))
