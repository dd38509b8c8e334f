"""Truncated backpropagation through time.

    a text of t steps, in chunks of c:     the state goes on from chunk to chunk, the gradient does not
                                           Williams & Peng 1990; Mikolov et al. 2010; Sutskever 2013, section 2.8.6

To learn from a long text with a recurrent network, one would have to keep all of it in memory until the end. So go backward
after every c steps, and begin the next chunk with the state as a mere number: it remembers everything, but its past is not
blamed any more. `h = h.detach()` is the whole trick. Without it, PyTorch complains about going backward a second time, and
`retain_graph=True`, which makes the message go away, makes the run slower with each chunk and the gradient another one.

The network is given as two functions: cell(weights, x (b d), h (b n)) is the next state, loss(weights, h, y (b)) the *sum* of
the losses of a step over the batch. `weights` is a list of tensors.

    headway check tbptt      headway hint tbptt      headway watch
"""


def truncated(cell, loss, weights, h, inputs, targets, *, chunk):
    """Loss and gradients of a text, the gradients truncated at the chunks.

    Args:
        cell, loss: see above.
        weights: a list of tensors; they stay as they are, without a `.grad`, and ask for none.
        h: (b n), the state at the beginning.
        inputs: (b t d).
        targets: (b t), of each step.
        chunk: c; chunk i has the steps i·c to i·c + c - 1, the last one what is left.

    Returns:
        the mean loss over all b · t targets, a tensor without axes; its truncated gradients, a list with one for each of
        `weights` (within a chunk complete, across chunks cut); and the state at the end (b n).
    """
    raise NotImplementedError
