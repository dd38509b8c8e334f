"""Where positions exchange what they hold: attention, and what does its work elsewhere, as matrices of weights.

Every such function is linear in what is passed along (the values), given all the rest. So what it does is a matrix, and the
function itself tells it: handed the identity in place of the values, it returns its own weights. Nothing is computed a second
way, and a function of the learner's that stands in for ours is asked like any other.

    function                          what is passed along         weights
    attend, attend_capped, _biased    v                            (h, t, s), rows of softmax
    retain                            v                            (h, t, s), scores times decay, divided by the row's scale
    ssd                               x                            (h, t, s), the implied attention of Mamba-2
    scan, diagonal                    x, of each channel           (d, t, s), the implied attention of Mamba and S4D
    align                             the encoder's states         (1, t, s), step by step

Implied attention: Ali, Zimerman & Wolf, *The Hidden Attention of Mamba Models*, 2024 (arXiv 2403.01590); Dao & Gu, *Transformers
are SSMs*, 2024 (2405.21060), section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headway.blocks.alignment import align
from headway.blocks.attention import attend
from headway.blocks.diagonal import diagonal
from headway.blocks.masks import causal_mask
from headway.blocks.retention import retain
from headway.blocks.scan import scan
from headway.blocks.ssd import ssd
from headway.models.gemma import attend_capped
from headway.models.t5 import attend_biased

ATTENTION, RETENTION, STATE, ALIGNMENT = "attention", "retention", "state space", "alignment"

KINDS: dict[Callable, str] = {
    attend: ATTENTION,
    attend_capped: ATTENTION,
    attend_biased: ATTENTION,
    retain: RETENTION,
    ssd: STATE,
    scan: STATE,
    diagonal: STATE,
    align: ALIGNMENT,
}
"""The functions in which positions exchange something, and what each is called."""

AT_ONCE = 2**25
"""Numbers of a basis that are held at once."""


@dataclass
class Mix:
    """One call of such a function.

    Attributes:
        place: The module that called it, such as ``blocks.3.attn``.
        kind: One of `KINDS`'s words.
        name: The function's name.
        function: What was called: ours, or what stands in for it.
        args, kwargs: What it was called with.
        output: What came out, (b, h, t, w) or (b, t, d), before any head was switched off.
        off: Heads that were switched off: they pass nothing on.
    """

    place: str
    kind: str
    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any
    off: set[int] = field(default_factory=set)

    @property
    def n_head(self) -> int:
        """Query heads, or channels where each has a matrix of its own."""
        return {"scan": self.args[0].shape[-1], "diagonal": self.args[0].shape[-1], "align": 1}.get(
            self.name, self.args[0].shape[2] if self.name == "ssd" else self.args[0].shape[1]
        )

    @property
    def n_group(self) -> int:
        """Heads of keys and values."""
        return self.args[1].shape[1] if self.kind == ATTENTION else self.n_head

    @torch.no_grad()
    def weights(self) -> Float[Tensor, "h t s"]:
        """How much each position (t) took from each (s), by head or channel."""
        return self._without(_WEIGHTS[self.name](self))

    @torch.no_grad()
    def values(self) -> Float[Tensor, "h s w"]:
        """What is passed along, by head or channel: `weights` times this is `passed`."""
        if self.name in ("scan", "diagonal"):
            return self.args[0][0].transpose(0, 1)[..., None]
        if self.name == "ssd":
            return self.args[0][0].transpose(0, 1)
        if self.name == "align":
            return self.args[1]
        v = self.args[2][0]
        return v.repeat_interleave(self.n_head // v.shape[0], 0)

    @torch.no_grad()
    def passed(self) -> Float[Tensor, "h t w"]:
        """What each position got, by head or channel, as the model computed it."""
        out = (self.output[0] if isinstance(self.output, tuple) else self.output)[0]
        if self.name in ("scan", "diagonal"):
            out = out.transpose(0, 1)[..., None]
        elif self.name == "ssd":
            out = out.transpose(0, 1)
        elif self.name == "align":
            out = out[None]
        return self._without(out)

    @torch.no_grad()
    def seen(self) -> Bool[Tensor, "t s"]:
        """True where a position may look, by the mask that the function was given; of heads with masks of their own, any."""
        if self.kind == ALIGNMENT:
            return (
                self.output[1][0].isfinite() if self.mask is None else self.mask[0].expand(self.output[1].shape[1], -1)
            )
        if self.kind != ATTENTION:
            t = self.args[0].shape[1 if self.kind == STATE else 2]
            return causal_mask(t, t, device=self.args[0].device)
        t, s = self.args[0].shape[2], self.args[1].shape[2]
        mask = self.mask
        seen = torch.ones(t, s, dtype=torch.bool, device=self.args[0].device)
        if mask is not None:
            mask = mask if mask.dtype == torch.bool else mask > -torch.inf
            seen = seen & mask.expand(1, mask.shape[1], t, s)[0].any(0)
        if self.kwargs.get("causal") or (self.name == "attend_capped" and mask is None):
            seen = seen & causal_mask(t, s, device=seen.device)
        return seen

    @property
    def mask(self) -> Tensor | None:
        """The mask, or the bias of the scores, that attention was given."""
        place, name = (2, "mask") if self.name == "align" else (3, "bias" if self.name == "attend_biased" else "mask")
        return self.args[place] if len(self.args) > place else self.kwargs.get(name)

    def _without(self, heads: Tensor) -> Tensor:
        return heads.index_fill(0, torch.tensor(sorted(self.off), device=heads.device), 0) if self.off else heads

    def silence(self, output: Any) -> Any:
        """`output` without what the heads in `off` pass on."""
        if not self.off:
            return output
        y, rest = (output[0], output[1:]) if isinstance(output, tuple) else (output, None)
        heads, axis = sorted(self.off), {"ssd": 2, "scan": 2, "diagonal": 2}.get(self.name, 1)
        y = y.index_fill(axis, torch.tensor(heads, device=y.device), 0)
        return y if rest is None else (y, *rest)


def _by_identity(mix: Mix) -> Tensor:
    """Functions of (q, k, v, ...): values that are the identity come out as the weights."""
    q, k, v, *rest = mix.args
    s = k.shape[2]
    basis = torch.eye(s, dtype=v.dtype, device=v.device).expand(1, v.shape[1], s, s)
    out = mix.function(q, k, basis, *rest, **mix.kwargs)
    return (out[0] if isinstance(out, tuple) else out)[0]


def _by_width(mix: Mix) -> Tensor:
    """`ssd`: inputs of width t that are the identity."""
    x, *rest = mix.args
    t, h = x.shape[1:3]
    basis = torch.eye(t, dtype=x.dtype, device=x.device)[None, :, None].expand(1, t, h, t).contiguous()
    return mix.function(basis, *rest)[0][0].transpose(0, 1)


def _by_row(mix: Mix) -> Tensor:
    """`scan` and `diagonal`: one row of the batch for each position, which alone has an input there."""
    x, *rest = mix.args
    _, t, d = x.shape
    found = []
    for places in torch.arange(t, device=x.device).split(max(1, AT_ONCE // (t * d))):
        n = len(places)
        basis = torch.zeros(n, t, d, dtype=x.dtype, device=x.device)
        basis[torch.arange(n, device=x.device), places] = 1
        if mix.name == "scan":
            dt, A, B, C, D, z = rest[:6]
            many = (dt.expand(n, -1, -1), A, B.expand(n, -1, -1), C.expand(n, -1, -1), D)
            y, _ = mix.function(basis, *many, None if z is None else z.expand(n, -1, -1))
        else:
            y, _ = mix.function(basis, *rest[:3])
        found.append(y)
    return torch.cat(found).permute(2, 1, 0)  # (s, t, d) -> (d, t, s)


def _told(mix: Mix) -> Tensor:
    """`align` returns its weights beside its answer."""
    return mix.output[1]


_WEIGHTS: dict[str, Callable[[Mix], Tensor]] = {
    "attend": _by_identity,
    "attend_capped": _by_identity,
    "attend_biased": _by_identity,
    "retain": _by_identity,
    "ssd": _by_width,
    "scan": _by_row,
    "diagonal": _by_row,
    "align": _told,
}


def joined(mixes: Sequence[Mix]) -> list[Mix]:
    """The exchanges, the steps of a recurrent decoder's alignment made one."""
    found: list[Mix] = []
    for mix in mixes:
        if mix.kind != ALIGNMENT:
            found.append(mix)
            continue
        step = tuple(part[:, None] for part in mix.output)  # context (b, 1, e) and weights (b, 1, s)
        if found and found[-1].kind == ALIGNMENT and found[-1].place == mix.place:
            step = tuple(torch.cat((a, b), 1) for a, b in zip(found.pop().output, step, strict=True))
        found.append(replace(mix, output=step))
    return found
