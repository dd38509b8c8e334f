"""Right answers to undoing a broadcast that differ in structure."""


def sum_to__axes(grad, shape):
    """Find the stretched axes, sum over them at once, and give the axes of size 1 back by a reshape."""
    new = grad.dim() - len(shape)
    axes = [i for i in range(grad.dim()) if i < new or (shape[i - new] == 1 and grad.shape[i] != 1)]
    return (grad.sum(axes) if axes else grad).reshape(shape)


def sum_to__steps(grad, shape):
    """First the axes that are not there, one by one from the left; then those of size 1, kept."""
    while grad.dim() > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


def sum_to__builtin(grad, shape):
    """PyTorch has it as a method."""
    return grad.sum_to_size(shape)
