"""Wrong answers to the step of a beam that people really give."""

import torch

from headway.learn.cases import switches


def beam_step(
    totals, log_p, done, end, *,
    _heed="stay", _total="added", _over="all", _part="right", _largest=True, _end="given", _done="new", _rows="own",
    _values="sum", _order="best first",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    b, k, v = log_p.shape
    end = {"given": end, "0": 0, "last": v - 1}[_end]
    given = log_p
    stay = torch.full((v,), -torch.inf, dtype=log_p.dtype)
    stay[end] = 0
    if _heed == "stay":
        log_p = torch.where(done[..., None], stay, log_p)
    elif _heed == "costs":
        log_p = torch.where(done[..., None], log_p + stay, log_p)
    elif _heed == "lost":
        log_p = log_p.masked_fill(done[..., None], -1e30)
    elif _heed == "any":
        log_p = log_p.masked_fill(done[..., None], 0.0)
    scores = {
        "added": totals[..., None] + log_p,
        "none": log_p,
        "exp": totals[..., None] + log_p.exp(),
        "times": totals[..., None] * log_p,
        "mean": (totals[..., None] + log_p) / 2,
    }[_total]
    if _over == "own":
        best = scores.max(-1)
        return best.values, torch.arange(k).expand(b, k), best.indices, best.indices == end
    best = scores.flatten(1).topk(k, largest=_largest)
    values, place = best.values, best.indices
    if _order == "worst first":
        values, place = values.flip(-1), place.flip(-1)
    parents, tokens = place // v, place % v
    if _part == "swapped":
        parents, tokens = tokens, parents
    elif _part == "by k":
        parents, tokens = place // k, place % k
    elif _part == "place":
        tokens = place
    if _rows == "batch":
        parents = parents + k * torch.arange(b)[:, None]
    ended = {
        "new": tokens == end,
        "old": done,
        "unmoved": done | (tokens == end),
        "parents": done.gather(1, parents.clamp(max=k - 1)),
    }[_done] if _rows == "own" else tokens == end  # fmt: skip
    if _values == "last":
        values = given.flatten(1).gather(1, place)
    return values, parents, tokens, ended


STEP = switches(
    beam_step,
    {
        "each_keeps_one": (
            "each hypothesis keeps its own best continuation: the {k} best of all {k*v} are asked for, and several may have one "
            "parent",
            {"_over": "own"},
        ),
        "totals_not_added": (
            "the totals are not added: it is the whole sentence that has to be likely, not its last word",
            {"_total": "none"},
        ),
        "probabilities_added": (
            "probabilities are added to logarithms: log_p already is one, without an exp",
            {"_total": "exp"},
        ),
        "multiplied": (
            "totals and log p are multiplied: probabilities would be; their logarithms are added",
            {"_total": "times"},
        ),
        "mean_of_two": (
            "the mean of total and log p is taken, which forgets the beginning of the sentence: the sum",
            {"_total": "mean"},
        ),
        "last_log_p_returned": (
            "the log p of the last words come back and not the new totals: the next step needs the sums",
            {"_values": "last"},
        ),
        "worst_kept": ("the {k} worst are kept: the best", {"_largest": False}),
        "worst_first": ("the likeliest stands last: first", {"_order": "worst first"}),
        "done_not_heeded": (
            "`done` is not used: a sentence that has ended goes on",
            {"_heed": "none"},
        ),
        "done_pays": (
            "a sentence that is done pays for `end` again at every step: it costs nothing",
            {"_heed": "costs"},
        ),
        "done_lost": (
            "a sentence that is done leaves the beam and is lost: it goes on with `end`, at no cost",
            {"_heed": "lost"},
        ),
        "done_fills_the_beam": (
            "a sentence that is done may go on with every word at no cost, and fills the beam with copies of itself: with `end` "
            "alone",
            {"_heed": "any"},
        ),
        "quotient_and_rest_swapped": (
            "parents and tokens are exchanged: in a flat (k v) the parent is place // v, the token place % v",
            {"_part": "swapped"},
        ),
        "divided_by_k": (
            "the flat place is divided by k = {k}: rows of (k v) are v = {v} long",
            {"_part": "by k"},
        ),
        "places_for_tokens": (
            "the tokens are places in the flat (k v), above v for all parents but the first: take the rest by v",
            {"_part": "place"},
        ),
        "parents_over_the_batch": (
            "the parents are counted through the whole batch, b·k of them: 0 to k - 1 in each sentence",
            {"_rows": "batch"},
        ),
        "end_is_0": ("`end` is taken to be 0: it was {end} here", {"_end": "0"}),
        "end_is_last": ("`end` is taken to be the last word: it was {end} here", {"_end": "last"}),
        "old_done": (
            "`done` comes back as it was: it belongs to the new hypotheses",
            {"_done": "old"},
        ),
        "done_not_moved": (
            "the old `done` is kept in its place: the new hypothesis in a place has another parent",
            {"_done": "unmoved"},
        ),
        "only_parents_done": (
            "the new ones are done if their parents were: also if they end now",
            {"_done": "parents"},
        ),
    },
    of="beam_step",
)


def move(state, parents, *, _how="gather"):
    """The right answer, with a switch per mistake."""
    b, k, n = state.shape
    wide = parents[..., None].expand(b, k, n)
    if _how == "none":
        return state + 0
    if _how == "scatter":
        return torch.zeros_like(state).scatter(1, wide, state)
    if _how == "first":
        return state[:, parents[0]]
    if _how == "flat":
        return state.flatten(0, 1)[parents]
    if _how == "narrow":
        return state.gather(1, parents[..., None])
    if _how == "sorted":
        return state.gather(1, wide.sort(1).values)
    if _how == "best":
        return state.gather(1, wide[:, :1].expand(b, k, n))
    if _how == "batch":
        return state.gather(0, wide % b)
    if _how == "order":
        return state.gather(1, wide.argsort(1, stable=True))
    return (state.detach() if _how == "detached" else state).gather(1, wide)


MOVE = switches(
    move,
    {
        "states_left": ("the states stay where they were: each new hypothesis has its parent's", {"_how": "none"}),
        "scattered": (
            "the states are sent to their parents' places: they are fetched from them, new[i] = old[parents[i]]",
            {"_how": "scatter"},
        ),
        "parents_of_the_first": (
            "the parents of the first sentence are used for all: each has its own",
            {"_how": "first"},
        ),
        "states_of_the_first": (
            "the parents are looked up in the flat (b k): 0 to k - 1 are the hypotheses of the first sentence. Add k times the "
            "sentence, or gather along axis 1",
            {"_how": "flat"},
        ),
        "one_feature": (
            "gather takes as many features as the index has, one: expand the index to n",
            {"_how": "narrow"},
        ),
        "parents_sorted": (
            "the parents are sorted first: the place of a hypothesis says which it is",
            {"_how": "sorted"},
        ),
        "best_for_all": ("the best hypothesis' state is given to all", {"_how": "best"}),
        "along_the_batch": (
            "the states are fetched along axis 0, the batch, from other sentences: along axis 1",
            {"_how": "batch"},
        ),
        "order_of_the_parents": (
            "the states stand in the order that would sort the parents, argsort: by the parents themselves",
            {"_how": "order"},
        ),
        "state_detached": ("the state is detached: the numbers are right, and no gradient comes", {"_how": "detached"}),
    },
    of="move",
    kinds={"state_detached": "gradient"},
)


def trace(tokens, parents, *, _how="back", _out="b k t", _turn=True, _rows="own"):
    """The right answer, with a switch per mistake."""
    t, b, k = tokens.shape
    if _rows == "first":
        parents = parents[:, :1].expand(t, b, k)
    place = torch.arange(k).expand(b, k)
    words = []
    if _how == "forward":
        for said, parent in zip(tokens, parents, strict=True):
            place = parent.gather(1, place)
            words.insert(0, said.gather(1, place))
    else:
        for step in range(t - 1, -1, -1):
            if _how == "parent first":
                place = parents[step].gather(1, place)
            words.append(tokens[step].gather(1, place))
            if _how == "back":
                place = parents[step].gather(1, place)
            elif _how == "one step":
                place = parents[step]
            elif _how == "late" and step:
                place = parents[step - 1].gather(1, place)
            elif _how == "last":
                place = parents[-1].gather(1, place)
    if _turn:
        words.reverse()
    if _out == "t b k":
        return torch.stack(words)
    sentences = torch.stack(words, -1)
    return sentences[:, 0] if _out == "best" else sentences


TRACE = switches(
    trace,
    {
        "parents_ignored": (
            "the tokens of one place are put together: a place belongs to another sentence at each step, follow the parents",
            {"_how": "none"},
        ),
        "backwards": ("the words stand in the order in which they are found, the last first", {"_turn": False}),
        "parent_before_token": (
            "one goes to the parent before the token is read: first the token, then on",
            {"_how": "parent first"},
        ),
        "parents_one_step_off": (
            "the parents of step i - 1 lead from step i to i - 1: those of step i do, they say where its hypotheses come from",
            {"_how": "late"},
        ),
        "one_step_back_only": (
            "the parents are taken as they stand and not at the place one has come to: parents[i].gather(1, place)",
            {"_how": "one step"},
        ),
        "last_parents_always": ("the parents of the last step are used at every step", {"_how": "last"}),
        "forwards": (
            "the way goes forward from the first step: a hypothesis may have many children or none; go back from the last step",
            {"_how": "forward"},
        ),
        "parents_of_the_first_sentence": (
            "the parents of the first sentence are followed for all",
            {"_rows": "first"},
        ),
        "steps_first": ("the sentences come as (t b k): (b k t)", {"_out": "t b k"}),
        "best_only": ("the best sentence alone comes back: all {k}", {"_out": "best"}),
    },
    of="trace",
)
