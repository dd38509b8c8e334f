"""Right answers in styles of their own, for every topic: einops, numpy, loops, generators, torch.func, lists, other names.

To refuse one of these is the gravest fault that the judge can have.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.learn.exercise import find_exercise
from headway.learn.judge import Judge

HEAD = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"

RIGHT: dict[str, dict[str, str]] = {
    "tensors/distances": {
        "quadratic safe": HEAD
        + """
def distances(x, y):
    return torch.linalg.vector_norm(x.unsqueeze(-2) - y.unsqueeze(-3), dim=-1)
""",
        "vmap": HEAD
        + """
def distances(x, y):
    d = lambda p, q: (p - q).norm()
    return torch.vmap(torch.vmap(torch.vmap(d, (None, 0)), (0, None)))(x, y)
""",
    },
    "tensors/einsum": {
        "einops": HEAD
        + """
from einops import einsum, rearrange
def split_heads(x, weight):
    return einsum(x, weight, "b t d, h d k -> b h t k")
def merge_heads(x, weight):
    return rearrange(x, "b h t k -> b t (h k)") @ weight.flatten(0, 1)
def bilinear(x, weight, y):
    return F.bilinear(x, y, weight)
""",
        "tensordot": HEAD
        + """
def split_heads(x, weight):
    return torch.tensordot(x, weight, dims=([2], [1])).permute(0, 2, 1, 3)
def merge_heads(x, weight):
    return torch.stack([x[:, h] @ weight[h] for h in range(len(weight))]).sum(0)
def bilinear(x, weight, y):
    return torch.stack([((x @ w) * y).sum(-1) for w in weight], 1)
""",
    },
    "tensors/windows": {
        "index_select": HEAD
        + """
def windows(x, width, step=1):
    import itertools
    starts = range(0, x.size(-1) - width + 1, step)
    index = torch.tensor([s + i for s in starts for i in range(width)])
    return x.index_select(-1, index).unflatten(-1, (len(starts), width))
"""
    },
    "autograd/matmul": {
        "einsum, sum_to_size": HEAD
        + """
def matmul_backward(grad, a, b):
    da = torch.einsum("...nm,...km->...nk", grad, b.expand(*grad.shape[:-2], *b.shape[-2:]))
    db = torch.einsum("...nk,...nm->...km", a.expand(*grad.shape[:-2], *a.shape[-2:]), grad)
    return da.sum_to_size(a.shape), db.sum_to_size(b.shape)
"""
    },
    "autograd/unbroadcast": {
        "loop": HEAD
        + """
def sum_to(grad, shape):
    while grad.dim() > len(shape):
        grad = grad.sum(0)
    for n, size in enumerate(shape):
        if size != grad.shape[n]:
            grad = grad.sum(n, keepdim=True)
    return grad
""",
        "einsum": HEAD
        + """
def sum_to(grad, shape):
    lead = grad.ndim - len(shape)
    letters = "abcdefghij"[:grad.ndim]
    kept = "".join(c for n, c in enumerate(letters) if n >= lead and shape[n - lead] == grad.shape[n])
    return torch.einsum(f"{letters}->{kept}", grad).reshape(shape)
""",
    },
    "autograd/crossentropy": {
        "loop": HEAD
        + """
def cross_entropy_backward(logits, targets, *, ignore=-100, smoothing=0.0):
    out = torch.zeros_like(logits, memory_format=torch.contiguous_format)
    v = logits.shape[-1]
    flat, rows, goals = out.view(-1, v), logits.reshape(-1, v), targets.reshape(-1).tolist()
    n = sum(g != ignore for g in goals)
    for place, g in enumerate(goals):
        if g != ignore:
            p = (rows[place] - rows[place].max()).exp()
            p = p / p.sum() - smoothing / v
            p[g] -= 1 - smoothing
            flat[place] = p / n
    return out
"""
    },
    "autograd/layernorm": {
        "torch var_mean": HEAD
        + """
