"""From what a person gives (a text, a picture, a sound) to what one run of a model takes, and names for its positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.data.audio import HOP, RATE, check_extractor, load_sound, log_mel
from headway.data.episodes import Episode
from headway.sample.beam import beam_search, reading, without
from headway.sample.generate import Until
from headway.sample.rewrite import writing_of
from headway.sample.transcribe import SpeechPrompt
from headway.use.decisions import inputs_of
from headway.use.pictures import ids_of_question, name_of, opened_picture, pixels_of
from headway.use.texts import ids_of, rewrite
from headway.zoo import Loaded


@dataclass(frozen=True)
class Feed:
    """One input, made ready.

    Attributes:
        call: Runs the model on it.
        told: What was given, in words.
        texts: What stands at each position: ``text``, or ``source`` and ``target``, or ``picture`` (what the model puts before
            the patches included), or ``picture`` and ``text``, or ``episode``.
        ids: The ids of the text (of the target, where there are two).
        grid: Rows and columns of patches, for a picture.
        pixels: The picture as the model takes it, (1, c, y, x).
        frames: The sound as the model takes it, log-mel (1, mels, s), 100 a second.
        before: Positions that the model puts before a picture's patches.
        seconds: How long a sound is.
    """

    call: Callable[[Any], Any]
    told: str
    texts: dict[str, tuple[str, ...]]
    ids: Tensor | None = None
    grid: tuple[int, int] | None = None
    pixels: Tensor | None = None
    frames: Tensor | None = None
    before: int = 0
    seconds: float | None = None

    def of_stack(self, stack: str) -> str:
        """Which of `texts` the positions of a list of blocks, or of a module in it, are."""
        if len(self.texts) == 1:
            return next(iter(self.texts))
        if "picture" in self.texts:
            return "picture" if stack.startswith("vision") else "text"
        return "source" if "encoder" in stack else "target"


def feed(loaded: Loaded, given: Any, target: Any = None) -> Feed:
    """Make an input ready for one run of `loaded`.

    Args:
        given: A text; a picture (a file, an image, or pixels (c, y, x) as the model takes them); for an encoder-decoder the
            source; for a Whisper a .wav file, samples (n,), or log-mel frames (mels, s); for a CLIP a picture or a caption; for
            a LLaVA a picture; for a Decision Transformer an episode.
        target: For an encoder-decoder or a Whisper what it writes, its own answer if left out; for a CLIP a caption; for a
            LLaVA the question; for others nothing.

    Raises:
        HeadwayError: the input is none for this kind of model.
    """
    kind = loaded.entry.kind
    if target is not None and kind not in ("encoder-decoder", "speech", "vision-text", "vision-decoder"):
        raise HeadwayError(f"{loaded.name} takes one input: a second is for encoder-decoders, Whisper, CLIP and LLaVA.")
    match kind:
        case "encoder-decoder":
            return _translation(loaded, _text(loaded, given), target)
        case "vision":
            return _picture(loaded, given)
        case "speech":
            return _speech(loaded, given, target)
        case "vision-text":
            return _captioned(loaded, given, target)
        case "vision-decoder":
            return _asked(loaded, given, target)
        case "decision":
            return _episode(loaded, given)
    ids = ids_of(loaded, _text(loaded, given))
    return Feed(lambda model: model(ids), repr(given), {"text": tokens_of(loaded, ids[0].tolist())}, ids[0])


def _text(loaded: Loaded, given: Any) -> str:
    if not isinstance(given, str):
        raise HeadwayError(f"{loaded.name} takes a text, not {type(given).__name__}.")
    return given


def _translation(loaded: Loaded, given: str, target: Any) -> Feed:
    source = ids_of(loaded, given)
    writing = writing_of(loaded.where, loaded.words)
    start = writing.start
    ids = list(rewrite(loaded, given).ids) if target is None else loaded.encode(_text(loaded, target))
    row = torch.tensor([[start, *ids]], device=source.device)
    names = {start: "⟨start⟩"} | dict.fromkeys(writing.stops, "⟨end⟩")
    texts = {side: tokens_of(loaded, ids[0].tolist(), names) for side, ids in (("source", source), ("target", row))}
    return Feed(lambda model: model(source, row), repr(given), texts, row[0])


# Pictures


def _pixels(loaded: Loaded, given: Any) -> tuple[Tensor, str]:
    """A picture as the model takes it, (1, c, y, x), and what it goes by."""
    if isinstance(given, Tensor):
        pixels = given[None] if given.dim() == 3 else given
        if pixels.dim() != 4 or len(pixels) != 1:
            raise HeadwayError(f"pixels are (channels, height, width) of one picture, not {tuple(given.shape)}.")
        return pixels.to(next(loaded.model.parameters())), "pixels"
    if isinstance(given, str | Path) and not Path(given).is_file():
        raise HeadwayError(f"there is no picture {given}.")
    if not isinstance(given, str | Path | Image.Image):
        raise HeadwayError(f"{loaded.name} takes a picture, not {type(given).__name__}.")
    return pixels_of(loaded, opened_picture(given)), name_of(given)


def _patches(loaded: Loaded, pixels: Tensor) -> tuple[tuple[int, int], int, tuple[str, ...]]:
    """Rows and columns of patches, how many positions stand before them, and what stands at each position."""
    config = loaded.model.config
    rows, columns = (side // config.patch for side in pixels.shape[-2:])
    first = ("[CLS]", *(f"[register {n}]" for n in range(getattr(config, "n_register", 0))))
    return (rows, columns), len(first), (*first, *(f"{y},{x}" for y in range(rows) for x in range(columns)))


def _picture(loaded: Loaded, given: Any) -> Feed:
    pixels, told = _pixels(loaded, given)
    grid, before, names = _patches(loaded, pixels)
    return Feed(lambda model: model(pixels), told, {"picture": names}, grid=grid, pixels=pixels, before=before)


def _captioned(loaded: Loaded, given: Any, target: Any) -> Feed:
    """A CLIP on a picture and a caption, or on one of them."""
    if isinstance(given, str) and target is None and not Path(given).is_file():
        ids = ids_of(loaded, given)
        names = tokens_of(loaded, ids[0].tolist())
        return Feed(lambda model: model.read(ids), repr(given), {"text": names}, ids[0])
    pixels, told = _pixels(loaded, given)
    grid, before, names = _patches(loaded, pixels)
    if target is None:
        return Feed(lambda model: model.see(pixels), told, {"picture": names}, grid=grid, pixels=pixels, before=before)
    ids = ids_of(loaded, _text(loaded, target))
    texts = {"picture": names, "text": tokens_of(loaded, ids[0].tolist())}
    return Feed(lambda model: model(pixels, ids), f"{told}, {target!r}", texts, ids[0], grid, pixels, before=before)


def _asked(loaded: Loaded, given: Any, target: Any) -> Feed:
    """A LLaVA on a picture and a question."""
    if target is None or not _text(loaded, target).strip():
        raise HeadwayError(f"{loaded.name} is asked about a picture: give a question as well.")
    pixels, told = _pixels(loaded, given)
    grid, before, names = _patches(loaded, pixels)
    ids = torch.tensor([ids_of_question(loaded, target, 1)], device=pixels.device)
    patches = iter(names[before:])
    image = loaded.model.config.image_token
    words = tokens_of(loaded, ids[0].tolist())
    read = tuple(next(patches) if id == image else word for id, word in zip(ids[0].tolist(), words, strict=True))
    texts = {"picture": names, "text": read}
    return Feed(
        lambda model: model(ids, pictures=pixels), f"{told}, {target!r}", texts, ids[0], grid, pixels, before=before
    )


# Sounds and episodes


def _speech(loaded: Loaded, given: Any, target: Any) -> Feed:
    """A Whisper on the first half minute of a sound, with what is said in it as target."""
    config, like = loaded.model.config, next(loaded.model.parameters())
    check_extractor(loaded.where, config.mels)
    told, seconds = "sound", config.frames / 100
    if isinstance(given, Tensor) and given.shape == (config.mels, config.frames):
        frames = given
    else:
        if isinstance(given, Tensor) and given.dim() == 1:
            samples = given
        elif isinstance(given, str | Path):
            samples, told = load_sound(given), str(given)
        else:
            raise HeadwayError(
                f"{loaded.name} takes a .wav file, samples, or {config.mels} bands by {config.frames} frames."
            )
        seconds = min(seconds, len(samples) / RATE)
        frames = log_mel(
            samples[: config.frames * HOP], mels=config.mels, seconds=None if config.frames != 3000 else 30
        )
    frames = frames.to(like)[None]
    prompt = SpeechPrompt.of(loaded.where, loaded.words)
    ids = _heard(loaded, frames, prompt) if target is None else _spoken(loaded, _text(loaded, target))
    row = torch.tensor([[*prompt.start, *ids, prompt.stop]], device=like.device)
    texts = {
        "source": tuple(f"{n / 50:.2f} s" for n in range(config.frames // 2)),
        "target": tokens_of(loaded, row[0].tolist()),
    }
    return Feed(lambda model: model(frames, row), told, texts, row[0], frames=frames, seconds=seconds)


def _heard(loaded: Loaded, frames: Tensor, prompt: SpeechPrompt) -> list[int]:
    """The ids of what the model hears, without those that begin and end every text."""
    room = loaded.model.config.context - len(prompt.start) - 1
    start = torch.tensor([prompt.start], device=frames.device)
    model = without(reading(loaded.model, frames), prompt.never, prompt.never_first)
    until = Until(max_tokens=min(224, room), stop_ids=[prompt.stop])
    ids = beam_search(model, start, beams=1, until=until, early="yes").best()
    return [id for id in ids if id != prompt.stop]


def _spoken(loaded: Loaded, text: str) -> list[int]:
    """A transcript's ids: Whisper writes a blank before every word, the first included."""
    return loaded.words.encode(" " + text.strip(), special=False)


