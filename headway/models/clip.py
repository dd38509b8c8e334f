"""CLIP: an encoder of pictures and one of captions, trained contrastively into one embedding space.

Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, 2021 (arXiv 2103.00020).

    picture -> patches -> class token + position -> norm -> blocks -> norm of the class token -> project \\
    caption -> embed + position -> causal blocks -> norm -> the end token -> project -> cosine · exp(temperature) -> logits

Against ViT: two towers, one for each side; the vision tower norms before its blocks as well and has no bias on its patches; the
text tower is a causal decoder whose last token stands for the sentence; GELU is x · sigmoid(1.702 x). What is learned is which
picture of a batch belongs to which caption (figure 3 of the paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.cache import locate
from headway.blocks.embedding import Embedding
from headway.blocks.linear import Linear
from headway.blocks.tap import Tap
from headway.models.vit import patchify

NOTES = {
    "embedding": "pictures: patches through one linear map, no bias; captions: an embedding",
    "position": "learned, in both towers; a class token in front of the patches",
    "norm": "LayerNorm, pre-norm; the vision tower has one more before its first block",
    "attention": "pictures: every patch sees every patch; captions: causal",
    "mlp": "x · sigmoid(1.702 x), an approximation of GELU, between two linear maps",
    "head": "a projection per tower, unit length, cosine times a learned temperature",
    "loss": "each picture has to find its caption among the batch's, and each caption its picture",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class TowerConfig:
    """The sizes of one tower.

    Attributes:
        width, n_layer, n_head, ff_width: Residual stream, blocks, heads, width inside the MLP.
        activation: "quick_gelu" (OpenAI's weights) or "gelu" (many others').
        eps: Added to the variance in LayerNorm.
    """

    width: int
    n_layer: int
    n_head: int
    ff_width: int
    activation: Literal["quick_gelu", "gelu"] = "quick_gelu"
    eps: float = 1e-5

    def __post_init__(self) -> None:
        at_least_one(self, "width", "n_layer", "n_head", "ff_width")
        if self.width % self.n_head:
            raise HeadwayError(f"n_head must divide width: {self.width} is not a multiple of {self.n_head}")
        if self.activation not in ("quick_gelu", "gelu"):
            raise HeadwayError(f"activation is quick_gelu or gelu, not {self.activation!r}")


@dataclass(frozen=True, kw_only=True)
class CLIPConfig:
    """The sizes of a CLIP.

    Attributes:
        vision, text: The towers.
        image, patch, channels: Pixels along a side, pixels of a patch, channels.
        vocab_size, context: Of the captions.
        end_token: The id that ends a caption; its state stands for it. None takes the largest id, as early files do.
        projection: Width of the common space.
        temperature: Start of the learned log-temperature.
    """

    vision: TowerConfig
    text: TowerConfig
    image: int = 224
    patch: int = 32
    channels: int = 3
    vocab_size: int = 49408
    context: int = 77
    end_token: int | None = 49407
    projection: int = 512
    temperature: float = 2.6592

    def __post_init__(self) -> None:
        at_least_one(self, "vocab_size", "context", "image", "patch", "channels", "projection")
        if self.image % self.patch:
            raise HeadwayError(f"patch must divide image: {self.image} pixels do not cut into patches of {self.patch}")


class CLIP(nn.Module):
    """Pictures and captions in, how well each fits each out."""

    def __init__(self, config: CLIPConfig):
        super().__init__()
        self.config = config
        self.vision = VisionTower(config.vision, config.image, config.patch, config.channels)
        self.text = TextTower(config)
        self.vision_out = Linear(config.vision.width, config.projection, bias=False)
        self.text_out = Linear(config.text.width, config.projection, bias=False)
        self.temperature = nn.Parameter(torch.tensor(config.temperature))
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: N(0, 0.02), biases 0, gains 1, the temperature as configured."""
        draw(self, generator)
        nn.init.constant_(self.temperature, self.config.temperature)

    def forward(
        self,
        pictures: Float[Tensor, "i c y x"],
        captions: Int[Tensor, "b t"],
        *,
        mask: Bool[Tensor, "b t"] | None = None,
    ) -> Float[Tensor, "i b"]:
        """Logits of every caption (column) for every picture (row); `forward(...).T` is captions over pictures."""
        return self.temperature.exp() * self.see(pictures) @ self.read(captions, mask).T

    def see(self, pictures: Float[Tensor, "b c y x"]) -> Float[Tensor, "b p"]:
        """Pictures in the common space, of unit length."""
        return F.normalize(self.vision_out(self.vision(pictures)[:, 0]), dim=-1, eps=0.0)

    def read(self, captions: Int[Tensor, "b t"], mask: Bool[Tensor, "b t"] | None = None) -> Float[Tensor, "b p"]:
        """Captions in the common space, of unit length. `mask` is True at real tokens; padding belongs on the right."""
        return F.normalize(self.text_out(self.text(captions, mask)), dim=-1, eps=0.0)


