"""Wrong answers to truncated backpropagation that people really give."""

import torch

from headway.learn.cases import switches


def truncated(
    cell, loss, weights, h, inputs, targets, *, chunk,
    _leaves="own", _state="detached", _add="all", _over="targets", _loss="sum", _last="kept", _edge=0, _end="last",
    _per="step", _h="given",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    leaves = weights if _leaves == "theirs" else [w.detach() for w in weights]
    leaves = [w.requires_grad_() for w in leaves]
    b, t = targets.shape
    if _h == "zero":
        h = torch.zeros_like(h)
    start, total = h, torch.zeros((), dtype=h.dtype)
    gradients = [torch.zeros_like(w) for w in weights]
    firsts = list(range(0, t, chunk))
    if _edge:
        firsts = [0, *range(chunk + _edge, t, chunk)] if chunk + _edge > 0 else list(range(t))
    if _last == "dropped" and t % chunk and len(firsts) > 1:
        t = firsts.pop()
    ends = [*firsts[1:], t]
    losses, parts = [], []
    for first, end in zip(firsts, ends, strict=True):
        if _state == "detached":
            h = h.detach()
        elif _state == "zero":
            h = torch.zeros_like(h)
        elif _state == "start":
            h = start
        part = last = torch.zeros((), dtype=h.dtype)
        for step in range(first, end):
            if _state == "each step" or (_state == "all but the first" and step > first):
                h = h.detach()
            h = cell(leaves, inputs[:, step], h)
            last = loss(leaves, h, targets[:, step])
            part = part + last
        if _per == "chunk":
            part = last
        losses.append(part)
        parts.append((end - first) * b)
        total = total + part.detach()
    count = {"targets": b * t, "steps": t, "batch": b, "chunks": len(losses), "none": 1, "chunk": b * chunk}[_over]
    if _add == "last":
        losses = losses[-1:]
    elif _add == "first":
        losses = losses[:1]
    if _over == "mean of means":
        count = 1
    mean = sum((part for part in losses), torch.zeros((), dtype=h.dtype)) / count
    if _loss == "means":
        means = [part / n for part, n in zip(losses, parts[-len(losses) :], strict=True)]
        mean = torch.stack(means).mean()
    gradients = [
        torch.zeros_like(w) if g is None else g
        for w, g in zip(leaves, torch.autograd.grad(mean, leaves, allow_unused=True), strict=True)
    ]
    if _leaves == "theirs":
        for w, g in zip(leaves, gradients, strict=True):
            w.grad = g
    value = mean.detach() if _loss == "means" else total / count
    if _loss == "last":
        value = losses[-1].detach() / parts[-1]
    elif _loss == "total":
        value = total
    return value, gradients, {"last": h, "start": start, "mean": h.mean(0, keepdim=True).expand_as(h)}[_end].detach()


MISTAKES = switches(
    truncated,
    {
        "not_detached": (
            "the state is not detached between chunks: the gradient runs back to the beginning of the text (with "
            "retain_graph=True, or "
            "one backward at the end)",
            {"_state": "attached"},
        ),
        "state_zeroed": (
            "each chunk begins with a state of zeros: it goes on with the last one, detached",
            {"_state": "zero"},
        ),
        "state_started_over": (
            "each chunk begins with the text's first state: it goes on with the last one, detached",
            {"_state": "start"},
        ),
        "detached_at_every_step": (
            "the state is detached at every step: within a chunk of {chunk} the gradient has to go back all the way",
            {"_state": "each step"},
        ),
        "detached_within": (
            "the state is detached within the chunks and not between them: it has to be the other way round",
            {"_state": "all but the first"},
        ),
        "start_ignored": ("`h` is not used: the text begins with zeros", {"_h": "zero"}),
        "last_chunk_dropped": (
            "the last chunk, shorter than {chunk}, is left out: it belongs to the text",
            {"_last": "dropped"},
        ),
        "chunks_one_too_long": (
            "the first chunk has {chunk} + 1 steps: the cut comes before step {chunk}, counted from 0",
            {"_edge": 1},
        ),
        "chunks_one_too_short": (
            "the first chunk has {chunk} - 1 steps: the cut comes before step {chunk}, counted from 0",
            {"_edge": -1},
        ),
        "gradient_of_the_last_chunk": (
            "the gradients are those of the last chunk: zero_grad comes once per text, and they add up",
            {"_add": "last"},
        ),
        "gradient_of_the_first_chunk": ("the gradients are those of the first chunk: all add up", {"_add": "first"}),
        "last_step_of_each_chunk": (
            "only the last step of each chunk has a loss: each step has one",
            {"_per": "chunk"},
        ),
        "mean_of_means": (
            "each chunk's mean loss is taken, and the mean of those: a shorter last chunk then counts as much as the others",
            {"_loss": "means"},
        ),
        "over_the_steps": (
            "the sum is divided by the number of steps: by that of all targets, {b} rows times the steps",
            {"_over": "steps"},
        ),
        "over_the_batch": ("the sum is divided by the {b} rows: by the number of all targets", {"_over": "batch"}),
        "over_the_chunks": (
            "the sum is divided by the number of chunks: by the number of all targets",
            {"_over": "chunks"},
        ),
        "over_one_chunk": (
            "the sum is divided by the number of targets in one chunk: by that of all",
            {"_over": "chunk"},
        ),
        "summed": ("the losses are summed: their mean, and its gradient, are asked for", {"_over": "none"}),
        "loss_of_the_last_chunk": (
            "the gradients are right; the loss is that of the last chunk",
            {"_loss": "last"},
        ),
        "loss_not_divided": ("the gradients are right; the loss is the sum, not the mean", {"_loss": "total"}),
        "gradient_left_on_the_weights": (
            "`.backward()` on the weights that were given leaves their `.grad` behind, which the caller's next step adds to: "
            "take leaves of your own, w.detach().requires_grad_()",
            {"_leaves": "theirs"},
        ),
        "first_state_returned": ("the state at the beginning is returned: that at the end", {"_end": "start"}),
    },
    kinds={"gradient_left_on_the_weights": "marked"},
)
