"""Masked language modelling: which tokens are hidden, and what stands in their place.

Devlin et al., *BERT*, 2018 (1810.04805), section 3.1 and appendix A.1: 15 % of the tokens are chosen; of these 80 % become
[MASK], 10 % a random token, 10 % stay as they are; the loss is taken at the chosen ones only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.train.losses import IGNORE


@dataclass(frozen=True, kw_only=True)
class Masking:
    """How tokens are hidden.

    Attributes:
        mask_id: The id of [MASK].
        words: Random tokens are drawn from the ids below this, evenly, the hidden one itself included.
        rate: Share of the tokens that is chosen.
        masked, random: Shares of the chosen that become [MASK], or a random token; the rest stay.
    """

    mask_id: int
    words: int
    rate: float = 0.15
    masked: float = 0.8
    random: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise HeadwayError(f"the share of tokens to hide lies above 0 and at most at 1; {self.rate} does not")
        if min(self.masked, self.random) < 0 or self.masked + self.random > 1:
            raise HeadwayError(f"the shares masked {self.masked} and random {self.random} must be parts of one whole")


def hide(
    tokens: Int[Tensor, "b t"], candidates: Bool[Tensor, "b t"], masking: Masking, generator: torch.Generator
) -> tuple[Int[Tensor, "b t"], Int[Tensor, "b t"]]:
    """What the model reads, and what it has to say: (inputs, targets), targets `IGNORE` wherever nothing is asked.

    The counts are exact, not only in expectation: of the n candidates of the whole batch, rate · n are chosen, and of
    these the given shares are masked and replaced. A count that is no whole number goes up with a chance equal to its
    fraction, so that the expectation is exact as well. Which tokens they are is uniform over the batch.

    Args:
        candidates: True where a token may be chosen: not at padding, and not at tokens that stand for no text.
    """
    places = candidates.flatten().nonzero().squeeze(-1)
    places = places[torch.randperm(len(places), generator=generator)]
    # At least one, where there is any: a batch without a target would teach nothing and divide by zero.
    few = min(1, len(places))
    chosen = places[: max(few, round_fairly(masking.rate * len(places), generator=generator)[0])]
    shares = (masking.masked * len(chosen), (masking.masked + masking.random) * len(chosen))
    n_masked, n_changed = round_fairly(*shares, generator=generator)
    inputs, targets = tokens.flatten().clone(), torch.full((tokens.numel(),), IGNORE, dtype=torch.long)
    targets[chosen] = inputs[chosen]
    inputs[chosen[:n_masked]] = masking.mask_id
    drawn = torch.randint(masking.words, (n_changed - n_masked,), generator=generator)
    inputs[chosen[n_masked:n_changed]] = drawn
    return inputs.view_as(tokens), targets.view_as(tokens)


def round_fairly(*rising: float, generator: torch.Generator) -> list[int]:
    """Each number to the whole number below or above, so that every mean, and every mean of a difference, is exact.

    One coin is tossed for all of them (systematic sampling), so rising numbers stay rising.
    """
    coin = float(torch.rand((), generator=generator, dtype=torch.float64))
    return [int(number + coin) for number in rising]
