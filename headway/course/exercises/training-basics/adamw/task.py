"""AdamW: one step of it.

    m ← β1 m + (1 - β1) g                v ← β2 v + (1 - β2) g²
    w ← w - lr · λ · w - lr · (m / (1 - β1ᵗ)) / (sqrt(v / (1 - β2ᵗ)) + ε)

                Kingma & Ba 2014, Adam, arXiv 1412.6980, algorithm 1
                Loshchilov & Hutter 2017, AdamW, arXiv 1711.05101, algorithm 2

m and v are running means of the gradient and of its square. Both start at 0 and are too small at first, by the factors
1 - β1ᵗ and 1 - β2ᵗ at step t: that is what the divisions make good, without which the first steps are far too short or too
long. The weight decay λ is taken from the weight *itself*: put into the gradient (L2, as in Adam), it would be divided by
sqrt(v) too, and weights with large gradients would hardly decay at all.

The new values come back; the tensors given stay as they are.

    headway check adamw      headway hint adamw      headway watch
"""


def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    """Update one tensor.

    Args:
        weight, grad: tensors of one shape.
        exp_avg, exp_avg_sq: m and v of the step before, of the same shape; 0 before the first.
        step: t, counted from 1.
        lr: learning rate.
        betas: (β1, β2).
        eps: ε, added to the root.
        weight_decay: λ.

    Returns:
        the new weight, exp_avg and exp_avg_sq. (The averages are kept without the correction.)
    """
    raise NotImplementedError
