"""What is asked of beam search, and the answer it is held against."""

import torch

from headway.learn.cases import Call, Function, case, law, note

ORDER = 6
ENTRIES = ("beam_search",)
SIZES = {"v": (3, 6), "beams": (1, 4), "n": (1, 7)}

# Every prefix has logits of its own, drawn at random: a table, looked up by a sum over the tokens so far.
MODEL = "lambda tokens: table[(tokens * factors[: tokens.shape[1]]).cumsum(1) % len(table)]"


def beam_search(model, start, *, beams, max_tokens, end, alpha):
    open_ones, finished = [([], 0.0)], []
    for _ in range(max_tokens):
        tokens = torch.tensor([[start, *words] for words, _ in open_ones])
        logits = model(note("tokens that the model is given (k n)", tokens))[:, -1]
        log_p = note("log p of the next words (k v)", logits.log_softmax(-1))
        totals = (torch.tensor([total for _, total in open_ones], dtype=torch.float64)[:, None] + log_p).flatten()
        kept = totals.topk(min(beams, len(totals)))
        v = log_p.shape[1]
        grown = [
            ([*open_ones[place // v][0], place % v], total)
            for total, place in zip(kept.values.tolist(), kept.indices.tolist(), strict=True)
        ]
        finished += [pair for pair in grown if pair[0][-1] == end]
        open_ones = [pair for pair in grown if pair[0][-1] != end]
        if not open_ones:
            break
    scored = [
        (total / note("penalty of the length", ((5 + len(words)) / 6) ** alpha), words)
        for words, total in finished + open_ones
    ]
    score, words = max(scored)
    return words, score


def language(d, std=1.0, offset=0.0):
    model = Function(MODEL, table=d.normal("211 v", std=std), factors=d.integers("12", 1, 211))
    model.values["table"] += offset
    return model


def search(d, alpha, end=None, **language_of):
    return Call(
        "beam_search",
        model=language(d, **language_of),
        start=d.integer(0, d.v - 1),
        beams=d.beams,
        max_tokens=d.n,
        end=d.integer(0, d.v - 1) if end is None else end,
        alpha=alpha,
    )


def plain(name, draws, **sizes):
    return case(name, gradient=False, float32=False, layouts=False, draws=draws, **sizes)


@plain("no length penalty", 5)
def by_probability(d):
    return search(d, 0.0)


@plain("the paper's α = 0.6", 9, beams=(2, 4), n=(3, 7))
def paper(d):
    return search(d, 0.6)


@plain("a strong length penalty", 7, beams=(2, 4), n=(3, 7))
def strong(d):
    return search(d, d.number(1.2, 2.5))


@plain("a language of short sentences, and a strong length penalty", 7, v=(3, 5), beams=(2, 3), n=(5, 7))
def short(d):
    end = d.integer(0, d.v - 1)
    call = search(d, d.number(2.0, 4.0), end=end)
    call.arguments["model"].values["table"][:, end] += 1.0
    return call


@plain("long sentences of many words", 5, v=(5, 6), beams=2, n=(6, 7))
def long(d):
    return search(d, 0.6, end=99)


@plain("a language of long sentences, and a strong length penalty", 4, v=(4, 6), beams=(3, 4), n=(5, 7))
def lengthy(d):
    end = d.integer(0, d.v - 1)
    call = search(d, d.number(1.5, 3.0), end=end)
    call.arguments["model"].values["table"][:, end] -= 0.7
    return call


@plain("sentences without an end", 5, beams=(2, 4), n=(2, 6))
def endless(d):
    return search(d, 0.6, end=99)


def chain(d, chances):
    """A language in which the next word depends on the last one: `chances` of pairs of words, little of all others. The words
    are numbered anew at random."""
    number = d.distinct("v", "v")
    table = torch.full((d.v, d.v), 0.01, dtype=torch.float64)
    for (last, following), chance in chances.items():
        table[number[last], number[following]] = chance
    noise = d.normal("v v", std=0.02)
    return Function("lambda tokens: table[tokens]", table=table.log() + noise), number.tolist()


@plain("one sentence finished at each step, the last of them the best", 2, v=5, beams=2, n=(6, 8))
def last_is_best(d):
    """Whoever narrows the beam, or counts the finished ones, does not come to it."""
    model, number = chain(d, {(0, 0): 0.3, (0, 1): 0.5, (0, 2): 0.07, (0, 3): 0.07, (0, 4): 0.06})
    start, end = number[:2]
    return Call("beam_search", model=model, start=start, beams=d.beams, max_tokens=d.n, end=end, alpha=5.0)


@plain("two hypotheses that end in the same word", 2, v=7, beams=2, n=4)
def same_last_word(d):
    """Both stay: a beam with one of them less would come to 0 1 3 5 6, a better sentence than the search finds."""
    ways = {(0, 1): 0.5, (0, 2): 0.4, (1, 3): 0.9, (2, 3): 0.95, (3, 4): 0.5, (3, 5): 0.4, (5, 6): 0.95}
    model, number = chain(d, ways)
    return Call("beam_search", model=model, start=number[0], beams=d.beams, max_tokens=d.n, end=99, alpha=0.6)


@plain("one beam", 4, beams=1, n=(2, 7))
def greedy(d):
    return search(d, 0.6)


@plain("a model that is sure of itself", 4, beams=(3, 4), n=(3, 6))
def sure(d):
    """Most words have next to no probability, and some of them have to be kept."""
    return search(d, 0.6, std=9.0)


@plain("logits far from zero", 4, beams=(2, 4), n=(2, 6))
def far(d):
    return search(d, 0.6, std=2.0, offset=50.0)


@law("the score is not log P of the sentence over ((5 + n)/6)^α", beams=(2, 4), n=(2, 6))
def consistent(learner, d):
    model, start, end = language(d), d.integer(0, d.v - 1), d.integer(0, d.v - 1)
    words, score = learner.beam_search(model, start, beams=d.beams, max_tokens=d.n, end=end, alpha=0.7)
    log_p = model(torch.tensor([[start, *words]]))[0, :-1].log_softmax(-1)
    total = log_p[torch.arange(len(words)), torch.tensor(words)].sum()
    return abs(float(total) / ((5 + len(words)) / 6) ** 0.7 - float(score)) < 1e-9 * abs(float(total))


@law("with as many beams as there are sentences the best is not found", v=(2, 3), n=(1, 3), beams=1)
def exhaustive(learner, d):
    model, start = language(d), d.integer(0, d.v - 1)
    _, score = learner.beam_search(model, start, beams=100, max_tokens=d.n, end=99, alpha=0.0)
    greedy = [start]
    for _ in range(d.n):
        greedy.append(int(model(torch.tensor([greedy]))[0, -1].argmax()))
    log_p = model(torch.tensor([greedy]))[0, :-1].log_softmax(-1)
    return float(score) >= float(log_p[torch.arange(d.n), torch.tensor(greedy[1:])].sum()) - 1e-9
