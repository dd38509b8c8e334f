"""A gated recurrent unit: one step, and a text of them.

    r  = σ(W_r x + U_r h)                  what of the state the candidate may use
    z  = σ(W_z x + U_z h)                  what of the state is kept
    c  = tanh(W x + r ⊙ (U h))             the candidate
    h' = z ⊙ h + (1 - z) ⊙ c               Cho et al. 2014, arXiv 1406.1078, section 2.3 (biases left out)

A plain recurrent network writes its state anew at every step, and a gradient that has to go back through many of them vanishes.
Here a gate z, near 1, lets the state pass unchanged, and the gradient with it.

The paper resets before the matrix, U (r ⊙ h). As in cuDNN and PyTorch, here it is after it, r ⊙ (U h + b), with the candidate's
bias of the state inside: one product then serves all three. The weights lie one under the other in the order r, z, c, so that
those of `torch.nn.GRU` fit.

Shapes: b rows, d features of the input, n of the state, t steps. When it is right, it can run the real model:

    headway check gru      headway hint gru      headway watch
"""


def gru_step(x, h, w_x, w_h, b_x, b_h):
    """The next state.

    Args:
        x: (b d), the input.
        h: (b n), the state.
        w_x: (3n d), W_r, W_z and W one under the other.
        w_h: (3n n), U_r, U_z and U.
        b_x, b_h: (3n), their biases.

    Returns:
        (b n)
    """
    raise NotImplementedError


def gru(x, h, w_x, w_h, b_x, b_h):
    """The states after each of t inputs, one step after the other.

    Args:
        x: (b t d).
        h: (b n), the state before the first.

    Returns:
        (b t n)
    """
    raise NotImplementedError
