"""Wrong answers to beam search that people really give."""

import torch

from headway.learn.cases import switches


def beam_search(
    model, start, *, beams, max_tokens, end, alpha,
    _penalty="gnmt", _length=0, _log="softmax", _prune="all", _ended="leaves", _rest="counts", _stop="none open", _apart="right",
    _total="sum", _out="words", _score="penalised", _count=0, _place=-1,
):  # fmt: skip
    """The right answer, with a switch per mistake."""

    def penalised(words, total):
        n = len(words) + _length
        factor = {
            "gnmt": ((5 + n) / 6) ** alpha,
            "power": max(n, 1) ** alpha,
            "none": 1.0,
            "mean": float(max(n, 1)),
            "times": ((5 + n) / 6) ** -alpha,
            "no power": (5 + n) / 6,
            "five": (5 + n**alpha) / 6,
        }[_penalty]
        return total / factor

    open_ones, finished = [([], 0.0)], []
    for _ in range(max_tokens + _count):
        tokens = torch.tensor([[start, *words] for words, _ in open_ones])
        logits = model(tokens)[:, _place]
        log_p = {
            "softmax": lambda: logits.log_softmax(-1),
            "logits": lambda: logits,
            "probabilities": lambda: logits.softmax(-1),
            "over beams": lambda: logits.log_softmax(0),
        }[_log]()
        v = log_p.shape[1]
        old = torch.tensor([total for _, total in open_ones], dtype=torch.float64)[:, None]
        totals = old + log_p
        if _total == "last":
            totals = log_p
        elif _total == "product":
            totals = old * log_p if open_ones[0][0] else log_p
        if _prune == "own best":
            places = [i * v + int(row.argmax()) for i, row in enumerate(totals)]
        elif _prune == "each":
            k = min(beams, v)
            places = [i * v + j for i, row in enumerate(totals) for j in row.topk(k).indices.tolist()]
            places = places if len(open_ones) > 1 else places[:beams]
            places = sorted(places, key=lambda p: -float(totals.flatten()[p]))[: beams * beams]
        elif _prune == "lowest":
            places = totals.flatten().topk(min(beams, totals.numel()), largest=False).indices.tolist()
        else:
            places = totals.flatten().topk(min(beams, totals.numel())).indices.tolist()
        n = len(open_ones)
        grown = []
        for place in places:
            parent, word = place // v, place % v
            if _apart == "wrong way":
                parent, word = min(place % v, n - 1), min(place // v, v - 1)
            elif _apart == "first parent":
                parent = 0
            grown.append(([*open_ones[parent][0], word], float(totals.flatten()[place])))
        if _ended == "goes on":
            finished += [pair for pair in grown if pair[0][-1] == end]
            open_ones = grown
        elif _ended == "unfinished":
            open_ones = grown
        else:
            finished += [pair for pair in grown if pair[0][-1] == end]
            open_ones = [pair for pair in grown if pair[0][-1] != end]
        if not open_ones:
            break
        if (_stop == "first" and finished) or (_stop == "enough" and len(finished) >= beams):
            break
    everything = finished + open_ones
    if _rest == "dropped" and finished:
        everything = finished
    if _rest == "only open" and open_ones:
        everything = open_ones
    if _out == "first":
        words, total = everything[0]
        return words, penalised(words, total)
    if _out == "by log p":
        words, total = max(everything, key=lambda pair: pair[1])
        return words, penalised(words, total)
    words, total = max(everything, key=lambda pair: penalised(*pair))
    if _out == "least":
        words, total = min(everything, key=lambda pair: penalised(*pair))
    score = total if _score == "log p" else penalised(words, total)
    if _out == "start":
        words = [start, *words]
    elif _out == "no end" and words[-1] == end:
        words = words[:-1]
    return words, score


MISTAKES = switches(
    beam_search,
    {
        "no_penalty": (
            "the length penalty is not used: log P has to be divided by ((5 + n)/6)^{alpha}",
            {"_penalty": "none"},
        ),
        "penalty_multiplied": (
            "log P is multiplied by the penalty: log P is negative, so that long sentences then get worse still. It is divided",
            {"_penalty": "times"},
        ),
        "length_to_the_alpha": (
            "log P is divided by n^α: here it is ((5 + n)/6)^α, which hardly touches short sentences",
            {"_penalty": "power"},
        ),
        "mean_log_p": ("log P is divided by n, whatever α: ((5 + n)/6)^{alpha}", {"_penalty": "mean"}),
        "alpha_ignored": ("α is not used: (5 + n)/6 has to be raised to it", {"_penalty": "no power"}),
        "power_inside": ("only n is raised to α, (5 + n^α)/6: it is ((5 + n)/6)^α", {"_penalty": "five"}),
        "end_not_counted": ("the length is one too small: `end` counts as a token of the sentence", {"_length": -1}),
        "start_counted": ("the length is one too great: `start` is no token of the sentence", {"_length": 1}),
        "logits_added": (
            "logits are added up: each step's have to go through log_softmax, or steps with great logits count more",
            {"_log": "logits"},
        ),
        "probabilities_added": (
            "probabilities are added up: it is their logarithms that are",
            {"_log": "probabilities"},
        ),
        "softmax_over_the_beams": (
            "log_softmax runs over the beams (axis 0): it has to run over the words, the last axis",
            {"_log": "over beams"},
        ),
        "totals_not_carried": (
            "hypotheses are compared by the last token's log p: log P is the sum over all tokens",
            {"_total": "last"},
        ),
        "log_p_multiplied": ("log p of the steps are multiplied: logarithms are added", {"_total": "product"}),
        "greedy": (
            "this is greedy decoding: either every beam goes on with its own best token, or the search begins with {beams} equal "
            "copies of the empty hypothesis. Of all continuations of all beams the {beams} best are kept; two may have one "
            "parent",
            {"_prune": "own best"},
        ),
        "not_pruned": (
            "the {beams} best of each beam are kept, up to {beams*beams} in all: the {beams} best of all together are to be",
            {"_prune": "each"},
        ),
        "parent_and_word_exchanged": (
            "beam and word are exchanged: with {v} words, place p of the flattened table is beam p // {v} and word p % {v}",
            {"_apart": "wrong way"},
        ),
        "first_parent_for_all": (
            "every continuation is appended to the first beam: each has a parent of its own",
            {"_apart": "first parent"},
        ),
        "goes_on_after_the_end": (
            "hypotheses that have ended are continued as well: they leave the beam",
            {"_ended": "goes on"},
        ),
        "end_not_heeded": ("`end` is not heeded: a hypothesis that ends in it is finished", {"_ended": "unfinished"}),
        "stops_at_the_first_end": (
            "the search stops as soon as one hypothesis is finished: a longer one may have the better score",
            {"_stop": "first"},
        ),
        "stops_when_enough": (
            "the search stops when {beams} hypotheses are finished: it goes on until none is open, or {max_tokens} steps are "
            "made",
            {"_stop": "enough"},
        ),
        "open_ones_dropped": (
            "what is still open after {max_tokens} steps is thrown away: it counts as finished as it stands",
            {"_rest": "dropped"},
        ),
        "finished_ones_dropped": (
            "finished hypotheses are forgotten: they take part in the choice at the end",
            {"_rest": "only open"},
        ),
        "likeliest_returned": (
            "the finished hypothesis with the greatest log P is returned: that with the best score is asked for",
            {"_out": "by log p"},
        ),
        "log_p_for_score": ("log P is returned as the score: it has to be divided by the penalty", {"_score": "log p"}),
        "start_returned": ("the sentence begins with `start`: it is not part of it", {"_out": "start"}),
        "end_taken_off": ("`end` is taken off the sentence: it is part of it", {"_out": "no end"}),
        "one_step_too_few": ("the search ends one step too early: {max_tokens} steps are allowed", {"_count": -1}),
        "first_position": (
            "the logits of the first position are used: those of the last say what comes next",
            {"_place": 0},
        ),
    },
)
