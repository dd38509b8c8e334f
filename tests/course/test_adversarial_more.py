"""Wrong answers of every kind to exercises of every topic, cheats among them, and right ones in unusual styles.

None of the wrong ones is in a list of mistakes. Each is a right answer with one change, so that what is judged is the change.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.learn.exercise import find_exercise
from headway.learn.judge import Judge

HEAD = "import math\nimport torch\nimport torch.nn.functional as F\n\n"
REJECTED = ("mistake", "wrong", "raised")

# exercise -> (a right answer, {what is wrong: (a line of it, what stands there instead)})
CHANGED: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "tensors/gather": (
        HEAD
        + """
def token_logprobs(logits, tokens):
    b, t, v = logits.shape
    log_p = logits - torch.logsumexp(logits, -1, keepdim=True)
    rows, places = torch.arange(b)[:, None], torch.arange(t - 1)
    return log_p[rows, places, tokens[:, 1:]]
""",
        {
            "one maximum for all": (
                "log_p = logits - torch.logsumexp(logits, -1, keepdim=True)",
                "log_p = (lambda e: (e / e.sum(-1, keepdim=True)).log())((logits - logits.max()).exp())",
            ),
            "clamped": ("rows, places =", "log_p = log_p.clamp(min=-100)\n    rows, places ="),
            "normaliser detached": ("torch.logsumexp(logits,", "torch.logsumexp(logits.detach(),"),
            "logits changed in place": (
                "log_p = logits - torch.logsumexp(logits, -1, keepdim=True)",
                "log_p = logits.log_softmax(-1); logits.data.copy_(log_p)",
            ),
            "first row for all": ("rows, places = torch.arange(b)[:, None]", "rows, places = torch.zeros(b, 1).long()"),
            "a number for t = 1": (
                "return log_p[",
                "return torch.zeros(b, 1, dtype=log_p.dtype) if t == 1 else log_p[",
            ),
            "default dtype for the whole program": ("b, t, v", "torch.set_default_dtype(torch.float64); b, t, v"),
        },
    ),
    "tensors/scatter": (
        HEAD
        + """
def segment_mean(x, segment, n):
    member = (segment == torch.arange(n).unsqueeze(1)).to(x.dtype)
    count = member.sum(1, keepdim=True)
    return member @ x / count.clamp(min=1)
""",
        {
            "as many segments as are seen": ("member = ", "n = int(segment.max()) + 1; member = "),
            "epsilon": ("count.clamp(min=1)", "(count + 1e-6)"),
            "0/0 mended afterwards": (
                "return member @ x / count.clamp(min=1)",
                "return (member @ x / count).nan_to_num()",
            ),
            "neighbours only": (
                "count = member.sum(1, keepdim=True)",
                "count = member.diff(dim=1, prepend=torch.zeros(n, 1, dtype=x.dtype)).clamp(min=0).sum(1, keepdim=True)",
            ),
            "rounded": ("return member @ x", "x = x.bfloat16().to(x.dtype)\n    return member @ x"),
            "not for single rows": ("return member", "return x[:1].expand(n, -1) * 0 if len(x) == 1 else member"),
        },
    ),
    "tensors/masks": (
        HEAD
        + """
def attention_mask(lengths, t, left=False):
    rows = []
    for n in lengths.tolist():
        real = range(t - n, t) if left else range(n)
        rows.append([[(j <= i and j in real) or j == i for j in range(t)] for i in range(t)])
    return torch.tensor(rows).unsqueeze(1)
""",
        {
            "lengths of a call before": (
                "rows = []",
                "rows = []\n    lengths = SEEN.setdefault(len(lengths), lengths)",
            ),
            "as long as the longest": ("rows = []", "rows = []\n    t = int(lengths.max()) or t"),
            "empty rows left out": (
                "for n in lengths.tolist()",
                "for n in [n or t for n in lengths.tolist()]",
            ),
            "oneself only where nothing else is": ("or j == i for", "or (j == i and not n) for"),
            "a table of 32": ("rows = []", "rows = []\n    t = min(t, 32)"),
            "changes lengths": (
                "return torch.tensor(rows)",
                "lengths.clamp_(min=1)\n    return torch.tensor(rows)",
            ),
        },
    ),
    "autograd/softmax": (
        HEAD
        + """
def softmax_backward(grad, y, dim=-1):
    grad, y = grad.movedim(dim, -1), y.movedim(dim, -1)
    jacobian = torch.diag_embed(y) - y.unsqueeze(-1) * y.unsqueeze(-2)
    return torch.einsum("...i,...ij->...j", grad, jacobian).movedim(-1, dim)
""",
        {
            "diagonal only": (" - y.unsqueeze(-1) * y.unsqueeze(-2)", ""),
            "a millionth too much": ("grad, jacobian)", "grad * (1 + 1e-6), jacobian)"),
            "symmetric epsilon": ("jacobian = torch", "y = y.clamp(min=1e-5); jacobian = torch"),
            "axis forgotten on the way back": (".movedim(-1, dim)", ""),
            "derivative of log softmax": (
                "torch.diag_embed(y) - y.unsqueeze(-1) * y.unsqueeze(-2)",
                "torch.eye(y.shape[-1], dtype=y.dtype) - y.unsqueeze(-2)",
            ),
            "grad scaled in place": ("jacobian = torch", "grad.mul_(2).div_(2.0000001); jacobian = torch"),
        },
    ),
    "autograd/engine": (
        """
import math

class Value:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, 0.0, parents
    def lift(self, other):
        return other if isinstance(other, Value) else Value(other)
    def __add__(self, other):
        other = self.lift(other)
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])
    def __mul__(self, other):
        other = self.lift(other)
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])
    def __pow__(self, n):
        return Value(self.data ** n, [(self, n * self.data ** (n - 1))])
    def exp(self):
        y = math.exp(self.data)
        return Value(y, [(self, y)])
    def tanh(self):
        y = math.tanh(self.data)
        return Value(y, [(self, 1 - y * y)])
    def backward(self):
        waiting, stack, known = {}, [self], {id(self)}
        while stack:
            for parent, _ in stack.pop().parents:
                waiting[id(parent)] = waiting.get(id(parent), 0) + 1
                if id(parent) not in known:
                    known.add(id(parent))
                    stack.append(parent)
        self.grad, ready = 1.0, [self]
        while ready:
            value = ready.pop()
            for parent, slope in value.parents:
                parent.grad += slope * value.grad
                waiting[id(parent)] -= 1
                if not waiting[id(parent)]:
                    ready.append(parent)
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -other
    def __truediv__(self, other): return self * other ** -1
    def __radd__(self, other): return self + other
    def __rmul__(self, other): return self * other
    def __rsub__(self, other): return -self + other
    def __rtruediv__(self, other): return self ** -1 * other

