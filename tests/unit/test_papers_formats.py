"""Records in other programs' formats: what is written can be read back, and what others write is understood."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.base.errors import HeadwayError
from headway.base.paper import KINDS, Name, Paper, arxiv_id, doi, read_name, tidy
from headway.learn.path import the_path
from headway.papers import bibtex, csl, ris, zotero
from headway.papers.entries import Broken, PaperEntry
from headway.papers.formats import read_file, write
from headway.papers.latex import decode, encode, encode_title
from headway.papers.notes import front
from headway.papers.notes import read as read_note

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
DOIS = [
    None,
    "10.1162/neco.1997.9.8.1735",
    "10.1002/(SICI)1097-0258(19980815)17:15<1661::AID_S>3.0.CO;2-2",
    "10.1000/a%b#c&d",
]
URLS = [
    None,
    "https://example.org/a_b%20c?x=1&y={z}#~d",
    "http://arxiv.org/abs/1706.03762",
    "https://doi.org/10.1000/xyz",
]
records = st.builds(
    Paper,
    key=st.from_regex(r"[A-Za-z][A-Za-z0-9_.+-]{0,12}[A-Za-z0-9]", fullmatch=True),
    title=titles,
    authors=st.lists(names, max_size=4).map(tuple),
    others=st.booleans(),
    year=st.none() | st.integers(1000, 2999),
    kind=st.sampled_from(KINDS),
    venue=maybe | st.sampled_from(["Journal of {Odd} Things", "ICLR 2015", "arXiv"]),
    arxiv=st.sampled_from([None, "1706.03762", "1412.6980v9", "hep-th/9901001", "math.GT/0309136v1"]),
    doi=st.sampled_from(DOIS),
    url=st.sampled_from(URLS),
    volume=maybe,
    issue=st.sampled_from([None, "8", "3--4"]),
    pages=st.sampled_from([None, "5998-6008", "1735–1780", "1:1--1:35", "e12"]),
    publisher=maybe,
    topics=st.lists(st.sampled_from(["attention", "layer-norm", "surveys"]), max_size=2).map(tuple),
)  # fmt: skip


def one(module, text: str) -> Paper:
    entries = list(module.read(text))
    assert [type(entry) for entry in entries] == [PaperEntry], (text, entries)
    return entries[0].record


@given(records)
@settings(max_examples=80)
def test_bibtex_gives_back_what_it_was_given(record: Paper) -> None:
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
def test_ris_gives_back_what_it_was_given(record: Paper) -> None:
    assert one(ris, ris.write([record])) == record


@given(records)
@settings(max_examples=60)
def test_csl_gives_back_what_it_was_given(record: Paper) -> None:
    assert one(csl, csl.write([record])) == record


@given(records)
@settings(max_examples=60)
def test_zotero_gives_back_what_it_was_given(record: Paper) -> None:
    back = zotero.to_record(json.loads(json.dumps(zotero.to_item(record))))
    for field in ("key", "title", "authors", "others", "year", "arxiv", "doi", "url", "topics", "kind"):
        assert getattr(back, field) == getattr(record, field), field


@given(records)
@settings(max_examples=60)
def test_a_notes_front_matter_gives_back_what_it_was_given(tmp_path_factory, record: Paper) -> None:
    path = tmp_path_factory.getbasetemp() / "any.md"
    path.write_text(front(record, "2026-11-24"), encoding="utf-8", newline="")
    note = read_note(path)
    assert note.record == record
    assert note.ours
    assert note.added == "2026-11-24"


@given(st.lists(records, max_size=4, unique_by=lambda record: record.key))
@settings(max_examples=8)
def test_several_keep_their_order(some: list[Paper]) -> None:
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
@settings(max_examples=60)
def test_nothing_that_can_be_typed_is_an_exception(some: str) -> None:
    for module in (bibtex, ris, csl):
        list(module.read(some))
    arxiv_id(some), doi(some), read_name(some), decode(some)


# -- what other programs write ---------------------------------------------------------------------------------------------

ZOTERO_BIB = r"""
@article{vaswani_attention_2017,
	title = {Attention {Is} {All} {You} {Need}},
	volume = {30},
	url = {http://arxiv.org/abs/1706.03762},
	doi = {10.48550/arXiv.1706.03762},
	abstract = {The dominant sequence \& models {\textbar} 100\% \$x_1\$ @article\{not\}},
	urldate = {2024-01-02},
	journal = {arXiv:1706.03762 [cs]},
	author = {Vaswani, Ashish and Kaiser, {\L}ukasz and van den Oord, A{\"a}ron},
	month = jun,
	year = {2017},
	note = {Comment: 15 pages, 5 figures},
	keywords = {Computer Science - Machine Learning, headway/attention},
	file = {arXiv Fulltext PDF:/home/me/Zotero/Vaswani - 2017.pdf:application/pdf;Snap\:shot:C\:\\x.html:text/html},
	annotation = {My own words on it: 100\% worth it.
Second line.},
}

@comment{jabref-meta: databaseType:bibtex;}
@string{neurips = "Advances in Neural Information Processing Systems"}

@InProceedings(brown:2020,
  Author = "Tom B. Brown and Benjamin Mann and others",
  TITLE = {Language Models are Few-Shot Learners},
  booktitle = neurips # " 33",
  pages = {1877--1901}, year = 2020, month = dec # "~6"
)

@article{broken2021,
  title = {This one never closes,
  year = {2021}

@misc{noyear, title = {A {\'E}tude of \emph{na\"{\i}ve} $\alpha$-{$k$}NN -- {part} 2},
  author = {{OpenAI} and \'Alvarez, Jos\'e and D{\'\i}az, Mar{\'\i}a},
  howpublished = {\url{https://example.org/a_b}}}

@phdthesis{x yü, title = "Thesis on {"}quotes{"}", author = {Sutskever, Ilya}, school = {University of Toronto}, year = {{2013}}}

@book{, title = {No Key}, editor = {Doe, Jane}, date = {2019-05}, month = unknownmonth}

@article{missingcomma, title = {A} year = 2001}
@article{empty, title = {}, year = 2002}
"""


def test_bibtex_as_zotero_and_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "library.bib"
    path.write_text(ZOTERO_BIB, encoding="utf-8-sig")
    entries = read_file(path)
    good = {entry.record.key: entry for entry in entries if isinstance(entry, PaperEntry)}
    broken = {entry.line: entry.why for entry in entries if isinstance(entry, Broken)}
    lines = ZOTERO_BIB.splitlines()
    assert [lines[line - 1].split("{")[1][:8] for line in broken] == ["broken20", "missingc"]
    first = good["vaswani_attention_2017"].record
    assert (first.title, first.arxiv, first.doi, first.year, first.kind) == (
        "Attention Is All You Need",
        "1706.03762",
        None,
        2017,
        "preprint",
    )
    assert [str(name) for name in first.authors] == ["Ashish Vaswani", "Łukasz Kaiser", "Aäron van den Oord"]
    assert first.topics == ("attention",)
    assert good["vaswani_attention_2017"].note.startswith("My own words on it: 100% worth it.")
    second = good["brown-2020"].record
    assert (second.venue, second.pages, second.others, len(second.authors)) == (
        "Advances in Neural Information Processing Systems 33",
        "1877-1901",
        True,
        2,
    )
    third = good["noyear"].record
    assert third.title == "A Étude of naïve α-kNN – part 2"
    assert [name.plain for name in third.authors] == ["OpenAI", "José Álvarez", "María Díaz"]
    assert (third.year, third.url) == (None, "https://example.org/a_b")
    thesis = good["x-yu"].record
    assert (thesis.title, thesis.kind, thesis.year, thesis.venue) == (
        'Thesis on "quotes"',
        "thesis",
        2013,
        "University of Toronto",
    )
    assert good[""].record.title == "No Key"
    assert good[""].record.year == 2019
    assert good["empty"].record.title == ""


CROSSREF = """
@inproceedings{child, title={Child}, author={Doe, Jane}, crossref={Parent-2020}, pages={1--2}, doi={10.1000/child}}
@proceedings{parent-2020, title={Proceedings of Something}, editor={Boss, Big}, year={2020}, publisher={P}, doi={10.1000/all}}
@misc{self, title={Self}, crossref={self}}
"""


def test_a_crossref_lends_what_is_missing() -> None:
    child, _, own = [entry.record for entry in bibtex.read(CROSSREF)]
    assert (child.venue, child.year, child.publisher, child.doi) == (
        "Proceedings of Something",
        2020,
        "P",
        "10.1000/child",
    )
    assert [name.plain for name in child.authors] == ["Jane Doe"]
    assert own.title == "Self"


def test_files_made_to_be_slow_or_deep_are_borne() -> None:
    assert len(list(bibtex.read("@article{a, title={x\n" * 3000))) == 3000
    assert one(bibtex, "@article{a, title=" + "{" * 3000 + "x" + "}" * 3000 + "}").title == "x"
    assert decode("{" * 5000 + "x" + "}" * 5000) == "x"
    assert [type(entry) for entry in csl.read("[" + "[" * 100000)] == [Broken]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.bib"
    path.write_bytes(
        "@article{a,\r\n title = {Über Schrödinger},\r\n author = {Müller, Jürgen},\r\n year = 1999}\r\n".encode(
            encoding
        )
    )
    (entry,) = read_file(path)
    assert isinstance(entry, PaperEntry)
    assert (entry.record.title, entry.record.authors) == ("Über Schrödinger", (Name("Müller", "Jürgen"),))


GOOGLE_SCHOLAR = """@article{vaswani2017attention,
  title={Attention is all you need},
  author={Vaswani, Ashish and Shazeer, Noam and others},
  journal={Advances in neural information processing systems},
  volume={30},
  year={2017}
}
@article{touvron2023llama,
  title={Llama: Open and efficient foundation language models},
  author={Touvron, Hugo},
  journal={arXiv preprint arXiv:2302.13971},
  year={2023}
}"""


def test_bibtex_as_google_scholar_writes_it() -> None:
    first, second = [entry.record for entry in bibtex.read(GOOGLE_SCHOLAR)]
    assert (first.volume, first.others, first.kind) == ("30", True, "article")
    assert (second.arxiv, second.venue, second.kind) == ("2302.13971", None, "preprint")


RIS = """Provider: somebody
Database: something

TY  - JOUR
TI  - A title that goes on
 in the next line
AU  - van Merriënboer, Bart
AU  - King, Martin Luther, Jr.
A1  - First, Comes
PY  - 2014/06/03/
JO  - Nature
SP  - 1
EP  - 9
DO  - https://doi.org/10.1000/ABC
N1  - a note
KW  - headway/seq2seq
L1  - file.pdf
ER  -

TY  - CONF
T1  - Without its end
A1  - Doe, Jane
Y1  - 2020///
UR  - https://arxiv.org/abs/2005.14165
TY  - GEN
ER  -
AB  - out of place
ER  -
TY  - THES
AU  - Nobody
ER  -
"""


def test_ris_as_zotero_mendeley_and_publishers_write_it() -> None:
    entries = list(ris.read("\ufeff".join(["", RIS])[1:]))
    good = [entry.record for entry in entries if isinstance(entry, PaperEntry)]
    assert [entry.line for entry in entries if isinstance(entry, Broken)] == [25, 27]
    first, second, out_of_place, last = good
    assert first.title == "A title that goes on in the next line"
    merriënboer, king = Name("van Merriënboer", "Bart"), Name("King", "Martin Luther", "Jr.")
    assert first.authors == (Name("First", "Comes"), merriënboer, king)
    assert (first.year, first.venue, first.pages, first.doi, first.topics) == (
        2014,
        "Nature",
        "1-9",
        "10.1000/abc",
        ("seq2seq",),
    )
    assert (second.title, second.arxiv, second.year, second.kind) == (
        "Without its end",
        "2005.14165",
        2020,
        "conference",
    )
    assert (out_of_place.title, last.title) == ("", "")


def test_csl_with_a_broken_entry_in_the_middle() -> None:
    authors = [{"family": "Berg", "given": "Ann", "non-dropping-particle": "van den"}, {"literal": "A Team"}]
    item = {"id": "http://zotero.org/users/1/items/AB", "type": "article-journal", "title": "T <i>x</i>"}
    good = json.dumps({**item, "issued": {"raw": "May 2003"}, "author": authors})
    text = (
        "[\n  "
        + good
        + ',\n  {"title": "cut off,\n  "type": 3},\n  {"title": "After", "issued": {"date-parts": [["2001", 2]]}},\n  7\n]'
    )
    entries = list(csl.read(text))
    records = [entry.record for entry in entries if isinstance(entry, PaperEntry)]
    assert [record.title for record in records] == ["T x", "After"]
    assert [record.year for record in records] == [2003, 2001]
    assert records[0].authors == (Name("van den Berg", "Ann"), Name("A Team"))
    assert [entry.line for entry in entries if isinstance(entry, Broken)] == [3, 6]


def test_what_is_no_bibliography_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.bib"
    path.write_text("Dear diary")
    with pytest.raises(HeadwayError, match="neither BibTeX"):
        read_file(path)
    with pytest.raises(HeadwayError, match="is a folder"):
        read_file(tmp_path)
    path.write_text("")
    assert read_file(path) == []


def test_capitals_that_are_meant_are_protected() -> None:
    assert (
        encode_title("BERT: Pre-training of Deep Bidirectional Transformers")
        == "{BERT:} Pre-training of Deep Bidirectional Transformers"
    )
    assert encode_title("A survey of the Transformer and its kin") == "A survey of the {Transformer} and its kin"
    assert encode_title("GPT-2 and α") == "{GPT-2} and α"
    assert encode("50% of R&D, C#, a_b, {x}, ~^\\") == (
        r"50\% of R\&D, C\#, a\_b, {\textbraceleft}x{\textbraceright}, {\textasciitilde}{\textasciicircum}{\textbackslash}"
    )
    assert bibtex.write([Paper(key="k", title="T", authors=(Name("Łukasz Kaiser"), Name("O, and P")))]).splitlines()[
        2
    ] == (r"  author = {{{\L}ukasz Kaiser} and {O, and P}},")


@pytest.mark.parametrize(
    ("some", "name"),
    [
        ("Bart van Merriënboer", Name("van Merriënboer", "Bart")),
        ("van der Berg, Ann", Name("van der Berg", "Ann")),
        ("Martin Luther King Jr.", Name("King", "Martin Luther", "Jr.")),
        ("Sammy Davis, Jr.", Name("Davis", "Sammy", "Jr.")),
        ("Juan Carlos de la Cruz", Name("de la Cruz", "Juan Carlos")),
        ("Gemma Team", Name("Gemma Team")),
        ("Plato", Name("Plato")),
        ("{Barnes and Noble, Inc.}", Name("Barnes and Noble, Inc.")),
        ("García Márquez, Gabriel", Name("García Márquez", "Gabriel")),
    ],
)  # fmt: skip
def test_names(some: str, name: Name) -> None:
    assert read_name(some) == name


@pytest.mark.parametrize(
    ("some", "id"),
    [
        ("1706.03762v7", "1706.03762"), ("arXiv:1706.03762 [cs]", "1706.03762"),
        ("http://export.arxiv.org/pdf/2401.00001v1.pdf", "2401.00001"),
        ("https://arxiv.org/abs/hep-th/9901001v3", "hep-th/9901001"), ("math.GT/0309136", "math/0309136"),
        ("https://huggingface.co/papers/2405.21060", "2405.21060"),
        ("https://doi.org/10.48550/arXiv.2405.21060", "2405.21060"), ("https://www.arxiv.org/html/2405.21060v2#S1", "2405.21060"),
        ("17060.3762", None), ("1706.03762.1", None), ("", None),
    ],
)  # fmt: skip
def test_arxiv_ids(some: str, id: str | None) -> None:
    assert arxiv_id(some) == id


def test_the_records_of_the_path_are_whole_and_come_back_from_every_format() -> None:
    records = list(the_path().papers.values())
    assert len(records) > 80
    for record in records:
        assert record.title, record.key
        assert record.authors, record.key
        assert record.year, record.key
        assert record.topics, record.key
        assert record.link or record.venue, record.key
    plain = [record.bare for record in records]
    for form, module in (("bibtex", bibtex), ("ris", ris), ("csl", csl)):
        assert [entry.record for entry in module.read(write(records, form))] == plain, form
    text = write(records, "markdown", {"layer-norm": "Layer norm"})
    assert "## Layer norm" in text
    assert text.count("\n- ") == len(records)
