"""Wrong answers to undoing a broadcast that people really give."""

from headway.learn.cases import mistake, switches


def sum_to(grad, shape, *, _new="sum", _one="sum", _align="right", _keep=True):
    """The right answer, with a switch per mistake."""
    new = grad.dim() - len(shape)
    if _align == "left":
        shape = (*shape, *[1] * new)
        for axis in reversed(range(len(shape) - new, grad.dim())):
            grad = grad.sum(axis)
        new, shape = 0, shape[: len(shape) - new]
    for _ in range(new):
        if _new == "sum":
            grad = grad.sum(0)
        elif _new == "mean":
            grad = grad.mean(0)
        elif _new == "first":
            grad = grad[0]
    for axis, size in enumerate(shape):
        if size == 1 and axis < grad.dim():
            if _one == "sum":
                grad = grad.sum(axis, keepdim=True)
            elif _one == "mean":
                grad = grad.mean(axis, keepdim=True)
            elif _one == "first":
                grad = grad.narrow(axis, 0, 1)
    if not _keep:
        for axis in reversed(range(len(shape))):
            if shape[axis] == 1:
                grad = grad.squeeze(axis)
    return grad


MISTAKES = switches(
    sum_to,
    {
        "averaged_over_missing_axes": (
            "the gradient is averaged over the axes that the operand lacks: the same number was used in many places, and the "
            "gradients of all of them add up",
            {"_new": "mean"},
        ),
        "averaged_over_ones": (
            "the gradient is averaged over the axes of size 1: it has to be summed over them",
            {"_one": "mean"},
        ),
        "missing_axes_left": (
            "the axes that the operand lacks are still there: only axes of size 1 are summed",
            {"_new": "none"},
        ),
        "ones_left": (
            "axes of size 1 are not summed: they were stretched as well, though the operand has them",
            {"_one": "none"},
        ),
        "first_slice_of_missing_axes": (
            "of the axes that the operand lacks only the first slice is taken: the others have gradients too",
            {"_new": "first"},
        ),
        "first_slice_of_ones": (
            "of the axes of size 1 only the first slice is taken: the others have gradients too",
            {"_one": "first"},
        ),
        "lined_up_from_the_left": (
            "the shapes are lined up from the left, and the last axes are summed: (d) goes with the last axis of (b t d), and "
            "what the operand lacks is on the left",
            {"_align": "left"},
        ),
        "ones_dropped": (
            "the axes of size 1 are gone after the sum (keepdim=False): the result has to have the shape of the operand",
            {"_keep": False},
        ),
    },
)


@mistake("the gradient is reshaped to the operand's shape without a sum, or cut off: nothing is added up")
def cut_off(grad, shape):
    size = 1
    for n in shape:
        size *= n
    return grad.reshape(-1)[:size].reshape(shape)


@mistake("everything is summed to one number, which is then stretched to the shape of the operand")
def all_summed(grad, shape):
    return grad.sum().expand(shape) if shape else grad.sum()


@mistake("the batch, axis 0, is summed and nothing else: which axes were stretched depends on the operand's shape")
def batch_summed(grad, shape):
    return grad.sum(0) if len(shape) < grad.dim() else grad