def derivatives(f, numbers):
    values = [Value(number) for number in numbers]
    result = f(*values)
    result.backward()
    return result.data, [value.grad for value in values]
""",
        {
            "handed on too early": ("if not waiting[id(parent)]:", "if True:"),
            "last use counts": ("parent.grad += slope", "parent.grad = slope"),
            "known by value": ("import math", "import math\nid = lambda v: round(v.data, 9)"),
            "calls itself": (
                "self.grad, ready = 1.0, [self]",
                "sys = __import__('sys'); (lambda f: f(f, self))(lambda f, v: [f(f, p) for p, _ in v.parents])\n"
                "        self.grad, ready = 1.0, [self]",
            ),
            "slope of exp times itself": ("return Value(y, [(self, y)])", "return Value(y, [(self, y * self.data)])"),
            "power of whole numbers only": ("n * self.data ** (n - 1)", "n * self.data ** int(n - 1)"),
            "rounded": ("slope * value.grad", "round(slope * value.grad, 7)"),
        },
    ),
    "training-basics/adamw": (
        HEAD
        + """
def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    m = torch.lerp(grad, exp_avg, betas[0])
    v = torch.lerp(grad.square(), exp_avg_sq, betas[1])
    size = lr / (1 - betas[0] ** step)
    root = torch.sqrt(v) / math.sqrt(1 - betas[1] ** step) + eps
    return weight * (1 - lr * weight_decay) - size * m / root, m, v
""",
        {
            "eps before the correction": (
                "torch.sqrt(v) / math.sqrt(1 - betas[1] ** step) + eps",
                "(torch.sqrt(v) + eps) / math.sqrt(1 - betas[1] ** step)",
            ),
            "corrected from step 2 on": ("1 - betas[0] ** step", "1 - betas[0] ** max(step, 2)"),
            "decay of the new weight": (
                "weight * (1 - lr * weight_decay) - size * m / root",
                "(weight - size * m / root) * (1 - lr * weight_decay)",
            ),
            "weight changed in place": (
                "return weight * (1 - lr * weight_decay) - size * m / root",
                "return weight.mul_(1 - lr * weight_decay).sub_(size * m / root)",
            ),
            "averages kept in a global": (
                "m = torch.lerp(grad, exp_avg,",
                "m = torch.lerp(grad, MEMORY.setdefault(0, exp_avg) "
                "if MEMORY.setdefault(0, exp_avg).shape == grad.shape else exp_avg,",
            ),
            "root clamped": ("+ eps", "+ max(eps, 1e-4)"),
        },
    ),
    "training-basics/loss": (
        HEAD
        + """
def cross_entropy(logits, targets, *, ignore=-100):
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    v = logits.shape[-1]
    flat, wanted = logits.reshape(-1, v), targets.reshape(-1)
    total, number = logits.new_zeros(()), 0
    for row, target in zip(flat, wanted.tolist()):
        if target != ignore:
            total, number = total + torch.logsumexp(row, 0) - row[target], number + 1
    return total / number if number else (flat * 0).sum()
""",
        {
            "loss of nothing is not a tensor": ("(flat * 0).sum()", "0"),
            "ignore also below 0": ("if target != ignore", "if target != ignore and target != 0"),
            "smoothed": ("- row[target]", "- 0.999 * row[target] - 0.001 * row.mean()"),
            "gradient of the target only": ("torch.logsumexp(row, 0)", "torch.logsumexp(row, 0).detach()"),
            "half returned": ("logits = logits.float()", "pass"),
            "two axes only": ("logits.reshape(-1, v), targets.reshape(-1)", "logits[0], targets[0]"),
            "infinite losses left out": (
                "if target != ignore",
                "if target != ignore and row.softmax(0)[target] > 1e-12",
            ),
        },
    ),
    "training-basics/schedule": (
        """
import math

def cosine(step, *, steps, warmup, floor=0.0):
    if step <= warmup:
        return step / warmup
    if step >= steps:
        return floor
    turn = math.pi * (step - warmup) / (steps - warmup)
    return floor + (1 - floor) * math.cos(turn / 2) ** 2

def inverse_sqrt(step, *, warmup):
    warmup = warmup or 1
    return step / warmup if step < warmup else math.exp(0.5 * (math.log(warmup) - math.log(step)))
""",
        {
            "floor subtracted": (
                "floor + (1 - floor) * math.cos(turn / 2) ** 2",
                "max(floor, math.cos(turn / 2) ** 2)",
            ),
            "a step late": ("math.pi * (step - warmup) /", "math.pi * (step - warmup - 1) /"),
            "0 beyond the end": ("return floor\n", "return floor if step == steps else 0.0\n"),
            "cubic root": ("math.exp(0.5 *", "math.exp(0.333 *"),
            "warm-up of the inverse root begins at 0": (
                "return step / warmup if step < warmup",
                "return (step - 1) / warmup if step < warmup",
            ),
            "rounded": (
                "return floor + (1 - floor) * math.cos(turn / 2) ** 2",
                "return round(floor + (1 - floor) * math.cos(turn / 2) ** 2, 4)",
            ),
        },
    ),
    "tokenizers/viterbi": (
        """
from functools import lru_cache

def viterbi(text, scores, unknown=-20.0):
    longest = max(map(len, scores), default=1)
    best = {0: (0.0, ())}
    for end in range(1, len(text) + 1):
        options = []
        for start in range(max(0, end - longest), end):
            piece = text[start:end]
            score = scores.get(piece, unknown if end - start == 1 else None)
            if score is not None:
                options.append((best[start][0] + score, best[start][1] + (piece,)))
        best[end] = max(options)
    return list(best[len(text)][1])
""",
        {
            "pieces of four at most": ("longest = max(map(len, scores), default=1)", "longest = 4"),
            "unknown at any length": ("unknown if end - start == 1 else None", "unknown"),
            "unknown always -20": ("unknown if end - start == 1", "-20.0 if end - start == 1"),
            "fewest pieces": ("best[end] = max(options)", "best[end] = max(options, key=lambda o: (-len(o[1]), o[0]))"),
            "mean score": ("best[end] = max(options)", "best[end] = max(options, key=lambda o: o[0] / len(o[1]))"),
            "unknown ones joined": (
                "return list(best[len(text)][1])",
                "out = []\n    for p in best[len(text)][1]:\n        if p not in scores and out and out[-1] not in scores:\n"
                "            out[-1] += p\n        else:\n            out.append(p)\n    return out",
            ),
            "scores emptied": ("return list(", "scores.clear()\n    return list("),
        },
    ),
    "layer-norm/rms": (
        HEAD
        + """
def rms_norm(x, weight, eps):
    kind = torch.float64 if x.dtype == torch.float64 else torch.float32
    length = torch.linalg.vector_norm(x.to(kind), dim=-1, keepdim=True)
    root = (length * length / x.shape[-1] + eps).sqrt()
    return (x.to(kind) / root).to(x.dtype) * weight
