"""The plan: one box is one byte; what is no list is left alone; what was edited meanwhile stays."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from headway.base.errors import HeadwayError
from headway.learn import plan as plans
from headway.learn.plan import Key, mark, mend, parse

FIXTURES = Path(__file__).parent.parent / "fixtures"


def tasks(text: str | bytes) -> list[tuple[str, str]]:
    content = text.encode() if isinstance(text, str) else text
    return [(item.mark, item.text) for item in parse(content).tasks]


# -- laws ----------------------------------------------------------------------------------------------------------------

_junk = st.sampled_from(
    [
        b"# A heading",
        b"Some text.",
        b"",
        b"   ",
        b"> a quote",
        b"---",
        b"| a | b |",
        b"- a bullet",
        b"1. one",
        b"\t",
        b"[x]: http://x.y",
    ]
) | st.binary(max_size=12).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))


@st.composite
def _task(draw) -> bytes:
    quote = draw(st.sampled_from([b"", b"", b"", b"> ", b">", b">> "]))
    indent = draw(st.sampled_from([b"", b"", b"  ", b"    ", b"\t", b" \t", b"\t\t", b"   "]))
    bullet = draw(st.sampled_from([b"-", b"*", b"+", b"1.", b"12)", b"007."]))
    gap = draw(st.sampled_from([b" ", b"  ", b"\t"]))
    box = draw(st.sampled_from([b"[ ]", b"[x]", b"[X]", b"[-]"]))
    text = draw(
        st.sampled_from(
            [
                b"",
                b" ",
                b" Read",
                b"  Read  ",
                b" Read [x] and [ ]",
                "\u2009 \u2705 caf\u00e9".encode(),
                b" caf\xe9 \xff\xfe",
                b"\ttab",
            ]
        )
        | st.text(max_size=8).map(
            lambda t: b" " + t.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"")
        )
    )
    return quote + indent + bullet + gap + box + text


@st.composite
def _plans(draw) -> bytes:
    lines = draw(st.lists(st.one_of(_task(), _task(), _junk), max_size=14))
    content = b"".join(line + draw(st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])) for line in lines)
    if draw(st.booleans()):
        content = content.rstrip(b"\r\n")
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"---\ntitle: x\n---\n"])) + content


@given(_plans())
@settings(max_examples=150, deadline=None)
def test_a_tick_is_one_byte_and_comes_off_again(content: bytes) -> None:
    plan = parse(content)
    for item in plan.tasks:
        assert item.box is not None
        assert content[item.box - 1 : item.box + 2] == b"[" + item.mark.encode() + b"]"
        changed = plan.marked({item.index: "x" if item.mark == " " else " "})
        assert len(changed) == len(content)
        assert [n for n in range(len(content)) if changed[n] != content[n]] == [item.box]
        again = parse(changed)
        assert [(i.key, i.box) for i in again.items] == [(i.key, i.box) for i in plan.items]
        assert again.marked({item.index: item.mark}) == content


@given(st.binary(max_size=200) | _plans())
@settings(max_examples=150, deadline=None)
def test_any_bytes_can_be_read_and_keys_are_unique(content: bytes) -> None:
    plan = parse(content)
    keys = [item.key for item in plan.items]
    assert len(set(keys)) == len(keys)
    assert all(plan.locate(key) == item for key, item in zip(keys, plan.items, strict=True))
    assert plan.content == content
    for item in plan.items:
        assert [child.parent for child in plan.children(item)] == [item.index] * len(plan.children(item))
        assert all(item in list(plan.above(below)) for below in plan.beneath(item))


_words = st.sampled_from(["alpha", "beta", "gamma delta", "x", "`code`", "*b*"])


@st.composite
def _plain_markdown(draw) -> str:
    """Markdown where CommonMark and we mean the same: no over-indented lists, no other boxes."""
    out: list[str] = ["- [ ] at least one", "", "## Plan"]
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(
            st.sampled_from(["list", "list", "quote", "fence", "code", "heading", "text", "comment", "break", "pre"])
        )
        words = draw(_words)
        if kind in ("list", "quote"):
            bullet = draw(st.sampled_from(["-", "*", "+", "1.", "1)"]))
            lead = "> " if kind == "quote" else ""
            width = len(bullet) + 1
            depth = 0
            for n in range(draw(st.integers(1, 4))):
                depth = min(depth, draw(st.integers(0, 2))) if n else 0
                box = draw(st.sampled_from(["[ ] ", "[x] ", "[X] ", ""]))
                out.append(f"{lead}{' ' * width * depth}{bullet} {box}{words}")
                if draw(st.integers(0, 4)) == 0:
                    out += [f"{lead}{' ' * width * (depth + 1)}{line}" for line in ("```", "- [ ] inside", "```")]
                depth += 1
        elif kind == "fence":
            ticks = draw(st.sampled_from(["```", "~~~", "`````"]))
            out += [
                ticks + draw(st.sampled_from(["", "python", " md"])),
                "- [ ] no task",
                "  - [x] no task",
                "``",
                ticks,
            ]
        elif kind == "code":
            out += ["", "Text.", "", "    - [ ] no task", "    - [x] no task"]
        elif kind == "pre":
            out += ["", "<pre>", "- [ ] no task", "", "- [ ] no task", "</pre>"]
        elif kind == "comment":
            out += ["", "<!-- hidden", "- [ ] no task", "-->"]
        elif kind == "heading":
            out.append(f"## {words}")
        elif kind == "break":
            out += ["", "- - -"]
        else:
            out.append(words)
        out.append("")
    return "\n".join(out)


def _by_markdown_it(text: str) -> list[tuple[int, str]]:
    """(line, mark) of every task as markdown-it reads it."""
    tokens = MarkdownIt("commonmark").parse(text)
    found = []
    for token, inside, content in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.type == "list_item_open" and inside.type == "paragraph_open":
            word = content.content[:4]
            if token.map and word in ("[ ] ", "[x] ", "[X] "):
                found.append((token.map[0] + 1, word[1]))
    return found


@given(_plain_markdown())
@settings(max_examples=150, deadline=None)
def test_it_reads_what_commonmark_reads(text: str) -> None:
    assert [(item.line, item.mark) for item in parse(text.encode()).tasks] == _by_markdown_it(text)


def test_the_learners_plan_as_commonmark_reads_it() -> None:
    text = (FIXTURES / "learner-plan.md").read_text(encoding="utf-8")
    empty = [(item.line, item.mark) for item in parse(text.encode()).tasks if item.empty]
    ours = [(item.line, item.mark) for item in parse(text.encode()).tasks if not item.empty]
    assert ours == _by_markdown_it(text)
    assert empty == [(9, " "), (15, " ")]


# -- examples ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"# a" + b" " * 300_000 + b"b", b"#" + b" " * 300_000 + b"### x", b"- " * 100_000 + b"x", b"* " * 150_000,
        b"- [ ] a\n" + b"more words here\n" * 100_000, (b">" * 3000 + b" - [ ] x\n") * 300, b"%% a\n" * 100_000,
        b"<!-- a\n" * 100_000,
        b"```\n" * 100_001, b"`" * 500_000 + b"x`", b"[a]: b\n" * 50_000, b"\t" * 500_000 + b"- [ ] x", b"\r" * 500_000,
        b"---\n" + b"a b\n" * 100_000, b"- [ ] " + b"[a](" * 100_000, b"= " * 200_000, b"_ " * 200_000 + b"x",
    ],
)  # fmt: skip
def test_reading_takes_time_in_proportion(content: bytes) -> None:
    start = time.process_time()
    parse(content)
    assert time.process_time() - start < 30


def test_a_heading_is_read_as_commonmark_has_it() -> None:
    text = b"# a\n## b ##\n### c#\n#### d # ##  \n##### ###\n####### no\n#no\n# \tx\t#\n"
    assert [item.text for item in parse(text).items] == ["a", "b", "c#", "d #", "", "x"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"- [ ] a\n" * 100_000, "more than 10000 lines"),
        (b"# a\n" * 30_000, "more than 10000 lines"),
        (b"".join(b" " * (2 * n) + b"- [ ] a\n" for n in range(150)), "stands under 101 others"),
    ],
)
def test_beyond_the_limits_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "PLAN.md"
    file.write_bytes(content)
    with pytest.raises(HeadwayError, match=said):
        plans.read(file)


def test_bullets_boxes_and_line_ends() -> None:
    content = (
        b"- [ ] a\r\n* [x] b\r+ [X] c\n1. [ ] d\n2) [x] e\n-\t[ ]\tf\n- [ ]\n- [] g\n- [y] h\n-[ ] i\n- [ ]j\n10. [ ] k"
    )
    assert tasks(content) == [
        (" ", "a"), ("x", "b"), ("X", "c"), (" ", "d"), ("x", "e"), (" ", "f"), (" ", ""), (" ", "k"),
    ]  # fmt: skip


def test_what_is_no_list_is_left_alone() -> None:
    text = """\
        ---
        tags:
          - [ ] no
        ---
        ```md
        - [ ] no
        ```
        - [ ] yes
          ~~~
          - [ ] no
          ```
          ~~~
          - [ ] yes, below
        <!-- - [ ] no -->
        <!--
        - [ ] no
        -->
        %%
        - [ ] no
        %%
        * * *
        > [!todo] later
        > - [ ] yes, quoted
        > ```
        > - [ ] no
        - [ ] yes, the quote and its code have ended
        """
    found = [text for _, text in tasks(textwrap.dedent(text))]
    assert len(found) == 4
    assert all(word.startswith("yes") for word in found)


def test_dashes_at_the_top_are_front_matter_only_with_keys_in_them() -> None:
    assert tasks("---\n\n- [ ] a\n\n---\n- [ ] b\n") == [(" ", "a"), (" ", "b")]
    assert tasks("---\ntitle: a\n---\n- [ ] b\n") == [(" ", "b")]
    assert tasks("+++\ntitle = 'a'\n+++\n- [ ] b\n") == [(" ", "b")]


def test_nesting_by_hand() -> None:
    plan = parse(b"# P\n1. [ ] a\n  - [ ] b\n\t\t- [ ] c\n- [ ] d\n   - [ ] e\n## Q\n* f\n  * [ ] g\n")
    above = {item.text: [up.text for up in plan.above(item)] for item in plan.items}
    assert above == {
        "P": [], "a": ["P"], "b": ["a", "P"], "c": ["b", "a", "P"], "d": ["P"], "e": ["d", "P"],
        "Q": ["P"], "f": ["Q", "P"], "g": ["f", "Q", "P"],
    }  # fmt: skip


def test_a_list_that_is_all_indented_is_still_a_list() -> None:
    assert tasks("# Plan\n\n    - [ ] a\n    - [x] b\n") == [(" ", "a"), ("x", "b")]


def test_duplicates_are_told_apart_and_moved_lines_found() -> None:
    plan = parse(b"- [ ] a\n- [ ] a\n- [ ] b\n")
    assert [item.key.occurrence for item in plan.items] == [1, 2, 1]
    moved = parse(b"# New\n- [ ] c\n  - [ ] b\n")
    found = moved.locate(Key("b"))
    assert found is not None
    assert found.line == 3
    assert moved.locate(Key("a")) is None
    assert parse(b"- x\n  - [ ] a\n- y\n  - [ ] a\n").locate(Key("a")) is None


def test_mended_for_the_eye_only() -> None:
    assert mend("Architecture â†’ error") == "Architecture → error"
    assert mend("cafÃ©") == "café"
    assert mend("déjà vu, naïve, “quoted” – fine") == "déjà vu, naïve, “quoted” – fine"


def test_a_line_is_asked_for_by_number_or_by_words() -> None:
    plan = parse(b"# 2\n\n- [ ] Read BERT\n- [ ] Read BERT again\n")
    assert plan.find("3").text == "Read BERT"
    assert plan.find("read bert").line == 3
    assert plan.find("again").line == 4
    with pytest.raises(HeadwayError, match="2 lines"):
        plan.find("read")
    with pytest.raises(HeadwayError, match="no line of the plan"):
        plan.find("gpt")
    with pytest.raises(HeadwayError, match="no list item"):
        plan.find("2")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no text"),
        (b"\xff\xfe-\0 \0", "UTF-16"),
        (b"just prose", "no list"),
    ],
)
def test_what_is_no_plan_is_one_clear_line(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "p.md").write_bytes(content)
    with pytest.raises(HeadwayError, match=word):
        plans.read(tmp_path / "p.md")


def test_a_folder_or_nothing_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(HeadwayError, match="is a folder"):
        plans.read(tmp_path)
    with pytest.raises(HeadwayError, match="there is no file"):
        plans.read(tmp_path / "none.md")


# -- writing -------------------------------------------------------------------------------------------------------------


def test_an_edit_by_hand_between_reading_and_ticking_stays(tmp_path: Path) -> None:
    file = tmp_path / "PLAN.md"
    file.write_bytes(b"- [ ] a\r\n- [ ] b\r\n")
    a, b = (item.key for item in plans.read(file).items)
    file.write_bytes(b"# Mine\r\n- [ ] new\r\n    - [ ] a\r\n")
    change = mark(file, {a: None, b: None})
    assert file.read_bytes() == b"# Mine\r\n- [ ] new\r\n    - [x] a\r\n"
    assert list(change.done) == [a]
    assert change.gone == (b,)
    assert mark(file, {a: None}).already == (a,)


def test_an_edit_during_the_write_itself_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "PLAN.md"
    file.write_bytes(b"- [ ] a\n")
    key = plans.read(file).items[0].key
    real, edits = os.fsync, iter([b"- [ ] new\n- [ ] a\n", b"- [ ] newer\n- [ ] a\n"])

    def edit_then_sync(handle: int) -> None:
        if content := next(edits, None):
            file.write_bytes(content)
        real(handle)

    monkeypatch.setattr(os, "fsync", edit_then_sync)
    mark(file, {key: None})
    assert file.read_bytes() == b"- [ ] newer\n- [x] a\n"
    assert os.listdir(tmp_path) == ["PLAN.md"]


def test_a_file_that_never_rests_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "PLAN.md"
    file.write_bytes(b"- [ ] a\n")
    key, real = plans.read(file).items[0].key, os.fsync

    def edit_then_sync(handle: int) -> None:
        file.write_bytes(file.read_bytes() + b"\n")
        real(handle)

    monkeypatch.setattr(os, "fsync", edit_then_sync)
    monkeypatch.setattr(plans, "PATIENCE", 0.3)
    with pytest.raises(HeadwayError, match="keeps changing"):
        mark(file, {key: None})
    assert file.read_bytes().strip() == b"- [ ] a"


def test_links_modes_and_capitals_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "vault" / "plan.md", tmp_path / "PLAN.md"
    real.parent.mkdir()
    real.write_bytes(b"- [X] a\n- [ ] b")
    real.chmod(0o640)
    link.symlink_to(real)
    mark(link, {Key("b"): None})
    assert link.is_symlink()
    assert real.read_bytes() == b"- [X] a\n- [X] b"
    assert real.stat().st_mode & 0o777 == 0o640


def _tick(path: str, lock: str, words: list[str]) -> None:
    for word in words:
        mark(Path(path), {Key(word): None}, Path(lock))


def test_many_commands_at_once_lose_nothing(tmp_path: Path) -> None:
    file, lock = tmp_path / "PLAN.md", tmp_path / "lock"
    words = [f"line {n}" for n in range(24)]
    file.write_text("".join(f"- [ ] {word}\n" for word in words))
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    workers = [context.Process(target=_tick, args=(str(file), str(lock), words[n::4])) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert file.read_text() == "".join(f"- [x] {word}\n" for word in words)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_killed_at_any_moment_the_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "PLAN.md"
    old = b"".join(b"- [ ] line %d\r\n" % n for n in range(3000))
    new = old.replace(b"[ ] line 7\r", b"[x] line 7\r")
    loop = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from headway.learn.plan import Key, mark
        print("ready", flush=True)
        while True:
            mark(Path({str(file)!r}), {{Key("line 7"): "x"}})
            mark(Path({str(file)!r}), {{Key("line 7"): " "}})
    """)
    file.write_bytes(old)
    dice = random.Random(7)
    seen = set()
    for _ in range(12):
        child = subprocess.Popen([sys.executable, "-c", loop], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        # A reader never sees a half, while it runs or after it was killed.
        end = time.monotonic() + dice.uniform(0.01, 0.12)
        while time.monotonic() < end:
            assert file.read_bytes() in (old, new)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert file.read_bytes() in (old, new)
        seen.add(file.read_bytes())
    assert len(parse(file.read_bytes()).tasks) == 3000


@pytest.mark.parametrize("saving", ["renames", "appends"])
def test_a_person_typing_and_a_command_ticking(tmp_path: Path, saving: str) -> None:
    """Lines are added, by an editor that renames or by one that writes in place, while a command ticks: none is lost."""
    file = tmp_path / "PLAN.md"
    file.write_bytes(b"- [ ] a\n")
    editor = textwrap.dedent(f"""
        import os, random, time
        for n in range(150):
            line = b"- [ ] typed %d\\n" % n
            if {saving!r} == "appends":
                with open({str(file)!r}, "ab", buffering=0) as f:
                    f.write(line)
            else:
                with open({str(tmp_path / "copy")!r}, "wb") as f:
                    f.write(open({str(file)!r}, "rb").read() + line)
                os.replace({str(tmp_path / "copy")!r}, {str(file)!r})
            time.sleep(random.expovariate(100))
    """)
    with subprocess.Popen([sys.executable, "-c", editor]) as typing:
        try:
            while typing.poll() is None:
                mark(file, {Key("a"): "x"})
                mark(file, {Key("a"): " "})
        finally:
            typing.kill()
    everything = b"".join(copy.read_bytes() for copy in tmp_path.iterdir())
    for n in range(150):
        assert b"- [ ] typed %d\n" % n in everything
    if saving == "appends":
        assert [item.text for item in plans.read(file).items] == ["a", *(f"typed {n}" for n in range(150))]
