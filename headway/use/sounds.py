"""Sounds: what is said in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.data.audio import check_extractor, load_sound
from headway.sample.transcribe import SpeechPrompt, Spoken, heard_language, pieces, transcribe
from headway.zoo import Loaded

MOST_OF_A_PIECE = 224
"""Tokens that a Whisper writes for half a minute at most."""


def hear(
    loaded: Loaded,
    sound: str | Path | Float[Tensor, " n"],
    *,
    language: str | None = None,
    beams: int = 1,
    max_tokens: int = MOST_OF_A_PIECE,
) -> Iterator[Spoken]:
    """What is said in a sound, half a minute at a time, as it is found.

    Args:
        loaded: A Whisper.
        sound: A .wav file, or samples in [-1, 1], 16,000 a second.
        language: What is spoken (en, de, ...); the model listens for it if left out.
        beams: Texts searched at once.
        max_tokens: The most tokens of a half minute.

    Raises:
        HeadwayError: at once: no such model, no such file, or less than a tenth of a second of sound.
    """
    if loaded.entry.kind != "speech":
        raise HeadwayError(f"{loaded.name} does not hear: Whisper does.")
    if loaded.words.id_of("<|startoftranscript|>") is None:
        raise HeadwayError(f"{loaded.name} comes with a tokenizer that is not Whisper's.")
    check_extractor(loaded.where, loaded.model.config.mels)
    samples = sound if isinstance(sound, Tensor) else load_sound(sound)
    if not any(True for _ in pieces(samples)):
        name = "the sound" if isinstance(sound, Tensor) else str(sound)
        raise HeadwayError(f"{name} is shorter than a tenth of a second: there is nothing to be heard.")
    samples = samples.to(next(loaded.model.parameters()).device)
    spoken = language or heard_language(loaded.model, loaded.words, samples) or "en"
    prompt = SpeechPrompt.of(loaded.where, loaded.words, language=spoken)
    most = min(max_tokens, MOST_OF_A_PIECE)
    return transcribe(loaded.model, loaded.words, prompt, samples, beams=beams, max_tokens=most)
