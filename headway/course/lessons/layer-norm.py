"""Layer norm: the lesson. `headway read layer-norm` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Layer norm")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt
    import torch
    import torch.nn.functional as F

    from headway.blocks.backward import layer_norm_backward
    from headway.blocks.norms import rms_norm, rms_norm_by_hand
    from headway.learn.lesson import Predict, Recall, after, drawn, foot, head, noted, prose, result_of, story
    from headway.models.transformer import Transformer, TransformerConfig, deepnorm

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    head(
        "layer-norm",
        "Why could the Transformer of 2017 only be trained with a [[warm-up]], and what made it unnecessary?",
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    The [[Transformer]] of 2017 could only be trained with a trick: a *[[warm-up]]*, thousands of steps in which the
    [[learning rate]] grows from nothing. Without it, training fails; with it, one more number has to be found by trial. Three
    years later Xiong and nine others ([[@pre-ln]]) asked what the trick is for, and the answer was a matter of *place*: the
    2017 block norms **after** the residual sum,

    $$x \leftarrow \mathrm{LayerNorm}(x + \mathrm{Sublayer}(x)) \qquad \text{(Post-LN, section 3.1 of the 2017 paper)}$$

    and if the same norm goes **before** the sublayer, the warm-up is not needed:

    $$x \leftarrow x + \mathrm{Sublayer}(\mathrm{LayerNorm}(x)) \qquad \text{(Pre-LN)}$$

    One line of the figure moved, and a schedule disappeared. This lesson shows why.
    """)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## What it does to one position

    $$\mathrm{LayerNorm}(x)_i = g_i\,\frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} + b_i, \qquad \mu = \tfrac1d\textstyle\sum_i x_i, \quad
    \sigma^2 = \tfrac1d\sum_i (x_i-\mu)^2$$

    ([[@layer-norm|Ba, Kiros and Hinton 2016]].) Mean and variance are those of the $d$ features of *one* position: 512 of them in the base
    model. No other position, no other row of the batch is looked at. Move the two controls: they change every feature of $x$ alike.
    """)
    return


@app.cell(hide_code=True)
def _():
    factor = mo.ui.slider(steps=[0.1, 0.5, 1, 2, 10, 100], value=1, label="multiply x by", show_value=True)
    shift = mo.ui.slider(-20, 20, value=0, step=1, label="add to every feature", show_value=True)
    mo.hstack([factor, shift], justify="start", gap=3)
    return factor, shift


@app.cell(hide_code=True)
def _(factor, shift):
    _base = torch.randn(24, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    _x = _base * factor.value + shift.value
    _layer = F.layer_norm(_x, (24,))
    _rms = rms_norm(_x, torch.ones(24, dtype=torch.float64), 1e-6)
    fig_norms, _axes = plt.subplots(1, 3, figsize=(7.2, 2.2))
    for _axis, _values, _title in zip(_axes, (_x, _layer, _rms), ("x", "LayerNorm(x)", "RMSNorm(x)"), strict=True):
        _axis.bar(range(24), _values, color="#3b6ea5")
        _axis.set_title(_title)
        if _title != "x":
            _axis.set_ylim(-3.2, 3.2)
    fig_norms.tight_layout()
    _moved = float((_layer - F.layer_norm(_base, (24,))).abs().max())
    _rms_moved = float((_rms - rms_norm(_base, torch.ones(24, dtype=torch.float64), 1e-6)).abs().max())
    mo.vstack(
        [
            drawn(fig_norms, "24 features of one position: as they are, after LayerNorm, after RMSNorm."),
            mo.md(f"LayerNorm's output has moved by **{_moved:.1e}**, RMSNorm's by **{_rms_moved:.1e}**."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            LayerNorm is blind to both. [[RMSNorm]] ([[@rms-norm]]) leaves the mean in, so it is blind to the factor
            only; it turned out that the mean was not what mattered, and Llama and its kin norm this way.
            """),
            after(
                "layer-norm/rms",
                lambda: noted(
                    rms_norm_by_hand,
                    {
                        "wide =": "in bf16 a sum of squares would round: taken in float32",
                        "torch.rsqrt": "1/√(mean of squares + eps): no mean is subtracted",
                    },
                ),
            ),
            prose(r"""
            And the [[backward pass]] of LayerNorm, which an exercise asks of you. Its two subtractions say the same as the picture: a
            gradient along the constant vector or along $x$ itself has no effect, because moving $x$ that way has none.
            """),
            after(
                "autograd/layernorm",
                lambda: noted(
                    layer_norm_backward,
                    {
                        "g = grad * weight": "what arrives at x̂, before the gain",
                        "along =": "how much of it points along x̂ itself",
                        "dx =": "the two subtractions: nothing along the constant, nothing along x̂",
                    },
                    only=("centred =", "return dx"),
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where it sits: the gradient before the first step

    Theorem 1 of Xiong et al.: at initialisation the gradient of the *last* layer's feed-forward weights is of the order
    $d\sqrt{\ln d}$ in Post-LN, whatever the depth, and $d\sqrt{\ln d / L}$ in Pre-LN. Below, a real encoder of ours is
    built, one batch goes through it and back, and the gradient of each layer's second feed-forward matrix is drawn. Choose.
    """)
    return


@app.cell(hide_code=True)
def _():
    guess = Predict(
        "layer-norm/post-gradient",
        "An encoder of 12 layers, before the first step, with the norm *after* each sum. Which layers have the largest [[gradient]]?",
        choices=["the last ones, next to the loss", "the first ones, next to the words", "all the same"],
        answer="the last ones, next to the loss",
        wrong={
            "the first ones, next to the words": "That would need the gradient to grow on its way back; each norm on the way "
            "makes it smaller.",
            "all the same": "The residual path alone would keep it even, but in Post-LN it passes a norm in every block.",
        },
        why="On its way back the gradient passes one LayerNorm per block, and each divides by the spread of a sum that is "
        "wider than the stream was.",
    )
    guess
    return (guess,)


@app.cell(hide_code=True)
def _():
    depth = mo.ui.slider(steps=[2, 4, 6, 12, 24], value=12, label="layers", show_value=True)
    kinds = mo.ui.multiselect(["post", "pre", "deepnorm", "rezero"], value=["post", "pre"], label="norm")
    mo.hstack([depth, kinds], justify="start", gap=3)
    return depth, kinds


@app.function
def gradients(norm: str, layers: int) -> list[float]:
    """Norms of the gradients of each encoder block's second feed-forward matrix, at initialisation, for a copying loss."""
    torch.manual_seed(0)
    model = Transformer(
        TransformerConfig(vocab_size=40, width=64, n_layer=layers, n_head=4, n_decoder_layer=1, norm=norm)
    )
    source_ids = torch.randint(0, 40, (8, 16))
    states = model.encode(source_ids)
    F.cross_entropy(F.linear(states, model.embed.weight).flatten(0, 1), source_ids.flatten()).backward()
    return [
        float(parameter.grad.norm())
        for name, parameter in model.encoder.named_parameters()
        if name.endswith("down.weight") and parameter.grad is not None
    ]


@app.cell(hide_code=True)
def _(depth, guess, kinds):
    mo.stop(not guess.revealed, guess.waiting)
    fig_depth, _axis = plt.subplots(figsize=(6.4, 2.6))
    _told = []
    for _kind in kinds.value:
        _norms = gradients(_kind, depth.value)
        _axis.plot(
            range(1, len(_norms) + 1), [max(value, 1e-9) for value in _norms], marker="o", markersize=3, label=_kind
        )
        _told.append(f"{_kind}: first {_norms[0]:.2g}, last {_norms[-1]:.2g}")
    _axis.set(xlabel="layer", ylabel="gradient norm", yscale="log")
    if kinds.value:
        _axis.legend(frameon=False)
    fig_depth.tight_layout()
    mo.vstack(
        [
            guess.reply,
            drawn(fig_depth, "The gradient of every layer, one line for each place of the norm."),
            mo.md("; ".join(_told) + "."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _alpha, _beta = deepnorm(6, 6)["encoder"]
    mo.md(rf"""
    Post-LN's largest gradients sit at the end, next to the loss: the first full-size step of Adam, which moves every weight
    by about the learning rate, throws the top of the stack about before the rest has learned anything. A warm-up waits for that to pass.
    Pre-LN starts even. ReZero (2003.04887) starts with every sublayer switched off, so at the first step only the gates have
    a gradient. DeepNorm (2203.00555) keeps Post-LN but weighs the residual by $\alpha$ and starts the weights smaller by
    $\beta$; for 6 + 6 layers our encoder uses $\alpha = {_alpha:.2f}$, $\beta = {_beta:.2f}$.

    ## Measured

    The claim `pre-ln` trains both, with and without warm-up, on text whose entropy is known. Its verdict, from its JSON:

    {result_of("pre-ln")}
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose("## What went wrong before, what goes wrong today"),
            story(
                "layer-norm/residual",
                "A stack of 24 blocks whose last output nobody normed",
                """
                A [[Pre-LN]] block norms what goes *into* its sublayer and adds the result to a stream that nothing norms. So the
                stream grows with every block, and at the end it has to be normed once more, before the [[logit|logits]]. Ports of
                Post-LN code lack that last norm, because there it was never needed: shapes fit, the loss falls, and it is
                only worse, the more so the deeper the model.
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
    recall = Recall("layer-norm")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    foot("layer-norm")
    return


if __name__ == "__main__":
    app.run()
