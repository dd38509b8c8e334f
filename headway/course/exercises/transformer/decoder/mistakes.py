"""Wrong answers to the decoder layer that people really give."""

import math

import torch
import torch.nn.functional as F

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


def decoder_layer(
    x, states, weights, n_head, mask=None, *,
    _norm="post", _sums="acm", _order="acm", _causal="past", _cross_causal=False, _mask="cross", _fill=-math.inf, _keys="states",
    _cross="cross", _norms="own", _act="relu", _scale="head", _split="heads", _out=True, _transposed=False, _mlp_reads="x",
    _eps=1e-5, _cross_reads="x", _bias=True,
):  # fmt: skip
    """The right answer, with a switch per mistake."""

    def linear(name, y):
        weight = weights[f"{name}.weight"]
        if _transposed and weight.shape[0] == weight.shape[1]:
            weight = weight.T
        return F.linear(y, weight, weights[f"{name}.bias"] if _bias else None)

    def norm(name, y):
        name = "attn_norm" if _norms == "first" else name
        return F.layer_norm(y, y.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], _eps)

    def attention(name, x, y, z, visible):
        b, _, d = x.shape
        q, k, v = linear(f"{name}.q", x), linear(f"{name}.k", y), linear(f"{name}.v", z)
        if _split == "view":
            q, k, v = (u.reshape(b, n_head, -1, d // n_head) for u in (q, k, v))
        elif _split == "one":
            q, k, v = (u[:, None] for u in (q, k, v))
        else:
            q, k, v = (u.reshape(b, -1, n_head, d // n_head).transpose(1, 2) for u in (q, k, v))
        scores = q @ k.mT / math.sqrt({"head": d // n_head, "model": d, "none": 1}[_scale])
        out = (scores.masked_fill(~visible, _fill).softmax(-1) @ v).transpose(1, 2).reshape(b, -1, d)
        return linear(f"{name}.out", out) if _out else out

    t, s = x.shape[1], states.shape[1]
    everything = torch.ones(1, 1, t, t, dtype=torch.bool)
    past = {
        "past": everything.tril(),
        "none": everything,
        "strict": everything.tril(-1) | torch.eye(t, dtype=torch.bool)[:1].T,
        "future": everything.triu(),
        "ahead": everything.tril(1),
    }[_causal]
    real = torch.ones(len(x), 1, 1, s, dtype=torch.bool)
    if mask is not None:
        if _mask in ("cross", "both"):
            real = mask[:, None, None]
        elif _mask == "first row":
            real = mask[:1, None, None]
        elif _mask == "inverted":
            real = ~mask[:, None, None]
        if _mask in ("self", "both") and s == t:
            past = past & (mask[:, None, None] | torch.eye(t, dtype=torch.bool))
    if _cross_causal:
        real = real & torch.ones(t, s, dtype=torch.bool).tril()
    start = x

    def self_attention(x):
        return attention("attn", x, x, x, past)

    def cross_attention(x):
        if _keys == "none":
            return attention("cross", x, x, x, past)
        if _keys == "exchanged":
            return (
                attention("cross", states[:, :t], x, x, everything)
                if s >= t
                else attention("cross", x, x, x, everything)
            )
        y = norm("cross_norm", states) if _keys == "normed" else states
        return attention(_cross, start if _cross_reads == "start" else x, y, y, real)

    def mlp(x):
        act = ACTIVATIONS[_act]
        return linear("down", act(linear("up", start if _mlp_reads == "start" else x)))

    parts = {"a": ("attn_norm", self_attention), "c": ("cross_norm", cross_attention), "m": ("mlp_norm", mlp)}
    for letter in _order:
        name, sublayer = parts[letter]
        if _norms == "exchanged":
            name = {"attn_norm": "mlp_norm", "mlp_norm": "attn_norm"}.get(name, name)
        if _norm == "pre":
            x = x + sublayer(norm(name, x))
        elif _norm == "branch":
            x = x + norm(name, sublayer(x))
        elif letter in _sums:
            x = norm(name, x + sublayer(x))
        else:
            x = norm(name, sublayer(x))
    return x


MISTAKES = switches(
    decoder_layer,
    {
        "pre_norm": (
            "the norm stands before each sublayer, x + f(norm(x)): in 2017 it comes after the sum, norm(x + f(x))",
            {"_norm": "pre"},
        ),
        "branch_normed": (
            "only the sublayer's result is normed, x + norm(f(x)): the norm has to take the sum",
            {"_norm": "branch"},
        ),
        "no_residual_around_self_attention": (
            "the residual around the self-attention is missing",
            {"_sums": "cm"},
        ),
        "no_residual_around_cross_attention": (
            "the residual around the cross attention is missing: what the target said so far is lost there",
            {"_sums": "am"},
        ),
        "no_residual_around_mlp": ("the residual around the MLP is missing", {"_sums": "ac"}),
        "cross_attention_first": (
            "the cross attention comes before the self-attention: the target looks at itself first",
            {"_order": "cam"},
        ),
        "mlp_in_the_middle": (
            "the MLP comes between the two attentions: it is the last of the three",
            {"_order": "amc"},
        ),
        "no_cross_attention": ("the cross attention is missing: the source is never looked at", {"_order": "am"}),
        "no_self_attention": ("the self-attention is missing", {"_order": "cm"}),
        "not_causal": ("the self-attention sees the future: a triangle, tril()", {"_causal": "none"}),
        "causal_upside_down": ("the triangle is upside down: the future is seen, not the past", {"_causal": "future"}),
        "causal_one_ahead": ("the triangle is one too wide: every position sees the next", {"_causal": "ahead"}),
        "cross_attention_causal": (
            "the cross attention is causal too: every position may look at the whole source",
            {"_cross_causal": True},
        ),
        "cross_attention_to_itself": (
            "the second attention looks at x again: its keys and values are made from `states`",
            {"_keys": "none"},
        ),
        "states_normed": (
            "the encoder's states are normed here: they are taken as they are",
            {"_keys": "normed"},
        ),
        "one_attention_for_both": (
            "the same weights are used for both attentions (attn.*): the second has its own (cross.*)",
            {"_cross": "attn"},
        ),
        "cross_attention_reads_the_input": (
            "the cross attention's queries come from the layer's input: they come from what the self-attention has left, normed",
            {"_cross_reads": "start"},
        ),
        "mlp_reads_the_input": (
            "the MLP reads the layer's input: it reads what the cross attention has left, normed",
            {"_mlp_reads": "start"},
        ),
        "one_norm_for_all": ("the first norm is used for all three: each has weights of its own", {"_norms": "first"}),
        "norms_exchanged": ("the norms of self-attention and MLP are exchanged", {"_norms": "exchanged"}),
        "mask_ignored": ("`mask` is not used: padding of the source is looked at", {"_mask": "ignored"}),
        "mask_of_the_first_row": (
            "the mask of the first row is used for all {b}: each row of the batch has its own",
            {"_mask": "first row"},
        ),
        "mask_inverted": (
            "the mask is turned round: True means a real token here (in PyTorch's memory_key_padding_mask it means padding)",
            {"_mask": "inverted"},
        ),
        "mask_on_both": (
            "the source's mask is applied to the self-attention as well: it says nothing about the target",
            {"_mask": "both"},
        ),
        "mask_fills_a_number": (
            "a hidden score is put to {_fill}, which is not low enough where the scores themselves are larger: use -inf",
            {"_fill": -1e4},
            {"_fill": [-1e1, -1e2, -1e3, -1e5]},
        ),
        "mask_fills_zero": (
            "hidden scores are put to 0, and exp(0) is 1: they are still looked at. Fill with -inf",
            {"_fill": 0.0},
        ),
        "another_activation": (
            "there is a {_act} between the two layers of the MLP: in 2017 it is max(0, ·), a ReLU",
            {"_act": "GELU"},
            {"_act": ["GELU by tanh", "SiLU", "leaky ReLU", "ReLU6", "ELU", "squared ReLU", "sigmoid", "tanh"]},
        ),
        "no_activation": ("there is nothing between the two layers of the MLP: a ReLU", {"_act": "none"}),
        "scale_by_model_width": (
            "the scores are divided by the square root of the model width, {h*k}, not of the head width, {k}",
            {"_scale": "model"},
        ),
        "no_scale": ("the scores are not divided by sqrt({k}), the square root of the head width", {"_scale": "none"}),
        "view_instead_of_transpose": (
            "the heads are cut with view(b, h, t, k) alone, which cuts up the time axis: view(b, t, {h}, {k}), then "
            "transpose(1, 2)",
            {"_split": "view"},
        ),
        "one_wide_head": ("there is one head of width {h*k}: {h} of width {k} are asked for", {"_split": "one"}),
        "no_output_projection": ("the attentions' output projections are missing", {"_out": False}),
        "weights_transposed": (
            "square weights are used the wrong way round, x @ W: they are stored (out, in), x @ W.T",
            {"_transposed": True},
        ),
        "no_biases": ("the linear maps' biases are not used", {"_bias": False}),
        "eps_of_another": (
            "the norms have the eps {_eps}: PyTorch's own, 1e-5, is asked for",
            {"_eps": 1e-6},
            {"_eps": [1e-3, 1e-4, 1e-7, 1e-8, 1e-9, 1e-12]},
        ),
    },
)
