"""Wrong answers that are in no list of mistakes, and right ones in unusual styles.

The judge has to reject the first and accept the second, whatever it calls them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.learn.exercise import find_exercise
from headway.learn.judge import Judge

pytestmark = pytest.mark.slow  # a minute; the newer half, test_adversarial_more.py, is in every build

HEAD = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"

# -- scaled dot-product attention ----------------------------------------------------------------------------------------

ATTEND = """
def attend(q, k, v, mask=None, *, causal=False, scale=None):
    t, s = q.shape[-2], k.shape[-2]
    {before}
    scale = {scale}
    scores = {scores}
    {scored}
    if mask is not None:
        scores = {masked}
    if causal:
        scores = {future}
    weights = {weights}
    {weighed}
    return {result}
"""
DEFAULTS = {
    "before": "pass",
    "scale": "1 / math.sqrt(q.shape[-1]) if scale is None else scale",
    "scores": "q @ k.transpose(-2, -1) * scale",
    "scored": "pass",
    "masked": 'scores.masked_fill(~mask, float("-inf"))',
    "future": 'scores.masked_fill(torch.ones(t, s, dtype=torch.bool).triu(s - t + 1), float("-inf"))',
    "weights": "scores.softmax(-1)",
    "weighed": "pass",
    "result": "weights @ v",
}


def attend(**changes: str) -> str:
    return HEAD + ATTEND.format(**{**DEFAULTS, **changes})


SDPA_WRONG = {
    "scale by the values' width": attend(scale="1 / math.sqrt(v.shape[-1]) if scale is None else scale"),
    "scale 0 taken for none, and a fixed width": attend(scale="1 / math.sqrt(64) if scale is None else scale"),
    "scale by integer root": attend(scale="1 / int(math.sqrt(q.shape[-1])) if scale is None else scale"),
    "scale twice": attend(scored="scores = scores * scale"),
    "scale applied to q and to k": attend(scores="(q * scale) @ (k * scale).transpose(-2, -1)"),
    "given scale divides": attend(scale="1 / math.sqrt(q.shape[-1]) if scale is None else 1 / scale"),
    "given scale on top of the root": attend(scale="(1 if scale is None else scale) / math.sqrt(q.shape[-1])"),
    "absolute scores": attend(scored="scores = scores.abs()"),
    "scores squared": attend(scored="scores = scores ** 2"),
    "cosine similarity": attend(scores="F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * scale"),
    "negative distance": attend(scores="-torch.cdist(q, k) * scale"),
    "minus sign": attend(scores="-(q @ k.transpose(-2, -1)) * scale"),
    "softmax over everything": attend(weights="scores.flatten(-2).softmax(-1).view_as(scores)"),
    "softmax over the batch": attend(weights="scores.softmax(0)"),
    "log softmax": attend(weights="scores.log_softmax(-1).exp().log().nan_to_num(neginf=0.0)"),
    "sigmoid": attend(weights="scores.sigmoid()"),
    "softmax of base 2": attend(weights="(scores * math.log(2)).softmax(-1)"),
    "softmax plus one": attend(weights="scores.exp() / (1 + scores.exp().sum(-1, keepdim=True))"),
    "epsilon in the denominator": attend(
        weights="(lambda e: e / (e.sum(-1, keepdim=True) + 1e-6))((scores - scores.amax(-1, keepdim=True)).exp())"
    ),
    "hardmax": attend(weights="F.one_hot(scores.argmax(-1), s).to(v.dtype)"),
    "uniform": attend(weights="(scores > -math.inf).to(v.dtype) / (scores > -math.inf).sum(-1, keepdim=True)"),
    "relu": attend(weights="scores.relu() / scores.relu().sum(-1, keepdim=True).clamp_min(1e-9)"),
    "rows not normalised after mask": attend(
        masked="scores", weighed="weights = weights if mask is None else weights * mask"
    ),
    "renormalised with epsilon": attend(
        masked="scores",
        weighed="weights = weights if mask is None else (weights * mask) / ((weights * mask).sum(-1, keepdim=True) + 1e-3)",
    ),
    "mask with -1": attend(masked="scores.masked_fill(~mask, -1.0)"),
    "mask with -100": attend(masked="scores.masked_fill(~mask, -100.0)"),
    "mask subtracts 1e3": attend(masked="scores - 1e3 * (~mask)"),
    "mask of the first row only": attend(masked='scores.masked_fill(~mask[:1], float("-inf"))'),
    "mask of the first head only": attend(masked='scores.masked_fill(~mask[:, :1], float("-inf"))'),
    "mask of the first query only": attend(masked='scores.masked_fill(~mask[..., :1, :], float("-inf"))'),
    "mask only where it is (b 1 1 s)": attend(
        masked='scores.masked_fill(~mask, float("-inf")) if mask.shape[-2] == 1 else scores'
    ),
    "mask transposed where square": attend(
        masked='scores.masked_fill(~(mask.mT if mask.shape[-1] == mask.shape[-2] else mask), float("-inf"))'
    ),
    "causal before the mask is lost": attend(
        future='(q @ k.mT * scale).masked_fill(torch.ones(t, s, dtype=torch.bool).triu(s - t + 1), float("-inf"))'
    ),
    "causal with 0": attend(future="scores.tril(s - t)"),
    "causal only for squares": attend(
        future='scores.masked_fill(torch.ones(t, s, dtype=torch.bool).triu(1), float("-inf")) if t == s else scores'
    ),
    "causal aligned the other way": attend(
        future='scores.masked_fill(torch.ones(t, s, dtype=torch.bool).triu(t - s + 1), float("-inf"))'
    ),
    "causal window of two": attend(
        future="scores.masked_fill(~(torch.ones(t, s).tril(s - t) * torch.ones(t, s).triu(s - t - 1)).bool(), -math.inf)"
    ),
    "values scaled": attend(result="weights @ v * scale"),
    "values averaged in": attend(result="weights @ v + v.mean(-2, keepdim=True)"),
    "residual": attend(result="weights @ v + (q if q.shape == (weights @ v).shape else 0)"),
    "dropout left on": attend(weighed="weights = F.dropout(weights, 0.1)"),
    "dropout of one percent": attend(weighed="weights = F.dropout(weights, 0.01)"),
    "rounded": attend(result="(weights @ v).round(decimals=6)"),
    "noise": attend(result="weights @ v + 1e-7 * torch.randn(())"),
    "half precision inside": attend(scores="(q.bfloat16() @ k.bfloat16().mT).to(q.dtype) * scale"),
    "values detached": attend(result="weights @ v.detach()"),
    "weights detached": attend(weighed="weights = weights.detach()"),
    "output wrapped": attend(result="(weights @ v,)"),
    "weights too": attend(result="(weights @ v, weights)"),
    "first batch row for all": attend(before="q = q[:1].expand_as(q)"),
    "heads reversed": attend(before="v = v.flip(1)"),
    "keys shifted": attend(before="k = k.roll(1, -2)"),
    "one key dropped": attend(before="v = v.clone(); v[..., -1:, :] = v[..., -1:, :] if s < 5 else 0"),
    "wrong for long sequences": attend(result="weights @ v if s < 7 else weights @ v * 1.0001"),
    "wrong for one query": attend(result="weights @ v if t > 1 else v.mean(-2, keepdim=True)"),
    "wrong for one batch row": attend(result="weights @ v if q.shape[0] > 1 else weights @ v * 2"),
    "NaN turned to 0": attend(masked='scores.masked_fill(~mask, float("-inf")) if s > 2 else scores'),
    "is_causal of the kernel": HEAD
    + """
