"""Modules and training: the lesson. `headway read training-basics` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Modules and training")

with app.setup:
    import copy
    import csv
    import functools
    import math

    import marimo as mo
    import matplotlib.pyplot as plt
    import torch
    import torch.nn.functional as F

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.learn.inked import BLUE, GREY, RUST, inked
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, result_of, story
    from headway.models.gpt2 import MLP
    from headway.train.losses import cross_entropy_by_hand
    from headway.train.optimisers import SGD, AdamW, adamw_by_hand
    from headway.train.schedules import attention_is_all_you_need, cosine

    torch.set_num_threads(1)  # everything here is small: two threads would only wait for each other
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    SENTENCE = "My name is Anna and I like to swim in cold water."
    OTHER = "But, soft! what light through yonder window breaks?"


@app.function
@functools.cache
def speaker():
    """The small network that writes Shakespeare, as it is everywhere in these lessons."""
    return zoo.load("shakespeare-char")


@app.function
def numbers_of(text: str) -> torch.Tensor:
    """A text as the network's characters, (1, t): without those it has never seen; the sentence above where too few are left."""
    known = "".join(letter for letter in text[:120] if is_known(letter))
    return torch.tensor([speaker().encode(known if len(known) >= 2 else SENTENCE)])


@app.function
def is_known(letter: str) -> bool:
    """Whether the network has this character."""
    try:
        return speaker().words.decode(speaker().encode(letter)) == letter
    except HeadwayError:
        return False


@app.function
def surprise_of(model, ids: torch.Tensor) -> torch.Tensor:
    """The loss: the mean surprise at each character after the first, in nats."""
    return F.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:])


@app.cell(hide_code=True)
def _():
    head(
        "training-basics",
        "The [[gradient]] says which way is down. How far should each of a million [[weight|weights]] go?",
    )
    return


@app.cell(hide_code=True)
def _():
    prose(rf"""
    You stand on a hillside in fog. Your foot feels which way is down, and not how far. Steps that are too
    short do not reach the valley before night. One that is too long ends on the other side, higher than before.

    A model is trained in the same fog. The [[loss]], one number that says how wrong it is, is your height. The [[weight|weights]] are
    where you stand. The [[backward pass]] gives the slope, one number for each weight, and says nothing of the length of a step.
    Here is the model of this lesson, which writes Shakespeare character by character. What is lit holds weights (what the boxes do
    comes in later lessons),
    {sum(p.numel() for p in speaker().model.parameters()):,} in all:
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.Html(look.diagram(speaker(), lit=("embed", "position", "mlp", "norm"), level="blocks").svg())
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    The first answer was one [[learning rate]] for all weights, found by trial. Later rules gave each weight a step length of its
    own; with that of Kingma and Ba ([[@adam|2014]]) nearly every [[Transformer]] has been trained since.

    ## Modules: where the weights live

    A [[module]] is weights and what is computed with them. Modules contain modules. This one stands in each block:
    """)
    return


