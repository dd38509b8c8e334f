"""All papers at hand: those that come with Headway, and those the learner filed; which of them a word means; new ones."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.papers import notes
from headway.papers.entries import Broken, Entry
from headway.papers.notes import Note
from headway.papers.records import Index, Record, arxiv_id, doi, free_key, good_key, made_key, plain_title, unknown


@dataclass
class Outcome:
    """What came of a file: records that are new, those that were known (with whom they are), what was skipped and why."""

    new: list[Record] = field(default_factory=list)
    known: list[Record] = field(default_factory=list)
    completed: list[Record] = field(default_factory=list)
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
    """

    def __init__(self, known: Mapping[str, Record], folder: Path | None = None) -> None:
        self.known = dict(known)
        self.folder = folder

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
    def records(self) -> dict[str, Record]:
        """Every record by key: Headway's own as it comes (as the learner has it, where they changed it), then the filed ones."""
        out = dict(self.known)
        for key, note in self.notes.items():
            if note.record is None:
                continue
            if key not in out:
                out[key] = note.record
            elif not note.ours:
                out[key] = dataclasses.replace(note.record.filled(out[key]), links=out[key].links)
        return out

    @functools.cached_property
    def index(self) -> Index:
        return Index(self.records.values())

    def forget(self) -> None:
        """Look at the folder anew the next time."""
        for name in ("notes", "records", "index"):
            self.__dict__.pop(name, None)

    def find(self, word: str) -> Record:
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

    def lookup(self, word: str) -> Record | None:
        """The paper whose key, arXiv id, DOI or address `word` is."""
        asked = word.strip()
        lowered = {key.lower(): record for key, record in self.records.items()}
        if record := lowered.get(asked.lower()) or lowered.get(good_key(asked).lower()):
            return record
        number, name = arxiv_id(asked), doi(asked)
        for record in self.records.values():
            if (number and record.arxiv == number) or (name and record.doi == name):
                return record
        return self._by_link(asked) if re.match(r"(?:https?://)?[\w.-]+\.[a-z]{2,}/", asked) else None

    def _by_link(self, address: str) -> Record | None:
        bare = _bare(address)
        for record in self.records.values():
            url = _bare(record.url or "")
            if any(bare.startswith(_bare(link)) for link in record.links) or (url and bare == url):
                return record
        return None

    # -- taking in

    def note(self, record: Record) -> tuple[Path, bool]:
        """The note of `record`, made where there is none; one whose front matter nobody touched is brought up to date."""
        if there := self.notes.get(record.key):
            if there.ours and there.record is not None and not notes.same(there.record, record):
                notes.refresh(there, record)
                self.forget()
            return there.path, False
        path, new = notes.create(self._home, record)
        self.forget()
        return path, new

    def file(self, record: Record, imported: str = "") -> tuple[Record, bool]:
        """Put a record into the library: itself and True where it is new, else the one that it is.

        A known record that the learner filed and never changed is completed from the new one; nothing else is altered.
        """
        if there := self.index.find(record):
            note = self.notes.get(there.key)
            if note is not None and note.ours and there.key not in self.known:
                full = there.filled(record)
                if not notes.same(full, there) and notes.refresh(note, full):
                    self.notes[there.key] = notes.read(note.path)
                    self.records[there.key] = full
                    self.index.add(full)
                    return full, False
            return there, False
        key = (
            ""
            if record.key.lower().startswith(("http", "item-")) or not re.search(r"[A-Za-z]", record.key)
            else record.key
        )
        record = dataclasses.replace(record, key=free_key(key or made_key(record), self.records.keys()))
        path, new = notes.create(self._home, record, imported)
        while not new:  # another command, or a file that is no note, was here first
            record = dataclasses.replace(record, key=free_key(record.key, {*self.records, record.key, *self._stems}))
            path, new = notes.create(self._home, record, imported)
        self.notes[record.key] = notes.read(path)
        self.records[record.key] = record
        self.index.add(record)
        return record, True

    def take(self, entries: Iterable[Entry | Broken]) -> Outcome:
        """Put every entry of a file into the library."""
        outcome = Outcome()
        for entry in entries:
            if isinstance(entry, Broken):
                outcome.broken.append(entry)
                continue
            if not entry.record.title:
                outcome.skipped["no title"] += 1
                continue
            before = self.index.find(entry.record)
            record, new = self.file(entry.record, entry.note)
            (outcome.new if new else outcome.known).append(record)
            if not new and before is not None and not notes.same(before, record):
                outcome.completed.append(record)
        return outcome

    def would_be(self, records: Iterable[Record]) -> tuple[list[Record], list[Record]]:
        """Which of `records` are new and which are known (as the library has them), without writing anything."""
        new: list[Record] = []
        known: list[Record] = []
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

    @property
    def _stems(self) -> set[str]:
        return {path.stem for path in self._home.glob("*.md")}


def _authors(record: Record) -> str:
    return plain_title(" ".join(name.plain for name in record.authors))


def _bare(link: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", link.strip(), flags=re.IGNORECASE).rstrip("/").lower()
