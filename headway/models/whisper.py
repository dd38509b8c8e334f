"""Whisper: the encoder-decoder on sound. Half a minute of speech goes in as a picture of its frequencies, text comes out.

Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision*, 2022 (arXiv 2212.04356), section 2.2.

    log-mel frames -> conv -> conv of stride 2 -> + position -> [norm -> attention -> + -> norm -> mlp -> +] -> norm -> states
    tokens -> embed + position -> [norm -> attention -> + -> norm -> cross -> + -> norm -> mlp -> +] -> norm -> embedᵀ -> logits

Against the Transformer of 2017: two convolutions stand where the source's embedding was, norms stand before the sublayers, GELU,
learned positions in the decoder, and keys have no bias (a softmax would not notice one). What the text is for (which language,
translated or not, with times or not) is said by the first tokens of the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import DERIVED, at_least_one, settle
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.cache import LayerCache, Span, locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear, linear
from headway.blocks.memory import CrossCache, Memory, Pair, memory_of
from headway.blocks.tap import Tap

NOTES = {
    "position": "sinusoids for frames, added after the convolutions; a learned vector per place in the text",
    "norm": "LayerNorm, before each sublayer (pre-norm), and one more at the end of each stack",
    "attention": "biases everywhere but on keys; the decoder also attends to the encoder's states",
    "mlp": "GELU (exact) between two linear maps, four times the width inside",
    "head": "tied to the embedding",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class WhisperConfig:
    """The sizes of a Whisper.

    Attributes:
        vocab_size: Rows of the embedding.
        width, n_layer, n_head, ff_width: Residual stream, encoder blocks, heads, width inside the MLP (4 · width if None).
        n_decoder_layer: Decoder blocks, n_layer if None.
        mels: Bands of the log-mel frames.
        frames: Frames of a source, always as many (3,000 are half a minute); even, since the encoder halves them.
        context: The most tokens of a target.
        dropout: Probability on sublayers' outputs, in training only.
    """

    vocab_size: int
    width: int
    n_layer: int
    n_head: int
    ff_width: int = DERIVED
    n_decoder_layer: int = DERIVED
    mels: int = 80
    frames: int = 3000
    context: int = 448
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "width", "n_layer", "n_head", "ff_width", "context", "mels", "n_decoder_layer")
        settle(self, ff_width=4 * self.width, n_decoder_layer=self.n_layer)
        if self.width % self.n_head:
            raise HeadwayError(f"n_head must divide width: {self.width} is not a multiple of {self.n_head}")
        if self.width % 2 or self.width < 4 or self.frames % 2:
            raise HeadwayError(f"width is even and at least 4, and frames are even: not {self.width} and {self.frames}")
        if not 0 <= self.dropout < 1:
            raise HeadwayError(f"dropout is a probability below 1, not {self.dropout}")


def frame_positions(length: int, width: int) -> Float[Tensor, "s d"]:
    """Sines, then cosines, of wavelengths from 2π to 20,000π: the last pair's base is 10,000 exactly, unlike in 2017."""
    half = width // 2
    frequencies = torch.exp(-math.log(10000.0) / (half - 1) * torch.arange(half))
    angles = torch.arange(length)[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


class Whisper(nn.Module):
    """A transcriber: log-mel frames and the text's ids so far in, the logits of each next id out."""

    def __init__(self, config: WhisperConfig):
        super().__init__()
        c = self.config = config
        self.conv1 = nn.Conv1d(c.mels, c.width, 3, padding=1)
        self.conv2 = nn.Conv1d(c.width, c.width, 3, stride=2, padding=1)
        # Computed, and yet saved: checkpoints carry it, rounded to their own dtype.
        self.register_buffer("frame_position", torch.empty(c.frames // 2, c.width))
        self.embed = Embedding(c.vocab_size, c.width)
        self.position = nn.Embedding(c.context, c.width)
        self.drop = nn.Dropout(c.dropout)
        self.encoder = nn.ModuleList(EncoderBlock(c) for _ in range(c.n_layer))
        self.decoder = nn.ModuleList(DecoderBlock(c) for _ in range(c.n_decoder_layer))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(c.width), nn.LayerNorm(c.width)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: N(0, 0.02), gains 1, biases 0; frames' positions are sinusoids."""
        for name, weight in self.named_parameters():
            if weight.dim() == 1:
                nn.init.constant_(weight, 1.0 if name.endswith("norm.weight") else 0.0)
            else:
                nn.init.normal_(weight, std=0.02, generator=generator)
        if not self.frame_position.is_meta:
            self.frame_position.copy_(frame_positions(*self.frame_position.shape))

    def forward(
        self,
        source: Float[Tensor, "b c s"] | None,
        tokens: Int[Tensor, "b t"],
        cache: CrossCache | None = None,
        *,
        source_mask: Tensor | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`, in a text of what is heard in `source`.

        Args:
            source: Log-mel frames, `config.mels` bands by `config.frames`; with a cache that has seen it, the same or None.
            tokens: Ids of the text, from its start symbol on; with a cache, those that come after what it has seen.
            cache: From `new_cache`; it is extended in place.
            source_mask: None: what is shorter than half a minute is padded with silence, which the model hears.
            mask: True at real tokens, None if all are. Logits at padding mean nothing.
        """
        return self.readout(self.hidden(source, tokens, cache, source_mask=source_mask, mask=mask))

    def encode(self, source: Float[Tensor, "b c s"], source_mask: Tensor | None = None) -> Float[Tensor, "b half d"]:
        """The encoder's states of `source`, one for two frames."""
        c = self.config
        if source_mask is not None:
            raise HeadwayError("Whisper knows no padding of its source: fill up with silence before taking log_mel")
        if source.shape[1:] != (c.mels, c.frames):
            raise HeadwayError(
                f"this model hears {c.mels} bands by {c.frames} frames, not {tuple(source.shape[1:])}: see data.audio.log_mel"
            )
        x = F.gelu(self.conv2(F.gelu(self.conv1(source)))).transpose(1, 2)
        x = self.drop(x + self.frame_position)
        for block in self.encoder:
            x = block(x)
        return self.encoder_norm(x)

    def look(self, source: Float[Tensor, "b c s"], source_mask: Tensor | None = None) -> Memory:
        """Keys and values of the source's states for each decoder block: made once per source."""
        states = self.encode(source, source_mask)
        return Memory([cast(DecoderBlock, block).cross.look_at(states) for block in self.decoder])

    def hidden(
        self,
        source: Float[Tensor, "b c s"] | None,
        tokens: Int[Tensor, "b t"],
        cache: CrossCache | None = None,
        *,
        source_mask: Tensor | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """The decoder's residual stream after the last norm: all of `forward` but the head."""
        memory = memory_of(source, source_mask, cache, self.look)
        span = locate(tokens, cache, mask)
        if span.past + span.t > self.config.context:
            raise HeadwayError(
                f"this model has {self.config.context} positions and the text needs {span.past + span.t}: shorten it"
            )
        x = self.drop(self.embed(tokens) + self.position(span.positions))
        for block, kv, source_kv in zip(self.decoder, cache or [None] * len(self.decoder), memory.pairs, strict=True):
            x = block(x, span, kv, source_kv)
        if cache is not None:
            cache.advance(span.t)
        return self.decoder_norm(x)

    def readout(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t v"]:
        """Logits from `hidden`: the embedding is used a second time, as the head."""
        return linear(x, self.embed.weight)

    def new_cache(self, batch: int, room: int) -> CrossCache:
        """An empty cache for `batch` texts of up to `room` tokens."""
        c, like = self.config, {"dtype": self.embed.weight.dtype, "device": self.embed.weight.device}
        return CrossCache([None] * c.n_decoder_layer, batch, c.n_head, c.width // c.n_head, room, **like)


class EncoderBlock(nn.Module):
    """Attention to all frames, then the MLP, each on a normed copy of the stream and added back to it."""

    def __init__(self, config: WhisperConfig):
        super().__init__()
        self.attn_norm, self.attn = nn.LayerNorm(config.width), Attention(config)
        self.mlp_norm, self.mlp = nn.LayerNorm(config.width), MLP(config)
        self.drop = nn.Dropout(config.dropout)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor) -> Tensor:
        normed = self.attn_norm(x)
        x = self.after_attn(x + self.drop(self.attn(normed, *self.attn.look_at(normed))))
        return self.after_mlp(x + self.drop(self.mlp(self.mlp_norm(x))))


class DecoderBlock(nn.Module):
    """Causal attention to the text so far, attention to the sound, then the MLP."""

    def __init__(self, config: WhisperConfig):
        super().__init__()
        self.attn_norm, self.attn = nn.LayerNorm(config.width), Attention(config)
        self.cross_norm, self.cross = nn.LayerNorm(config.width), Attention(config)
        self.mlp_norm, self.mlp = nn.LayerNorm(config.width), MLP(config)
        self.drop = nn.Dropout(config.dropout)
        self.after_attn, self.after_cross, self.after_mlp = Tap(), Tap(), Tap()

    def forward(self, x: Tensor, span: Span, kv: LayerCache | None, source_kv: Pair) -> Tensor:
        normed = self.attn_norm(x)
        k, v = self.attn.look_at(normed)
        if kv is not None:
            k, v = kv.extend(k, v)
        mask = span.mask(k.shape[2])
        x = self.after_attn(x + self.drop(self.attn(normed, k, v, mask, causal=mask is None)))
        x = self.after_cross(x + self.drop(self.cross(self.cross_norm(x), *source_kv)))
        return self.after_mlp(x + self.drop(self.mlp(self.mlp_norm(x))))


class Attention(nn.Module):
    """Multi-head attention: queries from one sequence, keys and values from the same or another."""

    def __init__(self, config: WhisperConfig):
        super().__init__()
        self.n_head = config.n_head
        self.q = Linear(config.width, config.width)
        self.k = Linear(config.width, config.width, bias=False)
        self.v = Linear(config.width, config.width)
        self.out = Linear(config.width, config.width)

    def look_at(self, states: Float[Tensor, "b s d"]) -> tuple[Tensor, Tensor]:
        """Keys and values of what is looked at."""
        return split_heads(self.k(states), self.n_head), split_heads(self.v(states), self.n_head)

    def forward(self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        return self.out(merge_heads(attend(split_heads(self.q(x), self.n_head), k, v, mask, causal=causal)))


class MLP(nn.Module):
    """Two linear maps with GELU between them."""

    def __init__(self, config: WhisperConfig):
        super().__init__()
        self.up = Linear(config.width, config.ff_width)
        self.down = Linear(config.ff_width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


PRESETS = {  # table 1 of the paper; the vocabularies of the released models; large-v3 hears 128 bands
    "whisper-tiny.en": WhisperConfig(vocab_size=51864, width=384, n_layer=4, n_head=6),
    "whisper-tiny": WhisperConfig(vocab_size=51865, width=384, n_layer=4, n_head=6),
    "whisper-base": WhisperConfig(vocab_size=51865, width=512, n_layer=6, n_head=8),
    "whisper-small": WhisperConfig(vocab_size=51865, width=768, n_layer=12, n_head=12),
    "whisper-large-v3": WhisperConfig(vocab_size=51866, width=1280, n_layer=32, n_head=20, mels=128),
}
