"""Wrong answers to sampling that people really give."""

import torch

from headway.learn.cases import switches


def temperature(logits, t, *, _how="divide", _least=0.0, _plus=0.0):
    """The right answer, with a switch per mistake."""
    t = max(t, _least) + _plus
    return {
        "divide": logits / t,
        "multiply": logits * t,
        "probabilities": (logits / t).softmax(-1),
        "after": logits.softmax(-1) / t,
        "power": logits.softmax(-1) ** (1 / t),
        "root": logits / t**0.5,
        "shifted": (logits - logits.amax(-1, keepdim=True)) / t,
        "none": logits.clone(),
    }[_how]


TEMPERATURE = switches(
    temperature,
    {
        "multiplied": ("the logits are multiplied by {t}: they are divided by it", {"_how": "multiply"}),
        "probabilities_returned": (
            "probabilities are returned: logits, so that further filters can follow",
            {"_how": "probabilities"},
        ),
        "probabilities_divided": (
            "the softmax is taken first and its result divided: the logits are, before any softmax",
            {"_how": "after"},
        ),
        "power_of_probabilities": (
            "these are probabilities to the power 1/T, not logits: logits / T",
            {"_how": "power"},
        ),
        "root_of_temperature": ("the logits are divided by the root of the temperature: by {t}", {"_how": "root"}),
        "eps_added_to_the_temperature": (
            "{_plus} is added to the temperature, which is greater than 0 already: {t} is another one then",
            {"_plus": 1e-6},
            {"_plus": [1e-3, 1e-4, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10]},
        ),
        "temperature_has_a_floor": (
            "a temperature below {_least} is put up to it: {t} is a temperature like any other",
            {"_least": 0.1},
            {"_least": [1.0, 0.5, 0.2, 0.05, 0.01]},
        ),
        "temperature_ignored": ("`t` is not used", {"_how": "none"}),
    },
    of="temperature",
)


def top_k(logits, k, *, _how="right", _fill=-torch.inf, _k=0):
    """The right answer, with a switch per mistake."""
    v = logits.shape[-1]
    k = min(max(1, k + _k), v) if _how != "too many" else k
    values, places = logits.topk(k)
    if _how == "exactly":
        return torch.full_like(logits, -torch.inf).scatter(-1, places, values)
    if _how == "values":
        return values
    if _how == "strict":
        return logits.masked_fill(logits <= values[..., -1:], _fill)
    if _how == "worst":
        least = logits.topk(k, largest=False).values[..., -1:]
        return logits.masked_fill(logits > least, _fill)
    if _how == "batch":
        least = logits.flatten().topk(k).values[-1]
        return logits.masked_fill(logits < least, _fill)
    if _how == "first row":
        return logits.masked_fill(logits < values[:1, -1:], _fill)
    if _how == "inverted":
        return logits.masked_fill(logits >= values[..., -1:], _fill)
    if _how == "probabilities":
        return logits.masked_fill(logits < values[..., -1:], -torch.inf).softmax(-1)
    return logits.masked_fill(logits < values[..., -1:], _fill)


TOP_K = switches(
    top_k,
    {
        "kth_dropped": (
            "the k-th best is dropped as well (<= in place of <): {k} are to stay",
            {"_how": "strict"},
        ),
        "k_plus_one": ("one token too many stays: the k-th best is the last", {"_k": 1}),
        "ties_cut": (
            "of tokens that tie for the last place only some stay: all of them are to, which of them would be chance",
            {"_how": "exactly"},
        ),
        "worst_kept": ("the {k} worst are kept: the best", {"_how": "worst"}),
        "best_removed": ("the {k} best are taken out, and the rest stays", {"_how": "inverted"}),
        "over_the_batch": ("the {k} best of the whole batch are kept: of each row", {"_how": "batch"}),
        "first_row_for_all": (
            "the first row's threshold is used for all rows: each has its own",
            {"_how": "first row"},
        ),
        "only_the_k_values": (
            "only the {k} values come back: (b v), with -inf where a token is out, or nobody knows which they were",
            {"_how": "values"},
        ),
        "zero_for_out": ("a token that is out gets the logit 0, which is far from impossible: -inf", {"_fill": 0.0}),
        "a_number_for_out": (
            "a token that is out gets the logit {_fill}: -inf is asked for, which the next filter can tell from a logit",
            {"_fill": -1e9},
            {
                "_fill": [
                    -1e2,
                    -1e3,
                    -1e4,
                    -1e5,
                    -1e6,
                    -1e8,
                    -1e10,
                    -1e12,
                    -3.4028234663852886e38,
                    -1.7976931348623157e308,
                ]
            },
        ),
        "probabilities_of_top_k": ("probabilities are returned: logits", {"_how": "probabilities"}),
        "k_too_great": ("k greater than the vocabulary raises an error: then all stay", {"_how": "too many"}),
    },
    of="top_k",
)


def top_p(logits, p, *, _how="right", _fill=-torch.inf, _descending=True, _back=True, _of="probabilities"):
    """The right answer, with a switch per mistake."""
    best, order = logits.sort(dim=-1, descending=_descending)
    chances = best.softmax(-1) if _of == "probabilities" else best
    total = chances.cumsum(-1)
    out = {
        "right": total - chances >= p,
        "crossing dropped": total > p,
        "crossing dropped, best kept": total > p,
        "one more": total - chances >= p,
        "complement": total - chances >= 1 - p,
        "each": chances < p,
        "relative": chances < p * chances.amax(-1, keepdim=True),
        "inverted": total - chances < p,
    }[_how]
    if _how == "crossing dropped, best kept":
        out[..., 0] = False
    elif _how == "one more":
        out = torch.cat((torch.zeros_like(out[..., :1]), out[..., :-1]), -1)
    if _back:
        out = torch.zeros_like(out).scatter(-1, order, out)
        return logits.masked_fill(out, _fill)
    if _back is None:
        return best.masked_fill(out, _fill)
    return logits.masked_fill(out, _fill)


