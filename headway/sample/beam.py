"""Beam search: keep the few likeliest texts at every step, not the one likeliest token.

The length penalty is that of Wu et al., *Google's Neural Machine Translation System*, 2016 (arXiv 1609.08144), section 7, in
the plain form that `transformers` has: the sum of log-probabilities divided by (number of tokens)^penalty. The Transformer of
2017 was evaluated with 4 beams and a penalty of 0.6 (1706.03762, section 6.1; there in the form ((5 + n) / 6)^0.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.sample.generate import Conditioned, Until, last_logits
from headway.sample.prescribed import Prescribed

NEVER = -1e9
"""The score of what cannot be chosen: below any sum of log-probabilities, and still a number that can be added to."""


@dataclass(frozen=True)
class Beams:
    """What a beam search found, the best first.

    Attributes:
        tokens: (b, beams, n), without the prompt; after its stop id, a text holds padding.
        scores: (b, beams), log-probability divided by length^penalty.
        lengths: (b, beams), tokens of each text, the stop id included.
    """

    tokens: Int[Tensor, "b beams n"]
    scores: Float[Tensor, "b beams"]
    lengths: Int[Tensor, "b beams"]

    def best(self, row: int = 0) -> list[int]:
        """The ids of the best text of a row."""
        return self.tokens[row, 0, : int(self.lengths[row, 0])].tolist()


def reading(model: Any, source: Tensor, source_mask: Bool[Tensor, "b s"] | None = None) -> Conditioned:
    """An encoder-decoder that reads `source`, for `generate` and `beam_search`: it goes into the cache with the first call."""

    def step(tokens: Tensor, cache: Any, mask: Tensor | None) -> Tensor:
        if cache.memory is None:
            return model(source, tokens, cache, source_mask=source_mask, mask=mask)[:, -1]
        return model(None, tokens, cache, mask=mask)[:, -1]

    return Conditioned(model, step)


def without(model: Conditioned, ids: Sequence[int], first: Sequence[int] = ()) -> Conditioned:
    """`model`, which never says one of `ids`, and begins with none of `first`."""
    if not ids and not first:
        return model

    def step(tokens: Tensor, cache: Any, mask: Tensor | None) -> Tensor:
        banned = [*ids, *(first if cache.length == 0 else ())]
        logits = model.step(tokens, cache, mask)
        return logits.index_fill(-1, torch.tensor(banned, dtype=torch.long, device=logits.device), -torch.inf)

    return Conditioned(model.model, step, model.context)


@torch.inference_mode()
def beam_search(
    model: Any,
    tokens: Int[Tensor, "b t"],
    *,
    beams: int,
    until: Until,
    length_penalty: float = 1.0,
    early: Literal["no", "yes", "never"] = "no",
    mask: Bool[Tensor, "b t"] | None = None,
    rules: Prescribed | None = None,
) -> Beams:
    """The likeliest continuations of each row that `beams` parallel texts can find.

    Args:
        model: A decoder, or an encoder-decoder as `reading(model, source)`.
        tokens: The prompt; the start symbol for an encoder-decoder.
        beams: Texts kept at every step. With one and `early="yes"`, this is greedy search.
        until: When a text ends: `max_tokens` and `stop_ids` count.
        length_penalty: Above 0, longer texts are favoured over what their probability says; 0 is the plain sum.
        early: When a row's search ends before `until.max_tokens`: "no", when the likeliest open text, were it to end now, could
            not better the worst finished one; "yes", as soon as `beams` texts are finished; "never", when the likeliest
            open text could not better it at any length.
        mask: True at real tokens of the prompt, None if all are; padded on the left.
        rules: What the scores are changed by: with one beam the logits, as in greedy search, else the log-probabilities.
    """
    b, t = tokens.shape
    most = until.max_tokens
    if beams < 1 or most < 1 or t == 0:
        raise HeadwayError(
            f"beam search takes one prompt token, one beam and one new token or more, not {t}, {beams} and {most}"
        )
    stops = torch.tensor(sorted(until.stop_ids), dtype=torch.long, device=tokens.device)
    cache = model.new_cache(b, t + most)
    logits = last_logits(model, tokens, cache, mask)
    # One prompt has one continuation to begin with: all beams but the first start out of reach.
    cache.select(torch.arange(b, device=tokens.device).repeat_interleave(beams))
    search = _Search(b, beams, most, until.pad, length_penalty, early, logits)
    search.prompt, search.rules = tokens[:, None].expand(-1, beams, -1), rules
    logits = logits.repeat_interleave(beams, 0)
    for step in range(most):
        parents, chosen = search.step(logits, stops, step)
        if search.over():
            break
        if step + 1 < most:
            cache.select(parents)
            logits = last_logits(model, chosen[:, None], cache)
    return search.found()


class _Search:
    """The open and the finished texts of every row; `rules` change the scores of what follows `prompt` (b, beams, t)."""

    prompt: Tensor
    rules: Prescribed | None

    def __init__(self, b: int, beams: int, most: int, pad: int, penalty: float, early: str, logits: Tensor):
        self.beams, self.most, self.penalty, self.early = beams, most, penalty, early
        like: dict[str, Any] = {"device": logits.device}
        dtype = torch.promote_types(logits.dtype, torch.float32)
        self.open = torch.full((b, beams, most), pad, **like)
        self.score = torch.full((b, beams), NEVER, dtype=dtype, **like)
        self.score[:, 0] = 0
        self.done = self.open.clone()
        self.done_score = torch.full((b, beams), NEVER, dtype=dtype, **like)
        self.done_length = torch.zeros(b, beams, dtype=torch.long, **like)
        self.hopeful = torch.ones(
            b, 1, dtype=torch.bool, **like
        )  # rows whose open texts may still better a finished one

    def step(self, logits: Float[Tensor, "bb v"], stops: Tensor, at: int) -> tuple[Tensor, Tensor]:
        """Prolong every open text by one token. Which row of the cache each new one goes on from, and its token."""
        b, v = self.score.shape[0], logits.shape[-1]
        wide = logits.to(self.score.dtype)
        if self.rules is None:
            wide = wide.log_softmax(-1)
        else:
            so_far = torch.cat((self.prompt, self.open[:, :, :at]), 2).flatten(0, 1)
            if self.beams == 1:
                wide = self.rules.apply(wide, so_far).log_softmax(-1)
            else:
                wide = self.rules.apply(wide.log_softmax(-1), so_far)
        wide = wide.view(b, self.beams, v)
        total = (wide + self.score[..., None]).flatten(1)
        # Enough that `beams` texts stay open even if all of the best stop.
        keep = min(max(2, 1 + len(stops)) * self.beams, total.shape[1])
        score, place = total.topk(keep)
        parent, token = place // v, place % v
        texts = self.open.gather(1, parent[..., None].expand(-1, -1, self.most)).clone()
        texts[:, :, at] = token
        ends = torch.isin(token, stops) if at + 1 < self.most else torch.ones_like(token, dtype=torch.bool)
        self._finish(texts, score, ends, at + 1)
        _, best = (score + ends * NEVER).topk(self.beams)
        self.open = texts.gather(1, best[..., None].expand(-1, -1, self.most))
        self.score = (score + ends * NEVER).gather(1, best)
        self._look_ahead(at + 1)
        rows = torch.arange(b, device=logits.device)[:, None] * self.beams + parent.gather(1, best)
        return rows.flatten(), token.gather(1, best).flatten()

    def _finish(self, texts: Tensor, score: Tensor, ends: Tensor, length: int) -> None:
        """Let those of the best `beams` that end compete with the finished ones."""
        own = score / length**self.penalty
        counts = ends & self.hopeful
        counts[:, self.beams :] = False
        if self.early == "yes":
            counts &= ~(self.done_score > NEVER / 2).all(1, keepdim=True)
        own = own.masked_fill(~counts, 2 * NEVER)
        merged = torch.cat((self.done_score, own), 1)
        self.done_score, best = merged.topk(self.beams)
        all_texts = torch.cat((self.done, texts), 1)
        self.done = all_texts.gather(1, best[..., None].expand(-1, -1, self.most))
        lengths = torch.cat((self.done_length, torch.full_like(ends, length, dtype=torch.long)), 1)
        self.done_length = lengths.gather(1, best)

    def _look_ahead(self, length: int) -> None:
        """Give up rows whose best open text could not better their worst finished one."""
        farthest = self.most if self.early == "never" and self.penalty > 0 else length
        could = self.score[:, :1] / farthest**self.penalty
        worst = self.done_score.amin(1, keepdim=True)
        self.hopeful &= (could > worst) | (worst <= NEVER / 2)

    def over(self) -> bool:
        """Whether no row has anything left to find."""
        full = (self.done_score > NEVER / 2).all(1, keepdim=True)
        return not bool((self.hopeful & ~full if self.early == "yes" else self.hopeful).any())

    def found(self) -> Beams:
        length = int(self.done_length.max())
        return Beams(self.done[:, :, :length], self.done_score, self.done_length)
