"""Words of a command line as inputs of a model: texts, and files that are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headway.base.errors import HeadwayError
from headway.base.files import expanded
from headway.data import EPISODE


def inputs_of(kind: str, words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The pictures and the texts for a model of this kind; one line where it takes files, and they are not there."""
    match kind:
        case "vision-text":
            return pictures_first(words, 'headway run MODEL picture.png "a cat" "a dog"')
        case "vision-decoder":
            pictures, texts = pictures_first(words, 'headway run MODEL picture.png "What is in it?"')
            if not texts:
                raise HeadwayError('ask something about the picture: headway run MODEL picture.png "What is in it?"')
            return pictures, texts
        case "vision":
            return files(words, "pictures: headway run MODEL picture.png"), list(words)
        case "speech":
            files(words, "a .wav file: headway run MODEL speech.wav")
        case "decision":
            files(words, f"an episode, a .json or .npz file with {EPISODE}")
    return [], list(words)


PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm")


def files(words: Sequence[str], takes: str) -> list[Path]:
    """The files that `words` name; one line where one is missing, saying what the model takes."""
    if not words:
        raise HeadwayError(f"this model takes {takes}")
    paths = [expanded(word) for word in words]
    for path in paths:
        if not _is_file(path):
            raise HeadwayError(f"there is no file {_short(str(path))}: this model takes {takes}")
    return paths


def pictures_first(words: Sequence[str], usage: str) -> tuple[list[Path], list[str]]:
    """The pictures that stand in front, and the texts behind them."""
    n = next((n for n, word in enumerate(words) if not _is_picture(word)), len(words))
    if not n:
        said = f"'{words[0][:60]}' is no file. " if words else ""
        raise HeadwayError(f"{said}This model takes a picture first, then words: {usage}")
    return files(words[:n], f"a picture: {usage}"), [word for word in words[n:] if word.strip()]


def _is_picture(word: str) -> bool:
    """Whether a word names a picture: it ends like one, or a file of that name is there."""
    if word.lower().endswith(PICTURES) and " " not in word.strip():
        return True
    try:
        return _is_file(expanded(word))
    except HeadwayError:  # a text that begins with ~ is no path
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text is no path
        return False


def _short(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= 80 else f"{line[:77]}..."
