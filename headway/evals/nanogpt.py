"""nanoGPT's laptop run (characters of Shakespeare, 0.8 million weights), three times on one clock.

- transformers: its GPT-2, trained by a plain loop: float32, AdamW of PyTorch, the recipe's cosine. Its steps set the time.
- headway: the preset char-gpt: the same weights at the start, the same rows, the same recipe, through our trainer.
- fast: the preset char-gpt-fast: our own choices, on the same text, looked at on the same held-out rows.

They train by turns, a few seconds each, in an order that turns round every time, so that whatever else the machine has to do hits
them alike. Looking at held-out rows is not on the clock. What each choice of the fast preset buys is `ablate`'s answer.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from headway.base.errors import HeadwayError
from headway.base.reading import read_json_object
from headway.evals.request import FAST
from headway.evals.speed import reference
from headway.train.config import TrainConfig, read_config
from headway.train.loop import Trainer, start
from headway.train.parallel import World
from headway.train.schedules import cosine
from headway.train.task import evaluating
from headway.train.updates import count_parameters, schedule

RECIPE = "char-gpt"
ROWS = 256
"""Held-out rows per look on the way; at the end all are read."""

WHOLE = "all choices"
"""The arm in which nothing is undone."""

CHOICES: dict[str, tuple[str, ...]] = {
    WHOLE: (),
    "AdamW for Muon": ("optimiser.name=adamw", "optimiser.lr=4e-3"),
    "AdamW for Muon, at nanoGPT's rate": ("optimiser.name=adamw", "optimiser.lr=1e-3"),
    "a cosine to a tenth for plateau and descent to zero": ("schedule.name=cosine", "schedule.floor=0.1"),
    "GPT-2's block for Llama's": ("model.name=gpt2", "model.ff_width=512"),
    "a tied head for one of its own": ("model.tied=true",),
    "12 rows a step for 20": ("batch=12",),
}
"""What is undone in each arm -> the settings that undo it."""


class Ours:
    """A preset of ours, trained bit by bit.

    Args:
        stretched: The learning rate follows the share of the time, not of the steps, because the time is what is given.
    """

    def __init__(self, config: TrainConfig, home: Path, *, stretched: bool = False):
        self.trainer = Trainer(start(home, config, World()), World())
        self.seconds, self.cpu = 0.0, 0.0
        self.stretched = stretched
        self.steps_in_all = config.steps

    @property
    def steps(self) -> int:
        return self.trainer.progress.step

    @property
    def tokens(self) -> int:
        return self.trainer.progress.tokens

    @property
    def finished(self) -> bool:
        return not self.stretched and self.steps >= self.steps_in_all

    def work(self, seconds: float, share: Callable[[float], float]) -> None:
        """Train until `seconds` of work have been done in all. `share` gives the share of the time from seconds of work."""
        config = self.trainer.config
        factor = schedule(config.schedule, steps=config.steps, width=1)
        while self.seconds < seconds and not self.finished:
            if self.stretched:
                # The warm-up is a matter of steps; what follows, of the time that is left.
                now = max(1, round(share(self.seconds) * config.steps))
                warm = min(1.0, (self.steps + 1) / max(1, config.schedule.warmup))
                self.trainer.updates.factor = lambda step, now=now, warm=warm: min(
                    warm, factor(max(now, config.schedule.warmup))
                )
            self._once()

    def _once(self) -> None:
        began, cpu = time.perf_counter(), time.process_time()
        self.trainer.step()
        self.seconds += time.perf_counter() - began
        self.cpu += time.process_time() - cpu

    def look(self, rows: int) -> float:
        """The loss on `rows` held-out rows, 0 for all."""
        return self.trainer.evaluate(rows)[0]


class Plain:
    """`transformers`' GPT-2 in a plain loop, with the weights, rows and settings of one of our runs.

    AdamW is PyTorch's fused one: its fastest.
    """

    def __init__(self, model: Any, twin: Ours):
        self.model, self.config = model.train(), twin.trainer.config
        self.source = twin.trainer.source
        o = self.config.optimiser
        groups = [
            {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": o.weight_decay},
            {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=o.lr, betas=o.betas, eps=o.eps, fused=True)
        self.steps, self.tokens, self.seconds, self.cpu = 0, 0, 0.0, 0.0
        self.steps_in_all = self.config.steps

    @property
    def finished(self) -> bool:
        return self.steps >= self.steps_in_all

    def work(self, seconds: float, share: Callable[[float], float]) -> None:
        """Train until `seconds` of work have been done in all, or all steps."""
        while self.seconds < seconds and not self.finished:
            began, cpu = time.perf_counter(), time.process_time()
            self._step()
            self.seconds += time.perf_counter() - began
            self.cpu += time.process_time() - cpu

    def _step(self) -> None:
        c = self.config
        batch = self.source.batch(self.steps * c.batch, c.batch)
        self.steps += 1
        s = c.schedule
        rate = c.optimiser.lr * cosine(self.steps, steps=c.steps, warmup=s.warmup, floor=s.floor)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        logits = self.model(batch.tokens, use_cache=False).logits
        loss = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), c.optimiser.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.tokens += batch.tokens.numel()

    def look(self, rows: int) -> float:
        """The loss on the same held-out rows as `Ours.look`."""
        total, count = 0.0, 0
        with evaluating(self.model):
            for batch in self.source.held_out(rows, self.config.batch):
                logits = self.model(batch.tokens, use_cache=False).logits
                total += float(F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="sum"))
                count += batch.targets.numel()
        return total / count


def compare(
    *,
    steps: int | None = None,
    seed: int = 0,
    seconds: float = 4.0,
    looks: int = 8,
    recipe: str = RECIPE,
    fast: str = FAST,
    tell: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Train all three by turns; losses of each after the same seconds of work, and tokens a second.

    Args:
        steps: Of the plain loop and of char-gpt; the recipe's 2,000 if None. Their learning rate comes down over these.
        seed: Of weights and rows.
        seconds: Of a turn.
        looks: How often the held-out loss is taken.
        recipe, fast: The presets, or .toml files.
    """
    changes = [f"seed={seed}"] + (
        [] if steps is None else [f"steps={steps}", f"schedule.warmup={min(100, steps // 10)}"]
    )
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-nanogpt-")))
        ours = Ours(read_config(recipe, changes), home)
        quick = Ours(read_config(fast, [f"seed={seed}"]), home, stretched=True)
        plain = Plain(stack.enter_context(reference(ours.trainer.model)), ours)
        arms: dict[str, Ours | Plain] = {"transformers": plain, "headway": ours, "fast": quick}
        rows, rates, due = [], [], 1
        while not plain.finished:
            before = {name: (arm.tokens, arm.seconds) for name, arm in arms.items()}
            goal = plain.seconds + seconds
            names = list(arms) if len(rates) % 2 == 0 else list(reversed(arms))

            def share(done: float) -> float:
                return min(1.0, done * plain.steps / plain.steps_in_all / max(plain.seconds, 1e-9))

            last = plain.steps_in_all - plain.steps <= 1.5 * plain.steps / max(plain.seconds, 1e-9) * seconds
            for name in ["transformers", *(name for name in names if name != "transformers")] if last else names:
                if last:
                    goal = math.inf if name == "transformers" else plain.seconds
                arms[name].work(goal, share)
            rates.append(
                {
                    name: (arm.tokens - before[name][0]) / (arm.seconds - before[name][1])
                    for name, arm in arms.items()
                    if arm.seconds > before[name][1]
                }
            )
            if plain.steps >= due * plain.steps_in_all / looks and not plain.finished:
                due = math.floor(plain.steps * looks / plain.steps_in_all) + 1
                rows.append(_row(arms, ROWS))
            tell(plain.steps / plain.steps_in_all)
        rows.append(_row(arms, 0))
        both = [rate["headway"] / rate["transformers"] for rate in rates if len(rate) == 3]
        return {
            "steps": plain.steps_in_all,
            "seed": seed,
            "precision": quick.trainer.config.precision,
            "parameters": {
                "headway": count_parameters(ours.trainer.model),
                "fast": count_parameters(quick.trainer.model),
            },
            "curve": rows,
            "tokens_per_second": {name: statistics.median(r[name] for r in rates if name in r) for name in arms},
            "speed_ratio": statistics.median(both),
            "speed_ratios": both,
            "configs": {"headway": ours.trainer.config.to_dict(), "fast": quick.trainer.config.to_dict()},
        }


