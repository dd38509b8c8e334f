"""Wrong answers to the training loop that people really give."""

import torch

from headway.learn.cases import switches


def train(
    make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip,
    _zero="before", _clip="norm", _eval=True, _train="each", _lr="step", _record="before", _mean="examples", _best="copy",
    _held="held out", _order="right", _state="kept", _when="after", _learn=False, _weights="model", _groups="all",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    model = make_model()
    parameters = list(model.parameters())
    optimiser = make_optimiser(parameters)
    losses, measured, best, step = [], [], [], 0

    def set_rate(rate):
        for group in optimiser.param_groups[:1] if _groups == "first" else optimiser.param_groups:
            group["lr"] = group["lr"] if rate is None else rate

    def measure():
        nonlocal best
        if _eval:
            model.eval()
        parts = []
        for x, y in batches if _held == "trained on" else held_out:
            if _learn:
                optimiser.zero_grad()
            value = loss(model(x), y)
            if _learn:
                value.backward()
                optimiser.step()
            parts.append((value.item(), len(x)))
        total = sum(v * n for v, n in parts)
        measured.append(
            {
                "examples": total / sum(n for _, n in parts),
                "batches": sum(v for v, _ in parts) / len(parts),
                "last": parts[-1][0],
            }[_mean]
        )
        value = -measured[-1] if _best == "greatest" else measured[-1]
        values = [-m for m in measured] if _best == "greatest" else measured
        if all(value < other for other in values[:-1]):
            best = [p.detach().clone() for p in parameters]

    for epoch in range(epochs):
        if _state == "new model" and epoch:
            model = make_model()
            parameters = list(model.parameters())
        if _state != "kept" and epoch:
            optimiser = make_optimiser(parameters)
        if _when == "before":
            measure()
        if _train == "each" or epoch == 0:
            model.train()
        if _zero == "epoch":
            optimiser.zero_grad()
        for n, (x, y) in enumerate(batches):
            step += 1
            if _zero == "before" and _order == "right":
                optimiser.zero_grad()
            value = loss(model(x), y)
            rate = {
                "step": lambda: lr(step),
                "from 0": lambda: lr(step - 1),
                "epoch": lambda: lr(epoch + 1),
                "restarts": lambda: lr(n + 1),
                "ignored": lambda: None,
                "after": lambda: None,
            }[_lr]()
            if _order == "step first":
                set_rate(rate)
                optimiser.step()
                optimiser.zero_grad()
            value.backward()
            if _zero == "after backward":
                optimiser.zero_grad()
            gradients = [p.grad for p in parameters if p.grad is not None]
            if gradients:
                norm = torch.stack([g.norm() for g in gradients]).norm()
                for g in gradients:
                    if _clip == "norm":
                        g *= torch.clamp(clip / norm, max=1.0)
                    elif _clip == "each":
                        g *= torch.clamp(clip / g.norm(), max=1.0)
                    elif _clip == "value":
                        g.clamp_(-clip, clip)
                    elif _clip == "always":
                        g *= clip / norm
            if _order == "right":
                set_rate(rate)
                optimiser.step()
            if _lr == "after":
                set_rate(lr(step))
            if _record == "after":
                with torch.no_grad():
                    value = loss(model(x), y)
            losses.append(value.item())
        if _when == "after":
            measure()
    if _record == "epoch":
        count = len(batches)
        losses = [sum(losses[i : i + count]) / count for i in range(0, len(losses), count)]
    if _best == "last":
        best = [p.detach().clone() for p in parameters]
    return losses, measured, best


MISTAKES = switches(
    train,
    {
        "gradients_not_zeroed": (
            "the gradients are never set to zero: each step takes those of all steps before along. optimiser.zero_grad() once "
            "per "
            "step",
            {"_zero": "never"},
        ),
        "gradients_zeroed_once_an_epoch": (
            "the gradients are set to zero once an epoch: it has to be once per step",
            {"_zero": "epoch"},
        ),
        "zeroed_after_backward": (
            "the weights never change: either there is no step, or zero_grad comes between backward and step, and leaves it "
            "nothing to go "
            "by",
            {"_zero": "after backward"},
        ),
        "step_before_backward": (
            "the step comes before backward: each batch moves the weights by the gradients of the one before, and the last by "
            "none",
            {"_order": "step first"},
        ),
        "first_group_only": (
            "the learning rate is set in the first group of parameters alone, param_groups[0]: an optimiser may have several, "
            "and each has one of its own",
            {"_groups": "first"},
        ),
        "not_clipped": (
            "the gradients are not clipped: clipping has to stand between backward and step, not before the one or after the "
            "other",
            {"_clip": "none"},
        ),
        "clipped_one_by_one": (
            "each tensor's gradient is clipped by its own norm: the norm is that of all together, so that their direction stays",
            {"_clip": "each"},
        ),
        "clipped_by_value": (
            "each number of the gradients is clipped to ±{clip} (clip_grad_value_): it is the norm of all together that is "
            "limited",
            {"_clip": "value"},
        ),
        "scaled_up_too": (
            "the gradients always get the norm {clip}: those below the limit have to stay as they are",
            {"_clip": "always"},
        ),
        "measured_in_training_mode": (
            "the held-out loss is measured in training mode (model.eval() is missing): batch normalisation then normalises by "
            "the "
            "held-out batch, and learns from it",
            {"_eval": False},
        ),
        "left_in_evaluation_mode": (
            "the model stays in evaluation mode after it was measured: model.train() belongs at the beginning of every epoch",
            {"_train": "once"},
        ),
        "trained_on_what_was_held_out": (
            "the model is trained on what was held out: there, no backward and no step",
            {"_learn": True},
        ),
        "measured_on_the_training_batches": (
            "the loss after an epoch is that of the batches trained on: it has to be of `held_out`",
            {"_held": "trained on"},
        ),
        "mean_of_batch_means": (
            "the held-out loss is the mean of the batches' means: the last batch is smaller, and its examples count more than "
            "the others'. Weigh each with its number of examples",
            {"_mean": "batches"},
        ),
        "held_out_last_batch": (
            "the held-out loss is that of the last held-out batch: it has to be the mean over all",
            {"_mean": "last"},
        ),
        "measured_before_the_epoch": (
            "the held-out loss is measured before each epoch: it has to be after it",
            {"_when": "before"},
        ),
        "best_is_the_last": (
            "`best` holds the weights at the end of training: parameters() and state_dict() refer to the weights themselves, "
            "which go "
            "on changing. Keep a copy (clone, deepcopy)",
            {"_best": "last"},
        ),
        "best_is_the_worst": ("`best` is of the epoch with the greatest held-out loss", {"_best": "greatest"}),
        "rate_counted_from_0": ("the learning rate is lr(step - 1): steps are counted from 1", {"_lr": "from 0"}),
        "rate_set_after_the_step": (
            "the learning rate is set after the step: the first step has the optimiser's own, every other that of the step "
            "before",
            {"_lr": "after"},
        ),
        "rate_by_epoch": ("the learning rate changes once an epoch: it has to be lr(step)", {"_lr": "epoch"}),
        "rate_restarts": (
            "the steps are counted from 1 again in each epoch: they go on through all epochs",
            {"_lr": "restarts"},
        ),
        "rate_ignored": (
            "`lr` is not used: the optimiser's own learning rate stays. Set group['lr'] for each of param_groups",
            {"_lr": "ignored"},
        ),
        "loss_after_the_step": (
            "the losses are measured once more after the step: those that the gradients were taken of are asked for",
            {"_record": "after"},
        ),
        "loss_per_epoch": (
            "there is one loss for each epoch, the mean of its steps: one for each step is asked for",
            {"_record": "epoch"},
        ),
        "new_optimiser_each_epoch": (
            "a new optimiser is made in each epoch: its momentum is lost",
            {"_state": "new optimiser"},
        ),
        "new_model_each_epoch": ("a new model is made in each epoch: nothing is carried on", {"_state": "new model"}),
    },
)