@app.cell(hide_code=True)
def _():
    noted(
        MLP,
        {
            "class MLP(nn.Module)": "a module, so it can be part of a larger one",
            "self.up =": "a module in the module: a table of 160 × 640 weights",
            "self.down =": "and one of 640 × 160, back to the old width",
            "return": "what is done with them when the module is called",
        },
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    (`gelu` is a bent line: it lets through what is above 0 and nearly nothing below. [[dropout|`Dropout`]] acts in training only, so
    one tells the model: `model.train()`, and before measuring `model.eval()`.) `model.parameters()` goes through all modules inside modules and hands out their tables of weights. The [[optimiser]], which changes them, sees nothing else: tables, and for each a table of slopes.

    ## The loss: how surprised the model is by your words

    The model gives every possible next character a score, a [[logit]]. Suppose there are three, with scores 2, 1 and 0. The [[softmax]]
    makes shares of them: $e^2 = 7.39$, $e^1 = 2.72$, $e^0 = 1$, together 11.11, so 0.67, 0.24 and 0.09. If the first one really
    comes, the [[surprise]] is $-\log 0.67 = 0.41$; if the last, $-\log 0.09 = 2.41$. The mean over a text is the loss, the
    [[cross entropy]]. Type something of your own:
    """)
    return


@app.cell(hide_code=True)
def _():
    words = mo.ui.text(value=SENTENCE, label="your sentence", full_width=True, max_length=120)
    letters = mo.ui.anywidget(look.tokens(speaker(), SENTENCE).widget())
    mo.vstack([words, letters])
    return letters, words


@app.cell(hide_code=True)
def _(letters, words):
    sentence = numbers_of(words.value)
    letters.data = look.tokens(speaker(), speaker().words.decode(sentence[0].tolist())).packed()
    _lost = sorted({letter for letter in words.value if not is_known(letter)})
    mo.md(f"Left out, because the plays have no such character: {' '.join(_lost)}") if _lost else None
    return (sentence,)


@app.cell(hide_code=True)
def _(sentence):
    with torch.no_grad():
        _now = float(surprise_of(speaker().model, sentence))
    prose(f"""
    On your sentence the loss is **{_now:.2f}** [[nat|nats]]: as unsure as if {math.exp(_now):.1f} characters were equally likely each
    time. (The picture counts in [[bit|bits]]: 1 nat is 1.44 of them.) Before training all of its 76 were, and the loss was $\\log 76$ = {math.log(76):.2f}.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            Computed in two steps, softmax and then logarithm, this breaks: $e^{1000}$ is too large for any number format, and a share
            that rounds to 0 has no logarithm. Computed as the logarithm of the sum (`logsumexp`) less the score, with the largest score taken off
            first, it never does; scores of 1002, 1001 and 1000 are then 2, 1 and 0 again:

            $$-\log p_c = \log\textstyle\sum_j e^{l_j} - l_c$$
            """),
            after(
                "training-basics/loss",
                lambda: noted(
                    cross_entropy_by_hand,
                    {
                        "wide = logits": "16 bits would cost the loss its third digit",
                        "kept =": "padding is not asked for",
                        "log_p =": "no probability is ever computed",
                    },
                    only=("wide = logits", "return"),
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## The slopes: a million of them, and not two alike

    The backward pass, from the loss of *your* sentence, gives each weight its slope: how much the loss would change, per unit,
    if this weight alone were moved. The figure sorts them by size.
    """)
    return