def _row(arms: dict[str, Ours | Plain], rows: int) -> dict[str, Any]:
    return {
        name: {
            "seconds": round(arm.seconds, 2),
            "cpu_seconds": round(arm.cpu, 2),
            "steps": arm.steps,
            "tokens": arm.tokens,
            "held_out": arm.look(rows),
        }
        for name, arm in arms.items()
    }


def ablate(
    *, steps: int, seeds: Sequence[int], fast: str = FAST, known: dict[str, list[float]] | None = None
) -> Iterator[dict[str, list[float]]]:
    """The held-out loss (all rows) of the fast preset with one choice undone, arm -> a loss per seed.

    Every arm reads as many tokens as the preset does in `steps` steps: tokens, not seconds, so that it can run on a machine
    that has other work; what a choice costs in time is `compare`'s affair. Yields all there is after every run; `known` is
    such a table, whose runs are not done again.
    """
    if steps < 10:
        raise HeadwayError(f"an ablation of {steps} steps says nothing: give --steps 10 or more")
    found: dict[str, list[float]] = {name: list((known or {}).get(name, ())) for name in CHOICES}
    for n, seed in enumerate(seeds):
        for name, undo in CHOICES.items():
            if len(found[name]) > n:
                continue
            config = read_config(fast, [f"seed={seed}", *undo])
            config = replace(config, steps=round(steps * read_config(fast).batch / config.batch))
            with tempfile.TemporaryDirectory(prefix="headway-nanogpt-") as home:
                arm = Ours(config, Path(home))
                arm.work(math.inf, lambda done: 0.0)
                found[name].append(arm.look(0))
            yield found


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What `compare` found over the seeds: how many times as fast as `transformers` the same model trains, and by how much
    the fast preset's held-out loss is lower after the same seconds, for each seed."""

    speed: float
    gains: tuple[float, ...]

    @property
    def ahead(self) -> bool:
        """Whether both hold: faster, and lower with every seed."""
        return min(self.gains) > 0 and self.speed > 1


