"""`headway read` serves its own machine's browser and nobody else: each way in that a website could try is refused."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lessons import reading
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from headway.web.guard import Guard


class Served:
    """A lesson as ``headway read`` serves it, asked over raw HTTP; `base` is where it lies under the address, and `pages` are all
    that run code: this lesson and, where all lessons are served, the page of ``headway look``."""

    def __init__(self, process: subprocess.Popen[str], port: int, token: str, base: str) -> None:
        self.process, self.port, self.token, self.base = process, port, token, base
        self.own = f"127.0.0.1:{port}"
        self.pages = (base, "/look") if base else (base,)
        self.cookie = ""

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in {"Host": self.own, **headers}.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Type", "application/json")
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() if body is not None else None)
            reply = connection.getresponse()
            self.cookie = (reply.getheader("Set-Cookie") or self.cookie).partition(";")[0]
            return reply.status, reply.read().decode(errors="replace") + str(reply.getheader("Location") or "")
        finally:
            connection.close()

    def socket_opens(self, path: str, **headers: str) -> bool:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        origin: Any = given.pop("Origin", None)
        try:
            with connect(
                f"ws://{self.own}{path}", origin=origin, additional_headers=given, open_timeout=60, proxy=None
            ) as page:
                page.recv(timeout=60)
                return True
        except InvalidStatus:
            return False


@contextlib.contextmanager
def read(folder: Path, *options: str) -> Iterator[Served]:
    with reading("tensors", folder, *options) as (process, found):
        served = Served(process, int(found[1]), found[2], "" if "--edit" in options else "/tensors")
        until = time.monotonic() + 120
        while True:
            try:
                served.ask("/health")
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.2)
        yield served


@pytest.fixture(scope="module", params=["read", "edit"])
def served(request, tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("somewhere")
    options = []
    if request.param == "edit":
        subprocess.run([sys.executable, "-m", "headway", "start", "--into", "ws", "--quiet"], cwd=folder, check=True)
        folder, options = folder / "ws", ["--edit"]
    with read(folder, *options) as found:
        yield found


def test_the_address_opens_the_page_and_no_other_does(served):
    page = f"{served.base}/"
    status, text = served.ask(page)
    assert status in (302, 303, 307, 401)
    assert served.token not in text
    status, text = served.ask(f"{page}?access_token=" + "x" * len(served.token))
    assert status != 200
    status, _ = served.ask(f"{page}?access_token={served.token}")
    assert status == 303, "on to the same page without the token in its address"
    status, text = served.ask(page, Cookie=served.cookie)
    assert status == 200
    assert "<marimo-filename" in text


def test_contents_and_glossary_are_behind_the_same_gate(served):
    if not served.base:
        return  # the editor has one page
    for path in (
        "/",
        "/glossary",
        "/lessons.css",
        "/attention/",
        "/tensors/assets/",
        "/look/",
        "/look/?model=gpt2",
        "/nothing",
    ):
        status, text = served.ask(path)
        assert status == 401
        assert served.token not in text
        assert served.ask(path, Cookie=f"headway_{served.port}=guessed")[0] == 401
    served.ask(f"/?access_token={served.token}")
    cookie = served.cookie
    status, contents = served.ask("/", Cookie=cookie)
    assert status == 200
    assert '<a href="/attention/">' in contents
    assert "Not written yet" in contents
    assert "0 of 6 exercises passed" in contents
    status, glossary = served.ask("/glossary", Cookie=cookie)
    assert status == 200
    assert '<dt id="query">' in glossary
    assert served.ask("/attention/", Cookie=cookie)[0] == 200, "one cookie for all lessons"
    assert "<marimo-filename" in served.ask("/look/", Cookie=cookie)[1]
    assert served.ask("/nothing", Cookie=cookie)[0] == 404


def test_the_token_leads_nowhere_else(served):
    """A path that begins with two slashes would be another machine's address."""
    if served.base:
        status, text = served.ask(f"//evil.example/?access_token={served.token}")
        assert status == 303
        assert text.startswith("/evil.example")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "127.0.0.1"])
def test_a_foreign_name_for_this_machine_gets_nothing(served, host):
    """DNS rebinding: the browser believes that evil.example is this machine, and would show its page what we answer."""
    host = host.format(port=served.port)
    page = f"{served.base}/"
    for path in ("/", page, f"{page}?access_token={served.token}", "/auth/login", f"{served.base}/health"):
        status, text = served.ask(path, Host=host)
        assert status == 403
        assert served.token not in text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1:{port}"])
