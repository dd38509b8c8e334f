"""arXiv, DOIs and Zotero over real HTTP, against doubles on this machine: what comes, what is refused, what is written."""

from __future__ import annotations

import dataclasses
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from support.registries import Registries
from support.zotero_server import Library, ZoteroServer

from headway.base.errors import HeadwayError, Offline
from headway.learn.workspace import create
from headway.papers import fetch
from headway.papers import zotero as zotero_module
from headway.papers.zotero import LibraryPart, Zotero, place

PAPERS = {
    "2401.12345": {"title": "A New Thing: $k$-NN & Friends", "authors": ["Ada Lovelace", "Bart van Merriënboer"], "year": 2024,
        "doi": "10.1000/XYZ"},
    "hep-th/9901001": {"title": "Old Strings", "authors": ["The ATLAS Collaboration"], "year": 1999},
}  # fmt: skip
DOIS = {
    "10.1145/3292500.3330701": {
        "type": "proceedings-article", "title": ["Optuna &amp; <i>Friends</i>"], "container-title": ["KDD '19"],
        "DOI": "10.1145/3292500.3330701",
        "author": [{"family": "Akiba", "given": "Takuya"}, {"name": "Preferred Networks", "sequence": "additional"}],
        "issued": {"date-parts": [[2019, 7, 25]]}, "page": "2623-2631", "URL": "http://dx.doi.org/10.1145/3292500.3330701",
    },
    "10.1000/html": "<html>a page</html>",
    "10.1000/untitled": {"type": "book", "title": []},
}  # fmt: skip


@pytest.fixture
def registries(monkeypatch):
    server = Registries(PAPERS, DOIS)
    monkeypatch.setenv("HEADWAY_ARXIV_API", f"{server.url}/api/query")
    monkeypatch.setenv("HEADWAY_DOI", server.url)
    monkeypatch.setattr(fetch, "LIMITS", dataclasses.replace(fetch.LIMITS, pause=0.01))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch):
    workspace = create(tmp_path / "w")
    workspace.plan.write_text("- [ ] Zotero\n- [ ] Read two surveys of transformers\n")
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(workspace.root))
    return workspace


# -- arXiv and DOI ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what", ["2401.12345", "arXiv:2401.12345v3", "https://arxiv.org/pdf/2401.12345v2.pdf", "10.48550/arXiv.2401.12345"]
)
def test_any_way_of_naming_an_arxiv_paper_files_it(say, home, registries, what) -> None:
    code, out, err = say("papers", "add", what, "--topic", "efficient")
    assert (code, err) == (0, "")
    assert "filed lovelace2024new" in out
    text = (home.papers / "lovelace2024new.md").read_text(encoding="utf-8")
    for part in (
        'title: "A New Thing: $k$-NN & Friends"',
        '- "Bart van Merriënboer"',
        "year: 2024",
        'arxiv: "2401.12345"',
        'doi: "10.1000/xyz"',
        "topics: [efficient]",
    ):
        assert part in text, part
    asked = len(registries.asked)
    assert "known lovelace2024new" in say("papers", "add", "https://arxiv.org/abs/2401.12345")[1]
    assert len(registries.asked) == asked, "what is filed is not asked for again"
    assert "lovelace2024new" in say("papers", "--topic", "efficient")[1]


def test_several_in_one_question_and_old_ids(say, home, registries) -> None:
    code, out, _ = say("papers", "add", "https://arxiv.org/abs/hep-th/9901001v2", "2401.12345")
    assert code == 0
    assert out.count("filed") == 2
    assert len(registries.asked) == 1
    assert '  - "The ATLAS Collaboration"' in (home.papers / "theatlascollaboration1999old.md").read_text()


def test_what_the_path_knows_needs_no_network(say, home, registries) -> None:
    assert "filed transformer: Vaswani et al. 2017" in say("papers", "add", "https://arxiv.org/pdf/1706.03762v7")[1]
    assert "filed lstm" in say("papers", "add", "https://doi.org/10.1162/NECO.1997.9.8.1735")[1]
    assert (
        "filed survey-lin"
        in say("papers", "add", "https://www.sciencedirect.com/science/article/pii/S2666651022000146")[1]
    )
    assert registries.asked == []


