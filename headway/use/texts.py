"""Texts: gone on with, answered, their gaps filled, labelled, rewritten."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.sample.conversation import Conversation
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Until
from headway.sample.rewrite import rewritten, searched, writing_of
from headway.sample.text import Reply, reply
from headway.use.results import Choice, Gap, Rewritten, TokenLabel, likeliest
from headway.zoo import Loaded, must_speak

MOST = 512
"""Tokens of a reply, where nothing else is asked for."""


def go_on(
    loaded: Loaded,
    text: str,
    *,
    max_tokens: int = MOST,
    stops: Sequence[str] = (),
    sampling: Sampling = GREEDY,
    seed: int | None = None,
) -> Reply:
    """Go on with a text, as it stands.

    Args:
        loaded: A decoder.
        text: What it begins with.
        max_tokens: The most tokens to come.
        stops: The text ends before the first of these strings.
        sampling: How a token is chosen; the likeliest each time if left out.
        seed: Makes sampling repeatable.

    Raises:
        HeadwayError: at once, where the model does not go on with texts or the text does not fit its context.
    """
    must_speak(loaded.entry.kind, loaded.name)
    until = Until(max_tokens=max_tokens, stop_ids=loaded.stop_ids, stops=stops)
    generator = randomness(loaded, seed)
    return reply(
        loaded.model, loaded.decoder(), loaded.encode(text), until=until, sampling=sampling, generator=generator
    )


def chat(
    loaded: Loaded,
    text: str,
    *,
    system: str | None = None,
    max_tokens: int = MOST,
    stops: Sequence[str] = (),
    sampling: Sampling = GREEDY,
    seed: int | None = None,
) -> Reply:
    """Answer one question, in the words of the checkpoint's chat template.

    Args:
        system: What the model is told beforehand.
        loaded, text, max_tokens, stops, sampling, seed: As in `go_on`.
    """
    until = Until(max_tokens=max_tokens, stops=stops)
    talk = conversation(loaded, system=system)
    return talk.say(text, until=until, sampling=sampling, generator=randomness(loaded, seed))


def conversation(loaded: Loaded, *, system: str | None = None) -> Conversation:
    """A conversation with a model that was trained to chat: `say` gives the next answer."""
    must_speak(loaded.entry.kind, loaded.name)
    if not loaded.chats:
        raise HeadwayError(f"{loaded.name} has no chat template: it goes on with a text, and does not answer.")
    return Conversation(loaded.model, loaded.words, system=system)


def device_of(loaded: Loaded) -> torch.device:
    """Where the model is."""
    return next(loaded.model.parameters()).device


def randomness(loaded: Loaded, seed: int | None) -> torch.Generator:
    """Seeded where a seed is given, else from the system's own randomness."""
    generator = torch.Generator(device_of(loaded))
    if seed is None:
        generator.seed()
    elif not -(2**63) <= seed < 2**64:
        raise HeadwayError(f"a seed is a number of at most 64 bits, not {seed}.")
    else:
        generator.manual_seed(seed)
    return generator


def ids_of(loaded: Loaded, text: str) -> Int[Tensor, "1 t"]:
    """A text as one row of ids, on the model's device."""
    ids = loaded.encode(text)
    if not text.strip() or not ids:
        raise HeadwayError("an empty text says nothing: give some words.")
    return torch.tensor([ids], device=device_of(loaded))


# Encoders


def symbol(loaded: Loaded, token: str) -> int | None:
    """The id of a symbol, where the tokenizer has it."""
    return loaded.words.id_of(token)


def mask_of(loaded: Loaded) -> str | None:
    """How this model's tokenizer writes a gap; None where it knows none."""
    return next((word for word in ("[MASK]", "<mask>") if symbol(loaded, word) is not None), None)


