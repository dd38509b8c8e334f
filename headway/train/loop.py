"""The loop: batch, loss, gradients, update; and, from time to time, a line, a look at held-out text, a checkpoint.

    rows n·B to (n+1)·B -> parts -> this process's share -> sum of losses / targets of all -> gradients -> clip -> update

Whatever the next step depends on is in the checkpoint (weights, optimiser, random generators, running sums) or follows from
the number of the step (rows, learning rate). So a run that was killed and goes on ends with the same bits.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headway import __version__
from headway.base.errors import Corrupt, HeadwayError
from headway.blocks.hollow import hollow
from headway.train import checkpoint as checkpoints
from headway.train.checkpoint import Checkpoint
from headway.train.config import TrainConfig, from_dict
from headway.train.data import Batch, Examples, Material, generator, open_source, read_material
from headway.train.flops import training_flops
from headway.train.folder import RunFolder
from headway.train.nans import Diverged, find_first
from headway.train.parallel import World, fast_bfloat16, fill, gradients_stay, spread, whole
from headway.train.report import Reporter
from headway.train.task import Task, build_model, evaluating, recompute_blocks
from headway.train.trackers import Tracker, check_trackers, open_trackers
from headway.train.updates import Updates, count_parameters, first_not_finite
from headway.train.words import FILE, Words, load_words, make_words, save_words

Sampler = Callable[[nn.Module, Words, Examples], str]
"""(model, its tokenizer, its data) -> some text of its own, the same every time."""


class Interrupted(KeyboardInterrupt):
    """Stopped by Ctrl-C or SIGTERM, after a step was finished and saved."""


@dataclass
class TrainingProgress:
    """Where a run stands, beside its tensors. All of it is in the checkpoint.

    Attributes:
        step: Updates done.
        tokens: Tokens read in training.
        seconds: Spent in training, over all processes' lives, looks at held-out text not counted.
        loss, targets: Sums since the last line of metrics.
        row_steps, row_tokens, row_seconds: Likewise.
        best, best_step: The lowest held-out loss, and where it was.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    targets: int = 0
    row_steps: int = 0
    row_tokens: int = 0
    row_seconds: float = 0.0
    best: float | None = None
    best_step: int | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a run ended.

    Attributes:
        model: The trained model, whole, in evaluation mode; None in every process but the first.
        step: Whose weights it has: the best held-out loss, or the last step where nothing was held out to look at.
    """

    folder: RunFolder
    model: nn.Module | None
    words: Words
    step: int
    held_out: float | None
    progress: TrainingProgress = field(default_factory=TrainingProgress)


def start(home: Path, config: TrainConfig, world: World, *, facts: dict[str, Any] | None = None) -> RunFolder:
    """Make the folder of a new run under `home`, with its settings made final and its tokenizer; nothing is trained yet.

    The settings are checked by building everything once, so that what is wrong is said before a folder is made.
    """
    outcome: Path | HeadwayError | None = None
    if world.first:
        try:
            outcome = _start(home, settle(config, world), facts or {})
        except HeadwayError as error:
            outcome = error
    outcome = world.agree(outcome)
    if isinstance(outcome, HeadwayError):
        raise outcome
    assert outcome is not None
    return RunFolder(outcome)


def _start(home: Path, config: TrainConfig, facts: dict[str, Any]) -> Path:
    check_trackers(config.trackers)
    material = read_material(config)
    words = make_words(config.data.tokens, material.text, config.objective)
    with hollow():  # its size is all that is asked here
        model = build_model(config, words, material)
    made_with = {
        "headway": __version__,
        "torch": torch.__version__,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "parameters": count_parameters(model),
        "vocabulary": words.size,
        "special": words.special,
        "labels": list(material.labels),
        "threads": config.threads or torch.get_num_threads(),
        **facts,
    }
    folder = RunFolder.create(home, config, made_with)
    save_words(words, folder.path)
    return folder.path


def settle(config: TrainConfig, world: World) -> TrainConfig:
    """The settings with everything that "auto" leaves open decided, for good: the machine must not change the numbers."""
    if config.precision == "auto":
        config = replace(config, precision="bfloat16" if fast_bfloat16(world.device) else "float32")
    return config


class Trainer:
    """A run, ready to go on from its newest checkpoint or from the beginning.

    Args:
        folder: From `start`, or of a run that goes on.
        sample: Makes samples.txt; the trainer itself does not know how to sample.
    """

    def __init__(
        self, folder: RunFolder, world: World, *, sample: Sampler | None = None, reporter: Reporter | None = None
    ):
        self.folder, self.world, self.sample = folder, world, sample
        self.report = reporter if reporter is not None and world.first else Reporter()
        facts = folder.facts()
        self.config = config = folder.config()
        torch.set_num_threads(config.threads or int(facts.get("threads", torch.get_num_threads())))
        material = read_material(config)
        self.words = self._words(material)
        self.source = self._source(material, facts)
        self.progress = TrainingProgress()
        self.dtype = torch.float64 if config.precision == "float64" else torch.float32
        self.model = build_model(config, self.words, material).to(world.device, self.dtype)
        task = Task(self.model, config.objective, smoothing=config.label_smoothing)
        self.plain = task
        first = world.share(self.source.batch(0, config.batch).part(0, config.accumulate))
        self.flops = training_flops(task, first, recompute=config.recompute) * config.accumulate * world.size
        self.task = self._ready(task, first)
        self.updates = Updates(self.model, config)
        # Each process drops out other features; the first one those that a single process would.
        torch.manual_seed(generator(config.seed, "dropout", world.rank).initial_seed())
        self.trackers: list[Tracker] = []
        self.asked_to_stop = self.stopping = False
        self._last_save = -1

    # Making ready

    def _words(self, material: Material) -> Words:
        # The file may be missing where a run was killed between its making and its first step: it is made again.
        if self.world.first and not (self.folder.path / FILE).is_file():
            words = make_words(self.config.data.tokens, material.text, self.config.objective)
            save_words(words, self.folder.path)
        self.world.wait()
        return load_words(self.folder.path, self.config.objective)

    def _source(self, material: Material, facts: dict[str, Any]) -> Examples:
        tokenizer = (self.folder.path / FILE).read_text(encoding="utf-8")
        if self.world.first:  # the others find the ids made
            open_source(self.config, self.words, material, tokenizer)
        self.world.wait()
        source, found = open_source(self.config, self.words, material, tokenizer)
        known = facts.get("data")
        if known is None:
            if self.world.first:
                self.folder.note(data=found)
        elif known != found:
            raise HeadwayError(
                f"{self.config.data.text if not material.pairs else self.config.data.pairs} is not what this run began "
                "with: put it back, or start a new run"
            )
        return source

    def _ready(self, task: Task, batch: Batch) -> nn.Module:
        c = self.config
        if c.recompute and not recompute_blocks(self.model):
            raise HeadwayError(f"recompute: {c.model.name} has no blocks to compute again")
        if self.world.kind == "ddp":
            # DDP waits for a gradient of every weight: those that this objective does not reach are left out.
            task(batch).backward()
            for parameter in task.parameters():
                if parameter.grad is None:
                    parameter.requires_grad_(False)
            task.zero_grad(set_to_none=True)
        if c.compile:
            self.model.compile()
        return spread(task, self.world)

    def resume(self) -> int:
        """Go to the newest whole checkpoint, if there is one; return its step."""
        found = checkpoints.load(self.folder.checkpoints)
        if found is None:
            if self.world.first:
                self.folder.rewind(0)
            return 0
        self._restore_model(found.model)
        self.updates.restore(found.state, found.facts["updates"])
        self.progress = TrainingProgress(**found.facts["progress"])
        rank = self.world.rank
        if f"random.torch.{rank}" in found.state:
            checkpoints.restore_random_states(rank, found.state, found.facts["random"][rank])
        else:  # there are more processes now than there were
            torch.manual_seed(generator(self.config.seed, "dropout", rank, found.step).initial_seed())
        self.world.wait()  # all have read
        if self.world.first:
            self.folder.rewind(found.step)
            kept = {found.step, self.progress.best_step}
            checkpoints.tidy(self.folder.checkpoints, keep=self.config.keep, also=kept)
        self._last_save = found.step
        return found.step

    def _restore_model(self, tensors: dict[str, Tensor]) -> None:
        state = self.model.state_dict(keep_vars=True)
        if set(state) != set(tensors):
            odd = sorted(set(state) ^ set(tensors))
            raise Corrupt(f"the checkpoint in {self.folder.checkpoints} is of another model: {', '.join(odd[:5])}")
        for name, tensor in tensors.items():
            fill(state[name], tensor)

    # Training

    def run(self) -> Finished:
        """Train to the last step. Raises Interrupted on Ctrl-C, `Diverged` on a loss that is no number, `Full`."""
        c, p = self.config, self.progress
        self.trackers = (
            open_trackers(c.trackers, self.folder.path, self.folder.name, c.to_dict()) if self.world.first else []
        )
        self.report.start(p.step, c.steps)
        try:
            with self._signals():
                while p.step < c.steps:
                    self.step()
                    self.after_step()
                    if self.stopping:
                        self.save()
                        raise Interrupted
            self.save()
        finally:
            self.report.stop()
            for tracker in self.trackers:
                tracker.close()
            if self.world.first:
                self._tables()
            if self.world.kind == "ddp":
                self.task = self.plain  # DDP has to be gone before its group of processes is: see `parallel.join`
        return self.finish()

    def step(self) -> None:
        """One update, of the whole batch."""
        c, p, world = self.config, self.progress, self.world
        began = time.perf_counter()
        before = torch.get_rng_state()
        batch = self.source.batch(p.step * c.batch, c.batch)
        targets = batch.n_targets
        total = torch.zeros(2, dtype=torch.float64, device=world.device)
        for part in range(c.accumulate):
            with gradients_stay(self.task, part < c.accumulate - 1):
                loss = self.loss(world.share(batch.part(part, c.accumulate)))
                # DDP and FSDP2 take the mean over processes: `size` makes it the sum.
                (loss * (world.size / targets)).backward()
                total[0] += loss.detach()
        total[1] = self.asked_to_stop
        world.total(total)
        norm = self.updates.clip_gradients()
        loss, stop = total.tolist()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._diverged(before, batch, loss / targets, norm)
        p.step += 1
        self.updates.step(p.step)
        self.stopping = stop > 0  # of any process, so that all of them stop after the same step
        p.tokens += batch.n_tokens
        p.loss += loss
        p.targets += targets
        p.row_steps += 1
        p.row_tokens += batch.n_tokens
        took = time.perf_counter() - began
        p.seconds += took
        p.row_seconds += took
        self._tell(loss / targets, norm)

    def loss(self, share: Batch) -> Tensor:
        """The sum of losses of this process's rows. With precision=bfloat16, products inside are taken in bfloat16."""
        with self._autocast():
            return self.task(share)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16")

    def _tell(self, loss: float, norm: float) -> None:
        p, c = self.progress, self.config
        self.norm = norm
        pace = p.row_seconds / p.row_steps
        facts = {
            "loss": loss,
            "tokens_per_second": p.row_tokens / p.row_seconds,
            "flops_per_second": self.flops / pace,
            "seconds_left": pace * (c.steps - p.step),
        }
        self.report.step(p.step, facts)

    def after_step(self) -> None:
        """What is due after a step: a line of metrics, a look at held-out rows, a sample, a checkpoint."""
        c, step = self.config, self.progress.step
        last = step == c.steps

        def due(every: int) -> bool:
            return last or bool(every and step % every == 0)

        row: dict[str, Any] = {}
        improved = False
        if due(c.eval_every):
            row, improved = self.look()
        if due(c.log_every) or row:
            self._write_row(row)
        if self.sample is not None and due(c.sample_every) and (last or c.sample_every):
            self._write_sample()
        if due(c.save_every) or improved:
            self.save()

    def look(self) -> tuple[dict[str, Any], bool]:
        """The loss and the accuracy on held-out rows, and whether the loss was never lower."""
        held_out, accuracy = self.evaluate(self.config.eval_rows)
        p = self.progress
        improved = math.isfinite(held_out) and (p.best is None or held_out < p.best)
        if improved:
            p.best, p.best_step = held_out, p.step
        return {"held_out": held_out, "accuracy": accuracy}, improved

    def evaluate(self, rows: int) -> tuple[float, float]:
        """(Loss in nats per target, accuracy of the likeliest token) on `rows` held-out rows, 0 for all."""
        total = torch.zeros(3, dtype=torch.float64, device=self.world.device)
        per_part = max(self.config.batch // self.config.accumulate, 1)
        with evaluating(self.task):
            for batch in self.source.held_out(rows, per_part):
                total += self._judge(self.world.share(batch))
        self.world.total(total)
        loss, right, targets = total.tolist()
        return loss / targets, right / targets

    def _judge(self, share: Batch) -> Tensor:
        # FSDP2 puts the weights together when the task itself is called; DDP would only be in the way.
        task = self.task if self.world.kind == "fsdp" else self.plain
        with self._autocast():
            return task(share, judge=True)

    def _write_row(self, extra: dict[str, Any]) -> None:
        p = self.progress
        row = {
            "step": p.step,
            "loss": p.loss / p.targets,
            "lr": self.updates.rate(p.step),
            "norm": self.norm,
            "tokens": p.tokens,
            "seconds": round(p.seconds, 3),
            "tokens_per_second": round(p.row_tokens / p.row_seconds, 1),
            **extra,
        }
        if self.world.first:
            self.folder.report(row)
            self.report.row(row)
            for tracker in self.trackers:
                tracker.log(p.step, {key: value for key, value in row.items() if key != "step"})
        p.loss, p.targets, p.row_steps, p.row_tokens, p.row_seconds = 0.0, 0, 0, 0, 0.0

    def _write_sample(self) -> None:
        assert self.sample is not None
        twin = self.whole_model()
        if twin is None:
            return
        with evaluating(twin):
            self.folder.add_sample(self.progress.step, self.sample(twin, self.words, self.source))

    # Keeping

    def save(self) -> None:
        """Write a checkpoint of the current step, if there is none yet. Every process has to call this."""
        p, world = self.progress, self.world
        if self._last_save == p.step:
            return
        model = {name: whole(tensor) for name, tensor in self.model.state_dict().items()}
        if bad := first_not_finite(model):
            raise Diverged(
                f"the weight {bad} is no number any more after step {p.step}: that is not saved. {self._advice()}"
            )
        state = self.updates.tensors()
        tensors: dict[str, Tensor] = {}
        facts = checkpoints.random_states(world.rank, tensors)
        randoms = world.gather((facts, tensors))
        outcome = None
        if world.first:
            for _, found in randoms:
                state |= found
            content = {
                "updates": self.updates.counts(),
                "progress": p.__dict__,
                "random": [found for found, _ in randoms],
                "processes": world.size,
                "learning_rate": self.updates.rate(max(1, p.step)),
                "next_row": p.step * self.config.batch,
            }
            found = Checkpoint(step=p.step, model=model, state=state, facts=content)
            try:
                checkpoints.save(self.folder.checkpoints, found, keep=self.config.keep, keep_step=p.best_step)
            except HeadwayError as error:
                outcome = error
        if (outcome := world.agree(outcome)) is not None:
            raise outcome
        self._last_save = p.step

    def whole_model(self, tensors: dict[str, Tensor] | None = None) -> nn.Module | None:
        """The model with whole weights (or with `tensors`), apart from what is being trained; None but in the first process."""
        if tensors is None and self.world.kind != "fsdp":
            return self.model if self.world.first else None
        if tensors is None:
            tensors = {name: whole(tensor) for name, tensor in self.model.state_dict().items()}
        if not self.world.first:
            return None
        state = torch.get_rng_state()
        twin = type(self.model)(self.model.config).to(self.world.device, self.dtype)  # pyrefly: ignore[bad-argument-count]
        torch.set_rng_state(state)
        twin.load_state_dict(tensors)
        return twin

    def finish(self) -> Finished:
        """The best model of the run, and the result noted in config.json."""
        p = self.progress
        held_out = p.best
        step = p.step if p.best_step is None else p.best_step
        tensors = None
        if step != p.step:
            kept = checkpoints.load(self.folder.checkpoints, step)
            tensors = kept.model if kept is not None else None
        model = self.whole_model(tensors)
        if self.world.first:
            result = {
                "held_out": held_out,
                "step": step,
                "steps": p.step,
                "tokens": p.tokens,
                "seconds": round(p.seconds, 1),
            }
            self.folder.note(finished=time.strftime("%Y-%m-%dT%H:%M:%S%z"), result=result)
        return Finished(
            folder=self.folder,
            model=model.eval() if model is not None else None,
            words=self.words,
            step=step,
            held_out=held_out,
            progress=p,
        )

    def _tables(self) -> None:
        """metrics.csv and loss.png; a run does not fail for want of a picture."""
        with contextlib.suppress(HeadwayError, OSError):
            if self.folder.metrics_file.exists():
                self.folder.write_table()
                self.folder.draw()

    # When things go wrong

    def _diverged(self, before: Tensor, batch: Batch, loss: float, norm: float) -> None:
        """Name the first tensor that is not finite, and stop. Nothing is updated and nothing saved."""
        torch.set_rng_state(before)
        self.updates.forget()
        found = "not found"
        for part in range(self.config.accumulate):
            share = self.world.share(batch.part(part, self.config.accumulate))
            # The plain task: every process looks at its own rows, without waiting for another.
            task = self.task if self.world.kind == "fsdp" else self.plain

            def once(share: Batch = share, task: nn.Module = task) -> Tensor:
                with self._autocast():
                    return task(share)

            found = find_first(self.model, once)
            if not found.startswith("none"):
                break
        told = [one for one in self.world.gather(found) if not one.startswith("none")]
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the norm of the gradients is {norm}"
        raise Diverged(
            f"{what} in step {self.progress.step + 1}: the first bad tensor is {(told or [found])[0]}. {self._advice()}"
        )

    def _advice(self) -> str:
        kept = checkpoints.saved_steps(self.folder.checkpoints)
        if not kept:
            return "There was no checkpoint yet: start again with a smaller optimiser.lr."
        return (
            f"The checkpoint of step {max(kept)} is good: `headway train --resume {self.folder.path} "
            "--set optimiser.lr=...` goes on from there."
        )

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the run after the current step; a second one at once."""

        def stop(number: int, frame: Any) -> None:
            if self.asked_to_stop:
                raise KeyboardInterrupt
            self.asked_to_stop = True

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def change(folder: RunFolder, changes: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    """Change settings of a run that goes on, and remember in config.json what they were.

    Raises HeadwayError for a setting that would make it another run.
    """

    if not changes:
        return
    facts = folder.facts()
    before = from_dict(facts["config"])
    for one in changes:
        key = one.partition("=")[0].strip()
        from_dict(facts["config"], [one])  # an unknown setting or a wrong value is said first
        if key not in allowed:
            raise HeadwayError(f"{key} cannot be changed in a run that goes on; what can: {', '.join(allowed)}")
    after = from_dict(facts["config"], changes)
    if after != before:
        history = [*facts.get("changed", []), {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "set": list(changes)}]
        folder.note(config=after.to_dict(), changed=history)