TOP_P = switches(
    top_p,
    {
        "crossing_token_dropped": (
            "the token with which {p} is reached is dropped: what stays has less than {p}, and where the best alone has more, "
            "nothing "
            "stays",
            {"_how": "crossing dropped"},
        ),
        "crossing_token_dropped_best_kept": (
            "the token with which {p} is reached is dropped, only the best is kept always: what stays has to reach {p}",
            {"_how": "crossing dropped, best kept"},
        ),
        "one_token_more": (
            "one token more stays than is needed: the mask is shifted twice, or shifted and the tokens before counted",
            {"_how": "one more"},
        ),
        "not_put_back": (
            "the mask belongs to the sorted tokens and is applied to the unsorted: scatter it back by the order",
            {"_back": False},
        ),
        "sorted_returned": (
            "the logits come back sorted: in the order of the vocabulary",
            {"_back": None},
        ),
        "ascending": (
            "the tokens are sorted upwards: the least likely are kept until they reach {p}",
            {"_descending": False},
        ),
        "logits_summed": ("the logits are summed: their softmax is", {"_of": "logits"}),
        "one_minus_p": ("1 - p is taken for p: the tokens are to reach {p}", {"_how": "complement"}),
        "threshold_on_each": (
            "tokens less likely than {p} are dropped: it is the sum from the best on that has to reach {p}",
            {"_how": "each"},
        ),
        "min_p": ("this is min-p, tokens at least {p} times as likely as the best: top-p sums", {"_how": "relative"}),
        "nucleus_removed": ("the nucleus is taken out and the tail stays", {"_how": "inverted"}),
        "zero_for_out_of_the_nucleus": ("a token that is out gets the logit 0: -inf", {"_fill": 0.0}),
        "a_number_for_out_of_the_nucleus": (
            "a token that is out gets the logit {_fill}: -inf is asked for, which the next filter can tell from a logit",
            {"_fill": -1e9},
            {
                "_fill": [
                    -1e2,
                    -1e3,
                    -1e4,
                    -1e5,
                    -1e6,
                    -1e8,
                    -1e10,
                    -1e12,
                    -3.4028234663852886e38,
                    -1.7976931348623157e308,
                ]
            },
        ),
    },
    of="top_p",
)


def draw(probabilities, u, *, _how="right", _limit="last possible"):
    """The right answer, with a switch per mistake."""
    total = probabilities.cumsum(-1)
    v = probabilities.shape[-1]
    point = u[:, None]
    if _how == "sorted":
        best, order = probabilities.sort(dim=-1, descending=True)
        place = (best.cumsum(-1) <= point).sum(-1).clamp(max=v - 1)
        return order.gather(-1, place[:, None])[:, 0]
    place = {
        "right": (total <= point).sum(-1),
        "strict": (total < point).sum(-1),
        "before": (total <= point).sum(-1) - 1,
        "after": (total <= point).sum(-1) + 1,
        "argmax": probabilities.argmax(-1),
        "from the end": v - 1 - (probabilities.flip(-1).cumsum(-1) <= point).sum(-1),
        "uniform": (u * v).long(),
        "nearest": (total - point).abs().argmin(-1),
        "first row": (total <= u[:1, None]).sum(-1),
        "no sum": (probabilities <= point).long().argmin(-1),
    }[_how]
    if _how == "argmax" or _how == "uniform" or _how == "nearest" or _how == "no sum":
        return place
    place = place.clamp(min=0)
    if _limit == "none":
        return place
    if _limit == "last":
        return place.clamp(max=v - 1)
    last = (torch.arange(v) * (probabilities > 0)).amax(-1)
    return torch.minimum(place, last)


DRAW = switches(
    draw,
    {
        "impossible_first_token": (
            "with u = 0 a token of probability 0 is drawn: the running sum has to be *greater* than u, not at least u",
            {"_how": "strict"},
        ),
        "beyond_the_vocabulary": (
            "where u is above the sum, by rounding, the token is {v}, which there is not: the last possible one",
            {"_limit": "none"},
        ),
        "impossible_last_token": (
            "where u is above the sum, by rounding, the last token of the vocabulary is drawn, whose probability is 0: the last "
            "with one above 0",
            {"_limit": "last"},
        ),
        "one_before": ("the token before the one that u falls on is drawn", {"_how": "before"}),
        "one_after": ("the token after the one that u falls on is drawn", {"_how": "after"}),
        "greedy": ("the likeliest token is taken: the one that u falls on", {"_how": "argmax"}),
        "sorted_line": (
            "the probabilities are laid out from the greatest on: in the order of the tokens",
            {"_how": "sorted"},
        ),
        "line_from_the_end": ("the probabilities are laid out from the last token on", {"_how": "from the end"}),
        "all_alike": ("all tokens are taken to be equally likely: u falls on a probability", {"_how": "uniform"}),
        "nearest_edge": (
            "the token whose running sum is nearest to u is taken: the first whose sum is greater",
            {"_how": "nearest"},
        ),
        "first_u_for_all": ("the first row's u is used for all rows: each has its own", {"_how": "first row"}),
        "no_running_sum": (
            "the first token more likely than u is taken: the probabilities have to be summed up",
            {"_how": "no sum"},
        ),
    },
    of="draw",
)
