"""``headway NAME ...``: find the command, run it, and turn what a person got wrong into one line.

Every command is a module of this package with a cyclopts `app`, or a plain function of the same name. The table below
is all that ``headway --help`` needs, so that help answers without importing torch; a test holds it against the modules.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import re
import select
import sys
from typing import Any

from headway import __version__
from headway.base.console import fail, out
from headway.base.errors import HeadwayError, did_you_mean

GROUPS: dict[str, dict[str, str]] = {
    "Set up": {
        "tour": "See the whole of Headway in under a minute.",
        "start": "Make a workspace from your plan, or complete one.",
        "doctor": "Show versions, threads, caches, and what is missing.",
        "fetch": "Fetch models and texts into the cache, or list them.",
    },
    "Plan": {
        "plan": "Show the plan with the evidence behind every tick.",
        "next": "Show the one next step, and the command to type.",
        "tick": "Tick a line of the plan by hand.",
        "untick": "Take a tick away.",
        "skip": "Leave a topic out of the next steps, or take it up again.",
        "test-out": "Show that you know a topic by its hardest exercises.",
        "review": "Bring back what you got wrong, when it is due.",
    },
    "Learn": {
        "read": "Open a topic's lesson in the browser.",
        "papers": "Papers: list, notes, file by arXiv id or DOI, BibTeX, Zotero.",
        "check": "Judge an exercise; without a name, the next one.",
        "watch": "Judge an exercise each time you save it.",
        "hint": "Show the next hint for an exercise.",
        "reset": "Put an exercise's stub back; your version is kept.",
        "solution": "Show right answers, after a pass or with --give-up.",
        "judge": "Prove the judge: `headway judge audit`.",
    },
    "Models": {
        "models": "List every architecture, or show one.",
        "diff": "Say what changed between two architectures.",
        "export": "Write a model as a Hugging Face folder.",
        "run": "Give a model a text, a picture, a sound: it does what it can.",
        "look": "See what goes on inside a model, on your own words.",
        "chat": "Talk with a model.",
        "bench": "Measure speed against others, in one interleaved run.",
    },
    "Train": {
        "train": "Train a model: a preset or your own settings; resumes to the bit.",
        "runs": "List training runs, show one, or plot their curves together.",
    },
    "Claims": {
        "claims": "List the papers' claims with cost and verdicts, or show one.",
        "reproduce": "Reproduce a paper's claim: arms, seeds, a negative control, a verdict.",
    },
}
"""Group -> command -> the one line shown in ``headway --help``."""


def commands() -> dict[str, str]:
    """Every command and its one line."""
    return {name: line for group in GROUPS.values() for name, line in group.items()}


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 the answer is no, 2 something to put right, 130 interrupted."""
    _open_standard_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words or bool(os.environ.get("HEADWAY_DEBUG"))
    words = [word for word in words if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        # A plan may hold any character, a terminal may know few: a question mark is better than an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        os.getcwd()
    except FileNotFoundError:
        fail("the folder you are in is gone: `cd` to another one.")
        return 2
    try:
        code = _dispatch(words)
        sys.stdout.flush()  # here, where what goes wrong can still be said
        return code
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print(file=sys.stderr)
        return 130
    except HeadwayError as error:
        if debug:
            raise
        fail(str(error))
        return error.exit_code
    except OSError as error:
        if error.errno == errno.EPIPE and _nobody_reads():
            return 0  # the reader of a pipe went away (`headway plan | head`): it has what it wanted
        if debug:
            raise
        fail(_one_line(error))
        return 2
    except Exception as error:
        if debug:
            raise
        fail(
            f"Headway itself failed ({type(error).__name__}: {error}). Run the same command with --debug and report it."
        )
        return 1


def _open_standard_streams() -> None:
    """Let what was closed by whoever started us (`headway plan >&-`) lead to nowhere, instead of into the next file opened."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            stream = open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)  # noqa: SIM115, for good
            setattr(sys, name, stream)


def _nobody_reads() -> bool:
    """Whether the pipe that standard output leads to has no reader. It leads to nowhere from then on."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no poll on Windows, no descriptor in some tests
        ends = select.poll()
        ends.register(sys.stdout.fileno(), 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in ends.poll(0)):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return True
    return False


def _one_line(error: OSError) -> str:
    """What the system refused, with the file's name, and what to do about it.

    It says nothing about what was changed before: only the command knows that.
    """
    file = error.filename2 or error.filename
    reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
    line = f"{reason}: {file}" if file else reason
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{line}. Allow it with chmod or chown, or work in a folder of yours."
    if error.errno == errno.EROFS:
        return f"{line}. That disk can only be read: work in another folder."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{line}. The disk is full: free some room, and run the same command again."
    return f"{line}."


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        if len(words) > 1 and words[0] == "help":
            return _dispatch([words[1], "--help"])
        _help()
        return 0
    if words[0] in ("--version", "version"):
        print(f"headway {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if name not in commands():
        raise HeadwayError(
            f"there is no command '{name}'.{did_you_mean(name, list(commands()))} `headway --help` lists them."
        )
    app = importlib.import_module(f"headway.cli.{name.replace('-', '_')}").app
    return run(app, rest)


def run(app, words: list[str]) -> int:
    """Parse `words` with a cyclopts `app` and run it; a parsing mistake becomes one line like every other."""
    import cyclopts

    plain = cyclopts.Parameter(show_default=_default_shown)
    # It is named so that usage lines begin with it.
    whole = cyclopts.App(name="headway", version_flags=[], default_parameter=plain)
    whole.command(app)
    try:
        result = whole([app.name[0], *words], exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        name = " ".join(error.command_chain or app.name)
        raise HeadwayError(f"{_mistyped(error, name)} `headway {name} --help` shows how.") from error
    return int(result) if isinstance(result, int) else 0


def _default_shown(value: Any) -> str | None:
    """What ``--help`` calls the default of an option; None for a switch that is off and for what is left empty."""
    return None if value is None or value is False or value == () else "on" if value is True else str(value)


def _mistyped(error: Any, name: str) -> str:
    """What is wrong with a command line, in a sentence; cyclopts' own words where there are no better ones."""
    said = " ".join(str(error).split())
    match type(error).__name__:
        case "UnusedCliTokensError":
            return f"`headway {name}` has no use for '{' '.join(error.unused_tokens)}'."
        case "MissingArgumentError" if error.argument is not None:
            missing = error.argument.names[0]
            needs = missing if error.argument.index is None else missing.lstrip("-").upper()
            return f"{needs} needs a value." if needs.startswith("-") else f"`headway {name}` needs {needs}."
        case "CoercionError":
            said = re.sub(r'unable to convert ("[^"]*") into float\.', r"\1 is no number.", said)
            return re.sub(r'unable to convert ("[^"]*") into int\.', r"\1 is no whole number.", said)
    return said


def _help() -> None:
    from rich.table import Table

    console = out()
    console.print(
        f"[bold]headway[/bold] {__version__}: a plan to learn Transformers, turned into something that runs.\n"
    )
    console.print("  headway COMMAND ...      `headway COMMAND --help` shows what a command takes\n")
    for group, rows in GROUPS.items():
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2), title=None)
        table.add_column(min_width=11, no_wrap=True, style="bold cyan")
        table.add_column()
        for name, line in rows.items():
            table.add_row(name, line)
        console.print(f"[dim]{group}[/dim]")
        console.print(table)
        console.print()


if __name__ == "__main__":
    sys.exit(main())
