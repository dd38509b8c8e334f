"""Gemma 1 to 3: wide heads, capped or normalised attention scores, and sliding-window layers between global ones.

Gemma Team, *Gemma*, 2024 (arXiv 2403.08295); *Gemma 2*, 2024 (2408.00118); *Gemma 3*, 2025 (2503.19786).

    tokens -> sqrt(width) · embed -> [norm -> attention -> (norm) -> + -> norm -> mlp -> (norm) -> +] x n_layer -> norm -> head

Against Llama: the embedding is scaled by sqrt(width) and is also the head; gains are stored as 1 + weight; the gate is GELU;
the head width is chosen freely. Gemma 2 norms each sublayer's output too, caps attention scores and logits by a tanh, and
lets every second layer see a window only. Gemma 3 normalises queries and keys instead of capping, has five windowed layers to
a global one, and turns the global ones more slowly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads
from headway.blocks.cache import KVCache, LayerCache, Span, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.masks import causal_mask
from headway.blocks.rotary import angles_at, rotary_frequencies, rotate
from headway.blocks.tap import Tap

NOTES = {
    "embedding": "scaled by sqrt(width), rounded to the weights' dtype",
    "position": "rotary; Gemma 3 turns its global layers by a larger base (1,000,000) than its windowed ones (10,000)",
    "norm": "RMSNorm with gain 1 + weight; from Gemma 2 on, before and after each sublayer; Gemma 3: on q and k heads too",
    "attention": "causal, grouped; Gemma 2: scores capped by a tanh, every second layer windowed; Gemma 3: five of six",
    "mlp": "GeGLU: gelu(gate) · up, then down; no biases",
    "head": "tied to the embedding; Gemma 2 caps the logits by a tanh",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class GemmaConfig:
    """The sizes and the generation of a Gemma.

    Attributes:
        vocab_size: Rows of the embedding, which is the head as well.
        width, n_layer, n_head, ff_width: Residual stream, blocks, query heads, width inside the MLP.
        n_group: Key/value heads; divides n_head; n_head if not given.
        head_width: Width of a head; even; width / n_head if not given.
        eps: Added to the mean square in RMSNorm.
        rope_base: Base of the rotary frequencies of layers that see everything.
        local_rope_base: Base in the windowed layers.
        rope_factor: What positions are divided by in layers that see everything (Gemma 3 from 4B on: 8).
        windows: How far back each layer looks, None for all of it; one entry per layer; None for every layer if not given.
        sandwich: Whether a sublayer's output is normed before it is added (Gemma 2, 3).
        qk_norm: Whether every query and key head is normalised (Gemma 3).
        score_scale: What attention scores are multiplied by, 1/sqrt(head_width) if not given.
        score_cap, logit_cap: Bounds of attention scores and logits, by cap · tanh(x / cap) (Gemma 2); None for none.
        context: The length it was trained for; longer texts run, and get worse.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    ff_width: int
    n_group: int = DERIVED
    head_width: int = DERIVED
    eps: float = 1e-6
    rope_base: float = 10000.0
    local_rope_base: float = 10000.0
    rope_factor: float = 1.0
    windows: tuple[int | None, ...] = DERIVED
    sandwich: bool = False
    qk_norm: bool = False
    score_scale: float = DERIVED
    score_cap: float | None = None
    logit_cap: float | None = None
    context: int = 8192

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "ff_width", "n_group", "head_width", "context")
        if self.head_width is DERIVED and self.width % self.n_head:
            raise HeadwayError(
                f"width {self.width} is not a multiple of n_head {self.n_head}: change one, or give head_width"
            )
        settle(self, n_group=self.n_head, head_width=self.width // self.n_head)
        settle(self, windows=(None,) * self.n_layer, score_scale=1 / math.sqrt(self.head_width))
        if len(self.windows) != self.n_layer:
            raise HeadwayError(f"windows needs one entry per layer: {self.n_layer}, not {len(self.windows)}")
        if any(window is not None and window < 1 for window in self.windows):
            raise HeadwayError(f"a window holds at least the query itself: 1 or more, not {self.windows}")
        if self.n_head % self.n_group:
            raise HeadwayError(f"n_group must divide n_head: {self.n_head} is not a multiple of {self.n_group}")
        if self.head_width % 2:
            raise HeadwayError(f"rotary embedding turns pairs: head_width must be even, not {self.head_width}")


class Gemma(nn.Module):
    """A causal language model: token ids in, the logits of each next token out."""

    def __init__(self, config: GemmaConfig):
        super().__init__()
        self.config = config
        self.embed = Embedding(config.vocab_size, config.width)
        self.blocks = nn.ModuleList(Block(config, window) for window in config.windows)
        self.norm = Norm(config.width, config.eps)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: N(0, 0.02), and 0 for gains, which are stored as what is added to 1."""
        for name, weight in self.named_parameters():
            if "norm" in name:
                nn.init.zeros_(weight)
            else:
                nn.init.normal_(weight, std=0.02, generator=generator)

    def forward(
        self, tokens: Int[Tensor, "b t"], cache: KVCache | None = None, *, mask: Bool[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`.

        Args:
            tokens: Ids; with a cache, those that come after what the cache has seen.
            cache: From `new_cache`; it is extended in place.
            mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(tokens, cache, mask=mask))

    def hidden(
        self, tokens: Int[Tensor, "b t"], cache: KVCache | None = None, *, mask: Bool[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        """The residual stream after the last norm: all of `forward` but the head."""
        span = locate(tokens, cache, mask)
        x = self.embed(tokens)
        x = x * torch.tensor(math.sqrt(self.config.width), dtype=x.dtype)  # in bf16 the factor itself is rounded
        far, near = self.angles(span.positions, x.dtype)
        for block, window, kv in zip(self.blocks, self.config.windows, cache or [None] * len(self.blocks), strict=True):
            cos, sin = far if window is None else near
            x = block(x, cos, sin, span, kv)
        if cache is not None:
            cache.advance(span.t)
        return self.norm(x)

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`: the embedding is used a second time, unscaled, as the head."""
        return cap(linear(x, self.embed.weight), self.config.logit_cap)

    def angles(self, positions: Int[Tensor, "#b t"], dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
        """Rotary (cosine, sine) of the layers that see everything, and of the windowed ones; see `Llama.angles`."""
        c, wide = self.config, torch.promote_types(dtype, torch.float32)
        both = []
        for base, factor in ((c.rope_base, c.rope_factor), (c.local_rope_base, 1.0)):
            frequencies = rotary_frequencies(c.head_width, base, dtype=wide, device=positions.device) / factor
            cos, sin = angles_at(positions, frequencies)
            both.append((cos.to(dtype), sin.to(dtype)))
        return both

    def new_cache(self, batch: int, room: int) -> KVCache:
        """An empty cache for `batch` conversations of up to `room` tokens."""
        c, weight = self.config, self.embed.weight
        return KVCache(c.windows, batch, c.n_group, c.head_width, room, dtype=weight.dtype, device=weight.device)


class Block(nn.Module):
    """Attention, then the MLP; each on a normed copy of the stream, and from Gemma 2 on normed again before it is added."""

    def __init__(self, config: GemmaConfig, window: int | None):
        super().__init__()
        self.attn_norm, self.mlp_norm = Norm(config.width, config.eps), Norm(config.width, config.eps)
        self.attn, self.mlp = Attention(config, window), MLP(config)
        self.attn_out_norm = Norm(config.width, config.eps) if config.sandwich else nn.Identity()
        self.mlp_out_norm = Norm(config.width, config.eps) if config.sandwich else nn.Identity()
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        x = self.after_attn(x + self.attn_out_norm(self.attn(self.attn_norm(x), cos, sin, span, kv)))
        return self.after_mlp(x + self.mlp_out_norm(self.mlp(self.mlp_norm(x))))


class Attention(nn.Module):
    """Causal grouped-query attention, windowed or not, with scores bounded by a cap or by normed queries and keys."""

    def __init__(self, config: GemmaConfig, window: int | None):
        super().__init__()
        self.n_head, self.n_group, self.head_width = config.n_head, config.n_group, config.head_width
        self.window, self.scale, self.score_cap = window, config.score_scale, config.score_cap
        self.qkv = Linear(config.width, (config.n_head + 2 * config.n_group) * config.head_width, bias=False)
        self.out = Linear(config.n_head * config.head_width, config.width, bias=False)
        self.q_norm = Norm(config.head_width, config.eps) if config.qk_norm else nn.Identity()
        self.k_norm = Norm(config.head_width, config.eps) if config.qk_norm else nn.Identity()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, span: Span, kv: LayerCache | None) -> Tensor:
        b, t, _ = x.shape
        # h query heads, g key heads, g value heads
        heads = self.qkv(x).view(b, t, self.n_head + 2 * self.n_group, self.head_width).transpose(1, 2)
        q, k, v = heads.split([self.n_head, self.n_group, self.n_group], dim=1)
        q, k = rotate(self.q_norm(q), cos, sin), rotate(self.k_norm(k), cos, sin)
        if kv is not None:
            k, v = kv.extend(k, v)
        mask = span.mask(k.shape[2], self.window)
        if self.score_cap is None:
            attended = attend(q, k, v, mask, causal=mask is None, scale=self.scale)
        else:
            attended = attend_capped(q, k, v, mask, scale=self.scale, limit=self.score_cap)
        return self.out(merge_heads(attended))


class MLP(nn.Module):
    """GeGLU (Shazeer, 2020, 2002.05202): a linear map, gated by the GELU (tanh form) of another."""

    def __init__(self, config: GemmaConfig):
        super().__init__()
        self.gate = Linear(config.width, config.ff_width, bias=False)
        self.up = Linear(config.width, config.ff_width, bias=False)
        self.down = Linear(config.ff_width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.gate(x), approximate="tanh") * self.up(x))