@torch.inference_mode()
def fill(loaded: Loaded, text: str, *, n: int = 5) -> tuple[Gap, ...]:
    """The `n` likeliest tokens for each gap of a text (``[MASK]``, or ``<mask>`` for a RoBERTa).

    Raises:
        HeadwayError: the model has no head for masked words, or the text no gap.
    """
    model, mask = loaded.model, mask_of(loaded)
    if loaded.entry.kind != "encoder" or model.config.head not in ("mlm", "pretraining"):
        raise HeadwayError(f"{loaded.name} comes without the head that guesses words: give it texts to compare.")
    ids = ids_of(loaded, text)
    gap = None if mask is None else symbol(loaded, mask)
    places = [place for place, id in enumerate(ids[0].tolist()) if id == gap]
    if not places:
        raise HeadwayError(f"there is no {mask or '[MASK]'} in {text!r:.80}: put one where a word is missing.")
    out = model(ids)
    logits = (out[0] if isinstance(out, tuple) else out)[0]

    def name(id: int) -> str:
        return loaded.words.decode([id]).strip() or loaded.words.tokens([id])[0]

    return tuple(Gap(place, likeliest(logits[place], name, n)) for place in places)


@torch.inference_mode()
def label(loaded: Loaded, text: str, *, n: int = 5) -> tuple[Choice, ...]:
    """The `n` likeliest labels of a text, by a model with a head for whole texts."""
    labels = _labels(loaded, "sequence", "labels whole texts")
    return likeliest(loaded.model(ids_of(loaded, text))[0], lambda id: labels[id], n)


@torch.inference_mode()
def label_tokens(loaded: Loaded, text: str) -> tuple[TokenLabel, ...]:
    """The likeliest label of each token of a text, special tokens left out, by a model with a head for tokens."""
    labels = _labels(loaded, "token", "labels tokens")
    ids = ids_of(loaded, text)
    special = getattr(loaded.words, "special_ids", ())
    rows = zip(ids[0].tolist(), loaded.model(ids)[0].argmax(-1).tolist(), strict=True)
    return tuple(TokenLabel(loaded.words.tokens([id])[0], labels[best]) for id, best in rows if id not in special)


def _labels(loaded: Loaded, head: str, does: str) -> Sequence[str]:
    if loaded.entry.kind != "encoder" or loaded.model.config.head != head:
        raise HeadwayError(f"{loaded.name} has no head that {does}.")
    return loaded.model.config.labels


# From a text to another


@torch.inference_mode()
def rewrite(
    loaded: Loaded,
    text: str,
    *,
    max_tokens: int = MOST,
    beams: int | None = None,
    sampling: Sampling = GREEDY,
    seed: int | None = None,
) -> Rewritten:
    """What an encoder-decoder makes of a text.

    Args:
        beams: Texts searched at once; as the checkpoint says if left out, else 4.
        sampling: With a temperature above 0, the text is sampled and no beams are searched.
        loaded, text, max_tokens, seed: As in `go_on`.

    Raises:
        HeadwayError: where the checkpoint does not say with which ids a text begins and ends.
    """
    if loaded.entry.kind != "encoder-decoder":
        raise HeadwayError(f"{loaded.name} does not turn a text into a text: T5, Marian and the like do.")
    writing = writing_of(loaded.where, loaded.words).asked(sampling)
    source = ids_of(loaded, text)
    sought = None if sampling.temperature else beams or writing.beams
    if sought is None:
        how = {"sampling": sampling, "generator": randomness(loaded, seed)}
        ids = rewritten(loaded.model, source, writing=writing, max_tokens=max_tokens, **how)[0]
    else:
        ids = searched(loaded.model, source, writing=writing, max_tokens=max_tokens, beams=sought)
    # T5 names its gaps by symbols, which are part of the answer where they are part of the question.
    said = loaded.words.decode(writing.kept(ids), special="<extra_id_" in text)
    ended = "stop" if ids and ids[-1] in writing.stops else "length"
    return Rewritten(said.strip(), tuple(ids), source.shape[1], sought, ended)
