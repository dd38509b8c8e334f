"""What is asked of Chinchilla's arithmetic, and the answer it is held against."""

from headway.learn.cases import Call, case, law, note

ORDER = 3
ENTRIES = ("flops", "at_ratio", "best", "days")
RETURNS = {}
SIZES = {"millions": (1, 70000), "billions": (1, 1400)}
TOLERANCE = 1e-6


def flops(n, d):
    return 6 * n * d


def at_ratio(c, ratio=20.0):
    n = note("number of parameters", (c / (6 * ratio)) ** 0.5)
    return n, ratio * n


def best(c, *, a, b, amount_a, amount_b):
    # With d = c / 6n, the derivative of the loss by log n is -a A n^-a + b B d^-b. It is 0 where n^(a+b) = (a A / b B) (c/6)^b.
    n = note("number of parameters", ((a * amount_a) / (b * amount_b) * (c / 6) ** b) ** (1 / (a + b)))
    return n, c / (6 * n)


def days(n, d, *, devices, peak, used):
    seconds = note("operations", 6 * n * d) / note("operations in a second", devices * peak * used)
    return note("seconds", seconds) / 86400


def plain(name, draws):
    return case(name, gradient=False, float32=False, layouts=False, draws=draws)


@plain("the FLOPs of a training", 6)
def training(d):
    return Call("flops", n=d.millions * 1e6, d=d.billions * 1e9)


@plain("20 tokens for each parameter", 6)
def twenty(d):
    return Call("at_ratio", c=d.number(1e18, 1e22))


@plain("another ratio", 6)
def other_ratio(d):
    return Call("at_ratio", c=d.number(1e18, 1e22), ratio=d.number(1.5, 200.0))


def fitted(d, **changed):
    constants = {
        "a": d.number(0.28, 0.4),
        "b": d.number(0.2, 0.27),
        "amount_a": d.number(200, 500),
        "amount_b": d.number(550, 2200),
        "c": d.number(1e18, 1e24),
    }
    return Call("best", **{**constants, **changed})


@plain("the best model for a budget", 8)
def optimum(d):
    return fitted(d)


@plain("the best model, equal exponents", 5)
def symmetric(d):
    return fitted(d, a=0.3, b=0.3)


@plain("a budget of a desktop, 1e9 to 1e15 FLOPs", 5)
def small_budget(d):
    return fitted(d, c=10 ** d.number(9, 15))


@plain("a budget nobody has, 1e27 to 1e30 FLOPs", 4)
def large_budget(d):
    return fitted(d, c=10 ** d.number(27, 30))


@plain("the tokens are what counts: a steep law for the parameters, or for the tokens", 4)
def steep(d):
    a, b = d.choice([(0.9, 0.1), (0.1, 0.9)])
    return fitted(d, a=a, b=b, amount_a=d.number(1, 5), amount_b=d.number(1, 5))


@plain("small budgets at a ratio", 4)
def small_ratio(d):
    return Call("at_ratio", c=d.number(1e6, 1e9), ratio=d.number(5.0, 40.0))


@plain("fewer tokens than parameters", 4)
def below_one(d):
    return Call("at_ratio", c=d.number(1e18, 1e22), ratio=d.number(0.05, 0.9))


@plain("a small training on one device, at nearly its peak", 4)
def quick(d):
    used = d.number(0.7, 0.95)
    return Call("days", n=d.millions * 10.0, d=d.billions * 1e3, devices=d.choice([1, 3, 7]), peak=1e13, used=used)


@plain("numbers that are not whole", 3)
def fractions(d):
    return Call("flops", n=d.number(0.2, 9.9), d=d.number(0.2, 9.9))


@plain("how long it takes", 6)
def duration(d):
    return Call(
        "days",
        n=d.millions * 1e6,
        d=d.billions * 1e9,
        devices=d.integer(2, 2048),
        peak=d.number(1e14, 1e15),
        used=d.number(0.2, 0.6),
    )


def loss(n, d, a, b, amount_a, amount_b):
    return amount_a / n**a + amount_b / d**b


@law("the model and the tokens do not cost c: 6 n d is another number")
def spent(learner, d):
    c = d.number(1e18, 1e22)
    n, tokens = learner.at_ratio(c)
    m, others = learner.best(c, a=0.34, b=0.28, amount_a=406.4, amount_b=410.7)
    return abs(6 * n * tokens / c - 1) < 1e-9 and abs(6 * m * others / c - 1) < 1e-6


@law("a model a little larger or smaller, at the same cost, has the lower loss")
def least(learner, d):
    c, constants = d.number(1e19, 1e23), {"a": 0.34, "b": 0.28, "amount_a": 406.4, "amount_b": 410.7}
    n, tokens = learner.best(c, **constants)
    here = loss(n, tokens, **constants)
    return here < min(loss(n * f, tokens / f, **constants) for f in (0.98, 1.02))
