"""``headway read``: open the lessons in a browser."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import cyclopts
from rich.text import Text

from headway.base.console import out
from headway.base.errors import HeadwayError
from headway.base.files import write_bytes
from headway.cli.shared.numbers import Whole
from headway.cli.shared.serving import bindable, free_port, serve
from headway.learn.evidence import record
from headway.learn.path import the_path
from headway.learn.progress import Progress
from headway.learn.shelf import length_of, reading_in, written
from headway.learn.workspace import Workspace, find_workspace

app = cyclopts.App(name="read", help="Open the lessons in the browser.")


@app.default
def read(
    topic: str | None = None,
    /,
    *,
    list_: Annotated[bool, cyclopts.Parameter("--list", negative="")] = False,
    edit: bool = False,
    port: Annotated[Whole | None, cyclopts.Parameter(help="Port on this machine; a free one if left out.")] = None,
    browser: Annotated[bool, cyclopts.Parameter(help="Open the browser; otherwise only print the address.")] = True,
) -> int:
    """Open the lessons in the browser; everything is served from this machine.

    Parameters
    ----------
    topic
        A topic of the path, whose lesson is opened; left out, the contents page is, from which all are reached.
    list_
        List the lessons here instead: how long each takes, what there is to read and to do, how far you are.
    edit
        Open a copy of your own instead (in the workspace, lessons/), with its code, to change as you like.
    """
    try:
        workspace = find_workspace()
    except HeadwayError:
        workspace = None
    if list_:
        _list(workspace)
        return 0
    found = the_path().topic(topic) if topic is not None else None
    if found is not None and found.lesson_file is None:
        raise HeadwayError(
            f"the lesson on {found.title} is not written yet. There are {', '.join(each.id for each in written())}."
        )
    if port is not None and not 0 < port < 65536:
        raise HeadwayError(f"a port is a number from 1 to 65535, not {port}")
    lesson = found.lesson_file if found is not None else None
    if edit:
        if lesson is None:
            raise HeadwayError("say which lesson to edit: `headway read TOPIC --edit`")
        if workspace is None:
            raise HeadwayError("a copy to edit belongs into a workspace: run `headway start` first")
        lesson = _own_copy(lesson, workspace.root / "lessons")
    port = bindable(port) if port else free_port()
    token = secrets.token_urlsafe(32)
    page = f"{found.id}/" if found is not None and not edit else ""
    address = f"http://127.0.0.1:{port}/{page}?access_token={token}"
    if found is not None and workspace is not None:
        record(workspace, kind="lesson", name=found.id, result="opened")
    request = {
        "file": str(lesson) if edit else None,
        "topic": found.id if found is not None else None,
        "edit": edit,
        "port": port,
        "token": token,
    }
    told = [f"Your copy: {lesson}"] if edit else []
    return serve(request, found.title if found is not None else "Lessons", address, told, browser=browser)


def _list(workspace: Workspace | None) -> None:
    """The lessons, with what is counted in each and what is done."""
    progress = Progress(workspace) if workspace is not None else None
    rows = written()
    width = max(len(topic.id) for topic in rows)
    for topic in rows:
        assert topic.lesson_file is not None
        length, state = length_of(topic.lesson_file), reading_in(topic, progress)
        out().print(
            Text.assemble(
                (f"{topic.id:<{width}}  ", "bold cyan"),
                (f"{length.minutes:>2} min  {length.words:>5} words  {length.stations:>2} stations  ", ""),
                (
                    f"{state.recall[0]}/{state.recall[1]} questions  {state.exercises[0]}/{state.exercises[1]} exercises",
                    "dim",
                ),
            )
        )


def _own_copy(lesson: Path, folder: Path) -> Path:
    """The learner's copy: made once, never overwritten."""
    copy = folder / lesson.name
    if not copy.exists():
        write_bytes(copy, lesson.read_bytes())
    return copy
