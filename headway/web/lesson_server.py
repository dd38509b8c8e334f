"""The process that serves the lessons with marimo, behind `Guard` and `Gate`: started by ``headway read``, ended with it.

Standard input carries the request, one line of JSON, so that the token appears in no list of processes; after it nothing more
comes, and when the pipe closes, whatever way its other end went, this process and those that it has started end.

To be read, all lessons lie side by side under one address (`headway.web.site`). To be edited, a lesson's copy is opened by
marimo's own editor.
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
from pathlib import Path
from typing import Any

from headway.web.guard import Guard

CLOSED = ("/terminal",)
"""A shell in the page: nothing in a lesson needs one."""

STYLE = Path(__file__).parent / "lessons.css"


def main() -> None:
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["MARIMO_SKIP_UPDATE_CHECK"] = "1"
    _settle_looks()
    if request["edit"]:
        _edit(request)
    else:
        _read(request)


def _read(request: dict[str, Any]) -> None:
    """Serve every lesson; the modules they use are loaded before the port answers, so that pages come at once."""
    import uvicorn

    from headway.learn.lesson import SERVED
    from headway.web.site import site
    from headway.web.warm import warm

    os.environ[SERVED] = "1"
    application = site(request["token"], request["port"], request["topic"])
    warm(request["topic"], looks=bool(request.get("looks")))
    uvicorn.run(
        Guard(application, request["port"], CLOSED),
        host="127.0.0.1",
        port=request["port"],
        log_level="critical",
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )


def _edit(request: dict[str, Any]) -> None:
    _stand_guard(request["port"])
    sys.argv = [
        *("marimo", "--quiet", "--yes", "--log-level", "ERROR"),
        *("edit", request["file"]),
        *("--host", "127.0.0.1", "--port", str(request["port"]), "--headless"),
        *("--token-password", request["token"]),
    ]
    runpy.run_module("marimo", run_name="__main__", alter_sys=True)


def _settle_looks() -> None:
    """Give every page our style and the system's choice of light or dark, whatever marimo is set to on this machine."""
    from marimo._config import manager

    plain = manager.get_default_config_manager

    def ours(*args: Any, **options: Any) -> Any:
        looks: Any = {"display": {"theme": "system", "custom_css": [str(STYLE)]}}
        return plain(*args, **options).with_overrides(looks)

    manager.get_default_config_manager = ours


def _end_with_parent() -> None:
    """Wait until the other end of standard input is gone, then end this process and all of its group."""
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _stand_guard(port: int) -> None:
    """Put the guard in front of everything that marimo's own server answers with."""
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
