"""Wrong answers to windows and batches that people really give."""

import torch

from headway.learn.cases import switches


def split(ids, n_held_out, *, _how="end"):
    """The right answer, with a switch per mistake."""
    n = len(ids)
    cut = n - n_held_out
    if _how == "minus zero":
        return ids[:-n_held_out], ids[-n_held_out:]
    if _how == "begin":
        return ids[n_held_out:], ids[:n_held_out]
    if _how == "overlap":
        return ids[: cut + 1], ids[cut:]
    if _how == "all":
        return ids.clone(), ids[cut:]
    if _how == "order":
        return ids[cut:], ids[:cut]
    if _how == "gap":
        return ids[:cut], ids[cut + 1 :]
    if _how == "strided":
        held = torch.zeros(n, dtype=torch.bool)
        if n_held_out:
            held[:: max(1, n // n_held_out)][:n_held_out] = True
        return ids[~held], ids[held]
    return ids[:cut], ids[cut:]


SPLIT = switches(
    split,
    {
        "minus_zero": (
            "with nothing to hold out, ids[:-0] is empty and ids[-0:] is everything: cut at len(ids) - n_held_out",
            {"_how": "minus zero"},
        ),
        "held_out_from_the_front": ("the beginning is held out: it has to be the end", {"_how": "begin"}),
        "one_token_shared": (
            "the two parts share a token: the text to train on ends where the other begins",
            {"_how": "overlap"},
        ),
        "trained_on_everything": (
            "the part to train on is the whole text, what is held out included: that is the leak itself",
            {"_how": "all"},
        ),
        "parts_exchanged": ("the held-out part comes first: (to train on, held out) is asked for", {"_how": "order"}),
        "token_lost": ("a token is lost between the two parts", {"_how": "gap"}),
        "held_out_here_and_there": (
            "tokens are held out here and there: their neighbours on both sides are trained on. The end, in one piece",
            {"_how": "strided"},
        ),
    },
    of="split",
)


def starts(n, context, offset=0, *, _end=0, _step="", _offset=True, _kind="right"):
    """The right answer, with a switch per mistake."""
    offset = offset if _offset else 0
    if _kind == "count":
        return offset + context * torch.arange(max(0, (n - 1) // context))
    if _kind == "negative":
        return torch.arange(offset, n - context, context) if n - context >= offset else torch.tensor([0])
    if _kind == "numbers":
        return torch.arange(max(0, (n - offset - 1) // context))
    if _kind == "drop":
        return torch.arange(offset, max(offset, n - context), context)[:-1]
    step = {"one": 1, "half": max(1, context // 2), "plus one": context + 1}.get(_step, context)
    return torch.arange(offset, max(offset, n - context + _end), step)


STARTS = switches(
    starts,
    {
        "last_target_missing": (
            "a window is cut whose last target would lie beyond the text: a window at s needs {context} + 1 ids, s + {context} "
            "< n",
            {"_end": 1},
        ),
        "one_window_too_few": (
            "the last window is left out though it fits: it may begin at n - context - 1",
            {"_end": -1},
        ),
        "last_window_dropped": ("the last window is always left out", {"_kind": "drop"}),
        "rest_included": (
            "the rest of the text, shorter than a window, gets a start as well",
            {"_end": 10**6, "_kind": "rest"},
        ),
        "every_token": (
            "a window begins at every token: each token is then asked for {context} times in an epoch",
            {"_step": "one"},
        ),
        "half_overlapping": ("the windows overlap by half: tokens are asked for twice", {"_step": "half"}),
        "step_of_context_plus_one": (
            "windows begin every {context} + 1 tokens: the last target of one is the first input of the next, and so no token is "
            "skipped as a target only with a step of {context}",
            {"_step": "plus one"},
        ),
        "offset_ignored": ("`offset` is not used", {"_offset": False}),
        "offset_not_in_the_count": (
            "the windows are counted as if the text began at 0, and then shifted by the offset: the last may no longer fit",
            {"_kind": "count"},
        ),
        "numbers_not_places": (
            "the windows are numbered 0, 1, 2, ...: where they begin is asked for, {context} tokens apart",
            {"_kind": "numbers"},
        ),
        "too_short_a_text": (
            "a text that is too short for one window gets one at 0 all the same: the result has to be empty",
            {"_kind": "negative"},
        ),
    },
    of="starts",
)


def _rest(n, context, offset=0):
    return torch.arange(offset, max(offset, n), context)


STARTS = [
    m if m.name != "rest_included" else type(m)(m.name, m.sentence, m.entry, _rest, None, None, m.kind) for m in STARTS
]


def windows(ids, starts, context, *, _shift=1, _wrap=False, _order="inputs", _scale=1, _last="next"):
    """The right answer, with a switch per mistake."""
    places = _scale * starts[:, None] + torch.arange(context)
    n = len(ids)
    inputs = ids[places % n]
    targets = ids[(places + _shift) % n]
    if _last == "rolled":
        targets = inputs.roll(-1, 1)
    elif _last == "rolled all":
        targets = inputs.roll(-1)
    elif _last == "ignored":
        targets = inputs.roll(-1, 1)
        targets[:, -1] = -100
    elif _last == "short":
        inputs, targets = inputs[:, :-1], inputs[:, 1:]
    elif _last == "sorted":
        places = starts.sort().values[:, None] + torch.arange(context)
        inputs, targets = ids[places], ids[places + 1]
    return (inputs, targets) if _order == "inputs" else (targets, inputs)


WINDOWS = switches(
    windows,
    {
        "targets_are_inputs": (
            "the targets are the inputs themselves: a model that copies has no loss. They are one token further on",
            {"_shift": 0},
        ),
        "targets_two_ahead": (
            "the targets are two tokens further on: the shift is made twice (many models shift by themselves)",
            {"_shift": 2},
        ),
        "targets_one_back": ("the targets are the tokens before: they are those after", {"_shift": -1}),
        "rolled": (
            "the targets are rolled within the window: its last target is its own first token. It is the one after the window",
            {"_last": "rolled"},
        ),
        "rolled_without_a_dim": (
            "the targets are rolled without a dim, through the whole tensor: a row's last target is the next row's first token",
            {"_last": "rolled all"},
        ),
        "last_target_ignored": (
            "the last target of a window is -100: the token after the window is there, and is asked for",
            {"_last": "ignored"},
        ),
        "one_column_short": (
            "the windows have one column less: a window of {c} inputs needs {c} + 1 ids",
            {"_last": "short"},
        ),
        "inputs_and_targets_exchanged": ("the targets come first: inputs first, then targets", {"_order": "targets"}),
        "starts_as_numbers": (
            "`starts` are taken for numbers of windows and multiplied by the context: they are places already",
            {"_scale": 2},
        ),
        "starts_sorted": (
            "the windows come in the order of the text: in that of `starts` they are asked for",
            {"_last": "sorted"},
        ),
    },
    of="windows",
)


def _numbered(ids, starts, context):
    places = (starts[:, None] * context + torch.arange(context)) % len(ids)
    return ids[places], ids[(places + 1) % len(ids)]


WINDOWS = [
    m if m.name != "starts_as_numbers" else type(m)(m.name, m.sentence, m.entry, _numbered, None, None, m.kind)
    for m in WINDOWS
]


def batches(order, size, rank=0, world=1, *, _how="strided", _last="kept", _size="all"):
    """The right answer, with a switch per mistake."""
    step = size * world if _size == "each" else size
    found = []
    for first in range(0, len(order), step):
        batch = order[first : first + step]
        if len(batch) < step and _last == "dropped":
            break
        if len(batch) < step and _last == "padded":
            batch = torch.cat([batch, *[order] * step])[:step]
        share = -(-len(batch) // world)
        if _how == "strided":
            part = batch[rank::world]
        elif _how == "blocks":
            part = batch[rank * share : (rank + 1) * share]
        elif _how == "everything":
            part = batch
        elif _how == "from 1":
            part = batch[max(rank - 1, 0) :: world]
        elif _how == "rank step":
            part = batch[:: max(rank, 1)]
        else:
            part = batch[rank::world].sort().values
        if len(part) or _last != "no empty ones":
            found.append(part)
    if _how == "of the order":
        return list(order[rank::world].split(max(1, size // world)))
    return found


BATCHES = switches(
    batches,
    {
        "last_batch_dropped": (
            "the last batch, smaller than {size}, is dropped: its indices are never seen in this epoch",
            {"_last": "dropped"},
        ),
        "last_batch_filled_up": (
            "the last batch is filled up with indices from the beginning: those are seen twice",
            {"_last": "padded"},
        ),
        "empty_batches_left_out": (
            "where nothing of the last batch is left for this process it has a step less than the others, which wait for it for "
            "ever: it has to get an empty batch",
            {"_last": "no empty ones"},
        ),
        "every_process_everything": (
            "every process gets the whole batch: each index is seen {world} times",
            {"_how": "everything"},
        ),
        "blocks_for_strides": (
            "a batch is dealt out in blocks: process {rank} gets the elements {rank}, {rank} + {world}, ...",
            {"_how": "blocks"},
        ),
        "size_for_each": (
            "every process takes {size} indices in a step: {size} is what all of them take together",
            {"_size": "each"},
        ),
        "ranks_from_1": ("ranks are counted from 1: process 0 is the first", {"_how": "from 1"}),
        "rank_for_world": (
            "the step is the rank: order[rank::world], with the number of processes as the step",
            {"_how": "rank step"},
        ),
        "order_sorted": ("the indices come sorted: they have to keep the epoch's order", {"_how": "sorted"}),
        "dealt_before_cutting": (
            "the order is dealt out first and cut into batches of {size} // {world} then: that cuts at other places",
            {"_how": "of the order"},
        ),
    },
    of="batches",
)