def summary(found: Sequence[dict[str, Any]]) -> Summary:
    """Of the results of `compare`, one for each seed."""
    last = [result["curve"][-1] for result in found]
    return Summary(
        speed=statistics.median(result["speed_ratio"] for result in found),
        gains=tuple(row["transformers"]["held_out"] - row["fast"]["held_out"] for row in last),
    )


def costs(table: dict[str, list[float]]) -> dict[str, list[float]]:
    """By how much the loss is higher with each choice undone, arm -> a difference per seed; from the table of `ablate`."""
    return {
        name: [loss - best for loss, best in zip(losses, table[WHOLE], strict=False)] for name, losses in table.items()
    }


def description(preset: str, steps: int) -> dict[str, Any]:
    """What an ablation is of, as its file says it: runs of another one are not taken up."""
    return {"bench": "nanogpt ablation", "preset": preset, "steps": steps, "config": read_config(preset).to_dict()}


def begun(path: Path | None, about: dict[str, Any]) -> dict[str, list[float]]:
    """The table in the file of an earlier ablation of the same (`description`), to go on with; empty where there is none.

    Raises:
        HeadwayError: the file holds something else, which is not overwritten.
    """
    if path is None or not path.is_file():
        return {}
    known = read_json_object(path, then="delete it, or name another file")
    if any(known.get(key) != value for key, value in about.items()):
        raise HeadwayError(f"{path} holds something else (another preset, or --steps): name another file")
    return known.get("held_out", {})
