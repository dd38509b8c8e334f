"""What is asked of greedy decoding, and the answer it is held against."""

import torch

from headway.learn.cases import Call, Function, case, law, note

ORDER = 5
ENTRIES = ("greedy",)
RETURNS = {"greedy": "b n"}
SIZES = {"b": (1, 4), "t": (1, 4), "v": (3, 6), "n": (1, 8)}

# Every prefix has logits of its own, drawn at random: a table, looked up by a sum over the tokens so far.
MODEL = "lambda tokens: table[(tokens * factors[: tokens.shape[1]]).cumsum(1) % len(table)]"


def greedy(model, tokens, *, max_tokens, end, pad):
    t = tokens.shape[1]
    done = torch.zeros(len(tokens), dtype=torch.bool)
    for _ in range(max_tokens):
        logits = note(
            "logits of the last position (b v)", model(note("tokens that the model is given (b n)", tokens))[:, -1]
        )
        chosen = note("tokens chosen (b)", logits.argmax(-1).masked_fill(done, pad))
        done = note("rows that are done (b)", done | (chosen == end))
        tokens = torch.cat((tokens, chosen[:, None]), 1)
        if done.all():
            break
    return tokens[:, t:]


def language(d):
    return Function(MODEL, table=d.normal("211 v"), factors=d.integers("20", 1, 211))


def decoding(d, end, tokens=None, pad=None, lean=0.0):
    model = language(d)
    if end < d.v:
        model.values["table"][:, end] += lean
    return Call(
        "greedy",
        model=model,
        tokens=d.integers("b t", 0, "v") if tokens is None else tokens,
        max_tokens=d.n,
        end=end,
        pad=(end + 1) % d.v if pad is None else pad,
    )


def plain(name, draws, **sizes):
    return case(name, gradient=False, float32=False, layouts=False, draws=draws, **sizes)


@plain("no row comes to its end", 4)
def endless(d):
    return decoding(d, end=d.v + 3)


@plain("rows end at different times", 7, b=(2, 4), n=(4, 8))
def different(d):
    return decoding(d, end=d.integer(0, d.v - 1))


@plain("all rows end early", 4, b=(2, 4), n=(5, 8))
def early(d):
    return decoding(d, end=d.integer(0, d.v - 1), lean=1.5)


@plain("large logits", 4, n=(3, 8))
def large(d):
    call = decoding(d, end=d.v + 3)
    call.arguments["model"].values["table"].mul_(3000.0)
    return call


@plain("logits that hardly differ", 3, n=(3, 8))
def close_together(d):
    call = decoding(d, end=d.v + 3)
    call.arguments["model"].values["table"].mul_(1e-9).add_(5.0)
    return call


@plain("many tokens", 1, b=2, t=4, v=6, n=16)
def long(d):
    return decoding(d, end=d.v + 3)


@plain("the end token 0", 3, b=(2, 4), n=(4, 8))
def end_zero(d):
    return decoding(d, end=0, lean=0.5)


@plain("the padding 0", 3, b=(2, 4), n=(4, 8))
def pad_zero(d):
    return decoding(d, end=d.integer(1, d.v - 1), pad=0, lean=0.5)


@plain("the padding is no token of the model", 2, b=(2, 4), n=(4, 8))
def pad_outside(d):
    return decoding(d, end=d.integer(0, d.v - 1), pad=-100, lean=0.5)


@plain("prompts that hold the end token", 6, n=(3, 8))
def holding(d):
    end = d.integer(0, d.v - 1)
    tokens = d.integers("b t", 0, "v")
    tokens[:, d.choice([0, -1])] = end
    return decoding(d, end, tokens)


@plain("padding and end are the same token", 4, b=(2, 4), n=(4, 8))
def same(d):
    end = d.integer(0, d.v - 1)
    return decoding(d, end, pad=end)


@law("a row depends on its neighbours: alone it is continued otherwise", b=(2, 4), n=(3, 8))
def alone(learner, d):
    model, tokens = language(d), d.integers("b t", 0, "v")
    settings = {"max_tokens": d.n, "end": d.v + 1, "pad": 0}
    whole = learner.greedy(model, tokens, **settings)
    return all(torch.equal(whole[i : i + 1], learner.greedy(model, tokens[i : i + 1], **settings)) for i in range(d.b))
