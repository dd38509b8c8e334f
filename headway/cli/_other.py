"""What `headway run` does with a model that is no decoder of text.

encoder          texts -> their vectors, their likeness, what fills a gap, their labels
encoder-decoder  a text -> a text
speech           .wav files -> what is said
vision           pictures -> classes, vectors, likeness, or where to look     (headway/cli/_pictures.py)
vision-text      pictures and texts -> which text fits                        (there)
vision-decoder   a picture and a question -> an answer                        (there)
decision         an episode -> the next action
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headway.cli import _pictures
from headway.cli._asked import How, best, compare, files, id_of

if TYPE_CHECKING:
    from torch import Tensor

    from headway.zoo import Loaded


def other(loaded: Loaded) -> str | None:
    """The kind of a model that does not go on with a text; None for one that does."""
    from headway.weights.store import entry_of_model

    kind = entry_of_model(loaded.model).kind
    return None if kind == "decoder" else kind


def run_other(loaded: Loaded, kind: str, words: Sequence[str], how: How) -> None:
    """Do the natural thing for a model of this kind."""
    act = {
        "encoder": _sentences,
        "encoder-decoder": _rewrite,
        "speech": _hear,
        "decision": _act,
        "vision": _pictures.look,
        "vision-text": _pictures.match,
        "vision-decoder": _pictures.answer,
    }[kind]
    act(loaded, list(words), how)


# Texts


def _sentences(loaded: Loaded, texts: list[str], how: How) -> None:
    """A gap is filled; a head for labels gives them; several texts are compared; one text becomes its vector."""
    import torch

    with torch.inference_mode():
        mask = next((word for word in ("[MASK]", "<mask>") if id_of(loaded.words, word) is not None), None)
        if mask and any(mask in text for text in texts):
            for text in texts:
                _fill(loaded, text, mask)
            return
        if loaded.model.config.head in ("sequence", "token"):
            for text in texts:
                _label(loaded, text)
            return
        compare(texts, torch.cat([loaded.model.sentence(_ids(loaded, text)) for text in texts]))


def _ids(loaded: Loaded, text: str) -> Tensor:
    """A text as one row of ids, on the model's device."""
    import torch

    from headway.base.errors import HeadwayError

    ids = loaded.encode(text)
    if not text.strip() or not ids:
        raise HeadwayError("an empty text says nothing: give some words.")
    return torch.tensor([ids], device=next(loaded.model.parameters()).device)


def _fill(loaded: Loaded, text: str, mask: str) -> None:
    """The five likeliest words for each gap."""
    from headway.base.errors import HeadwayError

    model, tokenizer = loaded.model, loaded.words
    if model.config.head not in ("mlm", "pretraining"):
        raise HeadwayError(f"{loaded.name} comes without the head that guesses words: give it texts to compare.")
    ids = _ids(loaded, text)
    gap = id_of(tokenizer, mask)
    places = [n for n, id in enumerate(ids[0].tolist()) if id == gap]
    if not places:
        raise HeadwayError(f"there is no {mask} in {text!r:.80}: put one where a word is missing.")
    out = model(ids)
    logits = (out[0] if isinstance(out, tuple) else out)[0]
    for n, place in enumerate(places):
        if n:
            print()
        best(logits[place], lambda id: tokenizer.decode([id]).strip() or tokenizer.tokens([id])[0])


def _label(loaded: Loaded, text: str) -> None:
    """The labels of the text by their probability, or the label of each of its tokens."""
    labels = loaded.model.config.labels
    ids = _ids(loaded, text)
    logits = loaded.model(ids)[0]
    if loaded.model.config.head == "sequence":
        best(logits, lambda n: labels[n])
        return
    for id, row in zip(ids[0].tolist(), logits, strict=True):
        if id not in getattr(loaded.words, "special_ids", ()):
            print(f"{loaded.words.tokens([id])[0]}\t{labels[int(row.argmax())]}")


# From a text to another


def _rewrite(loaded: Loaded, words: list[str], how: How) -> None:
    """What the model makes of a text: the likeliest of several beams, or sampled with --temperature."""
    import torch

    from headway.cli._talk import note, write
    from headway.sample.beam import beam_search, reading
    from headway.sample.generate import generate

    options, facts = how.options, checkpoint_facts(loaded)
    text = " ".join(words)
    source = _ids(loaded, text)
    start, stops = _ends(loaded, facts)
    call = reading(loaded.model, source)
    banned = [ids[0] for ids in facts.get("bad_words_ids") or () if isinstance(ids, list) and len(ids) == 1]

    def forward(tokens: Tensor, cache: Any, mask: Tensor | None) -> Tensor:
        logits = call(tokens, cache, mask)
        return logits.index_fill(-1, torch.tensor(banned, device=logits.device), -torch.inf) if banned else logits

    begin = torch.tensor([[start]], device=source.device)
    beams = how.beams or max(1, int(facts.get("num_beams") or 4))
    if options.temperature:
        chosen = generate(
            loaded.model,
            begin,
            max_tokens=options.max_tokens,
            sampling=options.sampling(0.0, 1.0),
            stop_ids=stops,
            generator=options.generator(source.device),
            forward=forward,
        )
        ids = [int(id[0]) for id in chosen]
    else:
        found = beam_search(
            loaded.model,
            begin,
            beams=beams,
            max_tokens=options.max_tokens,
            stop_ids=stops,
            length_penalty=float(facts.get("length_penalty") or 1.0),
            early={True: "yes", "never": "never"}.get(facts.get("early_stopping"), "no"),  # type: ignore[arg-type]
            forward=forward,
        )
        ids = found.best()
    # T5 names its gaps by symbols, which are part of the answer where they are part of the question.
    gaps = "<extra_id_" in text
    kept = [id for id in ids if id not in stops and id != start]
    said = loaded.words.decode(kept, special=True) if gaps else loaded.words.decode(kept)
    write(iter([said.strip(), "\n"]))
    how_many = "sampled" if options.temperature else f"{beams} beam{'s' if beams > 1 else ''}"
    cut = "" if ids and ids[-1] in stops else ", cut at --max-tokens"
    note(f"{source.shape[1]} tokens read, {len(ids)} written ({how_many}){cut}")


