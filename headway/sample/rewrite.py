"""From the ids of texts to those that an encoder-decoder makes of them. Where a text begins and ends, the checkpoint says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.base.reading import read_json_object
from headway.sample.beam import beam_search, reading
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Until, generate
from headway.sample.prescribed import Prescribed, prescribing
from headway.tokens.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How a checkpoint has its target texts written.

    Attributes:
        start: The id with which one begins.
        stops: The ids with which one ends.
        rules: What else it says about which tokens may come.
        beams: Texts searched at once, where nothing else is asked for.
        length_penalty, early: As `headway.sample.beam.beam_search` takes them.
    """

    start: int
    stops: frozenset[int]
    rules: Prescribed = field(default_factory=Prescribed)
    beams: int = 4
    length_penalty: float = 1.0
    early: Literal["no", "yes", "never"] = "no"

    def asked(self, sampling: Sampling) -> Writing:
        """With what a caller asks for in place of the checkpoint's rules; `sampling` does it itself where tokens are drawn."""
        drawn, rules = sampling.temperature > 0, self.rules
        if sampling.repetition_penalty != 1:
            rules = dataclasses.replace(rules, penalty=1.0 if drawn else sampling.repetition_penalty)
        if sampling.no_repeat_ngram:
            rules = dataclasses.replace(rules, ngram=0 if drawn else sampling.no_repeat_ngram)
        return dataclasses.replace(self, rules=rules)

    def until(self, max_tokens: int) -> Until:
        """Up to one of `stops`, or `max_tokens`."""
        return Until(max_tokens=max_tokens, stop_ids=self.stops, pad=min(self.stops))

    def kept(self, ids: Sequence[int]) -> list[int]:
        """`ids` up to the first that ends a text, without the one that begins it."""
        end = next((n for n, id in enumerate(ids) if id in self.stops), len(ids))
        return [id for id in ids[:end] if id != self.start]


IDS = ("decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id")
"""Settings that config.json keeps beside a generation_config.json."""


def writing_of(folder: Path, words: Tokenizer) -> Writing:
    """What a checkpoint's generation_config.json says; config.json where there is none, and for ids that it lacks; what both
    leave out, its tokenizer does.

    Raises:
        HeadwayError: they do not say with which ids a text begins and ends.
        Unsupported, Corrupt: a setting is not done here, or has the wrong kind (`headway.sample.prescribed`).
    """
    facts: dict[str, Any] = {}
    where = folder / "config.json"
    for path in (folder / "config.json", folder / "generation_config.json"):
        if path.is_file():
            facts = {key: value for key, value in facts.items() if key in IDS}
            facts |= {key: value for key, value in read_json_object(path).items() if value is not None}
            where = path
    start, stops = _ends(facts, words)
    if start is None or not stops:
        raise HeadwayError(
            f"{folder} does not say with which ids a text begins and ends: put decoder_start_token_id and eos_token_id into "
            "its config.json."
        )
    stopping = facts.get("early_stopping")
    return Writing(
        start=start,
        stops=stops,
        rules=Prescribed.of(facts, where, sorted(stops)),
        beams=max(1, int(facts.get("num_beams") or 4)),
        length_penalty=float(facts.get("length_penalty") or 1.0),
        early="yes" if stopping is True else "never" if stopping == "never" else "no",
    )


def _ends(facts: Mapping[str, Any], words: Tokenizer) -> tuple[int | None, frozenset[int]]:
    start = facts.get("decoder_start_token_id")
    if start is None:
        start = next((id for name in ("bos", "pad") if (id := getattr(words, name, None)) is not None), None)
    ends = facts.get("eos_token_id")
    stops = frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends]) | words.stop_ids
    return start if isinstance(start, int) else None, stops


@torch.inference_mode()
def rewritten(
    model: Any,
    source: Int[Tensor, "b s"],
    mask: Bool[Tensor, "b s"] | None = None,
    *,
    writing: Writing,
    max_tokens: int,
    sampling: Sampling = GREEDY,
    generator: torch.Generator | None = None,
) -> list[list[int]]:
    """What is made of each row, token by token; the id that ends it is the last, unless `max_tokens` came first.

    Args:
        mask: True at real tokens of `source`, where rows are of different lengths.
    """
    begin = torch.full((source.shape[0], 1), writing.start, device=source.device)
    speaker = prescribing(reading(model, source, mask), writing.rules)
    steps = generate(speaker, begin, until=writing.until(max_tokens), sampling=sampling, generator=generator)
    rows = torch.stack(list(steps), 1).tolist()
    return [ids[: next((n + 1 for n, id in enumerate(ids) if id in writing.stops), len(ids))] for ids in rows]


def searched(model: Any, source: Int[Tensor, "1 s"], *, writing: Writing, max_tokens: int, beams: int) -> list[int]:
    """The best of `beams` texts searched at once, as the checkpoint's length penalty has it."""
    begin = torch.tensor([[writing.start]], device=source.device)
    found = beam_search(
        reading(model, source),
        begin,
        beams=beams,
        until=writing.until(max_tokens),
        length_penalty=writing.length_penalty,
        early=writing.early,
        rules=writing.rules,
    )
    return found.best()
