"""A table of learned vectors that says which of its rows was asked for and is not there."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headway.base.errors import HeadwayError


class Embedding(nn.Embedding):
    """`nn.Embedding`, its parameters the same, whose complaint names the limit.

    Args:
        rows, width: Of the table.
        called: What a row stands for, in the complaint.

    On a GPU PyTorch checks nothing before it is too late, and so neither does this: asking first would make every token wait.
    """

    def __init__(self, rows: int, width: int, called: str = "token id"):
        super().__init__(rows, width)
        self.called = called

    def forward(self, input: Int[Tensor, "*b"]) -> Float[Tensor, "*b d"]:
        """The rows of `input`.

        Raises:
            HeadwayError: if a row is not there (on the CPU).
        """
        if torch.compiler.is_compiling():
            return super().forward(input)
        try:
            return super().forward(input)
        except IndexError:
            wrong = input[(input < 0) | (input >= self.num_embeddings)]
            if not len(wrong):
                raise
            raise HeadwayError(
                f"{self.called} {int(wrong[0])} is out of range: this model has {self.num_embeddings}, "
                f"from 0 to {self.num_embeddings - 1}"
            ) from None
