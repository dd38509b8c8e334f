"""What is asked of the step of a beam, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 3
ENTRIES = ("beam_step", "move", "trace")
RETURNS = {"beam_step": "b k, b k, b k, b k", "move": "b k n", "trace": "b k t"}
SIZES = {"b": (1, 3), "k": (1, 4), "v": (4, 8), "n": (1, 5), "t": (1, 6)}


def beam_step(totals, log_p, done, end):
    v = log_p.shape[-1]
    ended = torch.full((v,), -torch.inf, dtype=log_p.dtype)
    ended[end] = 0
    log_p = note(
        "log p of the next words, those of done hypotheses replaced", torch.where(done[..., None], ended, log_p)
    )
    scores = note("totals of all continuations", totals[..., None] + log_p)
    best = scores.flatten(1).topk(totals.shape[1])
    tokens = best.indices % v
    return best.values, best.indices // v, tokens, tokens == end


def move(state, parents):
    return state.gather(1, parents[..., None].expand(-1, -1, state.shape[-1]))


def trace(tokens, parents):
    place = torch.arange(tokens.shape[2]).expand(tokens.shape[1:])
    words = []
    for said, parent in zip(reversed(tokens), reversed(parents), strict=True):
        words.append(said.gather(1, place))
        place = parent.gather(1, place)
    return torch.stack(words[::-1], -1)


def plain(name, draws, **sizes):
    return case(name, gradient=False, draws=draws, **sizes)


def step(d, share=0.0, std=2.0):
    """Hypotheses about equally likely, of which `share` is done."""
    log_p = d.keep(d.normal("b k v", std=std).log_softmax(-1), "b k v")
    totals = d.keep(d.normal("b k", std=0.7) - 4, "b k")
    done = d.keep(torch.rand(d.shape("b k"), generator=d.generator) < share, "b k")
    return {"totals": totals, "log_p": log_p, "done": done, "end": d.integer(0, d.v - 1)}


@plain("a step, nothing done", 7, b=(2, 3), k=(2, 4), v=(5, 8))
def nothing_done(d):
    return Call("beam_step", **step(d))


@plain("a step, some done", 9, b=(2, 3), k=(2, 4), v=(5, 8))
def some_done(d):
    arguments = step(d, 0.5)
    arguments["done"][d.integer(0, d.b - 1), d.integer(0, d.k - 1)] = True
    return Call("beam_step", **arguments)


@plain("a step, some done, their sentences likelier than the others", 5, b=(2, 3), k=(3, 4), v=(5, 8))
def done_in_front(d):
    arguments = step(d, 0.4)
    arguments["totals"] = d.keep(arguments["totals"] + 3.0 * arguments["done"], "b k")
    return Call("beam_step", **arguments)


@plain("a step, all done", 3, k=(2, 4))
def all_done(d):
    return Call("beam_step", **step(d, 2.0) | {"totals": d.keep(d.normal("b k").sort(-1).values.flip(-1) - 4, "b k")})


@plain("the first step: one hypothesis, the others at -inf", 5, k=(2, 4), v=(5, 8))
def first(d):
    arguments = step(d)
    arguments["totals"] = d.keep(torch.full(d.shape("b k"), -torch.inf).double(), "b k")
    arguments["totals"][:, 0] = 0
    return Call("beam_step", **arguments)


@plain("impossible words, hypotheses of very different likelihood", 4, b=(2, 3), k=(3, 4), v=(5, 8), float32=False)
def far_apart(d):
    """The first has hardly a word that is possible, and yet nothing impossible may come before the others' possible ones."""
    arguments = step(d, 0.3)
    arguments["totals"] = d.keep(-(10.0 ** torch.arange(4, 4 + d.k).double()).expand(d.b, d.k).clone(), "b k")
    arguments["log_p"] = arguments["log_p"].masked_fill(~d.mask("b k v", keep=0.4), -torch.inf)
    arguments["log_p"][:, 0, 1:] = -torch.inf
    arguments["log_p"][:, 0, 0] = -1.0
    return Call("beam_step", **arguments)


@plain("log p far below 0, which need not add up to 1", 4, b=(2, 3), k=(2, 4), v=(5, 8), float32=False)
def far_down(d):
    arguments = step(d, 0.3)
    arguments["log_p"] = d.keep(d.normal("b k v", std=80.0) - 600, "b k v")
    arguments["totals"] = d.keep(d.normal("b k", std=80.0) - 20000, "b k")
    return Call("beam_step", **arguments)


@plain("one hypothesis", 4, k=1)
def greedy(d):
    return Call("beam_step", **step(d, 0.3))


def some_parents(d, axes="b k"):
    """Parents among which one is missing, in one row at least, and another comes twice."""
    parents = d.integers(axes, 0, "k")
    if d.k > 2:
        parents[..., 0], parents[..., 1], parents[..., 2] = 1, 2, 1
    return parents


@case("states move along", b=(2, 3), k=(2, 4), n=(2, 5), draws=7)
def moved(d):
    return Call("move", state=d.normal("b k n"), parents=d.integers("b k", 0, "k"))


@case("states move along, any sizes", draws=6)
def any_moved(d):
    return Call("move", state=d.normal("b k n"), parents=some_parents(d))


@plain("the way back", 7, b=(2, 3), k=(3, 4), t=(3, 6))
def back(d):
    return Call("trace", tokens=d.integers("t b k", 0, 50), parents=d.integers("t b k", 0, "k"))


@plain("the way back, with large ids", 2, b=(2, 3), k=(2, 4), t=(3, 6))
def large_ids(d):
    return Call("trace", tokens=d.integers("t b k", 2**20, 2**50), parents=d.integers("t b k", 0, "k"))


@plain("the way back, any sizes", 7)
def any_back(d):
    return Call("trace", tokens=d.integers("t b k", 0, 50), parents=some_parents(d, "t b k"))


@law("the new totals are not those of their parents plus log p of their tokens", k=(2, 4))
def consistent(learner, d):
    arguments = step(d)
    totals, parents, tokens, _ = learner.beam_step(**arguments)
    row = torch.arange(d.b)[:, None]
    return near(totals, arguments["totals"].gather(1, parents) + arguments["log_p"][row, parents, tokens])


@law(
    "a word that cannot follow has a finite total: where fewer than {k} continuations are possible, the rest of the totals is "
    "minus infinity, and no large negative number, which another step could take for a likelihood",
    k=(2, 4),
    v=(5, 8),
)
def impossible(learner, d):
    """Of hypotheses that are done only `end` is possible, and of one that is not, a single word."""
    arguments = step(d)
    arguments["totals"][:, 1:] = -torch.inf
    arguments["done"][:, 0] = bool(d.integer(0, 1))
    arguments["log_p"] = torch.full_like(arguments["log_p"], -torch.inf)
    arguments["log_p"][:, :, 0] = -1.0
    totals = learner.beam_step(**arguments)[0]
    return bool(totals[:, 0].isfinite().all()) and bool((totals[:, 1:] == -torch.inf).all())


@law("a hypothesis that is done changes, or is in the beam twice", b=1, k=(2, 4))
def kept(learner, d):
    arguments = step(d)
    arguments["totals"][:, 0], arguments["done"][:, 0] = 10.0, True
    totals, parents, tokens, done = learner.beam_step(**arguments)
    return (
        near(totals[:, 0], torch.full((1,), 10.0))
        and int(tokens[0, 0]) == arguments["end"]
        and bool(done[0, 0])
        and int((parents == 0).sum()) == 1
    )
