"""``headway review``: what you got wrong comes back, spaced so that it stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter
from rich.text import Text

from headway.base.console import err, out
from headway.base.errors import HeadwayError
from headway.base.files import write_bytes
from headway.cli.shared.drawing import glyphs
from headway.learn.evidence import read, record
from headway.learn.exercise import Exercise, exercises, find_exercise
from headway.learn.judge import judge
from headway.learn.path import the_path
from headway.learn.progress import Progress, remember
from headway.learn.recall import Question, questions, seed_of
from headway.learn.review import RIGHT, WRONG, in_a_while, rotation, split
from headway.learn.steps import typed
from headway.learn.workspace import find_workspace

if TYPE_CHECKING:
    from headway.learn.exercise import Exercise
    from headway.learn.recall import Question
    from headway.learn.review import Due
    from headway.learn.workspace import Workspace

app = cyclopts.App(name="review", help="Bring back what you got wrong, when it is due.")

FOLDER = "review"
"""Where exercises are written again, inside the workspace; what was written the first time stays where it is."""


@app.default
def review(name: str | None = None, /, *, list_: Annotated[bool, Parameter("--list", negative="")] = False) -> int:
    """Ask the recall questions that are due, and bring back the exercises that are, to be written again from memory.

    Only what you once got wrong comes back: the next day or so, then at growing intervals while you remember it (FSRS).
    An exercise comes back as a fresh stub in review/; your first solution stays where it is. `headway review NAME` judges it.

    Parameters
    ----------
    name
        One exercise, due or not; or a topic, to be asked all its questions.
    list_
        Show everything in rotation, and when it is due.
    """

    workspace = find_workspace()
    every = {question.name: question for topic in the_path().topics for question in questions(topic)}
    course = exercises()
    found = rotation(Progress(workspace).evidence, course, every)
    if list_:
        _list(found)
        return 0
    if name is not None:
        return _one(workspace, name, course, found)

    due, later = split(found)
    asked = [each.what for each in due if isinstance(each.what, Question)]
    again = [each for each in due if isinstance(each.what, Exercise)]
    if asked and not _ask(workspace, asked):
        return 0
    code = 0
    for each in again:
        assert isinstance(each.what, Exercise)
        code = max(code, _write_again(workspace, each.what, each))
    if not due:
        told = (
            f"The next comes back {in_a_while(later[0].due)}."
            if later
            else "Nothing you got wrong is waiting to come back."
        )
        out().print(Text("Nothing is due. ", style="bold").append(told, style="not bold"))
    return code


def _one(workspace: Workspace, name: str, course: dict[str, Exercise], found: list[Due]) -> int:
    """One exercise, or all questions of a topic."""

    try:
        exercise = find_exercise(name)
    except HeadwayError as unknown:
        try:
            topic = the_path().topic(name)
        except HeadwayError:
            raise unknown from None
        asked = questions(topic.id)
        if not asked:
            raise HeadwayError(f"{topic.title} has no recall questions yet.") from None
        _ask(workspace, asked)
        return 0
    due = next((each for each in found if each.what is course.get(exercise.id)), None)
    return _write_again(workspace, exercise, due)


def _ask(workspace: Workspace, asked: list[Question]) -> bool:
    """Ask questions one after the other; False where the answers ended early. An empty answer passes a question over."""

    right = answered = 0
    seed = seed_of(workspace)
    for n, question in enumerate((each.shuffled(seed) for each in asked), 1):
        out().print(
            Text(f"{n}/{len(asked)}  ", style="dim")
            .append(f"{question.ask}", style="bold")
            .append(f"  {question.topic}", style="dim")
        )
        for number, choice in enumerate(question.choices, 1):
            out().print(Text(f"     {number}  {choice}"))
        try:
            given = input("     > ").strip()
        except EOFError:
            out().print()
            return False
        if not given:
            out().print(Text("     passed over\n", style="dim"))
            continue
        if question.choices:
            chosen = question.chosen(given)
            if chosen is None:
                out().print(
                    Text(f"     One of 1 to {len(question.choices)}; it stays for the next time.\n", style="dim")
                )
                continue
            given = chosen  # the log has the words: the number depends on the order
        good = question.right(given)
        answered, right = answered + 1, right + good
        record(workspace, kind="recall", name=question.name, result=RIGHT if good else WRONG, given=given)
        out().print(Text(f"     {question.reply(given)}\n", style="green" if good else "yellow"))
    if answered:
        out().print(
            Text(
                f"{right} of {answered} right." + ("" if right == answered else " The others come back tomorrow."),
                style="bold",
            )
        )
    return True


def _write_again(workspace: Workspace, exercise: Exercise, due: Due | None) -> int:
    """Hand out the stub of an exercise again, or judge what was written into it."""

    state = next(
        each for each in Progress(workspace).topics.values() if exercise.topic in (each.topic.id, *each.topic.also)
    )
    if not any(each.exercise.id == exercise.id and each.done for each in state.exercises):
        raise HeadwayError(
            f"{exercise.id} was not passed yet, so there is nothing to bring back: headway check {exercise.id}."
        )
    file = workspace.root / FOLDER / exercise.topic / f"{exercise.name}.py"
    stub = exercise.task.read_bytes()
    if not file.exists() or file.read_bytes() == stub:
        write_bytes(file, stub)
        out().print(Text("Write it again, from memory: ", style="bold").append(exercise.title, style="not bold"))
        if due and due.mistakes:
            out().print(Text(f"  what went wrong then: {', '.join(due.mistakes[-3:])}", style="dim"))
        out().print(Text.assemble("  in    ", (typed(workspace, file), "cyan")))
        out().print(Text.assemble("  then  ", (f"headway review {exercise.id}", "bold cyan")))
        return 0
    verdict = judge(exercise, file)
    remember(workspace, verdict, "review")
    if not verdict.passed:
        out().print(Text(f"{glyphs()['open']} {exercise.id}  ", style="bold").append(verdict.line, style="not bold"))
        for line in verdict.details:
            out().print(Text(f"  {line}", style="dim"))
        err().print(Text(f"Mend {typed(workspace, file)} and type the same again.", style="dim"))
        return 1
    kept = _put_away(file)
    now = next((each for each in rotation(read(workspace), {exercise.id: exercise}, {})), None)
    told = f"comes back {in_a_while(now.due)}" if now else "was right the first time, and does not come back"
    out().print(Text(f"{glyphs()['headway']} {exercise.id}  ", style="bold green").append(told, style="not bold"))
    err().print(Text(f"kept as {typed(workspace, kept)}", style="dim"))
    return 0


def _put_away(file):
    """Rename a solved review by its date, so that the next one starts from the stub and this one is not lost."""

    for n in range(1000):
        kept = file.with_name(f"{file.stem}.{time.strftime('%Y-%m-%d')}{f'-{n}' if n else ''}.py")
        if not kept.exists():
            return file.rename(kept)
    raise OSError(f"a thousand reviews of {file} in one day")


def _list(found: list[Due]) -> None:
    """Everything in rotation."""

    if not found:
        out().print("Nothing is in rotation: what you get wrong comes here.")
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        kind = "exercise" if isinstance(each.what, Exercise) else "question"
        row = Text(f"{in_a_while(each.due):<11}", style="bold").append(f"{each.name:<{width}}  ", style="not bold cyan")
        out().print(
            row.append(f"{kind}{', ' + ', '.join(each.mistakes[-3:]) if each.mistakes else ''}", style="not bold dim")
        )
