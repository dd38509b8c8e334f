"""What is asked of undoing a broadcast, and the answer it is held against."""

from headway.learn.cases import Call, case, law, near, note

ORDER = 1
ENTRIES = ("sum_to",)
SIZES = {"b": (1, 3), "t": (2, 5), "d": (2, 6)}
NOTED = {
    "sum_to_size": "you call PyTorch's own sum_to_size. Right, and now you know its name; write the sums once by hand as well.",
}


def sum_to(grad, shape):
    new = grad.dim() - len(shape)
    axes = [i for i in range(grad.dim()) if i < new or shape[i - new] == 1]
    axes = note("list of the axes to sum over", axes)
    return (grad.sum(axes) if axes else grad).reshape(shape)


@case("axes that are missing on the left: (d) was stretched to (b t d)")
def bias(d):
    return Call("sum_to", grad=d.normal("b t d"), shape=(d.d,))


@case("an axis of size 1 in the middle: (b 1 d) was stretched to (b t d)")
def middle(d):
    return Call("sum_to", grad=d.normal("b t d"), shape=(d.b, 1, d.d))


@case("an axis of size 1 at the end: (t 1) was stretched to (b t d)")
def end(d):
    return Call("sum_to", grad=d.normal("b t d"), shape=(d.t, 1))


@case("everything: () or (1 1 1) was stretched")
def everything(d):
    return Call("sum_to", grad=d.normal("b t d"), shape=d.choice([(), (1,), (1, 1), (1, 1, 1)]))


@case("an axis that is missing, the others kept: (t d) was stretched to (b t d)", b=(2, 3), draws=6)
def one_missing(d):
    return Call("sum_to", grad=d.normal("b t d"), shape=(d.t, d.d))


@case("five axes: (t 1 d) was stretched to (b 2 t 3 d)", draws=4)
def five(d):
    return Call("sum_to", grad=d.normal("b 2 t 3 d"), shape=(d.t, 1, d.d))


@case("three axes missing: (d) was stretched to (b 2 t d)", draws=4)
def three_missing(d):
    return Call("sum_to", grad=d.normal("b 2 t d"), shape=(d.d,))


@case("an axis of size 0: (0 1) was stretched to (b 0 d)", draws=2)
def no_numbers(d):
    return Call("sum_to", grad=d.normal("b 0 d"), shape=(0, 1))


@case("whole numbers", gradient=False, float32=False, draws=4)
def whole_numbers(d):
    return Call("sum_to", grad=d.integers("b t d", -9, 10), shape=d.choice([(d.d,), (d.b, 1, d.d), (d.t, 1)]))


@case("nothing: the shapes are the same", b=(2, 4), draws=5)
def nothing(d):
    return Call("sum_to", grad=d.normal("b t d"), shape=(d.b, d.t, d.d))


@case("sizes that repeat: (d) and (d 1) to (d d d)", d=(2, 4), draws=8)
def square(d):
    return Call("sum_to", grad=d.normal("d d d"), shape=d.choice([(d.d,), (d.d, 1), (1, d.d), (d.d, 1, d.d)]))


@law("the sum of all numbers changes: a broadcast backwards adds numbers up and loses none")
def nothing_lost(learner, d):
    grad = d.normal("b t d")
    return all(near(learner.sum_to(grad, s).sum(), grad.sum()) for s in ((d.d,), (d.t, 1), (d.b, 1, 1), ()))
