"""``headway papers``: what a learner sees, what of a note counts, and that nothing they wrote is ever changed."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from headway.base.files import create_text
from headway.base.paper import Name, Paper
from headway.cli import papers as command
from headway.desk import of_line, within_address
from headway.learn.evidence import read as read_log
from headway.learn.evidence import record as log
from headway.learn.match import match_plan
from headway.learn.path import the_path
from headway.learn.plan import read as read_plan
from headway.learn.progress import Progress
from headway.learn.workspace import create
from headway.papers import notes
from headway.papers.library import Library

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
WORDS = (
    "It puts the norm before the sublayer so that gradients near the output stay small "
    "and no warm up is needed at all in my view of it"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch):
    workspace = create(tmp_path / "w")
    workspace.plan.write_bytes((FIXTURES / "learner-plan.md").read_bytes())
    monkeypatch.setenv("HEADWAY_WORKSPACE", str(workspace.root))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("ZOTERO_API_KEY", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    return workspace


def noted(workspace) -> list[tuple[str, str]]:
    return [(piece.name, piece.result) for piece in read_log(workspace) if piece.kind == "paper"]


def write_under(path: Path, heading: str, words: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"## {heading}\n" in text
    path.write_text(text.replace(f"## {heading}\n", f"## {heading}\n\n{words}\n"), encoding="utf-8")


# -- the list, one paper ---------------------------------------------------------------------------------------------------


def test_the_list_has_every_paper_under_its_topics_and_says_which_is_next(say, home) -> None:
    code, out, err = say("papers")
    assert (code, err) == (0, "")
    for topic in the_path().topics.values():
        for key in topic.papers:
            assert re.search(rf"^  ○ {re.escape(key)} ", out, re.MULTILINE), key
    assert f"{len(the_path().papers)} papers, 0 notes written, 0 begun" in out
    assert out.rstrip().splitlines()[-1].strip() == "headway papers note survey-lin", "the first open line of the plan"
    out = say("papers", "--topic", "layernorm")[1]
    assert out.count(" ○ ") == len(the_path().topics["layer-norm"].papers) + 1
    code, _, err = say("papers", "--topic", "layer-nrom")
    assert code == 2
    assert "Did you mean" in err


def test_the_list_and_a_paper_are_shown_without_a_workspace(say, monkeypatch) -> None:
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    code, out, _ = say("papers", "--topic", "surveys")
    assert code == 0
    assert out.rstrip().splitlines()[-2].strip() == "headway start"
    assert "survey-lin" in say("papers", "show", "survey-lin")[1]
    assert "@article{survey-lin," in say("papers", "export", "survey-lin")[1]
    for words in (["note", "adam"], ["add", "1706.03762"], ["import", "x.bib"]):
        code, _, err = say("papers", *words)
        assert (code, err.count("\n")) == (2, 1)
        assert "headway start" in err


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
@pytest.mark.parametrize("columns", [34, 60, 100])
def test_no_line_is_wider_than_the_terminal(home, columns) -> None:
    out = on_terminal(["papers", "--topic", "layer-norm"], columns, home)
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in out.splitlines()]
    assert max(map(len, lines)) <= columns
    assert sum(line.startswith("  ○") for line in lines) == 7


def on_terminal(words: list[str], columns: int, home, editor: str = "") -> str:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "CI", "VISUAL", "EDITOR")}
    env |= {"HEADWAY_WORKSPACE": str(home.root), "TERM": "xterm", "PYTHONUTF8": "1"} | (
        {"EDITOR": editor} if editor else {}
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "headway", *words], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    )
    os.close(theirs)
    chunks = []
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(ours)
    assert child.wait(timeout=30) == 0, b"".join(chunks)
    return b"".join(chunks).decode()


def test_a_paper_goes_by_many_names(say, home) -> None:
    for name in (
        ["pre-ln"], ["PRE-LN"], ["2002.04745"], ["arXiv:2002.04745v2"], ["https://arxiv.org/pdf/2002.04745"],
        ["on layer normalization in"],
        ["On", "Layer", "Normalization", "in", "the", "Transformer", "Architecture"], ["xiong", "layer", "2020"],
    ):  # fmt: skip
        code, out, err = say("papers", "show", *name)
        assert (code, err) == (0, ""), (name, err)
        assert out.startswith("On Layer Normalization in the Transformer Architecture\n")
    parts = ["Ruibin Xiong", "https://arxiv.org/abs/2002.04745", "layer-norm: Layer norm", "headway reproduce pre-ln"]
    for part in (*parts, "headway check layer-norm/residual", "headway models transformer"):
        assert part in out, part
    assert "key       lstm" in say("papers", "show", "https://doi.org/10.1162/NECO.1997.9.8.1735")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show"], "say which paper"),
        (["exprot"], "Did you mean 'headway papers export'?"),
        (["show", "pre-nl"], "Did you mean 'pre-ln'?"),
        (["note", "attention is all you ned"], "Did you mean 'transformer'?"),
        (["show", "survey"], "fits"),
        (["show", "2401.00001"], "headway papers add 2401.00001"),
        (["note"], "say on which paper"),
        (["add"], "say what to file"),
        (["import"], "say which files"),
        (["export", "--format", "bibtx"], "Did you mean 'bibtex'?"),
        (["export", "-o", "."], "is a folder"),
        (["zotero", "push", "Reading"], "set ZOTERO_API_KEY"),
    ],
)
def test_what_is_wrong_is_one_line(say, home, words, said) -> None:
    code, out, err = say("papers", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_claims_find_their_papers(say, home) -> None:
    from headway.claims.catalog import CATALOG

    for name in CATALOG:
        short, topic = CATALOG[name].paper, CATALOG[name].topic
        assert [key for key in the_path().topics[topic].papers if the_path().papers[key].short == short], name


# -- notes -----------------------------------------------------------------------------------------------------------------


def test_a_note_is_made_once_and_counts_from_25_words_of_ones_own(say, home) -> None:
    path = home.papers / "pre-ln.md"
    code, out, err = say("papers", "note", "pre-ln")
    assert (code, out) == (0, f"{path}\n")
    assert "25 words" in err
    assert notes.read(path).words == 0
    assert noted(home) == []
    write_under(path, "The idea in my words", "Norm before, not after, the sublayer, obviously.")
    before = path.read_bytes()
    assert "begun, 7 of 25 words" in say("papers", "note", "2002.04745")[2]
    assert path.read_bytes() == before
    out = say("papers")[1]
    assert re.search(r"◐ pre-ln .*begun, 7 of 25 words", out)
    assert out.rstrip().endswith("headway papers note pre-ln"), "what is begun comes first"
    write_under(path, "What I would test", WORDS)
    before = path.read_bytes()
    assert "it counts" in say("papers", "note", "pre-ln")[2]
    assert noted(home) == [("pre-ln", "noted")]
    for words in (["papers"], ["plan"], ["next"], ["papers", "show", "pre-ln"]):
        say(*words)
    assert noted(home) == [("pre-ln", "noted")], "written into the log once"
    assert path.read_bytes() == before
    assert re.search(r"✔ pre-ln .*note, \d+ words", say("papers")[1])
    assert list(Progress(home).topics["layer-norm"].papers) == ["pre-ln"]


def test_a_paper_is_shown_with_a_guide_to_it_and_a_new_note_has_it_as_a_comment(say, home) -> None:
    _, out, _ = say("papers", "show", "bahdanau")
    paper = the_path().papers["bahdanau"]
    assert f"it says   {paper.says}" in out
    assert f"closely   {paper.read_closely}" in out
    assert "in code   headway/blocks/alignment.py, additive_scores: " in out
    assert "it says" not in say("papers", "show", "llama")[1], "a topic without a lesson: nothing is made up"
    say("papers", "note", "bahdanau")
    note = notes.read(home.papers / "bahdanau.md")
    body = notes.body(note.path)
    assert f"Read closely: {paper.read_closely}." in body
    assert paper.says not in body, "what it says is for the learner to say"
    assert (note.words, note.ours) == (0, True)
    say("papers", "note", "llama")
    assert "<!--" not in notes.body(home.papers / "llama.md")
    # A learner who changes the front matter keeps the guide.
    note.path.write_text(note.path.read_text().replace("year: 2014", "year: 2015"))
    assert f"closely   {paper.read_closely}" in say("papers", "show", "bahdanau")[1]


def test_the_plan_is_ticked_by_notes_and_an_emptied_note_counts_no_longer(say, home) -> None:
    plan = home.plan
    home.plan.write_text("- [ ] Zotero\n- [ ] read a few transformers survey papers\n")
    assert "headway papers note survey-lin" in say("next", "surveys")[1]
    assert "headway papers note" in say("next", "library")[1]
    for key in ("survey-lin", "survey-efficient"):
        say("papers", "note", key)
        path = home.papers / f"{key}.md"
        path.write_text(path.read_text(encoding="utf-8") + WORDS, encoding="utf-8")
    out = say("next")[1]
    assert "Headway ticked line 2" in out
    assert plan.read_text().splitlines()[1].startswith("- [x]")
    assert noted(home) == [("survey-lin", "noted"), ("survey-efficient", "noted")]
    assert "2 of 3 papers" in say("plan", "library")[1]
    (home.papers / "survey-lin.md").unlink()
    assert "1 of 3 papers" in say("plan", "library")[1]
    assert noted(home)[-1] == ("survey-lin", "emptied")
    assert plan.read_text().splitlines()[1].startswith("- [x]"), "Headway never unticks"


def test_evidence_of_another_kind_of_note_is_left_alone(say, home) -> None:
    log(home, kind="paper", name="adam")
    say("plan")
    assert noted(home) == [("adam", "")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", 0),
        ("# Title of the paper\n\n## Questions\n\n## The idea in my words\n", 0),
        ("# Title\n<!-- one two\nthree -->\n- [ ] do it (1) = 3\n", 2),
        ("## My own heading\nwords", 4),
        (f"## {notes.IMPORTED}\n\n> ten words that came with the record and are theirs\n\n## Questions\nmine", 1),
        ("注意力就是全部", 7),
        ("$\\frac{QK^T}{\\sqrt{d_k}}$ scales", 2),
        ("a\r\nb\r\n", 2),
        ("#hashtag", 1),
    ],
)
def test_words_of_ones_own(body, words) -> None:
    assert len(notes.own_words(body)) == words


def test_front_matter_is_brought_up_to_date_only_where_nobody_touched_it(home) -> None:
    from dataclasses import replace

    record = the_path().papers["pre-ln"]
    old = replace(record, title="An older title", topics=())
    path, new = notes.create(home.papers, old)
    assert new
    path.write_bytes(path.read_bytes() + b"my words\xff\r\n")
    shelf = Library(the_path().papers, home.papers)
    assert shelf.note(record) == (path, False)
    text = path.read_bytes()
    assert b'title: "On Layer Normalization' in text
    assert b"topics: [layer-norm]" in text
    assert text.endswith(b"my words\xff\r\n")
    assert notes.read(path).ours
    path.write_bytes(text.replace(b"year: 2020", b"year: 2020\ntags: [mine]").replace(b"\n", b"\r\n"))
    mine = path.read_bytes()
    shelf.forget()
    assert shelf.note(replace(record, year=2021)) == (path, False)
    assert path.read_bytes() == mine
    assert not notes.read(path).ours
    assert notes.read(path).record.year == 2020
    crlf = home.papers / "adam.md"
    crlf.write_bytes(
        (notes.front(replace(the_path().papers["adam"], year=1999), "2026-01-01") + "\nmine\n")
        .replace("\n", "\r\n")
        .encode()
    )
    shelf.forget()
    shelf.note(the_path().papers["adam"])
    assert b"year: 2014\r\n" in crlf.read_bytes()
    assert b"added: 2026-01-01\r\n" in crlf.read_bytes()
    assert b"\r\n\r\nmine\r\n" in crlf.read_bytes()


@pytest.mark.parametrize(
    "front",
    [
        "---\n: [\n---\n", "---\ntitle: 3\nauthors: {a: b}\nyear: soon\n---\n", "no front matter\n", "---\nnever closed\n", "",
        "\ufeff---\ntitle: ''\n---\n",
        "---\nkey: ../../etc\ntitle: T\n---\n", "---\ntitle: &a [*a]\n---\n",
    ],
)  # fmt: skip
def test_any_front_matter_is_borne(say, home, front) -> None:
    path = home.papers / "pre-ln.md"
    path.write_text(front + WORDS, encoding="utf-8")
    (home.papers / "ideas.md").write_text("about something else", encoding="utf-8")
    before = path.read_bytes()
    for words in (
        ["papers"],
        ["papers", "show", "pre-ln"],
        ["papers", "note", "pre-ln"],
        ["papers", "export", "pre-ln"],
        ["plan"],
    ):
        code, _, err = say(*words)
        assert code == 0, err
    assert path.read_bytes() == before
    assert "ideas" not in say("papers")[1]


def test_a_learners_own_front_matter_is_what_is_exported(say, home) -> None:
    say("papers", "note", "pre-ln")
    path = home.papers / "pre-ln.md"
    text = (
        path.read_text(encoding="utf-8")
        .replace("year: 2020", "year: 2019")
        .replace('arxiv: "2002.04745"', "arxiv: 2002.04740")
    )
    path.write_text(text, encoding="utf-8")
    out = say("papers", "export", "pre-ln")[1]
    assert "year = {2019}" in out
    assert "eprint = {2002.04740}" in out, "an id is no number"


def test_of_two_who_create_one_wins(tmp_path) -> None:
    results: list[bool] = []
    path = tmp_path / "papers" / "x.md"
    threads = [threading.Thread(target=lambda n=n: results.append(create_text(path, f"{n}" * 1000))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]
    assert len(set(path.read_text())) == 1
    assert [file.name for file in path.parent.iterdir()] == ["x.md"]


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
def test_the_editor_opens_on_a_terminal_only(home, tmp_path) -> None:
    editor = tmp_path / "my editor"
    editor.write_text(f'#!/bin/sh\ntest "$1" = -w && echo "{WORDS}" >> "$2"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    out = on_terminal(["papers", "note", "adam"], 100, home, editor=f"'{editor}' -w")
    assert "it counts" in out
    assert WORDS in (home.papers / "adam.md").read_text()
    assert "cannot be started" in on_terminal(["papers", "note", "lstm"], 100, home, editor="/nowhere/at all")


def test_no_editor_in_a_pipe(say, home, monkeypatch) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setattr(command, "_edit", command._edit)
    assert say("papers", "note", "adam")[0] == 0


# -- export and import -------------------------------------------------------------------------------------------------------


def test_what_is_exported_is_known_when_it_comes_back(say, home, tmp_path) -> None:
    for form, name in (("bibtex", "a.bib"), ("ris", "a.ris"), ("csl", "a.json")):
        code, _, err = say("papers", "export", "-o", tmp_path / name)
        assert code == 0
        assert f"{len(the_path().papers)} papers written" in err, form
        code, out, err = say("papers", "import", tmp_path / name)
        assert (code, err) == (0, "")
        assert out.startswith(f"{name}: 0 new, {len(the_path().papers)} known\n  known  adam: Adam: A Method for")
        assert out.count("\n") == 22, "twenty by name, and how many more"
    assert list(home.papers.iterdir()) == []
    code, out, _ = say("papers", "export", "--topic", "surveys", "--format", "md")
    assert out.count("\n- ") == 3
    assert say("papers", "export", "--mine")[1] == ""
    say("papers", "export", "--topic", "surveys", "-o", tmp_path / "a.bib")
    assert len(list(tmp_path.glob("a.bib.*.bak"))) == 1, "what was there is kept"
    say("papers", "export", "--topic", "surveys", "-o", tmp_path / "a.bib")
    assert len(list(tmp_path.glob("a.bib.*.bak"))) == 1


def test_import_says_in_one_line_what_happened(say, home, tmp_path) -> None:
    (tmp_path / "z.bib").write_text(
        "@article{a, title={One of Mine}, author={Doe, Jane}, year=2001, annote={worth reading}}\n"
        "@article{a, title={Another of Mine}, author={Doe, Jane}, year=2002}\n"
        "@article{adam, title={No Optimiser at All}, year=2003}\n"
        "@misc{v, title={{Attention is all you need}}, author={Vaswani, A.}}\n"
        "@misc{w, eprint={1412.6980}, archiveprefix={arXiv}, title={Other words}}\n"
        "@misc{x, author={Nobody}}\n"
        "@misc{y, title={Broken\n"
        "@misc{one-again, title={one of {MINE}}, doi={10.1000/x}}\n"
    )
    code, out, err = say("papers", "import", tmp_path / "z.bib", "--topic", "gpt")
    assert code == 1
    assert err == "z.bib, line 7: its braces or quotes do not close; passed over\n"
    first, *known = out.splitlines()
    assert first == "z.bib: 3 new, 3 known (1 completed from it), 1 skipped: no title, 1 broken"
    assert known == [
        "  known  transformer (v in your bibliography): Attention Is All You Need",
        "  known  adam (w in your bibliography): Adam: A Method for Stochastic Optimization",
        "  known  a: One of Mine",
    ]
    assert sorted(path.name for path in home.papers.iterdir()) == [
        "a-2.md",
        "a.md",
        "adam-2.md",
        "adam.md",
        "transformer.md",
    ]
    text = (home.papers / "a.md").read_text()
    assert 'doi: "10.1000/x"' in text, "completed, as nobody had touched it"
    assert "> worth reading" in text
    assert notes.read(home.papers / "a.md").words == 0
    assert "adam-2" in say("papers", "--topic", "gpt")[1]
    (home.papers / "a.md").write_text(text.replace("2001", "2011") + "my words")
    before = (home.papers / "a.md").read_bytes()
    (tmp_path / "z.ris").write_text("TY  - JOUR\nTI  - One of mine!\nPY  - 2001\nVL  - 7\nER  - \n")
    assert say("papers", "add", tmp_path / "z.ris")[1] == "z.ris: 0 new, 1 known\n  known  a: One of Mine\n"
    assert (home.papers / "a.md").read_bytes() == before
    code, out, _ = say("papers", "export", "--mine", "-o", tmp_path / "mine.bib")
    assert "keywords = {headway/gpt}" in (tmp_path / "mine.bib").read_text()


def test_a_file_that_bears_the_name_already_is_not_overwritten(say, home, tmp_path) -> None:
    (home.papers / "doe.md").write_text("my own thoughts about somebody")
    (tmp_path / "z.json").write_text('[{"id": "doe", "title": "Of Doe"}]')
    assert "1 new" in say("papers", "import", tmp_path / "z.json")[1]
    assert (home.papers / "doe.md").read_text() == "my own thoughts about somebody"
    assert 'title: "Of Doe"' in (home.papers / "doe-2.md").read_text()


def test_the_keys_of_ones_own_bibliography_are_kept(say, home, tmp_path) -> None:
    """Papers that Headway knows under its own key, keys that no file can have, and a key that is another paper's here."""
    (tmp_path / "mine.bib").write_text(
        "@inproceedings{vaswani2017attention, title={Attention Is All You Need}, author={Vaswani, A.}, year={2017}}\n"
        "@article{DBLP:journals/x/Doe01, title={One of {M}ine}, author={Doe, Jane}, year={2001}}\n"
        "@article{bert, title={Something Else}, author={Roe, Richard}, year={2002}}\n"
    )
    assert "2 new, 1 known" in say("papers", "import", tmp_path / "mine.bib")[1]
    before = {path.name: path.read_bytes() for path in home.papers.iterdir()}
    assert sorted(before) == ["DBLP-journals-x-Doe01.md", "bert-2.md", "transformer.md"]
    assert "0 new, 3 known" in say("papers", "import", tmp_path / "mine.bib")[1]
    assert {path.name: path.read_bytes() for path in home.papers.iterdir()} == before
    out = say("papers", "export", "--mine")[1]
    assert re.findall(r"^@\w+\{(.*),$", out, re.MULTILINE) == ["vaswani2017attention", "DBLP:journals/x/Doe01", "bert"]
    assert '"id": "DBLP:journals/x/Doe01"' in say("papers", "export", "--mine", "--format", "csl")[1]
    assert "ID  - vaswani2017attention" in say("papers", "export", "--mine", "--format", "ris")[1]
    keys = re.findall(r"^@\w+\{(.*),$", say("papers", "export")[1], re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(the_path().papers) + 2
    assert (
        "key       transformer, in your bibliography vaswani2017attention"
        in say("papers", "show", "vaswani2017attention")[1]
    )
    assert "DBLP-journals-x-Doe01" in say("papers", "show", "DBLP:journals/x/Doe01")[1]
    assert "title = {One of {Mine}}" in out


def test_papers_are_found_by_words(say, home) -> None:
    say("papers", "note", "pre-ln")
    write_under(home.papers / "pre-ln.md", "Questions", "What of the zebra?")
    for words, keys in (
        (["norm", "transformer", "architecture"], ["pre-ln"]),
        (["XIONG", "2020"], ["pre-ln"]),
        (["zebra"], ["pre-ln"]),
        (["survey", "--topic", "surveys"], ["survey-lin", "survey-applications", "survey-efficient"]),
        (["2002.04745"], ["pre-ln"]),
    ):
        code, out, _ = say("papers", "search", *words)
        assert code == 0, words
        assert re.findall(r"^  \S ([\w-]+)", out, re.MULTILINE) == keys, words
    assert say("papers", "list", "--search", "xiong 2020")[1] == say("papers", "search", "xiong", "2020")[1]
    assert say("papers", "list", "--topic", "surveys")[1] == say("papers", "--topic", "surveys")[1]
    code, out, err = say("papers", "search", "nothing", "like", "it")
    assert (code, out) == (1, "")
    assert "No paper has all of 'nothing like it'" in err
    assert say("papers", "search")[0] == 2


def test_a_file_is_written_in_the_format_of_its_ending_or_not_at_all(say, home, tmp_path) -> None:
    code, out, err = say("papers", "export", "adam", "-o", tmp_path / "refs.xyz")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'.xyz' is no format's ending" in err
    assert not (tmp_path / "refs.xyz").exists()
    assert say("papers", "export", "adam", "--format", "ris", "-o", tmp_path / "refs.xyz")[2].endswith(
        "refs.xyz as RIS\n"
    )
    assert say("papers", "export", "adam", "-o", tmp_path / "refs")[2].endswith("refs as BibTeX\n")


def test_twenty_seven_times_the_same_word_is_no_note(say, home) -> None:
    say("papers", "note", "adam")
    write_under(home.papers / "adam.md", "Questions", "bla " * 27)
    assert "27 words, but only 1 of 12 different ones" in say("papers", "note", "adam")[2]
    assert noted(home) == []


def test_three_imports_at_once_file_each_paper_once(home, tmp_path) -> None:
    text = "".join(
        f"@article{{k{n}, title={{Paper Number {n} of Many}}, author={{Doe, J.}}, year={{2001}}}}\n" for n in range(80)
    )
    (tmp_path / "all.bib").write_text(text)
    command_ = [sys.executable, "-m", "headway", "papers", "import", str(tmp_path / "all.bib")]
    children = [
        subprocess.Popen(command_, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(3)
    ]
    said = [child.communicate()[0] for child in children]
    assert sorted("80 new" in each for each in said) == [False, False, True]
    assert sorted(path.name for path in home.papers.iterdir()) == sorted(f"k{n}.md" for n in range(80))


def test_many_papers_are_filed_in_time_that_grows_with_their_number(home) -> None:
    """Keys, titles and first authors that are all the same are where a library slows down first."""
    from headway.papers.entries import PaperEntry

    entries = [
        PaperEntry(n, Paper(key="doe", title="Introduction" if n % 2 else "A Longer Title", year=2001,
                            authors=(Name(f"D{n}", "J."),), arxiv=f"{1000 + n // 10000}.{10000 + n % 10000}"))
        for n in range(4000)
    ]  # fmt: skip
    shelf = Library(the_path().papers, home.papers, home.marks / "papers.lock")
    start = time.process_time()
    outcome = shelf.take(entries)
    assert time.process_time() - start < 60
    assert len(outcome.new) == len({record.key for record in outcome.new}) == 4000
    again = Library(the_path().papers, home.papers)
    assert len(again.notes) == 4000
    assert again.take(entries[:50]).new == []


@pytest.mark.parametrize(
    "front",
    [
        "x: " + "[" * 50_000, "x: " + "[" * 50_000 + "]" * 50_000, "x:\n" + "- " * 50_000, "x: " + "{a: " * 30_000,
        "x:\n  " + "? " * 50_000, "year: " + "9" * 6_000, "x: " + "&a " * 50_000,
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(15))
        + "year: *h\ntopics: *h\nauthors: *h",
    ],
)  # fmt: skip
def test_front_matter_made_to_hurt_is_borne(home, front) -> None:
    path = home.papers / "x.md"
    path.write_text(f"---\ntitle: T\n{front}\n---\n{'<!--' * 100_000}\n{WORDS}", encoding="utf-8")
    start = time.process_time()
    note = notes.read(path)
    assert time.process_time() - start < 20
    assert note.words >= 25
    assert note.record is None or note.record.year is None


# -- lines of the plan -------------------------------------------------------------------------------------------------------


def test_lines_with_a_paper_say_what_to_type(home) -> None:
    home.plan.write_text(
        "- [ ] https://www.sciencedirect.com/science/article/pii/S2666651022000146\n"
        "- [ ] https://arxiv.org/abs/2405.21060v1\n"
        "- [ ] read 2401.99999 and https://doi.org/10.1000/xyz.\n"
        "- [ ] [x](https://www.sciencedirect.com/science/article/pii/S0000000000000001)\n"
        "- [ ] On Layer Normalization in the Transformer Architecture\n"
        "- [ ] version 2.5.1 of 2024\n"
    )
    plan = read_plan(home.plan)
    shelf = Library(the_path().papers, home.papers)
    typed = [
        [text for _, text in of_line(item, match, shelf)]
        for item, match in zip(plan.items, match_plan(plan, {}), strict=True)
    ]
    assert typed[0] == ["headway papers note survey-lin"]
    assert typed[1] == ["headway papers note mamba2"]
    assert typed[2] == ["headway papers add 10.1000/xyz", "headway papers add 2401.99999"]
    assert typed[3][0].startswith("headway papers add DOI")
    assert typed[4] == ["headway papers note pre-ln"]
    assert typed[5] == []


def test_dois_in_publishers_addresses() -> None:
    assert within_address("https://dl.acm.org/doi/full/10.1145/3292500.3330701") == "10.1145/3292500.3330701"
    assert within_address("https://link.springer.com/content/pdf/10.1007/978-3-030-1.pdf") == "10.1007/978-3-030-1"
    assert within_address("https://aclanthology.org/2020.acl-main.747/") == "10.18653/v1/2020.acl-main.747"
    assert within_address("https://aclanthology.org/P19-1285.pdf") == "10.18653/v1/p19-1285"
    assert within_address("https://example.org/") is None


def test_help_of_papers_loads_neither_torch_nor_what_talks_to_others() -> None:
    code = """
import sys
from headway.cli.app import main
for words in (["papers", "--help"], ["papers", "zotero", "pull", "--help"], ["papers", "--topic", "surveys"]):
    main(words)
assert not {"torch", "pyzotero", "bibtexparser", "rispy", "feedparser"} & set(sys.modules)
"""
    env = {name: value for name, value in os.environ.items() if name != "HEADWAY_WORKSPACE"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
