"""Wrong answers to the backward of a matrix product that people really give."""

from headway.learn.cases import mistake, switches


def matmul_backward(grad, a, b, *, _a="grad bT", _b="aT grad", _reduce="sum", _order="a b", _transpose="last"):
    """The right answer, with a switch per mistake."""
    flip = (lambda x: x.mT) if _transpose == "last" else (lambda x: x.permute(*reversed(range(x.dim()))))
    da = {
        "grad bT": lambda: grad @ flip(b),
        "grad b": lambda: grad @ b,
        "b gradT": lambda: b @ flip(grad),
        "elementwise": lambda: grad.sum(-1, keepdim=True) * b.sum(-1).unsqueeze(-2),
    }[_a]()
    db = {
        "aT grad": lambda: flip(a) @ grad,
        "a grad": lambda: a @ grad,
        "grad a": lambda: grad @ a,
        "gradT a": lambda: flip(grad) @ a,
    }[_b]()
    out = []
    for g, x in ((da, a), (db, b)):
        new = g.dim() - x.dim()
        axes = list(range(new))
        ones = [new + i for i in range(x.dim() - 2) if x.shape[i] == 1]
        if _reduce == "sum":
            g = g.sum(axes + ones, keepdim=True).reshape(x.shape) if axes + ones else g
        elif _reduce == "mean":
            g = g.mean(axes + ones, keepdim=True).reshape(x.shape) if axes + ones else g
        elif _reduce == "missing only":
            g = g.sum(axes) if axes else g
        elif _reduce == "first":
            for _ in axes:
                g = g[0]
        out.append(g)
    return tuple(out) if _order == "a b" else tuple(reversed(out))


MISTAKES = switches(
    matmul_backward,
    {
        "b_not_transposed": (
            "`da` is grad @ b: b has to be transposed, da = grad bᵀ (it fits by chance where k = m)",
            {"_a": "grad b"},
        ),
        "a_not_transposed": (
            "db is a @ grad: a has to be transposed, db = aᵀ grad (it fits by chance where n = k)",
            {"_b": "a grad"},
        ),
        "da_transposed": ("`da` is b gradᵀ, the transpose of what it has to be: grad bᵀ", {"_a": "b gradT"}),
        "db_transposed": ("db is gradᵀ a, the transpose of what it has to be: aᵀ grad", {"_b": "gradT a"}),
        "db_order": ("db is grad @ a: the order is the other one, aᵀ grad", {"_b": "grad a"}),
        "rows_added_up": (
            "da adds up the rows of grad and of b on their own, and multiplies the sums: the sum runs over the products, grad bᵀ",
            {"_a": "elementwise"},
        ),
        "broadcast_not_summed": (
            "an operand that was broadcast gets a gradient for every row of the batch: they have to be added up, so that db "
            "has the shape of b",
            {"_reduce": "none"},
        ),
        "broadcast_averaged": (
            "the gradients of an operand that was broadcast are averaged over the batch: they have to be added up",
            {"_reduce": "mean"},
        ),
        "ones_not_summed": (
            "axes that the operand has with size 1 are not summed: they were stretched as well",
            {"_reduce": "missing only"},
        ),
        "first_of_the_batch": (
            "of an operand that was broadcast only the gradient of the first row of the batch is returned",
            {"_reduce": "first"},
        ),
        "gradients_swapped": ("`da` and `db` are returned in the wrong order", {"_order": "b a"}),
        "all_axes_reversed": (
            ".T reverses *all* axes of a batch of matrices: only the last two have to change places (.mT, transpose(-1, -2))",
            {"_transpose": "all"},
        ),
    },
)


@mistake("grad is left out: these are bᵀ and aᵀ themselves, as if y were one number")
def without_grad(grad, a, b):
    ones = grad.new_ones(grad.shape)
    return matmul_backward(ones, a, b)


@mistake("`da` and `db` are divided by the number of rows: the mean is in `grad` already, if there was one")
def averaged(grad, a, b):
    da, db = matmul_backward(grad, a, b)
    return da / a.shape[-2], db / a.shape[-2]
