"""Which of a learner's layers is which of ours: by name, by shape, and where that leaves a choice, by trying.

A learner names inner layers freely. One of theirs may hold several of ours (a fused qkv, stacked or head by head), be stored
transposed, or be one of a numbered row that together make one of ours (a list of heads). An assignment only says what is
called what: if any one makes the learner's module equal to the reference on every input, the module is right.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

from headway.learn.cases import Case
from headway.learn.judge.placement import EVERY_ROW, Fit, Holding, Layer
from headway.learn.judge.recognise import is_same, mistakes_of_entry
from headway.learn.judge.showing import unmade
from headway.learn.judge.trials import Run, Trial
from headway.learn.judge.verdict import Verdict

TRIES = 80
"""Assignments tried on an input before the likeliest by name is taken."""


def fit(run: Run, case: Case, sizes: list[dict[str, int]]) -> Verdict | None:
    """Find the assignment for the class that `case` makes, on the first and the greatest of these sizes.

    Returns a verdict where the learner's class allows none.
    """
    draw = run.draw(case.name, sizes[0], 0)
    trial = Trial(case, draw, case.build(draw))
    weights = run.weights(trial)
    entry = trial.call.entry
    if weights is None or run.instead:
        return None
    reply = run.child.ask("describe", run.request(trial))
    if "raised" in reply:
        return unmade(run, run.answer(reply).raised, entry)
    found = reply["ok"]
    if not isinstance(found, dict) or not found.get("module"):
        return Verdict("missing", f"`{entry}` has to be a class that derives from torch.nn.Module.")
    for kind in found.get("kinds", []):
        if reason := run.contract.forbidden.get(kind):
            return Verdict("forbidden", f"your {entry} contains a torch {kind}: {reason}.")
    optional = run.contract.optional
    if run.adapter:
        missing = tuple(name for name in weights if name not in (found.get("adapted") or []))
        if left := [name for name in missing if name not in optional]:
            return Verdict("mistake", f"weights(model) gives no tensor for {', '.join(left)}.", ("weights",))
        if loose := [str(name) for name in found.get("loose") or []]:
            return Verdict(
                "mistake",
                f"weights(model) leaves out {', '.join(loose)}, where the judge's numbers have to go as well: name biases too "
                "('q.bias' and so on), or make the layers without (bias=False).",
                names=("weights",),
                details=(f"weights(model) names {', '.join(map(str, found['adapted']))}",),
            )
        run.fits[entry] = Fit([], missing)
        return None
    ours = layers_of([(name, tuple(value.shape)) for name, value in weights.items()])
    listed = [(str(name), tuple(int(n) for n in shape)) for name, shape in found.get("parameters", [])]
    theirs = layers_of(listed)
    if {name for name, _ in listed} == set(weights):
        return None
    groups = {name: n for name, n in (trial.call.made or {}).items() if type(n) is int}
    fits = assignments(ours, theirs, optional, groups) or assignments(ours, merged(theirs), optional, groups)
    if not fits:
        have = ", ".join(f"{name} {tuple(shape)}" for name, shape in listed) or "none"
        need = ", ".join(f"{name} {tuple(value.shape)}" for name, value in weights.items() if name not in optional)
        return Verdict(
            "wrong",
            f"the parameters of your {entry} cannot be matched with those of the exercise: yours are {have}; "
            f"needed are {need}. If yours can hold these, say how in `weights(model)` at the end of the file.",
        )
    _choose(run, case, sizes, entry, fits)
    return None


def _choose(run: Run, case: Case, sizes: list[dict[str, int]], entry: str, fits: list[Fit]) -> None:
    """Take the first assignment with which the learner's module is right; else one with which a known mistake is met."""
    probes = [sizes[0], max(sizes, key=lambda s: (sum(n > 1 for n in s.values()), sum(s.values())))]
    tried, chosen, trials = 0, fits[0], []
    for choice in fits[:TRIES] if len(fits) > 1 else []:
        tried += 1
        run.fits[entry] = choice
        trial = run.try_one(case, sizes[0])
        trials.append((choice, trial))
        if trial.difference is None and run.try_one(case, probes[1]).difference is None:
            chosen = choice
            break
    else:
        if len(fits) > 1:
            request = dataclasses.replace(
                trials[0][1].request, gradient=False
            )  # our answers are the same for every choice
            known = [run.result(m.answer, request) for m in mistakes_of_entry(run, entry)]
            likely = (c for c, trial in trials if any(is_same(run, trial, came) for came in known))
            chosen = next(likely, fits[0])
            if any(len(holding.ours) > 1 for holding in chosen.holdings):
                run.notes.append(
                    "no order of the weights in your fused layer makes the module right; if yours is none of the usual "
                    "ones, say it in `weights(model)` at the end of the file"
                )
    run.fits[entry] = chosen
    how = "by shape" if len(fits) == 1 else "by name and shape" if tried <= 1 else "by shape and trial"
    run.notes.append(f"your layers were matched {how}: {chosen.told()}")


