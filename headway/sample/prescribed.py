"""What a checkpoint's own settings say about writing, besides the model: which tokens may come, and which may come again.

Each rule changes scores (b, v) before a token is chosen, in the order that `transformers` has: what was said already, forbidden
words, a least length, a first token, what is never said. Greedy search and sampling apply them to the logits, beam search to the
log-probabilities, which are not made to sum to 1 again unless the checkpoint asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headway.base.errors import Corrupt, Unsupported
from headway.sample.filters import no_repeat_ngram, repetition_penalty
from headway.sample.generate import Conditioned

REFUSED = (
    "sequence_bias", "encoder_repetition_penalty", "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty",
    "guidance_scale", "watermarking_config", "num_beam_groups", "diversity_penalty", "penalty_alpha", "dola_layers",
    "constraints", "force_words_ids", "stop_strings", "token_healing",
)  # fmt: skip
"""Settings that change what is written and that are not done here."""

NEUTRAL = (None, False, 0, 0.0, 1, 1.0, "", [], {})
"""Values with which a setting changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Prescribed:
    """What is asked for; every default leaves the scores as they are.

    Attributes:
        penalty, ngram: `repetition_penalty`, and the length of the n-grams of which none may come twice (0 for no such rule).
        banned: Tokens, or runs of them, that may not come.
        least, least_new: Tokens before a text may end, the start symbol included, and without it.
        first: The token that comes first, whatever the scores.
        never, never_first: Tokens that never come, or not as the first one.
        renormalise: Whether probabilities sum to 1 again after all of this.
        stops: Ids that end a text.
    """

    penalty: float = 1.0
    ngram: int = 0
    banned: tuple[tuple[int, ...], ...] = ()
    least: int = 0
    least_new: int = 0
    first: int | None = None
    never: tuple[int, ...] = ()
    never_first: tuple[int, ...] = ()
    renormalise: bool = False
    stops: tuple[int, ...] = ()

    @classmethod
    def of(cls, facts: Mapping[str, Any], where: Any, stops: Sequence[int]) -> Prescribed:
        """As a checkpoint's generation_config.json says. What happens at `max_length` (``forced_eos_token_id``) is not among it:
        the caller says how long a text may be, and how a token is drawn (``do_sample``, ``temperature``, ...).

        Raises:
            Unsupported: it has a setting that is not done here, by its name.
            Corrupt: a value has the wrong kind.
        """
        for name in REFUSED:
            if facts.get(name) not in NEUTRAL:
                raise Unsupported(f"{where} sets {name} to {facts[name]!r:.60}, which Headway does not do")

        def whole(name: str) -> int:
            value = facts.get(name)
            if value is not None and (type(value) is not int or value < 0):
                raise Corrupt(f"{where}: {name} is {value!r:.60}, no whole number: fetch it again")
            return value or 0

        def ids(name: str) -> tuple[int, ...]:
            value = facts.get(name)
            if value is not None and not (isinstance(value, list) and all(type(id) is int for id in value)):
                raise Corrupt(f"{where}: {name} is {value!r:.60}, no list of ids: fetch it again")
            return tuple(id for id in value or () if id >= 0)

        penalty = facts.get("repetition_penalty")
        if penalty is not None and (isinstance(penalty, bool) or not isinstance(penalty, int | float) or penalty <= 0):
            raise Corrupt(f"{where}: repetition_penalty is {penalty!r:.60}, no number above 0: fetch it again")
        words = facts.get("bad_words_ids")
        good = words is None or (
            isinstance(words, list)
            and all(
                isinstance(word, list) and word and all(type(id) is int and id >= 0 for id in word) for word in words
            )
        )
        if not good:
            raise Corrupt(f"{where}: bad_words_ids is {words!r:.60}, no list of lists of ids: fetch it again")
        first = facts.get("forced_bos_token_id")
        if first is not None and (type(first) is not int or first < 0):
            raise Corrupt(f"{where}: forced_bos_token_id is {first!r:.60}, no id: fetch it again")
        if first is not None and first in ids("suppress_tokens"):
            raise Corrupt(
                f"{where}: forced_bos_token_id is {first}, which suppress_tokens rules out: nothing can begin"
            )
        return cls(
            penalty=float(penalty or 1.0),
            ngram=whole("no_repeat_ngram_size"),
            banned=tuple(tuple(word) for word in words or () if tuple(word) not in {(id,) for id in stops}),
            least=0 if facts.get("min_new_tokens") is not None else whole("min_length"),  # which gives way
            least_new=whole("min_new_tokens"),
            first=first,
            never=ids("suppress_tokens"),
            never_first=ids("begin_suppress_tokens"),
            renormalise=bool(facts.get("renormalize_logits")),
            stops=tuple(stops),
        )

    def apply(self, scores: Float[Tensor, "b v"], tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b v"]:
        """`scores` of the token that follows `tokens`, of which the first is the start symbol."""
        t, v = tokens.shape[1], scores.shape[-1]
        if self.penalty != 1:
            scores = repetition_penalty(scores, tokens, self.penalty)
        if self.ngram:
            scores = no_repeat_ngram(scores, tokens, self.ngram)
        for *before, last in self.banned:
            if last < v and t >= len(before):
                end = tokens[:, t - len(before) :]
                come = (end == torch.tensor(before, dtype=end.dtype, device=end.device)).all(1)
                scores = scores.index_fill(1, _row([last], scores), -torch.inf).where(come[:, None], scores)
        if t < self.least or t - 1 < self.least_new:
            scores = _without(scores, self.stops)
        if self.first is not None and t == 1 and self.first < v:
            only = torch.full_like(scores, -torch.inf)
            scores = only.index_fill(1, _row([self.first], scores), 0.0)
        scores = _without(scores, self.never)
        if t == (1 if self.first is None else 2):
            scores = _without(scores, self.never_first)
        return scores.log_softmax(-1) if self.renormalise else scores


def prescribing(model: Conditioned, rules: Prescribed) -> Conditioned:
    """`model` under `rules`, for one run of `generate`: every token goes through it, so that it knows those so far."""
    if rules == Prescribed(stops=rules.stops):
        return model
    so_far: list[Tensor] = []

    def step(tokens: Tensor, cache: Any, mask: Tensor | None) -> Tensor:
        so_far.append(tokens)
        return rules.apply(model.step(tokens, cache, mask).float(), torch.cat(so_far, 1))

    return Conditioned(model.model, step, model.context)


def _row(ids: Sequence[int], like: Tensor) -> Tensor:
    return torch.tensor(ids, dtype=torch.long, device=like.device)


def _without(scores: Tensor, ids: Sequence[int]) -> Tensor:
    ids = [id for id in ids if id < scores.shape[-1]]
    return scores.index_fill(1, _row(ids, scores), -torch.inf) if ids else scores
