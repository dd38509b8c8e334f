"""``headway train PRESET|CONFIG``: train a model, in one process or under torchrun; ``--resume RUN`` goes on."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from rich.text import Text

from headway.base.console import err, out, under
from headway.base.environment import place_in_run
from headway.base.errors import HeadwayError
from headway.base.files import write_text
from headway.base.heap import keep_freed_memory
from headway.base.reading import read_json_object
from headway.cli.shared.measuring import command_line
from headway.learn import evidence
from headway.learn.workspace import Workspace, is_workspace
from headway.train.config import PRESET_FOLDER, RESUMABLE, check_model, presets, read_config
from headway.train.folder import find_run, runs_home
from headway.train.report import Lines, OnTerminal, duration
from headway.train.words import save_words

if TYPE_CHECKING:
    from headway.train.folder import RunFolder
    from headway.train.loop import Finished

app = App(name="train", help="Train a model: a preset or your own settings; resumes to the bit.")


@app.default
def train(
    source: Annotated[
        str | None, Parameter(help="A preset, or a TOML file. Without one, the presets are listed.")
    ] = None,
    /,
    *,
    changes: Annotated[
        tuple[str, ...],
        Parameter(name="--set", negative=(), help="Change a setting: --set model.width=256 --set steps=500."),
    ] = (),
    resume: Annotated[str | None, Parameter(help="Go on with a run: its folder, its name, or last.")] = None,
    into: Annotated[
        Path | None, Parameter(help="Make the run's folder in here instead of the workspace's runs/.")
    ] = None,
    show: Annotated[bool, Parameter(negative="", help="Print the settings as JSON and train nothing.")] = False,
) -> int:
    """Train a model and keep everything about it in runs/<time>-<name>/.

    The same command runs under torchrun: torchrun --nproc-per-node 2 -m headway train PRESET.
    Ctrl-C ends after the current step and saves. `headway train --resume last` goes on, bit for bit as if nothing had
    happened; so it does after a crash.
    """
    if source is None and resume is None:
        return _list()
    if source is not None and resume is not None:
        raise HeadwayError("give a preset to begin, or --resume RUN to go on, not both.")
    first = place_in_run()[1] == 0
    try:
        return _train(source, tuple(changes), resume, into, show)
    except Exception:
        if first:
            raise
        return 2  # the first process says what is wrong; the others only end


def _train(source: str | None, changes: tuple[str, ...], resume: str | None, into: Path | None, show: bool) -> int:
    home = into or runs_home()
    folder = None
    if resume is not None:
        folder = find_run(resume, home)
        config = folder.config()
    else:
        assert source is not None
        config = read_config(source, changes)
    if show:
        config = dataclasses.replace(config, model=check_model(config.model))
        out().print_json(json.dumps(config.to_dict()))
        return 0

    from headway.train.loop import Interrupted, Trainer, change, start
    from headway.train.parallel import join
    from headway.use.samples import sampler

    keep_freed_memory()
    with join(config.parallel, config.device) as world:
        new = folder is None
        if folder is None:
            folder = start(home, config, world, facts={"command": command_line()})
        elif world.first:
            change(folder, changes, RESUMABLE)
        world.wait()
        with folder.alone() if world.first else _nothing():
            try:
                trainer = Trainer(folder, world, sample=sampler(config.objective), reporter=_reporter())
            except HeadwayError:
                if new and world.first:
                    shutil.rmtree(folder.path)  # nothing was trained: only the settings that were refused lie there
                raise
            step = trainer.resume()
            if world.first:
                _headline(trainer, step)
            try:
                finished = trainer.run()
            except Interrupted:
                if world.first:
                    err().print(
                        f"stopped after step {trainer.progress.step}, and saved. Go on: headway train --resume {folder.path}",
                        markup=False,
                        soft_wrap=True,
                    )
                return 130
            if world.first:
                _finish(finished)
    return 0


def _headline(trainer: Any, step: int) -> None:
    from headway.train.updates import count_parameters

    c, world = trainer.config, trainer.world
    where = f"{world.size} processes ({world.kind}), " if world.size > 1 else ""
    goes_on = f", going on after step {step}" if step else ""
    err().print(
        f"{trainer.folder.path}: {c.model.name}, {count_parameters(trainer.model):,} weights, {where}{c.precision}, "
        f"{c.steps} steps of {c.batch} rows{goes_on}",
        markup=False,
        soft_wrap=True,
    )


def _finish(finished: Finished) -> None:
    from headway.weights import export_folder

    folder, p = finished.folder, finished.progress
    assert finished.model is not None
    model = export_folder(finished.model, folder.path / "model")
    save_words(finished.words, model)
    _name_ends(model, finished)
    _record(folder, finished)
    lines = []
    if finished.held_out is not None:
        lines.append(
            f"held-out loss {finished.held_out:.4f} at step {finished.step}, after {duration(p.seconds)} of training"
        )
    lines += [f"run    {folder.path}", f"curve  {folder.path / 'loss.png'}", f"model  {model}"]
    if folder.config().objective == "seq2seq":
        lines.append(f"try    headway run {shlex.quote(str(model))} TEXT")
    if folder.config().objective == "causal":
        lines.append(f'try    headway run {shlex.quote(str(model))} --temperature 0.8 "The "')
    for line in lines:
        out().print(line, markup=False, soft_wrap=True)


def _name_ends(model: Path, finished: Finished) -> None:
    """An encoder-decoder's config.json says, under the names everybody uses, which ids begin, end and fill up a target."""
    special = finished.words.special
    if not {"pad", "start", "end"} <= set(special):
        return
    facts = read_json_object(model / "config.json")
    facts |= {
        "decoder_start_token_id": special["start"],
        "eos_token_id": special["end"],
        "pad_token_id": special["pad"],
        "bad_words_ids": [[special["start"]], [special["pad"]]],
    }
    write_text(model / "config.json", json.dumps(facts, indent=2) + "\n")


def _record(folder: RunFolder, finished: Finished) -> None:
    """Evidence, where the run lies in a workspace."""
    root = folder.path.resolve().parent.parent
    if is_workspace(root):
        config = folder.config()
        facts = {
            "model": config.model.name,
            "steps": config.steps,
            "held_out": finished.held_out,
            "folder": folder.name,
        }
        evidence.record(Workspace(root), kind="run", name=config.name, result="finished", **facts)


def _reporter() -> Any:
    return OnTerminal() if err().is_terminal else Lines()


def _nothing() -> Any:
    return contextlib.nullcontext()


def _list() -> int:
    for name in presets():
        text = (PRESET_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
        plain = tomllib.loads(text)
        facts = Text(f"  {plain['model']['name']}, {plain['steps']:,} steps", style="dim")
        out().print(Text(f"{name:<19}", style="bold cyan").append_text(facts))
        under(Text("  "), Text(text.split("\n")[0].lstrip("# ")))
    out().print(
        "\n`headway train PRESET` trains one; `--set key=value` changes a setting, `--show` prints them all.",
        markup=False,
    )
    return 0
