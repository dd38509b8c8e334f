"""Modules and training: the lesson. `headway read training-basics` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Modules and training")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway.learn.lesson import Recall, after, mistakes_of_topic, result_of, source, what_follows
    from headway.train.losses import cross_entropy_by_hand
    from headway.train.optimisers import AdamW, adamw_by_hand
    from headway.train.schedules import cosine, inverse_sqrt, warm_up_stable_decay

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Modules and training

    **The question.** Gradients say which way is down, for every weight. They do not say how far to go. In plain gradient descent one
    number, the learning rate, has to suit all weights: the embedding of a rare word, which gets a gradient once in a thousand steps, and
    the gain of a norm, which gets one at every position. Kingma and Ba (*Adam*, 1412.6980) let every weight have a step size of its own,
    from the two running averages of its gradient and of its square. It is what nearly every Transformer was trained with.

    One step of it, with the correction by Loshchilov and Hutter (*Decoupled Weight Decay*, 1711.05101), read from our file:
    """)
    return


@app.cell(hide_code=True)
def _():
    after("training-basics/adamw", lambda: mo.md(source(adamw_by_hand)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The first step

    Both averages start at zero, so after one step they hold only $(1-\beta_1)\,g$ and $(1-\beta_2)\,g^2$. Divide by
    $1-\beta^t$ and both are right again: the first step is exactly the learning rate, for every weight, however small its
    gradient. Leave the correction out, and see what the paper's $\beta$s do to the first hundred steps. The gradient below is constant.
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
    fig_first, _axis = plt.subplots(figsize=(6.2, 2.3))
    _axis.plot(_steps, torch.ones(100), color="#3b6ea5", label="corrected")
    _axis.plot(_steps, _uncorrected, color="#b5532a", label="not corrected")
    _axis.set(xlabel="step", ylabel="step size / learning rate", ylim=(0, max(3.5, float(_uncorrected.max()) * 1.05)))
    _axis.legend(frameon=False)
    fig_first.tight_layout()
    mo.vstack(
        [
            fig_first,
            mo.md(
                f"Uncorrected, the first step is **{float(_uncorrected[0]):.2f}** and the largest **{float(_uncorrected.max()):.2f}** "
                "learning rates long."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    The claim `adam-bias-correction` measures it in training:

    {result_of("adam-bias-correction")}

    ## Decay is not a gradient

    Adding $\lambda w$ to the *gradient* (L2 regularisation) and taking $\eta\lambda w$ off the *weight* (decay) are the same in plain
    gradient descent. In Adam they are not: what is put into the gradient is divided by its size again, so a weight with large gradients
    hardly decays at all. Below, two weights that differ in the size of their gradients only.
    """)
    return


@app.cell(hide_code=True)
def _():
    decay = mo.ui.slider(0.0, 0.2, value=0.1, step=0.02, label="weight decay", show_value=True)
    decay
    return (decay,)


@app.function
def walk(kind: str, size: float, decay: float, steps: int = 200) -> list[float]:
    """A weight that starts at 1 under pure noise of a given size: how AdamW or Adam with L2 pulls it to 0."""
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
def _(decay):
    fig_decay, _axes = plt.subplots(1, 2, figsize=(6.8, 2.3), sharey=True)
    for _axis, _kind in zip(_axes, ("decay", "L2"), strict=True):
        for _size, _colour in ((0.1, "#3b6ea5"), (10.0, "#b5532a")):
            _axis.plot(walk(_kind, _size, decay.value), color=_colour, label=f"gradients of size {_size:g}")
        _axis.set(title="taken from the weight" if _kind == "decay" else "put into the gradient", xlabel="step")
    _axes[0].set_ylabel("mean weight")
    _axes[1].legend(frameon=False, fontsize=8)
    fig_decay.tight_layout()
    fig_decay
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## A loss that does not overflow

    Written as `log(softmax(x))`, the cross-entropy of a logit of 1000 is infinite minus infinite. Written as *logit minus
    logsumexp* it never is:

    {after("training-basics/loss", lambda: mo.md(source(cross_entropy_by_hand, docstring=False)))}

    ## How fast, and when

    Three schedules that people use, as factors of the peak. Choose the length of the warm-up.
    """)
    return


@app.cell(hide_code=True)
def _():
    rising = mo.ui.slider(0, 500, value=100, step=50, label="warm-up steps of 1000", show_value=True)
    rising
    return (rising,)


@app.cell(hide_code=True)
def _(rising):
    _steps = range(1, 1001)
    fig_rates, _axis = plt.subplots(figsize=(6.2, 2.3))
    _axis.plot(_steps, [cosine(n, steps=1000, warmup=rising.value) for n in _steps], label="cosine")
    _axis.plot(_steps, [inverse_sqrt(n, warmup=rising.value) for n in _steps], label="inverse square root (2017)")
    _axis.plot(
        _steps,
        [warm_up_stable_decay(n, steps=1000, warmup=rising.value, decay=200) for n in _steps],
        label="warm-up, stable, decay",
    )
    _axis.set(xlabel="step", ylabel="factor")
    _axis.legend(frameon=False)
    fig_rates.tight_layout()
    fig_rates
    return


@app.cell(hide_code=True)
def _():
    mo.md("## People get this wrong\n\n" + mistakes_of_topic("training-basics", each=2))
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
    mo.md("## What follows\n\n" + what_follows("training-basics"))
    return


if __name__ == "__main__":
    app.run()
