"""Records in other programs' formats: what is written can be read back, and what others write is understood."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import HeadwayError
from headway.papers import bibtex, csl, ris, zotero
from headway.papers.entries import Broken, Entry
from headway.papers.formats import read_file, write
from headway.papers.latex import decode, encode, encode_title
from headway.papers.notes import front
from headway.papers.notes import read as read_note
from headway.papers.records import KINDS, Name, Record, arxiv_id, doi, read_name, tidy

# -- the law: out and in again gives the same records ----------------------------------------------------------------------

LETTERS = "abcXYZ 0129 &%$#_{}\\~^\"'`-–—“”@,;:.!?()[]<>|*/+= éöñçřşőåøßæłıĀΩλ中文日本 and others et al. $x^2$ \u200d🙂"
text = st.text(st.sampled_from(LETTERS), max_size=30) | st.text(max_size=20)
words = st.sampled_from(
    [
        "BERT:",
        "GPT-2",
        "and",
        "others",
        "The",
        "1,000",
        "{",
        "}",
        "\\&",
        "$k$-NN",
        "100%",
        "C#",
        "a_b",
        "Ångström",
        "ER  - x",
        "TY  -",
        "@misc{",
    ]
)
titles = st.lists(words | text, min_size=1, max_size=5).map(" ".join).filter(lambda title: tidy(title))
part = (
    st.sampled_from(
        [
            "van Merriënboer",
            "de la Cruz",
            "O'Neill",
            "Ba",
            "Łukasz",
            "Bart",
            "J.",
            "García Márquez",
            "王",
            "and",
            "Smith, Inc",
        ]
    )
    | text
)
names = st.one_of(
    st.builds(Name, part, part, st.sampled_from(["", "", "Jr.", "III"])),
    st.sampled_from(
        [Name("Plato"), Name("Gemma Team"), Name("DeepSeek-AI"), Name("Barnes and Noble, Inc."), Name("x")]
    ),
)
maybe = st.none() | text
records = st.builds(
    Record,
    key=st.from_regex(r"[A-Za-z][A-Za-z0-9_.+-]{0,12}[A-Za-z0-9]", fullmatch=True),
    title=titles,
    authors=st.lists(names, max_size=4).map(tuple),
    others=st.booleans(),
    year=st.none() | st.integers(1000, 2999),
    kind=st.sampled_from(KINDS),
    venue=maybe | st.sampled_from(["Journal of {Odd} Things", "ICLR 2015", "arXiv"]),
    arxiv=st.sampled_from([None, "1706.03762", "1412.6980v9", "hep-th/9901001", "math.GT/0309136v1"]),
    doi=st.sampled_from([None, "10.1162/neco.1997.9.8.1735", "10.1002/(SICI)1097-0258(19980815)17:15<1661::AID_SIM968>3.0.CO;2-2", "10.1000/a%b#c&d"]),
    url=st.sampled_from([None, "https://example.org/a_b%20c?x=1&y={z}#~d", "http://arxiv.org/abs/1706.03762", "https://doi.org/10.1000/xyz"]),
    volume=maybe,
    issue=st.sampled_from([None, "8", "3--4"]),
    pages=st.sampled_from([None, "5998-6008", "1735–1780", "1:1--1:35", "e12"]),
    publisher=maybe,
    topics=st.lists(st.sampled_from(["attention", "layer-norm", "surveys"]), max_size=2).map(tuple),
)  # fmt: skip


def one(module, text: str) -> Record:
    entries = list(module.read(text))
    assert [type(entry) for entry in entries] == [Entry], (text, entries)
    return entries[0].record


@given(records)
@settings(max_examples=150)
def test_bibtex_gives_back_what_it_was_given(record: Record) -> None:
    written = bibtex.write([record])
    assert one(bibtex, written) == record
    depth = 0
    for c in written:  # as BibTeX counts: a backslash does not hide a brace
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    for line in written.splitlines():
        if line.startswith(("  title", "  author", "  journal")):
            assert not re.search(r"(?<!\\)[%$#&_]", line.split("=", 1)[1]), line


@given(records)
@settings(max_examples=100)
def test_ris_gives_back_what_it_was_given(record: Record) -> None:
    assert one(ris, ris.write([record])) == record


@given(records)
@settings(max_examples=60)
def test_csl_gives_back_what_it_was_given(record: Record) -> None:
    assert one(csl, csl.write([record])) == record


@given(records)
@settings(max_examples=60)
def test_zotero_gives_back_what_it_was_given(record: Record) -> None:
    back = zotero.to_record(json.loads(json.dumps(zotero.to_item(record))))
    for field in ("key", "title", "authors", "others", "year", "arxiv", "doi", "url", "topics", "kind"):
        assert getattr(back, field) == getattr(record, field), field


@given(records)
@settings(max_examples=60)
def test_a_notes_front_matter_gives_back_what_it_was_given(tmp_path_factory, record: Record) -> None:
    path = tmp_path_factory.getbasetemp() / "any.md"
    path.write_text(front(record, "2026-11-24"), encoding="utf-8", newline="")
    note = read_note(path)
    assert note.record == record
    assert note.ours
    assert note.added == "2026-11-24"


@given(st.lists(records, max_size=4, unique_by=lambda record: record.key))
@settings(max_examples=15)
def test_several_keep_their_order(some: list[Record]) -> None:
    for module in (bibtex, ris, csl):
        assert [entry.record for entry in module.read(module.write(some))] == some


@given(text)
@settings(max_examples=150)
def test_tex_gives_back_every_text(some: str) -> None:
    some = tidy(some)
    assert tidy(decode(encode(some))) == some
    assert tidy(decode(encode_title(some))) == some


@given(st.one_of(names, st.builds(Name, text, text)))
@settings(max_examples=150)
def test_a_name_as_text_is_that_name(name: Name) -> None:
    if name:
        assert read_name(str(name)) == name


@given(st.text(max_size=200) | st.text(st.sampled_from('@misc{k, title="x}\n =#"AUTY  -ER[]:,0'), max_size=120))
@settings(max_examples=100)
def test_nothing_that_can_be_typed_is_an_exception(some: str) -> None:
    for module in (bibtex, ris, csl):
        list(module.read(some))
    arxiv_id(some), doi(some), read_name(some), decode(some)
