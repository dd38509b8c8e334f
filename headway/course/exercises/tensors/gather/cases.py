"""What is asked of the log-probabilities, and the answer they are held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 4
ENTRIES = ("token_logprobs",)
RETURNS = {"token_logprobs": "b t-1"}
SIZES = {"b": (1, 4), "t": (1, 6), "v": (2, 8)}


def token_logprobs(logits, tokens):
    logprobs = note("log-probabilities", logits.log_softmax(-1))
    wanted = tokens[:, 1:].unsqueeze(-1)
    return logprobs[:, :-1].gather(-1, wanted).squeeze(-1)


@case("a batch of sentences")
def plain(d):
    return Call("token_logprobs", logits=d.normal("b t v"), tokens=d.integers("b t", 0, "v"))


@case("as many rows as positions as words", t=(3, 5), draws=6)
def cube(d):
    return Call("token_logprobs", logits=d.normal("t t t"), tokens=d.integers("t t", 0, "t"))


@case("large logits", t=(2, 5), gradient=False, float32=False, tolerance=1e-6, draws=8)
def large(d):
    return Call("token_logprobs", logits=d.normal("b t v", std=900.0), tokens=d.integers("b t", 0, "v"))


@case("the first word of the vocabulary, or the last, at every position", t=(2, 5), draws=6)
def first_or_last(d):
    tokens = d.keep(d.integers("b 1", 0, 2).expand(d.b, d.t) * (d.v - 1), "b t")
    return Call("token_logprobs", logits=d.normal("b t v", std=3.0), tokens=tokens)


@law(
    "the first token has an effect on the result, or one later than asked: the results at i depend on tokens[i+1]",
    t=(3, 6),
)
def which_token(learner, d):
    logits, tokens = d.normal("b t v"), d.integers("b t", 0, "v")
    other = tokens.clone()
    other[:, 0] = (other[:, 0] + 1) % d.v
    return near(learner.token_logprobs(logits, tokens), learner.token_logprobs(logits, other))


@law("the probabilities of all words at a position do not add up to 1", t=(2, 5))
def adds_up(learner, d):
    logits = d.normal("b t v")
    each = [learner.token_logprobs(logits, torch.full((d.b, d.t), word)).exp() for word in range(d.v)]
    return near(sum(each), torch.ones(d.b, d.t - 1))


@law("a number added to all logits of a position changes the result", t=(2, 5))
def shifted(learner, d):
    logits, tokens = d.normal("b t v"), d.integers("b t", 0, "v")
    return near(learner.token_logprobs(logits + d.normal("b t 1"), tokens), learner.token_logprobs(logits, tokens))
