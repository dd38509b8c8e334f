"""``headway tour``: the whole of Headway in under a minute, with no key pressed. Everything in it really runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import cyclopts
from rich.syntax import Syntax
from rich.text import Text

from headway.base.console import out, under
from headway.base.errors import HeadwayError
from headway.claims import shelf
from headway.claims.catalog import CATALOG
from headway.cli.shared.drawing import shown
from headway.cli.shared.writing import took, write
from headway.learn.exercise import find_exercise
from headway.learn.judge import Judge
from headway.learn.path import COURSE, the_path
from headway.learn.plug import plugged
from headway.learn.progress import Progress
from headway.learn.workspace import find_workspace
from headway.zoo import DEFAULT, load

app = cyclopts.App(name="tour", help="See the whole of Headway in under a minute.")

WRONG = '''"""Attention, as it is often written the first time."""

import math


def attend(q, k, v, mask=None, *, causal=False, scale=None):
    b, h, t, width = q.shape
    s = k.shape[2]
    scale = 1 / math.sqrt(h * width) if scale is None else scale
    scores = q @ k.transpose(-2, -1) * scale
    if causal:
        mask_ = q.new_ones(t, s).tril(s - t).bool()
        mask = mask_ if mask is None else mask & mask_
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(-1) @ v
'''
RIGHT = WRONG.replace("math.sqrt(h * width)", "math.sqrt(width)").replace("as it is often written", "mended, after")
QUESTION = "What is the capital of France?"
CLAIM = "pre-ln"


@app.default
def tour(
    *,
    workspace: Annotated[Path | None, cyclopts.Parameter(help="The workspace whose plan is shown.")] = None,
    model: Annotated[str, cyclopts.Parameter(help="The model that replies.")] = DEFAULT,
) -> int:
    """Play the tour: your plan as matched; a wrong attention judged and its mistake named; the mistake mended; a real model
    replying on that very function; a paper's claim with its verdict and picture. Nothing of yours is changed."""

    console = out()
    _plan(workspace)
    with tempfile.TemporaryDirectory(prefix="headway-tour-") as folder:
        path = Path(folder) / "exercises" / "attention" / "sdpa.py"
        path.parent.mkdir(parents=True)
        _judge(path)
        _reply(path, model)
    _claim()
    console.print("\nThat was the tour. `headway next` says where to begin.", highlight=False)
    return 0


def _head(number: int, text: str) -> None:
    out().print(f"\n[bold cyan]{number}[/bold cyan]  [bold]{text}[/bold]\n")


def _plan(folder: Path | None) -> None:
    """The plan in a few lines: what each leads to."""
    try:
        progress = Progress(find_workspace(folder))
    except HeadwayError:
        progress = None
    _head(1, "A plan, matched line by line to topics")
    if progress is None:
        out().print(f"  (no workspace yet: `headway start` makes one, from your plan or from {COURSE / 'plan.md'})")
        return
    matched = [line for line in progress.lines if line.match.topics]
    picked = matched if len(matched) <= 6 else matched[:: max(1, len(matched) // 6)][:6]
    room = min(48, out().width // 2 - 4)
    for line in picked:
        text = Text(f"  {shown(line.item.text)}")
        text.truncate(room + 2, overflow="ellipsis", pad=True)
        leads = ", ".join(the_path().topics[name].title for name in line.match.topics)
        under(text.append("  "), Text(leads, style="cyan"))
    lines = [line for line in progress.lines if line.item.kind != "heading" and not line.item.empty]
    under(Text("  ... "), Text(f"{len(matched)} of {len(lines)} lines lead somewhere; the others are yours to tick."))


def _judge(path: Path) -> None:
    """The same function twice: wrong, with its mistake named; then mended."""
    console, exercise = out(), find_exercise("attention/sdpa")
    with Judge() as judge:
        judge.start()
        _head(2, "A wrong answer, judged: the mistake has a name")
        path.write_text(WRONG, encoding="utf-8")
        line = next(n for n, text in enumerate(WRONG.splitlines(), 1) if "h * width" in text)
        look = {"background_color": "default", "word_wrap": True}
        console.print(Syntax(WRONG, "python", **look, line_range=(line - 3, line + 1)))
        verdict = judge.check(exercise, path)
        under(Text("  ✗ ", style="bold red"), Text("the judge let it pass" if verdict.passed else verdict.line))
        _head(3, "Mended")
        path.write_text(RIGHT, encoding="utf-8")
        console.print(Syntax(RIGHT, "python", **look, line_range=(line, line)))
        verdict = judge.check(exercise, path)
        mark = Text("  ✔ ", style="bold green") if verdict.passed else Text("  ✗ ", style="bold red")
        under(mark, Text(verdict.line).append("  (new ones every time)", style="dim"))


def _reply(path: Path, name: str) -> None:
    """The model's answer on our attention and on the one just judged: the same tokens."""
    _head(4, "That very function inside a real model")
    console = out()
    try:
        loaded = load(name)
    except HeadwayError as error:
        console.print(f"  (left out: {error})", markup=False)
        return
    from headway import use

    console.print(f"  [dim]you[/dim]      {QUESTION}\n  [dim]{name}[/dim] ", end="")
    with plugged(path) as state:
        said = use.chat(loaded, QUESTION, max_tokens=24)
        write(said, column=len(f"  {name} "))
    same = use.difference(said, use.chat(loaded, QUESTION, max_tokens=24), decode=loaded.words.decode)
    for remark in (took(said), f"it ran on {state.told()}: {same.words}"):
        under(Text("  "), Text(remark, style="dim"))


def _claim() -> None:
    """The shipped result of one claim."""
    _head(5, "A paper's central statement, as an experiment with a verdict")
    console, entry, result = out(), CATALOG[CLAIM], shelf.shipped(CLAIM)
    console.print(f"  {entry.paper}: {entry.title}")
    if result is None:
        console.print(f"  (no result is shipped yet: `headway reproduce {CLAIM}` makes one, {entry.cost})")
        return
    verdict = result["verdict"]
    word = verdict["word"] if isinstance(verdict, dict) else verdict
    reason = verdict.get("reason", "") if isinstance(verdict, dict) else ""
    console.print(f"  [bold green]{word}[/bold green]  {reason}")
    console.print(f"  [dim]picture[/dim] {shelf.picture(CLAIM)}")
    console.print(f"  [dim]yours[/dim]   headway reproduce {CLAIM}   ({entry.cost})")
