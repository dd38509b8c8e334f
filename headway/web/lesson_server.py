"""The process that serves one lesson with marimo, behind `Guard`: started by ``headway read``, and ended with it.

Standard input carries the request, one line of JSON, so that the token appears in no list of processes; after it nothing more
comes, and when the pipe closes, whatever way its other end went, this process and those that it has started end.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

from headway.web.guard import Guard

CLOSED = ("/terminal",)
"""A shell in the page: nothing in a lesson needs one."""


def main() -> None:
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _stand_guard(request["port"])
    os.environ["MARIMO_SKIP_UPDATE_CHECK"] = "1"
    sys.argv = [
        *("marimo", "--quiet", "--yes", "--log-level", "ERROR"),
        *("edit" if request["edit"] else "run", request["file"]),
        *("--host", "127.0.0.1", "--port", str(request["port"]), "--headless"),
        *("--token-password", request["token"]),
    ]
    runpy.run_module("marimo", run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    """Wait until the other end of standard input is gone, then end this process and all of its group."""
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _stand_guard(port: int) -> None:
    """Put the guard in front of everything that marimo's server answers with."""
    from marimo._server.registry import LIFESPAN_REGISTRY

    @contextlib.asynccontextmanager
    async def guarded(server: Any) -> AsyncIterator[None]:
        server.middleware_stack = Guard(server.middleware_stack, port, CLOSED)
        yield

    for name in ("MARIMO_SERVER_ASGI_LIFESPAN_ALLOWLIST", "MARIMO_SERVER_ASGI_LIFESPAN_DENYLIST"):
        os.environ.pop(name, None)  # the guard is not an extension to be left out
    LIFESPAN_REGISTRY.register("headway", guarded)


if __name__ == "__main__":
    main()
