"""What is asked of the backward of a matrix product, and the answer it is held against."""

from headway.learn.cases import AUTOGRAD, Call, case, law, near, note

ORDER = 2
ENTRIES = ("matmul_backward",)
SIZES = {"b": (1, 3), "h": (1, 4), "n": (1, 5), "k": (1, 6), "m": (1, 7)}
FORBIDDEN = dict.fromkeys(AUTOGRAD, "the gradient is to be written as a formula, without autograd")


def matmul_backward(grad, a, b):
    da = note("grad bᵀ", grad @ b.mT)
    db = note("aᵀ grad", a.mT @ grad)
    return da.sum_to_size(a.shape), db.sum_to_size(b.shape)


@case("two matrices", gradient=False)
def plain(d):
    return Call("matmul_backward", grad=d.normal("n m"), a=d.normal("n k"), b=d.normal("k m"))


@case("square matrices", n=(2, 4), gradient=False, draws=6)
def square(d):
    return Call("matmul_backward", grad=d.normal("n n"), a=d.normal("n n"), b=d.normal("n n"))


@case("batches of matrices", gradient=False)
def batches(d):
    return Call("matmul_backward", grad=d.normal("b h n m"), a=d.normal("b h n k"), b=d.normal("b h k m"))


@case("a weight for a whole batch", b=(2, 4), gradient=False)
def weight(d):
    return Call("matmul_backward", grad=d.normal("b n m"), a=d.normal("b n k"), b=d.normal("k m"))


@case("an axis of size 1 on the left side", h=(2, 4), gradient=False)
def ones(d):
    return Call("matmul_backward", grad=d.normal("b h n m"), a=d.normal("b 1 n k"), b=d.normal("b h k m"))


@case("a weight for batches of batches: (b h n k) by (k m)", b=(2, 3), h=(2, 4), gradient=False, draws=6)
def weight_for_two(d):
    return Call("matmul_backward", grad=d.normal("b h n m"), a=d.normal("b h n k"), b=d.normal("k m"))


@case("a weight per head: (b h n k) by (h k m)", b=(2, 3), h=(2, 4), gradient=False, draws=6)
def weight_per_head(d):
    return Call("matmul_backward", grad=d.normal("b h n m"), a=d.normal("b h n k"), b=d.normal("h k m"))


@case("the left side lacks an axis: (n k) by (b k m)", b=(2, 4), gradient=False, draws=6)
def left_lacks(d):
    return Call("matmul_backward", grad=d.normal("b n m"), a=d.normal("n k"), b=d.normal("b k m"))


@case("axes of size 1 on either side: (b 1 n k) by (1 h k m)", b=(2, 3), h=(2, 4), gradient=False, draws=6)
def ones_on_both(d):
    return Call("matmul_backward", grad=d.normal("b h n m"), a=d.normal("b 1 n k"), b=d.normal("1 h k m"))


@case("five axes: (b h 2 n k) by (h 1 k m)", b=(2, 3), h=(2, 4), gradient=False, draws=3)
def five(d):
    return Call("matmul_backward", grad=d.normal("b h 2 n m"), a=d.normal("b h 2 n k"), b=d.normal("h 1 k m"))


@law("a small step along the gradients does not change y as they say: da or db is not the derivative of y = a b")
def first_order(learner, d):
    grad, a, b = d.normal("n m"), d.normal("n k"), d.normal("k m")
    step_a, step_b = d.normal("n k"), d.normal("k m")
    da, db = learner.matmul_backward(grad, a, b)
    change = (grad * (step_a @ b + a @ step_b)).sum()
    return near((da * step_a).sum() + (db * step_b).sum(), change, 1e-8)