""",
        {
            "width of 8": ("x.shape[-1] + eps", "8 + eps"),
            "eps outside": (
                "(length * length / x.shape[-1] + eps).sqrt()",
                "(length * length / x.shape[-1]).sqrt() + eps ** 0.5",
            ),
            "norm of the whole batch row": ("dim=-1, keepdim=True)", "dim=tuple(range(1, x.dim())), keepdim=True)"),
            "always float32": ("torch.float64 if x.dtype == torch.float64 else ", ""),
            "weight plus one": ("* weight", "* (1 + weight)"),
            "root detached": ("+ eps).sqrt()", "+ eps).sqrt().detach()"),
            "weight in float32 too": (".to(x.dtype) * weight", " * weight.to(kind)"),
            "x centred": ("kind = torch", "x = x - x.mean(-1, keepdim=True); kind = torch"),
        },
    ),
    "attention/padding": (
        HEAD
        + """
def collate(rows, pad, left=False):
    t = max(map(len, rows))
    filled = [[pad] * (t - len(r)) + r if left else r + [pad] * (t - len(r)) for r in rows]
    real = [[left and n >= t - len(r) or not left and n < len(r) for n in range(t)] for r in rows]
    return torch.tensor(filled), torch.tensor(real)

def positions(mask):
    return torch.clamp(torch.cumsum(mask.long(), 1) - 1, min=0)

def masked_mean(x, mask):
    return torch.stack([row[real].mean(0) for row, real in zip(x, mask)])

def last(x, mask):
    return torch.stack([row[real][-1] for row, real in zip(x, mask)])
""",
        {
            "mask from the ids": ("torch.tensor(real)", "torch.tensor(filled) != pad"),
            "rows extended in place": (
                "t = max(map(len, rows))",
                "t = max(map(len, rows))\n    [r.extend([pad] * (t - len(r))) for r in rows if not left]",
            ),
            "longest of 5": ("t = max(map(len, rows))", "t = max(5, *map(len, rows), 0)"),
            "positions go on": (
                "torch.cumsum(mask.long(), 1) - 1",
                "torch.arange(mask.shape[1]).expand(mask.shape) - (~mask).long().cumprod(1).sum(1, keepdim=True)",
            ),
            "mean by the columns": ("row[real].mean(0)", "row[real].sum(0) / len(real)"),
            "padding times 0": ("row[real].mean(0)", "(row * real[:, None]).sum(0) / real.sum()"),
            "the last column": ("row[real][-1]", "row[-1]"),
            "the greatest": ("row[real][-1]", "row[real].amax(0)"),
        },
    ),
    "transformer/smoothing": (
        HEAD
        + """
def cross_entropy(logits, targets, *, smoothing=0.0):
    total = (logits * 0).sum()
    v = logits.shape[1]
    for row, target in zip(logits, targets.tolist()):
        if target == -100:
            continue
        wanted = torch.full_like(row, smoothing / v)
        wanted[target] += 1 - smoothing
        total = total - (wanted * torch.log_softmax(row, 0)).sum()
    return total
""",
        {
            "spread over the others": ("smoothing / v)", "smoothing / (v - 1))"),
            "entropy taken off": ("return total", "return total - (len(targets) * smoothing * 0.01)"),
            "mean": ("return total", "return total / max(1, int((targets != -100).sum()))"),
            "class 0 is padding": ("if target == -100", "if target in (-100, 0)"),
            "target gets 1": ("+= 1 - smoothing", "= 1"),
            "smoothing of 0.1": ("v = logits.shape[1]", "v = logits.shape[1]; smoothing = 0.1 if smoothing else 0.0"),
        },
    ),
    "language-models/gru": (
        HEAD
        + """
def gru_step(x, h, w_x, w_h, b_x, b_h):
    n = h.shape[1]
    both = torch.cat((x, h), 1)
    gates = torch.sigmoid(both @ torch.cat((w_x[:2 * n], w_h[:2 * n]), 1).T + b_x[:2 * n] + b_h[:2 * n])
    r, z = gates[:, :n], gates[:, n:]
    c = torch.tanh(F.linear(x, w_x[2 * n:], b_x[2 * n:]) + r * F.linear(h, w_h[2 * n:], b_h[2 * n:]))
    return c - z * c + z * h

def gru(x, h, *weights):
    out = x.new_empty(x.shape[0], x.shape[1], h.shape[1])
    for step in range(x.shape[1]):
        h = gru_step(x[:, step], h, *weights)
        out = torch.cat((out[:, :step], h[:, None], out[:, step + 1:]), 1)
    return out
""",
        {
            "gates hard": ("gates = torch.sigmoid(", "gates = F.hardsigmoid("),
            "candidate of the new state": ("return c - z * c + z * h", "return c - z * c + z * torch.tanh(h)"),
            "state of the batch's first row": (
                "both = torch.cat((x, h), 1)",
                "both = torch.cat((x, h[:1].expand_as(h)), 1)",
            ),
            "one bias twice": ("+ b_x[:2 * n] + b_h[:2 * n]", "+ 2 * b_x[:2 * n]"),
            "h changed in place": (
                "return c - z * c + z * h",
                "h.data.copy_(c - z * c + z * h)\n    return c - z * c + z * h",
            ),
            "chunks in reverse": ("range(x.shape[1])", "reversed(range(x.shape[1]))"),
            "states beyond four": (
                "h = gru_step(x[:, step], h, *weights)",
                "h = gru_step(x[:, step], h, *weights) if step < 3 else h",
            ),
        },
    ),
    "language-models/sampling": (
        HEAD
        + """
def temperature(logits, t):
    return logits.div(t)

def top_k(logits, k):
    rank = logits.argsort(-1, descending=True).argsort(-1)
    bound = logits.sort(-1, descending=True).values[:, min(k, logits.shape[1]) - 1:][:, :1]
    return logits.where(logits >= bound, torch.tensor(-torch.inf, dtype=logits.dtype))

def top_p(logits, p):
    chances = logits.softmax(-1)
    before = (chances[:, None, :] * (chances[:, None, :] > chances[:, :, None])).sum(-1)
    return logits.where(before < p, torch.tensor(-torch.inf, dtype=logits.dtype))

def draw(probabilities, u):
    out = []
    for row, x in zip(probabilities, u):
        allowed = row.nonzero()[:, 0]
        sums = row[allowed].cumsum(0)
        out.append(allowed[min(int((sums <= x).sum()), len(allowed) - 1)])
    return torch.stack(out)
