"""``headway read TOPIC``: open the topic's lesson in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts

app = cyclopts.App(name="read", help="Open a topic's lesson in the browser.")


@app.default
def read(
    topic: str | None = None,
    *,
    edit: bool = False,
    port: Annotated[int | None, cyclopts.Parameter(help="Port on this machine; a free one if left out.")] = None,
    browser: Annotated[bool, cyclopts.Parameter(help="Open the browser; otherwise only print the address.")] = True,
) -> int:
    """Open a topic's lesson in the browser; everything is served from this machine.

    Parameters
    ----------
    topic
        A topic of the path; left out, the lessons there are are listed.
    edit
        Open a copy of your own instead (in the workspace, lessons/), with its code, to change as you like.
    """
    import os
    import signal
    import subprocess
    import sys

    from headway.base.console import err, out
    from headway.base.errors import HeadwayError
    from headway.learn.evidence import record
    from headway.learn.path import the_path
    from headway.learn.workspace import find_workspace

    written = {name: found.lesson_file for name, found in the_path().topics.items() if found.lesson_file}
    if topic is None:
        for name in written:
            out().print(f"[bold cyan]{name:<20}[/bold cyan] {the_path().topics[name].title}")
        err().print("\n`headway read TOPIC` opens one.")
        return 0
    found = the_path().topic(topic)
    if found.id not in written:
        raise HeadwayError(f"the lesson on {found.title} is not written yet. There are {', '.join(written)}.")
    if port is not None and not 0 < port < 65536:
        raise HeadwayError(f"a port is a number from 1 to 65535, not {port}")
    lesson = written[found.id]
    assert lesson is not None
    try:
        workspace = find_workspace()
    except HeadwayError:
        workspace = None
    if edit:
        if workspace is None:
            raise HeadwayError("a copy to edit belongs into a workspace: run `headway start` first")
        lesson = _own_copy(lesson, workspace.root / "lessons")
    command = [
        sys.executable,
        "-m",
        "marimo",
        "--log-level",
        "ERROR",
        "edit" if edit else "run",
        str(lesson),
        "--no-token",
    ]
    command += ["--port", str(port or _free_port()), "--host", "127.0.0.1"]
    command += [] if browser else ["--headless"]
    err().print(f"{found.title}: {lesson if edit else 'http://127.0.0.1:' + command[command.index('--port') + 1]}")
    err().print("Ctrl-C closes it.")
    if workspace is not None:
        record(workspace, kind="lesson", name=found.id, result="opened")
    environment = {**os.environ, "MARIMO_SKIP_UPDATE_CHECK": "1"}
    signal.signal(signal.SIGTERM, _leave)  # the page's server must not outlive its command
    with subprocess.Popen(command, env=environment) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            server.terminate()


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _own_copy(lesson: Path, folder: Path) -> Path:
    """The learner's copy: made once, never overwritten."""
    from headway.base.files import write_bytes

    copy = folder / lesson.name
    if not copy.exists():
        write_bytes(copy, lesson.read_bytes())
    return copy


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
