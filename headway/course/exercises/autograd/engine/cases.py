"""What is asked of the engine, and the answer it is held against: PyTorch's own."""

import torch

from headway.learn.cases import Call, Function, case, law, near

ORDER = 7
ENTRIES = ("derivatives",)
SIZES = {"n": (1, 8)}
FORBIDDEN = dict.fromkeys(
    ("torch", "jax", "autograd", "vjp", "jvp", "requires_grad_", "tensor"),
    "the engine is to be written in plain Python",
)


def derivatives(f, numbers):
    values = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers]
    result = f(*values)
    gradients = torch.autograd.grad(result, values, allow_unused=True)
    return result.item(), [0.0 if g is None else g.item() for g in gradients]


def numbers(d, count, low=-1.5, high=1.5):
    return [d.number(low, high) for _ in range(count)]


@case("a sum and a product", draws=8)
def plain(d):
    return Call("derivatives", f=Function("lambda a, b, c: a * b + c"), numbers=numbers(d, 3))


@case("a value used twice", draws=8)
def twice(d):
    source = d.choice(
        ["lambda a: a + a", "lambda a: a * a", "lambda a, b: a * b + a", "lambda a, b: (a + b) * (a * b)"]
    )
    return Call("derivatives", f=Function(source), numbers=numbers(d, source.partition(":")[0].count(",") + 1))


@case("plain numbers on the right and on the left", draws=10)
def plain_numbers(d):
    source = d.choice(
        ["lambda a: a * 3 + 2", "lambda a: 3 * a", "lambda a: 2 + a", "lambda a: 1 - a", "lambda a: 2 / a"]
    )
    return Call("derivatives", f=Function(source), numbers=numbers(d, 1, 0.5, 1.5))


@case("powers", draws=10)
def powers(d):
    source = d.choice(["lambda a: a**3", "lambda a: a**0.5", "lambda a, b: a / b", "lambda a: (a * a + 1) ** -1.5"])
    return Call(
        "derivatives", f=Function(source), numbers=numbers(d, source.partition(":")[0].count(",") + 1, 0.4, 2.0)
    )


@case("exp", draws=6)
def exponential(d):
    return Call("derivatives", f=Function("lambda a, b: (a * b).exp() * a"), numbers=numbers(d, 2))


@case("tanh", draws=6)
def hyperbolic(d):
    return Call("derivatives", f=Function("lambda a, b: (a + b).tanh() * 2"), numbers=numbers(d, 2))


@case("an intermediate value used at two depths", draws=10)
def diamond(d):
    source = d.choice(
        [
            "lambda a, b: (lambda c: (lambda e: e * c)(c + a))(a * b)",
            "lambda a, b: (lambda c: c.tanh() * a + c * c)(a + b)",
            "lambda a, b: (lambda c: (lambda e: e.tanh() + c * e)(c * b))(a.exp())",
            "lambda a, b: (lambda c: (c + b.tanh()) * c)(a * a)",
        ]
    )
    return Call("derivatives", f=Function(source), numbers=numbers(d, 2))


@case("different values that are equal numbers", draws=6)
def equal_numbers(d):
    x = d.number(0.5, 1.5)
    return Call("derivatives", f=Function("lambda a, b, c: (a * b).tanh() + (b * c) * (a + c)"), numbers=[x, x, x])


@case("plain numbers in every place", draws=4)
def every_place(d):
    source = "lambda a, b, c, e, g, h: (a * 3 + 2) + 3 * b + (2 + c) + (1 - e) * 2 + 2 / g + h / 4 - 0.5"
    return Call("derivatives", f=Function(source), numbers=numbers(d, 6, 0.5, 1.5))


@case("every kind of power", draws=4)
def every_power(d):
    source = "lambda a, b, c, e, g, h: a**2 + 2 * b**3 + c**0.5 + e**-1 + g**-2 + 3 * h**1 + (a + 2) ** 0"
    return Call("derivatives", f=Function(source), numbers=numbers(d, 6, 0.4, 2.0))


@case("powers of negative numbers, and of 0", draws=4)
def negative(d):
    source = "lambda a, b, c, e, g: a**2 + 2 * b**3 + c**-1 + e**-2 + g**2 + 3 * g**1 + g**3"
    return Call("derivatives", f=Function(source), numbers=[*numbers(d, 4, -2.0, -0.4), 0.0])


