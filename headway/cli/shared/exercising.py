"""What check, watch, hint, reset and solution share: which exercise is meant, and how a verdict looks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from headway.base.console import broken, err, out, under
from headway.base.errors import HeadwayError
from headway.base.files import write_bytes
from headway.learn.evidence import read, record
from headway.learn.exercise import exercises, find_exercise
from headway.learn.progress import Progress, remember, sync
from headway.learn.steps import next_step
from headway.learn.workspace import find_workspace

if TYPE_CHECKING:
    from headway.learn.exercise import Exercise
    from headway.learn.judge import Verdict
    from headway.learn.progress import Progress
    from headway.learn.workspace import Workspace


def workspace_or_none() -> Workspace | None:
    """The workspace, where there is one."""
    try:
        return find_workspace()
    except HeadwayError:
        return None


def next_exercise(progress: Progress, after: Exercise | None = None) -> Exercise | None:
    """The first exercise that has not passed: of the topic the next step is in, else in the order of the path.

    `after`: the first one behind this in the order of the path, beginning again at the end.
    """
    passed = {state.exercise.id for topic in progress.topics.values() for state in topic.exercises if state.done}
    skipped = {name for name, topic in progress.topics.items() if topic.skipped or topic.tested_out}
    every = list(exercises().values())
    if after is not None:
        at = next((n for n, exercise in enumerate(every) if exercise.id == after.id), -1)
        every = [*every[at + 1 :], *every[: at + 1]]
    else:
        step = next_step(progress)
        first = step.topic.topic.id if step and step.topic else ""
        every.sort(key=lambda exercise: exercise.topic != first)
    left = [exercise for exercise in every if exercise.id not in passed]
    return next((e for e in left if e.topic not in skipped), left[0] if left else None)


def file_of(exercise: Exercise, workspace: Workspace) -> Path:
    """The learner's file; the stub is put there where it is missing."""
    file = workspace.exercise_file(exercise.id)
    if not file.exists() and not file.is_symlink():
        write_bytes(file, exercise.task.read_bytes())
    return file


def resolve(name: str | None, workspace: Workspace | None) -> tuple[Exercise, Path]:
    """What a command's argument means: an exercise, or the path of a file written for one; None is the next exercise."""
    if name is not None and (name.endswith(".py") or Path(name).is_file()):
        file = Path(name)
        if not file.is_file():
            raise HeadwayError(f"there is no file {name}.")
        return find_exercise(str(file.absolute())), file
    if workspace is None:
        workspace = find_workspace()  # for its error
    if name is None:
        exercise = next_exercise(Progress(workspace))
        if exercise is None:
            raise HeadwayError("every exercise has passed. `headway check --all` judges them again.")
    else:
        exercise = find_exercise(name)
    return exercise, file_of(exercise, workspace)


def colours() -> bool:
    return sys.stdout.isatty()


MARKS = {"passed": ("✔", "+", "bold green"), "unfinished": ("○", "-", "bold yellow")}


def mark(status: str) -> tuple[str, str]:
    """The sign of a status and its style, in ASCII where the terminal knows no others."""
    sign, plain, style = MARKS.get(status, ("✗", "x", "bold red"))
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        sign = plain
    return sign, style


def draw_verdict(exercise: Exercise, verdict: Verdict, verbose: bool = False, short: bool = False) -> None:
    """One line; the rest with `verbose`. Nothing a learner's file printed can look like a verdict: it is set off."""
    sign, style = mark(verdict.status)
    out().print(Text.assemble((f"{sign} ", style), (exercise.id, "bold"), f"  {verdict.line}"))
    if short:
        return
    for note in verdict.notes:
        out().print(Text(f"  {note}", style="cyan"))
    if verbose:
        for detail in verdict.details:
            out().print(Text(f"  {detail}", style="dim"))
        if verdict.printed_bytes:
            out().print(Text(f"  your file printed {verdict.printed_bytes} bytes:", style="dim"))
            for printed in verdict.printed:
                out().print(Text(f"  | {printed}", style="dim"))
    repeat = f"seed {verdict.seed}, {verdict.seconds:.1f} s"
    if not verdict.passed and verdict.status not in ("unfinished", "syntax", "missing", "forbidden"):
        more = "" if verbose else "; -v shows the input" if verdict.details else ""
        if verdict.printed_bytes and not verbose:
            more += " and what your file printed" if more else "; -v shows what your file printed"
        repeat += f": `headway check {exercise.id} --seed {verdict.seed}` repeats it{more}"
    out().print(Text(f"  {repeat}", style="dim"))


