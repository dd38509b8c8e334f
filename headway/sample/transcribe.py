"""From sound to text with Whisper: half a minute at a time, greedily or with beams, leaving out what it is not to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.base.reading import read_json_object
from headway.data.audio import RATE, log_mel
from headway.sample.beam import beam_search, reading, without
from headway.sample.generate import Until

WINDOW = 30 * RATE
"""Samples that the model hears at once."""

ENGLISH_START = 50257
"""The id of <|startoftranscript|> in the English models; with several languages it comes later."""


@dataclass(frozen=True, kw_only=True)
class SpeechPrompt:
    """How a transcript begins and ends (Whisper, figure 1), and what is never said.

    Attributes:
        start: The first ids of every text: start of transcript, the language and the task where there are several, no times.
        stop: The id that ends a text.
        never, never_first: Ids that are left out (other tasks' symbols, signs for music), and those left out at the beginning.
    """

    start: tuple[int, ...]
    stop: int
    never: tuple[int, ...] = ()
    never_first: tuple[int, ...] = ()

    @classmethod
    def of(cls, folder: Path | str, tokenizer: Any, *, language: str = "en", translate: bool = False) -> SpeechPrompt:
        """As the checkpoint in `folder` was trained: its tokenizer's symbols, and its list of what not to say."""

        def symbol(word: str) -> int:
            id = tokenizer.id_of(f"<|{word}|>")
            if id is None:
                raise HeadwayError(f"this tokenizer has no <|{word}|>: is it Whisper's, and does it know '{language}'?")
            return id

        start = [symbol("startoftranscript")]
        # An English model has no symbol for other languages that means anything: its vocabulary ends 1,501 times later.
        if symbol("startoftranscript") > ENGLISH_START:
            start += [symbol(language), symbol("translate" if translate else "transcribe")]
        elif language != "en" or translate:
            raise HeadwayError("this model knows English only: language and translation cannot be chosen")
        never, first = _told(Path(folder))
        stop = symbol("endoftext")
        return cls(
            start=(*start, symbol("notimestamps")),
            stop=stop,
            never=tuple(id for id in never if id >= 0),
            never_first=tuple(id for id in first if id >= 0),
        )


@dataclass(frozen=True)
class Spoken:
    """What is said from `begin` to `end`, in seconds."""

    begin: float
    end: float
    text: str


@torch.inference_mode()
def heard_language(model: Any, tokenizer: Any, samples: Float[Tensor, " n"]) -> str | None:
    """The language that is spoken in the first half minute, as the model itself says: the likeliest of its symbols for
    languages as the first token (section 2.3). None for a model that knows English only."""
    start, end = (tokenizer.id_of(f"<|{word}|>") for word in ("startoftranscript", "translate"))
    if start is None or end is None or start <= ENGLISH_START:
        return None
    like = model.embed.weight
    frames = log_mel(samples[:WINDOW], mels=model.config.mels).to(like)[None]
    logits = model(frames, torch.tensor([[start]], device=like.device))[0, -1]
    best = start + 1 + int(logits[start + 1 : end].argmax())
    return tokenizer.tokens([best])[0].strip("<|>")


def _told(folder: Path) -> tuple[list[int], list[int]]:
    """What not to say, by generation_config.json, or by CTranslate2's config.json."""
    for name, always, first in (
        ("generation_config.json", "suppress_tokens", "begin_suppress_tokens"),
        ("config.json", "suppress_ids", "suppress_ids_begin"),
        ("config.json", "suppress_tokens", "begin_suppress_tokens"),
    ):
        if (folder / name).is_file():
            facts = read_json_object(folder / name)
            if facts.get(always) or facts.get(first):
                return facts.get(always) or [], facts.get(first) or []
    return [], []


def transcribe(
    model: Any,
    tokenizer: Any,
    prompt: SpeechPrompt,
    samples: Float[Tensor, " n"],
    *,
    beams: int = 1,
    max_tokens: int = 224,
) -> Iterator[Spoken]:
    """What is said in each half minute of `samples`, as it is found.

    Args:
        model, tokenizer, prompt: A `Whisper`, its tokenizer, and `SpeechPrompt.of` its folder.
        samples: At 16,000 per second, in [-1, 1].
        beams: 1 is greedy.
        max_tokens: The most tokens of a half minute.

    A longer sound is cut where it is quietest within the last five seconds of each half minute, so that no word is.
    """
    like = model.embed.weight
    room = model.config.context - len(prompt.start)
    begin = 0
    for piece in pieces(samples):
        frames = log_mel(piece, mels=model.config.mels).to(like)[None]
        start = torch.tensor([prompt.start], device=like.device)
        found = beam_search(
            without(reading(model, frames), prompt.never, prompt.never_first),
            start,
            beams=beams,
            until=Until(max_tokens=min(max_tokens, room), stop_ids=[prompt.stop]),
            early="yes",
        )
        end = begin + len(piece)
        yield Spoken(begin / RATE, end / RATE, tokenizer.decode(found.best()).strip())
        begin = end


def pieces(samples: Float[Tensor, " n"]) -> Iterator[Float[Tensor, " m"]]:
    """Stretches of half a minute at most, cut at quiet places."""
    while len(samples) > WINDOW:
        last = samples[WINDOW - 5 * RATE : WINDOW]
        loudness = last.unfold(0, RATE // 5, RATE // 50).square().mean(-1)  # a fifth of a second at a time
        at = WINDOW - 5 * RATE + int(loudness.argmin()) * (RATE // 50) + RATE // 10
        yield samples[:at]
        samples = samples[at:]
    if len(samples) > RATE // 10:
        yield samples