def checkpoint_facts(loaded: Loaded) -> dict[str, Any]:
    """What the checkpoint says about writing: config.json, then generation_config.json."""
    facts: dict[str, Any] = {}
    for name in ("config.json", "generation_config.json"):
        try:
            content = json.loads((loaded.where / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        facts |= {key: value for key, value in content.items() if value is not None}
    return facts


def _ends(loaded: Loaded, facts: dict[str, Any]) -> tuple[int, frozenset[int]]:
    """The id with which a target begins, and those with which it ends."""
    from headway.base.errors import HeadwayError

    tokenizer = loaded.words
    start = facts.get("decoder_start_token_id")
    if start is None:
        start = next((id for name in ("bos", "pad") if (id := getattr(tokenizer, name, None)) is not None), None)
    ends = facts.get("eos_token_id")
    stops = frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends]) | loaded.stop_ids
    if not isinstance(start, int) or not stops:
        raise HeadwayError(
            f"{loaded.where} does not say with which ids a text begins and ends: put decoder_start_token_id and "
            "eos_token_id into its config.json."
        )
    return start, stops


# Sound


def _hear(loaded: Loaded, words: list[str], how: How) -> None:
    """What is said in each sound, half a minute at a time."""
    from headway.base.errors import HeadwayError
    from headway.cli._talk import write
    from headway.data.audio import load_sound
    from headway.sample.transcribe import Manner, heard_language, pieces, transcribe

    tokenizer = loaded.words
    if not hasattr(tokenizer, "id_of"):
        raise HeadwayError(f"{loaded.name} comes with a tokenizer that is not Whisper's.")
    like = next(loaded.model.parameters())
    sounds = [load_sound(file) for file in files(words, "a .wav file: headway run MODEL speech.wav")]
    for file, sound in zip(words, sounds, strict=True):
        if not any(True for _ in pieces(sound)):
            raise HeadwayError(f"{file} is shorter than a tenth of a second: there is nothing to be heard.")
    for file, sound in zip(words, sounds, strict=True):
        sound = sound.to(like.device)
        language = how.language or heard_language(loaded.model, tokenizer, sound) or "en"
        said = transcribe(
            loaded.model,
            tokenizer,
            Manner.of(loaded.where, tokenizer, language=language),
            sound,
            beams=how.beams or 1,
            max_tokens=min(how.options.max_tokens, 224),
        )
        front = f"{file}: " if len(sounds) > 1 else ""
        for text in said:
            write(iter([f"{front}{text}\n"]))


# Acting


def _act(loaded: Loaded, words: list[str], how: How) -> None:
    """The next action of each episode."""
    import torch

    from headway.base.errors import HeadwayError
    from headway.cli._talk import note
    from headway.data.episodes import FORM, load_episode

    c, like = loaded.model.config, next(loaded.model.parameters())
    for file in files(words, f"an episode, a .json or .npz file with {FORM}"):
        episode = load_episode(file)
        t, width = episode.states.shape
        if width != c.state_width:
            raise HeadwayError(f"{file} has states of {width} numbers, and this model's have {c.state_width}")
        if t > 1 and episode.actions.shape[1] != c.action_width:
            raise HeadwayError(
                f"{file} has actions of {episode.actions.shape[1]} numbers, and this model's have {c.action_width}"
            )
        if episode.first + t > c.episode:
            raise HeadwayError(f"{file} ends at step {episode.first + t}, and this model's episodes have {c.episode}")
        # What will be done now is not known, and not seen: an action stands behind its state.
        actions = (
            torch.cat((episode.actions, torch.zeros(1, c.action_width))) if t > 1 else torch.zeros(1, c.action_width)
        )
        with torch.inference_mode():
            found = loaded.model(
                episode.returns[None, :, None].to(like),
                episode.states[None].to(like),
                actions[None].to(like),
                torch.arange(episode.first, episode.first + t, device=like.device)[None],
            )
        print(" ".join(f"{value:.6f}" for value in found.actions[0, -1].tolist()))
        note(f"step {episode.first + t - 1}, asking for a return of {float(episode.returns[-1]):g}")
