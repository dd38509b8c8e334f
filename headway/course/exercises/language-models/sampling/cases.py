"""What is asked of sampling, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near

ORDER = 3
ENTRIES = ("temperature", "top_k", "top_p", "draw")
RETURNS = {"temperature": "b v", "top_k": "b v", "top_p": "b v", "draw": "b"}
SIZES = {"b": (1, 4), "v": (2, 9), "k": (1, "v")}
FORBIDDEN = {"multinomial": "the random number is given: see where it falls"}
PLUG = {
    "headway.sample.filters.temperature": "temperature",
    "headway.sample.filters.top_k": "top_k",
    "headway.sample.filters.top_p": "top_p",
}


def temperature(logits, t):
    return logits / t


def top_k(logits, k):
    least = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < least, -torch.inf)


def top_p(logits, p):
    best, order = logits.sort(dim=-1, descending=True)
    chances = best.softmax(-1)
    out = (chances.cumsum(-1) - chances) >= p
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)


def draw(probabilities, u):
    place = (probabilities.cumsum(-1) <= u[:, None]).sum(-1)
    last = (torch.arange(probabilities.shape[-1]) * (probabilities > 0)).amax(-1)
    return torch.minimum(place, last)


def plain(name, draws, **more):
    return case(name, gradient=False, draws=draws, **more)


@plain("a temperature", 5)
def warm(d):
    return Call("temperature", logits=d.normal("b v"), t=d.number(0.2, 0.9) if d.b % 2 else d.number(1.1, 3.0))


@plain("top-k", 7, b=(2, 4), v=(3, 9))
def best_k(d):
    return Call("top_k", logits=d.normal("b v", std=2.0), k=d.k)


@plain("top-k, k greater than the vocabulary", 3)
def many(d):
    return Call("top_k", logits=d.normal("b v"), k=d.v + d.integer(1, 3))


@plain("top-k with ties", 5, v=(4, 9))
def ties(d):
    return Call("top_k", logits=d.keep(d.integers("b v", -2, 2).double(), "b v"), k=d.integer(1, d.v - 1))


@plain("top-p", 8, v=(4, 9), float32=False)
def nucleus(d):
    return Call("top_p", logits=d.normal("b v"), p=d.number(0.3, 0.9))


@plain("top-p of a peaked distribution", 6, v=(4, 9), float32=False)
def peaked(d):
    return Call("top_p", logits=d.normal("b v", std=4.0), p=d.number(0.1, 0.5))


@plain("top-p of logits far from zero", 4, v=(4, 9), float32=False)
def far(d):
    return Call("top_p", logits=d.keep(d.normal("b v") - 40, "b v"), p=d.number(0.5, 0.9))


@plain("top-p after another filter", 5, v=(4, 9), float32=False)
def after(d):
    logits = d.normal("b v", std=2.0).masked_fill(~d.mask("b v", keep=0.5), -torch.inf)
    return Call("top_p", logits=d.keep(logits, "b v"), p=d.number(0.3, 0.9))


@plain("a draw", 8, v=(3, 9), float32=False)
def fall(d):
    return Call("draw", probabilities=d.keep(d.normal("b v").softmax(-1), "b v"), u=d.uniform("b"))


@plain("a draw with tokens that are out", 7, v=(4, 9), float32=False)
def fall_filtered(d):
    logits = d.normal("b v").masked_fill(~d.mask("b v", keep=0.5), -torch.inf)
    return Call("draw", probabilities=d.keep(logits.softmax(-1), "b v"), u=d.uniform("b"))


@plain("u = 0, with the first tokens out", 4, v=(3, 9), float32=False)
def zero(d):
    logits = d.normal("b v")
    logits[:, : d.integer(1, d.v - 1)] = -torch.inf
    return Call("draw", probabilities=d.keep(logits.softmax(-1), "b v"), u=d.keep(torch.zeros(d.b).double(), "b"))


@plain("u above the sum of all, by rounding", 4, v=(3, 9), float32=False)
def one(d):
    logits = d.normal("b v")
    logits[:, -d.integer(1, d.v - 1) :] = -torch.inf
    return Call(
        "draw",
        probabilities=d.keep(logits.softmax(-1) * (1 - 1e-9), "b v"),
        u=d.keep(torch.full((d.b,), 1 - 1e-12).double(), "b"),
    )


@law("what stays of top-p does not reach p, or would reach it with a token less", v=(4, 9))
def fewest(learner, d):
    logits, p = d.normal("b v"), d.number(0.2, 0.9)
    kept = learner.top_p(logits, p).isfinite()
    chances = torch.where(kept, logits.softmax(-1), 0.0)
    least = chances.masked_fill(~kept, 2.0).amin(-1)
    total = chances.sum(-1)
    return bool((total >= p - 1e-9).all()) and bool((total - least < p + 1e-9).all())


@law("a filter changes the logits of tokens that stay")
def untouched(learner, d):
    logits = d.normal("b v")
    filtered = [learner.top_k(logits, 2), learner.top_p(logits, 0.7)]
    return all(near(f[f.isfinite()], logits[f.isfinite()]) for f in filtered)
