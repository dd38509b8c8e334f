"""The judging itself: inputs drawn, answers compared, mistakes recognised, one verdict.

Runs in a process of its own that never executes the learner's code (that is `judge_child`'s), so nothing the learner's
code does can reach the reference, the comparison or the verdict.
"""

from __future__ import annotations

import ast
import inspect
import os
import time
from pathlib import Path
from typing import Any

from headway.learn import diagnosis, fitting
from headway.learn.cases import Make
from headway.learn.comparing import Outcome, compare, one_line
from headway.learn.exercise import Exercise
from headway.learn.judge_child import die_with_parent
from headway.learn.judge_process import MEMORY, SECONDS, WALL, Child, Stopped, adopt
from headway.learn.trials import Run, Trial, draws_of

__all__ = ["judge", "main_loop"]

# -- policy: what a file may not contain ---------------------------------------------------------------------------------

ANSWERS = {"headway": "the answers are in there"}
HIDDEN = {
    "ctypes": "reaches around Python",
    "DisableTorchFunction": "hides calls from the judge",
    "DisableTorchFunctionSubclass": "hides calls from the judge",
    "_DisableTorchDispatch": "hides calls from the judge",
    "_pop_mode": "hides calls from the judge",
    "_pop_mode_temporarily": "hides calls from the judge",
    "_pop_torch_function_stack": "hides calls from the judge",
    "CompilationUnit": "hides calls from the judge",
    "from_file": "reads files past the judge",
}


