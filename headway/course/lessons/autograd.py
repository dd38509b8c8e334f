"""Autograd: the lesson. `headway read autograd` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Autograd")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway.blocks.backward import matmul_backward, softmax_backward
    from headway.blocks.scalar_engine import Value, topological
    from headway.learn.lesson import Recall, after, mistakes_of_topic, source, what_follows

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    # Autograd

    **The question.** A network has a million weights and one number that says how badly it does. In which direction should each weight
    move? Nudging them one at a time would take a million runs. The answer is older than the networks: *reverse-mode
    differentiation* gets all million derivatives for the price of about two runs (Rumelhart, Hinton and Williams made it the way to train
    networks in 1986). PyTorch does it for you, and because it does, most bugs in training are bugs you cannot see. So here it is, in one
    page, with nothing hidden.

    Every number remembers what it was made from, and how much it changes when each of those does:

    {after("autograd/engine", lambda: mo.md(source(Value.__mul__)))}

    An *edge* is a pair: (where the number came from, the local derivative). For a product $ab$ the local derivatives are $b$ and $a$.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## Backwards, in the right order

    Start at the loss with $d\,\text{{loss}} / d\,\text{{loss}} = 1$ and hand it on: each number gives every number it was made from
    its own gradient times the local derivative. Two things go wrong in every first attempt. A number used twice gets *two* gradients, which
    **add up**; and it may pass its gradient on only when **all** of them have arrived. That is what the order is for:

    {after("autograd/engine", lambda: mo.md(source(Value.backward)))}

    {after("autograd/order", lambda: mo.md(source(topological)))}

    No recursion: a chain of 100,000 operations would overflow Python's stack.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## Watch it

    The expression is $L = (ab + c)^2 + a$. Note that $a$ is used twice. Move the inputs: the table shows our gradients beside those of a
    nudge of one millionth.
    """)
    return


@app.cell(hide_code=True)
def _():
    a = mo.ui.slider(-3.0, 3.0, value=2.0, step=0.5, label="a", show_value=True)
    b = mo.ui.slider(-3.0, 3.0, value=-1.0, step=0.5, label="b", show_value=True)
    c = mo.ui.slider(-3.0, 3.0, value=0.5, step=0.5, label="c", show_value=True)
    mo.hstack([a, b, c], justify="start", gap=2)
    return a, b, c


@app.function
def loss(a, b, c):
    """The expression of the lesson, for numbers and for `Value`s alike."""
    return (a * b + c) ** 2 + a


@app.cell(hide_code=True)
def _(a, b, c):
    _names, _inputs = ("a", "b", "c"), (a.value, b.value, c.value)
    _values = [Value(x) for x in _inputs]
    _out = loss(*_values)
    _out.backward()
    _rows = []
    for _n, (_name, _value) in enumerate(zip(_names, _values, strict=True)):
        _up = loss(*(x + 1e-6 * (i == _n) for i, x in enumerate(_inputs)))
        _down = loss(*(x - 1e-6 * (i == _n) for i, x in enumerate(_inputs)))
        _rows.append(f"| {_name} | {_value.data:.3f} | {_value.grad:.6f} | {(_up - _down) / 2e-6:.6f} |")
    _forgot = 2 * (a.value * b.value + c.value) * b.value
    mo.md(
        f"L = **{_out.data:.3f}**\n\n| | value | gradient, backwards | gradient, by nudging |\n|---|---|---|---|\n"
        + "\n".join(_rows)
        + f"\n\nWith `=` in place of `+=`, one of a's two gradients would be lost: {_forgot:.3f} or 1.000 instead of "
        f"{_values[0].grad:.3f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## The same for matrices

    Nobody keeps one node per number. For $Y = AB$ with $G = dL/dY$, both gradients are again products, and shapes alone nearly dictate them:

    $$\frac{{dL}}{{dA}} = G B^\top, \qquad \frac{{dL}}{{dB}} = A^\top G$$

    {after("autograd/matmul", lambda: mo.md(source(matmul_backward)))}

    The softmax's is the one people get wrong, because every output depends on every input. Its Jacobian is
    $\mathrm{{diag}}(y) - y y^\top$, and nobody builds it:

    {after("autograd/softmax", lambda: mo.md(source(softmax_backward)))}
    """)
    return


@app.cell(hide_code=True)
def _():
    sharp = mo.ui.slider(0.1, 20.0, value=1.0, step=0.1, label="multiply the scores by", show_value=True)
    sharp
    return sharp


@app.cell(hide_code=True)
def _(sharp):
    _scores = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0], dtype=torch.float64) * sharp.value
    _y = _scores.softmax(-1)
    _pull = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0], dtype=torch.float64)  # the loss wants more of the second
    _grad = softmax_backward(_pull, _y)
    fig_soft, (_left, _right) = plt.subplots(1, 2, figsize=(6.6, 2.3))
    _left.bar(range(5), _y, color="#3b6ea5")
    _left.set(title="softmax", ylim=(0, 1))
    _right.bar(range(5), _grad, color="#b5532a")
    _right.set(title="gradient at the scores", ylim=(-0.3, 0.3))
    fig_soft.tight_layout()
    mo.vstack(
        [
            fig_soft,
            mo.md(
                f"The gradient adds up to {float(_grad.sum()):.1e}: moving all scores together changes nothing. Its size is "
                f"**{float(_grad.norm()):.4f}**. Sharpen the softmax and it dies: that is why attention scales its scores."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## People get this wrong\n\n" + mistakes_of_topic("autograd", each=2))
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
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
    mo.md("## What follows\n\n" + what_follows("autograd"))
    return


if __name__ == "__main__":
    app.run()