@case("large numbers and small ones", draws=4)
def large(d):
    """tanh where it is 1 and flat, but exp(2x) is still a number: its formula is right. A large exp, and a small one."""
    source = (
        "lambda a, b, c: a.tanh() + b.tanh() + (a * 10).tanh() + (b * 10).tanh() "
        "+ c.exp() + (c * -1).exp() * 1e9 + c * c * 1e6"
    )
    return Call("derivatives", f=Function(source), numbers=[d.number(20, 30), d.number(-30, -20), d.number(12, 20)])


@case("one operand on both sides", draws=4)
def both_sides(d):
    source = "lambda a, b: a * a + (b + b) * 3 + (lambda c: c * c * c + (c + c))(a * b) - (a - a * 2)"
    return Call("derivatives", f=Function(source), numbers=numbers(d, 2, 0.4, 1.5))


@case("an input that is not used, and a result that is an input", draws=4)
def unused(d):
    source = d.choice(["lambda a, b: a * 2", "lambda a, b: b", "lambda a, b: a"])
    return Call("derivatives", f=Function(source), numbers=numbers(d, 2))


def random_source(d, count):
    """An expression with names for intermediate values, each used any number of times."""
    names, steps = ["a", "b"], []
    for n in range(count):
        x, y = d.random.choice(names), d.random.choice(names)
        form = d.random.choice(
            ["{x} * {y}", "{x} + {y}", "{x}.tanh()", "({x} * 0.3).exp()", "{x} - 2 * {y}", "({x} * {x} + 1) ** -1"]
        )
        steps.append((f"v{n}", form.format(x=x, y=y)))
        names.append(f"v{n}")
    source = " + ".join([*d.random.sample(names, min(3, len(names))), names[-1]])
    for name, form in reversed(steps):
        source = f"(lambda {name}: {source})({form})"
    return f"lambda a, b: {source}"


@case("any expression", n=(2, 10), draws=14, tolerance=1e-8)
def anything(d):
    return Call("derivatives", f=Function(random_source(d, d.n)), numbers=numbers(d, 2, -1.0, 1.0))


@case("a chain of 5,000 values", n=5000, draws=1)
def deep(d):
    source = f"lambda a: __import__('functools').reduce(lambda y, _: y + a, range({d.n}), a)"
    return Call("derivatives", f=Function(source), numbers=numbers(d, 1))


@law(
    "the gradient is handed on once for every way through the graph, of which there are a million millions here",
    costly=True,
    draws=1,
)
def every_way(learner, d):
    source = "lambda a: __import__('functools').reduce(lambda y, _: (y + y) * 0.5, range(40), a)"
    value, (slope,) = learner.derivatives(Function(source), [0.75])
    return near(value, 0.75) and near(slope, 1.0)


@law(
    "f is called more than once: derivatives by small steps, real or complex, need a call for every number; the engine calls "
    "f once, and one backward gives them all"
)
def one_call(learner, d):
    """This f fails when it is called again, and does nothing else that is new: it is the calls that are looked at."""
    values = numbers(d, 2, 0.4, 1.5)
    learner.derivatives(Function("lambda a, b: a * b"), values)
    counting = Function(
        "(lambda calls: lambda a, b: (calls.append(1), a * b if len(calls) == 1 else calls[99])[1])([])"
    )
    try:
        learner.derivatives(counting, values)
    except Exception:  # whatever the judge makes of an error in the learner's process
        return False
    return True


@law(
    "after backward a value in the middle of the graph has no `grad`, or a wrong one: every value that the result was computed "
    "from gets its own, not the inputs alone"
)
def middle(learner, d):
    """This f calls backward itself, and hands out the gradient of one of its intermediate values as its result."""
    source = "lambda a, b: (lambda c: (lambda e: (e.backward(), a * 0 + c.grad)[1])(c * b))(a + b)"
    x, y = numbers(d, 2, 0.3, 1.5)
    return near(learner.derivatives(Function(source), [x, y])[0], y)


@law("the derivatives are not those of small steps")
def finite_differences(learner, d):
    f, (a, b) = Function(random_source(d, 4)), numbers(d, 2, -1.0, 1.0)
    eps = 1e-5
    _, (slope, _) = learner.derivatives(f, [a, b])
    above, below = (learner.derivatives(f, [a + e, b])[0] for e in (eps, -eps))
    return near(slope, (above - below) / (2 * eps), 1e-6)
