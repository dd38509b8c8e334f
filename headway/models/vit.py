"""ViT and DINOv2: a Transformer encoder whose tokens are the patches of a picture.

Dosovitskiy et al., *An Image is Worth 16x16 Words*, 2020 (arXiv 2010.11929). LayerScale and the masked patches as in Oquab et
al., *DINOv2*, 2023 (2304.07193); registers from Darcet et al., *Vision Transformers Need Registers*, 2023 (2309.16588).

    picture -> patches -> embed -> class token + position (+ registers) -> [norm -> attention -> + -> norm -> mlp -> +] x n_layer
    -> norm -> class token or mean -> head -> logits
            -> patches, doubled in size step by step -> a value for each pixel           (where there is a map)

Against BERT: what is embedded are squares of pixels, by one linear map; pre-norm; nothing is masked, so every patch sees every
patch from the first layer on. Nothing in it knows that pixels have neighbours but the cutting and the learned positions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headway.base.derived import at_least_one
from headway.base.errors import HeadwayError
from headway.blocks.attention import attend, merge_heads, split_heads
from headway.blocks.linear import Linear
from headway.blocks.tap import Tap

NOTES = {
    "embedding": "squares of pixels through one linear map, the same as a convolution with stride = size",
    "position": "a learned vector per patch, resized bicubically for pictures of another size (with registers: antialiased); a "
    "class token in front",
    "norm": "LayerNorm, before each sublayer (pre-norm), and one more at the end",
    "attention": "every patch sees every patch; biases everywhere; DINOv2: registers join in, each sublayer scaled per feature",
    "mlp": "GELU between two linear maps, four times the width inside",
    "head": "one linear map from the class token, or from the mean of the patches; or a map of the picture, from the patches",
}
"""What is particular here, part by part: `headway diff` compares these between architectures."""


@dataclass(frozen=True, kw_only=True)
class ViTConfig:
    """The sizes of a ViT or a DINOv2.

    Attributes:
        image, patch: Pixels along the side of a picture and of a patch; `patch` divides `image`.
        channels: Of the picture.
        width, n_layer, n_head, ff_width: Residual stream, blocks, heads, width inside the MLP.
        n_class: Classes of the head; 0 for none (features only).
        labels: Their names, or none at all.
        pool: What the head reads: the class token, the mean of the patches, or both side by side (DINOv2's linear probe).
        n_register: Extra tokens that belong to no patch (DINOv2 with registers).
        layer_scale: Start of a learned factor per feature on each sublayer's output; None for no such factor.
        mask_token: Whether there is a vector that stands in for hidden patches (DINOv2's training).
        map_widths: Channels after each step of a head that makes a map of the patches, twice as fine with every step; none
            for no map. It stands instead of classes.
        qkv_bias: Whether queries, keys and values have a bias.
        eps: Added to the variance in LayerNorm.
        dropout: Probability on embeddings and sublayer outputs, in training only.
    """

    image: int = 224
    patch: int = 16
    channels: int = 3
    width: int
    n_layer: int
    n_head: int
    ff_width: int
    n_class: int = 0
    labels: tuple[str, ...] = ()
    pool: Literal["class", "mean", "both"] = "class"
    n_register: int = 0
    layer_scale: float | None = None
    mask_token: bool = False
    map_widths: tuple[int, ...] = ()
    qkv_bias: bool = True
    eps: float = 1e-12
    dropout: float = 0.0

    def __post_init__(self) -> None:
        at_least_one(self, "width", "n_layer", "n_head", "ff_width", "image", "patch", "channels")
        if self.image % self.patch:
            raise HeadwayError(f"patch must divide image: {self.image} pixels do not cut into patches of {self.patch}")
        if self.width % self.n_head:
            raise HeadwayError(f"n_head must divide width: {self.width} is not a multiple of {self.n_head}")
        if self.pool not in ("class", "mean", "both"):
            raise HeadwayError(f"pool is class, mean or both, not {self.pool!r}")
        object.__setattr__(self, "labels", tuple(self.labels))
        if len(self.labels) not in (0, self.n_class):
            raise HeadwayError(f"labels names every class or none: {len(self.labels)} names for {self.n_class} classes")
        if self.map_widths and self.n_class:
            raise HeadwayError("a model has a head for classes or one for a map: set n_class=0, or map_widths=()")

    @property
    def side(self) -> int:
        """Patches along a side."""
        return self.image // self.patch


class ViT(nn.Module):
    """Pictures in; a vector per token out (`hidden`), and logits of the classes (`forward`)."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.config = config
        self.patches = Linear(config.channels * config.patch**2, config.width)
        self.class_token = nn.Parameter(torch.zeros(config.width))
        self.position = nn.Parameter(torch.zeros(1 + config.side**2, config.width))
        self.registers = nn.Parameter(torch.zeros(config.n_register, config.width)) if config.n_register else None
        self.mask_token = nn.Parameter(torch.zeros(config.width)) if config.mask_token else None
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.width, config.eps)
        pooled = 2 * config.width if config.pool == "both" else config.width
        self.head = Linear(pooled, config.n_class) if config.n_class else None
        self.map = MapHead(config.width, config.map_widths) if config.map_widths else None
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights: truncated N(0, 0.02), biases 0, gains 1; registers and mask token start small too."""
        for name, weight in self.named_parameters():
            if "norm" in name and name.endswith("weight"):
                nn.init.ones_(weight)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
            elif name.endswith("_scale"):
                nn.init.constant_(weight, self.config.layer_scale or 1.0)
            else:
                nn.init.trunc_normal_(weight, std=0.02, generator=generator)

    def forward(self, pictures: Float[Tensor, "b c y x"], *, hide: Bool[Tensor, "b p"] | None = None) -> Tensor:
        """Logits of the classes, (b, n_class), or of every pixel, (b, y, x); without a head the pooled vector, (b, width)."""
        x = self.hidden(pictures, hide=hide)
        if self.map is not None:
            return self.map(x[:, 1 + self.config.n_register :], self.config.patch, pictures.shape[2:])
        pooled = self.pool(x)
        return pooled if self.head is None else self.head(pooled)

    def hidden(
        self, pictures: Float[Tensor, "b c y x"], *, hide: Bool[Tensor, "b p"] | None = None
    ) -> Float[Tensor, "b t d"]:
        """The normed residual stream: the class token, then the registers, then the patches row by row.

        Args:
            pictures: Normalised as the checkpoint wants it; sides that the patch divides. Another size than the
                configuration's has its positions resized.
            hide: True at patches to be replaced by the mask token.
        """
        x = self.embed(pictures, hide)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def embed(self, pictures: Float[Tensor, "b c y x"], hide: Bool[Tensor, "b p"] | None = None) -> Tensor:
        """Tokens with their positions, as the first block gets them."""
        b, c, height, width = pictures.shape
        n = self.config.patch
        if c != self.config.channels:
            raise HeadwayError(f"this model takes pictures of {self.config.channels} channels, not {c}")
        if height % n or width % n:
            raise HeadwayError(f"the patch is {n} pixels: a picture of {height} x {width} does not cut into patches")
        x = self.patches(patchify(pictures, n))
        if hide is not None:
            if self.mask_token is None:
                raise HeadwayError("this model has no mask token: it cannot hide patches")
            x = torch.where(hide[..., None], self.mask_token, x)
        x = torch.cat((self.class_token.expand(b, 1, -1), x), dim=1) + self.positions(height // n, width // n)
        if self.registers is not None:
            x = torch.cat((x[:, :1], self.registers.expand(b, -1, -1), x[:, 1:]), dim=1)
        return self.drop(x)

    def positions(self, rows: int, columns: int) -> Float[Tensor, "t d"]:
        """The class token's position, then those of a grid of `rows` by `columns`, resized if it is not the learned one."""
        side = self.config.side
        if (rows, columns) == (side, side):
            return self.position
        grid = self.position[1:].view(1, side, side, -1).permute(0, 3, 1, 2)
        # Resized in at least float32: bicubic weights in half precision would shift the grid.
        wide = grid.to(torch.promote_types(grid.dtype, torch.float32))
        smooth = self.config.n_register > 0  # the released models with registers resize so
        wide = F.interpolate(wide, size=(rows, columns), mode="bicubic", align_corners=False, antialias=smooth)
        return torch.cat((self.position[:1], wide.to(grid.dtype).flatten(2)[0].T))

    def pool(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b w"]:
        """What the head reads: see `ViTConfig.pool`. Registers are never part of it."""
        first, mean = x[:, 0], x[:, 1 + self.config.n_register :].mean(1)
        if self.config.pool == "both":
            return torch.cat((first, mean), dim=-1)
        return first if self.config.pool == "class" else mean


class MapHead(nn.Module):
    """From the patches to a value per pixel: transposed convolutions that double the sides, each with batch norm and ReLU."""

    def __init__(self, width: int, widths: tuple[int, ...]):
        super().__init__()
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1) for a, b in pairwise((width, *widths)))
        self.norm = nn.ModuleList(BatchNorm(width) for width in widths)
        self.out = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, x: Float[Tensor, "b p d"], patch: int, size: torch.Size) -> Float[Tensor, "b y x"]:
        grid = x.transpose(1, 2).unflatten(2, (size[0] // patch, size[1] // patch))
        for up, norm in zip(self.up, self.norm, strict=True):
            grid = F.relu(norm(up(grid)))
        return F.interpolate(self.out(grid), size=tuple(size), mode="bilinear", align_corners=False)[:, 0]


class BatchNorm(nn.Module):
    """Each channel over the batch and its pixels while training, by the running mean and variance afterwards (1502.03167)."""

    def __init__(self, width: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.mean, self.variance, self.weight, self.bias, self.training)


def patchify(pictures: Float[Tensor, "b c y x"], n: int) -> Float[Tensor, "b p cnn"]:
    """Cut pictures into squares of `n` pixels, row by row: (b, patches, channels · n · n), a square channel by channel."""
    b, c, height, width = pictures.shape
    squares = pictures.view(b, c, height // n, n, width // n, n).permute(0, 2, 4, 1, 3, 5)
    return squares.reshape(b, -1, c * n * n)


class Block(nn.Module):
    """Attention, then the MLP, each on a normed copy of the stream, scaled per feature if so configured, and added back."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.attn_norm, self.mlp_norm = (nn.LayerNorm(config.width, config.eps) for _ in range(2))
        self.attn, self.mlp = Attention(config), MLP(config)
        for name in ("attn_scale", "mlp_scale"):
            scale = (
                None if config.layer_scale is None else nn.Parameter(torch.full((config.width,), config.layer_scale))
            )
            setattr(self, name, scale)
        self.after_attn, self.after_mlp = Tap(), Tap()

    def forward(self, x: Tensor) -> Tensor:
        attended = self.attn(self.attn_norm(x))
        x = self.after_attn(x + (attended if self.attn_scale is None else attended * self.attn_scale))
        mapped = self.mlp(self.mlp_norm(x))
        return self.after_mlp(x + (mapped if self.mlp_scale is None else mapped * self.mlp_scale))


class Attention(nn.Module):
    """Multi-head attention of all tokens to all; one fused projection for queries, keys and values."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = Linear(config.width, 3 * config.width, bias=config.qkv_bias)
        self.out = Linear(config.width, config.width)
        self.drop = nn.Dropout(config.dropout)
        self.scale = 1 / math.sqrt(config.width // config.n_head)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        q, k, v = (split_heads(part, self.n_head) for part in self.qkv(x).chunk(3, dim=-1))
        return self.drop(self.out(merge_heads(attend(q, k, v, scale=self.scale))))


class MLP(nn.Module):
    """Two linear maps with the exact GELU between them."""

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.up = Linear(config.width, config.ff_width)
        self.down = Linear(config.ff_width, config.width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.down(F.gelu(self.up(x))))


PRESETS = {  # table 1 of the paper; table 17 of DINOv2 and its released config.json files
    "vit-b16": ViTConfig(width=768, n_layer=12, n_head=12, ff_width=3072, n_class=1000),
    "vit-l16": ViTConfig(width=1024, n_layer=24, n_head=16, ff_width=4096, n_class=1000),
    "dinov2-s14": ViTConfig(
        image=518,
        patch=14,
        width=384,
        n_layer=12,
        n_head=6,
        ff_width=1536,
        layer_scale=1.0,
        mask_token=True,
        eps=1e-6,
    ),
    "dinov2-b14-registers": ViTConfig(
        image=518,
        patch=14,
        width=768,
        n_layer=12,
        n_head=12,
        ff_width=3072,
        n_register=4,
        layer_scale=1.0,
        mask_token=True,
        eps=1e-6,
    ),
}
