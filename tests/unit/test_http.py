"""The one HTTP client, over real HTTP, against a server on this machine that is slow, silent, endless or wrong in every place."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import threading
import time
import zlib

import pytest
from support.registries import Registries
from support.server import LocalServer, SilentHandler

from headway.base.errors import HeadwayError, Offline
from headway.base.http import (
    AskedToWait,
    Client,
    CutShort,
    Limits,
    Refused,
    TooLarge,
    TooSlow,
    Unreachable,
    check_address,
)
from headway.papers import fetch

CALM = Limits(tries=3, silence=60.0, whole=120.0, slowest=1000.0, window=60.0, worth=1000, largest=5000, pause=0.01)
"""Time enough for a busy machine, where the answer comes."""
QUICK = dataclasses.replace(CALM, whole=1.0)
"""For servers that never end."""


class Server(LocalServer):
    """Answers a path by the method of that name. `asked`: (path, headers) of every request."""

    def __init__(self):
        super().__init__(Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()
        self.serve()

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


class Handler(SilentHandler):
    server: Server

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        getattr(self, self.path.strip("/").replace("?", "/").split("/")[0].replace("-", "_"))()

    do_POST = do_GET

    def answer(self, status: int, body: bytes = b"", **headers: str):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, one: bytes = b"x", pause: float = 0.02):
        """A byte now and then, until the test is over or the other side has gone."""
        while not self.server.over.wait(pause):
            self.wfile.write(one)
            self.wfile.flush()

    def good(self):
        self.answer(200, b"good")

    def said(self):
        self.answer(200, self.body)

    def slow_body(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.drip()

    def slow_chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.drip(b"1\r\nx\r\n")

    def slow_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self.drip()

    def slow_status(self):
        self.drip(b"H")

    def silent(self):
        self.server.over.wait(60)

    def endless(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while not self.server.over.is_set():
            self.wfile.write(b"x" * 4096)

    def nothing(self):
        self.close_connection = True

    def nonsense(self):
        self.wfile.write(b"\x00\x01\x02 no HTTP at all\r\n\r\n")
        self.close_connection = True

    def cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def cut_chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"64\r\nhalf")
        self.close_connection = True

    def one_more_each_time(self):
        """One more byte of a file, then the end."""
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-4999/5000")
        self.send_header("Content-Length", str(5000 - start))
        self.end_headers()
        self.wfile.write(b"x")
        self.close_connection = True

    def round_and_round(self):
        self.answer(302, Location="/round-and-round")

    def to_a_file(self):
        self.answer(302, Location="file:///etc/hostname")

    def to_good(self):
        self.answer(302, Location="/good")

    def to_another_host(self):
        self.answer(302, Location=f"http://localhost:{self.server.server_address[1]}/good")

    def busy(self):
        self.answer(503 if self.server.paths.count(self.path) < 3 else 200, b"at last")

    def busy_for_an_hour(self):
        self.answer(429, Retry_After="3600")

    def no(self):
        self.answer(403, b"because")

    def zipped(self):
        self.answer(200, gzip.compress(b"good"), Content_Encoding="gzip")

    def deflated(self):
        self.answer(200, zlib.compress(b"good"), Content_Encoding="deflate")

    def zipped_much(self):
        self.answer(200, gzip.compress(b"0" * 50_000_000), Content_Encoding="gzip")

    def zipped_half(self):
        self.answer(200, gzip.compress(b"good" * 100)[:-9], Content_Encoding="gzip")

    def zipped_badly(self):
        self.answer(200, b"no gzip at all", Content_Encoding="gzip")

    def zipped_otherwise(self):
        self.answer(200, b"good", Content_Encoding="br")

    def log_in(self):
        self.answer(200, b"<html>log in" + b" " * 200, Content_Type="text/html; charset=utf-8")


@pytest.fixture
def server():
    made = Server()
    yield made
    made.over.set()
    made.shutdown()
    made.server_close()


def test_an_answer_and_what_was_said(server) -> None:
    answer = Client(CALM).get(f"{server.url}/good", {"Accept": "text/x"})
    assert (answer.status, answer.body, answer.url) == (200, b"good", f"{server.url}/good")
    headers = server.asked[0][1]
    assert headers["Accept"] == "text/x"
    assert headers["User-Agent"].startswith("headway/")
    assert Client(CALM).once("POST", f"{server.url}/said", body=b"words").body == b"words"
    refused = Client(CALM).once("GET", f"{server.url}/no")
    assert (refused.status, refused.body) == (403, b"because")
    assert Client(CALM).get(f"{server.url}/to-good").body == b"good"


@pytest.mark.parametrize("path", ["zipped", "deflated"])
def test_what_is_compressed_unasked_is_unpacked(server, path) -> None:
    assert Client(CALM).get(f"{server.url}/{path}").body == b"good"
    assert Client(CALM).once("GET", f"{server.url}/{path}").body == b"good"


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("zipped-much", TooLarge, "more than"),
        ("zipped-half", CutShort, "ends early"),
        ("zipped-badly", CutShort, "cannot be unpacked"),
        ("zipped-otherwise", Unreachable, "'br'"),
    ],
)
def test_compressed_answers_are_bounded_and_whole(server, path, kind, says) -> None:
    for ask in (Client(CALM).get, functools.partial(Client(CALM).once, "GET")):
        with pytest.raises(kind, match=says):
            ask(f"{server.url}/{path}")


@pytest.mark.parametrize(("path", "says"), [("log-in", "a web page"), ("zipped", "'gzip'")])
def test_what_is_not_the_bytes_of_a_file_is_told_at_once(server, tmp_path, path, says) -> None:
    """And what lies there already stays."""
    file = tmp_path / "file"
    file.write_bytes(b"half")
    with pytest.raises(Unreachable, match=says):
        Client(CALM).download(f"{server.url}/{path}", file, 1000)
    assert file.read_bytes() == b"half"
    assert server.paths == [f"/{path}"]


@pytest.mark.parametrize("path", ["slow-body", "slow-chunks", "slow-headers", "slow-status"])
def test_a_byte_now_and_then_ends_with_the_deadline(server, path) -> None:
    began = time.monotonic()
    with pytest.raises(TooSlow, match="not whole after 1 s"):
        Client(QUICK).get(f"{server.url}/{path}")
    assert time.monotonic() - began >= 1
    assert len(server.asked) == 1, "a server that is too slow is not asked again"


def test_silence_ends_too(server) -> None:
    with pytest.raises(Unreachable, match=r"no byte for 0 s|not whole"):
        Client(dataclasses.replace(CALM, silence=0.2)).get(f"{server.url}/silent")


@pytest.mark.parametrize("path", ["slow-body", "slow-chunks", "slow-headers"])
def test_a_file_that_drips_is_given_up_and_what_came_is_kept(server, tmp_path, path) -> None:
    """No deadline holds for a large file; a rate does."""
    with pytest.raises(TooSlow, match="bytes in"):
        Client(dataclasses.replace(CALM, window=0.4)).download(f"{server.url}/{path}", tmp_path / "file", 100_000)
    if path != "slow-headers":
        assert (tmp_path / "file").read_bytes().strip(b"x") == b""
        assert (tmp_path / "file").stat().st_size > 0


def test_a_file_that_grows_by_a_byte_a_try_is_given_up(server, tmp_path) -> None:
    with pytest.raises(CutShort, match="the connection ended"):
        Client(CALM).download(f"{server.url}/one-more-each-time", tmp_path / "file", 5000)
    assert len(server.asked) == CALM.tries
    assert (tmp_path / "file").stat().st_size == CALM.tries


def test_an_endless_answer_is_cut(server, tmp_path) -> None:
    with pytest.raises(TooLarge, match="more than 0 MB"):
        Client(CALM).get(f"{server.url}/endless")
    with pytest.raises(TooLarge, match="larger than the 5000 bytes"):
        Client(CALM).download(f"{server.url}/endless", tmp_path / "file", 5000)
    assert (tmp_path / "file").stat().st_size == 0


@pytest.mark.parametrize("path", ["nothing", "cut", "cut-chunks", "nonsense"])
def test_what_ends_early_is_tried_again_and_then_said(server, path) -> None:
    with pytest.raises(CutShort) as caught:
        Client(CALM).get(f"{server.url}/{path}")
    assert "\n" not in str(caught.value)
    assert len(server.asked) == CALM.tries


def test_busy_for_a_moment_and_for_an_hour(server) -> None:
    patient = Client(CALM)
    assert patient.get(f"{server.url}/busy").body == b"at last"
    with pytest.raises(AskedToWait, match="3600 s"):
        patient.get(f"{server.url}/busy-for-an-hour")
    with pytest.raises(Refused, match="answered 403"):
        patient.get(f"{server.url}/no")
    assert server.paths.count("/no") == 1


def test_redirections_stay_on_the_web_and_come_to_an_end(server) -> None:
    for path in ("round-and-round", "to-a-file"):
        with pytest.raises(Refused, match="302"):
            Client(CALM).get(f"{server.url}/{path}")


def test_a_password_is_for_the_host_it_was_given_for(server) -> None:
    secret = server.url.replace("http://", "http://ada:s%40cret@")
    Client(CALM).get(f"{secret}/to-good")
    assert [headers.get("Authorization") for _, headers in server.asked] == ["Basic YWRhOnNAY3JldA=="] * 2
    Client(CALM).get(f"{secret}/to-another-host")
    assert [headers.get("Authorization") for _, headers in server.asked[2:]] == ["Basic YWRhOnNAY3JldA==", None]
    with pytest.raises(Refused) as caught:
        Client(CALM).get(f"{secret}/no")
    assert "cret" not in str(caught.value)


def test_this_machine_is_not_asked_through_a_proxy(server, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Client(CALM).get(f"{server.url}/good").body == b"good"
    assert Client(CALM, proxy="http://127.0.0.1:9").get(f"{server.url}/good").body == b"good"


@pytest.mark.parametrize(
    "address",
    [
        "htp:/x",
        "x",
        "http://",
        "http://[",
        "http://a:b",
        "http://a:99999",
        "ftp://a/b",
        "file:///x",
        "",
        "http:// /",
        "//a",
    ],
)
def test_an_address_that_is_none_is_one_line(address) -> None:
    def asked():
        check_address(address, "HEADWAY_DOI")
        Client(CALM).get(address)

    with pytest.raises(HeadwayError) as caught:
        asked()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["HEADWAY_ARXIV_API", "HEADWAY_DOI"])
def test_a_variable_that_names_no_address_is_named(monkeypatch, name) -> None:
    monkeypatch.setenv(name, "htp:/x")
    with pytest.raises(HeadwayError, match=f"{name} is 'htp:/x'"):
        fetch.from_arxiv(["2401.12345"]) if name == "HEADWAY_ARXIV_API" else fetch.from_doi("10.1/x")


def test_a_registry_that_drips_is_one_line_that_says_what_to_do(server, monkeypatch) -> None:
    monkeypatch.setenv("HEADWAY_DOI", f"{server.url}/slow-body")
    monkeypatch.setenv("HEADWAY_ARXIV_API", f"{server.url}/slow-headers")
    monkeypatch.setattr(fetch, "LIMITS", QUICK)
    with pytest.raises(Offline, match=r"not whole after 1 s.*by hand"):
        fetch.from_doi("10.1000/xyz")
    with pytest.raises(Offline, match=r"not whole after 1 s.*by hand"):
        fetch.from_arxiv(["2401.12345"])


def test_a_registry_with_too_much_to_say_is_one_line(monkeypatch) -> None:
    registries = Registries({}, {"10.1000/long": "x" * 10_000})
    monkeypatch.setenv("HEADWAY_DOI", registries.url)
    monkeypatch.setattr(fetch, "LIMITS", CALM)
    with pytest.raises(HeadwayError, match="more than"):
        fetch.from_doi("10.1000/long")
    registries.shutdown()
    registries.server_close()