def layer_norm_backward(grad, x, weight, eps=1e-5):
    var, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    inv = torch.rsqrt(var + eps)
    hat = (x - mean) * inv
    g = grad * weight
    d = x.size(-1)
    dx = inv / d * (d * g - g.sum(-1, keepdim=True) - hat * (g * hat).sum(-1, keepdim=True))
    lead = tuple(range(x.ndim - 1))
    return (dx, (grad * hat).sum(lead), grad.sum(lead)) if lead else (dx, grad * hat, grad)
"""
    },
    "autograd/order": {
        "postorder stack": """
def topological(root, operands):
    out, done, stack = [], set(), [(root, False)]
    while stack:
        name, ready = stack.pop()
        if ready:
            if name not in done:
                done.add(name); out.append(name)
            continue
        if name in done:
            continue
        stack.append((name, True))
        stack.extend((o, False) for o in reversed(operands[name]) if o not in done)
    return out
""",
        "generator": """
def topological(root, operands):
    seen = set()
    path = [[root, 0]]
    seen.add(root)
    while path:
        name, i = path[-1]
        kids = operands[name]
        if i == len(kids):
            path.pop()
            yield name
        else:
            path[-1][1] += 1
            if kids[i] not in seen:
                seen.add(kids[i])
                path.append([kids[i], 0])
""",
    },
    "tokenizers/bpe": {
        "string split": """
def encode(word, merges):
    rank = {}
    for n, pair in enumerate(merges):
        rank.setdefault(tuple(pair), n)
    symbols = list(word)
    while len(symbols) > 1:
        pair = min(zip(symbols, symbols[1:]), key=lambda p: rank.get(p, 10**9))
        if pair not in rank: break
        out = []
        for s in symbols:
            if out and (out[-1], s) == pair and out[-1] is not None:
                out[-1] = out[-1] + s; out.append(None)
            else:
                out.append(s)
        symbols = [s for s in out if s is not None]
    return symbols
""",
        "replay": """
def encode(word, merges):
    s = list(word)
    for l, r in merges:
        i = 0
        while i + 1 < len(s):
            if s[i] == l and s[i + 1] == r:
                s[i:i + 2] = [l + r]
            i += 1
    return s
""",
    },
    "tokenizers/bytes": {
        "codecs": """
import codecs
def decode(pieces):
    d = codecs.getincrementaldecoder("utf-8")("replace")
    out = [d.decode(p) for p in pieces]
    return out + [d.decode(b"", True)]
"""
    },
    "tokenizers/wordpiece": {
        "recursive": """
def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    if len(word) > longest: return [unknown]
    def cut(rest, mark):
        if not rest: return []
        for n in range(len(rest), 0, -1):
            if mark + rest[:n] in vocab:
                tail = cut(rest[n:], "##")
                return None if tail is None else [mark + rest[:n]] + tail
        return None
    found = cut(word, "")
    return [unknown] if found is None else found
"""
    },
    "tokenizers/merges": {
        "counter": """
from collections import defaultdict
import re
def learn_merges(words, n):
    split = {w: tuple(w) for w in words}
    learned = []
    for _ in range(n):
        pairs = defaultdict(int)
        for w, s in split.items():
            for a, b in zip(s, s[1:]): pairs[a, b] += words[w]
        if not pairs: break
        top = max(pairs.values())
        a, b = sorted(p for p, c in pairs.items() if c == top)[0]
        learned.append([a, b])
        for w, s in split.items():
            out = []
            it = iter(range(len(s)))
            i = 0
            while i < len(s):
                if i + 1 < len(s) and s[i] == a and s[i+1] == b: out.append(a + b); i += 2
                else: out.append(s[i]); i += 1
            split[w] = tuple(out)
    return learned
"""
    },
    "attention/sinusoids": {
        "interleave": HEAD
        + """