def layers_of(parameters: list[tuple[str, tuple[int, ...]]]) -> list[Layer]:
    """Parameters as layers: ``x.weight`` and ``x.bias`` belong together, any other parameter stands alone."""
    names = {name for name, _ in parameters}
    found = []
    for name, shape in parameters:
        stem, _, last = name.rpartition(".")
        if last == "bias" and f"{stem}.weight" in names:
            continue
        bias = f"{stem}.bias" if last == "weight" and f"{stem}.bias" in names else None
        found.append(Layer(stem if last == "weight" and stem else name, name, shape, bias))
    return found


def merged(layers: list[Layer]) -> list[Layer]:
    """Layers whose names differ in one number only, as one layer of all their rows."""
    groups: dict[tuple[str, tuple[int, ...]], list[Layer]] = {}
    for layer in layers:
        groups.setdefault((re.sub(r"\d+", "#", layer.name), layer.shape), []).append(layer)
    found = []
    for (pattern, shape), members in groups.items():
        if len(members) == 1 or not shape:
            found.extend(members)
            continue
        first = members[0]
        found.append(
            Layer(
                pattern,
                re.sub(r"\d+", "#", first.weight),
                (shape[0] * len(members), *shape[1:]),
                re.sub(r"\d+", "#", first.bias) if first.bias else None,
                len(members),
            )
        )
    return found


def assignments(
    ours: list[Layer], theirs: list[Layer], optional: tuple[str, ...], groups: dict[str, int], most: int = 4000
) -> list[Fit]:
    """Every way in which each of theirs holds some of ours and each of ours is held once; likeliest names first.

    `groups`: the numbers with which the class is made: in as many groups of rows a fused layer may alternate.
    """
    found: list[Fit] = []

    def holds(layer: Layer, some: tuple[Layer, ...]) -> list[Holding]:
        """The ways in which `layer` can hold `some`: stacked, as stored or transposed, alternating; none if it cannot."""
        if any((layer.bias and not mine.bias) for mine in some):
            return []
        if any(mine.bias and not layer.bias and mine.bias not in optional for mine in some):
            return []
        if len({mine.shape[1:] for mine in some}) != 1:
            return []
        shape = (sum(mine.shape[0] for mine in some), *some[0].shape[1:])
        ways = [False] if shape == layer.shape else []
        if len(shape) == 2 and shape[::-1] == layer.shape and layer.count == 1:
            ways.append(True)
        orders = [""]
        if len(some) > 1 and layer.count == 1 and len({mine.shape for mine in some}) == 1:
            rows = some[0].shape[0]
            orders += [name for name, n in groups.items() if 1 < n < rows and rows % n == 0]
            orders += [EVERY_ROW] if rows > 1 else []
        return [Holding(layer, some, transposed, order) for transposed in ways for order in orders]

    def extend(holdings: list[Holding], left: list[Layer], rest: list[Layer]) -> None:
        if len(found) >= most:
            return
        if not rest:
            if not left:
                absent = tuple(m.bias for h in holdings for m in h.ours if m.bias and not h.theirs.bias)
                found.append(Fit(list(holdings), absent))
            return
        layer = rest[0]
        longest = 1 if layer.count > 1 else len(left) - (len(rest) - 1)
        for size in range(1, longest + 1):
            for some in itertools.permutations(left, size):
                for holding in holds(layer, some):
                    extend([*holdings, holding], [m for m in left if m not in some], rest[1:])

    extend([], ours, theirs)
    # Within one file weights are stored one way round: mixed assignments come last.
    found.sort(key=lambda fit: (-_likeness(fit), sum(h.transposed for h in fit.holdings)))
    return found


def _likeness(fit: Fit) -> float:
    """How well the names of an assignment go together."""
    score = 0.0
    for holding in fit.holdings:
        theirs, ours = holding.theirs, holding.ours
        words = [w for w in re.split(r"[^a-z]+", theirs.name.lower().replace("#", "")) if w]
        # A fused layer's name says nothing of the order within; ours, which is generated first, is the likeliest.
        if len(ours) == 1:
            name = ours[0].name.rpartition(".")[2].lower()
            score += max((_word(name, word) for word in words), default=0.0)
    return score


def _word(name: str, word: str) -> float:
    if word == name:
        return 3.0
    if word in (f"w{name[:1]}", f"{name[:1]}w") or word.startswith(name) or name.startswith(word):
        return 2.0
    return 1.0 if word[:1] == name[:1] else 0.0
