"""Autograd: the lesson. `headway read autograd` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Autograd")

with app.setup:
    import copy
    import functools
    import html
    import math
    import time

    import marimo as mo
    import torch
    import torch.nn.functional as F

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.blocks.backward import matmul_backward, softmax_backward
    from headway.blocks.scalar_engine import Value, topological
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, result_of, story

    LINE = "To be, or not to be, that is the question"
    """What the model reads until the reader writes something."""
    STEPS = tuple(10.0**-n for n in range(1, 14))
    """The nudges of the figure, from a tenth down."""
    STYLE = """<style>
    .ag{display:block;margin:0 auto;width:100%;font-family:system-ui,sans-serif}.ag text{fill:currentColor;font-size:14px}
    .ag .q{opacity:.72;font-size:12px}.ag .g{fill:light-dark(#a8460f,#f2a36b);font-weight:600}
    .ag rect.n{fill:color-mix(in srgb,currentColor 5%,transparent);stroke:currentColor;stroke-opacity:.4}
    .ag .on rect.n{stroke:light-dark(#a8460f,#f2a36b);stroke-width:2.2;stroke-opacity:1}
    .ag .e{stroke:currentColor;stroke-opacity:.45;stroke-width:1.3;fill:none}
    .ag .on.e,.ag .on .e{stroke:light-dark(#a8460f,#f2a36b);stroke-opacity:1;stroke-width:2.4}
    .ag .blue{fill:light-dark(#2f6fc4,#7fb2ef)}.ag .warm{fill:light-dark(#b5532a,#f2a36b)}
    .ag .line{stroke:light-dark(#2f6fc4,#7fb2ef);stroke-width:2;fill:none}.ag .axis{stroke:currentColor;stroke-opacity:.35}
    .ag-row{display:flex;flex-wrap:wrap;gap:.5rem 2rem;justify-content:center}.ag-row>*{flex:0 1 320px}
    .ag-told{min-height:5em;max-width:37rem;margin:.5rem auto 0;font-size:1.0625rem;line-height:1.6}
    </style>"""


@app.cell(hide_code=True)
def _():
    head(
        "autograd",
        "A model has a million [[weight|weights]], and one number says how wrong it was. Which way should each weight move?",
    )
    return


@app.function
@functools.cache
def small():
    """The model of this page, which comes with Headway: it guesses the next character of a play."""
    return zoo.load("shakespeare-char", progress=False)


@app.function
@functools.cache
def exact():
    """The same model with numbers of double length."""
    return copy.deepcopy(small().model).double().requires_grad_(True)


@app.function
def characters(text: str) -> tuple[str, str]:
    """What of `text` the model can read, at most 100 characters, and a line on what was left out."""
    kept = ""
    for sign in text[:100]:
        try:
            small().encode(sign)
        except HeadwayError:
            continue
        kept += sign
    if len(kept) < 2:
        return LINE, "It takes two characters at least: here is a line of Shakespeare's."
    return (
        kept,
        "" if kept == text else "Some signs were left out: the model knows 76 characters, and 100 are enough here.",
    )


@app.function
def wrongness(model, ids):
    """The loss: the mean surprise of the model at each character after the first."""
    return F.cross_entropy(model(ids[None, :-1])[0], ids[1:])


@app.function
def letters(text: str):
    """The numbers of a text's characters."""
    return torch.tensor(small().encode(text))


@app.cell(hide_code=True)
def _():
    _weights = sum(each.numel() for each in small().model.parameters())
    mo.vstack(
        [
            prose(rf"""
            Here is a small [[Transformer]] that comes with Headway. It reads a line of a play, character by character, and
            guesses the next one. Every box that is lit holds weights: numbers to multiply and add with, {_weights:,} in all.
            """),
            mo.Html(
                look.diagram(
                    small(), lit=("embed", "position", "attention", "mlp", "norm", "head"), level="blocks"
                ).svg()
            ),
            prose(r"""
            Numbers run down the arrows. At the end stands a score for each possible next character (the [[logit|logits]]), and
            from these and the true one comes a single number, the [[loss]]: large where the model was wrong.

            To train is to ask of every weight: *if you were a tiny bit larger, how much would the loss change?* The answer is a
            [[derivative]]. Say it is 3: a weight larger by 0.001 makes the loss larger by 0.003, so this weight should go *down*.
            All the answers together are the [[gradient]].

            The plain way is to try: nudge one weight, run the model again, look. One run per weight. Write a line, and see what that
            would cost on this computer.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    line = mo.ui.text(value=LINE, label="your line", full_width=True, max_length=100)
    mo.hstack([line], widths=[1])
    return (line,)


@app.cell(hide_code=True)
def _(line):
    text, _left_out = characters(line.value)
    _ids = letters(text)
    _model = small().model

    def _seconds(back: bool) -> float:
        found = []
        for _ in range(3):
            began = time.perf_counter()
            if back:
                torch.autograd.grad(wrongness(_model, _ids), list(_model.parameters()))
            else:
                with torch.no_grad():
                    wrongness(_model, _ids)
            found.append(time.perf_counter() - began)
        return min(found)

    _once, _both = _seconds(False), _seconds(True)
    _count = sum(each.numel() for each in _model.parameters())
    with torch.no_grad():
        _loss = float(wrongness(_model, _ids))
    prose(
        f"""
    The loss on your line is **{_loss:.3f}** [[nat|nats]]. {_left_out}

    | | on this computer, just now |
    |---|---|
    | one run of the model | {_once * 1000:.1f} ms |
    | nudging all {_count:,} weights, one run each | **{_once * _count / 3600:.1f} hours** |
    | all {_count:,} derivatives by a backward pass, the run included | **{_both * 1000:.1f} ms** |
    """
    )
    return (text,)


@app.cell(hide_code=True)
def _():
    prose(r"""
    And training takes thousands of such gradients. The other way was formulas on paper, anew for each network. The way out was
    written down by Seppo Linnainmaa in 1970, and made the way to train networks by Rumelhart, Hinton and Williams in
    1986: *backpropagation*. It works for every program that is made of steps with derivatives and ends in one number
    ([[@autodiff-survey|a survey]]). PyTorch does it at `loss.backward()`.

    ## Four numbers by hand

    Every computation is made of small steps, and for each this is known:

    | step | one input grows by a tiny bit: the result grows by |
    |---|---|
    | $x + y$ | the same bit, times **1** |
    | $x \cdot y$ | the bit times **y**, the *other* factor |
    | $x^2$ | the bit times **2x** |

    Steps that follow each other multiply: if the loss grows 2 times as fast as $y$, and $y$ 4 times as fast as $x$, then
    the loss grows 8 times as fast as $x$. That is the [[chain rule]].

    Take $L = (a\,b + c)^2 + a$ with $a = 2$, $b = -1$, $c = 0.5$. Forward: $a\,b = -2$, plus $c$ is $-1.5$, squared $2.25$,
    plus $a$ is $4.25$. Now go back, from the end:

    - $L$ grows as fast as itself: **1**. The last sum hands this 1 to the square and to $a$.
    - The square hands on $2 \cdot (-1.5) \cdot 1 = -3$; the sum before it gives this $-3$ to $a\,b$ and to $c$.
    - The product hands $-3 \cdot a = -6$ to $b$, and $-3 \cdot b = 3$ to $a$.
    """)
    return


@app.cell(hide_code=True)
def _():
    guess_twice = Predict(
        "autograd/used-twice",
        "So $a$, which is used twice, has been handed **1** by the last sum and **3** by the product. What is the derivative of "
        "$L$ with respect to $a$?",
        choices=["3 + 1 = 4", "3, which came last", "3 · 1 = 3", "(3 + 1) / 2 = 2"],
        answer="3 + 1 = 4",
        wrong={
            "3, which came last": "Then $L$ would not notice that $a$ is also added at the end.",
            "3 · 1 = 3": "Factors multiply along *one* way, step after step. These are two ways beside each other.",
            "(3 + 1) / 2 = 2": "Each way makes its full change to $L$; neither is halved because there is another.",
        },
        why="A nudge of $a$ changes $L$ by both ways at once, and the two changes add up.",
    )
    guess_twice
    return (guess_twice,)


@app.cell(hide_code=True)
def _():
    a = mo.ui.slider(-3.0, 3.0, value=2.0, step=0.5, label="a", show_value=True)
    b = mo.ui.slider(-3.0, 3.0, value=-1.0, step=0.5, label="b", show_value=True)
    c = mo.ui.slider(-3.0, 3.0, value=0.5, step=0.5, label="c", show_value=True)
    back = mo.ui.slider(0, 5, value=0, step=1, label="steps back", show_value=True)
    mo.vstack(
        [
            prose("Step back through it yourself. Orange is what has been handed on so far."),
            mo.hstack([a, b], justify="start"),
            mo.hstack([c, back], justify="start"),
        ]
    )
    return a, b, back, c


@app.function
def short(x: float) -> str:
    """A number as it is written by hand."""
    return f"{x + 0.0:g}".replace("-", "−")


@app.function
def expression(a, b, c):
    """The expression of the lesson step by step, for numbers and for `Value`s alike."""
    product = a * b
    total = product + c
    square = total**2
    return product, total, square, square + a


@app.function
def graph(a: float, b: float, c: float, steps: int) -> str:
    """The graph as SVG after so many steps back, and a sentence on the last step: all by our own engine's edges."""
    inputs = Value(a), Value(b), Value(c)
    results = expression(*inputs)
    places = dict(
        zip(
            map(id, (*inputs, *results)),
            (
                ("a", 62, 10),
                ("b", 180, 10),
                ("c", 298, 10),
                ("a · b", 121, 112),
                ("+ c", 209, 206),
                ("squared", 209, 300),
                ("+ a = L", 180, 394),
            ),
            strict=True,
        )
    )
    order = [value for value in reversed(topological(results[-1])) if value.edges]
    got: dict[int, float] = {}
    handed: list[tuple[str, float, float, float]] = []
    if steps:
        got[id(order[0])] = 1.0
    for value in order[: max(0, steps - 1)]:
        handed = []
        for operand, slope in value.edges:
            gives = slope * got[id(value)]
            got[id(operand)] = got.get(id(operand), 0.0) + gives
            handed.append((places[id(operand)][0], got[id(value)], slope, gives))
    active = order[steps - 2] if steps > 1 else None
    lines, boxes, rates = [], [], []
    for value in order:
        _, x, y = places[id(value)]
        for operand, slope in value.edges:
            _, x0, y0 = places[id(operand)]
            side = 1 if x0 > x else -1
            end = x + max(-30, min(30, (x0 - x) / 3))
            straight = f"M{x0} {y0 + 60}L{end:.0f} {y}"
            bend = straight if y - y0 < 150 else f"M{x0 + 26 * side} {y0 + 60}V{y - 40}L{x + 36 * side} {y}"
            lines.append(f'<path class="e{" on" if value is active else ""}" d="{bend}"/>')
            middle = ((x0 + end) / 2 + 4, (y0 + 60 + y) / 2 + 4) if y - y0 < 150 else (x0 + 26 * side + 5, y - 60)
            rates.append(
                f'<text class="q" x="{middle[0] + 4:.0f}" y="{middle[1]:.0f}" style="font-size:11px">· {short(slope)}</text>'
            )
    for value in (*inputs, *results):
        name, x, y = places[id(value)]
        told = f"gradient {short(got[id(value)])}" if id(value) in got else ""
        boxes.append(
            f'<g class="{"on" if value is active else ""}"><rect class="n" x="{x - 54}" y="{y}" width="108" height="60" rx="8"/>'
            f'<rect x="{x - 54}" y="{y}" width="108" height="60" rx="8" style="fill:none"/>'
            f'<text x="{x}" y="{y + 18}" text-anchor="middle" class="q">{name}</text>'
            f'<text x="{x}" y="{y + 36}" text-anchor="middle">{short(value.data)}</text>'
            f'<text x="{x}" y="{y + 53}" text-anchor="middle" class="g" style="font-size:12px">{told}</text></g>'
        )
    if not steps:
        said = "Forward only: each box is computed from those above it. Beside each line: how many times as fast the lower one grows."
    elif steps == 1:
        said = "L grows as fast as itself: it gets 1."
    else:
        gave = " and ".join(
            f"{short(had)} · {short(slope)} = <b>{short(gives)}</b> to “{name}”" for name, had, slope, gives in handed
        )
        said = f"“{places[id(active)][0]}” hands {gave}."
        if steps == 5:
            ends = ", ".join(f"{places[id(each)][0]}: {short(got[id(each)])}" for each in inputs)
            h = 1e-6
            tried = [
                (expression(*(v + h * (i == n) for i, v in enumerate((a, b, c))))[-1]
                - expression(*(v - h * (i == n) for i, v in enumerate((a, b, c))))[-1]) / (2 * h)
                for n in range(3)
            ]  # fmt: skip
            said += f" Done: {ends}. Nudging each by a millionth: {', '.join(short(round(each, 4)) for each in tried)}."
    return (
        f'{STYLE}<svg class="ag" viewBox="0 0 360 464" style="max-width:440px" role="img" aria-label="The graph of L">'
        f'{"".join(lines)}{"".join(rates)}{"".join(boxes)}</svg><p class="ag-told" aria-live="polite">{said}</p>'
    )


@app.cell(hide_code=True)
def _(a, b, back, c, guess_twice):
    mo.stop(not guess_twice.revealed, guess_twice.waiting)
    mo.vstack([guess_twice.reply, mo.Html(graph(a.value, b.value, c.value, back.value))])
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## The same in code

            You have walked through a [[graph]]. In our engine every number is a `Value`, and every operation notes where its
            result came from, and how fast it grows with it. For example:
            """),
            noted(Value.log, {"1 / self.data": "came from `self`; grows 1/x times as fast"}),
            prose(r"""
            Going back is a walk over these notes, and has two rules:

            - What arrives is **added** to what has arrived before, as at $a$.
            - A number hands on its gradient **once**, when *all* of it has arrived. So before the walk the numbers are put in
              order: each after everything that uses it.
            """),
            after(
                "autograd/engine",
                lambda: noted(
                    Value.backward,
                    {
                        "order = ": "operands first, results last",
                        "self.grad = ": "the result follows itself 1 to 1",
                        "for value in reversed(order)": "from the result back to the inputs",
                        "parent.grad +=": "chain rule (times) and two ways (plus) in one line",
                    },
                ),
            ),
            after(
                "autograd/order",
                lambda: noted(
                    topological,
                    {
                        "seen = {id(root)}": "two numbers may be equal and still not the same",
                        "stack = [(root": "a stack, for Python's own is 1,000 calls deep",
                    },
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## A million weights, and one you choose

            Is it right? Nudge one weight of the model up by $h$ and down by $h$, and divide the change of the loss
            by $2h$. This *quotient* is the derivative in the limit, when $h$ goes to 0.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    guess_nudge = Predict(
        "autograd/smaller-nudge",
        "With a nudge of $10^{-5}$, the quotient agrees with the gradient to many digits. What if the nudge is smaller still, $10^{-12}$?",
        choices=["it agrees even better", "it stays as good as it was", "it gets worse"],
        answer="it gets worse",
        wrong={
            "it agrees even better": "On paper, yes. But a computer keeps about 16 digits of each loss.",
            "it stays as good as it was": "It would, if the two losses were not rounded.",
        },
        why="The two losses then differ only in their last few digits, and those are rounding. Subtracting leaves mostly noise.",
    )
    guess_nudge
    return (guess_nudge,)


@app.cell(hide_code=True)
def _():
    part = mo.ui.dropdown(
        {
            "the table of characters": "embed.weight",
            "attention, first block": "blocks.0.attn.qkv.weight",
            "feed-forward, last block": "blocks.3.mlp.down.weight",
            "the last norm": "norm.weight",
        },
        value="attention, first block",
        label="a weight from",
    )
    nudge = mo.ui.slider(1, 13, value=2, step=1, label="nudge: 1 divided by 10 to the", show_value=True)
    mo.hstack([part, nudge], justify="start", gap=3)
    return nudge, part


@app.function
@functools.lru_cache(maxsize=16)
def gradient_of(text: str) -> dict:
    """The gradient of the loss on `text` with respect to every parameter, in double length."""
    model = exact()
    names, weights = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(wrongness(model, letters(text)), weights), strict=True))


@app.function
@functools.lru_cache(maxsize=64)
def nudged(text: str, name: str) -> tuple:
    """For the weight of a part with the largest derivative: its place, the derivative, and a quotient for each of `STEPS`.

    All nudges go through the model side by side, as one batch of weights: one after the other they take ten times as long.
    """
    gradient, weight = gradient_of(text)[name], dict(exact().named_parameters())[name].detach()
    place = tuple(int(i) for i in torch.unravel_index(gradient.abs().argmax(), gradient.shape))
    ids, steps = letters(text), torch.tensor(STEPS, dtype=weight.dtype)
    moved = weight.repeat(2, len(STEPS), *[1] * weight.dim())
    moved[(0, slice(None), *place)] += steps
    moved[(1, slice(None), *place)] -= steps

    def loss_with(each):
        return wrongness(lambda given: torch.func.functional_call(exact(), {name: each}, (given,)), ids)

    with torch.no_grad(), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        up, down = torch.func.vmap(torch.func.vmap(loss_with))(moved)
    return place, float(gradient[place]), tuple(((up - down) / (2 * steps)).tolist())


@app.function
def errors(slope: float, quotients: tuple, at: int) -> str:
    """How far each quotient is from the derivative, relative to it, as SVG; the chosen one marked."""
    far = [max(abs(each - slope) / abs(slope), 1e-16) for each in quotients]
    x = lambda n: 52 + 23.5 * n  # noqa: E731
    y = lambda e: 20 + 10 * -max(-16.0, min(2.0, math.log10(e))) + 20  # noqa: E731
    points = " ".join(f"{x(n):.1f},{y(e):.1f}" for n, e in enumerate(far))
    marks = "".join(
        f'<line class="axis" x1="46" x2="340" y1="{y(10.0**p)}" y2="{y(10.0**p)}"/><text class="q" x="40" y="{y(10.0**p) + 4}" text-anchor="end">{told}</text>'
        for p, told in ((0, "1"), (-4, "10⁻⁴"), (-8, "10⁻⁸"), (-12, "10⁻¹²"))
    )
    ticks = "".join(
        f'<text class="q" x="{x(n - 1)}" y="228" text-anchor="middle">{told}</text>'
        for n, told in ((1, "10⁻¹"), (5, "10⁻⁵"), (9, "10⁻⁹"), (13, "10⁻¹³"))
    )
    return (
        f'{STYLE}<svg class="ag" viewBox="0 0 360 252" style="max-width:470px" role="img" aria-label="Error of the quotient by nudge">'
        f'<text class="q" x="6" y="14">error, as a share of the derivative</text>{marks}{ticks}'
        f'<polyline class="line" points="{points}"/><circle class="warm" cx="{x(at - 1)}" cy="{y(far[at - 1]):.1f}" r="6"/>'
        f'<text class="q" x="193" y="247" text-anchor="middle">the nudge, smaller to the right</text></svg>'
    )


@app.cell(hide_code=True)
def _(guess_nudge, nudge, part, text):
    mo.stop(not guess_nudge.revealed, guess_nudge.waiting)
    _place, _slope, _quotients = nudged(text, part.value)
    _found = _quotients[nudge.value - 1]
    mo.vstack(
        [
            guess_nudge.reply,
            mo.Html(
                errors(_slope, _quotients, nudge.value)
                + f'<p class="ag-told"><code>{part.value}[{", ".join(map(str, _place))}]</code>, the weight there with the '
                f"largest derivative. Backward pass: <b>{_slope:.12f}</b>. Nudged by 10<sup>-{nudge.value}</sup>: "
                f"<b>{_found:.12f}</b>.</p>"
            ),
            prose(r"""
            So quotients are a good *test* of a gradient (PyTorch's `gradcheck` uses them) and a bad way to get one. The
            [[backward pass]] has no $h$: it multiplies true derivatives, and is exact up to rounding.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    sizes = mo.ui.anywidget(look.norms(small(), LINE).widget(show="gradient"))
    mo.vstack(
        [
            prose(r"""
            ## Where the gradient goes in a Transformer

            Look inside one [[block]]. The lit $+$ signs add what a part has computed to what came in. On the way back a sum hands its
            gradient to *both* sides, times 1. So there is a way from the last norm to the first layer on which nothing is multiplied
            by something small. That is the point of a [[residual connection]].
            """),
            mo.Html(look.diagram(small(), lit=("residual",), level="block").svg()),
            prose(
                "Here is the size of the gradient of *your* line after each part (`0.attn`: the attention of the first block), one thin "
                "line per character:"
            ),
            sizes,
            prose(r"""
            Read it from right to left, as the gradient travels: it does not die. (The jump at the far left is the work of the first
            [[layer norm|norm]], which has a lesson of its own.)
            """),
        ]
    )
    return (sizes,)


@app.cell(hide_code=True)
def _(sizes, text):
    # In place: a picture of its own for every text would make the page jump.
    sizes.widget.data = look.norms(small(), text).packed()
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## Tables at once

            PyTorch keeps no note per number but one per *operation on tensors*. For a [[matrix product]] $Y = AB$ shapes lead the
            way back. Say $A$ is $(2, 3)$ and $B$ is $(3, 4)$; then $Y$, and the gradient $G$ that arrives there, are $(2, 4)$.
            The gradient of $A$ must be $(2, 3)$. From $G$ and $B$ turned over, $(4, 3)$, only one product gives it:

            $$\frac{\partial L}{\partial A} = G\,B^\top, \qquad \frac{\partial L}{\partial B} = A^\top G.$$

            Two products back for one forward: so a training step costs about three plain runs. And [[broadcasting]]: a bias, one
            row that is added to each of 1,000 rows, is used 1,000 times, like $a$ above. Its gradient is the **sum** of 1,000.
            So it is in a [[layer norm]]: each number of a row goes into the result, the mean and the spread, and the gradients of
            these three ways add up.
            """),
            after(
                "autograd/matmul",
                lambda: noted(
                    matmul_backward, {"return sum_to(grad @ b.mT": "two products; what was stretched is summed"}
                ),
            ),
            prose(r"""
            ## The step in which everything hangs together

            The [[softmax]] turns scores into shares that add up to 1. Raise one score, and its share grows while *all others
            shrink*. So a score has a way to every share, and its gradient is a sum over all of them: the gradient that
            arrives at a share, times how fast that share grows with this score. The loss is minus the logarithm of the true character's share;
            on the way back the two steps nearly cancel, and what arrives at each score is **what the model believed, minus
            what was true**. See it on your line.
            """),
        ]
    )
    return


@app.function
def bars(names, values, low: float, high: float, title: str, kind: str = "blue") -> str:
    """A chart of bars as SVG, of one size for whatever values."""
    step, zero = 276 / len(names), 28 + 120 * high / (high - low)
    made = []
    for n, (name, value) in enumerate(zip(names, values, strict=True)):
        tall = 120 * min(max(value, low), high) / (high - low)
        x = 24 + step * n
        made.append(
            f'<rect class="{kind}" x="{x + step * 0.14:.1f}" y="{zero - max(tall, 0):.1f}" width="{step * 0.72:.1f}" height="{abs(tall):.1f}"/>'
            f'<text class="q" x="{x + step / 2:.1f}" y="{zero - tall + (-5 if value >= 0 else 13):.1f}" text-anchor="middle">{f"{value:.3f}".replace("-", "−")}</text>'
            f'<text x="{x + step / 2:.1f}" y="178" text-anchor="middle">{html.escape(name)}</text>'
        )
    return (
        f'<svg class="ag" viewBox="0 0 320 190" role="img" aria-label="{html.escape(title)}"><text class="q" x="24" y="12">{html.escape(title)}</text>'
        f'{"".join(made)}<line class="axis" x1="20" x2="304" y1="{zero:.1f}" y2="{zero:.1f}"/></svg>'
    )


@app.cell(hide_code=True)
def _(text):
    place = mo.ui.slider(
        1, len(text) - 1, value=min(5, len(text) - 1), step=1, label="guess character number", show_value=True
    )
    mo.hstack([place], justify="start")
    return (place,)


@app.cell(hide_code=True)
def _(place, text):
    _ids = letters(text)
    _n = min(place.value, len(text) - 1)
    with torch.no_grad():
        _scores = small().model(_ids[None, :_n])[0, -1].double()
    _asked = _scores.clone().requires_grad_()
    (_back,) = torch.autograd.grad(F.cross_entropy(_asked[None], _ids[_n : _n + 1]), _asked)
    _belief = _scores.softmax(-1)
    _true = int(_ids[_n])
    _top = [int(i) for i in _belief.topk(6).indices]
    _shown = _top if _true in _top else [*_top[:5], _true]
    _names = [
        ("␣" if (_c := small().words.decode([i])) == " " else "⏎" if _c == "\n" else _c) + ("*" if i == _true else "")
        for i in _shown
    ]
    mo.vstack(
        [
            mo.Html(
                f'{STYLE}<div class="ag-row">{bars(_names, _belief[_shown].tolist(), 0, 1.05, "what the model believes comes next")}'
                f"{bars(_names, _back[_shown].tolist(), -1.05, 1.05, 'gradient of the loss at its score', 'warm')}</div>"
                f'<p class="ag-told">After “{html.escape(text[max(0, _n - 24) : _n])}” comes <b>{html.escape(_names[_shown.index(_true)])}</b>. '
                f"Its gradient is {float(_belief[_true]):.3f} − 1 = <b>{float(_back[_true]):.3f}</b>: negative, so training pushes this "
                "score up, the harder the less it was expected. All the others are pushed down by what they were believed; "
                f"all {len(_back)} add up to {abs(round(float(_back.sum()), 9)):g}.</p>"
            ),
            after(
                "autograd/softmax",
                lambda: noted(
                    softmax_backward, {"return y *": "one sum per row: the table of all derivatives is never made"}
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(rf"""
    ## Measured

    `headway reproduce gradient-check` measures the nudge in five networks. “Forward” nudges up only, “central” up and down.
    “Order 2”: a nudge 10 times smaller is 100 times better, until rounding takes over.

    {result_of("gradient-check")}
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose("## What went wrong before, what goes wrong today"),
            story(
                "autograd/engine",
                "The engine that was right on every formula but one",
                """
                Someone writes an engine in an evening. Sums, products, a small formula: every gradient agrees with the nudge. Then
                `x * x` comes out half as large as it should be. The line said `operand.grad = ...`, and where each number
                is used once, `=` and `+=` are the same. PyTorch adds as well, even from one `backward()` to the next: whoever
                forgets to set the gradients to zero trains on the sum of all steps so far.
                """,
            ),
            story(
                "autograd/engine",
                "Gradients that were wrong only in networks with a shortcut",
                """
                A plain chain of layers trains well. With a [[residual connection]] the first layers learn nonsense. The engine went
                through the graph level by level. But what is used by the sum *and* by the layer beside it has two depths. It
                handed on the first half; the second came too late.
                """,
            ),
            story(
                "autograd/unbroadcast",
                "The bias that learned a thousand times too slowly",
                """
                All weights learn, only the biases stand nearly still. Someone wrote `grad.mean(0)` where the batch had to be summed
                out, “because the loss is a mean anyway”. It is, and that mean is in the gradient already when it arrives.
                Dividing again makes the step a thousand times too short.
                """,
            ),
            mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("autograd")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    foot("autograd")
    return


if __name__ == "__main__":
    app.run()