def keep(workspace: Workspace | None, file: Path, verdict: Verdict) -> list:
    """Record a verdict, if the file is the workspace's own, and tick what that has earned. Returns the lines ticked.

    Where nothing can be written, as on a read-only disk, the verdict is given all the same, and that it is not recorded is said.
    """
    if workspace is None or not _same(file, workspace.exercise_file(verdict.exercise)):
        return []
    try:
        remember(workspace, verdict)
        return sync(workspace) if verdict.passed and workspace.plan.is_file() else []
    except OSError as error:
        where = error.filename or workspace.root
        err().print(f"This verdict is not recorded: {where}: {error.strerror}.", style="yellow", markup=False)
        return []


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def hints_seen(workspace: Workspace, exercise: Exercise) -> int:
    """How many of an exercise's hints the learner has looked at."""
    numbers = [e.result for e in read(workspace) if e.kind == "hint" and e.name == exercise.id]
    return max((int(n) for n in numbers if n.isdigit()), default=0)


def next_hint(workspace: Workspace, exercise: Exercise) -> tuple[int, str]:
    """The next hint and its number, recorded as seen; past the last one, the last again."""
    if not exercise.hints:
        raise HeadwayError(f"{exercise.id} has no hints.")
    seen = hints_seen(workspace, exercise)
    number = min(seen + 1, len(exercise.hints))
    if number > seen:
        record(workspace, kind="hint", name=exercise.id, result=str(number))
    return number, exercise.hints[number - 1]


def draw_hint(exercise: Exercise, number: int, text: str) -> None:
    """One hint, with how many there are."""
    count = len(exercise.hints)
    more = f"; {count - number} more" if number < count else "; the last one"
    out().print(Text(f"{exercise.id}, hint {number} of {count}{more}", style="bold"))
    # Prose is broken anew for this terminal; code, which is indented, and what stands around it keep their lines.
    shown = []
    for part in text.split("\n\n"):
        lines = part.split("\n")
        prose = not any(line[:1].isspace() for line in lines)
        shown.append(
            " ".join(lines) if prose and out().is_terminal and len(max(lines, key=len)) > out().width else part
        )
    out().print(Text(broken("\n\n".join(shown), out())), soft_wrap=True)


def draw_list(workspace: Workspace | None, current: Exercise | None = None) -> int:
    """Every exercise in order, with where the learner stands."""
    states = {}
    if workspace is not None:
        for topic in Progress(workspace).topics.values():
            states.update({state.exercise.id: state for state in topic.exercises})
    every = exercises()
    width = max((len(name) for name in every), default=0)
    for name, exercise in every.items():
        state = states.get(name)
        done = state is not None and state.done
        sign, style = mark("passed" if done else "unfinished")
        front = Text.assemble((f"{sign} ", style if done else "dim"), (f"{name:<{width}}  ", "bold"))
        row = Text(exercise.title)
        if state is not None and not done and state.tries:
            row.append(f"  {state.tries} failed check{'s' * (state.tries != 1)}", style="dim")
        if current is not None and current.id == name:
            row.append("  <- here", style="bold cyan")
        under(front, row)
    passed = sum(state.done for state in states.values())
    out().print(Text(f"{passed} of {len(every)} passed", style="dim"))
    return 0