def _episode(loaded: Loaded, given: Any) -> Feed:
    if not isinstance(given, Episode | str | Path):
        raise HeadwayError(
            f"{loaded.name} takes an episode, or a .json or .npz file of one, not {type(given).__name__}."
        )
    inputs = inputs_of(loaded, given)
    names = tuple(f"{what} {time}" for time in inputs[3][0].tolist() for what in ("return", "state", "action"))
    told = "an episode" if isinstance(given, Episode) else str(given)
    return Feed(lambda model: model(*inputs), told, {"episode": names})


def tokens_of(loaded: Loaded, ids: list[int], names: dict[int, str] | None = None) -> tuple[str, ...]:
    """Each token as it reads in the text, blanks included; a part of a character in the vocabulary's own spelling.

    Args:
        names: For ids that the vocabulary has no spelling for.
    """
    words, found = loaded.words, []
    for id in ids:
        spelling = words.tokens([id])[0]
        if not spelling:
            found.append((names or {}).get(id, f"⟨{id}⟩"))
            continue
        text = words.decode([id], special=True)
        if not text or "�" in text:
            text = spelling
        elif text[:1] != " " and spelling[:1] in ("Ġ", "▁") and len(spelling) > 1:
            text = " " + text
        found.append(text)
    return tuple(found)