def test_a_foreign_page_gets_nothing_even_with_the_cookie(served, origin):
    served.ask(f"/?access_token={served.token}")
    origin = origin.format(port=served.port)
    body = json.dumps({"cellIds": ["a"], "codes": ["open('/tmp/got-in', 'w')"]})
    for base in served.pages:
        for path in (
            "/api/kernel/run",
            "/api/kernel/instantiate",
            "/api/files/list_files",
            "/api/home/shutdown_session",
        ):
            assert served.ask(base + path, "POST", body, Origin=origin, Cookie=served.cookie)[0] == 403
        assert served.ask(f"{base}/", Origin=origin, Cookie=served.cookie)[0] == 403
        for path in (f"{base}/ws?session_id=s_1234", f"{base}/terminal/ws"):
            assert not served.socket_opens(path, Origin=origin, Cookie=served.cookie)
            path += f"{'&' if '?' in path else '?'}access_token={served.token}"
            assert not served.socket_opens(path, Origin=origin)


def test_nothing_runs_without_the_token(served):
    body = json.dumps({"cellIds": ["a"], "codes": ["1"]})
    own = f"http://{served.own}"
    for base in served.pages:
        for path in ("/api/kernel/run", "/api/kernel/instantiate", "/api/files/list_files"):
            assert served.ask(base + path, "POST", body, Origin=own)[0] in (401, 403)
        assert not served.socket_opens(f"{base}/ws?session_id=s_1234", Origin=own)


def test_there_is_no_terminal_even_for_the_page_itself(served):
    served.ask(f"/?access_token={served.token}")
    for base in served.pages:
        assert not served.socket_opens(f"{base}/terminal/ws", Origin=f"http://{served.own}", Cookie=served.cookie)


def test_the_page_itself_gets_in(served):
    """What is refused above is refused for its sender, not because the paths are wrong."""
    served.ask(f"/?access_token={served.token}")
    for base in served.pages:
        path = f"{base}/ws?session_id=s_abcdef"
        assert served.socket_opens(path, Origin=f"http://{served.own}", Cookie=served.cookie)


def test_a_page_inside_another_ones_frame_is_not_shown(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", f"/?access_token={served.token}")
    policies = connection.getresponse().headers.get_all("Content-Security-Policy")
    connection.close()
    assert any("frame-ancestors 'self'" in policy for policy in policies or ())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_with_its_command(tmp_path, number):
    with read(tmp_path) as found:
        found.process.send_signal(number)
        found.process.wait(60)
        until = time.monotonic() + 60
        while True:
            try:
                found.ask("/health")
            except OSError:
                break
            assert time.monotonic() < until, "the server goes on without its command"
            time.sleep(0.1)


def test_a_port_in_use_is_one_line(tmp_path):
    with read(tmp_path) as found:
        second = subprocess.run(
            [sys.executable, "-m", "headway", "read", "tensors", "--no-browser", "--port", str(found.port)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert f"port {found.port} cannot be used" in second.stderr


def _refusal(**headers: str) -> str | None:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items() if name != "path"]
    path = headers.get("path", "/")
    return Guard(None, 8000, ("/terminal",)).refusal({"type": "http", "path": path, "headers": pairs})  # type: ignore[arg-type]


def test_what_the_guard_refuses():
    assert _refusal(host="127.0.0.1:8000") is None
    assert _refusal(host="LOCALHOST:8000", origin="http://localhost:8000") is None
    assert (
        _refusal(
            host="localhost:8000", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="document"
        )
        is None
    )
    assert _refusal()
    assert _refusal(host="localhost:8001")
    assert _refusal(host="localhost:8000", origin="")
    assert _refusal(
        host="localhost:8000", sec_fetch_site="cross-site", sec_fetch_mode="no-cors", sec_fetch_dest="script"
    )
    assert _refusal(
        host="localhost:8000", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="iframe"
    )
    for path in ("/terminal", "/terminal/ws", "/attention/terminal/ws"):
        assert _refusal(host="localhost:8000", path=path)
    assert _refusal(host="localhost:8000", path="/terminals") is None
