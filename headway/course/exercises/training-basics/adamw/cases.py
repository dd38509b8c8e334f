"""What is asked of AdamW, and the answer it is held against."""

import torch

from headway.learn.cases import Call, case, law, near, note

ORDER = 4
ENTRIES = ("adamw",)
RETURNS = {"adamw": "p q, p q, p q"}
SIZES = {"p": (1, 4), "q": (1, 5)}
FORBIDDEN = {
    **dict.fromkeys(("AdamW", "adamw", "_fused_adamw_", "_single_tensor_adamw"), "it is the whole exercise"),
    **dict.fromkeys(("Adam", "adam", "_fused_adam_", "_single_tensor_adam"), "it is most of the exercise"),
}


def adamw(weight, grad, exp_avg, exp_avg_sq, step, *, lr, betas, eps, weight_decay):
    beta1, beta2 = betas
    exp_avg = note("running mean of the gradient, m", beta1 * exp_avg + (1 - beta1) * grad)
    exp_avg_sq = note("running mean of the squared gradient, v", beta2 * exp_avg_sq + (1 - beta2) * grad**2)
    mean = note("m, corrected", exp_avg / (1 - beta1**step))
    square = note("v, corrected", exp_avg_sq / (1 - beta2**step))
    root = note("root of v", square.sqrt())
    change = note("change by the gradient, m over the root of v", mean / (root + eps))
    weight = weight - note("decay", lr * weight_decay * weight) - lr * change
    return weight, exp_avg, exp_avg_sq


def step_of(d, step, **changed):
    first = step == 1
    settings = {
        "lr": d.number(0.01, 0.3),
        "betas": (d.number(0.7, 0.95), d.number(0.96, 0.995)),
        "eps": 1e-8,
        "weight_decay": 0.0,
        **changed,
    }
    return Call(
        "adamw",
        weight=d.normal("p q"),
        grad=d.normal("p q"),
        exp_avg=d.keep(torch.zeros(d.shape("p q"), dtype=torch.float64), "p q") if first else d.normal("p q"),
        exp_avg_sq=d.keep(torch.zeros(d.shape("p q"), dtype=torch.float64), "p q")
        if first
        else d.uniform("p q", 0.2, 2.0),
        step=step,
        **settings,
    )


@case("the first step", gradient=False, draws=6)
def first(d):
    return step_of(d, 1)


@case("a later step", gradient=False, draws=7)
def later(d):
    return step_of(d, d.integer(2, 12))


@case("with weight decay", gradient=False, draws=7)
def decay(d):
    return step_of(d, d.integer(2, 12), weight_decay=d.number(0.1, 0.6))


@case("an eps that matters", gradient=False, draws=6)
def own_eps(d):
    return step_of(d, d.integer(2, 12), eps=d.number(0.1, 0.8))


def shaped(d, axes, step, **changed):
    """As `step_of`, for a tensor of other axes."""
    made = {"weight": d.normal(axes), "grad": d.normal(axes), "exp_avg": d.normal(axes)}
    settings = {**step_of(d, step, **changed).arguments, **made, "exp_avg_sq": d.uniform(axes, 0.2, 2.0)}
    return Call("adamw", **settings)


@case("a vector, with weight decay", gradient=False, draws=5)
def vector(d):
    return shaped(d, "q", d.integer(2, 12), weight_decay=d.number(0.1, 0.6))


@case("a number, and four axes, with weight decay", gradient=False, draws=4)
def other_axes(d):
    return shaped(d, "" if d.q % 2 else "p q 2 q", d.integer(2, 12), weight_decay=d.number(0.1, 0.6))


@case("a step late in the run", gradient=False, draws=5)
def late(d):
    return step_of(d, d.integer(150, 3000), betas=(0.9, 0.9995), weight_decay=d.number(0.0, 0.3))


@case("large gradients", gradient=False, draws=4)
def large(d):
    call = step_of(d, d.integer(2, 12))
    return Call("adamw", **{**call.arguments, "grad": d.normal("p q", std=1e4), "exp_avg": d.normal("p q", std=1e4)})


@case("gradients as small as eps, from the first step on", gradient=False, draws=5)
def small(d):
    """sqrt(v) is of the size of eps here, so that the place of eps and its size show."""
    first = step_of(d, 1, eps=1e-8)
    return Call("adamw", **{**first.arguments, "grad": d.normal("p q", std=1e-8)})


@case("an eps of 1e-10, and small gradients", gradient=False, draws=4)
def smaller_eps(d):
    first = step_of(d, 1, eps=1e-10)
    return Call("adamw", **{**first.arguments, "grad": d.normal("p q", std=1e-9)})


@case("the first step, with a gradient of 0", gradient=False, draws=3)
def nothing(d):
    first = step_of(d, 1, weight_decay=d.choice([0.0, 0.2]))
    return Call("adamw", **{**first.arguments, "grad": d.keep(torch.zeros(d.p, d.q, dtype=torch.float64), "p q")})


@case("a gradient of 0 and weight decay", gradient=False, draws=5)
def still(d):
    call = step_of(d, d.integer(2, 12), weight_decay=d.number(0.1, 0.6))
    zero = d.keep(torch.zeros(d.shape("p q"), dtype=torch.float64), "p q")
    return Call("adamw", **{**call.arguments, "grad": zero})


@law("the first step is not lr long: with m and v corrected it is lr · g / |g|, whatever the size of the gradient")
def first_length(learner, d):
    zero = torch.zeros(d.shape("p q"), dtype=torch.float64)
    weight, grad = d.normal("p q"), 1000 * d.normal("p q")
    new = learner.adamw(weight, grad, zero, zero, 1, lr=0.1, betas=(0.9, 0.999), eps=1e-12, weight_decay=0.0)[0]
    return near(weight - new, 0.1 * grad.sign(), 1e-6)
