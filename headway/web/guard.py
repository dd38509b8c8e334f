"""What stands in front of a page that Headway serves: requests that this page did not make are refused.

A page served on 127.0.0.1 can be reached by every website that is open in the same browser, and by a name that an
attacker lets point to 127.0.0.1 (DNS rebinding). So a request has to name this server as its Host, and one that comes from
a page (it then has an Origin) has to come from this server's own. The token that the address carries is checked by the
server behind.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost")
"""What this machine is called by its own browser."""


class Guard:
    """An ASGI application in front of another one.

    Args:
        application: What answers the requests that are let through.
        port: The port that is served.
        closed: What is answered to nobody, wherever in a path it stands: ``/terminal`` closes ``/attention/terminal/ws`` too.
    """

    def __init__(self, application: Application, port: int, closed: Iterable[str] = ()) -> None:
        self.application, self.closed = application, tuple(closed)
        self.hosts = frozenset(f"{name}:{port}" for name in NAMES) | (frozenset(NAMES) if port == 80 else frozenset())
        self.origins = frozenset(f"http://{host}" for host in self.hosts)

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is refused; None where it is not."""
        headers = [(name.lower(), value.decode("latin-1").lower()) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return "this page is served to its own machine only"
        if any(origin not in self.origins for origin in origins):
            return "another page may not ask this one"
        if any(value == "cross-site" for name, value in headers if name == b"sec-fetch-site"):
            navigates = (b"sec-fetch-mode", "navigate") in headers and (b"sec-fetch-dest", "document") in headers
            if not navigates:
                return "another page may not ask this one"
        if any(f"{closed}/" in f"{scope['path']}/" for closed in self.closed):
            return "this is switched off"
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
        elif scope["type"] not in ("http", "websocket"):
            raise RuntimeError(f"a request of an unknown kind: {scope['type']}")
        elif (reason := self.refusal(scope)) is None:
            await self.application(scope, receive, functools.partial(_unframed, send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            body = reason.encode()
            head = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": head})
            await send({"type": "http.response.body", "body": body})


async def _unframed(send: Send, message: MutableMapping[str, Any]) -> None:
    """Pass a message on; no other page may show this one inside of itself."""
    if message["type"] == "http.response.start":
        rule = (b"content-security-policy", b"frame-ancestors 'self'")
        message = {**message, "headers": [*message.get("headers", ()), rule]}
    await send(message)
