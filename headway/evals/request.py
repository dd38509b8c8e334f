"""What `headway bench` is asked for, checked in a moment: no PyTorch is imported for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headway.base.errors import HeadwayError, did_you_mean
from headway.models.catalog import CATALOG
from headway.models.sizes import sizes
from headway.zoo import check_name, check_place, kind_of, must_speak

KIND_NAMES = ("decode", "prefill", "forward", "train")
"""What can be measured: the keys of `headway.evals.speed.KINDS`."""

REFERENCE_NAMES = ("transformers", "mambapy", "parallel")
"""What a model can be compared with: the keys of `headway.evals.speed.REFERENCES`."""

ROW_NAMES = ("transformer", "bert", "roberta", "t5", "gpt2", "llama", "mistral", "qwen", "olmo2", "gemma", "mixtral")
ROW_NAMES += ("mamba", "mamba2", "vit", "dinov2", "clip", "whisper", "decision_transformer")
"""The keys of `headway.evals.rows.ROWS`."""

FAST = "char-gpt-fast"
"""The preset that `headway.evals.nanogpt` sets against nanoGPT's recipe, where no other is named."""


@dataclass(frozen=True, kw_only=True)
class SpeedRequest:
    """One model, measured alone or against another implementation of the same weights.

    Attributes:
        kind: One of `KIND_NAMES`.
        name: What `headway.zoo.load` takes; or an architecture that decodes, or one of its sizes, with random weights.
        against: One of `REFERENCE_NAMES`, or None.
        dtypes: Number formats, measured one after another.
        tokens: How many are decoded in a round.
        prompt_tokens: Length of the prompt; 16 for decode and 512 otherwise if None.
        rounds: How often each runs.
        layers: With random weights, how many layers instead of all.
        memory, head, products: As `headway.evals.speed.bench` takes them.
        device: cpu, cuda, ...; None for the CPU.

    Raises:
        HeadwayError: for whatever of it makes no sense.
    """

    kind: str
    name: str
    against: str | None = None
    dtypes: tuple[str, ...] = ("float32", "bfloat16")
    tokens: int = 48
    prompt_tokens: int | None = None
    rounds: int = 5
    layers: int | None = None
    memory: bool = False
    head: bool = True
    products: bool = False
    device: str | None = None

    def __post_init__(self) -> None:
        one_of("bench", self.kind, (*KIND_NAMES, "nanogpt", "rows"))
        if self.against is not None and self.against not in REFERENCE_NAMES:
            raise HeadwayError(
                f"there is nothing to compare with called '{self.against}'."
                f"{did_you_mean(self.against, REFERENCE_NAMES)} Known: {', '.join(REFERENCE_NAMES)}."
            )
        at_least(2, tokens=self.tokens)
        at_least(1, rounds=self.rounds, prompt_tokens=self.prompt_tokens, layers=self.layers)
        if not self.head and self.kind not in ("forward", "train"):
            raise HeadwayError(f"--no-head is for forward and train, not for {self.kind}.")
        if self.against == "mambapy" and self.kind not in ("forward", "train"):
            raise HeadwayError(f"mambapy can be compared in forward and train, not in {self.kind}.")
        for dtype in self.dtypes:
            check_place(dtype, None)
        if self.untrained is None:
            if self.layers is not None:
                raise HeadwayError(
                    f"--layers is for random weights: {self.name} has weights of its own, or is not an architecture."
                )
            check_name(self.name)
            must_speak(kind_of(self.name), self.name)
        check_place(None, self.device)

    @property
    def length(self) -> int:
        """Tokens of the prompt."""
        return self.prompt_tokens or (16 if self.kind == "decode" else 512)

    @property
    def untrained(self) -> tuple[str, str] | None:
        """The architecture and the size in its file whose weights are drawn at random; None where `name` is no such thing."""
        for architecture, entry in CATALOG.items():
            if entry.kind != "decoder" or not self.name.startswith(architecture):
                continue
            known = sizes()[architecture]
            size = next(iter(known)) if self.name == architecture else self.name
            if size in known:
                return architecture, size
        return None


def at_least(least: int, **numbers: int | None) -> None:
    """Raise HeadwayError for the first of the options `numbers` that is smaller; None stands for one that was not given."""
    for name, number in numbers.items():
        if number is not None and number < least:
            raise HeadwayError(f"--{name.replace('_', '-')} is {least} or more, not {number}.")


def one_of(what: str, name: str, known: tuple[str, ...]) -> None:
    """Raise HeadwayError where `name` is none of the `known`."""
    if name not in known:
        raise HeadwayError(f"there is no {what} '{name}'.{did_you_mean(name, known)} Known: {', '.join(known)}.")


def check_file(path: Path | None) -> None:
    """Refuse, before anything is measured, a file that could not be written afterwards."""
    if path is not None and (path.is_dir() or next(parent for parent in path.parents if parent.exists()).is_file()):
        raise HeadwayError(f"--json {path}: that is a folder, or lies below a file. Name a file.")
