"""The small causal Transformer that several claims train: norm before, after, or DeepNorm. Not a model of the catalogue.

Initialised as the papers on the subject do: Xavier for every matrix, zero biases, and an embedding of variance one, so
that a token's vector has the squared length `width` which the theory assumes.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["pre", "post"]


class Block(nn.Module):
    """Attention and MLP with residuals; `norm` says whether LayerNorm sits on the branch or after the sum."""

    def __init__(self, width: int, n_head: int, norm: Norm) -> None:
        super().__init__()
        self.n_head, self.norm = n_head, norm
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.attn_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def attend(self, x: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.n_head, d // self.n_head).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, d))

    def mlp(self, x: Tensor) -> Tensor:
        return self.down(F.relu(self.up(x)))

    def forward(self, x: Tensor) -> Tensor:
        if self.norm == "pre":
            x = x + self.attend(self.attn_norm(x))
            return x + self.mlp(self.mlp_norm(x))
        x = self.attn_norm(x + self.attend(x))
        return self.mlp_norm(x + self.mlp(x))


class SmallLM(nn.Module):
    """Learned positions, `layers` blocks, for "pre" a last LayerNorm, and a head of its own: tokens (b t) -> logits (b t v)."""

    def __init__(self, symbols: int, length: int, *, layers: int, width: int, n_head: int, norm: Norm) -> None:
        super().__init__()
        self.embed, self.position = nn.Embedding(symbols, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, n_head, norm) for _ in range(layers))
        self.norm = nn.LayerNorm(width) if norm == "pre" else nn.Identity()
        self.head = nn.Linear(width, symbols, bias=False)
        self.apply(_initialise)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.position.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def _initialise(module: nn.Module) -> None:
    """Applied to children first, so that a block can put right what its Linear layers got."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.5**0.5)
    elif isinstance(module, Block):
        # q, k and v are three matrices of one shape, not one of 3d: Xavier has to see each alone.
        for part in module.qkv.weight.data.chunk(3):
            nn.init.xavier_uniform_(part)


def next_symbol_loss(model: nn.Module, tokens: Tensor) -> Tensor:
    """Mean cross-entropy in nats of every next symbol of `tokens` (b, t + 1)."""
    logits = model(tokens[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


@torch.no_grad()
def held_out_loss(model: nn.Module, tokens: Tensor) -> float:
    """`next_symbol_loss` without gradients, as a float."""
    return next_symbol_loss(model, tokens).item()