def test_a_doi_by_its_registry(say, home, registries) -> None:
    code, out, err = say("papers", "add", "https://dl.acm.org/doi/pdf/10.1145/3292500.3330701?download=true")
    assert (code, err) == (0, "")
    assert "Optuna & Friends" in out
    assert registries.asked[0][1] == registries.asked[1][1] == "application/vnd.citationstyles.csl+json"
    text = next(home.papers.glob("akiba*.md")).read_text()
    for part in (
        '- "Takuya Akiba"',
        '- "{Preferred Networks}"',
        "kind: conference",
        'venue: "KDD \'19"',
        'pages: "2623-2631"',
        "year: 2019",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("2401.99999", "arXiv knows no 2401.99999"),
        ("10.1000/nothing", "doi.org knows no 10.1000/nothing"),
        ("10.1000/html", "gives no record"),
        ("10.1000/untitled", "has no title"),
        ("https://www.sciencedirect.com/science/article/pii/S0000000000000001", "papers add DOI"),
        ("https://example.org/paper", "--title"),
        ("no such words in any title", "there is no paper"),
        ("missing.bib", "there is no file"),
    ],
)
def test_what_cannot_be_filed_is_one_line(say, home, registries, what, said) -> None:
    code, out, err = say("papers", "add", what)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert list(home.papers.iterdir()) == []


def test_a_busy_server_is_asked_again_and_a_broken_one_not_for_ever(home, registries) -> None:
    registries.trouble = [(503, {}), (429, {"Retry-After": "0"}), "cut"]
    assert fetch.from_arxiv(["2401.12345"])["2401.12345"].year == 2024
    assert len(registries.asked) == 4
    registries.trouble = [(429, {"Retry-After": "3600"})]
    with pytest.raises(HeadwayError, match="asks to wait 3600 s"):
        fetch.from_arxiv(["2401.12345"])
    registries.trouble = [(503, {"Retry-After": formatdate(time.time() + 900, usegmt=True)})]
    with pytest.raises(HeadwayError, match="asks to wait"):
        fetch.from_doi("10.1145/3292500.3330701")
    registries.trouble = [(503, {})] * fetch.LIMITS.tries
    with pytest.raises(Offline, match="HTTP 503, 4 tries"):
        fetch.from_arxiv(["2401.12345"])
    registries.trouble = [(403, {})]
    with pytest.raises(HeadwayError, match="refuses"):
        fetch.from_arxiv(["2401.12345"])


def test_offline_is_one_line_that_says_what_to_do_and_by_hand_works(say, home, monkeypatch) -> None:
    monkeypatch.setenv("HEADWAY_ARXIV_API", "http://127.0.0.1:9/api/query")
    monkeypatch.setenv("HEADWAY_DOI", "http://127.0.0.1:9")
    for what in ("2401.12345", "10.1000/xyz"):
        code, _, err = say("papers", "add", what)
        assert code == 2
        assert f"headway papers add {what} --title" in " ".join(err.split())
    words = [
        "papers",
        "add",
        "2401.12345",
        "--title",
        "By Hand: {odd} & 100%",
        "--author",
        "Lovelace, Ada",
        "--author",
        "Gemma Team",
        "--year",
        "2024",
    ]
    code, out, err = say(*words)
    assert (code, err) == (0, "")
    assert "filed lovelace2024hand" in out
    code, out, err = say("papers", "export", "2401.12345")
    assert "author = {Lovelace, Ada and {Gemma Team}}" in out
    assert "eprint = {2401.12345}" in out
    for wrong in (
        ["--author", "X"],
        ["a", "b", "--title", "T"],
        ["--title", "T", "--year", "20"],
        ["word", "--title", "T"],
    ):
        code, _, err = say("papers", "add", *wrong)
        assert (code, err.count("\n")) == (2, 1)


def test_arxivs_page_about_an_error_is_no_paper() -> None:
    with pytest.raises(HeadwayError, match="web page"):
        fetch.read_atom(b"<!DOCTYPE html><html>Rate exceeded</html>")
    with pytest.raises(HeadwayError, match="cannot be read"):
        fetch.read_atom(b"<feed><entry>")
    error = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/api/errors#x</id><title>Error</title></entry></feed>'
    assert fetch.read_atom(error) == []


