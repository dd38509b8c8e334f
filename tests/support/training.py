"""Small runs for tests of training: one that uses everything a checkpoint has to hold, in well under a second."""

from __future__ import annotations

import itertools
import os
import random
import signal
from pathlib import Path
from typing import Any

from headway.train.config import from_dict
from headway.train.folder import RunFolder, list_runs

WORDS = (
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "saw",
    "that",
    "no",
    "dog",
    "had",
    "come",
    "to",
    "eat",
    "it",
    "so",
    "they",
)


def some_text(path: Path, words: int = 3000) -> Path:
    """A text file of random words, the same each time."""
    draw = random.Random(5)
    path.write_text(" ".join(draw.choice(WORDS) for _ in range(words)))
    return path


def small(text: Path | str, **changes: Any) -> dict[str, Any]:
    """Settings of a run with dropout, accumulation, two optimisers, evaluations and checkpoints out of step with one another."""
    plain: dict[str, Any] = {
        "name": "small",
        "steps": 24,
        "batch": 4,
        "accumulate": 2,
        "precision": "float32",
        "threads": 1,
        "log_every": 3,
        "eval_every": 8,
        "eval_rows": 8,
        "save_every": 5,
        "sample_every": 8,
        "model": {"name": "gpt2", "width": 16, "n_layer": 2, "n_head": 2, "dropout": 0.1},
        "data": {"text": str(text), "tokens": "characters", "context": 16},
        "optimiser": {"name": "muon", "lr": 0.02, "adamw_lr": 0.01},
        "schedule": {"name": "cosine", "warmup": 4},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            plain[section] = {**plain.get(section, {}), name: value}
        else:
            plain[section] = value
    return plain


def sample(model: Any, words: Any, source: Any) -> str:
    """Something that depends on the weights and consumes random numbers, as a careless sampler might."""
    import torch

    tokens = source.held_out(1, 1)[0].tokens
    drawn = torch.multinomial(model(tokens)[0, -1].softmax(-1), 5, replacement=True)
    return words.decode(drawn.tolist())


def train(home: Path, plain: dict[str, Any] | None = None, **how: Any) -> RunFolder:
    """Begin a run of `plain` under `home` and train it to the end; without `plain`, go on with the one that is there."""
    from headway.train.loop import Trainer, start
    from headway.train.parallel import join

    config = from_dict(plain) if plain is not None else list_runs(home)[-1].config()
    with join(config.parallel, config.device) as world:
        folder = start(home, config, world) if plain is not None else list_runs(home)[-1]
        trainer = Trainer(folder, world, sample=sample, **how)
        trainer.resume()
        trainer.run()
    return folder


def train_and_die(home: Path, plain: dict[str, Any] | None, at: int | None, after: bool) -> None:
    """`train`, killed at (or right after) the `at`-th operation on a file of the run; None: not at all."""
    os.environ["HEADWAY_CACHE"] = str(home / ".cache")
    counter, counted = itertools.count(1), 0

    def here(file: Any) -> bool:
        """Whether it is below `home`: what libraries do elsewhere (fonts, temporary files) differs from run to run."""
        try:
            path = os.readlink(f"/proc/self/fd/{file}") if isinstance(file, int) else os.path.abspath(os.fspath(file))
        except OSError:
            return False
        return path.startswith(str(home.resolve()))

    def deadly(real: Any) -> Any:
        def operation(*args: Any, **kwargs: Any) -> Any:
            nonlocal counted
            if not here(args[0]):
                return real(*args, **kwargs)
            counted = n = next(counter)  # its own: another thread may be at its next one meanwhile
            if n == at and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*args, **kwargs)
            finally:  # a folder that is there already, a file that is not: such operations end as well
                if n == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        return operation

    for name in ("replace", "rename", "fsync", "unlink", "open", "close", "mkdir"):
        setattr(os, name, deadly(getattr(os, name)))
    train(home, plain)
    (home / "operations").write_text(str(counted))


def outcome(folder: RunFolder) -> dict[str, Any]:
    """Everything of a finished run that must not depend on whether it was killed: tensors as bytes, metrics but for times."""
    from headway.train.checkpoint import saved_steps

    last = max(saved_steps(folder.checkpoints))
    timed = ("seconds", "tokens_per_second")
    lines = folder.metrics_file.read_text().splitlines()
    assert len(lines) == len(folder.metrics()), "a line of metrics is there twice, or torn"
    return {
        "model": (folder.checkpoints / f"{last:08d}.model.safetensors").read_bytes(),
        "state": (folder.checkpoints / f"{last:08d}.state.safetensors").read_bytes(),
        "metrics": [{k: v for k, v in row.items() if k not in timed} for row in folder.metrics()],
        "table": len((folder.path / "metrics.csv").read_text().splitlines()),
        "samples": folder.samples(),
        "checkpoints": sorted(path.name for path in folder.checkpoints.iterdir()),
    }
