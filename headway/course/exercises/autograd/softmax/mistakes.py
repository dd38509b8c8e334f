"""Wrong answers to the backward of a softmax that people really give."""

from headway.learn.cases import mistake, switches


def softmax_backward(
    grad, y, dim=-1, *, _total="grad y", _over="dim", _front="y", _sign=-1, _reduce="sum", _dim="given"
):
    """The right answer, with a switch per mistake."""
    if _dim == "last":
        dim = -1
    elif _dim == "first":
        dim = 0
    product = {"grad y": grad * y, "grad": grad, "y": y, "y y": y * y}[_total]
    if _over == "dim":
        total = product.sum(dim, keepdim=True) if _reduce == "sum" else product.mean(dim, keepdim=True)
    elif _over == "all":
        total = product.sum()
    else:
        total = 0.0
    if _front == "y":
        return y * (grad + _sign * total)
    if _front == "none":
        return grad + _sign * total
    if _front == "grad y only":
        return y * grad - total
    return grad * y * (1 - y)


MISTAKES = switches(
    softmax_backward,
    {
        "diagonal_only": (
            "this is grad y (1 - y), the derivative of a sigmoid: it leaves out that raising x_j lowers every other y",
            {"_front": "sigmoid"},
        ),
        "sum_left_out": (
            "the sum is missing: y grad is only the direct part, and y grad - y Σ grad y is asked for",
            {"_over": "none"},
        ),
        "sum_of_grad_alone": (
            "the sum is of grad alone: it has to be of grad · y",
            {"_total": "grad"},
        ),
        "sum_not_multiplied_by_y": (
            "the sum is subtracted as it is: it has to be multiplied by y, y (grad - Σ grad y)",
            {"_front": "grad y only"},
        ),
        "y_left_out": ("the factor y in front is missing: y (grad - Σ grad y)", {"_front": "none"}),
        "sum_added": ("the sum is added: it has to be subtracted, for raising x_j lowers the other y", {"_sign": 1}),
        "mean_for_sum": ("the mean of grad · y over the row is subtracted: it has to be the sum", {"_reduce": "mean"}),
        "sum_over_everything": (
            "the sum runs over the whole tensor: every row has its own, sum(dim, keepdim=True)",
            {"_over": "all"},
        ),
        "dim_ignored": ("the argument `dim` is not used: the sum always runs along the last axis", {"_dim": "last"}),
        "along_the_batch": ("the sum runs along axis 0, the batch, whatever `dim` is", {"_dim": "first"}),
        "y_squared": ("the sum is of y², without grad", {"_total": "y y"}),
        "minus_one": (
            "this is y (grad - 1): the sum of grad · y is taken to be 1, which it is only where grad is all ones",
            {"_total": "y"},
        ),
    },
)


@mistake("y is taken for x, and softmax applied to it once more: it is the result of the softmax already")
def softmax_again(grad, y, dim=-1):
    return softmax_backward(grad, y.softmax(dim), dim)


@mistake("this is the backward of log_softmax, grad - y Σ grad: here y = softmax(x) itself was the result")
def of_log_softmax(grad, y, dim=-1):
    return grad - y * grad.sum(dim, keepdim=True)


@mistake("this is y - grad, the gradient of softmax and cross-entropy together: here only the softmax is asked for")
def with_cross_entropy(grad, y, dim=-1):
    return y - grad
