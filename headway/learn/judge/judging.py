"""The judging itself, step by step: the file is read, run, asked, compared, and one verdict is reached.

Runs in a process of its own that never executes the learner's code (that is `child`'s), so nothing the learner's code does
can reach the reference, the comparison or the verdict.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import re
import signal
import time
import warnings
from pathlib import Path

from headway.base.lines import lines_of
from headway.learn.cases import Case, Law, Make, fill
from headway.learn.exercise import Exercise
from headway.learn.judge.child import Load
from headway.learn.judge.compare import one_line
from headway.learn.judge.draws import draws_of
from headway.learn.judge.explain import explained
from headway.learn.judge.forbidden import ANSWERS, forbidden_in, reason_for
from headway.learn.judge.intermediates import difference_quotient
from headway.learn.judge.laws import broken_law, lawless
from headway.learn.judge.layers import fit
from headway.learn.judge.limits import answers
from headway.learn.judge.perform import CallResult
from headway.learn.judge.process import PRINTED, Child, Stopped
from headway.learn.judge.recognise import UNSEEN, mistakes_of_entry, shows
from headway.learn.judge.showing import raised_outside, show_trial, sizes_told, source_line, undone
from headway.learn.judge.trials import Run, Trial, called_again
from headway.learn.judge.verdict import RIGHT_WHEN_NEW, CheckRequest, Unsteady, Verdict
from headway.learn.judge.wire import encode

EXTRA = 60
"""Further inputs drawn, at most, for known mistakes that none of the first has shown."""

REPEATED = 8
"""How often an input is given to find out whether code is random or remembers."""


def judged(exercise: Exercise, request: CheckRequest, child: Child) -> Verdict:
    """The verdict on one file. `child` has just been forked and has loaded nothing."""
    began = time.monotonic()
    try:
        run = Run(exercise, request, child)
        verdict = _judge(run)
    finally:
        child.close()
    printed = child.printed.decode(errors="replace").splitlines()[:20]
    return dataclasses.replace(
        verdict,
        seconds=round(time.monotonic() - began, 3),
        processor=round(time.process_time() + child.processor, 3),
        printed=tuple(one_line(line)[:200] for line in printed) if child.printed_bytes else (),
        printed_bytes=child.printed_bytes,
    )


def _judge(run: Run) -> Verdict:
    source = _read(run)
    if isinstance(source, Verdict):
        return source
    run.lines = lines_of(source)
    load = _load(run, source)
    try:
        if failed := _opened(run, run.child.load(load)):
            return failed
        return _tried(run)
    except Stopped as stopped:
        return stopped_short(run, stopped, load)


# -- the file ------------------------------------------------------------------------------------------------------------


def _read(run: Run) -> str | Verdict:
    """The text of the file, or what is wrong with it before it is run."""
    path = run.path
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        return Verdict("missing", f"{path} cannot be read: {error.strerror}.")
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Verdict("syntax", f"the file is not UTF-8 text: byte {error.start} is 0x{raw[error.start]:02x}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename=path)
    except SyntaxError as error:
        text = f": `{one_line(error.text)[:80]}`" if error.text else ""
        where = f"line {error.lineno}" if error.lineno else "the file"
        return Verdict("syntax", f"{where} is not Python: {error.msg}{text}.", at=error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return Verdict("syntax", f"the file is not Python: {one_line(str(error)) or type(error).__name__}.")
    found = None if run.instead else forbidden_in(tree, run.contract.forbidden, run.contract.allowed)
    if found:
        line, name, reason = found
        return Verdict("forbidden", f"line {line} uses {name}, which this exercise does not allow: {reason}.", at=line)
    return source


def _load(run: Run, source: str) -> Load:
    """What the learner's process is given; in an audit, our mistakes.py in place of the file."""
    contract, mistakes = run.contract, run.exercise.folder / "mistakes.py"
    bounds = dataclasses.asdict(contract.limits)
    if run.instead:
        return Load(
            str(mistakes),
            mistakes.read_text(encoding="utf-8"),
            list(run.entries),
            instead=run.instead,
            allowed=list(contract.allowed),
            trusted=True,
            **bounds,
        )
    return Load(
        run.path,
        source,
        list(run.entries),
        hidden=[str(path) for path in answers(run.exercise.folder)],
        allowed=list(contract.allowed),
        forbidden=contract.forbidden,
        **bounds,
    )


