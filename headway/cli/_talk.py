"""What `run` and `chat` share: options, loading, and writing text as it comes."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    import torch

    from headway.sample.filters import Sampling
    from headway.zoo import Loaded


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """How a model is loaded and how its tokens are chosen."""

    temperature: float | None = None
    "0 takes the likeliest token; higher is more surprising."
    top_k: int = 0
    "Only the k likeliest tokens (0: all)."
    top_p: float | None = None
    "Only the likeliest tokens that reach this probability together (1: all)."
    min_p: float = 0.0
    "Only tokens at least this fraction as likely as the likeliest (0: all)."
    repetition_penalty: float = 1.0
    "What the logits of tokens already said are divided by (1: nothing)."
    seed: int | None = None
    "Makes sampling repeatable."
    max_tokens: int = 512
    "The most tokens of a reply."
    stop: Annotated[list[str], Parameter(negative=(), show_default=False)] = field(default_factory=list)
    "End before this text (\\n for a line end); can be given several times."
    dtype: str | None = None
    "float32, bfloat16, float16 or float64."
    device: str | None = None
    "cpu, cuda, cuda:1, mps."
    system: str | None = None
    "What the model is told before the conversation."
    with_: Annotated[Path | None, Parameter(name="--with")] = None
    "A file of yours whose functions take the place of Headway's inside the model."

    def sampling(self, temperature: float, top_p: float) -> Sampling:
        """The choice of tokens, with a command's own defaults for what was not given."""
        from headway.sample.filters import Sampling

        return Sampling(
            temperature=temperature if self.temperature is None else self.temperature,
            top_k=self.top_k,
            top_p=top_p if self.top_p is None else self.top_p,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
        )

    @property
    def stops(self) -> list[str]:
        from headway.base.errors import HeadwayError

        if not all(self.stop):
            raise HeadwayError("--stop needs at least one character.")
        return [stop.replace("\\n", "\n").replace("\\t", "\t") for stop in self.stop]

    def generator(self, device: torch.device) -> torch.Generator:
        """Seeded where a seed was given, else from the system's own randomness."""
        import torch

        from headway.base.errors import HeadwayError

        generator = torch.Generator(device)
        if self.seed is None:
            generator.seed()
        elif not -(2**63) <= self.seed < 2**64:
            raise HeadwayError(f"--seed is a number of at most 64 bits, not {self.seed}.")
        else:
            generator.manual_seed(self.seed)
        return generator

    def check(self) -> None:
        """Complain about values before anything is fetched or loaded."""
        from headway.base.errors import HeadwayError
        from headway.zoo import parse_device, parse_dtype

        if self.max_tokens < 1:
            raise HeadwayError(f"--max-tokens is 1 or more, not {self.max_tokens}.")
        if self.with_ is not None and not self.with_.is_file():
            raise HeadwayError(f"--with: there is no file {self.with_}.")
        self.sampling(0.0, 1.0)
        parse_dtype(self.dtype)
        self.generator(parse_device(self.device))
        _ = self.stops

    def load(self, name: str) -> Loaded:
        from headway.zoo import load

        return load(name, dtype=self.dtype, device=self.device)

    @contextlib.contextmanager
    def plugged(self) -> Iterator[Callable[[], None]]:
        """While this lasts, the learner's functions (`--with`) are the model's. Yields what says how often they ran."""
        if self.with_ is None:
            yield lambda: None
            return
        from headway.learn.plug import plugged

        with plugged(self.with_) as state:
            yield lambda: note(f"with {self.with_}: {state.told()}")


def speaks(loaded: Loaded) -> None:
    """Only decoders go on with a text; everything else is one line."""
    from headway.base.errors import Unsupported
    from headway.weights.store import entry_of_model

    if entry_of_model(loaded.model).kind != "decoder":
        raise Unsupported(
            f"{loaded.name} is a {type(loaded.model).__name__}: it does not go on with a text. `headway run --help` shows "
            "what it does."
        )
    _ = loaded.words


def write(pieces: Iterator[str]) -> None:
    """Write text as it comes. On a terminal, control characters are left out: a model's text shall not steer it."""
    out = sys.stdout
    if hasattr(out, "reconfigure"):
        out.reconfigure(errors="replace")
    clean = out.isatty()
    for piece in pieces:
        out.write(re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", piece) if clean else piece)
        out.flush()


def plain(text: str) -> str:
    """Text from a command line or a pipe as valid Unicode."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def piped() -> str:
    """All of standard input."""
    return sys.stdin.buffer.read().decode("utf-8", "replace") if hasattr(sys.stdin, "buffer") else sys.stdin.read()


def note(line: Any) -> None:
    """A remark beside the text, on standard error."""
    from rich.text import Text

    from headway.base.console import err

    err().print(Text(str(line), style="dim"))