def forbidden_in(tree: ast.Module, forbidden: dict[str, str], allowed: tuple[str, ...]) -> tuple[int, str, str] | None:
    """The first (line, name, reason) at which a file uses what the exercise does not allow."""
    own = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    }
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                full = f"{module}.{alias.name}" if module else alias.name
                aliases[alias.asname or alias.name.partition(".")[0]] = alias.name.rpartition(".")[2]
                if full.partition(".")[0] == "headway" and not any(
                    full == a or full.startswith(a + ".") for a in allowed
                ):
                    return node.lineno, f"import of {module or alias.name}", ANSWERS["headway"]
                package = full.partition(".")[0]
                if package in forbidden and not (isinstance(node, ast.ImportFrom) and node.level):
                    return node.lineno, f"import of {package}", forbidden[package]
                for part in (*full.split("."),):
                    if part in HIDDEN:
                        return node.lineno, part, HIDDEN[part]
                if module.startswith("torch") and alias.name in forbidden:
                    return node.lineno, alias.name, forbidden[alias.name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name, line = node.attr, node.lineno
            base = node.value
            if isinstance(base, ast.Name) and base.id == "self":
                continue  # self.softmax is the learner's own
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            name, line = aliases.get(node.id, ""), node.lineno
            if node.id in own:
                continue
        else:
            continue
        if name in HIDDEN:
            return line, name, HIDDEN[name]
        if name in forbidden and isinstance(node, ast.Attribute):
            return line, name, forbidden[name]
    return None


# -- inputs that tell ----------------------------------------------------------------------------------------------------

EXTRA = 60
"""Further inputs drawn, at most, for known mistakes that none of the first has shown."""


def _telling_apart(run: Run, entries: set[str]) -> list[Trial]:
    """Go on drawing until every known mistake would have shown: a pass must not depend on the luck of a seed.

    Returns the first further trial that the learner's code gets wrong, in a list, or an empty one.
    """
    budget = EXTRA
    for entry in entries:
        trials = [t for t in run.trials if t.call.entry == entry]
        cases = [case for case in run.all_cases() if any(t.case is case for t in trials)]
        for mistake in diagnosis.mistakes_of(run, entry):
            # The first draw of every case, then the second: most mistakes show at once. Gradients cost, and tell few apart.
            spread = sorted(trials, key=lambda trial: trial.index)
            seen = mistake.kind in diagnosis.UNSEEN
            seen = seen or any(_shows(run, t, mistake.answer, False) for t in spread)
            if seen or any(_shows(run, t, mistake.answer) for t in spread):
                continue
            while cases and budget > 0:
                case = cases[budget % len(cases)]
                ranges = {**run.ranges, **case.sizes}
                sizes = draws_of(ranges, 1, f"{run.seed}:{case.name}:{budget}", run.valid)
                budget -= 1
                if not sizes:
                    continue
                trial = run.try_one(case, sizes[0], index=1000 + budget)
                run.trials.append(trial)
                trials.append(trial)
                if trial.difference:
                    return [trial]
                if _shows(run, trial, mistake.answer):
                    break
    return []


def _shows(run: Run, trial: Trial, answer: Any, gradients: bool = True) -> bool:
    """Whether a wrong answer is seen to be wrong on an input."""
    expected = trial.expected
    if not gradients and expected.result is not None:
        expected = Outcome({name: value for name, value in expected.result.items() if name != "gradients"})
    request = {**trial.request, "gradient": trial.request["gradient"] and gradients}
    axes = run.returns.get(trial.call.entry, "")
    return compare(expected, run.outcome(answer, request), run.limit(trial), axes) is not None


# -- the verdict ---------------------------------------------------------------------------------------------------------


def judge(
    exercise: Exercise,
    path: str,
    seed: int,
    child: Child,
    instead: dict[str, str] | None = None,
    draws: int | None = None,
) -> dict:
    """Judge the file at `path`. `child` has just been forked and has loaded nothing.

    Args:
        instead: for the audit: entry -> the mistake of mistakes.py to be judged in its place.
        draws: at most so many draws of sizes per case.

    Returns:
        A verdict as plain data: see `headway.learn.judge.Verdict`.
    """
    began = time.monotonic()
    verdict: dict[str, Any] = {
        "exercise": exercise.id,
        "path": path,
        "seed": seed,
        "details": [],
        "notes": [],
        "names": [],
    }
    try:
        run = Run(exercise, path, seed, child, instead or {}, draws or 10**6)
        verdict |= _judge(run)
    finally:
        child.close()
    verdict["seconds"] = round(time.monotonic() - began, 3)
    verdict["processor"] = round(time.process_time() + child.processor, 3)
    if child.printed_bytes:
        text = child.printed.decode(errors="replace")
        verdict["printed"] = [one_line(line)[:200] for line in text.splitlines()[:20]]
        verdict["printed_bytes"] = child.printed_bytes
    return verdict


def _judge(run: Run) -> dict:
    exercise, path, child, instead, cases = run.exercise, run.path, run.child, run.instead, run.cases
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        return {"status": "missing", "line": f"{path} cannot be read: {error.strerror}."}
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return {
            "status": "syntax",
            "line": f"the file is not UTF-8 text: byte {error.start} is 0x{raw[error.start]:02x}.",
        }
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename=path)
    except SyntaxError as error:
        text = f": `{one_line(error.text)[:80]}`" if error.text else ""
        where = f"line {error.lineno}" if error.lineno else "the file"
        return {"status": "syntax", "line": f"{where} is not Python: {error.msg}{text}.", "at": error.lineno}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"status": "syntax", "line": f"the file is not Python: {one_line(str(error)) or type(error).__name__}."}

    forbidden: dict[str, str] = getattr(cases, "FORBIDDEN", {})
    allowed: tuple[str, ...] = tuple(getattr(cases, "ALLOWED", ()))
    if not instead and (found := forbidden_in(tree, forbidden, allowed)):
        line, name, reason = found
        return {
            "status": "forbidden",
            "line": f"line {line} uses {name}, which this exercise does not allow: {reason}.",
            "at": line,
        }
    limits = getattr(cases, "LIMITS", {})
    run.lines = source.splitlines()
    load = {
        "path": str(exercise.folder / "mistakes.py") if instead else path,
        "source": (exercise.folder / "mistakes.py").read_text(encoding="utf-8") if instead else source,
        "entries": list(run.entries),
        "instead": instead,
        "allowed": list(allowed),
        "forbidden": {} if instead else forbidden,
        "trusted": bool(instead),
        "seconds": float(limits.get("seconds", SECONDS)),
        "wall": float(limits.get("wall", max(WALL, 3 * limits.get("seconds", SECONDS)))),
        "memory": int(limits.get("memory", MEMORY)),
    }
    try:
        reply = child.load(load)
        if failed := _unloaded(run, reply):
            return failed
        return _run(run)
    except Stopped as stopped:
        return diagnosis.stopped_short(run, stopped, load)


def _unloaded(run: Run, reply: dict) -> dict | None:
    """What is wrong with the file as a whole, if anything: it fails when run, or defines too little."""
    if "raised" in reply:
        error = run.answer(reply).raised or {}
        if "NotImplementedError" in error["kinds"]:
            return {"status": "unfinished", "line": "not written yet: running the file raises NotImplementedError."}
        return diagnosis.raised_outside(run, error, "running the file")
    found = reply["ok"]
    if not isinstance(found, dict) or not isinstance(found.get("found"), dict):
        raise Stopped("garbled", "a reply that is no result")
    for entry in run.entries:
        if run.instead and entry not in run.instead:
            continue
        kind = "class" if inspect.isclass(getattr(run.cases, entry)) else "function"
        if entry not in found["found"]:
            return {
                "status": "missing",
                "line": f"the file defines no {kind} `{entry}`: its name has to stay as the task gives it.",
            }
        if entry not in found["callable"]:
            return {"status": "missing", "line": f"`{entry}` is no {kind}: something else was assigned to the name."}
    run.adapter = bool(found.get("adapter")) and not run.instead
    return None