def _opened(run: Run, reply: dict) -> Verdict | None:
    """What is wrong with the file as a whole, if anything: it fails when run, or defines nothing of what is asked for.

    An entry that it does not define is kept in mind, and the others are judged.
    """
    if "raised" in reply:
        error = run.answer(reply).raised
        assert error is not None
        if undone(run, error):
            return Verdict("unfinished", "not written yet: running the file raises NotImplementedError.")
        return raised_outside(run, error, "running the file")
    found = reply["ok"]
    if not isinstance(found, dict) or not isinstance(found.get("found"), dict):
        raise Stopped("garbled", "a reply that is no result")
    for entry in run.instead or run.entries:
        kind = "class" if run.contract.is_class(entry) else "function"
        if entry not in found["found"]:
            line = f"the file defines no {kind} `{entry}`: its name has to stay as the task gives it."
            run.failed[entry] = Verdict("missing", line)
        elif entry not in found["callable"]:
            line = f"`{entry}` is no {kind}: something else was assigned to the name."
            run.failed[entry] = Verdict("missing", line)
    run.adapter = bool(found.get("adapter")) and not run.instead
    return None if run.judged else next(iter(run.failed.values()))


# -- the trials ----------------------------------------------------------------------------------------------------------


def _tried(run: Run) -> Verdict:
    """Ask, compare, and go on asking in other ways until something is wrong or nothing is left to try."""
    wrong = [trial for case in run.contract.cases for trial in _cases_tried(run, case, run.sizes_of(case))]
    if not run.judged:
        return explained(run, wrong, None)
    for step in (_modules_called_again, _other_manners, _telling_apart):
        wrong = wrong or step(run)
    if not wrong and (forgetful := _later(run)):
        return forgetful
    broken = None
    for law in run.contract.laws if not run.failed else ():
        if wrong and (run.instead or law.costly):
            continue
        found = broken_law(run, law)
        if found and (found.error is None or not wrong):  # the cases say better what is wrong with a call that raises
            broken = found
            break
    if wrong or run.failed:
        verdict = explained(run, wrong, broken)
        return verdict if verdict.status != "wrong" else _quotient(run) or verdict
    if broken is not None:
        return lawless(run, broken)
    if quotient := _quotient(run):
        return quotient
    noted = run.contract.noted
    gradients = " with gradients" if any(t.request.gradient for t in run.trials) else ""
    return Verdict(
        "passed",
        f"right on {len(run.trials)} inputs{gradients}.",
        notes=(*run.notes, *(text for name, text in noted.items() if name in run.child.called)),
        called=tuple(sorted(run.child.called & set(noted))),
    )


def _cases_tried(run: Run, case: Case, sizes_of_draws: list[dict[str, int]]) -> list[Trial]:
    """The trials of one case that are wrong; an entry that is not written is not asked again."""
    wrong: list[Trial] = []
    for index, sizes in enumerate(sizes_of_draws):
        call = case.build(run.draw(case.name, sizes, index))
        if call.entry not in run.judged or any(
            undone(run, t.came.raised) for t in run.trials if t.call.entry == call.entry
        ):
            break
        if isinstance(call, Make) and call.entry not in run.described:
            run.described.add(call.entry)
            if failed := fit(run, case, sizes_of_draws):
                run.failed[call.entry] = failed
                break
        trial = run.try_one(case, sizes, index=index)
        run.trials.append(trial)
        if trial.difference:
            wrong.append(trial)
    return wrong


