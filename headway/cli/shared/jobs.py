"""What `headway run` does: which function of `headway.use` is called with which words, and how its result looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from headway import use
from headway.base.console import out
from headway.cli.shared.inputs import inputs_of
from headway.cli.shared.writing import note, took, write
from headway.use import Action, Choice, Gap, Importance, Likeness, Reply, Rewritten, Spoken, Task, TokenLabel
from headway.zoo import Loaded


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for besides the words.

    Attributes:
        writing: `max_tokens`, `stops`, `sampling` and `seed`, as `use.go_on` takes them.
        raw: Go on with a text as it stands, though the model chats.
        system, beams, language: As `use.chat`, `use.rewrite` and `use.hear` take them.
    """

    writing: dict[str, Any]
    raw: bool = False
    system: str | None = None
    beams: int | None = None
    language: str | None = None


@dataclass(frozen=True)
class Job:
    """Calls to make, and how their results are drawn.

    Attributes:
        task: The function of `headway.use`.
        calls: Give the same results whenever they are called.
        draw: Shows the results; returns them complete, where they come in pieces.
    """

    task: Task
    calls: Sequence[Callable[[], Any]]
    draw: Callable[[list[Any]], list[Any]]


def job_of(loaded: Loaded, words: Sequence[str], asked: Asked) -> Job:
    """The natural thing for this model to do with these words."""
    names = list(words)
    pictures, texts = inputs_of(loaded.entry.kind, words)
    text, writing = " ".join(texts), asked.writing
    task = use.natural(loaded, texts)
    match "go_on" if asked.raw else task:
        case "go_on":
            return Job("go_on", [lambda: use.go_on(loaded, text, **writing)], _reply)
        case "chat":
            return Job(task, [lambda: use.chat(loaded, text, system=asked.system, **writing)], _reply)
        case "answer":
            return Job(task, [lambda: use.answer(loaded, pictures, text, **writing)], _reply)
        case "fill":
            return Job(task, [lambda text=text: use.fill(loaded, text) for text in texts], _gaps)
        case "label":
            return Job(task, [lambda text=text: use.label(loaded, text) for text in texts], _choices([]))
        case "label_tokens":
            return Job(task, [lambda text=text: use.label_tokens(loaded, text) for text in texts], _token_labels)
        case "compare":
            return Job(task, [lambda: use.compare(loaded, pictures or texts)], _likeness)
        case "rewrite":
            how = {name: writing[name] for name in ("max_tokens", "sampling", "seed")}
            return Job(task, [lambda: use.rewrite(loaded, text, beams=asked.beams, **how)], _rewritten)
        case "hear":
            how = {"language": asked.language, "beams": asked.beams or 1, "max_tokens": writing["max_tokens"]}
            return Job(task, [lambda name=name: use.hear(loaded, name, **how) for name in names], _spoken(names))
        case "see":
            return Job(task, [lambda path=path: use.see(loaded, path) for path in pictures], _choices(names))
        case "importance":
            calls = [lambda path=path: use.importance(loaded, path) for path in pictures]
            return Job(task, calls, _importance(names))
        case "match":
            return Job(task, [lambda: use.match(loaded, pictures, texts)], _matches([str(path) for path in pictures]))
        case "act":
            return Job(task, [lambda name=name: use.act(loaded, name) for name in names], _actions)


# How results look


def _reply(results: list[Reply]) -> list[Reply]:
    for said in results:
        try:
            write(said)
        except KeyboardInterrupt:
            note(f"stopped: {took(said)}")
            raise
        note(took(said))
    return results


def _rows(choices: Sequence[Choice]) -> None:
    for choice in choices:
        print(f"{choice.probability:6.1%}  {choice.name}")


def _gaps(results: list[tuple[Gap, ...]]) -> list[tuple[Gap, ...]]:
    for n, gap in enumerate(gap for gaps in results for gap in gaps):
        if n:
            print()
        _rows(gap.choices)
    return results