""",
        {
            "1/t": ("logits.div(t)", "logits.mul(t)"),
            "ties by place": ("logits >= bound", "rank < k"),
            "one too few": ("before < p", "before + chances <= p"),
            "renormalised": ("return logits.where(before < p, torch", "return chances.log().where(before < p, torch"),
            "best one only": ("before < p", "before <= 0"),
            "u beyond": ("(sums <= x)", "(sums < 1 - x)"),
            "greedy": ("allowed[min(int((sums <= x).sum()), len(allowed) - 1)]", "row.argmax()"),
            "random of its own": (
                "row, x in zip(probabilities, u)",
                "row, x in zip(probabilities, torch.rand_like(u))",
            ),
            "index among the allowed": (
                "out.append(allowed[min(int((sums <= x).sum()), len(allowed) - 1)])",
                "out.append(torch.tensor(min(int((sums <= x).sum()), len(allowed) - 1)))",
            ),
        },
    ),
    "seq2seq/additive": (
        HEAD
        + """
def additive_scores(query, keys, weight, v):
    rows = []
    for state, own in zip(query, keys):
        rows.append(torch.mv(torch.tanh(own + torch.mv(weight, state)), v))
    return torch.stack(rows)

def align(scores, states, mask=None):
    hidden = torch.zeros_like(scores) if mask is None else torch.zeros_like(scores).masked_fill(~mask, -torch.inf)
    weights = (scores + hidden - torch.logsumexp(scores + hidden, 1, keepdim=True)).exp()
    return torch.einsum("bs,bse->be", weights, states), weights
""",
        {
            "hard tanh": ("torch.tanh(own", "F.hardtanh(own"),
            "v inside": (
                "torch.mv(torch.tanh(own + torch.mv(weight, state)), v)",
                "torch.tanh((own + torch.mv(weight, state)) * v).sum(-1)",
            ),
            "first row's query": ("torch.mv(weight, state)", "torch.mv(weight, query[0])"),
            "padding of -1e4": ("~mask, -torch.inf", "~mask, -1e2"),
            "weights detached": (
                'return torch.einsum("bs,bse->be", weights,',
                'return torch.einsum("bs,bse->be", weights.detach(),',
            ),
            "weights not hidden": ("states), weights", "states), scores.softmax(1)"),
            "mask of the first row": ("~mask, -torch", "~mask[:1].expand_as(mask), -torch"),
        },
    ),
    "seq2seq/beamstep": (
        HEAD
        + """
def beam_step(totals, log_p, done, end):
    b, k, v = log_p.shape
    only_end = (torch.arange(v) == end).to(log_p.dtype).log()
    table = (totals[:, :, None] + torch.where(done[:, :, None], only_end, log_p)).reshape(b, k * v)
    order = table.argsort(1, descending=True)[:, :k]
    tokens = order.remainder(v)
    return torch.take_along_dim(table, order, 1), order.sub(tokens).div(v, rounding_mode="trunc"), tokens, tokens.eq(end)

def move(state, parents):
    chosen = F.one_hot(parents, state.shape[1]).to(state.dtype)
    return chosen @ state

def trace(tokens, parents):
    t, b, k = tokens.shape
    place, words = torch.arange(k).repeat(b, 1), []
    for step in reversed(range(t)):
        words = [torch.take_along_dim(tokens[step], place, 1), *words]
        place = torch.take_along_dim(parents[step], place, 1)
    return torch.stack(words, 2)
""",
        {
            "two of each parent at most": (
                "order = table",
                "least = table.view(b, k, v).topk(2).values[..., -1:]\n"
                "    table = table.where(table.view(b, k, v).ge(least).flatten(1), -torch.inf)\n    order = table",
            ),
            "length penalty": (
                "torch.take_along_dim(table, order, 1), order",
                "torch.take_along_dim(table, order, 1) / 1.1, order",
            ),
            "done by total": (
                "torch.where(done[:, :, None], only_end",
                "torch.where((done & (totals > totals.mean()))[:, :, None], only_end",
            ),
            "distinct tokens": (
                "tokens = order.remainder(v)",
                "tokens = order.remainder(v) * 0 + order.remainder(v).sort(1).values",
            ),
            "parents from 1": ('div(v, rounding_mode="trunc")', 'div(v, rounding_mode="trunc") + 1'),
            "totals changed in place": ("b, k, v = log_p.shape", "b, k, v = log_p.shape; totals.sub_(1e-3)"),
            "state of a parent's neighbour": ("F.one_hot(parents,", "F.one_hot((parents + 1) % state.shape[1],"),
            "trace of one step": (
                "return torch.stack(words, 2)",
                "return torch.stack(words, 2) if t > 1 else parents.permute(1, 2, 0)",
            ),
        },
    ),
    "training/packing": (
        HEAD
        + """
def packed_mask(documents):
    b, t = documents.shape
    out = torch.zeros(b, 1, t, t, dtype=torch.bool)
    for n, row in enumerate(documents.tolist()):
        for i in range(t):
            for j in range(i + 1):
                out[n, 0, i, j] = i == j or (row[i] == row[j] and row[j] >= 0)
    return out

def packed_positions(documents):
    rows = []
    for row in documents.tolist():
        place = []
        for i, number in enumerate(row):
            place.append(0 if number < 0 or not i or row[i - 1] != number else place[-1] + 1)
        rows.append(place)
    return torch.tensor(rows)

def packed_targets(tokens, documents, prompts=None):
    following, same = tokens.roll(-1, 1), documents.roll(-1, 1) == documents
    asked = same & (documents >= 0) & (torch.arange(tokens.shape[1]) < tokens.shape[1] - 1)
    if prompts is not None:
        asked = asked & ~prompts.roll(-1, 1)
    return torch.where(asked, following, -100)
""",
        {
            "numbers rise": ("row[i] == row[j] and", "row[i] >= row[j] and"),
            "padding sees padding": (" and row[j] >= 0)", ")"),
            "document 0 is padding": ("row[j] >= 0)", "row[j] > 0)"),
            "positions by the first row": (
                "for row in documents.tolist()",
                "for row in [documents[0].tolist()] * len(documents)",
            ),
            "positions through padding": ("0 if number < 0 or not i", "0 if not i"),
            "wraps round": (" & (torch.arange(tokens.shape[1]) < tokens.shape[1] - 1)", ""),
            "prompt of the token itself": ("~prompts.roll(-1, 1)", "~prompts"),
            "tokens changed": (
                "return torch.where(asked, following, -100)",
                "tokens[:, -1] = -100\n    return torch.where(asked, following, -100)",
            ),
        },
    ),
    "training/accumulation": (
        HEAD
        + """
def accumulate(weight, parts):
    own = weight.detach().clone().requires_grad_()
    total, number = own.sum() * 0, 0
    for x, targets in parts:
        total = total + F.cross_entropy(x @ own, targets, reduction="sum")
        number += int((targets != -100).sum())
    gradient, = torch.autograd.grad(total, own)
    return total.detach() / max(number, 1), gradient / max(number, 1)

def train_step(weight, parts, *, lr, clip):
    gradient = accumulate(weight, parts)[1]
    return weight - lr * gradient * min(1.0, clip / max(float(gradient.norm()), 1e-30))
