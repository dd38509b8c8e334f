"""How many of the wrong answers in ``tests/course/answers`` the judge refuses by the name of their mistake.

    python tests/recognition.py --sample 144 --seed 3        a sample, spread evenly over the exercises
    python tests/recognition.py attention/sdpa --nameless    all of one exercise, with the sentences of those without a name

An answer is *named* where the verdict says which mistake it is; *located* where it only says which line or which intermediate
is the first to go wrong; else *nameless*. A verdict that code raised, ran out of time or is unfinished says what there is to
say, and is counted by itself. No such answer may pass: those that do are listed.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

from headway.learn.exercise import exercises
from headway.learn.judge import Judge
from headway.learn.judge.verdict import Verdict

ANSWERS = Path(__file__).parent / "course" / "answers"
KINDS = ("named", "located", "nameless", "stopped", "passed")


def sampled(names: list[str], count: int | None, seed: int) -> list[Path]:
    """The wrong answers of the exercises `names`; with `count`, that many, one of each exercise in turn."""
    drawn = random.Random(seed)
    of_each = []
    for name in names:
        paths = sorted((ANSWERS / name / "wrong").glob("*.py"))
        drawn.shuffle(paths)
        of_each.append(paths)
    turns = [paths[n] for n in range(max(map(len, of_each), default=0)) for paths in of_each if n < len(paths)]
    return sorted(turns[:count])


def kind_of(verdict: Verdict) -> str:
    """Which of `KINDS` a verdict is."""
    if verdict.status == "mistake":
        return "named"
    if verdict.status == "wrong":
        return (
            "located"
            if "first to go wrong" in verdict.line or "what is wrong comes after" in verdict.line
            else "nameless"
        )
    return "passed" if verdict.status == "passed" else "stopped"


def main(arguments: list[str] | None = None) -> int:
    """Judge, print one line per answer asked for and a table; 1 where a wrong answer passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exercises", nargs="*", help="topic/name; all where none is given")
    parser.add_argument(
        "--sample", type=int, help="how many answers, spread evenly over the exercises; all where left out"
    )
    parser.add_argument("--seed", type=int, default=1, help="draws the sample, and is the judge's seed")
    parser.add_argument("--nameless", action="store_true", help="print what is said of every answer that gets no name")
    parser.add_argument("--all", action="store_true", help="print what is said of every answer")
    given = parser.parse_args(arguments)
    known = sorted(path.relative_to(ANSWERS).as_posix() for path in ANSWERS.glob("*/*"))
    for name in given.exercises:
        if name not in known:
            parser.error(f"no wrong answers of `{name}`; there are some of {', '.join(known)}")
    counts: dict[str, Counter[str]] = {}
    with Judge() as judge:
        for path in sampled(given.exercises or known, given.sample, given.seed):
            name = path.parent.parent.relative_to(ANSWERS).as_posix()
            verdict = judge.check(exercises()[name], path, given.seed)
            kind = kind_of(verdict)
            counts.setdefault(name, Counter())[kind] += 1
            if given.all or kind == "passed" or (given.nameless and kind in ("located", "nameless")):
                names = f" [{', '.join(verdict.names)}]" if verdict.names else ""
                print(f"{kind:9}{name}/{path.stem}{names}: {verdict.line}", flush=True)
    print(f"\n{'exercise':32}" + "".join(f"{kind:>10}" for kind in KINDS))
    for name, count in counts.items():
        print(f"{name:32}" + "".join(f"{count[kind]:10}" for kind in KINDS))
    whole = sum(counts.values(), Counter())
    print(f"{'together':32}" + "".join(f"{whole[kind]:10}" for kind in KINDS))
    judged = whole.total() - whole["stopped"]
    print(f"named: {whole['named']} of {judged} that were judged to the end, {whole['named'] / max(judged, 1):.0%}")
    return 1 if whole["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