def _choices(names: Sequence[str]) -> Callable[[list[Any]], list[Any]]:
    """Choices for each of `names`, which are told where there are several."""

    def draw(results: list[tuple[Choice, ...]]) -> list[tuple[Choice, ...]]:
        for n, choices in enumerate(results):
            if len(names) > 1:
                print(f"{chr(10) if n else ''}{names[n]}")
            _rows(choices)
        return results

    return draw


def _matches(names: Sequence[str]) -> Callable[[list[Any]], list[Any]]:
    def draw(results: list[Any]) -> list[Any]:
        _choices(names)(list(results[0]))
        return results

    return draw


def _token_labels(results: list[tuple[TokenLabel, ...]]) -> list[tuple[TokenLabel, ...]]:
    for labels in results:
        for found in labels:
            print(f"{found.token}\t{found.label}")
    return results


def _likeness(results: list[Likeness]) -> list[Likeness]:
    """One vector is printed; of several, the cosine of each with each."""
    (found,) = results
    if len(found.names) == 1:
        print(" ".join(f"{value:.6f}" for value in found.vectors[0].tolist()))
        return results
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("cosine of their vectors")
    for n in range(1, len(found.names) + 1):
        table.add_column(str(n), justify="right", no_wrap=True)
    for n, (name, row) in enumerate(zip(found.names, found.cosines.tolist(), strict=True), 1):
        table.add_row(f"{n}  {escape(name)}", *(f"{value:.3f}" for value in row))
    out().print(table)
    return results


def _rewritten(results: list[Rewritten]) -> list[Rewritten]:
    for found in results:
        write([found.text])
        beams = found.beams
        how = "sampled" if beams is None else f"{beams} beam{'s' if beams > 1 else ''}"
        cut = ", cut at --max-tokens" if found.ended == "length" else ""
        note(f"{found.read} tokens read, {len(found.ids)} written ({how}){cut}")
    return results


def _spoken(names: Sequence[str]) -> Callable[[list[Any]], list[Any]]:
    def draw(results: list[Any]) -> list[Any]:
        complete: list[list[Spoken]] = []
        for name, pieces in zip(names, results, strict=True):
            complete.append([])
            for spoken in pieces:
                write([f"{name}: {spoken.text}" if len(names) > 1 else spoken.text])
                complete[-1].append(spoken)
        return complete

    return draw


def _importance(names: Sequence[str]) -> Callable[[list[Any]], list[Any]]:
    def draw(results: list[Importance]) -> list[Importance]:
        for n, (name, found) in enumerate(zip(names, results, strict=True)):
            if n:
                print()
            print(f"{'importance':>10}  {'mean':>5}  left, top, width, height in pixels")
            for place in found.places:
                box = f"{place.left}, {place.top}, {place.width}, {place.height}"
                print(f"{place.highest:10.3f}  {place.mean:5.3f}  {box}")
            for line in _shades(found.map):
                note(line)
            note(f"{name}: importance from {float(found.map.min()):.3f} to {float(found.map.max()):.3f}")
        return results

    return draw


def _shades(values: Tensor) -> list[str]:
    """A small map in characters, which are twice as high as wide."""
    height, width = values.shape
    size = (max(1, round(height / 14)), max(1, round(width / 7)))
    small = F.interpolate(values[None, None], size=size, mode="area")[0, 0]
    low, high = float(small.min()), float(small.max())
    steps = " .:-=+*#%@"
    scaled = ((small - low) / max(high - low, 1e-9) * (len(steps) - 1)).round().int().tolist()
    return ["".join(steps[value] for value in row) for row in scaled]


def _actions(results: list[Action]) -> list[Action]:
    for found in results:
        print(" ".join(f"{value:.6f}" for value in found.values))
        note(f"step {found.step}, asking for a return of {found.asked:g}")
    return results