# -- Zotero ----------------------------------------------------------------------------------------------------------------

ITEMS = [
    {"itemType": "preprint", "title": "Mamba-3", "creators": [{"creatorType": "author", "firstName": "Albert", "lastName": "Gu"}],
     "date": "2025-03-01", "archiveID": "arXiv:2503.11111", "repository": "arXiv", "extra": "Citation Key: gu2025mamba3"},
    {"itemType": "journalArticle", "title": "Attention is all you need", "date": "12 Jun 2017", "DOI": "", "extra": "",
     "creators": [{"creatorType": "author", "firstName": "A.", "lastName": "Vaswani"}], "url": "http://arxiv.org/abs/1706.03762"},
    {"itemType": "book", "title": "Safety, a <i>Survey</i>", "date": "in press", "extra": "DOI: 10.1000/BOOK",
     "creators": [{"creatorType": "editor", "name": "AI Safety Group"}]},
    {"itemType": "attachment", "title": "Full Text PDF"},
    {"itemType": "note", "note": "<p>mine</p>"},
    {"itemType": "webpage", "title": "", "creators": []},
    {"itemType": "conferencePaper", "title": "Another Paper", "creators": [], "date": "2020", "proceedingsTitle": "ICML"},
]  # fmt: skip


@pytest.fixture
def zotero(monkeypatch):
    mine, group, closed = (
        Library(readers=("reader",), writers=("writer",)),
        Library(public=True, writers=("writer",)),
        Library(),
    )
    server = ZoteroServer(
        {"users/4242": mine, "groups/2420932": group, "groups/1": closed}, {"writer": 4242, "reader": 4242}
    )
    collection = group.add_collection("TAI safety")
    for item in ITEMS:
        group.add({**item, "collections": [collection]})
    monkeypatch.setenv("HEADWAY_ZOTERO_API", server.url)
    monkeypatch.delenv("ZOTERO_LIBRARY_ID", raising=False)
    monkeypatch.delenv("ZOTERO_API_KEY", raising=False)
    yield server
    server.shutdown()
    server.server_close()


def test_an_address_of_zotero_says_what_is_meant() -> None:
    group = "https://www.zotero.org/groups/2420932/tai_safety_bibliography"
    assert place(group) == LibraryPart("2420932")
    assert place(f"{group}/collections/ABCD1234/items/XF2554Q3/item-list") == LibraryPart(
        "2420932", items=("XF2554Q3",)
    )
    assert place(f"{group}/collections/ABCD1234") == LibraryPart("2420932", collection="ABCD1234")
    assert place(f"{group}/search/large%20language%20mode/titleCreatorYear/items/XF2554Q3/item-list") == LibraryPart(
        "2420932", items=("XF2554Q3",)
    )
    assert place(f"{group}/search/large%20language%20mode/titleCreatorYear/item-list").search == "large language mode"
    assert place("https://www.zotero.org/someone/collections/ABCD1234/collection") == LibraryPart(
        None, collection="ABCD1234"
    )
    assert place("Transformers", "5") == LibraryPart("5", collection="Transformers")
    assert place(None) == LibraryPart()


def test_pulling_a_public_group_lists_first_and_files_with_yes(say, home, zotero) -> None:
    words = ["papers", "zotero", "pull", "tai safety", "--group", "2420932"]
    code, out, err = say(*words)
    assert code == 0
    assert "+ Gu 2025, Mamba-3" in out
    assert "= transformer:" in out
    assert "3 new, 1 known, 1 without a title. Nothing was written" in err
    assert list(home.papers.iterdir()) == []
    assert sum("start=" in line for line in zotero.asked) >= 2, "paging"
    code, out, err = say(*words, "--yes")
    assert code == 0
    assert "3 new, 1 known, 1 skipped: no title" in err
    assert (home.papers / "gu2025mamba3.md").exists()
    book = next(path for path in home.papers.iterdir() if "Survey" in path.read_text())
    for part in ('title: "Safety, a Survey"', "AI Safety Group", 'doi: "10.1000/book"', "kind: book", "year:\n"):
        assert part in book.read_text()
    assert "0 new, 4 known" in say(*words, "--yes")[2]
    note = home.papers / "gu2025mamba3.md"
    note.write_text(note.read_text().replace("year: 2025", "year: 2026") + "mine\n")
    before = note.read_bytes()
    say(*words, "--yes")
    assert note.read_bytes() == before