@app.function
@functools.lru_cache(maxsize=16)
def slopes(ids: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Sizes of the loss's gradient for every weight of the network, by name."""
    model = speaker().model
    loss = surprise_of(model, torch.tensor([ids]))
    found = torch.autograd.grad(loss, list(model.parameters()))
    return {name: each.abs() for (name, _), each in zip(model.named_parameters(), found, strict=True)}


@app.cell(hide_code=True)
def _(sentence):
    _found = slopes(tuple(sentence[0].tolist()))
    _all = torch.cat([each.flatten() for each in _found.values()])
    _seen = _all[_all > 0].log10()
    fig_slopes, _axis = plt.subplots(figsize=(4.2, 2.1))
    _axis.hist(
        _seen.numpy(),
        bins=torch.linspace(-9, 0, 73).tolist(),
        color=BLUE,
        weights=torch.full_like(_seen, 100 / len(_all)),
    )
    _axis.set(xlim=(-8, 0), ylim=(0, 10), ylabel="% of all weights", xlabel="size of a weight's slope")
    _axis.set_xticks(range(-8, 1), [f"$10^{{{n}}}$" for n in range(-8, 1)])
    fig_slopes.tight_layout()
    _low, _high = (float(10 ** _seen.kthvalue(max(1, int(len(_seen) * share))).values) for share in (0.01, 0.99))
    mo.vstack(
        [
            inked("how many of the weights have a slope of which size", fig_slopes),
            prose(f"""
            Leave out the smallest and the largest hundredth: the largest slope is still **{_high / _low:,.0f} times** the smallest.
            Whatever one number you multiply all of them by, the step is far too long for some weights and next to nothing for others.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Two weights in a narrow valley

    The smallest case with that trouble has two weights, $a$ and $b$, and the loss $\frac12(100\,a^2 + b^2)$: a valley a hundred times
    steeper along $a$. Start at $a = b = 1$, where the slopes are 100 and 1. Plain [[gradient descent]] takes
    *learning rate times slope* off each weight:

    - rate 0.01: $a$ goes from 1 to $1 - 0.01\cdot100 = 0$ at once. $b$ goes to 0.99.
    - rate 0.02: $a$ goes to $-1$, to 1, to $-1$, for ever. $b$ needs 35 steps to get half way.
    - rate 0.021: $a$ goes to $-1.1$, $1.21$, $-1.33$: the walk flies apart.

    The steep direction sets the limit, and the flat one has to live with it. **Adam** keeps two running averages for each weight: $m$, of
    its slope $g$ ([[momentum]]), and $v$, of the slope's square. It steps along the one, divided by the root of the other:

    $$\begin{aligned} m &\leftarrow \beta_1 m + (1-\beta_1)\,g \\ v &\leftarrow \beta_2 v + (1-\beta_2)\,g^2 \\
    w &\leftarrow w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon} \end{aligned}$$

    $\eta$ is the learning rate; $\beta_1$ and $\beta_2$ say how slowly the averages forget; $\epsilon$ guards against dividing by 0; the
    hats come later. $\sqrt{\hat v}$ is the usual *size* of this weight's slopes.
    """)
    return


@app.cell(hide_code=True)
def _():
    first = Predict(
        "training-basics/first-move",
        "Same valley, same start: the slopes are 100 along $a$ and 1 along $b$. Adam takes its first step with a learning rate "
        "of 0.1, and both averages are just the slope and its square. How far do the two weights move?",
        choices=["both by 0.1", "a by 100 times as much as b", "a by 10 times as much as b"],
        answer="both by 0.1",
        wrong={
            "a by 100 times as much as b": "So it is in plain gradient descent; here each is divided by its own size.",
            "a by 10 times as much as b": "That would be a slope divided by the root of itself. It is divided by the root of its square.",
        },
        why="100/√100² = 1 and 1/√1² = 1: the size of the slope drops out, and the learning rate is left.",
    )
    first
    return (first,)


@app.cell(hide_code=True)
def _():
    valley_rate = mo.ui.slider(
        steps=[0.003, 0.01, 0.015, 0.019, 0.02, 0.021, 0.03, 0.05, 0.1, 0.2, 0.3],
        value=0.019,
        label="learning rate $\\eta$",
        show_value=True,
    )
    mo.hstack([valley_rate], justify="start")
    return (valley_rate,)


@app.function
@functools.lru_cache(maxsize=64)
def valley(rule: str, rate: float, steps: int = 30) -> list[tuple[float, float]]:
    """The walk of (b, a) down ½(100 a² + b²) from (1, 1)."""
    place = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    steep = torch.tensor([1.0, 100.0], dtype=torch.float64)
    optimiser = (
        SGD([place], lr=rate) if rule == "plain" else AdamW([place], lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
    )
    walk = [(1.0, 1.0)]
    for _ in range(steps):
        place.grad = steep * place.detach()
        optimiser.step()
        walk.append((float(place[0].detach()), float(place[1].detach())))
    return walk


@app.cell(hide_code=True)
def _(first, valley_rate):
    mo.stop(not first.revealed, first.waiting)
    figs_valley = []
    _b, _a = torch.meshgrid(torch.linspace(-1.3, 1.3, 80), torch.linspace(-1.6, 1.6, 80), indexing="xy")
    _told = []
    for _rule in ("plain", "Adam"):
        _fig, _axis = plt.subplots(figsize=(2.9, 2.6))
        _walk = valley(_rule, valley_rate.value)
        _axis.contour(
            _b, _a, (100 * _a**2 + _b**2) / 2, levels=[0.05, 0.3, 1, 5, 20, 60, 110], colors=GREY, linewidths=0.8
        )
        _axis.plot(
            *zip(*_walk, strict=True), "o-", color=BLUE if _rule == "plain" else RUST, markersize=2.5, linewidth=0.9
        )
        _axis.plot(0, 0, "k+", markersize=9)
        _axis.set(xlim=(-1.3, 1.3), ylim=(-1.6, 1.6), xlabel="b, flat", ylabel="a, steep", title=f"{_rule}, 30 steps")
        _height = (100 * _walk[-1][1] ** 2 + _walk[-1][0] ** 2) / 2
        _fig.tight_layout()
        figs_valley.append(_fig)
        _told.append(f"{_rule} ends at a loss of **{_height:.2g}**")
    mo.vstack(
        [
            first.reply,
            inked("the walk of plain descent, and that of Adam, through the valley", *figs_valley),
            mo.md(f"From 50.5 at the start, {' and '.join(_told)}."),
        ]
    )
    return


@app.cell(hide_code=True)
def _(first):
    mo.stop(not first.revealed)
    prose(r"""
    Plain descent jumps across the steep walls and creeps along the floor. Now move the rate from end to end: from 0.02 on plain
    descent fails. Adam sets off diagonally, as if both directions were equally steep; with 0.019 it does not get far in 30 steps, and with
    0.1 it ends lower than plain descent ever does. But near the floor its steps are still about one
    learning rate long, so it swings past. In the end the rate has to shrink.
    """)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Ten steps on your sentence

    The same two rules on all weights of the model above, with nothing to learn but your sentence. The second
    figure is the loss on a line of Shakespeare, from which nothing is learned here.
    """)
    return


@app.cell(hide_code=True)
def _():
    real_rate = mo.ui.slider(
        steps=[0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
        value=0.001,
        label="learning rate",
        show_value=True,
    )
    mo.hstack([real_rate], justify="start")
    return (real_rate,)


@app.function
@functools.lru_cache(maxsize=64)
def ten_steps(ids: tuple[int, ...], rule: str, rate: float, steps: int = 10) -> tuple[list[float], list[float]]:
    """The loss on a text that the network is trained on, before each step and after the last, and on a line of Shakespeare."""
    model = copy.deepcopy(speaker().model)
    mine, other = torch.tensor([ids]), torch.tensor([speaker().encode(OTHER)])
    optimiser = (
        SGD(model.parameters(), lr=rate) if rule == "plain" else AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    )
    here, there = [], []
    for n in range(steps + 1):
        loss = surprise_of(model, mine)
        here.append(float(loss.detach()))
        with torch.no_grad():
            there.append(float(surprise_of(model, other)))
        if n < steps:
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return here, there


@app.cell(hide_code=True)
def _(real_rate, sentence):
    _ids = tuple(sentence[0].tolist())
    figs_real, _told = [], []
    for _which, _title in enumerate(("your sentence", "Shakespeare")):
        _fig, _axis = plt.subplots(figsize=(2.9, 2.6))
        for _rule, _colour in (("plain", BLUE), ("Adam", RUST)):
            _losses = ten_steps(_ids, _rule, real_rate.value)[_which]
            _axis.plot(_losses, "o-", color=_colour, markersize=3, label=_rule)
            if not _which:
                _end = (
                    f"**{_losses[-1]:.2f}**"
                    if math.isfinite(_losses[-1])
                    else "something that is **no number** any more"
                )
                _told.append(f"{_rule} from {_losses[0]:.2f} to {_end}")
        _axis.axhline(math.log(76), color=GREY, linewidth=0.8)
        _axis.text(10, math.log(76) * 1.15, "knows nothing", fontsize=8, color=GREY, ha="right")
        _axis.set(xlim=(-0.3, 10.3), ylim=(0.003, 900), yscale="log", xlabel="steps", title=f"loss on {_title}")
        _axis.set_xticks(range(0, 11, 2))
        _axis.set_yticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
        _axis.legend(frameon=False, fontsize=8, loc="lower left")
        _fig.tight_layout()
        figs_real.append(_fig)
    mo.vstack(
        [
            inked("the loss after each step, for both rules, on your sentence and on Shakespeare", *figs_real),
            mo.md(f"After ten steps on your sentence: {', '.join(_told)}."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    Find the best rate for each rule. For most sentences it is near 0.1 for plain descent and near 0.001 for Adam: one is a factor on
    the slope, the other the length of a step. A few notches above it, either goes *up*. And watch the second
    figure: while your sentence is learned by heart, Shakespeare is forgotten. That is [[overfitting]], and why a part of every text is held out of training.

    ## The hats: correcting for a start at zero

    Both averages begin at 0, and are far too small at first. Take $\beta_1 = 0.9$, $\beta_2 = 0.999$ and a slope of 3. After one step
    $m = 0.1 \cdot 3 = 0.3$ and $v = 0.001 \cdot 9 = 0.009$, and the step would be $0.3/\sqrt{0.009} = 3.16$ learning rates long. Divide $m$
    by $1-\beta_1^t = 0.1$ and $v$ by $1-\beta_2^t = 0.001$, with $t$ the number of the step: $3/\sqrt9 = 1$. In the figure the slope stays the same.
    """)
    return


@app.cell(hide_code=True)
def _():
    beta1 = mo.ui.slider(steps=[0.0, 0.5, 0.9, 0.95, 0.99], value=0.9, label="$\\beta_1$", show_value=True)
    beta2 = mo.ui.slider(steps=[0.9, 0.95, 0.98, 0.99, 0.999], value=0.999, label="$\\beta_2$", show_value=True)
    mo.hstack([beta1, beta2], justify="start", gap=3)
    return beta1, beta2


@app.cell(hide_code=True)
def _(beta1, beta2):
    _steps = torch.arange(1, 101, dtype=torch.float64)
    # With a constant gradient the averages are g (1 - β₁ᵗ) and g² (1 - β₂ᵗ): corrected, the step is 1 · lr at all times.
    _uncorrected = (1 - beta1.value**_steps) / (1 - beta2.value**_steps).sqrt()
    fig_first, _axis = plt.subplots(figsize=(4.2, 2.2))
    _axis.plot(_steps, torch.ones(100), color=BLUE, label="corrected")
    _axis.plot(_steps, _uncorrected, color=RUST, label="not corrected")
    _axis.set(xlabel="step", ylabel="length / learning rate", ylim=(0.03, 40), yscale="log")
    _axis.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
    _axis.legend(frameon=False)
    fig_first.tight_layout()
    mo.vstack(
        [
            inked("the length of a step, corrected and not", fig_first),
            mo.md(
                f"Uncorrected, the first step is **{float(_uncorrected[0]):.2f}** and the longest **{float(_uncorrected.max()):.2f}** "
                "learning rates long."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            mo.accordion(
                {"Measured in a training: the claim `adam-bias-correction`": mo.md(result_of("adam-bias-correction"))}
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Weight decay: shrinking is not a slope

    Against overfitting every weight $w$ is pulled a little towards 0, by $\lambda w$. That can be added to the *slope*, before Adam sees it ([[L2]]), or taken straight off the *weight*. In plain gradient descent it makes no difference.
    """)
    return


@app.cell(hide_code=True)
def _():
    shrink = Predict(
        "training-basics/l2",
        "Two weights, one with slopes a hundred times larger than the other's. Adam, and λw is added to the slope. Which weight "
        "is pulled to 0 faster?",
        choices=["the one with small slopes", "the one with large slopes", "both alike"],
        answer="the one with small slopes",
        wrong={
            "the one with large slopes": "Its λw is the same as the other's, and is then divided by something larger.",
            "both alike": "So it is in plain descent. Adam divides each by the size of its own slopes, λw included.",
        },
        why="What is put into the slope is divided by its usual size: where slopes are large, little of the pull is left.",
    )
    shrink
    return (shrink,)


@app.function
@functools.lru_cache(maxsize=64)
def pulled(kind: str, size: float, decay: float, steps: int = 200) -> list[float]:
    """The mean of 64 weights that start at 1, whose slopes are noise of a given size: how AdamW, or Adam with L2, pulls them to 0."""
    noise = torch.Generator().manual_seed(0)
    weight = torch.nn.Parameter(torch.ones(64, dtype=torch.float64))
    optimiser = AdamW([weight], lr=0.02, weight_decay=decay if kind == "decay" else 0.0)
    path = []
    for _ in range(steps):
        weight.grad = torch.randn(64, generator=noise, dtype=torch.float64) * size
        if kind == "L2":
            weight.grad += decay * weight.detach()
        optimiser.step()
        path.append(float(weight.detach().mean()))
    return path


@app.cell(hide_code=True)
def _(shrink):
    mo.stop(not shrink.revealed, shrink.waiting)
    figs_decay = []
    for _kind in ("L2", "decay"):
        _fig, _axis = plt.subplots(figsize=(2.9, 2.4))
        for _size, _colour in ((0.1, BLUE), (10.0, RUST)):
            _axis.plot(pulled(_kind, _size, 0.1), color=_colour, label=f"slopes of size {_size:g}")
        _axis.set(
            title="put into the slope (L2)" if _kind == "L2" else "taken off the weight",
            xlabel="step",
            ylim=(-0.2, 1.2),
        )
        _axis.set_ylabel("mean weight")
        _axis.legend(frameon=False, fontsize=8, loc=(0.02, 0.08) if _kind == "decay" else (0.3, 0.52))
        _fig.tight_layout()
        figs_decay.append(_fig)
    mo.vstack([shrink.reply, inked("how weights shrink, with L2 and with decay", *figs_decay)])
    return


@app.cell(hide_code=True)
def _(shrink):
    mo.stop(not shrink.revealed)
    mo.vstack(
        [
            prose(r"""
            With L2, large slopes drown the pull: what moves the red line is noise. Taken off the weight, the pull is the same for both,
            and the lines lie on each other. That is the W in [[AdamW]] (Loshchilov and Hutter, [[@adamw|2017]]).
            """),
            mo.accordion(
                {
                    "Measured: the claim `l2-vs-decoupled`": mo.vstack(
                        [
                            prose(
                                "How the pull depends on the size of the slopes: −1 means *ten times the slopes, a tenth of the pull*, "
                                "and 0 *not at all*."
                            ),
                            mo.md(result_of("l2-vs-decoupled")),
                        ]
                    )
                }
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            after(
                "training-basics/adamw",
                lambda: noted(
                    adamw_by_hand,
                    {
                        "exp_avg = beta1": "m, the average of the slope",
                        "exp_avg_sq = beta2": "v, the average of its square",
                        "mean, square =": "the hats: both began at 0",
                        "weight = weight - lr": "decay from the weight itself, then Adam's step",
                    },
                    only=("beta1, beta2 =", "return"),
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## How fast, and when

    In the first steps $v$ rests on one or two slopes and is wrong by chance; [[@radam|Liu et al.]] give that as the reason for
    the [[warm-up]]. In the end, full steps only swing past the floor. The whole training of our model:
    """)
    return


@app.cell(hide_code=True)
def _():
    with open(zoo.house("shakespeare-char") / "metrics.csv", encoding="utf-8") as _file:
        _rows = list(csv.DictReader(_file))
    _steps = [int(row["step"]) for row in _rows]
    fig_life, _axis = plt.subplots(figsize=(2.9, 2.6))
    fig_rate, _other = plt.subplots(figsize=(2.9, 2.6))
    _axis.plot(_steps, [float(row["loss"]) for row in _rows], color=BLUE, linewidth=1, label="text it trains on")
    _held = [(int(row["step"]), float(row["held_out"])) for row in _rows if row["held_out"]]
    _axis.plot(*zip(*_held, strict=True), "o", color=RUST, markersize=4, label="held-out text")
    _axis.set(xlabel="step", title="loss in nats", ylim=(1, 4.6))
    _axis.legend(frameon=False, fontsize=7)
    _peak = max(float(row["lr"]) for row in _rows)
    _other.plot(_steps, [float(row["lr"]) / _peak for row in _rows], color=BLUE, label="this run: up, level, down")
    _other.plot(_steps, [cosine(n, steps=1200, warmup=50) for n in _steps], color=GREY, linewidth=1, label="cosine")
    _top = attention_is_all_you_need(50, width=160, warmup=50)
    _other.plot(
        _steps, [attention_is_all_you_need(n, width=160, warmup=50) / _top for n in _steps],
        color=RUST, linewidth=1, label="the one of 2017",
    )  # fmt: skip
    _other.set(xlabel="step", title="learning rate / its peak", ylim=(0, 1.45))
    _other.legend(frameon=False, fontsize=7, loc="upper right")
    fig_life.tight_layout()
    fig_rate.tight_layout()
    _start = next(n for n in _steps if n > 50 and float(_rows[_steps.index(n)]["lr"]) < _peak)
    mo.vstack(
        [
            inked("the loss and the learning rate over a whole training", fig_life, fig_rate),
            prose(f"""
            This [[schedule]] rises for 50 steps and falls from step {_start} on; beside it two others in use. *Cosine* is half a wave, ½ when
            half of what follows the warm-up is done. *The one of 2017* falls with the root: at four times the warm-up, here step 200,
            it is ½. The loss ended at {_held[-1][1]:.2f} on text never seen. (Muon, another rule, trained the inner tables.)
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## The loop

    A [[batch]], the loss, the slopes, [[clipping]], a step; and again. An example in the batch is a window of the text, and its
    targets are the same window one character on: of *My name* the input `My nam`, the targets `y name`. The slopes of a step are
    *added* to those that are there: set them to 0 before the next. The loop that trained this model (what has no note can be skipped;
    `world` is one process or many):
    """)
    return


@app.cell(hide_code=True)
def _():
    from headway.train.loop import Trainer  # here, for it takes a while, and nothing above needs it

    mo.vstack(
        [
            noted(
                Trainer.step,
                {
                    "batch = self.source.batch(": "the next examples: which ones follows from the step's number",
                    "for part in range": "a batch too large for the memory comes in parts",
                    "loss = self.loss(": "how wrong the model is on them",
                    ".backward()": "a slope for every weight, added to what is there",
                    "norm = self.updates.clip_gradients()": "all slopes as one vector, shortened if it is too long",
                    "if not (math.isfinite(loss)": "a loss that is no number stops the run at once",
                    "self.updates.step(p.step)": "rate, step, and then: forget the slopes",
                },
                only=("batch = self.source.batch(", "self.updates.step(p.step)"),
            ),
            prose("## What went wrong before, what goes wrong today"),
            story(
                "training-basics/loop",
                "The best weights were always the last ones",
                """
                A run overfits from its third [[epoch]] on, and that is fine: the weights of the best one are kept, `best =
                list(model.parameters())`. Measured again a week later, they are no better than the last ones. They *are* the last
                ones: the list holds the tables themselves, and the optimiser went on writing into them. Nothing in Python or PyTorch
                says that a copy was meant.
                """,
            ),
            story(
                "training-basics/sampler",
                "A held-out loss that was too good",
                """
                A text is cut into overlapping windows, the windows are shuffled, and a tenth is held out. The held-out loss is splendid
                and the model useless: nearly every held-out sentence stood in a neighbouring window, in training. Hold out the *end*
                of the text first, in one piece.
                """,
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("training-basics")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    foot("training-basics")
    return


if __name__ == "__main__":
    app.run()
