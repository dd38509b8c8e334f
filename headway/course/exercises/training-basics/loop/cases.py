"""What is asked of the training loop, and the answer it is held against."""

import torch

from headway.learn.cases import Call, Function, case, note

ORDER = 5
ENTRIES = ("train",)
SIZES = {"d": (2, 4), "h": (2, 4), "n": (2, 2), "epochs": (2, 3)}
# clip_grad_norm_ divides by the norm plus 1e-6; the losses here are so large that this is next to nothing.
TOLERANCE = 1e-6


def train(make_model, make_optimiser, loss, lr, batches, held_out, *, epochs, clip):
    model = make_model()
    optimiser = make_optimiser(model.parameters())
    losses, measured, best = [], [], []
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            optimiser.zero_grad()
            value = loss(model(x), y)
            value.backward()
            gradients = [p.grad for p in model.parameters()]
            norm = note("norm of all gradients together", torch.stack([g.norm() for g in gradients]).norm())
            factor = note("factor of the gradients", torch.clamp(clip / norm, max=1.0))
            for g in gradients:
                g *= factor
            losses.append(value.item())
            for group in optimiser.param_groups:
                group["lr"] = lr(len(losses))
            optimiser.step()
        model.eval()
        with torch.no_grad():
            total = sum(loss(model(x), y).item() * len(x) for x, y in held_out)
        measured.append(note("mean loss of the held-out data", total / sum(len(x) for x, _ in held_out)))
        if measured[-1] == min(measured) and measured.count(measured[-1]) == 1:
            best = [p.detach().clone() for p in model.parameters()]
    return losses, measured, best


MODEL = """lambda: [model for model in [torch.nn.Sequential(
    torch.nn.Linear(d, h, dtype=torch.float64), torch.nn.BatchNorm1d(h, dtype=torch.float64), torch.nn.Tanh(),
    torch.nn.Linear(h, 1, dtype=torch.float64))]
    if model.load_state_dict({"0.weight": first, "0.bias": shift, "3.weight": last, "3.bias": end}, strict=False)][0]"""

# As torch.optim.SGD with momentum; making one of those would import torch's compiler, which takes seconds.
OPTIMISER = """lambda parameters: type("SGD", (), {
    "__init__": lambda self, parameters: (
        setattr(self, "param_groups", [{"params": list(parameters), "lr": 2e-5}]),
        setattr(self, "means", [torch.zeros_like(p) for p in self.param_groups[0]["params"]])) and None,
    "zero_grad": lambda self, set_to_none=True: [setattr(p, "grad", None) for p in self.param_groups[0]["params"]] and None,
    "step": lambda self: [
        (m.mul_(0.8).add_(p.grad), p.data.sub_(m, alpha=self.param_groups[0]["lr"]))
        for p, m in zip(self.param_groups[0]["params"], self.means) if p.grad is not None] and None})(parameters)"""


# The same with two groups, as where biases are not to decay: every group has a learning rate of its own.
GROUPS = """lambda parameters: type("SGD", (), {
    "__init__": lambda self, parameters: (
        setattr(self, "param_groups", [{"params": parameters[0::2], "lr": 2e-5}, {"params": parameters[1::2], "lr": 3e-5}]),
        setattr(self, "means", [[torch.zeros_like(p) for p in g["params"]] for g in self.param_groups])) and None,
    "zero_grad": lambda self, set_to_none=True: [
        setattr(p, "grad", None) for g in self.param_groups for p in g["params"]] and None,
    "step": lambda self: [
        (m.mul_(0.8).add_(p.grad), p.data.sub_(m, alpha=g["lr"]))
        for g, means in zip(self.param_groups, self.means)
        for p, m in zip(g["params"], means) if p.grad is not None] and None})(list(parameters))"""


def data(d, count):
    """Batches of 4 with a smaller last one."""
    return [(d.normal(f"{size} d"), d.normal(str(size))) for size in [5] * (count - 1) + [3]]