def test_items_and_searches_by_their_address(say, home, zotero) -> None:
    key = next(key for key, item in zotero.libraries["groups/2420932"].items.items() if item["title"] == "Mamba-3")
    base = "https://www.zotero.org/groups/2420932/tai_safety_bibliography"
    out = say(
        "papers", "zotero", "pull", f"{base}/search/large%20language%20mode/titleCreatorYear/items/{key}/item-list"
    )[1]
    assert out.splitlines() == ["+ Gu 2025, Mamba-3"]
    out = say("papers", "zotero", "pull", f"{base}/search/another/titleCreatorYear")[1]
    assert out.splitlines() == ["+ ? 2020, Another Paper"]
    assert any("q=another" in line and "qmode=titleCreatorYear" in line for line in zotero.asked)


def test_what_zotero_refuses_is_one_line(say, home, zotero, monkeypatch) -> None:
    def no(*words: str) -> str:
        code, out, err = say("papers", "zotero", *words)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        return err

    assert "ZOTERO_API_KEY" in no("pull", "--web")
    assert "not public" in no("pull", "--group", "1")
    assert "has no" in no("pull", "--group", "77")
    assert "Did you mean 'TAI safety'" in no("pull", "TAI safty", "--group", "2420932")
    assert "has no NOPE" in no("pull", "https://www.zotero.org/groups/2420932/x/items/NOPE")
    assert "needs a key" in no("push", "New", "--group", "2420932")
    monkeypatch.setenv("ZOTERO_API_KEY", "wrong")
    assert "names no collection" in no("push", "https://www.zotero.org/groups/2420932/x")
    assert "may not do this" in no("pull")
    monkeypatch.setenv("ZOTERO_API_KEY", "reader")
    code, _, err = say("papers", "zotero", "push", "New", "adam", "--yes")
    assert (code, err.count("\n")) == (2, 1)
    assert "may not do this" in err
    zotero.trouble = [(429, {"Retry-After": "3600"}, "slow")]
    assert "asks to wait" in no("pull")
    zotero.trouble = [(200, {"Content-Type": "application/json"}, "[1, 2")]
    assert "not Zotero's" in no("pull")
    zotero.trouble = [(500, {"Retry-After": "0"}, "oops")] * zotero_module.TRIES
    assert "refuses (HTTP 500)" in no("pull")
    monkeypatch.setenv("HEADWAY_ZOTERO_API", "http://127.0.0.1:9")
    assert "does not answer" in no("pull", "--group", "2420932")


def test_a_busy_zotero_is_waited_for(say, home, zotero) -> None:
    zotero.trouble = [(429, {"Retry-After": "0.01"}, "slow"), (503, {"Retry-After": "0"}, "busy")]
    began = time.monotonic()
    code, _, err = say("papers", "zotero", "--group", "2420932")
    assert code == 0
    assert "1 collections in group 2420932" in err
    assert time.monotonic() - began < 5


