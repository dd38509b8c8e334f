"""What a run is: everything that decides its outcome, as frozen dataclasses, from a TOML file and ``--set key=value``.

Nothing else enters a run. The same settings, the same tokens, the same number of threads: the same bits.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from headway.base.errors import HeadwayError, did_you_mean
from headway.base.reading import read_toml
from headway.base.typed import build, convert, fields_of
from headway.models.catalog import entry
from headway.train.trackers import TRACKERS

PRESET_FOLDER = Path(__file__).parent / "presets"

Objective = Literal["causal", "masked", "seq2seq", "classification"]


@dataclass(frozen=True, kw_only=True)
class Model:
    """[model]: an architecture of the catalogue and the sizes of its configuration (`headway models`).

    Attributes:
        name: The architecture.
        sizes: Fields of its configuration. Left out, `vocab_size` and `context` come from the data.
    """

    name: str = "gpt2"
    sizes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Data:
    """[data]: what is learned from.

    Attributes:
        text: For causal and masked: a text Headway knows (`headway.data`), or a file; .jsonl has one text per line.
        pairs: For seq2seq and classification: a task Headway knows, or a .tsv or .jsonl file.
        tokens: "characters", "bytes", "bpe:SIZE" (learned from the text), or a folder or file with a tokenizer.json.
        context: Tokens per row; for pairs, the most tokens of either side.
        documents: How the text falls into documents: "whole" (it is one), "lines", or "blank-lines".
        pack: Fill rows with several whole documents, which do not see each other; else one stream is cut into rows.
        order: "shuffled": every row once per epoch, the cuts elsewhere in each. "random": rows start anywhere.
        held_out: The share at the end that is never trained on.
        mask_rate: For masked: the share of tokens that is hidden.
    """

    text: str = "shakespeare-small"
    pairs: str = "numbers"
    tokens: str = "characters"
    context: int = 64
    documents: Literal["whole", "lines", "blank-lines"] = "whole"
    pack: bool = False
    order: Literal["shuffled", "random"] = "shuffled"
    held_out: float = 0.1
    mask_rate: float = 0.15

    def __post_init__(self) -> None:
        _at_least("data.context", self.context, 2)
        _between("data.held_out", self.held_out, 0, 1)
        _between("data.mask_rate", self.mask_rate, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """[optimiser]: the rule and its settings.

    Attributes:
        name: "muon" is Muon for the matrices inside the network and AdamW for the rest.
        lr: Peak learning rate; for muon, that of the matrices. With schedule "attention", a factor on equation 3.
        adamw_lr: For muon: the peak learning rate of what AdamW takes.
        betas, eps: AdamW's.
        momentum: Muon's and SGD's.
        weight_decay: Decoupled (AdamW, Muon) or L2 (SGD). Not for gains, biases, and norms.
        split: For muon: cut a fused qkv matrix into its three before it is made orthogonal.
        clip: The most that the norm of all gradients may be; 0 for no clipping.
    """

    name: Literal["adamw", "muon", "sgd"] = "adamw"
    lr: float = 1e-3
    adamw_lr: float = 3e-3
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = 1e-8
    momentum: float = 0.95
    weight_decay: float = 0.1
    split: bool = True
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("lr", "adamw_lr", "eps", "weight_decay", "clip"):
            _at_least(f"optimiser.{name}", getattr(self, name), 0)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise HeadwayError(f"optimiser.betas lie from 0 to below 1; {self.betas} do not")
        if not 0 <= self.momentum < 1:
            raise HeadwayError(f"optimiser.momentum lies from 0 to below 1; {self.momentum} does not")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """[schedule]: how the learning rate goes over the steps.

    Attributes:
        name: "attention" is equation 3 of 1706.03762 itself, "inverse-sqrt" the same with its peak at the given lr, "wsd"
            warm-up, plateau, decay.
        warmup: Steps of warm-up.
        decay: For wsd: the share of all steps over which the rate comes down.
        floor: What the rate comes down to, as a share of the peak (cosine, linear, wsd).
    """

    name: Literal["cosine", "linear", "wsd", "inverse-sqrt", "attention", "constant"] = "cosine"
    warmup: int = 100
    decay: float = 0.2
    floor: float = 0.1

    def __post_init__(self) -> None:
        _at_least("schedule.warmup", self.warmup, 0)
        _between("schedule.floor", self.floor, 0, 1, ends=True)
        _between("schedule.decay", self.decay, 0, 1, ends=True)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A whole run.

    Attributes:
        name: Of the run's folder.
        objective: What is learned: the next token, hidden tokens, a target sequence, or a label.
        steps: Updates.
        batch: Rows per update, over all processes and all parts.
        accumulate: Parts that the batch is worked off in; the update is that of the whole batch.
        seed: Of weights, order, masks and dropout.
        precision: "auto" is bfloat16 where the processor multiplies it natively, else float32. "bfloat16" is autocast:
            weights and optimiser stay float32. "float64" is for proofs.
        recompute: Keep only the blocks' inputs and compute the rest again on the way back (gradient checkpointing).
        compile: Run the model through torch.compile.
        threads: Of PyTorch; 0 for as many as it chooses. Fixed with the first step, since it can move the last bit.
        device: "auto", "cpu", "cuda".
        parallel: Under torchrun: "ddp" (a whole model in every process) or "fsdp" (each keeps a share: FSDP2).
        label_smoothing: ε of section 5.4 of 1706.03762.
        log_every, eval_every, save_every, sample_every: In steps; 0 for never, and only at the end.
        eval_rows: Held-out rows per evaluation, always the same ones; 0 for all.
        keep: Checkpoints kept, beside the best one.
        trackers: Also report to: "tensorboard", "trackio", "wandb".
    """

    name: str = "run"
    objective: Objective = "causal"
    steps: int = 1000
    batch: int = 16
    accumulate: int = 1
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16", "float64"] = "auto"
    recompute: bool = False
    compile: bool = False
    threads: int = 0
    device: str = "auto"
    parallel: Literal["ddp", "fsdp"] = "ddp"
    label_smoothing: float = 0.0
    log_every: int = 10
    eval_every: int = 250
    save_every: int = 250
    sample_every: int = 0
    eval_rows: int = 256
    keep: int = 1
    trackers: tuple[str, ...] = ()
    model: Model = field(default_factory=Model)
    data: Data = field(default_factory=Data)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "keep"):
            _at_least(name, getattr(self, name), 1)
        for name in ("log_every", "eval_every", "save_every", "sample_every", "eval_rows", "threads", "seed"):
            _at_least(name, getattr(self, name), 0)
        if not 0 <= self.label_smoothing < 1:
            raise HeadwayError(f"label_smoothing lies from 0 to below 1; {self.label_smoothing} does not")
        if self.batch % self.accumulate:
            raise HeadwayError(
                f"batch {self.batch} does not fall into {self.accumulate} equal parts: change batch or accumulate"
            )
        if not self.name or any(sign in self.name for sign in '/\\:\0 "'):
            raise HeadwayError(f"name {self.name!r} becomes part of a folder's name: letters, digits, - and _ will do")
        if self.data.pack and self.objective not in ("causal",):
            raise HeadwayError(f"data.pack is for the objective causal, not {self.objective}")

        for tracker in self.trackers:
            if tracker not in TRACKERS:
                raise HeadwayError(f"there is no tracker '{tracker}': there are {', '.join(TRACKERS)}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON and TOML have it: the sizes of the model lie beside its name."""
        plain = dataclasses.asdict(self)
        plain["model"] = {"name": self.model.name, **self.model.sizes}
        return json.loads(json.dumps(plain))


RESUMABLE = (
    *("steps", "log_every", "eval_every", "save_every", "sample_every", "eval_rows", "keep", "trackers"),
    *("parallel", "device", "schedule.decay", "schedule.floor", "optimiser.lr", "optimiser.adamw_lr", "optimiser.clip"),
)
"""What may still be changed when a run goes on. The rest is part of what the run is."""


def presets() -> list[str]:
    """The names of the presets that come with Headway."""
    return sorted(path.stem for path in PRESET_FOLDER.glob("*.toml"))


def read_config(source: str | Path, changes: Iterable[str] = ()) -> TrainConfig:
    """The settings of a preset, or of a TOML file, with ``key=value`` changes on top.

    Raises HeadwayError, in one line: an unknown preset, file, or key; a value of the wrong kind.
    """
    path = Path(source)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise HeadwayError(f"there is no file {path}")
    else:
        path = PRESET_FOLDER / f"{source}.toml"
        if not path.is_file() or path.parent != PRESET_FOLDER:
            raise HeadwayError(
                f"there is no preset '{source}'.{did_you_mean(str(source), presets())} "
                f"Presets: {', '.join(presets())}; or give a .toml file."
            )
    plain = read_toml(path)
    if "name" not in plain:
        plain["name"] = path.stem
    return from_dict(plain, changes)


def from_dict(plain: Mapping[str, Any], changes: Iterable[str] = ()) -> TrainConfig:
    """The settings in `plain` (as `to_dict` or TOML give them), the rest by default, with ``key=value`` changes on top."""
    tree = json.loads(json.dumps(plain, default=str))
    for change in changes:
        key, equals, value = change.partition("=")
        key = key.strip()
        if not equals or not key:
            raise HeadwayError(f"--set takes key=value, not '{change}'")
        _put(tree, key, value.strip())
    return build(TrainConfig, tree, hint_of=_suggest, special={Model: _model})


def check_model(model: Model) -> Model:
    """The same with its sizes checked and typed against the architecture's configuration (imports the architecture)."""

    hints = fields_of(entry(model.name).load()[1])
    sizes = {}
    for key, value in model.sizes.items():
        if key not in hints:
            raise HeadwayError(
                f"{model.name} has no size '{key}'.{did_you_mean(key, list(hints))} There are {', '.join(hints)}."
            )
        sizes[key] = convert(value, hints[key], f"model.{key}")
    return Model(name=model.name, sizes=sizes)


def _model(tree: Any) -> Model:
    """[model]: its sizes lie beside its name, and are checked when the architecture is known."""
    if not isinstance(tree, Mapping):
        raise HeadwayError("model holds settings of its own, like model.name")
    name = convert(tree.get("name", Model.name), str, "model.name")
    sizes = tree.get("sizes") if isinstance(tree.get("sizes"), dict) else None
    return Model(name=name, sizes=sizes or {key: value for key, value in tree.items() if key != "name"})


def _put(tree: dict[str, Any], key: str, value: str) -> None:
    *path, last = key.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise HeadwayError(f"there is no setting '{key}': {part} is a value.{_suggest(key)}")
    tree[last] = value


def all_keys() -> list[str]:
    """Every setting by its full name; the model's sizes depend on the model."""
    keys = []
    for key, hint in fields_of(TrainConfig).items():
        if dataclasses.is_dataclass(hint):
            keys += [f"{key}.{inner}" for inner in fields_of(hint) if inner != "sizes"]
        else:
            keys.append(key)
    return keys


def _suggest(key: str) -> str:
    near = did_you_mean(key, all_keys())
    if not near:  # the right name in the wrong place: lr for optimiser.lr
        same = [known for known in all_keys() if known.rpartition(".")[2] == key.rpartition(".")[2]]
        near = f" Did you mean '{same[0]}'?" if same else ""
    return near


def _at_least(name: str, value: float, least: float) -> None:
    if value < least:
        raise HeadwayError(f"{name} is at least {least}, not {value}")


def _between(name: str, value: float, low: float, high: float, *, ends: bool = False) -> None:
    if not (low <= value <= high if ends else low < value < high):
        raise HeadwayError(f"{name} lies between {low} and {high}; {value} does not")