LOSS = "lambda predicted, y: 1000 * (predicted.squeeze(-1) - y).square().mean()"
COARSE = f"lambda predicted, y: (lambda v: v + ((v / 500).round() * 500 - v).detach())(({LOSS})(predicted, y))"


# Losses that can be told from numbers when they come back: as long as one has its graph it is of a class of its own.
MARKED = f"""(lambda kind: lambda predicted, y: (
    lambda v: v.as_subclass(kind) if v.requires_grad else v)(({LOSS})(predicted, y))
)(
    type("a tensor that still holds its graph", (torch.Tensor,), {{
        "__module__": "exercise_loop",
        "detach": lambda self: self.as_subclass(torch.Tensor).detach(),
        "data": property(lambda self: self.as_subclass(torch.Tensor).detach())}}))"""


def training(d, clip, epochs=None, loss=LOSS, optimiser=OPTIMISER):
    return Call(
        "train",
        make_model=Function(
            MODEL, d=d.d, h=d.h, first=d.normal("h d"), shift=d.normal("h"), last=d.normal("1 h"), end=d.normal("1")
        ),
        make_optimiser=Function(optimiser),
        loss=Function(loss),
        lr=Function("lambda step: peak / (1 + 0.2 * step)", peak=d.number(1e-4, 2e-4)),
        batches=data(d, d.n),
        held_out=data(d, 2),
        epochs=epochs or d.epochs,
        clip=1000 * clip,
    )


@case("gradients that have to be clipped", gradient=False, float32=False, layouts=False, draws=2)
def clipped(d):
    return training(d, d.number(0.4, 0.9))


@case("a clip that is never reached", gradient=False, float32=False, layouts=False, draws=1, d=4, h=2, epochs=3)
def free(d):
    return training(d, 1000.0)


@case(
    "a held-out loss that goes up again", gradient=False, float32=False, layouts=False, draws=1, d=3, h=3, epochs=4, n=3
)
def rising(d):
    for _ in range(60):
        call = training(d, 1000.0)
        measured = train(**call.arguments)[1]
        if min(measured) < 0.99 * measured[-1] < 0.98 * max(measured):
            break
    return call


@case(
    "two epochs with the same held-out loss",
    gradient=False,
    float32=False,
    layouts=False,
    draws=1,
    d=3,
    h=3,
    epochs=4,
    n=3,
)
def tied(d):
    """Losses are rounded; the parameters of the two epochs are not the same."""
    for _ in range(60):
        call = training(d, 1000.0, loss=COARSE)
        measured = train(**call.arguments)[1]
        if measured.count(min(measured)) > 1:
            break
    return call


@case(
    "an optimiser with two groups of parameters",
    gradient=False,
    float32=False,
    layouts=False,
    draws=1,
    d=3,
    h=2,
    epochs=2,
)
def groups(d):
    return training(d, d.number(0.4, 0.9), optimiser=GROUPS)


@case(
    "a held-out loss that is least before the first step",
    gradient=False,
    float32=False,
    layouts=False,
    draws=1,
    d=2,
    h=2,
)
def best_untrained(d):
    """What is held out is what the new model says, so that its loss is 0 there: the best is still that of an epoch."""
    call = training(d, 1000.0)
    model = call.arguments["make_model"]().eval()
    with torch.no_grad():
        call.arguments["held_out"] = [(x, model(x).squeeze(-1)) for x, _ in call.arguments["held_out"]]
    return call


@case("losses that are to be numbers", gradient=False, float32=False, layouts=False, draws=1, d=2, h=3, epochs=2)
def marked(d):
    return training(d, 1000.0, loss=MARKED)


@case("a single epoch", gradient=False, float32=False, layouts=False, draws=1, d=2, h=4, epochs=1)
def single(d):
    return training(d, d.number(0.4, 0.9), epochs=1)