def attend(q, k, v, mask=None, *, causal=False, scale=None):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal and mask is None, scale=scale)
""",
    "float mask to the kernel": HEAD
    + """
def attend(q, k, v, mask=None, *, causal=False, scale=None):
    if causal:
        seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril(k.shape[-2] - q.shape[-2])
        mask = seen if mask is None else mask & seen
    return F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else mask.to(q.dtype), scale=scale)
""",
}

SDPA_RIGHT = {
    "additive -1e9, below every score": attend(masked="scores + torch.zeros_like(scores).masked_fill(~mask, -1e9)"),
    "bmm over flat heads": HEAD
    + """
def attend(q, k, v, mask=None, *, causal=False, scale=None):
    b, h, t, w = q.shape
    s = k.shape[2]
    flat = lambda x: x.reshape(b * h, x.shape[2], x.shape[3])
    visible = torch.ones(b, h, t, s, dtype=torch.bool)
    if mask is not None:
        visible = visible & mask
    if causal:
        visible = visible & (torch.arange(s)[None, :] <= torch.arange(t)[:, None] + (s - t))
    scores = torch.bmm(flat(q), flat(k).transpose(1, 2)) * (w ** -0.5 if scale is None else scale)
    scores = scores.masked_fill(~visible.reshape(b * h, t, s), float("-inf"))
    return torch.bmm(F.softmax(scores, dim=2), flat(v)).reshape(b, h, t, -1)
