"""Training Transformers: the lesson. `headway read training` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Training Transformers")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway.learn.lesson import Recall, mistakes_of_topic, result_of, source, what_follows
    from headway.models.gpt2 import GPT2, GPT2Config
    from headway.train.losses import IGNORE, count_targets, cross_entropy

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Training Transformers

    **The question.** An architecture is a promise; a training run keeps it or does not. How large a model, on how much text, in batches
    of what size, in which precision? Between 2018 and 2022 these stopped being matters of taste, because somebody measured them.

    ## How large, on how much?

    A forward pass multiplies and adds once per weight and token, and the backward pass does so twice more: training $N$ parameters on
    $D$ tokens costs about $C = 6ND$. Kaplan et al. (2001.08361) found the loss to fall as a power of $N$, of $D$ and of $C$, over
    many orders of magnitude. Hoffmann et al. (2203.15556) asked the practical question, *given $C$, which $N$?*, and fitted

    $$L(N, D) = 1.69 + \frac{406.4}{N^{0.34}} + \frac{410.7}{D^{0.28}}$$

    (their approach 3). Choose a budget. The curve is their formula along $D = C / 6N$; too small a model has too little to
    learn with, too large a one too little to learn from.
    """)
    return


@app.cell(hide_code=True)
def _():
    budget = mo.ui.slider(15, 24, value=20, step=0.5, label="budget, 10^x operations", show_value=True)
    budget
    return (budget,)


@app.function
def loss_of(n: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """Equation 10 of 2203.15556 with the constants of its approach 3, in nats per token."""
    return 1.69 + 406.4 / n**0.34 + 410.7 / d**0.28


@app.cell(hide_code=True)
def _(budget):
    _c = 10.0**budget.value
    _n = torch.logspace(5, 12, 400, dtype=torch.float64)
    _loss = loss_of(_n, _c / 6 / _n)
    _best = int(_loss.argmin())
    fig_budget, _axis = plt.subplots(figsize=(6.2, 2.4))
    _axis.semilogx(_n, _loss, color="#3b6ea5")
    _axis.plot(_n[_best], _loss[_best], "o", color="#b5532a")
    _axis.set(xlabel="parameters", ylabel="loss by the formula", ylim=(1.6, float(_loss[_best]) * 2))
    fig_budget.tight_layout()
    _size, _tokens = float(_n[_best]), _c / 6 / float(_n[_best])
    mo.vstack(
        [
            fig_budget,
            mo.md(
                f"Best: **{_size:.2g} parameters on {_tokens:.2g} tokens**, {_tokens / _size:.0f} a parameter, loss "
                f"{float(_loss[_best]):.2f}. On one core at 50 GFLOP/s that is {_c / 5e10 / 86400:.2g} days."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(f"""
    The claim `chinchilla-minimum` looks for such a minimum at a laptop's scale:

    {result_of("chinchilla-minimum")}

    ## A big batch, in small pieces

    A batch that does not fit is cut, and gradients add up. That is *exactly* the big batch, if the losses are **sums** divided by the
    number of tokens of the *whole* batch. The mean of each piece's mean is something else as soon as the pieces hold different numbers of
    counted tokens, and padding and masks see to it that they do. Our loss is a sum:

    {source(cross_entropy, docstring=False)}
    """)
    return


@app.cell(hide_code=True)
def _():
    unequal = mo.ui.slider(0, 14, value=10, label="padding in the second half of the batch", show_value=True)
    unequal
    return (unequal,)


@app.function
def gradients(padding: int) -> tuple[float, float]:
    """How far accumulated gradients are from the big batch's, relative to it: by sums, and by the mean of means."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = GPT2(GPT2Config(vocab_size=20, context=16, width=16, n_layer=1, n_head=2)).double()
    tokens = torch.randint(0, 20, (8, 16))
    targets = tokens.roll(-1, 1)
    if padding:
        targets[4:, -padding:] = IGNORE

    def grad(parts, weigh):
        model.zero_grad()
        for part in parts:
            logits = model(tokens[part]).flatten(0, 1)
            (cross_entropy(logits, targets[part].flatten()) / weigh(targets[part])).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    halves = [slice(0, 4), slice(4, 8)]
    whole = grad([slice(0, 8)], lambda part: count_targets(targets))
    sums = grad(halves, lambda part: count_targets(targets))
    means = grad(halves, lambda part: 2 * count_targets(part).clamp(min=1))
    return float((sums - whole).norm() / whole.norm()), float((means - whole).norm() / whole.norm())


@app.cell(hide_code=True)
def _(unequal):
    _sums, _means = gradients(unequal.value)
    mo.md(
        f"Away from the big batch's gradient: **{_sums:.0e}** by sums, **{_means:.1%}** by the mean of means. "
        "With no padding the two are the same, which is how the bug survived in a well-known library until 2024."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sixteen bits

    bf16 keeps float32's exponents and 8 of its 24 binary digits. Nothing overflows, but small things vanish beside large ones. Add up
    ones:
    """)
    return


@app.cell(hide_code=True)
def _():
    ones = mo.ui.slider(
        steps=[100, 200, 256, 300, 500, 1000], value=300, label="ones to add, one by one", show_value=True
    )
    ones
    return (ones,)


@app.cell(hide_code=True)
def _(ones):
    _total = torch.zeros((), dtype=torch.bfloat16)
    for _ in range(ones.value):
        _total = _total + 1
    mo.md(
        f"In bf16: **{float(_total):.0f}**. From 256 on, the next number is 258, and adding 1 rounds back. So sums are taken in float32: "
        "norms, the softmax, the loss, the optimiser's averages, and Adam's small steps on large weights."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## People get this wrong\n\n" + mistakes_of_topic("training", each=3))
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("training")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    mo.md("## What follows\n\n" + what_follows("training"))
    return


if __name__ == "__main__":
    app.run()