class VisionTower(nn.Module):
    """Pictures -> the class token and the patches; only the class token has passed the last norm."""

    def __init__(self, config: TowerConfig, image: int, patch: int, channels: int):
        super().__init__()
        self.image, self.patch, self.channels = image, patch, channels
        self.patches = Linear(channels * patch**2, config.width, bias=False)
        self.class_token = nn.Parameter(torch.zeros(config.width))
        self.position = nn.Parameter(torch.zeros(1 + (image // patch) ** 2, config.width))
        self.first_norm = nn.LayerNorm(config.width, config.eps)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.width, config.eps)

    def forward(self, pictures: Float[Tensor, "b c y x"]) -> Float[Tensor, "b t d"]:
        """The class token, normed, then the patches row by row, as the last block left them."""
        x = self.stream(pictures)
        return torch.cat((self.norm(x[:, :1]), x[:, 1:]), dim=1)

    def stream(self, pictures: Float[Tensor, "b c y x"], n_layer: int | None = None) -> Float[Tensor, "b t d"]:
        """The residual stream after `n_layer` blocks, all of them if None (LLaVA reads the last but one)."""
        if pictures.shape[1:] != (self.channels, self.image, self.image):
            raise HeadwayError(
                f"this tower takes pictures of {self.channels} x {self.image} x {self.image}, "
                f"not {' x '.join(map(str, pictures.shape[1:]))}"
            )
        x = self.patches(patchify(pictures, self.patch))
        x = torch.cat((self.class_token.expand(len(x), 1, -1), x), dim=1) + self.position
        x = self.first_norm(x)
        for block in self.blocks[:n_layer]:
            x = block(x)
        return x


class TextTower(nn.Module):
    """Captions -> the state of the token that ends each."""

    def __init__(self, config: CLIPConfig):
        super().__init__()
        self.end_token = config.end_token
        self.embed = Embedding(config.vocab_size, config.text.width)
        self.position = nn.Embedding(config.context, config.text.width)
        self.blocks = nn.ModuleList(Block(config.text) for _ in range(config.text.n_layer))
        self.norm = nn.LayerNorm(config.text.width, config.text.eps)

    def forward(self, captions: Int[Tensor, "b t"], mask: Bool[Tensor, "b t"] | None = None) -> Float[Tensor, "b d"]:
        b, t = captions.shape
        if t > self.position.num_embeddings:
            raise HeadwayError(f"a caption has at most {self.position.num_embeddings} tokens, and this one has {t}")
        x = self.embed(captions) + self.position.weight[:t]
        seen = locate(captions, None, mask).mask(t)
        for block in self.blocks:
            x = block(x, seen, causal=True)
        if self.end_token is None:
            end = captions.argmax(-1)
        else:
            end = (captions == self.end_token).int().argmax(-1)  # the first: padding may repeat it
        return self.norm(x)[torch.arange(b, device=x.device), end]


class Block(nn.Module):
    """Attention, then the MLP, each on a normed copy of the stream and added back to it; for both towers."""

    def __init__(self, config: TowerConfig):
        super().__init__()
        self.attn_norm, self.mlp_norm = (nn.LayerNorm(config.width, config.eps) for _ in range(2))
        self.attn, self.mlp = Attention(config), MLP(config)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
        x = self.after_attn(x + self.attn(self.attn_norm(x), mask, causal))
        return self.after_mlp(x + self.mlp(self.mlp_norm(x)))


class Attention(nn.Module):
    """Multi-head attention; one fused projection for queries, keys and values."""

    def __init__(self, config: TowerConfig):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = Linear(config.width, 3 * config.width)
        self.out = Linear(config.width, config.width)

    def forward(self, x: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        q, k, v = (split_heads(part, self.n_head) for part in self.qkv(x).chunk(3, dim=-1))
        return self.out(merge_heads(attend(q, k, v, mask, causal=causal and mask is None)))


class MLP(nn.Module):
    """Two linear maps; between them the GELU the weights were trained with."""

    def __init__(self, config: TowerConfig):
        super().__init__()
        self.quick = config.activation == "quick_gelu"
        self.up = Linear(config.width, config.ff_width)
        self.down = Linear(config.ff_width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(x)
        return self.down(x * torch.sigmoid(1.702 * x) if self.quick else F.gelu(x))


def draw(model: nn.Module, generator: torch.Generator | None) -> None:
    """N(0, 0.02) for matrices, vectors and tokens, 0 for biases, 1 for gains."""
    for name, weight in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            nn.init.ones_(weight)
        elif name.endswith("bias"):
            nn.init.zeros_(weight)
        elif weight.dim() > 0:
            nn.init.normal_(weight, std=0.02, generator=generator)


PRESETS = {  # table 20 of the paper; the vocabulary of the released models
    "clip-vit-b32": CLIPConfig(
        vision=TowerConfig(width=768, n_layer=12, n_head=12, ff_width=3072),
        text=TowerConfig(width=512, n_layer=12, n_head=8, ff_width=2048),
    ),
    "clip-vit-l14-336": CLIPConfig(
        vision=TowerConfig(width=1024, n_layer=24, n_head=16, ff_width=4096),
        text=TowerConfig(width=768, n_layer=12, n_head=12, ff_width=3072),
        image=336,
        patch=14,
        projection=768,
    ),
}
