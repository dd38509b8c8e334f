"""All lessons under one address: the contents, the glossary, and each lesson as marimo shows it.

The application has a gate in front: the address that `headway read` prints carries a token, which is changed for a cookie at
the first visit; without either, nothing is answered, on no route and no websocket.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

from headway.base.errors import HeadwayError
from headway.learn.evidence import record
from headway.learn.shelf import written
from headway.learn.workspace import workspace_around
from headway.web.guard import Application, Receive, Scope, Send
from headway.web.pages import STYLESHEET, contents_page, glossary_page, missing_page

TOKEN = "access_token"
STYLE_PATH = "/lessons.css"
LOOK = "look"
"""The first part of the path of the page of ``headway look``."""


class Gate:
    """An ASGI application in front of another one that lets through who has the token, or the cookie given for it."""

    def __init__(self, application: Application, token: str, port: int) -> None:
        self.application, self.token = application, token
        self.cookie = f"headway_{port}"  # cookies know no ports: two servers on one machine must not share one
        self.key = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
            return
        given = self._given_token(scope)
        if scope["type"] == "http" and given is not None and hmac.compare_digest(given.encode(), self.token.encode()):
            await self._let_in(scope, send)
        elif self._has_cookie(scope):
            await self.application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "the token is missing"})
        else:
            await answer(
                send, 401, "This page opens by the address that headway printed, with its token.", "text/plain"
            )

    def _given_token(self, scope: Scope) -> str | None:
        pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return next((value for name, value in pairs if name == TOKEN), None)

    def _has_cookie(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name.lower() == b"cookie":
                for part in value.decode("latin-1").split(";"):
                    key, _, found = part.strip().partition("=")
                    if key == self.cookie and hmac.compare_digest(found.encode(), self.key.encode()):
                        return True
        return False

    async def _let_in(self, scope: Scope, send: Send) -> None:
        """On to the same page without the token in its address, so that it stands in no history."""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        rest = urlencode([(name, value) for name, value in pairs if name != TOKEN])
        # One slash at the beginning: `//host` would be another machine's address.
        path = "/" + quote(scope["path"].lstrip("/"))
        headers = [
            (b"location", (path + (f"?{rest}" if rest else "")).encode()),
            (b"set-cookie", f"{self.cookie}={self.key}; HttpOnly; SameSite=Lax; Path=/".encode()),
            (b"referrer-policy", b"no-referrer"),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class Pages:
    """Our own pages, and for every other path the application behind."""

    def __init__(self, behind: Application, opened: str | None = None) -> None:
        self.behind = behind
        self.opened = {opened}
        """The lessons whose opening is in the log already."""
        self.pages: dict[str, Callable[[], str]] = {"/": contents_page, "/glossary": glossary_page}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http":
            await self.behind(scope, receive, send)
        elif path in self.pages:
            await answer(send, 200, self.pages[path](), "text/html")
        elif path == STYLE_PATH:
            await answer(send, 200, STYLESHEET.read_text(encoding="utf-8"), "text/css")
        elif (topic := path.strip("/").partition("/")[0]) == LOOK or topic in {each.id for each in written()}:
            if path == f"/{topic}/":
                self._note(topic)
            await self.behind(scope, receive, send)
        else:
            await answer(send, 404, missing_page(), "text/html")

    def _note(self, topic: str) -> None:
        """Write into the log that a lesson was opened, once; a lesson opens all the same where nothing can be written."""
        if topic not in self.opened and topic != LOOK:
            self.opened.add(topic)
            with contextlib.suppress(HeadwayError, OSError):
                if (workspace := workspace_around()) is not None:
                    record(workspace, kind="lesson", name=topic, result="opened")


async def answer(send: Send, status: int, text: str, kind: str) -> None:
    """Answer a request with a text."""
    body = text.encode()
    headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-cache"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def site(token: str, port: int, opened: str | None = None) -> Application:
    """The application that serves every lesson, for whom has `token`; that `opened` was is in the log already."""
    import marimo

    builder = marimo.create_asgi_app(quiet=True, include_code=False)
    for topic in written():
        builder = builder.with_app(path=f"/{topic.id}", root=str(topic.lesson_file))
    builder = builder.with_app(path=f"/{LOOK}", root=str(Path(__file__).with_name("looking.py")))
    return Gate(Pages(builder.build(), opened), token, port)