""",
    "other names, classes and recursion": HEAD
    + """
class Brain:
    def __init__(self, temperature): self.temperature = temperature
    def __call__(self, asked, offered): return torch.einsum("...ik,...jk->...ij", asked, offered) * self.temperature

def visible(rows, columns, mask, causal):
    rule = torch.ones(rows, columns).tril(diagonal=columns - rows) > 0 if causal else torch.tensor(True)
    return rule if mask is None else torch.logical_and(rule, mask)

def attend(query, key, value, allowed=None, *, causal=False, scale=None):
    energy = Brain(query.size(3) ** -0.5 if scale is None else scale)(query, key)
    hidden = torch.full((), -torch.inf, dtype=energy.dtype)
    energy = torch.where(visible(query.size(2), key.size(2), allowed, causal), energy, hidden)
    energy = energy - torch.logsumexp(energy, dim=-1, keepdim=True)
    return energy.exp().matmul(value)
""",
    "online softmax, a key at a time": HEAD
    + """
def attend(q, k, v, mask=None, *, causal=False, scale=None):
    b, h, t, w = q.shape
    s = k.shape[2]
    scale = w ** -0.5 if scale is None else scale
    low = torch.full((b, h, t, 1), -1e300, dtype=q.dtype) if q.dtype == torch.float64 else torch.full((b, h, t, 1), -1e38)
    best, total, out = low, torch.zeros_like(low), torch.zeros(b, h, t, v.shape[-1], dtype=q.dtype)
    for j in range(s):
        score = (q * k[:, :, j:j+1]).sum(-1, keepdim=True) * scale
        seen = torch.ones(b, h, t, 1, dtype=torch.bool)
        if mask is not None:
            seen = seen & mask.expand(b, h, t, s)[..., j:j+1]
        if causal:
            seen = seen & (j <= torch.arange(t)[:, None] + s - t)
        score = score.masked_fill(~seen, -torch.inf)
        new = torch.maximum(best, score).detach()
        old, now = (best - new).exp(), (score - new).exp()
        total, out, best = total * old + now, out * old + now * v[:, :, j:j+1], new
    return out / total
""",
}

# -- multi-head attention ------------------------------------------------------------------------------------------------

MULTIHEAD = """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.h, self.d = n_head, width
        {layers}

    def forward(self, x):
        b, t, d = x.shape
        h, k = self.h, d // self.h
        {project}
        {split}
        scores = {scores}
        future = {future}
        weights = {weights}
        y = {heads}
        y = {merge}
        return {result}
