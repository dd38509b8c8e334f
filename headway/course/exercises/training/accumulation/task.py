"""Gradient accumulation that equals the large batch.

    ∇ of the large batch = Σ over parts of ∇ (sum of the losses of a part) / number of targets in all parts

A batch that does not fit into memory goes through the model in parts, and the gradients add up. Divided by what? Nearly
everybody took the mean loss of each part and divided by the number of parts. That is the large batch's gradient only if every
part has the same number of targets; where texts are padded, or prompts masked out, a short part counts as much as a long one
(the large training libraries all had this wrong until October 2024). Only sums can be added: so add up the sums, and divide
once, by the number of all targets that count.

Clipping and the step come after the last part, once. A large batch without a single target changes nothing.

The loss is the cross-entropy of logits x @ W against targets; a target of -100 does not count.

    headway check accumulation      headway hint accumulation      headway watch
"""


def accumulate(weight, parts):
    """The loss and the gradient of a large batch that comes in parts.

    Args:
        weight: (d v), W. The logits of x are x @ weight.
        parts: a list of (x (n d), targets (n) int64), each with an n of its own; targets in [0, v) or -100.

    Returns:
        the mean loss over all targets that count, a tensor without axes, and its gradient (d v). Both 0 if no target counts.
    """
    raise NotImplementedError


def train_step(weight, parts, *, lr, clip):
    """One step of gradient descent on the large batch, the gradient's norm limited to `clip`.

    Args:
        weight, parts: as above.
        lr: learning rate.
        clip: where the norm of the whole gradient is greater, the gradient is multiplied by clip / norm.

    Returns:
        the new weight (d v); the one given stays as it is.
    """
    raise NotImplementedError
