"""A learner's module and the judge's weights brought together: which of its layers takes which weight, by trying."""

from __future__ import annotations

from headway.learn.cases import Case
from headway.learn.diagnosis import unmade
from headway.learn.layers import Fit, assignments, layers_of, merged
from headway.learn.trials import Run, Trial

TRIES = 80
"""Assignments tried on an input before the likeliest by name is taken."""


def fit(run: Run, case: Case, sizes: dict[str, int]) -> dict | None:
    """Find the assignment for the class that `case` makes. Returns a verdict where the learner's class allows none."""
    draw = run.draw(case.name, sizes, 0)
    trial = Trial(case, draw, case.build(draw))
    weights = run.weights(trial)
    entry = trial.call.entry
    if weights is None or run.instead:
        return None
    request = run.request(trial)
    reply = run.child.ask(do="describe", **request)
    if "raised" in reply:
        return unmade(run, run.answer(reply).raised or {}, entry)
    found = reply["ok"]
    if not isinstance(found, dict) or not found.get("module"):
        return {"status": "missing", "line": f"`{entry}` has to be a class that derives from torch.nn.Module."}
    for kind in found.get("kinds", []):
        reason = getattr(run.cases, "FORBIDDEN", {}).get(kind)
        if reason:
            return {"status": "forbidden", "line": f"your {entry} contains a torch {kind}: {reason}."}
    optional = tuple(getattr(run.cases, "OPTIONAL", ()))
    if run.adapter:
        left = [name for name in weights if name not in (found.get("adapted") or []) and name not in optional]
        if left:
            return {"status": "wrong", "line": f"weights(model) gives no tensor for {', '.join(left)}."}
        missing = tuple(name for name in weights if name not in (found.get("adapted") or []))
        run.fits[entry] = Fit([], missing)
        return None
    ours = layers_of([(name, tuple(value.shape)) for name, value in weights.items()])
    listed = [(str(name), tuple(int(n) for n in shape)) for name, shape in found.get("parameters", [])]
    theirs = layers_of(listed)
    if {name for name, _ in listed} == set(weights):
        return None
    fits = assignments(ours, theirs, optional) or assignments(ours, merged(theirs), optional)
    if not fits:
        have = ", ".join(f"{name} {tuple(shape)}" for name, shape in listed) or "none"
        need = ", ".join(f"{name} {tuple(value.shape)}" for name, value in weights.items() if name not in optional)
        return {
            "status": "wrong",
            "line": f"the parameters of your {entry} cannot be matched with those of the exercise: yours are {have}; "
            f"needed are {need}. If yours can hold these, say how in `weights(model)` at the end of the file.",
        }
    tried = 0
    for choice in fits[:TRIES] if len(fits) > 1 else []:
        tried += 1
        run.fits[entry] = choice
        if run.try_one(case, sizes).difference is None:
            break
    else:
        run.fits[entry] = fits[0]
    chosen = run.fits[entry]
    how = "by shape" if len(fits) == 1 else "by name and shape" if tried <= 1 else "by shape and trial"
    run.notes.append(f"your layers were matched {how}: {chosen.told()}")
    return None