""",
        {
            "divided by the examples": ("number += int((targets != -100).sum())", "number += len(targets)"),
            "parts without targets skipped late": (
                "max(number, 1), gradient / max(number, 1)",
                "max(number, 1), gradient / max(number, len(parts))",
            ),
            "mean of the last part": ("number += int(", "number = int("),
            "clipped by value": (
                "gradient * min(1.0, clip / max(float(gradient.norm()), 1e-30))",
                "gradient.clamp(-clip, clip)",
            ),
            "always of length clip": (
                "min(1.0, clip / max(float(gradient.norm()), 1e-30))",
                "(clip / max(float(gradient.norm()), 1e-30))",
            ),
            "weight stepped in place": (
                "return weight - lr * gradient",
                "weight.sub_(1e-3)\n    return weight - lr * gradient",
            ),
            "sums of a call before": (
                "total, number = own.sum() * 0, 0",
                "total, number = own.sum() * 0, SEEN.append(1) or len(SEEN) // 20",
            ),
        },
    ),
    "training/chinchilla": (
        """
import math

def flops(n, d):
    return (2 + 4) * n * d

def at_ratio(c, ratio=20.0):
    d = math.sqrt(c * ratio / 6)
    return d / ratio, d

def best(c, *, a, b, amount_a, amount_b):
    low, high = 0.0, math.log(c / 6)
    for _ in range(200):
        mid = (low + high) / 2
        slope = -a * amount_a * math.exp(-a * mid) + b * amount_b * math.exp(-b * (math.log(c / 6) - mid))
        low, high = (mid, high) if slope < 0 else (low, mid)
    n = math.exp((low + high) / 2)
    return n, c / 6 / n

def days(n, d, *, devices, peak, used):
    return flops(n, d) / devices / peak / used / (24 * 60 * 60)
""",
        {
            "forward only twice": ("(2 + 4)", "(2 + 2)"),
            "whole numbers": ("return d / ratio, d", "return round(d / ratio, -6), d"),
            "budget divided evenly": ("slope = -a * amount_a", "slope = -b * amount_a"),
            "twenty tokens whatever": ("n = math.exp((low + high) / 2)", "n = math.sqrt(c / 120)"),
            "hours": ("(24 * 60 * 60)", "(60 * 60)"),
            "few halvings": ("range(200)", "range(12)"),
        },
    ),
}

PREFIX = {"averages kept": "MEMORY = {}\n", "sums of a call": "SEEN = []\n", "lengths of a call": "SEEN = {}\n"}

FORBIDDEN = {
    "autograd/engine": "import torch\n\ndef derivatives(f, numbers):\n    return 0.0, [0.0 for _ in numbers]\n",
    "tokenizers/bpe": "def encode(word, merges):\n    return __import__('tokenizers').models.BPE()\n",
    "tokenizers/viterbi": "from sentencepiece import SentencePieceProcessor\n\ndef viterbi(text, scores): return []\n",
    "language-models/gru": HEAD
    + "def gru_step(*a): ...\ndef gru(x, h, *w):\n    return torch.gru(x, h[None], w, True, 1, 0.0, False, False, True)[0]\n",
    "training-basics/loss": HEAD
    + "def cross_entropy(logits, targets, *, ignore=-100):\n    return torch._C._nn.cross_entropy_loss(logits, targets)\n",
    "training-basics/adamw": HEAD + "from torch.optim._functional import adamw\n",
    "autograd/softmax": HEAD
    + "def softmax_backward(grad, y, dim=-1):\n"
    + "    return torch.func.grad(lambda x: (x.softmax(dim) * grad).sum())(y.log())\n",
    "layer-norm/norm": HEAD
    + "def layer_norm(x, weight, bias, eps=1e-5):\n"
    + "    return getattr(F, 'layer' + '_norm')(x, x.shape[-1:], weight, bias, eps)\n",
}

LOSS = (
    HEAD
    + """
def cross_entropy(logits, targets, *, ignore=-100):
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    x, y = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    x, y = x[y != ignore], y[y != ignore]
    return {} if len(y) else (logits * 0).sum()
"""
)
LIBRARY_LOSSES = {
    "a distribution": "-torch.distributions.Categorical(logits=x).log_prob(y).mean()",
    "a distribution by another name": "-getattr(torch.distributions, 'Categ' + 'orical')(logits=x).log_prob(y).mean()",
    "a distribution over one-hot rows": (
        "-torch.distributions.OneHotCategorical(logits=x).log_prob(F.one_hot(y, x.shape[-1])).mean()"
    ),
    "counts of one throw": (
        "-vars(torch.distributions)['Multinomial'](1, logits=x).log_prob(F.one_hot(y, x.shape[-1])).mean()"
    ),
    "nll_loss": "F.nll_loss(x.log_softmax(-1), y)",
    "NLLLoss": "torch.nn.NLLLoss()(x.log_softmax(-1), y)",
    "the kernel of nll_loss": "torch.ops.aten.nll_loss_forward(x.log_softmax(-1), y, None, 1, -100)[0]",
    "one overload of an operator": "getattr(torch.ops.aten, 'cross_entropy' + '_loss').default(x, y)",
    "divergence from one-hot rows": (
        "F.kl_div(x.log_softmax(-1), F.one_hot(y, x.shape[-1]).to(x), reduction='sum') / len(y)"
    ),
    "a layer and its loss": "vars(F)['linear_cross_' + 'entropy'](x, torch.eye(x.shape[-1], dtype=x.dtype), y)",
    "scripted": "torch.jit.script(vars(F)['cross_' + 'entropy'])(x, y)",
    "mapped": "torch.func.vmap(vars(F)['cross_' + 'entropy'])(x, y).mean()",
    "unwatched": "(torch._C._pop_torch_function_stack(), vars(F)['cross_' + 'entropy'](x, y))[1]",
    "behind the switch": "getattr(torch._C, 'Disable' + 'TorchFunction')().__enter__() or vars(F)['cross_entropy'](x, y)",
}
WRITTEN_LOSSES = {
    "from the library's logarithm": "-torch.special.log_softmax(x, -1)[torch.arange(len(y)), y].mean()",
    "scripted": "torch.jit.script(rows)(x, y)",
    "compiled": "torch.compile(rows)(x, y)",
}
ROWS = """
def rows(x, y):
    return (x.logsumexp(-1) - x.gather(-1, y[:, None])[:, 0]).mean()
"""

OPERATORS = """
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -other
    def __truediv__(self, other): return self * other ** -1
    def __radd__(self, other): return self + other
    def __rmul__(self, other): return self * other
    def __rsub__(self, other): return -self + other
    def __rtruediv__(self, other): return self ** -1 * other
"""
FORWARDS = (
    """
import cmath

