"""What the page of ``headway look`` computes: models at hand, which pictures each has, and one picture as its widget takes it."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from pathlib import Path
from typing import Any

from headway import look
from headway.base.errors import HeadwayError
from headway.base.lines import lines_of
from headway.learn.plug import RUNS_ON
from headway.learn.workspace import workspace_around
from headway.zoo import Loaded, load, ready

EXAMPLE = "The animal didn't cross the street because it was too tired"
OURS = "ours"

PICTURES: dict[str, tuple[str, ...]] = {
    "decoder": ("attention", "tokens", "lens", "sampling", "norms", "decay", "memory", "diagram"),
    "encoder": ("attention", "tokens", "lens", "likeness", "norms", "diagram"),
    "encoder-decoder": ("attention", "alignment", "tokens", "lens", "norms", "diagram"),
    "vision": ("patches", "attention", "norms", "diagram"),
    "vision-text": ("patches", "attention", "likeness", "diagram"),
    "speech": ("alignment", "attention", "norms", "diagram"),
}
"""Kind of model -> the pictures it may have; a model that lacks one says so in the page."""

_one_at_a_time = threading.Lock()


def models_at_hand(also: str | None = None) -> list[str]:
    """Names of models whose files are on this disk, the small ones first; `also` is what the address asks for."""
    names = [name for found in ready().values() for name in found]
    names.sort(key=lambda name: (name.startswith(("smollm2", "gpt2", "whisper", "vit")), name))
    return [*dict.fromkeys([*([also] if also else []), *names])]


@functools.lru_cache(maxsize=3)
def loaded_once(name: str) -> Loaded:
    """A model, kept for the next picture."""
    return load(name, progress=False)


def pictures_of(name: str) -> list[str]:
    """The pictures of a model of this name; those of a decoder where it cannot be loaded, which the picture then says."""
    with contextlib.suppress(HeadwayError):
        loaded = loaded_once(name)
        lacks = set()
        if "recurrent" not in loaded.entry.forms:
            lacks.add("decay")  # no state
        if loaded.entry.kind == "encoder" and getattr(loaded.model, "mlm", None) is None:
            lacks |= {"tokens", "lens"}  # no head that guesses words
        return [kind for kind in PICTURES.get(loaded.entry.kind, ("attention", "diagram")) if kind not in lacks]
    return list(PICTURES["decoder"])


def exercises_at_hand(name: str, also: str | None = None) -> list[str]:
    """`OURS`, and the exercises of the workspace that are begun and that this model may run on; `also` is another file."""
    found = [OURS, *([also] if also else [])]
    with contextlib.suppress(HeadwayError, OSError):
        workspace = workspace_around()
        for exercise, command in RUNS_ON.items() if workspace else ():
            assert workspace is not None
            if command.partition(" ")[0] == name and workspace.exercise_file(exercise).is_file():
                found.append(exercise)
    return found


def looked_at(name: str, kind: str, given: str, change: str, yours: str) -> tuple[dict[str, Any], float]:
    """A picture as its widget takes it, and the seconds it took.

    Args:
        name: A model.
        kind: Which picture.
        given: The text, or the path of a picture or a sound; for `likeness` one to a line.
        change: Edits in words (`headway.look.parse`), blanks between.
        yours: An exercise whose functions stand in for ours, or `OURS`.

    Raises:
        HeadwayError: one line.
    """
    with _one_at_a_time:
        loaded = loaded_once(name)
        began = time.perf_counter()
        return _picture(loaded, kind, given, change, yours).packed(), time.perf_counter() - began


def _picture(loaded: Loaded, kind: str, given: str, change: str, yours: str) -> look.Picture:
    if kind == "memory":
        return look.memory([loaded])
    if kind == "diagram":
        return look.diagram(loaded)
    edits: list[look.Edit] = [look.parse(word) for word in change.split()]
    if yours != OURS:
        workspace = workspace_around()
        of_exercise = workspace is not None and yours in RUNS_ON
        edits.append(look.Own(workspace.exercise_file(yours) if workspace is not None and of_exercise else Path(yours)))
    if not given.strip():
        raise HeadwayError("give the model something to look at.")
    if kind == "likeness":
        return look.likeness(loaded, [line for line in lines_of(given) if line.strip()], edits=edits)
    return getattr(look, kind)(loaded, given, edits=edits)
