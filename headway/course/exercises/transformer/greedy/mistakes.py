"""Wrong answers to greedy decoding that people really give."""

import torch

from headway.learn.cases import switches


def greedy(
    model, tokens, *, max_tokens, end, pad,
    _at=-1, _pick="max", _feed="append", _stop="all", _after="pad", _keep=True, _count=0, _prompt=False, _seen="new", _fill="pad",
    _width=None, _ends="after",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    t = tokens.shape[1]
    done = torch.zeros(len(tokens), dtype=torch.bool)
    if _seen == "prompt":
        done = (tokens == end).any(1)
    elif _seen == "last":
        done = tokens[:, -1] == end
    new, fed = [], tokens
    for _ in range(max_tokens + _count):
        if _seen != "new" and bool(done.all()):
            break
        logits = model(fed)[:, _at]
        if _pick == "max":
            chosen = logits.argmax(-1)
        elif _pick == "min":
            chosen = logits.argmin(-1)
        elif _pick == "second":
            chosen = logits.topk(2).indices[:, 1]
        else:
            chosen = logits[:1].argmax(-1).expand(len(tokens))
        raw = chosen
        if _after == "pad":
            chosen = chosen.masked_fill(done, end if _fill == "end" else 0 if _fill == "zero" else pad)
        now = raw == end
        if _stop == "all, not kept":
            done = now
        elif _stop != "never":
            done = done | (now if _after == "nothing" else chosen == end)
        if not _keep:
            chosen = chosen.masked_fill(now & done, pad)
        new.append(chosen)
        if _feed == "append":
            fed = torch.cat((fed, chosen[:, None]), 1)
        elif _feed == "replace":
            fed = chosen[:, None]
        elif _feed == "front":
            fed = torch.cat((chosen[:, None], fed), 1)
        elif _feed == "slide":
            fed = torch.cat((fed[:, 1:], chosen[:, None]), 1)
        if (_stop == "any" and bool(done.any())) or (_stop.startswith("all") and bool(done.all())):
            break
        if _stop == "first row" and bool(done[0]):
            break
    out = torch.stack(new, 1) if new else tokens[:, :0]
    if _width == "full":
        out = torch.cat((out, torch.full((len(out), max_tokens - out.shape[1]), pad)), 1)
    return torch.cat((tokens, out), 1) if _prompt else out


MISTAKES = switches(
    greedy,
    {
        "first_position": (
            "the logits of the first position are taken: those of the last say what comes next, model(tokens)[:, -1]",
            {"_at": 0},
        ),
        "least_likely": ("the least likely token is taken: argmax, not argmin", {"_pick": "min"}),
        "second_best": ("the second best token is taken", {"_pick": "second"}),
        "first_row_for_all": (
            "all rows get the token that the first row has chosen: each row has its own argmax, over the last axis",
            {"_pick": "row 0"},
        ),
        "nothing_fed_back": (
            "the chosen token is not appended to what the model reads: it says the same thing again at every step",
            {"_feed": "nothing"},
        ),
        "only_the_last_token_fed": (
            "the model is given the new token alone: without a cache it has to read everything so far",
            {"_feed": "replace"},
        ),
        "prepended": ("the new token is put before the others: it comes after them", {"_feed": "front"}),
        "first_token_dropped": (
            "the first token is dropped for each one appended: the model has to read everything so far",
            {"_feed": "slide"},
        ),
        "stops_at_the_first_end": (
            "decoding stops as soon as any row is over: the others have to go on (done.all(), not done.any())",
            {"_stop": "any"},
        ),
        "stops_with_the_first_row": (
            "decoding stops when the first row is over: all of them have to be",
            {"_stop": "first row"},
        ),
        "never_stops": (
            "decoding always goes on for {max_tokens} steps, and rows that are over go on too",
            {"_stop": "never"},
        ),
        "rows_go_on": (
            "a row that is over goes on speaking while others are not: from its end on it gets `pad`",
            {"_after": "nothing"},
        ),
        "rows_wake_up": (
            "whether a row is over is forgotten at the next step: done = done | (chosen == end)",
            {"_stop": "all, not kept"},
        ),
        "always_full_width": (
            "the result always has {max_tokens} columns: it ends where the last row ends",
            {"_width": "full"},
        ),
        "end_left_out": ("the end token is replaced by padding: it belongs to the result", {"_keep": False}),
        "filled_with_end": ("rows that are over get the end token, {end}: they get `pad`, {pad}", {"_fill": "end"}),
        "filled_with_zero": ("rows that are over get 0: they get `pad`, {pad}", {"_fill": "zero"}),
        "one_token_too_many": ("there is one token too many: at most {max_tokens} are asked for", {"_count": 1}),
        "one_token_too_few": ("there is one token too few: up to {max_tokens} are asked for", {"_count": -1}),
        "prompt_returned": ("the prompt is returned too: only the new tokens are asked for", {"_prompt": True}),
        "end_in_the_prompt": (
            "a row whose prompt holds the end token is taken to be over: only one that it has said itself counts",
            {"_seen": "prompt"},
        ),
        "prompt_ends_with_end": (
            "a row whose prompt ends with the end token is taken to be over: only one that it has said itself counts",
            {"_seen": "last"},
        ),
    },
)