class Norm(nn.Module):
    """RMSNorm whose gain is 1 + weight, so that decaying the weight pulls the gain to 1; multiplied in float32."""

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
        self.eps = eps

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return F.rms_norm(wide, self.weight.shape, 1 + self.weight.to(wide.dtype), self.eps).to(x.dtype)


def cap(x: Tensor, limit: float | None) -> Tensor:
    """limit · tanh(x / limit): nearly x where x is small, never beyond ±limit (Gemma 2, section 2). None leaves x alone."""
    return x if limit is None else limit * torch.tanh(x / limit)


def attend_capped(
    q: Float[Tensor, "b h t k"],
    k: Float[Tensor, "b g s k"],
    v: Float[Tensor, "b g s w"],
    mask: Bool[Tensor, "#b 1 t s"] | None,
    *,
    scale: float,
    limit: float,
) -> Float[Tensor, "b h t w"]:
    """Attention with capped scores. The cap comes before the mask: capped, a hidden -inf would become a visible -limit.

    No fused kernel caps, so the scores are held in memory. Without a mask the newest queries are plainly causal.
    """
    b, h, t, width = q.shape
    grouped = q.view(b, k.shape[1], h // k.shape[1], t, width)  # b g r t k: the r query heads of a group share its keys
    scores = cap(torch.einsum("bgrtk,bgsk->bgrts", grouped, k) * scale, limit)
    if mask is None:
        mask = causal_mask(t, k.shape[2], device=q.device)[None, None]
    scores = scores.masked_fill(~mask[:, :, None], -torch.inf)
    weights = scores.to(torch.promote_types(scores.dtype, torch.float32)).softmax(-1).to(v.dtype)
    return torch.einsum("bgrts,bgsw->bgrtw", weights, v).reshape(b, h, t, v.shape[-1])


PRESETS = {  # table 1 of Gemma, table 1 of Gemma 2, table 1 of Gemma 3, and the released config.json files
    "gemma-2b": GemmaConfig(
        vocab_size=256000, width=2048, n_layer=18, n_head=8, n_group=1, head_width=256, ff_width=16384
    ),
    "gemma2-2b": GemmaConfig(
        vocab_size=256000,
        width=2304,
        n_layer=26,
        n_head=8,
        n_group=4,
        head_width=256,
        ff_width=9216,
        windows=(4096, None) * 13,
        sandwich=True,
        score_cap=50.0,
        logit_cap=30.0,
    ),
    "gemma3-1b": GemmaConfig(
        vocab_size=262144,
        width=1152,
        n_layer=26,
        n_head=4,
        n_group=1,
        head_width=256,
        ff_width=6912,
        rope_base=1000000.0,
        windows=((512,) * 5 + (None,)) * 4 + (512, 512),
        sandwich=True,
        qk_norm=True,
        context=32768,
    ),
    "gemma3-4b": GemmaConfig(  # its language model; the vision tower is not loaded
        vocab_size=262208,
        width=2560,
        n_layer=34,
        n_head=8,
        n_group=4,
        head_width=256,
        ff_width=10240,
        rope_base=1000000.0,
        rope_factor=8.0,
        windows=((1024,) * 5 + (None,)) * 5 + (1024,) * 4,
        sandwich=True,
        qk_norm=True,
        context=131072,
    ),
}
