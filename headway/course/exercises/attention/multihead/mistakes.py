"""Wrong answers to multi-head causal self-attention that people really give."""

import math

import torch
from torch import nn

from headway.learn.cases import switches


class MultiHeadAttention(nn.Module):
    """The right answer, with a switch per mistake."""

    _split, _merge, _scale, _softmax, _causal, _out, _swap = "transpose", "transpose", "head", "keys", "past", True, ""
    _fill, _residual, _axis = -math.inf, False, "time"

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def split(self, x):
        b, t, d = x.shape
        h = self.n_head
        if self._split == "view":
            return x.contiguous().view(b, h, t, d // h)
        if self._split == "interleaved":
            return x.view(b, t, d // h, h).permute(0, 3, 1, 2)
        if self._split == "one":
            return x[:, None]
        return x.view(b, t, h, d // h).transpose(1, 2)

    def forward(self, x):
        if self._axis == "batch":
            x = x.transpose(0, 1)
        b, t, d = x.shape
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        if self._swap == "q k":
            q, k = k, q
        if self._swap == "v is k":
            v = k
        if self._swap == "no v":
            v = self.split(x)
        factor = {"head": d // self.n_head, "model": d, "none": 1, "heads": self.n_head, "time": t}[self._scale]
        scores = q @ k.transpose(-2, -1) / math.sqrt(factor)
        if self._scale == "twice":
            scores = scores / math.sqrt(factor)
        future = torch.ones(t, t, dtype=torch.bool).triu(1)
        if self._causal == "strict":
            future = torch.ones(t, t, dtype=torch.bool).triu(0)
        elif self._causal == "loose":
            future = torch.ones(t, t, dtype=torch.bool).triu(2)
        elif self._causal == "none":
            future = torch.zeros(t, t, dtype=torch.bool)
        elif self._causal == "upside down":
            future = future.mT
        if self._causal == "inside out":
            future = ~future
        if self._causal == "after":
            weights = scores.softmax(-1).masked_fill(future, 0.0)
        else:
            scores = scores.masked_fill(future, self._fill)
            weights = scores.softmax({"keys": -1, "queries": -2, "heads": 1}[self._softmax])
        y = weights @ v
        if self._merge == "reshape":
            y = y.reshape(b, t, d)
        elif self._merge == "mean":
            y = y.mean(1).repeat(1, 1, self.n_head) if self._split != "one" else y[:, 0]
        elif self._merge == "interleaved":
            y = y.permute(0, 2, 3, 1).reshape(b, t, d)
        elif self._split == "one":
            y = y[:, 0]
        else:
            y = y.transpose(1, 2).reshape(b, t, d)
        if self._out:
            y = self.out(y)
        if self._residual:
            y = x + y
        return y.transpose(0, 1) if self._axis == "batch" else y


MISTAKES = switches(
    MultiHeadAttention,
    {
        "view_instead_of_transpose": (
            "the heads are cut with view(b, h, t, k) alone: that cuts up the time axis, so that a head sees other positions' "
            "features. It has to be view(b, t, {h}, {k}) and then transpose(1, 2)",
            {"_split": "view"},
        ),
        "split_and_merge_by_view": (
            "the heads are cut with view(b, h, t, k) and merged with view(b, t, d): the shapes fit, but time and heads are "
            "mixed. It has to be view(b, t, {h}, {k}).transpose(1, 2), and the transpose back before the merge",
            {"_split": "view", "_merge": "reshape"},
        ),
        "heads_interleaved": (
            "a head has one feature in {h}: view(b, t, {k}, {h}) in place of view(b, t, {h}, {k}), which gives it {k} "
            "neighbouring ones",
            {"_split": "interleaved"},
        ),
        "heads_interleaved_throughout": (
            "heads are cut and merged with one feature in {h} per head: consistent, but head 0 is to have the first {k} "
            "features, as every checkpoint has it",
            {"_split": "interleaved", "_merge": "interleaved"},
        ),
        "merge_without_transpose": (
            "the heads are merged without moving them back beside their features: (b h t k) needs transpose(1, 2) before "
            "it is reshaped to (b t d)",
            {"_merge": "reshape"},
        ),
        "heads_averaged": (
            "the heads are averaged: they have to be laid side by side, {h} times {k} features, and mixed by the output "
            "projection",
            {"_merge": "mean"},
        ),
        "one_wide_head": (
            "x is not cut into heads: there is one head of width {h*k} where {h} of width {k} are asked for",
            {"_split": "one"},
        ),
        "no_output_projection": (
            "the output projection is missing: the heads, side by side, still have to go through the fourth linear layer",
            {"_out": False},
        ),
        "scale_by_model_width": (
            "the scores are divided by the square root of the model width, {h*k}, not of the head width, {k}",
            {"_scale": "model"},
        ),
        "scale_by_heads": (
            "the scores are divided by the square root of the number of heads, {h}, not of the head width, {k}",
            {"_scale": "heads"},
        ),
        "scale_by_length": (
            "the scores are divided by the square root of the sequence length, {t}, not of the head width, {k}",
            {"_scale": "time"},
        ),
        "no_scale": ("the scores are not divided by sqrt({k}), the square root of the head width", {"_scale": "none"}),
        "softmax_over_queries": (
            "the softmax runs over the queries (dim=-2); over the keys (dim=-1) the weights of a position add up to 1",
            {"_softmax": "queries"},
        ),
        "softmax_over_heads": (
            "the softmax runs over the heads (dim=1), not over the keys (dim=-1)",
            {"_softmax": "heads"},
        ),
        "no_causal_mask": ("there is no causal mask: every position sees its future", {"_causal": "none"}),
        "mask_strict": (
            "the mask hides a position from itself: the diagonal has to stay visible (triu(diagonal=1) is what is hidden)",
            {"_causal": "strict"},
        ),
        "mask_one_ahead": ("the mask is one too wide: every position sees the one after it", {"_causal": "loose"}),
        "mask_upside_down": (
            "the mask is upside down: positions see their future and not their past",
            {"_causal": "upside down"},
        ),
        "mask_inverted": (
            "the mask is turned round: the past, diagonal included, is filled with -inf, and the future is seen",
            {"_causal": "inside out"},
        ),
        "mask_after_softmax": (
            "the future is put to zero after the softmax: what remains of a row no longer adds up to 1",
            {"_causal": "after"},
        ),
        "mask_fills_a_number": (
            "a score of the future is put to {_fill}, which is not low enough where the scores themselves are larger: use -inf",
            {"_fill": -1e4},
            {"_fill": [-1e1, -1e2, -1e3, -1e5]},
        ),
        "mask_fills_zero": (
            "a score of the future is put to 0, and exp(0) is 1: it is still looked at. Fill with -inf",
            {"_fill": 0.0},
        ),
        "queries_and_keys_swapped": (
            "queries and keys have changed places: row t of the scores has to be the query of position t",
            {"_swap": "q k"},
        ),
        "keys_as_values": ("the weights are applied to the keys, not to the values", {"_swap": "v is k"}),
        "values_not_projected": (
            "the weights are applied to x itself: the value projection is not used",
            {"_swap": "no v"},
        ),
        "attends_over_the_batch": (
            "attention runs along the batch: x is (b t d), batch first, and is treated as (t b d)",
            {"_axis": "batch"},
        ),
        "residual_inside": (
            "x is added to the result: the residual connection belongs to the block around the attention",
            {"_residual": True},
        ),
    },
)