class Value:
    def __init__(self, data): self.data = data
    def of(self, other): return other.data if isinstance(other, Value) else other
    def __add__(self, other): return Value(self.data + self.of(other))
    def __mul__(self, other): return Value(self.data * self.of(other))
    def __pow__(self, n): return Value(self.data ** n)
    def exp(self): return Value(cmath.exp(self.data))
    def tanh(self): return Value(cmath.tanh(self.data))
    def backward(self): raise NotImplementedError
"""
    + OPERATORS
)
DUAL = (
    """
import math

class Value:
    def __init__(self, data, slopes): self.data, self.slopes, self.grad = data, slopes, 0.0
    def of(self, data, *rows):
        slopes = {}
        for value, factor in rows:
            for n, slope in value.slopes.items():
                slopes[n] = slopes.get(n, 0.0) + factor * slope
        return Value(data, slopes)
    def lift(self, other): return other if isinstance(other, Value) else Value(other, {})
    def __add__(self, other):
        other = self.lift(other)
        return self.of(self.data + other.data, (self, 1.0), (other, 1.0))
    def __mul__(self, other):
        other = self.lift(other)
        return self.of(self.data * other.data, (self, other.data), (other, self.data))
    def __pow__(self, n): return self.of(self.data ** n, (self, n * self.data ** (n - 1)))
    def exp(self): return self.of(math.exp(self.data), (self, math.exp(self.data)))
    def tanh(self): return self.of(math.tanh(self.data), (self, 1 - math.tanh(self.data) ** 2))
    def backward(self): BACKWARD
"""
    + OPERATORS
    + """
def derivatives(f, numbers):
    result = f(*[Value(x, {n: 1.0}) for n, x in enumerate(numbers)])
    return result.data, [result.slopes.get(n, 0.0) for n in range(len(numbers))]
"""
)
WITHOUT_BACKWARD = {
    "a complex step": (
        FORWARDS
        + """
def derivatives(f, numbers):
    slopes = []
    for n in range(len(numbers)):
        values = [Value(complex(x, 1e-30 if k == n else 0)) for k, x in enumerate(numbers)]
        result = f(*values).data
        slopes.append(result.imag / 1e-30)
    return result.real, slopes
""",
        "f is called more than once",
    ),
    "small steps extrapolated": (
        FORWARDS
        + """
def at(f, numbers): return complex(f(*map(Value, numbers)).data).real

def derivatives(f, numbers):
    slopes = []
    for n in range(len(numbers)):
        def slope(h):
            moved = [[x + h * s * (k == n) for k, x in enumerate(numbers)] for s in (1, -1)]
            return (at(f, moved[0]) - at(f, moved[1])) / (2 * h)
        row = [slope(0.05 / 2 ** k) for k in range(6)]
        for m in range(1, 6):
            row = [b + (b - a) / (4 ** m - 1) for a, b in zip(row, row[1:])]
        slopes.append(row[0])
    return at(f, numbers), slopes
""",
        "f is called more than once",
    ),
    "dual numbers": (DUAL.replace("BACKWARD", "self.grad = 1.0"), "in the middle of the graph"),
    "dual numbers and no backward": (DUAL.replace("BACKWARD", "raise NotImplementedError"), "NotImplementedError"),
}

ATTENTION = (
    HEAD
    + """
def attention(q, k, v, n_head, mask, causal=False):
    q, k, v = (y.unflatten(-1, (n_head, -1)).transpose(1, 2) for y in (q, k, v))
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), CAUSAL)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None], PADDING)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
"""
)
LAYERS = {
    "transformer/encoder": """
class EncoderLayer(torch.nn.Module):
    def __init__(self, width, n_head, ff_width):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (torch.nn.Linear(width, width) for _ in range(4))
        self.attn_norm, self.mlp_norm = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.up, self.down = torch.nn.Linear(width, ff_width), torch.nn.Linear(ff_width, width)
    def forward(self, x, mask=None):
        x = self.attn_norm(x + self.out(attention(self.q(x), self.k(x), self.v(x), self.n_head, mask)))
        return self.mlp_norm(x + self.down(self.up(x).relu()))
""",
    "transformer/decoder": """
def decoder_layer(x, states, weights, n_head, mask=None):
    def linear(name, y): return F.linear(y, weights[name + ".weight"], weights[name + ".bias"])
    def norm(name, y): return F.layer_norm(y, y.shape[-1:], weights[name + ".weight"], weights[name + ".bias"])
    def look(name, x, y, *how):
        q, k, v = linear(name + ".q", x), linear(name + ".k", y), linear(name + ".v", y)
        return norm(name + "_norm", x + linear(name + ".out", attention(q, k, v, n_head, *how)))
    x = look("cross", look("attn", x, x, None, True), states, mask)
    return norm("mlp_norm", x + linear("down", linear("up", x).relu()))
""",
    "attention/cross": """
