"""Wrong answers to the log-probabilities that people really give."""

import math

import torch

from headway.learn.cases import mistake, switches


def token_logprobs(
    logits,
    tokens,
    *,
    _shift="next",
    _log="log_softmax",
    _axis=-1,
    _sign=1,
    _pick="token",
    _over=None,
    _keep=False,
    _floor=1e-10,
):
    """The right answer, with a switch per mistake."""
    if _log == "log_softmax":
        logprobs = logits.log_softmax(_axis)
    elif _log == "softmax then log":
        logprobs = logits.softmax(-1).log()
    elif _log == "exp":
        logprobs = (logits.exp() / logits.exp().sum(-1, keepdim=True)).log()
    elif _log == "floor":
        logprobs = (logits.softmax(-1) + _floor).log()
    elif _log == "none":
        logprobs = logits
    elif _log == "log2":
        logprobs = logits.log_softmax(-1) / math.log(2)
    else:
        logprobs = logits.softmax(-1)
    if _shift == "next":
        logprobs, wanted = logprobs[:, :-1], tokens[:, 1:]
    elif _shift == "same":
        logprobs, wanted = logprobs[:, :-1], tokens[:, :-1]
    elif _shift == "same, from 1":
        logprobs, wanted = logprobs[:, 1:], tokens[:, 1:]
    elif _shift == "previous":
        logprobs, wanted = logprobs[:, 1:], tokens[:, :-1]
    elif _shift == "rolled":
        wanted = tokens.roll(-1, 1)
    else:
        wanted = tokens
    if _pick == "best":
        chosen = logprobs.amax(-1)
    elif _pick == "first row":
        chosen = logprobs.gather(-1, wanted[:1].expand_as(wanted).unsqueeze(-1)).squeeze(-1)
    elif _keep:
        chosen = logprobs.gather(-1, wanted.unsqueeze(-1))
    else:
        chosen = logprobs.gather(-1, wanted.unsqueeze(-1)).squeeze(-1)
    if _over == "sum":
        chosen = chosen.sum(-1)
    elif _over == "mean":
        chosen = chosen.mean()
    return chosen * _sign


MISTAKES = switches(
    token_logprobs,
    {
        "no_shift": (
            "nothing is shifted: the logits at position i are matched with token i, which they have already seen, and the result "
            "has {t} positions in place of {t-1}",
            {"_shift": "none"},
        ),
        "same_position": (
            "the logits at position i are matched with token i: they speak of token i+1, so it is logits[:, :-1] with "
            "tokens[:, 1:]",
            {"_shift": "same"},
        ),
        "both_from_1": (
            "both are cut at the front, logits[:, 1:] and tokens[:, 1:]: that is position i with token i again. Cut the logits "
            "at the end",
            {"_shift": "same, from 1"},
        ),
        "shifted_backwards": (
            "the shift goes the wrong way: logits[:, 1:] with tokens[:, :-1] asks every position for the token before it",
            {"_shift": "previous"},
        ),
        "rolled": (
            "tokens.roll(-1) puts the first token at the end: the last position is asked for it, and the result is one too long",
            {"_shift": "rolled"},
        ),
        "logits_not_normalised": (
            "the logits themselves come back: without log_softmax they are no log-probabilities",
            {"_log": "none"},
        ),
        "probabilities": ("these are probabilities: the logarithm is missing", {"_log": "softmax"}),
        "base_2": ("these are logarithms to base 2 (bits): natural ones are asked for", {"_log": "log2"}),
        "softmax_over_positions": (
            "the softmax runs over the {t} positions (axis 1): it has to run over the {v} words, the last axis",
            {"_axis": 1},
        ),
        "log_of_softmax": (
            "softmax first and the logarithm after it: where the probability is too small for a float the result is -inf. "
            "log_softmax does both without leaving the logarithms",
            {"_log": "softmax then log"},
        ),
        "exp_overflows": (
            "exp of the logits overflows where they are large, and inf/inf is NaN: use log_softmax",
            {"_log": "exp"},
        ),
        "small_number_added": (
            "a small number is added to the probabilities to keep the logarithm from -inf: the result is wrong wherever a token "
            "is unlikely. log_softmax needs no such thing",
            {"_log": "floor"},
            {"_floor": [1e-12, 1e-8, 1e-6, 1e-20, 1e-9]},
        ),
        "negative": ("the sign is turned: this is the loss, -log p", {"_sign": -1}),
        "best_token": (
            "the log-probability of the most likely word is taken (max), not that of the token which came",
            {"_pick": "best"},
        ),
        "first_row_for_all": (
            "the tokens of the first row of the batch are used for every row",
            {"_pick": "first row"},
        ),
        "summed": ("the positions are added up: one number per position is asked for, (b t-1)", {"_over": "sum"}),
        "averaged": ("everything is averaged to one number: one per position is asked for, (b t-1)", {"_over": "mean"}),
        "last_axis_left": (
            "the axis of gather's index is still there: (b t-1 1) in place of (b t-1), squeeze it",
            {"_keep": True},
        ),
    },
)


@mistake(
    "logprobs[:, :, tokens] takes every position's words at *all* tokens of the batch: an index tensor is not matched with the "
    "axes before it, gather is"
)
def indexed(logits, tokens):
    return logits[:, :-1].log_softmax(-1)[:, :, tokens[:, 1:]]


@mistake("gather runs along the positions (dim=1) and not along the words (dim=-1)")
def gathered_along_positions(logits, tokens):
    logprobs = logits[:, :-1].log_softmax(-1)
    wanted = tokens[:, 1:].unsqueeze(-1) % max(logprobs.shape[1], 1)
    return logprobs.gather(1, wanted).squeeze(-1) if logprobs.shape[1] else logprobs[:, :, 0]


@mistake("the result passes through float32: right to about 7 digits only", kind="precision")
def through_float32(logits, tokens):
    return token_logprobs(logits.float(), tokens).to(logits.dtype)


@mistake("the graph is cut (.detach(), .item(), numpy): no gradient reaches the logits", kind="gradient")
def detached(logits, tokens):
    with torch.no_grad():
        return token_logprobs(logits, tokens)