def _modules_called_again(run: Run) -> list[Trial]:
    """One module is called with several inputs: a mask or keys kept from the first call fit no other."""
    wrong: list[Trial] = []
    for case in run.contract.cases:
        if again := called_again(run, case):
            run.cases.append(again)
            wrong += _cases_tried(run, again, run.sizes_of(again)[:2])
    return wrong


def _other_manners(run: Run) -> list[Trial]:
    """The first inputs of every case again, lying oddly in memory and in smaller types."""
    wrong: list[Trial] = []
    plain = [t for t in run.trials if t.manner == "float64"]
    for case in run.cases:
        firsts = [t for t in plain if t.case is case][:2]
        for manner in run.manners_of(case):
            for trial in firsts:
                again = run.try_one(case, trial.draw.sizes, manner, trial.index)
                run.trials.append(again)
                if again.difference:
                    wrong.append(again)
    return wrong


def _telling_apart(run: Run) -> list[Trial]:
    """Go on drawing until every known mistake would have shown: a pass must not depend on the luck of a seed.

    Returns the first further trial that the learner's code gets wrong, in a list, or an empty one.
    """
    budget = EXTRA
    for entry in run.judged:
        trials = [t for t in run.trials if t.call.entry == entry]
        cases = [case for case in run.cases if any(t.case is case for t in trials)]
        for mistake in mistakes_of_entry(run, entry):
            # The first draw of every case, then the second: most mistakes show at once. Gradients cost, and tell few apart.
            spread = sorted(trials, key=lambda trial: trial.index)
            seen = mistake.kind in UNSEEN
            seen = seen or any(shows(run, t, mistake.answer, False) for t in spread)
            if seen or any(shows(run, t, mistake.answer) for t in spread):
                continue
            while cases and budget > 0:
                case = cases[budget % len(cases)]
                ranges = {**run.ranges, **case.sizes}
                sizes = draws_of(ranges, 1, f"{run.seed}:{case.name}:{budget}", run.contract.valid, 1)
                budget -= 1
                if not sizes:
                    continue
                trial = run.try_one(case, sizes[0], index=1000 + budget)
                run.trials.append(trial)
                trials.append(trial)
                if trial.difference:
                    return [trial]
                if shows(run, trial, mistake.answer):
                    break
    return []


def _later(run: Run) -> Verdict | None:
    """Once more, after everything else: nothing may have been remembered from call to call."""
    for trial in [t for t in run.trials if t.manner == "float64"][::7]:
        if run.compare(trial, run.ask(trial)):
            at = Unsteady(trial.case.name, trial.draw.sizes, trial.index, trial.manner)
            return Verdict("mistake", "", names=("state",), details=tuple(show_trial(trial)), unsteady=at)
    return None


def _quotient(run: Run) -> Verdict | None:
    """Where a derivative is to be written out: one that is taken from differences of nearby inputs is refused."""
    reason = run.contract.forbidden.get("backward")
    if reason is None or run.instead:
        return None
    for entry in run.judged:
        trials = [t for t in run.trials if t.call.entry == entry and t.manner == "float64"]
        if trials and (
            line := difference_quotient(run, max(trials, key=lambda t: min(t.draw.sizes.values(), default=0)))
        ):
            return Verdict(
                "forbidden",
                f"line {line}, `{source_line(run, line)}`, moves an input number by number, or by a little: a "
                f"difference quotient, which this exercise does not allow: {reason}.",
                at=line,
            )
    return None


# -- code that had to be stopped ------------------------------------------------------------------------------------------


