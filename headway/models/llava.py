"""LLaVA: a vision tower's patches, projected into a language model's embedding space and read among its tokens.

Liu et al., *Visual Instruction Tuning*, 2023 (arXiv 2304.08485); the two-layer projector from *Improved Baselines with Visual
Instruction Tuning*, 2023 (2310.03744).

    picture -> CLIP's vision tower, its last block left out -> patches -> projector -> put where the text says <image>
    -> Llama -> logits

Against CLIP: its text tower is gone; the patches, not the class token, are kept, taken before the last block, and carried into
the embedding space of a Llama, which otherwise stays what it was. Composed from `clip.py` and `llama.py`; new is the projector.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.base.errors import HeadwayError
from headway.blocks.cache import KVCache, locate
from headway.models.clip import TowerConfig, VisionTower, draw
from headway.models.llama import Llama, LlamaConfig

NOTES = {
    "embedding": "text as in Llama; each image token is replaced by a projected patch",
    "vision": "CLIP's vision tower up to its last but one block; the class token is dropped",
    "projector": "two linear maps with GELU between them, from the tower's width to the language model's",
    "language model": "a Llama, unchanged",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class LlavaConfig:
    """The parts of a LLaVA.

    Attributes:
        vision: The tower, from CLIP.
        language: The language model.
        image, patch, channels: Pixels along a side, pixels of a patch, channels.
        image_token: The id that marks the place of one patch in the text.
        blocks_left_out: How many of the tower's last blocks are not run (1: the paper's choice).
        projector_bias: Whether the projector has biases.
    """

    vision: TowerConfig
    language: LlamaConfig
    image: int = 336
    patch: int = 14
    channels: int = 3
    image_token: int = 32000
    blocks_left_out: int = 1
    projector_bias: bool = True

    def __post_init__(self) -> None:
        at_least_one(self, "image", "patch", "channels")
        if self.image % self.patch:
            raise HeadwayError(f"patch must divide image: {self.image} pixels do not cut into patches of {self.patch}")
        if not 0 <= self.blocks_left_out <= self.vision.n_layer:
            raise HeadwayError(f"the tower has {self.vision.n_layer} blocks: {self.blocks_left_out} cannot be left out")

    @property
    def n_patch(self) -> int:
        """Image tokens a picture takes up in the text."""
        return (self.image // self.patch) ** 2


class Llava(nn.Module):
    """Pictures and token ids in, the logits of each next token out."""

    def __init__(self, config: LlavaConfig):
        super().__init__()
        self.config = config
        self.vision = VisionTower(config.vision, config.image, config.patch, config.channels)
        self.projector = Projector(config.vision.width, config.language.width, bias=config.projector_bias)
        self.language = Llama(config.language)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights, each part as its own file does. (Really, both towers come trained.)"""
        draw(self.vision, generator)
        draw(self.projector, generator)
        self.language.reset(generator)

    def forward(
        self,
        tokens: Int[Tensor, "b t"],
        cache: KVCache | None = None,
        *,
        pictures: Float[Tensor, "i c y x"] | None = None,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of the token after each of `tokens`.

        Args:
            tokens: Ids, with `n_patch` image tokens in a row where a picture stands.
            cache: From `new_cache`; it is extended in place. Pictures are given once, with their tokens.
            pictures: In the order in which their tokens stand, row by row; None if `tokens` has no image token.
            mask: True at real tokens, None if all are.
        """
        x = self.language.embed(tokens)
        places = tokens == self.config.image_token
        found = int(places.sum())
        given = 0 if pictures is None else len(pictures) * self.config.n_patch
        if found != given:
            raise HeadwayError(
                f"the text has {found} image tokens, and the pictures need {given}: {self.config.n_patch} each"
            )
        if pictures is not None:
            x = x.masked_scatter(places[..., None], self.see(pictures).to(x.dtype))
        return self.language.readout(self.hidden(x, cache, mask=mask))

    def hidden(
        self, x: Float[Tensor, "b t d"], cache: KVCache | None = None, *, mask: Bool[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        """`Llama.hidden` from embeddings that need not be words': pictures stand among them."""
        language, span = self.language, locate(x, cache, mask)
        cos, sin = language.angles(span.positions, x.dtype)
        for block, kv in zip(language.blocks, cache or [None] * len(language.blocks), strict=True):
            x = block(x, cos, sin, span, kv)
        if cache is not None:
            cache.advance(span.t)
        return language.norm(x)

    def see(self, pictures: Float[Tensor, "i c y x"]) -> Float[Tensor, "i p d"]:
        """Pictures as the language model sees them: one vector per patch."""
        n_layer = self.config.vision.n_layer - self.config.blocks_left_out
        return self.projector(self.vision.stream(pictures, n_layer)[:, 1:])

    def new_cache(self, batch: int, room: int) -> KVCache:
        """An empty cache for `batch` conversations of up to `room` tokens, image tokens included."""
        return self.language.new_cache(batch, room)


class Projector(nn.Module):
    """From the tower's patches to the language model's embedding space."""

    def __init__(self, inside: int, outside: int, *, bias: bool):
        super().__init__()
        self.up = nn.Linear(inside, outside, bias=bias)
        self.down = nn.Linear(outside, outside, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


PRESETS = {  # LLaVA-1.5's released config.json
    "llava-1.5-7b": LlavaConfig(
        vision=TowerConfig(width=1024, n_layer=24, n_head=16, ff_width=4096),
        language=LlamaConfig(
            vocab_size=32064, width=4096, n_layer=32, n_head=32, ff_width=11008, eps=1e-5, context=4096
        ),
    ),
}
