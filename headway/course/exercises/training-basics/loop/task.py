"""The training loop.

    for every batch:  forget the old gradients, predict, measure, go backward, clip, set the learning rate, step
    after an epoch:   measure on what was held out, in evaluation mode, and keep the weights if they are the best so far

Ten lines that everybody can write, and in which no mistake raises an error. The gradients of all steps add up unless they are
set to zero. Clipping (Pascanu et al. 2013, arXiv 1211.5063, algorithm 1) has its place between backward and step: if the norm of
*all* gradients taken together, as one long vector, exceeds the limit, all are multiplied by limit / norm. A model with dropout or
batch normalisation has two modes, and has to be told each time. And a reference to the weights is not a copy of them.

Model and optimiser are PyTorch's or like PyTorch's: model(x), model.parameters(), model.train(), model.eval();
optimiser.zero_grad(), optimiser.step(), optimiser.param_groups[...]["lr"]. `torch.nn.utils.clip_grad_norm_` may be used.

    headway check loop      headway hint loop      headway watch
"""

import torch


def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    """Train, and return how it went.

    Args:
        make_model: a function without arguments: a new model.
        make_optimiser: a function of the model's parameters: a new optimiser for them, with a state of its own (momentum).
        loss: loss(model(x), y) is the mean loss of a batch, a tensor.
        lr: lr(step) is the learning rate of a step, in every group of parameters; steps are counted from 1, on through all epochs.
        batches: a list of (x, y), to be taken in this order in each epoch; the last may be smaller.
        held_out: the same, of examples that are not trained on.
        epochs: how often to go through `batches`.
        clip: the greatest norm of all gradients together.

    Returns:
        losses: the loss of every step, as it was before the step; a list of epochs · len(batches) numbers.
        held_out_losses: after every epoch, the mean over the held-out *examples*; a list of numbers.
        best: the parameters as they were after the epoch with the lowest held-out loss (the first of them, if there are two);
            a list of tensors, in the order of model.parameters().
    """
    raise NotImplementedError