def sinusoids(positions, width, base=10000.0):
    kind = torch.float64 if positions.dtype == torch.float64 else torch.float32
    cols = []
    for j in range(width):
        w = float(base) ** (-(j - j % 2) / width)
        a = positions.to(kind) * w
        cols.append(a.cos() if j % 2 else a.sin())
    return torch.stack(cols, -1)
""",
        "phase": HEAD
        + """
def sinusoids(positions, width, base=10000.0):
    kind = positions.dtype if positions.dtype == torch.float64 else torch.float32
    i = torch.arange(0, width, 2, dtype=kind)
    a = positions[..., None].to(kind) / torch.pow(torch.tensor(base, dtype=kind), i / width)
    return torch.stack((a.sin(), a.cos()), -1).flatten(-2)[..., :width]
""",
    },
    "transformer/noam": {
        "branches": """
def attention_is_all_you_need(step, *, width, warmup):
    return step / warmup / (width * warmup) ** 0.5 if step < warmup else (step * width) ** -0.5
def warmup_for(peak, *, width):
    return 1 / (width * peak * peak)
"""
    },
    "transformer/encoder": {
        "fused": HEAD
        + """
class EncoderLayer(nn.Module):
    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.h = n_head
        self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, ff_width), nn.ReLU(), nn.Linear(ff_width, width))
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
    def forward(self, x, mask=None):
        q, k, v = (y.unflatten(-1, (self.h, -1)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        m = None if mask is None else mask[:, None, None, :]
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=m)
        x = self.n1(x + self.o(a.transpose(1, 2).flatten(2)))
        return self.n2(x + self.mlp(x))
""",
        "odd names": HEAD
        + """
class EncoderLayer(nn.Module):
    def __init__(self, d, heads, hidden):
        super().__init__()
        self.heads = heads
        self.a, self.b, self.c, self.e = (nn.Linear(d, d) for _ in range(4))
        self.first, self.second = nn.LayerNorm(d), nn.LayerNorm(d)
        self.big, self.small = nn.Linear(d, hidden), nn.Linear(hidden, d)
    def forward(self, x, mask=None):
        outs = []
        for q, k, v in zip(self.a(x).chunk(self.heads, -1), self.b(x).chunk(self.heads, -1), self.c(x).chunk(self.heads, -1)):
            s = q @ k.transpose(1, 2) * q.size(-1) ** -0.5
            if mask is not None:
                s = s.masked_fill(mask[:, None].logical_not(), -torch.inf)
            outs.append(s.softmax(2) @ v)
        x = self.first(self.e(torch.cat(outs, -1)) + x)
        return self.second(self.small(self.big(x).clamp(min=0)) + x)
""",
    },
    "attention/cross": {
        "kv fused no bias": HEAD
        + """
class CrossAttention(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n = n_head
        self.query = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)
    def forward(self, x, states, mask=None):
        f = lambda y: y.unflatten(-1, (self.n, -1)).transpose(1, 2)
        k, v = map(f, self.kv(states).chunk(2, -1))
        m = None if mask is None else mask[:, None, None]
        return self.out(F.scaled_dot_product_attention(f(self.query(x)), k, v, attn_mask=m).transpose(1, 2).flatten(2))
"""
    },
    "transformer/decoder": {
        "reuse": HEAD
        + """
def decoder_layer(x, states, weights, n_head, mask=None):
    W = lambda n: (weights[n + ".weight"], weights[n + ".bias"])
    def mha(p, a, b, m):
        q, k, v = F.linear(a, *W(p + ".q")), F.linear(b, *W(p + ".k")), F.linear(b, *W(p + ".v"))
        q, k, v = [torch.stack(t.chunk(n_head, -1), 1) for t in (q, k, v)]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=m)
        return F.linear(torch.cat(y.unbind(1), -1), *W(p + ".out"))
    d = x.shape[-1]
    ln = lambda n, y: F.layer_norm(y, [d], *W(n))
    t = x.shape[1]
    x = ln("attn_norm", x + mha("attn", x, x, torch.tril(torch.ones(t, t)) == 1))
    x = ln("cross_norm", x + mha("cross", x, states, None if mask is None else mask.view(len(mask), 1, 1, -1)))
    return ln("mlp_norm", x + F.linear(F.relu(F.linear(x, *W("up"))), *W("down")))
