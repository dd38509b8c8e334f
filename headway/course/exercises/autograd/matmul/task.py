"""The backward of a matrix product.

    y = a b      da = grad bᵀ      db = aᵀ grad          grad = ∂loss/∂y

Every linear layer, every score and every weighted sum of values is a matrix product, and two more of them are its
backward: which is why a training step costs three times a forward pass. There is hardly a choice: da has to have the
shape of a, and only one product of grad (n m) and b (k m) has.

Axes before the last two are batches, and may be broadcast: a weight (k m) meets a batch of inputs (b n k). What was
broadcast is used once per row of the batch, and the gradients of all of them are added up.

Shapes: a (... n k), b (... k m), grad (... n m). No autograd here: the formulas are the exercise.

    headway check matmul      headway hint matmul      headway watch
"""


def matmul_backward(grad, a, b):
    """The gradients of a and b, given that of y = a @ b.

    Args:
        grad: (... n m), the shape of a @ b.
        a: (... n k).
        b: (... k m); the leading axes of a and b broadcast.

    Returns:
        da, db: the shapes of a and b.
    """
    raise NotImplementedError
