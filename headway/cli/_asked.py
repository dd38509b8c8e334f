"""What the kinds of `headway run` have in common: what was asked for, the files it names, how vectors and shares are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.base.files import expanded

if TYPE_CHECKING:
    from torch import Tensor

    from headway.cli._talk import Options


@dataclass(frozen=True, kw_only=True)
class How:
    """What was asked for besides the words.

    Attributes:
        options: Those that `chat` has as well.
        beams: Texts searched at once; None for what the checkpoint says.
        language: What is spoken; None to let the model hear it.
    """

    options: Options
    beams: int | None = None
    language: str | None = None


def id_of(tokenizer: Any, token: str) -> int | None:
    """The id of a symbol, where the tokenizer has symbols at all."""
    return tokenizer.id_of(token) if hasattr(tokenizer, "id_of") else None


def compare(names: Sequence[str], vectors: Tensor) -> None:
    """One vector is printed; of several, the cosine of each with each."""
    import torch.nn.functional as F

    if len(names) == 1:
        print(" ".join(f"{value:.6f}" for value in vectors[0].tolist()))
        return
    from rich.markup import escape
    from rich.table import Table

    from headway.base.console import out

    vectors = F.normalize(vectors.float(), dim=-1)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("cosine of their vectors")
    for n in range(1, len(names) + 1):
        table.add_column(str(n), justify="right")
    for n, (name, row) in enumerate(zip(names, (vectors @ vectors.T).tolist(), strict=True), 1):
        table.add_row(f"{n}  {escape(name)}", *(f"{value:.3f}" for value in row))
    out().print(table)


def best(logits: Tensor, name: Any, n: int = 5) -> None:
    """The likeliest few, with their probabilities."""
    found = logits.float().softmax(-1).topk(min(n, len(logits)))
    for value, id in zip(found.values.tolist(), found.indices.tolist(), strict=True):
        print(f"{value:6.1%}  {name(id)}")


def files(words: Sequence[str], takes: str) -> list[Path]:
    """The files that `words` name; one line where one is missing, saying what the model takes."""
    from headway.base.errors import HeadwayError

    paths = [expanded(word) for word in words]
    for path in paths:
        try:
            there = path.is_file()
        except (OSError, ValueError):  # a text is no path
            there = False
        if not there:
            raise HeadwayError(f"there is no file {_short(str(path))}: this model takes {takes}")
    if not paths:
        raise HeadwayError(f"this model takes {takes}")
    return paths


def _short(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= 80 else f"{line[:77]}..."