"""
    },
    "transformer/greedy": {
        "rows": HEAD
        + """
def greedy(model, tokens, *, max_tokens, end, pad):
    rows = []
    for prompt in tokens:
        seq, out = prompt.tolist(), []
        while len(out) < max_tokens and (not out or out[-1] != end):
            nxt = int(model(torch.tensor([seq]))[0, -1].argmax())
            seq.append(nxt); out.append(nxt)
        rows.append(out)
    n = max(map(len, rows))
    return torch.tensor([r + [pad] * (n - len(r)) for r in rows])
"""
    },
    "transformer/beam": {
        "batched one by one": HEAD
        + """
import heapq
def beam_search(model, start, *, beams, max_tokens, end, alpha):
    lp = lambda n: ((5 + n) / 6) ** alpha
    live, done = [(0.0, ())], []
    for _ in range(max_tokens):
        options = []
        for total, words in live:
            logits = model(torch.tensor([(start, *words)], dtype=torch.long))[0, -1].double()
            lps = logits - logits.logsumexp(0)
            options += [(total + p, (*words, w)) for w, p in enumerate(lps.tolist())]
        best = heapq.nlargest(beams, options)
        done += [o for o in best if o[1][-1] == end]
        live = [o for o in best if o[1][-1] != end]
        if not live: break
    done += live
    total, words = max(done, key=lambda o: o[0] / lp(len(o[1])))
    return list(words), torch.tensor(total / lp(len(words)), dtype=torch.float64)
"""
    },
    "layer-norm/norm": {
        "batch of welford": HEAD
        + """
def layer_norm(x, weight, bias, eps=1e-5):
    var, mean = torch.var_mean(x, -1, unbiased=False, keepdim=True)
    return torch.addcmul(bias, (x - mean) * (var + eps).rsqrt(), weight)
"""
    },
    "layer-norm/residual": {
        "reduce": """
from functools import reduce
def residual(x, f, norm, place):
    return {"post": lambda: norm(f(x) + x), "pre": lambda: f(norm(x)) + x}[place]()
def stack(x, sublayers, norms, place):
    *mine, last = norms
    x = reduce(lambda y, pair: residual(y, *pair, place), zip(sublayers, mine), x)
    return x if place == "post" else last(x)
"""
    },
    "training-basics/sampler": {
        "unfold": HEAD
        + """
def split(ids, n_held_out):
    return tuple(torch.split(ids, [len(ids) - n_held_out, n_held_out]))
def starts(n, context, offset=0):
    return torch.tensor([s for s in range(offset, n, context) if s + context < n], dtype=torch.int64)
def windows(ids, starts, context):
    both = ids.unfold(0, context + 1, 1)[starts]
    return both[:, :-1], both[:, 1:]
def batches(order, size, rank=0, world=1):
    for first in range(0, len(order), size):
        yield torch.tensor(order[first:first + size].tolist()[rank::world], dtype=torch.int64)
"""
    },
    "training-basics/loop": {
        "deepcopy": HEAD
        + """
import copy
def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    net = make_model(); opt = make_optimiser(net.parameters())
    history, val, best, step = [], [], None, 0
    for epoch in range(epochs):
        net.train()
        for x, y in batches:
            step += 1
            for g in opt.param_groups: g["lr"] = lr(step)
            l = loss(net(x), y)
            opt.zero_grad(); l.backward()
            nn.utils.clip_grad_norm_(net.parameters(), clip)
            opt.step()
            history.append(float(l))
        net.eval()
        with torch.inference_mode():
            parts = [(len(x), float(loss(net(x), y))) for x, y in held_out]
        v = sum(n * l for n, l in parts) / sum(n for n, _ in parts)
        if best is None or v < min(val): best = copy.deepcopy(net)
        val.append(v)
    return history, val, [p.detach() for p in best.parameters()]
