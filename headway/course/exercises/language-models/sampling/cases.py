"""What is asked of sampling, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

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
    chances = note("probabilities, the greatest first (b v)", best.softmax(-1))
    before = note("sums of the probabilities before each (b v)", chances.cumsum(-1) - chances)
    out = note("tokens left out, the likeliest first (b v)", before >= p)
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)


def draw(probabilities, u):
    place = (note("sums of the probabilities up to each (b v)", probabilities.cumsum(-1)) <= u[:, None]).sum(-1)
    last = (torch.arange(probabilities.shape[-1]) * (probabilities > 0)).amax(-1)
    return torch.minimum(place, last)


def filtered(d):
    """Logits after another filter: some are -inf."""
    return d.keep(d.normal("b v", std=2.0).masked_fill(~d.mask("b v", keep=0.5), -torch.inf), "b v")


def plain(name, draws, **more):
    return case(name, gradient=False, draws=draws, **more)


@plain("a temperature", 5)
def warm(d):
    return Call("temperature", logits=d.normal("b v"), t=d.number(0.2, 0.9) if d.b % 2 else d.number(1.1, 3.0))


@plain("a temperature next to 0, of about 1, or high", 6)
def extreme(d):
    return Call("temperature", logits=d.normal("b v"), t=d.choice([0.001, 0.02, 0.05, 0.09, 1.0, 1.3, 10.0, 60.0]))


@plain("a temperature of 0.05", 2, v=5, k=1)
def cold(d):
    return Call("temperature", logits=d.normal("b v"), t=0.05)


@plain("a temperature of 0.001", 2, v=5, k=1)
def freezing(d):
    return Call("temperature", logits=d.normal("b v"), t=0.001)


@plain("a temperature of 60", 2, v=5, k=1)
def hot(d):
    return Call("temperature", logits=d.normal("b v"), t=60.0)


@plain("a temperature after a filter", 3, v=(4, 9))
def warm_filtered(d):
    return Call("temperature", logits=filtered(d), t=d.number(0.3, 2.0))


@plain("top-k", 7, b=(2, 4), v=(3, 9))
def best_k(d):
    return Call("top_k", logits=d.normal("b v", std=2.0), k=d.k)


@plain("top-k with k = 1", 2, b=(2, 4), v=(3, 9))
def single_best(d):
    return Call("top_k", logits=d.normal("b v", std=2.0), k=1)


@plain("top-k of many", 1, b=2, v=130, k=70)
def best_of_many(d):
    return Call("top_k", logits=d.normal("b v", std=2.0), k=d.k)


@plain("top-k after another filter", 4, v=(4, 9))
def best_filtered(d):
    return Call("top_k", logits=filtered(d), k=d.integer(1, d.v))


@plain("top-k of logits that hardly differ", 3, v=(4, 9), float32=False)
def close_together(d):
    return Call("top_k", logits=d.keep(1 + 1e-8 * d.normal("b v"), "b v"), k=d.integer(1, d.v - 1))


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
    return Call("top_p", logits=filtered(d), p=d.number(0.3, 0.9))


@plain("top-p, p next to 0, tokens about equally likely", 3, v=60, k=1, float32=False)
def next_to_none(d):
    return Call("top_p", logits=d.normal("b v", std=0.2), p=d.number(0.01, 0.05))


@plain("top-p, p next to 1", 3, v=(5, 9), k=1, float32=False)
def next_to_all(d):
    return Call("top_p", logits=d.normal("b v"), p=d.number(0.985, 0.995))


@plain("top-p, p next to 1, tokens about equally likely", 2, v=150, k=1, float32=False)
def next_to_all_of_many(d):
    return Call("top_p", logits=d.normal("b v", std=0.2), p=d.choice([0.981, 0.985, 0.99, 0.995]))


@plain("top-p, p a billionth beside a sum", 4, v=(5, 9), float32=False)
def beside(d):
    logits = d.normal("b v")
    sums = logits.softmax(-1).sort(descending=True).values.cumsum(-1)[0, : d.v - 1]
    return Call("top_p", logits=logits, p=float(d.choice(sums.tolist())) + d.choice([-1e-9, 1e-9]))


@plain("a draw", 8, v=(3, 9), float32=False)
def fall(d):
    return Call("draw", probabilities=d.keep(d.normal("b v").softmax(-1), "b v"), u=d.uniform("b"))


def on_an_edge(d, beside):
    """Probabilities of 1/2, 1/4 ... in random order: their sums are exact."""
    powers = [0.5**n for n in range(1, d.v)]
    line = torch.tensor([*powers, powers[-1]], dtype=torch.float64)
    rows = torch.stack([line[d.distinct("v", "v")] for _ in range(d.b)])
    edges = rows.cumsum(-1).gather(1, d.integers("b 1", 0, "v-1"))[:, 0]
    return Call("draw", probabilities=d.keep(rows, "b v"), u=d.keep(edges + beside, "b"))


@plain("u on the edge between two tokens", 4, v=(5, 9), k=1, float32=False)
def edge(d):
    return on_an_edge(d, 0.0)


@plain("u a billionth beside the edge between two tokens", 4, v=(5, 9), k=1, float32=False)
def beside_the_edge(d):
    return on_an_edge(d, d.choice([-1e-9, 1e-9]))


@plain("u = 0", 2, v=(3, 9), float32=False)
def at_zero(d):
    return Call(
        "draw", probabilities=d.keep(d.normal("b v").softmax(-1), "b v"), u=d.keep(torch.zeros(d.b).double(), "b")
    )


@plain("a draw from many tokens", 1, b=4, v=350, k=1, float32=False)
def fall_far(d):
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


@law(
    "where the best tokens together reach p exactly, top-p mostly keeps another number of them", draws=1, b=1, v=9, k=1
)
def exactly(learner, d):
    """A sum that is written otherwise may be off in its last digit, upwards or downwards: right ones hit about 60 of 100 and
    more, those that keep one token too many about 20 and less."""
    found = 0
    for n in range(100):
        logits, fewest = d.normal("b v", std=2.0), 1 + n % 3
        p = logits.sort(descending=True).values.softmax(-1).cumsum(-1)[0, fewest - 1].item()
        found += int(learner.top_p(logits, p).isfinite().sum()) == fewest
    return found >= 40


@law("of tokens that are all equally likely, top-p keeps more or fewer than it takes to reach p", draws=2, v=(4, 9))
def equally_likely(learner, d):
    """Which of them stay is left open, how many is not: a threshold on the probability keeps all that tie."""
    number = d.integer(1, d.v - 1)
    kept = learner.top_p(d.keep(torch.full(d.shape("b v"), 0.5).double(), "b v"), (number - 0.5) / d.v).isfinite()
    return bool((kept.sum(-1) == number).all())


@law("a filter changes the logits of tokens that stay")
def untouched(learner, d):
    """What is filled in for the others is another question: only clearly greater logits count as staying."""
    logits = d.normal("b v")
    kept = [learner.top_k(logits, 2), learner.top_p(logits, 0.7)]
    stay = [top_k(logits, 2).isfinite(), top_p(logits, 0.7).isfinite()]
    return all(f.shape == logits.shape and near(f[s], logits[s]) for f, s in zip(kept, stay, strict=True))