"""
MULTI_DEFAULTS = {
    "layers": "self.wq, self.wk, self.wv, self.wo = (nn.Linear(width, width) for _ in range(4))",
    "project": "q, k_, v = self.wq(x), self.wk(x), self.wv(x)",
    "split": "q, k_, v = (y.view(b, t, h, k).transpose(1, 2) for y in (q, k_, v))",
    "scores": "q @ k_.mT / math.sqrt(k)",
    "future": "torch.ones(t, t, dtype=torch.bool).triu(1)",
    "weights": "scores.masked_fill(future, -math.inf).softmax(-1)",
    "heads": "weights @ v",
    "merge": "y.transpose(1, 2).reshape(b, t, d)",
    "result": "self.wo(y)",
}


def multihead(**changes: str) -> str:
    return HEAD + MULTIHEAD.format(**{**MULTI_DEFAULTS, **changes})


MULTIHEAD_WRONG = {
    "scale without the root": multihead(scores="q @ k_.mT / k"),
    "scale multiplied": multihead(scores="q @ k_.mT * math.sqrt(k)"),
    "scale of 64": multihead(scores="q @ k_.mT / 8"),
    "scale after the softmax": multihead(scores="q @ k_.mT", heads="weights @ v / math.sqrt(k)"),
    "no softmax": multihead(weights="scores.masked_fill(future, 0.0)"),
    "sigmoid": multihead(weights="scores.masked_fill(future, -math.inf).sigmoid()"),
    "softmax over the batch": multihead(weights="scores.masked_fill(future, -math.inf).softmax(0)"),
    "first position sees everything": multihead(
        future="torch.cat((torch.zeros(1, t), torch.ones(t, t).triu(1)[1:])).bool()"
    ),
    "window of two": multihead(future="~(torch.ones(t, t).tril() * torch.ones(t, t).triu(-1)).bool()"),
    "mask by width": multihead(future="torch.ones(t, t, dtype=torch.bool).triu(1) & (torch.arange(t) < k)"),
    "mask of -1000": multihead(weights="scores.masked_fill(future, -1000.0).softmax(-1)"),
    "mask of -10": multihead(weights="scores.masked_fill(future, -10.0).softmax(-1)"),
    "heads reversed": multihead(heads="(weights @ v).flip(1)"),
    "heads summed": multihead(merge="y.sum(1).repeat(1, 1, h)"),
    "merge by permute alone": multihead(merge="y.permute(0, 2, 3, 1).reshape(b, t, d)"),
    "merge time and heads": multihead(merge="y.transpose(2, 3).reshape(b, t, d)"),
    "only the first head": multihead(heads="(weights @ v)[:, :1].expand(b, h, t, k)"),
    "values cut the other way": multihead(
        split="q, k_ = (y.view(b, t, h, k).transpose(1, 2) for y in (q, k_)); v = v.view(b, t, k, h).permute(0, 3, 1, 2)"
    ),
    "queries cut the other way": multihead(
        split="k_, v = (y.view(b, t, h, k).transpose(1, 2) for y in (k_, v)); q = q.view(b, t, k, h).permute(0, 3, 1, 2)"
    ),
    "one projection for q and k": multihead(project="q, k_, v = self.wq(x), self.wq(x), self.wv(x)"),
    "one projection for all": multihead(project="q, k_, v = self.wq(x), self.wq(x), self.wq(x)"),
    "output projected twice": multihead(result="self.wo(self.wo(y))"),
    "output through relu": multihead(result="self.wo(y).relu()"),
    "output normalised": multihead(result="F.layer_norm(self.wo(y), (d,))"),
    "output projection before the values": multihead(
        heads="weights @ self.wo(v.transpose(1, 2).flatten(2)).view(b, t, h, k).transpose(1, 2)", result="y"
    ),
    "projected without bias": multihead(result="F.linear(y, self.wo.weight)"),
    "query without its bias": multihead(project="q, k_, v = F.linear(x, self.wq.weight), self.wk(x), self.wv(x)"),
    "dropout in training mode": multihead(weights="F.dropout(scores.masked_fill(future, -math.inf).softmax(-1), 0.2)"),
    "float32 inside": multihead(project="q, k_, v = (l(x).float().to(x.dtype) for l in (self.wq, self.wk, self.wv))"),
    "x detached": multihead(project="x = x.detach(); q, k_, v = self.wq(x), self.wk(x), self.wv(x)"),
    "keys detached": multihead(scores="q @ k_.mT.detach() / math.sqrt(k)"),
    "adds positions": multihead(
        project="x = x + torch.arange(t, dtype=x.dtype)[:, None]; q, k_, v = self.wq(x), self.wk(x), self.wv(x)"
    ),
    "one head too few": multihead(
        split="h = h - 1 if h > 1 and d % (h - 1) == 0 else h; k = d // h; "
        "q, k_, v = (y.view(b, t, h, k).transpose(1, 2) for y in (q, k_, v))"
    ),
    "drops the head axis when it is 1": multihead(
        result="self.wo(y) if h > 1 else self.wo(y)[:, :, :1].expand(b, t, d)"
    ),
    "right only for short sequences": multihead(result="self.wo(y) if t < 6 else self.wo(y * 1.001)"),
    "is_causal forgotten": multihead(heads="F.scaled_dot_product_attention(q, k_, v)"),
    "returns the weights too": multihead(result="self.wo(y), weights"),
    "batch mixed": multihead(result="self.wo(y + 0.1 * y.mean(0, keepdim=True) * (b > 1))"),
    "in place": multihead(project="x.mul_(1); q, k_, v = self.wq(x), self.wk(x), self.wv(x); x.detach().add_(1)"),
    "shared buffer between calls": multihead(
        project="q, k_, v = self.wq(x), self.wk(x), self.wv(x); "
        "MultiHeadAttention.seen = getattr(MultiHeadAttention, 'seen', 0) + 1; "
        "v = v * (1 if MultiHeadAttention.seen < 30 else 2)"
    ),
}

MULTIHEAD_RIGHT = {
    "fused, values first": HEAD
    + """
class MultiHeadAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.to_vkq, self.last = heads, nn.Linear(dim, dim * 3, bias=False), nn.Linear(dim, dim)
    def forward(self, x):
        v, k, q = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in self.to_vkq(x).chunk(3, -1))
        return self.last(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
""",
    "names that say nothing": HEAD
    + """
class MultiHeadAttention(nn.Module):
    def __init__(self, a, n):
        super().__init__()
        self.n = n
        self.lin1, self.lin2, self.lin3, self.lin4 = nn.Linear(a, a), nn.Linear(a, a), nn.Linear(a, a), nn.Linear(a, a)
    def forward(self, x):
        f = lambda y: y.unflatten(-1, (self.n, -1)).transpose(1, 2)
        v, o, q, k = f(self.lin1(x)), self.lin2, f(self.lin3(x)), f(self.lin4(x))
        s = (q @ k.mT * k.shape[-1] ** -0.5).masked_fill(torch.ones(x.shape[1], x.shape[1]).triu(1).bool(), -torch.inf)
        return o((s.softmax(-1) @ v).transpose(1, 2).flatten(2))
""",
    "a parameter per head and an adapter": HEAD
    + """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        k = width // n_head
        self.Q, self.K, self.V = (nn.Parameter(torch.randn(n_head, width, k)) for _ in range(3))
        self.O = nn.Parameter(torch.randn(n_head, k, width))
    def forward(self, x):
        q, k, v = (torch.einsum("btd,hdk->bhtk", x, w) for w in (self.Q, self.K, self.V))
        s = torch.einsum("bhtk,bhsk->bhts", q, k) / k.shape[-1] ** 0.5
        s = s + torch.full(s.shape[-2:], -torch.inf, dtype=s.dtype).triu(1)
        return torch.einsum("bhts,bhsk,hkd->btd", s.softmax(-1), v, self.O)

def weights(model):
    return {"q.weight": model.Q.permute(0, 2, 1), "k.weight": model.K.permute(0, 2, 1), "v.weight": model.V.permute(0, 2, 1),
            "out.weight": [o for o in model.O.permute(2, 0, 1)]}
""",
    "a loop over heads and positions": HEAD
    + """
class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.layers = nn.ModuleDict({name: nn.Linear(width, width, bias=name == "o") for name in "qkvo"})
    def forward(self, x):
        q, k, v = (self.layers[n](x).chunk(self.n_head, -1) for n in "qkv")
        heads = []
        for i in range(self.n_head):
            rows = []
            for t in range(x.shape[1]):
                w = (q[i][:, t:t+1] @ k[i][:, :t+1].mT / q[i].shape[-1] ** 0.5).softmax(-1)
                rows.append(w @ v[i][:, :t+1])
            heads.append(torch.cat(rows, 1))
        return self.layers["o"](torch.cat(heads, -1))
""",
}

# -- rotary embedding ----------------------------------------------------------------------------------------------------

ROPE = """
def rotary_angles(positions, width, base=10000.0):
    dtype = {dtype}
    i = torch.arange(width // 2, dtype=dtype)
    frequencies = {frequencies}
    angles = {angles}
    return {returned}


def rotate(x, cos, sin):
    {before}
    cos, sin = {tables}
    a, b = {pairs}
    first, second = {turned}
    return {joined}
"""
ROPE_DEFAULTS = {
    "dtype": "torch.float64 if positions.dtype == torch.float64 else torch.float32",
    "frequencies": "base ** (-2 * i / width)",
    "angles": "positions.to(dtype)[..., None] * frequencies",
    "returned": "angles.cos(), angles.sin()",
    "before": "pass",
    "tables": "cos.unsqueeze(-3), sin.unsqueeze(-3)",
    "pairs": "x.chunk(2, -1)",
    "turned": "a * cos - b * sin, a * sin + b * cos",
    "joined": "torch.cat((first, second), -1)",
}


def rope(**changes: str) -> str:
    return HEAD + ROPE.format(**{**ROPE_DEFAULTS, **changes})


ROPE_WRONG = {
    "width plus one": rope(frequencies="base ** (-2 * i / (width + 1))"),
    "width minus two": rope(frequencies="base ** (-2 * i / max(width - 2, 1))"),
    "exponent rounded": rope(frequencies="base ** (-2 * i // width)"),
    "i squared": rope(frequencies="base ** (-2 * i * i / width / width)"),
    "frequencies reversed": rope(frequencies="(base ** (-2 * i / width)).flip(0)"),
    "one frequency for all": rope(frequencies="torch.ones_like(i)"),
    "linear frequencies": rope(frequencies="1 - 2 * i / width * (1 - 1 / base)"),
    "base 9999": rope(frequencies="(base - 1) ** (-2 * i / width)"),
    "base at most 10000": rope(frequencies="min(base, 10000.0) ** (-2 * i / width)"),
    "wavelengths": rope(angles="positions.to(dtype)[..., None] / frequencies"),
    "degrees": rope(angles="positions.to(dtype)[..., None] * frequencies * math.pi / 180"),
    "positions centred": rope(
        angles="(positions.to(dtype) - positions.to(dtype).mean(-1, keepdim=True))[..., None] * frequencies"
    ),
    "positions from the first": rope(
        angles="(positions.to(dtype) - positions.to(dtype)[..., :1])[..., None] * frequencies"
    ),
    "positions of the first row": rope(
        angles="(positions if positions.dim() == 1 else positions[:1].expand_as(positions)).to(dtype)[..., None] * frequencies"
    ),
    "positions clipped to 2048": rope(angles="positions.to(dtype).clamp(max=2048)[..., None] * frequencies"),
    "positions through float32": rope(
        angles="(positions.to(torch.float32)[..., None] * frequencies.float()).to(dtype)"
    ),
    "negative angles": rope(returned="angles.cos(), -angles.sin()"),
    "cosine twice": rope(returned="angles.cos(), angles.cos()"),
    "stacked": rope(returned="torch.stack((angles.cos(), angles.sin()))[0]"),
    "complex": rope(returned="torch.polar(torch.ones_like(angles), angles)"),
    "transposed": rope(returned="angles.cos().mT, angles.sin().mT"),
    "bf16 tables": rope(returned="angles.cos().bfloat16().to(dtype), angles.sin().bfloat16().to(dtype)"),
    "always two axes": rope(angles="torch.outer(positions.to(dtype).flatten(), frequencies)"),
    "plus for minus": rope(turned="a * cos + b * sin, b * cos - a * sin"),
    "both plus": rope(turned="a * cos + b * sin, b * cos + a * sin"),
    "reflection": rope(turned="a * cos + b * sin, a * sin - b * cos"),
    "second unturned": rope(turned="a * cos - b * sin, b"),
    "sum instead of rotation": rope(turned="a + cos, b + sin"),
    "angle twice": rope(
        turned="(a * cos - b * sin) * cos - (a * sin + b * cos) * sin, (a * cos - b * sin) * sin + (a * sin + b * cos) * cos"
    ),
    "halves exchanged at the start": rope(pairs="x.chunk(2, -1)[::-1]"),
    "pairs i and k-1-i": rope(pairs="x.chunk(2, -1)[0], x.chunk(2, -1)[1].flip(-1)"),
    "paper's pairs": rope(pairs="x[..., ::2], x[..., 1::2]", joined="torch.stack((first, second), -1).flatten(-2)"),
    "paper's pairs in, halves out": rope(pairs="x[..., ::2], x[..., 1::2]"),
    "only the first head": rope(joined="torch.cat((torch.cat((first, second), -1)[:, :1], x[:, 1:]), 1)"),
    "first position left alone": rope(joined="torch.cat((x[:, :, :1], torch.cat((first, second), -1)[:, :, 1:]), 2)"),
    "last pair left alone": rope(
        joined="torch.cat((torch.cat((first[..., :-1], a[..., -1:]), -1), torch.cat((second[..., :-1], b[..., -1:]), -1)), -1)"
    ),
    "angles of the first row": rope(before="cos, sin = (cos[:1], sin[:1]) if cos.dim() == 3 else (cos, sin)"),
    "no row of its own": rope(tables="(cos[0], sin[0]) if cos.dim() == 3 else (cos, sin)"),
    "axis for the heads at the end": rope(tables="cos.unsqueeze(-2), sin.unsqueeze(-2)"),
    "axis for the heads in front": rope(tables="cos.unsqueeze(0), sin.unsqueeze(0)"),
    "in place": rope(before="x.data[..., 0] += 0; x.data.mul_(1.5); x = x / 1.5"),
    "normalised": rope(joined="F.normalize(torch.cat((first, second), -1), dim=-1)"),
    "tables detached": rope(tables="cos.detach().unsqueeze(-3), sin.detach().unsqueeze(-3)"),
    "x detached": rope(before="x = x.detach()"),
    "remembers the tables": HEAD
    + """
import functools
memory = {}
"""
    + rope(before="cos, sin = memory.setdefault(tuple(x.shape), (cos, sin))").removeprefix(HEAD),
    "sine from cosine": rope(tables="cos.unsqueeze(-3), (1 - cos.square()).clamp_min(0).sqrt().unsqueeze(-3)"),
}

ROPE_RIGHT = {
    "complex view": HEAD
    + """
def rotary_angles(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype is torch.float64 else torch.float32
    powers = torch.arange(0, width, 2, dtype=torch.float64).div(-width)
    theta = torch.pow(torch.tensor(base, dtype=torch.float64), powers).to(kind)
    angle = positions.to(kind).unsqueeze(-1) * theta
    turned = torch.polar(torch.ones_like(angle), angle)
    return turned.real, turned.imag

def rotate(x, cos, sin):
    z = torch.view_as_complex(torch.stack(x.split(x.shape[-1] // 2, -1), -1).contiguous())
    z = z * torch.complex(cos, sin)[..., None, :, :]
    return torch.view_as_real(z).transpose(-1, -2).flatten(-2)
""",
    "a list and a loop": HEAD
    + """
def rotary_angles(positions, width, base=10000.0):
    exact = positions.double()
    columns = [exact * base ** (-2.0 * i / width) for i in range(width // 2)]
    table = torch.stack(columns, dim=-1)
    kind = positions.dtype if positions.dtype == torch.float64 else torch.float32
    return torch.cos(table).to(kind), torch.sin(table).to(kind)

def rotate(x, cos, sin):
    n = x.shape[-1] // 2
    out = []
    for i in range(2 * n):
        c, s = cos[..., i % n], sin[..., i % n]
        if c.dim() == 2:
            c, s = c[:, None], s[:, None]
        out.append(x[..., i] * c - x[..., i + n] * s if i < n else x[..., i] * c + x[..., i - n] * s)
    return torch.stack(out, -1)
""",
}

WRONG = {"attention/sdpa": SDPA_WRONG, "attention/multihead": MULTIHEAD_WRONG, "attention/rope": ROPE_WRONG}
RIGHT = {"attention/sdpa": SDPA_RIGHT, "attention/multihead": MULTIHEAD_RIGHT, "attention/rope": ROPE_RIGHT}
TEMPLATES = {"attention/sdpa": attend(), "attention/multihead": multihead(), "attention/rope": rope()}


def write(folder: Path, source: str) -> Path:
    path = folder / "answer.py"
    path.write_text(source, encoding="utf-8")
    return path


def every(table: dict[str, dict[str, str]], share: int = 1) -> list:
    """All rows; all but every `share`-th are slow, because each costs most of a second."""
    rows = [(e, n, s) for e, rows in table.items() for n, s in rows.items()]
    return [
        pytest.param(exercise, source, id=f"{exercise}-{name}", marks=[] if n % share == 0 else [pytest.mark.slow])
        for n, (exercise, name, source) in enumerate(rows)
    ]


@pytest.mark.parametrize(("exercise", "source"), every(WRONG, 3))
def test_a_wrong_answer_that_is_in_no_list_is_rejected(exercise: str, source: str, warm_judge: Judge, tmp_path: Path):
    verdict = warm_judge.check(find_exercise(exercise), write(tmp_path, source))
    assert not verdict.passed
    assert verdict.status in ("mistake", "wrong", "raised"), verdict.line
    assert verdict.line
    assert verdict.details


@pytest.mark.parametrize(("exercise", "source"), every(RIGHT))
def test_a_right_answer_in_an_unusual_style_is_accepted(exercise: str, source: str, warm_judge: Judge, tmp_path: Path):
    for seed in (1, 2):
        verdict = warm_judge.check(find_exercise(exercise), write(tmp_path, source), seed)
        assert verdict.passed, "\n".join([verdict.line, *verdict.details])


@pytest.mark.parametrize(("exercise", "source"), TEMPLATES.items())
def test_the_template_that_the_wrong_answers_vary_is_right(
    exercise: str, source: str, warm_judge: Judge, tmp_path: Path
):
    verdict = warm_judge.check(find_exercise(exercise), write(tmp_path, source))
    assert verdict.passed, "\n".join([verdict.line, *verdict.details])


def test_there_are_enough_of_them():
    assert all(len(rows) >= 20 for rows in WRONG.values())