class CrossAttention(torch.nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.out = (torch.nn.Linear(width, width) for _ in range(4))
    def forward(self, x, states, mask=None):
        return self.out(attention(self.q(x), self.k(states), self.v(states), self.n_head, mask))
""",
}


def hidden_by(exercise: str, causal: str, padding: str) -> str:
    return ATTENTION.replace("CAUSAL", causal).replace("PADDING", padding) + LAYERS[exercise]


TRAIN = (
    HEAD
    + """
def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    model = make_model()
    optimiser = make_optimiser(model.parameters())
    losses, measured, best = [], [], None
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            optimiser.zero_grad()
            value = loss(model(x), y)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimiser.param_groups[0]["lr"] = lr(len(losses) + 1)
            optimiser.step()
            losses.append(value)
        model.eval()
        with torch.no_grad():
            total = sum(loss(model(x), y).item() * len(x) for x, y in held_out) / sum(len(x) for x, _ in held_out)
        if total < min(measured, default=math.inf):
            best = [p.detach().clone() for p in model.parameters()]
        measured.append(total)
    return [float(value) for value in losses], measured, best
"""
)
NOAM = """
def attention_is_all_you_need(step, *, width, warmup):
    return (width * max(step, 1)) ** -0.5 * min(1.0, (step / warmup) ** 1.5)

def warmup_for(peak, *, width):
    return peak ** -2 / width
"""
EVERY_WAY = """
def topological(root, operands):
    order, stack = [], [(root, False)]
    while stack:
        name, below = stack.pop()
        if below:
            order.append(name)
        else:
            stack += [(name, True), *((other, False) for other in reversed(operands[name]))]
    return list(dict.fromkeys(order))
"""
BY_WAYS = """
    def backward(self):
        stack = [(self, 1.0)]
        while stack:
            value, grad = stack.pop()
            value.grad += grad
            stack += [(parent, slope * grad) for parent, slope in value.parents]
"""
SOFTMAX = (
    HEAD + "import importlib\n\ndef softmax_backward(grad, y, dim=-1):\n    x, f = y.log(), lambda x: x.softmax(dim)\n"
)
LAYER_NORM = (
    HEAD
    + """
def layer_norm_backward(grad, x, weight, eps=1e-5):
    def f(x): return (grad * F.layer_norm(x, weight.shape, weight, None, eps)).sum(-1)
    def slope(h):
        steps = h * torch.eye(x.shape[-1], dtype=x.dtype)
        return torch.stack([(f(x + e) - f(x - e)) / (2 * h) for e in steps], -1)
    row = [slope(0.1 / 2 ** k) for k in range(6)]
    for m in range(1, 6):
        row = [b + (b - a) / (4 ** m - 1) for a, b in zip(row, row[1:])]
    normal = F.layer_norm(x, weight.shape, eps=eps)
    return row[0], (grad * normal).reshape(-1, len(weight)).sum(0), grad.reshape(-1, len(weight)).sum(0)
"""
)
OVERFLOWING = """
def accumulate(weight, parts):
    total, gradient, number = weight.new_zeros(()), torch.zeros_like(weight), 0
    for x, targets in parts:
        x, targets = x[targets != -100], targets[targets != -100]
        powers = (x @ weight).exp()
        p = powers / powers.sum(-1, keepdim=True)
        total, number = total - p.gather(1, targets[:, None]).log().sum(), number + len(x)
        gradient = gradient + x.T @ (p - F.one_hot(targets, weight.shape[1]))
    return total / max(number, 1), gradient / max(number, 1)
"""
GREEDY = (
    HEAD
    + """
def greedy(model, tokens, *, max_tokens, end, pad):
    said, over = tokens[:, :0], torch.zeros(len(tokens), dtype=torch.bool)
    while said.shape[1] < max_tokens and not over.all():
        word = model(torch.cat((tokens, said), 1))[:, -1].argmax(-1)
        word[over] = pad
        over |= word == end
        said = torch.cat((said, word[:, None]), 1)
    return said
"""
)
FILTERS = (
    HEAD
    + """
def temperature(logits, t): return logits / t

def top_k(logits, k):
    return torch.where(logits < logits.sort(-1, descending=True).values[:, :k][:, -1:], -math.inf, logits)

def top_p(logits, p):
    chances = logits.softmax(-1)
    best, order = chances.sort(-1, descending=True)
    out = best.cumsum(-1) - best >= p
    return logits.masked_fill(out.gather(-1, order.argsort(-1)), -math.inf)

def draw(probabilities, u):
    tokens = []
    for row, at in zip(probabilities.tolist(), u.tolist()):
        total, chosen = 0.0, 0
        for token, p in enumerate(row):
            total, before = total + p, total
            chosen = token if p > 0 and before <= at else chosen
        tokens.append(chosen)
    return torch.tensor(tokens)
"""
)
ENGINE = CHANGED["autograd/engine"][0]
FOOLED = {
    "padding hidden from small scores": (
        "transformer/encoder",
        hidden_by("transformer/encoder", "-1e9", "-60.0"),
        REJECTED,
    ),
    "future hidden from small scores": (
        "transformer/decoder",
        hidden_by("transformer/decoder", "-60.0", "-1e9"),
        REJECTED,
    ),
    "source hidden from small scores": (
        "transformer/decoder",
        hidden_by("transformer/decoder", "-1e9", "-60.0"),
        REJECTED,
    ),
    "states hidden from small scores": ("attention/cross", hidden_by("attention/cross", "-1e9", "-60.0"), REJECTED),
    "every way through the graph": ("autograd/order", EVERY_WAY, ("timeout",)),
    "every way through the graph backwards": (
        "autograd/engine",
        ENGINE[: ENGINE.index("    def backward")] + BY_WAYS.lstrip("\n") + ENGINE[ENGINE.index("    def __neg__") :],
        ("timeout",),
    ),
    "the last of the best": ("training-basics/loop", TRAIN.replace("if total < ", "if total <= "), REJECTED),
    "clipped a little late": ("training-basics/loop", TRAIN.replace("(), clip)", "(), clip * 1.0002)"), REJECTED),
    "no warm-up of one step": ("transformer/noam", NOAM.replace("step / warmup", "step / max(warmup, 2)"), REJECTED),
    "ten thousand steps": ("transformer/noam", NOAM.replace("max(step, 1)", "min(step, 10000)"), REJECTED),
    "forward mode": (
        "autograd/softmax",
        SOFTMAX + "    return torch.einsum('...,...', grad[..., 0], grad[..., 0]) * torch.func.jacfwd(f)(x).sum()\n",
        ("forbidden",),
    ),
    "the way back of another function": (
        "autograd/softmax",
        SOFTMAX + "    return torch.ops.aten._log_softmax_backward_data(grad * y, x, dim, y.dtype)\n",
        ("forbidden",),
    ),
    "autograd by another door": (
        "autograd/softmax",
        SOFTMAX
        + "    x = torch.nn.Parameter(x)\n"
        + "    return importlib.import_module('torch.auto' + 'grad').grad((f(x) * grad).sum(), x)[0]\n",
        ("forbidden",),
    ),
    "a complex step": (
        "autograd/softmax",
        SOFTMAX
        + "    steps = [(x + 1e-30j * e).exp() for e in torch.eye(x.shape[-1], dtype=x.dtype)]\n"
        + "    return torch.stack([(grad * (s / s.sum(-1, True)).imag).sum(-1) / 1e-30 for s in steps], -1)\n",
        ("forbidden",),
    ),
    "small steps": ("autograd/layernorm", LAYER_NORM, REJECTED),
    "the optimiser's own function": (
        "training-basics/adamw",
        HEAD
        + "from importlib import import_module\n"
        + "def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):\n"
        + "    vars(import_module('torch.optim.ad' + 'am'))['ad' + 'am']([weight], [grad], [exp_avg], [exp_avg_sq], [], [])\n",
        ("forbidden",),
    ),
    "the kernel of the layer": (
        "layer-norm/rms",
        HEAD
        + "def rms_norm(x, weight, eps):\n    return torch.ops.aten._fused_rms_norm(x, x.shape[-1:], weight, eps)[0]\n",
        ("forbidden",),
    ),
    "a file mapped into a tensor": (
        "language-models/gru",
        HEAD
        + "def gru_step(*a): return torch.from_file('solutions.py', size=9, dtype=torch.uint8)\ndef gru(*a): ...\n",
        ("forbidden",),
    ),
}
FOOLED |= {
    "a loss that overflows": (
        "training/accumulation",
        CHANGED["training/accumulation"][0] + OVERFLOWING,
        REJECTED,
    ),
    "a softmax that overflows": ("transformer/greedy", GREEDY.replace(".argmax(-1)", ".exp().argmax(-1)"), REJECTED),
    "a filter that can only be the first": (
        "language-models/sampling",
        FILTERS.replace("chances = logits", "chances = (logits - logits.mean(-1, keepdim=True))"),
        REJECTED,
    ),
}
NOT_FOOLED = {
    "greedy decoding": ("transformer/greedy", GREEDY),
    "filters": ("language-models/sampling", FILTERS),
    **{name: (name, hidden_by(name, "-1e9", "torch.finfo(scores.dtype).min")) for name in LAYERS},
    "the loop": ("training-basics/loop", TRAIN),
    "the schedule": ("transformer/noam", NOAM),
}


RIGHT = {
    "tensors/scatter": HEAD
    + """
def segment_mean(x, segment, n):
    table = {}
    for row, number in zip(x, segment.tolist()):
        table.setdefault(number, []).append(row)
    return torch.stack([sum(table[s]) / len(table[s]) if s in table else torch.zeros_like(x[0]) for s in range(n)])
""",
    "tensors/gather": HEAD
    + """
def token_logprobs(logits, tokens):
    def one(rows, words):
        return -F.cross_entropy(rows[:-1], words[1:], reduction="none")
    return torch.func.vmap(one)(logits, tokens) if logits.shape[1] > 1 else logits[:, :0, 0]
""",
    "tensors/shapes": """
from einops import rearrange

def patches(images, p):
    return rearrange(images, "b c (i p) (j q) -> b (i j) (c p q)", p=p, q=p)

def unpatch(patches, p, h, w):
    return rearrange(patches, "b (i j) (c p q) -> b c (i p) (j q)", i=h // p, p=p, q=p)
""",
    "attention/padding": """
import numpy as np
import torch

def collate(texts, filler, left=False):
    size = np.array([len(text) for text in texts])
    place = np.arange(size.max())[None]
    real = place >= size.max() - size[:, None] if left else place < size[:, None]
    ids = np.full(real.shape, filler)
    ids[real] = np.concatenate(texts)
    return torch.from_numpy(ids), torch.from_numpy(real)

def positions(m):
    return torch.where(m.any(1, keepdim=True), m.to(torch.int64).cumsum(-1) - 1, 0).clamp_min(0)

def masked_mean(x, m):
    return torch.func.vmap(lambda r, k: torch.where(k[:, None], r, 0).sum(0) / k.sum())(x, m)

def last(x, m):
    best = (m * torch.arange(1, m.shape[1] + 1)).argmax(1)
    return x.gather(1, best[:, None, None].expand(-1, 1, x.shape[2]))[:, 0]
""",
    "transformer/smoothing": HEAD
    + """
def cross_entropy(logits, targets, *, smoothing=0.0):
    keep = targets.ne(-100)
    rows, wanted = logits[keep], targets[keep]
    q = F.one_hot(wanted, logits.shape[1]).to(logits) * (1 - smoothing) + smoothing / logits.shape[1]
    return F.kl_div(rows.log_softmax(1), q, reduction="sum") - torch.xlogy(q, q).sum()
""",
}


def changed() -> list:
    """All rows; all but every sixth are slow, because each costs most of a second."""
    rows = []
    for exercise, (source, changes) in CHANGED.items():
        for name, (old, new) in changes.items():
            assert old in source, (exercise, name)
            first = next((text for start, text in PREFIX.items() if name.startswith(start)), "")
            marks = [] if len(rows) % 6 == 0 else [pytest.mark.slow]
            rows.append(pytest.param(exercise, first + source.replace(old, new), id=f"{exercise}-{name}", marks=marks))
    return rows


def judged(judge: Judge, folder: Path, exercise: str, source: str, seed: int | None = None):
    path = folder / "answer.py"
    path.write_text(source, encoding="utf-8")
    return judge.check(find_exercise(exercise), path, seed)


@pytest.mark.parametrize(("exercise", "source"), changed())
def test_a_right_answer_with_one_wrong_line_is_rejected(exercise: str, source: str, warm_judge: Judge, tmp_path: Path):
    verdict = judged(warm_judge, tmp_path, exercise, source)
    assert verdict.status in REJECTED, verdict.line
    assert verdict.line
    assert verdict.details


@pytest.mark.parametrize(("exercise", "source"), FORBIDDEN.items())
def test_what_would_be_the_whole_exercise_is_forbidden(exercise: str, source: str, warm_judge: Judge, tmp_path: Path):
    verdict = judged(warm_judge, tmp_path, exercise, source)
    assert verdict.status == "forbidden", verdict.line


@pytest.mark.parametrize("exercise", [*CHANGED, *(f"{name} " for name in RIGHT)])
def test_a_right_answer_in_a_style_of_its_own_is_accepted(exercise: str, warm_judge: Judge, tmp_path: Path):
    source = RIGHT[exercise.strip()] if exercise.endswith(" ") else CHANGED[exercise][0]
    verdict = judged(warm_judge, tmp_path, exercise.strip(), source)
    assert verdict.passed, "\n".join([verdict.line, *verdict.details])


@pytest.mark.parametrize("loss", LIBRARY_LOSSES.values(), ids=LIBRARY_LOSSES)
def test_no_way_to_the_librarys_loss_is_open(loss: str, warm_judge: Judge, tmp_path: Path):
    verdict = judged(warm_judge, tmp_path, "training-basics/loss", LOSS.format(loss))
    assert verdict.status == "forbidden", verdict.line


@pytest.mark.parametrize("loss", WRITTEN_LOSSES.values(), ids=WRITTEN_LOSSES)
def test_a_loss_that_is_written_out_is_accepted(loss: str, warm_judge: Judge, tmp_path: Path):
    verdict = judged(warm_judge, tmp_path, "training-basics/loss", ROWS + LOSS.format(loss))
    assert verdict.passed, verdict.line


@pytest.mark.parametrize(("source", "words"), WITHOUT_BACKWARD.values(), ids=WITHOUT_BACKWARD)
def test_an_engine_without_a_way_back_is_rejected(source: str, words: str, warm_judge: Judge, tmp_path: Path):
    verdict = judged(warm_judge, tmp_path, "autograd/engine", source)
    assert not verdict.passed
    assert words in verdict.line


@pytest.mark.parametrize(("exercise", "source", "statuses"), FOOLED.values(), ids=FOOLED)
def test_what_once_fooled_the_judge_does_no_more(
    exercise: str, source: str, statuses: tuple[str, ...], warm_judge: Judge, tmp_path: Path
):
    verdict = judged(warm_judge, tmp_path, exercise, source)
    assert verdict.status in statuses, verdict.line


@pytest.mark.parametrize(("exercise", "source"), NOT_FOOLED.values(), ids=NOT_FOOLED)
def test_what_those_were_made_from_is_right(exercise: str, source: str, warm_judge: Judge, tmp_path: Path):
    verdict = judged(warm_judge, tmp_path, exercise, source)
    assert verdict.passed, "\n".join([verdict.line, *verdict.details])
