"""``headway watch``: judge an exercise each time it is saved."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cyclopts
import watchfiles
from rich.text import Text

from headway.base.console import out
from headway.base.errors import HeadwayError
from headway.cli.shared.drawing import draw_passed, told_line
from headway.cli.shared.exercising import (
    draw_hint,
    draw_list,
    draw_verdict,
    file_of,
    keep,
    next_exercise,
    next_hint,
    resolve,
)
from headway.learn.exercise import exercises
from headway.learn.judge import Judge
from headway.learn.progress import Progress
from headway.learn.workspace import find_workspace

if TYPE_CHECKING:
    from headway.learn.exercise import Exercise
    from headway.learn.judge import Verdict
    from headway.learn.workspace import Workspace

app = cyclopts.App(name="watch", help="Judge an exercise each time you save it.")

KEYS = "h hint   n next   l list   r run again   q quit"


@app.default
def watch(name: str | None = None, /) -> int:
    """Judge an exercise each time it is saved, in two seconds or less.

    Keys: h shows the next hint, n goes to the next exercise, l lists them, r judges again (also where the system does not
    tell when a file is saved), q quits. Saving the file of another exercise goes to that one.

    Parameters
    ----------
    name
        The exercise to begin with; the next one that has not passed if left out.
    """
    workspace = find_workspace()
    exercise, _ = resolve(name, workspace)
    return Watch(workspace, exercise).run()


class Watch:
    """The loop: keys from standard input, saved files from the system, verdicts from a warm judge in a thread."""

    def __init__(self, workspace: Workspace, exercise: Exercise) -> None:
        self.workspace, self.exercise = workspace, exercise
        self.judge = Judge()
        self.wake, self.ring = os.pipe()
        self.events: list[tuple[str, Any]] = []
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.busy = False
        self.again = False
        self.state = "warming up"
        self.files_work = True
        self.status = ""

    def run(self) -> int:
        """Until q, Ctrl-C, or the end of a terminal."""
        self.judge.start()
        threading.Thread(target=self._watch_files, daemon=True).start()
        self._judge()
        try:
            with self._keys() as keys:
                while self._step(keys):
                    pass
        except KeyboardInterrupt:
            pass
        finally:
            self.stop.set()
            self.judge.close()
            self._clear_status()
        return 0

    def _step(self, keys: int | None) -> bool:
        """Wait for something and deal with it. False when it is time to go."""
        self._status()
        ready, _, _ = select.select([self.wake, *([] if keys is None else [keys])], [], [], 1.0)
        if self.wake in ready:
            os.read(self.wake, 4096)
            with self.lock:
                events, self.events = self.events, []
            for kind, what in events:
                self._event(kind, what)
        if keys is not None and keys in ready:
            typed = os.read(keys, 64)
            if not typed:
                return not sys.stdin.isatty() and self._without_keys()
            for key in typed.decode(errors="replace").lower():
                if key == "q":
                    return False
                self._key(key)
        return True

    def _without_keys(self) -> bool:
        """Standard input has ended: go on watching files, without keys."""
        while True:
            self._step(None)

    # -- what happens --------------------------------------------------------------------------------------------------

    def _event(self, kind: str, what: Any) -> None:
        if kind == "saved":
            exercise = self._exercise_of(what)
            if exercise is not None:
                self.exercise = exercise
                self._judge()
        elif kind == "verdict":
            self.busy = False
            self._verdict(*what)
            if self.again:
                self._judge()
        elif kind == "failed":
            self.busy = False
            self.state = "the judge failed"
            self._print(f"error: {what}")
        elif kind == "no files":
            self.files_work = False
            self._print(f"The system does not tell when a file is saved ({what}): press r after saving.")

    def _key(self, key: str) -> None:
        if key == "r":
            self._judge()
        elif key == "h":
            self._clear_status()
            try:
                draw_hint(self.exercise, *next_hint(self.workspace, self.exercise))
            except HeadwayError as error:
                self._print(str(error))
        elif key == "l":
            self._clear_status()
            draw_list(self.workspace, self.exercise)
        elif key == "n":
            following = next_exercise(Progress(self.workspace), after=self.exercise)
            if following is None:
                self._print("Every exercise has passed.")
            else:
                self.exercise = following
                self._judge()

    def _judge(self) -> None:
        """Judge the current file; once more afterwards where it is saved while that runs."""
        if self.busy:
            self.again = True
            return
        self.busy, self.again = True, False
        self.state = "judging"
        exercise = self.exercise
        file = file_of(exercise, self.workspace)
        threading.Thread(target=self._in_thread, args=(exercise, file), daemon=True).start()

    def _in_thread(self, exercise: Exercise, file: Path) -> None:
        began = time.monotonic()
        try:
            verdict = self.judge.check(exercise, file)
            self._tell("verdict", (exercise, file, verdict, time.monotonic() - began))
        except Exception as error:
            if not self.stop.is_set():
                self._tell("failed", " ".join(str(error).split()))

    def _verdict(self, exercise: Exercise, file: Path, verdict: Verdict, seconds: float) -> None:
        self._clear_status()
        if out().is_terminal:
            out().clear()
        ticked = keep(self.workspace, file, verdict)
        draw_verdict(exercise, verdict, verbose=True)
        for item in ticked:
            out().print(Text(f"  Headway ticked {told_line(item)}", style="green"))
        if verdict.passed:
            draw_passed(exercise, Progress(self.workspace), None, keys=True)
        self.state = f"judged in {seconds:.1f} s"

    def _exercise_of(self, file: Path) -> Exercise | None:
        for exercise in exercises().values():
            if self.workspace.exercise_file(exercise.id).resolve() == file:
                return exercise
        # A neighbour that an exercise imports: the current one is judged again.
        return self.exercise if file.suffix == ".py" else None

    # -- files ---------------------------------------------------------------------------------------------------------

    def _watch_files(self) -> None:
        """In a thread: report every saved Python file below exercises/."""
        try:
            folder = self.workspace.exercises
            for changes in watchfiles.watch(
                folder, stop_event=self.stop, debounce=120, step=30, rust_timeout=1000, raise_interrupt=False
            ):
                saved = {Path(path).resolve() for change, path in changes if change != watchfiles.Change.deleted}
                for path in sorted(path for path in saved if path.suffix == ".py" and path.is_file()):
                    self._tell("saved", path)
        except Exception as error:
            if not self.stop.is_set():
                self._tell("no files", " ".join(str(error).split())[:120] or type(error).__name__)

    def _tell(self, kind: str, what: Any) -> None:
        with self.lock:
            self.events.append((kind, what))
        with contextlib.suppress(OSError):
            os.write(self.ring, b".")

    # -- the terminal --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _keys(self) -> Iterator[int | None]:
        """Standard input, key by key where it is a terminal; as it was afterwards, whatever happens."""
        try:
            fd = sys.stdin.fileno()
        except (OSError, ValueError, AttributeError):
            yield None
            return
        if not os.isatty(fd):
            yield fd
            return

        before = termios.tcgetattr(fd)
        try:
            tty.setcbreak(fd)
            yield fd
        finally:
            termios.tcsetattr(fd, termios.TCSADRAIN, before)

    def _status(self) -> None:
        """The one status line, at the bottom of a terminal."""
        console = out()
        if not console.is_terminal:
            return
        line = f"{self.exercise.id}   {self.state}   {KEYS}"
        line = line[: max(console.width - 1, 10)]
        if line == self.status:
            return
        sys.stdout.write(f"\r\x1b[2K\x1b[2m{line}\x1b[0m")
        sys.stdout.flush()
        self.status = line

    def _clear_status(self) -> None:
        if self.status:
            sys.stdout.write("\r\x1b[2K")
            sys.stdout.flush()
            self.status = ""

    def _print(self, text: str) -> None:
        self._clear_status()
        out().print(text, markup=False)
