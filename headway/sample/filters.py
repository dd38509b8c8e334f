"""From logits to the next token: pure functions on (b, v) logits, and the one place that puts them in order.

Each returns new logits; a token that is out gets -inf. Order, as `transformers` has it: what was said already (penalty,
n-grams), then temperature, top-k, top-p (Holtzman et al., 2019, 1904.09751), min-p (Nguyen et al., 2024, 2407.01082).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headway.sample.rules import check_sampling


def temperature(logits: Float[Tensor, "b v"], t: float) -> Float[Tensor, "b v"]:
    """Divide by `t` > 0: below 1 the likely becomes likelier."""
    return logits / t


def top_k(logits: Float[Tensor, "b v"], k: int) -> Float[Tensor, "b v"]:
    """Keep the `k` best, and whatever ties with the last of them."""
    least = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < least, -torch.inf)


def top_p(logits: Float[Tensor, "b v"], p: float) -> Float[Tensor, "b v"]:
    """Keep the nucleus: the fewest tokens whose probabilities reach `p` together, the best one always."""
    ascending, order = logits.sort(descending=False)
    out = ascending.softmax(-1).cumsum(-1) <= 1 - p
    out[..., -1] = False
    return logits.masked_fill(out.scatter(-1, order, out), -torch.inf)


def min_p(logits: Float[Tensor, "b v"], p: float) -> Float[Tensor, "b v"]:
    """Keep the tokens that are at least `p` times as probable as the best one."""
    probabilities = logits.softmax(-1)
    best, place = probabilities.max(-1, keepdim=True)
    out = (probabilities < p * best).scatter(-1, place, False)
    return logits.masked_fill(out, -torch.inf)


def repetition_penalty(
    logits: Float[Tensor, "b v"],
    tokens: Int[Tensor, "b s"],
    penalty: float,
    mask: Bool[Tensor, "b s"] | None = None,
) -> Float[Tensor, "b v"]:
    """Make what was said less likely: divide its logit by `penalty`, or multiply where it is negative.

    Keskar et al., *CTRL*, 2019 (1909.05858), section 4.1. `mask` is True at real tokens: padding was not said.
    """
    said = _mark(tokens if mask is None else tokens.masked_fill(~mask, logits.shape[-1]), logits.shape[-1])
    return torch.where(said, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def no_repeat_ngram(
    logits: Float[Tensor, "b v"], tokens: Int[Tensor, "b s"], n: int, mask: Bool[Tensor, "b s"] | None = None
) -> Float[Tensor, "b v"]:
    """Rule out every token that would complete `n` tokens which stood together before (Paulus et al., 2017, 1705.04304)."""
    v, s = logits.shape[-1], tokens.shape[1]
    if s < n:
        return logits
    if mask is not None:
        tokens = tokens.masked_fill(~mask, -1)  # equal to no token, so that padding is in no n-gram
    windows = tokens.unfold(1, n, 1)
    end = tokens[:, s - n + 1 :]
    match = ((windows[..., :-1] == end[:, None]) & (windows[..., :-1] >= 0)).all(-1) & (windows[..., -1] >= 0)
    return logits.masked_fill(_mark(torch.where(match, windows[..., -1], v), v), -torch.inf)


def _mark(tokens: Tensor, v: int) -> Bool[Tensor, "b v"]:
    """True at each token that occurs; ids outside the vocabulary are left out."""
    marks = torch.zeros(tokens.shape[0], v + 1, dtype=torch.bool, device=tokens.device)
    return marks.scatter_(1, tokens.clamp(max=v), True)[:, :v]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen. Every default leaves the model's own distribution as it is.

    Attributes:
        temperature: 0 takes the likeliest token (greedy), 1 samples from the model's own distribution.
        top_k: Only the k likeliest; 0 for all.
        top_p: Only the nucleus of this probability; 1 for all.
        min_p: Only tokens at least this fraction as likely as the likeliest; 0 for all.
        repetition_penalty: What logits of tokens already said are divided by; 1 for nothing.
        no_repeat_ngram: No n-gram of this length twice; 0 for no such rule.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0

    def __post_init__(self) -> None:
        check_sampling(**dataclasses.asdict(self))

    @property
    def looks_back(self) -> bool:
        """Whether it needs the tokens so far."""
        return self.repetition_penalty != 1 or self.no_repeat_ngram > 0

    def filtered(
        self, logits: Float[Tensor, "b v"], tokens: Int[Tensor, "b s"] | None = None, mask: Tensor | None = None
    ) -> Float[Tensor, "b v"]:
        """All that is asked for, in order, in float32. `tokens` (with `mask`, True at real ones) are those so far."""
        logits = logits.float()
        if self.looks_back and tokens is not None:
            if self.repetition_penalty != 1:
                logits = repetition_penalty(logits, tokens, self.repetition_penalty, mask)
            if self.no_repeat_ngram:
                logits = no_repeat_ngram(logits, tokens, self.no_repeat_ngram, mask)
        if self.temperature == 0:
            return logits
        if self.temperature != 1:
            logits = temperature(logits, self.temperature)
        if self.top_k:
            logits = top_k(logits, self.top_k)
        if self.top_p < 1:
            logits = top_p(logits, self.top_p)
        if self.min_p:
            logits = min_p(logits, self.min_p)
        return logits

    def choose(
        self,
        logits: Float[Tensor, "b v"],
        tokens: Int[Tensor, "b s"] | None = None,
        mask: Tensor | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
    ) -> Int[Tensor, " b"]:
        """The next token of each row. With a generator per row, a row draws what it would draw alone."""
        logits = self.filtered(logits, tokens, mask)
        if self.temperature == 0:
            return logits.argmax(-1)
        probabilities = logits.softmax(-1)
        if isinstance(generator, Sequence):
            rows = zip(probabilities, generator, strict=True)
            return torch.cat([torch.multinomial(row, 1, generator=own) for row, own in rows])
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0]


GREEDY = Sampling(temperature=0.0)
"""The likeliest token, always."""
