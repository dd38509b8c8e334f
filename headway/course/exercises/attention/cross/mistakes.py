"""Wrong answers to cross attention that people really give."""

import math

import torch
from torch import nn

from headway.learn.cases import switches


class CrossAttention(nn.Module):
    """The right answer, with a switch per mistake."""

    _from, _mask, _fill, _causal, _scale, _softmax = "x states states", "keys", -math.inf, False, "head", "keys"
    _split, _merge, _out, _residual = "transpose", "transpose", True, False

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def split(self, x):
        b, n, d = x.shape
        if self._split == "view":
            return x.reshape(b, self.n_head, n, d // self.n_head)
        if self._split == "interleaved":
            return x.reshape(b, n, d // self.n_head, self.n_head).permute(0, 3, 1, 2)
        if self._split == "one":
            return x[:, None]
        return x.reshape(b, n, self.n_head, d // self.n_head).transpose(1, 2)

    def forward(self, x, states, mask=None):
        if self._mask == "zeroed" and mask is not None:
            states = states * mask[..., None]
        of = {"x": x, "states": states}
        q, k, v = (layer(of[w]) for layer, w in zip((self.q, self.k, self.v), self._from.split(), strict=True))
        q, k, v = self.split(q), self.split(k), self.split(v)
        t, s, d = q.shape[2], k.shape[2], x.shape[-1]
        factor = {"head": d // self.n_head, "model": d, "none": 1, "source": s}[self._scale]
        scores = q @ k.mT / math.sqrt(factor)
        visible = torch.ones(len(x), 1, t, s, dtype=torch.bool)
        if mask is not None:
            if self._mask in ("keys", "after", "inverted"):
                visible = visible & mask[:, None, None, :]
            elif self._mask == "queries":
                visible = visible & mask[:, None, :, None]
            elif self._mask == "first row":
                visible = visible & mask[0]
            if self._mask == "inverted":
                visible = ~visible
        if self._causal:
            visible = visible & torch.ones(t, s, dtype=torch.bool).tril(s - t if self._causal == "last" else 0)
        if self._mask == "after":
            weights = scores.softmax(-1).masked_fill(~visible, 0.0)
        else:
            scores = scores.masked_fill(~visible, self._fill)
            weights = scores.softmax({"keys": -1, "queries": -2, "heads": 1}[self._softmax])
        y = weights @ v
        if self._merge == "reshape":
            y = y.reshape(len(x), t, d)
        else:
            y = y.transpose(1, 2).reshape(len(x), t, d)
        y = self.out(y) if self._out else y
        return x + y if self._residual else y


MISTAKES = switches(
    CrossAttention,
    {
        "self_attention": (
            "keys and values are made from x: this is self-attention, and the source is never looked at",
            {"_from": "x x x"},
        ),
        "source_attends_to_itself": (
            "queries, keys and values are all made from `states`: the queries have to come from x",
            {"_from": "states states states"},
        ),
        "roles_exchanged": (
            "the queries come from `states` and the keys and values from x: it is x that asks and the source that is asked",
            {"_from": "states x x"},
        ),
        "values_from_x": (
            "the values are made from x: keys and values belong together, both come from `states`",
            {"_from": "x states x"},
        ),
        "keys_from_x": (
            "the keys are made from x: keys and values belong together, both come from `states`",
            {"_from": "x x states"},
        ),
        "causal": (
            "a causal mask is applied (tril): the {t} positions of the decoder and the {s} of the source have no order between "
            "them, each may see the whole source",
            {"_causal": "first"},
        ),
        "causal_from_the_end": (
            "a causal mask is applied, its last query at the last key: every position may see the whole source",
            {"_causal": "last"},
        ),
        "mask_ignored": ("`mask` is not used: padding of the source is looked at", {"_mask": "ignored"}),
        "mask_inverted": (
            "the mask is turned round: True means a real token here, and what is False has to be hidden. (PyTorch's "
            "key_padding_mask has it the other way: True is padding there)",
            {"_mask": "inverted"},
        ),
        "mask_on_the_queries": (
            "the mask is laid along the queries, mask[:, None, :, None]: it speaks of the source, the keys, "
            "mask[:, None, None, :]",
            {"_mask": "queries"},
        ),
        "mask_of_the_first_row": (
            "the mask of the first row is used for all {b}: each row of the batch has its own",
            {"_mask": "first row"},
        ),
        "padding_zeroed": (
            "padding is multiplied by 0 in `states` and still looked at: a key of zeros has a score like any other, and its "
            "weight is lost to the others. Hide its score with -inf",
            {"_mask": "zeroed"},
        ),
        "mask_after_softmax": (
            "the weights of padding are put to zero after the softmax: what remains no longer adds up to 1",
            {"_mask": "after"},
        ),
        "mask_fills_a_number": (
            "a score of padding is put to {_fill}, which is not low enough where the scores themselves are larger: use -inf",
            {"_fill": -1e4},
            {"_fill": [-1e1, -1e2, -1e3, -1e5]},
        ),
        "mask_fills_zero": (
            "a score of padding is put to 0, and exp(0) is 1: it is still looked at. Fill with -inf",
            {"_fill": 0.0},
        ),
        "scale_by_model_width": (
            "the scores are divided by the square root of the model width, {h*k}, not of the head width, {k}",
            {"_scale": "model"},
        ),
        "scale_by_source_length": (
            "the scores are divided by the square root of the source's length, {s}, not of the head width, {k}",
            {"_scale": "source"},
        ),
        "no_scale": ("the scores are not divided by sqrt({k}), the square root of the head width", {"_scale": "none"}),
        "softmax_over_queries": (
            "the softmax runs over the {t} queries (dim=-2): the weights of one query over the {s} keys have to add up to 1",
            {"_softmax": "queries"},
        ),
        "softmax_over_heads": ("the softmax runs over the heads (dim=1), not over the keys", {"_softmax": "heads"}),
        "view_instead_of_transpose": (
            "the heads are cut with view(b, h, n, k) alone, which cuts up the time axis: view(b, n, {h}, {k}), then "
            "transpose(1, 2)",
            {"_split": "view"},
        ),
        "split_and_merge_by_view": (
            "the heads are cut by view(b, h, n, k) and merged by view(b, t, d): the shapes fit, but time and heads are mixed",
            {"_split": "view", "_merge": "reshape"},
        ),
        "merge_without_transpose": (
            "the heads are merged without moving them back beside their features: transpose(1, 2), then reshape",
            {"_merge": "reshape"},
        ),
        "one_wide_head": (
            "there is one head of width {h*k} where {h} of width {k} are asked for",
            {"_split": "one"},
        ),
        "no_output_projection": ("the output projection, the fourth layer, is missing", {"_out": False}),
        "residual_inside": (
            "x is added to the result: the residual connection belongs to the block around the attention",
            {"_residual": True},
        ),
    },
)