def _run(run: Run) -> dict:
    wrong: list[Trial] = []
    fitted: set[str] = set()
    undone: set[str] = set()
    entries = set(run.instead) if run.instead else set(run.entries)
    for case in run.all_cases():
        ranges = {**run.ranges, **case.sizes}
        for index, sizes in enumerate(
            draws_of(ranges, min(case.draws, run.draws), f"{run.seed}:{case.name}", run.valid)
        ):
            call = case.build(run.draw(case.name, sizes, index))
            if call.entry not in entries or call.entry in undone:
                break
            if isinstance(call, Make) and call.entry not in fitted:
                fitted.add(call.entry)
                if failed := fitting.fit(run, case, sizes):
                    return failed
            trial = run.try_one(case, sizes, index=index)
            run.trials.append(trial)
            if trial.difference:
                wrong.append(trial)
            if trial.came.raised and "NotImplementedError" in trial.came.raised["kinds"]:
                undone.add(call.entry)
    if not wrong:
        for manner in ("strided", "float32"):
            for trial in [t for t in run.trials if t.manner == "float64"]:
                firsts = [t for t in run.trials if t.case is trial.case and t.manner == "float64"][:2]
                if trial not in firsts or not (trial.case.layouts if manner == "strided" else trial.case.float32):
                    continue
                again = run.try_one(trial.case, trial.draw.sizes, manner, trial.index)
                run.trials.append(again)
                if again.difference:
                    wrong.append(again)
    if not wrong:
        wrong += _telling_apart(run, entries)
    if not wrong:
        # Once more, after everything else: nothing may have been remembered from call to call.
        for trial in [t for n, t in enumerate(run.trials) if t.manner == "float64"][::7]:
            came = run.ask(trial)
            if run.compare(trial, came):
                return {
                    "status": "mistake",
                    "names": ["state"],
                    "line": "the same input gives another result later on: your code remembers something from call to call.",
                    "details": diagnosis.show_trial(trial),
                }
    broken = None
    for law in run.laws():
        if wrong and (run.instead or law.costly):
            continue
        found = diagnosis.broken_law(run, law)
        if found and (found.error is None or not wrong):  # the cases say better what is wrong with a call that raises
            broken = found
            break
    if not wrong and broken is not None:
        return diagnosis.lawless(run, broken)
    if not wrong:
        noted_calls: dict[str, str] = getattr(run.cases, "NOTED", {})
        notes = run.notes + [text for name, text in noted_calls.items() if name in run.child.called]
        gradients = " with gradients" if any(t.request["gradient"] for t in run.trials) else ""
        return {
            "status": "passed",
            "line": f"right on {len(run.trials)} inputs{gradients}.",
            "notes": notes,
            "called": sorted(run.child.called & set(noted_calls)),
        }
    return diagnosis.explained(run, wrong, broken)


def main_loop(inbox: int, outbox: int) -> None:
    """The warm process: torch imported and nothing else done; one fork per request, so that each starts clean."""
    import json
    import tempfile

    import numpy  # noqa: F401
    import torch
    from torch.overrides import TorchFunctionMode  # noqa: F401

    torch.set_num_threads(1)
    # torch.func and some others import torch's compiler when they are first called, which looks for a folder for its cache
    # by writing to it. Where nothing may be written any more it has to be known already.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.gettempdir())
    die_with_parent()
    pending = b""
    os.write(outbox, b'{"ready": true}\n')
    while True:
        while b"\n" not in pending:
            data = os.read(inbox, 65536)
            if not data:
                return
            pending += data
        line, _, pending = pending.partition(b"\n")
        back, forth = os.pipe()
        pid = os.fork()
        if pid == 0:
            _answer(json.loads(line), back, forth, (inbox, outbox))
        os.close(forth)
        parts = []
        while part := os.read(back, 65536):
            parts.append(part)
        os.close(back)
        os.waitpid(pid, 0)
        reply = b"".join(parts) or b'{"status": "broken", "line": "the judge itself failed."}'
        os.write(outbox, reply.replace(b"\n", b" ") + b"\n")


def _answer(request: dict, back: int, forth: int, others: tuple[int, int]) -> None:
    """In a fork of the warm process: fork the learner's process, judge, write the verdict, end."""
    import json
    import traceback

    try:
        os.close(back)
        os.setpgid(0, 0)
        die_with_parent()
        adopt()
        for fd in others:
            os.set_inheritable(fd, False)
        child = Child()
        folder = Path(request["folder"])
        exercise = Exercise(request["exercise"], folder)
        try:
            verdict = judge(
                exercise, request["path"], request["seed"], child, request.get("instead"), request.get("draws")
            )
        except Exception:
            child.close()
            verdict = {
                "status": "broken",
                "line": "the judge itself failed on this exercise.",
                "details": traceback.format_exc().splitlines(),
            }
        data = json.dumps(verdict, default=str).encode()
        while data:
            data = data[os.write(forth, data) :]
    finally:
        os._exit(0)
