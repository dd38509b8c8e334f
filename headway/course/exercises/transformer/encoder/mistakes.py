"""Wrong answers to the encoder layer that people really give."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from headway.learn.cases import switches

ACTIVATIONS = {
    "relu": F.relu,
    "none": lambda y: y,
    "GELU": F.gelu,
    "GELU by tanh": lambda y: F.gelu(y, approximate="tanh"),
    "SiLU": F.silu,
    "leaky ReLU": F.leaky_relu,
    "ReLU6": F.relu6,
    "ELU": F.elu,
    "squared ReLU": lambda y: F.relu(y).square(),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


class EncoderLayer(nn.Module):
    """The right answer, with a switch per mistake."""

    _norm, _attn_sum, _mlp_sum, _mlp_reads, _mlp_adds, _act, _same = "post", True, True, "x", "x", "relu", False
    _mask, _fill, _scale, _softmax, _split, _merge, _out, _causal = (
        "keys",
        -math.inf,
        "head",
        "keys",
        "heads",
        True,
        True,
        False,
    )
    _eps, _order, _skip_norm = 1e-5, "attention first", ""

    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.attn_norm = nn.LayerNorm(width, self._eps)
        self.up, self.down = nn.Linear(width, ff_width), nn.Linear(ff_width, width)
        self.mlp_norm = nn.LayerNorm(width, self._eps)

    def attention(self, x, mask):
        b, t, d = x.shape
        h = self.n_head
        q, k, v = (layer(x) for layer in (self.q, self.k, self.v))
        if self._split == "view":
            q, k, v = (y.reshape(b, h, t, d // h) for y in (q, k, v))
        elif self._split == "one":
            q, k, v = (y[:, None] for y in (q, k, v))
        else:
            q, k, v = (y.reshape(b, t, h, d // h).transpose(1, 2) for y in (q, k, v))
        scores = q @ k.mT / math.sqrt({"head": d // h, "model": d, "none": 1}[self._scale])
        visible = torch.ones(b, 1, t, t, dtype=torch.bool)
        if mask is not None and self._mask != "ignored":
            if self._mask == "first row":
                visible = visible & mask[:1, None, None, :]
            elif self._mask == "queries":
                visible = visible & mask[:, None, :, None]
            else:
                visible = visible & mask[:, None, None, :]
        if self._causal:
            visible = visible & torch.ones(t, t, dtype=torch.bool).tril()
        if self._mask == "inverted" and mask is not None:
            visible = ~visible
        if self._mask == "after":
            weights = scores.softmax(-1).masked_fill(~visible, 0.0)
        else:
            weights = scores.masked_fill(~visible, self._fill).softmax({"keys": -1, "queries": -2}[self._softmax])
        y = weights @ v
        y = y.transpose(1, 2).reshape(b, t, d) if self._merge else y.reshape(b, t, d)
        return self.out(y) if self._out else y

    def mlp(self, x):
        inside = self.up(x)
        if self._act == "after":
            return self.down(inside).relu()
        if self._act == "twice":
            return self.down(inside.relu()).relu()
        act = ACTIVATIONS[self._act]
        return self.down(act(inside))

    def forward(self, x, mask=None):
        one, two = self.attn_norm, self.mlp_norm
        if self._same:
            two = one
        if self._skip_norm == "first":
            one = nn.Identity()
        elif self._skip_norm == "second":
            two = nn.Identity()
        elif self._skip_norm == "exchanged":
            one, two = two, one
        start = x
        if self._order == "mlp first":
            x = one(x + self.mlp(x))
            return two(x + self.attention(x, mask))
        if self._norm == "pre":
            x = x + self.attention(one(x), mask)
            return x + self.mlp(two(x))
        if self._norm == "branch":
            x = x + one(self.attention(x, mask))
            return x + two(self.mlp(x))
        if self._norm == "end":
            x = x + self.attention(x, mask)
            return two(x + self.mlp(x))
        attended = self.attention(x, mask)
        x = one(x + attended) if self._attn_sum else one(attended)
        changed = self.mlp(start if self._mlp_reads == "start" else x)
        if not self._mlp_sum:
            return two(changed)
        return two((start if self._mlp_adds == "start" else x) + changed)


MISTAKES = switches(
    EncoderLayer,
    {
        "pre_norm": (
            "the norm stands before each sublayer, x + f(norm(x)): in 2017 it comes after the sum, norm(x + f(x))",
            {"_norm": "pre"},
        ),
        "branch_normed": (
            "only the sublayer's result is normed, x + norm(f(x)): the norm has to take the sum",
            {"_norm": "branch"},
        ),
        "norm_at_the_end_only": (
            "there is no norm between attention and MLP: each of the two sums has its own",
            {"_norm": "end"},
        ),
        "no_second_norm": ("the norm after the second sum is missing", {"_skip_norm": "second"}),
        "one_norm_for_both": (
            "the same norm is used twice: each of the two has weights of its own",
            {"_same": True},
        ),
        "no_residual_around_attention": (
            "the residual around the attention is missing: norm(x + attention(x))",
            {"_attn_sum": False},
        ),
        "no_residual_around_mlp": ("the residual around the MLP is missing: norm(x + mlp(x))", {"_mlp_sum": False}),
        "no_residual_at_all": (
            "both residual connections are missing: norm(x + f(x)), not norm(f(x))",
            {"_attn_sum": False, "_mlp_sum": False},
        ),
        "mlp_reads_the_input": (
            "the MLP reads the layer's input: it has to read what the attention has left, normed",
            {"_mlp_reads": "start"},
        ),
        "input_added_twice": (
            "the MLP's result is added to the layer's input: it has to be added to what the MLP has read",
            {"_mlp_adds": "start"},
        ),
        "mlp_first": ("the MLP comes before the attention", {"_order": "mlp first"}),
        "another_activation": (
            "there is a {_act} between the two layers of the MLP: in 2017 it is max(0, ·), a ReLU",
            {"_act": "GELU"},
            {"_act": ["GELU by tanh", "SiLU", "leaky ReLU", "ReLU6", "ELU", "squared ReLU", "sigmoid", "tanh"]},
        ),
        "no_activation": (
            "there is nothing between the two layers of the MLP, which together are then one: a ReLU",
            {"_act": "none"},
        ),
        "activation_at_the_end": (
            "the ReLU comes after the second layer of the MLP: it stands between the two",
            {"_act": "after"},
        ),
        "activation_twice": (
            "there is a ReLU after the second layer of the MLP too: what is added may be negative",
            {"_act": "twice"},
        ),
        "causal": ("the attention is causal: an encoder looks both ways", {"_causal": True}),
        "mask_ignored": ("`mask` is not used: padding is looked at", {"_mask": "ignored"}),
        "mask_of_the_first_row": (
            "the mask of the first row is used for all {b}: each row of the batch has its own",
            {"_mask": "first row"},
        ),
        "mask_inverted": (
            "the mask is turned round: True means a real token here (in PyTorch's src_key_padding_mask it means padding)",
            {"_mask": "inverted"},
        ),
        "mask_on_the_queries": (
            "the mask is laid along the queries: it is padded keys that nobody may look at, mask[:, None, None, :]",
            {"_mask": "queries"},
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
        "mask_after_softmax": (
            "the weights of padding are put to zero after the softmax: what remains no longer adds up to 1",
            {"_mask": "after"},
        ),
        "scale_by_model_width": (
            "the scores are divided by the square root of the model width, {h*k}, not of the head width, {k}",
            {"_scale": "model"},
        ),
        "no_scale": ("the scores are not divided by sqrt({k}), the square root of the head width", {"_scale": "none"}),
        "softmax_over_queries": ("the softmax runs over the queries: over the keys, dim=-1", {"_softmax": "queries"}),
        "view_instead_of_transpose": (
            "the heads are cut with view(b, h, t, k) alone, which cuts up the time axis: view(b, t, {h}, {k}), then "
            "transpose(1, 2)",
            {"_split": "view"},
        ),
        "one_wide_head": ("there is one head of width {h*k}: {h} of width {k} are asked for", {"_split": "one"}),
        "merge_without_transpose": (
            "the heads are merged without moving them back beside their features: transpose(1, 2), then reshape",
            {"_merge": False},
        ),
        "no_output_projection": ("the attention's output projection is missing", {"_out": False}),
        "eps_of_another": (
            "the norms have the eps {_eps}: PyTorch's own, 1e-5, is asked for",
            {"_eps": 1e-6},
            {"_eps": [1e-3, 1e-4, 1e-7, 1e-8, 1e-9, 1e-12]},
        ),
    },
)