def test_pushing_lists_first_then_writes_tags_and_a_second_time_nothing(say, home, zotero, monkeypatch) -> None:
    monkeypatch.setenv("ZOTERO_API_KEY", "writer")
    library = zotero.libraries["users/4242"]
    there = {**ITEMS[1], "tags": [{"tag": "to read"}], "collections": ["OTHER000"], "abstractNote": "mine"}
    there_key = library.add(there)
    words = ["papers", "zotero", "push", "Headway", "adam", "transformer", "gemma", "lstm"]
    code, _, err = say(*words)
    assert code == 0
    assert "3 new, 1 to tag, 0 as they are. Nothing was written" in err
    assert not any(line.startswith("POST") for line in zotero.asked)
    code, _, err = say(*words, "--yes")
    assert code == 0, err
    assert "4 written, 0 refused" in err
    collection = next(iter(library.collections))
    mine = library.items[there_key]
    assert mine["tags"] == [{"tag": "to read"}, {"tag": "headway/attention"}, {"tag": "headway/transformer"}]
    assert mine["collections"] == ["OTHER000", collection]
    assert (mine["abstractNote"], mine["title"]) == ("mine", "Attention is all you need")
    items = {item["title"]: item for item in library.items.values()}
    adam = items["Adam: A Method for Stochastic Optimization"]
    assert adam["itemType"] == "conferencePaper"
    assert adam["creators"][1] == {"creatorType": "author", "firstName": "Jimmy", "lastName": "Ba"}
    assert adam["extra"] == "Citation Key: adam\narXiv: 1412.6980"
    gemma = next(item for title, item in items.items() if title.startswith("Gemma"))
    assert gemma["itemType"] == "preprint"
    assert gemma["creators"][0] == {"creatorType": "author", "name": "Gemma Team"}
    posts = [headers for line, headers in zip(zotero.asked, zotero.headers, strict=True) if line.startswith("POST")]
    assert all("If-Unmodified-Since-Version" in headers for headers in posts)
    count = len(posts)
    assert "0 new, 0 to tag, 4 as they are" in say(*words, "--yes")[2]
    assert sum(line.startswith("POST") for line in zotero.asked) == count
    assert "0 new, 4 known" in say("papers", "zotero", "pull", "Headway")[2]


def test_more_than_fifty_go_in_pieces_and_a_refused_one_is_named(say, home, zotero, monkeypatch) -> None:
    monkeypatch.setenv("ZOTERO_API_KEY", "writer")
    zotero.refuse = {"Layer Normalization": "'title' is not to our taste"}
    code, _, err = say("papers", "zotero", "push", "All", "--group", "2420932", "--yes")
    assert code == 1
    assert "refused: layer-norm: 'title' is not to our taste (400)" in err
    assert sum(line.startswith("POST") and "items" in line for line in zotero.asked) == 2


def test_somebody_elses_change_is_a_conflict_and_nothing_is_overwritten(say, home, zotero, monkeypatch) -> None:
    monkeypatch.setenv("ZOTERO_API_KEY", "writer")
    library = zotero.libraries["users/4242"]
    zotero.meanwhile = lambda: library.add({"itemType": "book", "title": "Theirs"})
    code, _, err = say("papers", "zotero", "push", "Headway", "adam", "--yes")
    assert code == 2
    assert "changed by somebody else meanwhile (412)" in err
    assert err.count("\n") == 1
    assert [item["title"] for item in library.items.values()] == ["Theirs"]
    zotero.trouble = []
    assert say("papers", "zotero", "push", "Headway", "adam", "--yes")[0] == 0


def test_writing_to_a_busy_library_is_tried_again_once_each(zotero, monkeypatch) -> None:
    monkeypatch.setenv("ZOTERO_API_KEY", "writer")
    source, library = Zotero(), zotero.libraries["users/4242"]
    _ = source.client
    zotero.trouble = [(429, {"Retry-After": "0.01"}, "slow"), (503, {"Retry-After": "0"}, "busy")]
    answer, version = source.post("items", [{"itemType": "book", "title": "One"}], library.version)
    assert answer["success"]
    assert version == library.version
    assert len(library.items) == 1


def test_the_running_zotero_is_read(say, home, monkeypatch) -> None:
    mine = Library(public=True)
    server = ZoteroServer({"users/0": mine}, local=True)
    monkeypatch.delenv("ZOTERO_API_KEY", raising=False)
    monkeypatch.setenv("HEADWAY_ZOTERO_LOCAL", server.url)
    collection = mine.add_collection("Reading")
    for item in ITEMS:
        mine.add({**item, "collections": [collection]})
    assert say("papers", "zotero")[1] == f"{collection}  Reading  (7 items)\n"
    assert "3 new, 1 known" in say("papers", "zotero", "pull", "Reading", "--yes")[2]
    assert "3 new, 1 known" not in say("papers", "zotero", "pull", "--yes")[2]
    server.trouble = [(403, {}, "Local API is not enabled")]
    code, _, err = say("papers", "zotero", "pull")
    assert (code, err.count("\n")) == (2, 1)
    assert "Allow other applications" in err
    server.shutdown()
    server.server_close()
    code, _, err = say("papers", "zotero", "pull")
    assert (code, err.count("\n")) == (2, 1)
    assert "start it" in err