"""
    },
    "seq2seq/forcing": {
        "pad_sequence": HEAD
        + """
from torch.nn.utils.rnn import pad_sequence
def teacher_forcing(targets, start, end, pad):
    i = pad_sequence([torch.tensor([start] + r) for r in targets], batch_first=True, padding_value=pad)
    o = pad_sequence([torch.tensor(r + [end]) for r in targets], batch_first=True, padding_value=-100)
    return i, o
def shift_right(labels, start, pad):
    y = labels.roll(1, 1); y[:, 0] = start
    y[:, 1:][y[:, 1:] == -100] = pad
    return y
def scheduled(tokens, said, u, keep):
    own = tokens.clone(); own[:, 1:] = said[:, :-1]
    stay = (u < keep).long()
    return tokens * stay + own * (1 - stay)
"""
    },
    "language-models/tbptt": {
        "torch.func": HEAD
        + """
def truncated(cell, loss, weights, h, inputs, targets, *, chunk):
    def part(ws, h, xs, ys):
        total = 0.0
        for x, y in zip(xs.unbind(1), ys.unbind(1)):
            h = cell(ws, x, h)
            total = total + loss(ws, h, y)
        return total, h
    n, t = targets.numel(), inputs.shape[1]
    total, sums = 0.0, [torch.zeros_like(w) for w in weights]
    for a in range(0, t, chunk):
        b = a + chunk
        g, (l, h) = torch.func.grad_and_value(part, has_aux=True)(list(weights), h, inputs[:, a:b], targets[:, a:b])
        sums = [s + x for s, x in zip(sums, g)]
        total = total + l[0] if isinstance(l, tuple) else total + l
    return total / n, [s / n for s in sums], h
"""
    },
    "training/accumulation": {
        "hook style": HEAD
        + """
def accumulate(weight, parts):
    flat_x = torch.cat([x for x, _ in parts]); flat_y = torch.cat([y for _, y in parts])
    keep = flat_y.ne(-100)
    if not keep.any():
        return weight.new_zeros(()), torch.zeros_like(weight)
    def f(w):
        return F.cross_entropy(flat_x @ w, flat_y)
    g, v = torch.func.grad_and_value(f)(weight)
    return v, g
def train_step(weight, parts, *, lr, clip):
    _, g = accumulate(weight, parts)
    n = torch.linalg.vector_norm(g)
    return torch.where(n > clip, weight - lr * g * clip / n.clamp(min=1e-300), weight - lr * g)
"""
    },
    "training-basics/adamw": {
        "via optim base class": HEAD
        + """
class Plain(torch.optim.Optimizer):
    def __init__(self, ps, lr): super().__init__(ps, {"lr": lr})
def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    Plain([nn.Parameter(weight.clone())], lr)
    b1, b2 = betas
    m, v = exp_avg + (1 - b1) * (grad - exp_avg), exp_avg_sq * b2 + grad * grad * (1 - b2)
    return weight - lr * (weight_decay * weight + m / (1 - b1 ** step) / ((v / (1 - b2 ** step)) ** 0.5 + eps)), m, v
"""
    },
}


QUICK = ("training/accumulation", "transformer/beam", "transformer/encoder")


@pytest.mark.parametrize(
    ("exercise", "source"),
    [
        pytest.param(exercise, source, id=f"{exercise}-{style}", marks=[] if exercise in QUICK else [pytest.mark.slow])
        for exercise, styles in RIGHT.items()
        for style, source in styles.items()
    ],
)
def test_a_right_answer_is_accepted_whatever_its_style(exercise: str, source: str, warm_judge: Judge, tmp_path: Path):
    path = tmp_path / "answer.py"
    path.write_text(source, encoding="utf-8")
    for seed in (1, 2) if exercise not in QUICK else (1,):
        verdict = warm_judge.check(find_exercise(exercise), path, seed)
        assert verdict.passed, "\n".join([verdict.line, *verdict.details])