def stopped_short(run: Run, stopped: Stopped, load: Load) -> Verdict:
    """The verdict on code that did not give an answer of its own accord."""
    where, law = "", None
    asked, sizes = run.at or (None, {})
    if isinstance(asked, Law):
        law = fill(asked.sentence, sizes)
    elif asked is not None:
        where = f" ({asked.name}, {sizes_told(sizes)})"
    how, text = stopped.how, stopped.text
    if how == "timeout":
        took = f"{load.seconds:g} s" if stopped.busy else f"{load.wall:g} s on the clock"
        lines = re.findall(rf'File "{re.escape(run.path)}", line (\d+)', text)
        spot = f" in line {lines[0]}, `{source_line(run, int(lines[0]))}`" if lines else ""
        return Verdict(
            "timeout",
            f"stopped after {took}, still running{spot}{where}: an endless loop, or a very slow one.",
            details=(f"where it was to be seen whether {law}",) if law else (),
        )
    if how == "printing":
        return Verdict("timeout", f"stopped after {PRINTED >> 20} MB of output{where}: something prints without end.")
    if how == "memory":
        much = f"{load.memory >> 20} MB"
        return Verdict("memory", f"stopped at {much} of memory{where}: something grows without end.")
    if how == "exit called":
        return Verdict("exited", f"your code calls exit{where}: take that call out.")
    if how == "not allowed":
        name = text.removeprefix("forbidden ")
        if name != text:
            reason = reason_for(name, run.contract.forbidden)
            return Verdict("forbidden", f"your code calls {name}, which this exercise does not allow: {reason}.")
        return Verdict("forbidden", f"{one_line(text)}.")
    if how == "refused":
        what = text.partition(": ")[2] or text
        if text.startswith("import"):
            return Verdict("forbidden", f"your file imports {what}: {ANSWERS}; write it out instead.")
        where = what if what.startswith("/") else f"headway/{what}"
        return Verdict("forbidden", f"your file reads {where}, where the answers are: write it out instead.")
    if how == "exited":
        ended = f"your code ends the whole process{where} (os._exit, or a crash of the interpreter): code {text}."
        return Verdict("exited", ended)
    if how == "signal":
        known = text.isdigit() and int(text) in set(signal.Signals)
        name = signal.Signals(int(text)).name if known else text
        fused = any("scaled_dot_product_attention" in line for line in run.lines)
        hint = (
            " scaled_dot_product_attention can do that where there are not as many keys as values: it does not look."
            if fused
            else ""
        )
        return Verdict("exited", f"your code crashes the interpreter{where}: {name}.{hint}")
    return Verdict(
        "garbled", f"your code writes into the judge's own channel{where}, or closes it: leave file descriptors alone."
    )


# -- the same input again, in a process that has done nothing else -------------------------------------------------------


def repeated(exercise: Exercise, request: CheckRequest, child: Child) -> Verdict:
    """What an input comes to, several times in a row, as a digest in `details`; of one that is only suspected of memory, whether
    its answer is right where no other was asked for before."""
    run, at = Run(exercise, request, child), request.repeat
    assert at is not None
    digests = []
    try:
        source = _read(run)
        if isinstance(source, str) and not _opened(run, child.load(_load(run, source))):
            cases = {case.name: case for case in run.contract.cases}
            cases |= {again.name: again for case in run.contract.cases if (again := called_again(run, case))}
            case = cases[at.case]
            draw = run.draw(case.name, at.sizes, at.index)
            trial = Trial(case, draw, case.build(draw), at.manner, index=at.index)
            if isinstance(trial.call, Make):
                fit(run, case, [at.sizes])
            run.expect(trial)
            if at.suspected:
                digests = [RIGHT_WHEN_NEW] if run.compare(trial, run.ask(trial)) is None else []
            else:
                digests = [_digest(run.ask(trial)) for _ in range(REPEATED)]
    except Stopped as stopped:
        digests.append(stopped.how)
    finally:
        child.close()
    return Verdict("wrong", "", details=tuple(digests))


def _digest(came: CallResult) -> str:
    if came.raised:
        return f"{came.raised.type}: {one_line(came.raised.message)}"
    blobs: list[bytes] = []
    assert came.result is not None
    text = json.dumps(encode(came.result.value, blobs))
    return hashlib.sha256(text.encode() + b"".join(blobs)).hexdigest()
