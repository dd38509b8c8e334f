"""Attention: the lesson. `headway read attention` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Attention")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway.blocks.attention import attend_by_hand, merge_heads, split_heads
    from headway.blocks.masks import causal_mask, padding_mask, window_mask
    from headway.blocks.rotary import rotary_angles, rotate
    from headway.learn.lesson import Recall, after, drawn, mistakes, source, what_follows

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Attention

    **The question.** In 2014 a translating network read a sentence into *one* vector and wrote the translation from it. Whatever
    the length of the sentence, the vector kept its width, and long sentences came out badly: the network had to remember
    everything before it knew what would be asked. Bahdanau, Cho and Bengio (1409.0473) let the writer look back instead: at
    each word it scores all the words it read, turns the scores into weights, and takes the weighted average. It worked so
    well that the next question was whether anything else was needed.

    In 2017 Vaswani and seven others (1706.03762) answered: no recurrence is needed at all. What is left is one operation,
    repeated, and this lesson takes it apart: the **scores**, their **scale**, the **mask**, the **heads**, and what it does
    not know, the **order**.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## One equation

    $$\mathrm{{Attention}}(Q, K, V) = \mathrm{{softmax}}\!\left(\frac{{Q K^\top}}{{\sqrt{{d_k}}}}\right) V \qquad (1)$$

    A *query* asks, every *key* answers with a score, and the *values* are averaged by the softmax of the scores. In the base
    model of the paper the stream is $d_{{model}} = 512$ wide and cut into $h = 8$ heads, so a head's queries and keys are
    $d_k = 512 / 8 = 64$ wide.

    This is the function that Headway's models run when they are asked to run by hand. It is read from its file as you read
    this; nothing on this page is a copy.

    {after("attention/sdpa", lambda: mo.md(source(attend_by_hand, docstring=False)))}
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why divide by the square root?

    If the entries of $q$ and $k$ are independent, with mean 0 and variance 1, then $q \cdot k = \sum_{i=1}^{d_k} q_i k_i$ has
    variance $d_k$ (footnote 4 of the paper). Its standard deviation is 8 for a head of the 2017 model. What does a softmax do
    with numbers that large? Move the width; then switch the scale on.
    """)
    return


@app.cell(hide_code=True)
def _():
    width = mo.ui.slider(steps=[1, 4, 16, 64, 256, 1024], value=64, label="head width $d_k$", show_value=True)
    scaled = mo.ui.switch(value=False, label="divide by $\\sqrt{d_k}$")
    mo.hstack([width, scaled], justify="start", gap=3)
    return scaled, width


@app.function
def look(width: int, scaled: bool, keys: int = 32) -> dict:
    """One query, `keys` keys of unit variance: the weights, their entropy, and how much gradient the softmax lets through."""
    generator = torch.Generator().manual_seed(1)
    q = torch.randn(200, width, generator=generator, dtype=torch.float64)
    k = torch.randn(200, keys, width, generator=generator, dtype=torch.float64)
    scores = torch.einsum("bk,bsk->bs", q, k) * (width**-0.5 if scaled else 1.0)
    weights = scores.softmax(-1)
    entropy = -(weights * weights.clamp_min(1e-300).log()).sum(-1).mean()
    # The softmax's Jacobian is diag(w) - w wᵀ; its size says how much of a gradient gets through to the scores.
    jacobian = torch.diag_embed(weights) - weights[:, :, None] * weights[:, None, :]
    through = torch.linalg.matrix_norm(jacobian).mean()
    return {
        "weights": weights[0].sort(descending=True).values,
        "entropy": float(entropy),
        "through": float(through),
        "std": float(scores.std()),
        "even": float(torch.tensor(float(keys)).log()),
    }


@app.cell(hide_code=True)
def _(scaled, width):
    seen = look(width.value, scaled.value)
    fig_scale, axis = plt.subplots(figsize=(6.4, 2.3))
    axis.bar(range(1, 33), seen["weights"], color="#3b6ea5")
    axis.set(ylim=(0, 1), xlabel="the 32 keys, best first", ylabel="weight")
    fig_scale.tight_layout()
    mo.vstack(
        [
            drawn(fig_scale, "The weights of 32 keys, the largest first."),
            mo.md(
                f"Scores spread by **{seen['std']:.1f}**. The entropy of the weights is **{seen['entropy']:.2f}** nats "
                f"(an even look at 32 keys has {seen['even']:.2f}). The softmax lets **{seen['through']:.3f}** of a gradient "
                "through."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _rows = "\n".join(
        f"| {_width} | {look(_width, False)['through']:.4f} | {look(_width, True)['through']:.4f} |"
        for _width in (4, 64, 1024)
    )
    mo.md(
        "Without the scale a wide head looks at one key and learns nothing about the others: its gradient is gone. With it, the "
        "width no longer matters. The same numbers for three widths, averaged over 200 queries:\n\n"
        "| $d_k$ | gradient through, unscaled | scaled |\n|---|---|---|\n" + _rows
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Masks: what may be seen

    A mask is True where a query may look. Hidden scores become $-\infty$ *before* the softmax, so that their weight is exactly
    0 and the others still add up to 1. Three masks do nearly all the work there is. Rows are queries, columns are keys.
    """)
    return


@app.cell(hide_code=True)
def _():
    kind = mo.ui.dropdown(["causal", "window of 3", "padding (5 real tokens)", "none"], value="causal", label="mask")
    cached = mo.ui.slider(0, 6, value=0, label="keys already in the cache", show_value=True)
    mo.hstack([kind, cached], justify="start", gap=3)
    return cached, kind


@app.cell(hide_code=True)
def _(cached, kind):
    _t, _s = 8 - cached.value, 8
    _q, _k = (torch.randn(1, 1, _n, 16, generator=torch.Generator().manual_seed(5)).double() for _n in (_t, _s))
    masks = {
        "causal": causal_mask(_t, _s),
        "window of 3": window_mask(_t, _s, window=3),
        "padding (5 real tokens)": padding_mask(torch.tensor([5]), _s).expand(_t, _s),
        "none": torch.ones(_t, _s, dtype=torch.bool),
    }
    mask = masks[kind.value]
    shown = attend_by_hand(_q, _k, torch.eye(_s).double()[None, None], mask)[
        0, 0
    ]  # values = identity: out come the weights
    fig_mask, (_left, _right) = plt.subplots(1, 2, figsize=(6.4, 2.8))
    for _axis, _picture, _title in ((_left, mask.double(), "may look"), (_right, shown, "weights")):
        _axis.imshow(_picture, cmap="Blues", vmin=0, vmax=1, aspect="equal")
        _axis.set(title=_title, xlabel="key", ylabel="query")
        _axis.set_yticks(range(_t), [str(_s - _t + i) for i in range(_t)])
    fig_mask.tight_layout()
    drawn(fig_mask, "Two tables of queries by keys: what may be looked at, and the weights.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Move the cache slider with the causal mask on. The newest query stands at the newest key: the triangle is aligned at the
    *bottom right*. A triangle aligned at the top left is right for training, where there are as many queries as keys, and wrong
    the moment a cache is used. It is one of the commonest bugs in home-made decoders, because short tests never show it.

    ## Heads

    One softmax makes one compromise. Eight of them, each on its own 64 features, can look at eight things at once, for the
    same work. Cutting the width into heads moves no number; it only names the axes:
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(
        f"""{after("attention/multihead", lambda: mo.md(source(split_heads)))}\n\n{after("attention/multihead", lambda: mo.md(source(merge_heads)))}"""
    )
    return


@app.cell(hide_code=True)
def _():
    _x = torch.arange(2 * 6).view(1, 2, 6)
    _right, _wrong = split_heads(_x, 3), _x.view(1, 3, 2, 2)
    mo.md(
        "The axis has to be cut first and moved after. `view(b, h, t, k)` has the right *shape* and mixes the positions. Two tokens, "
        f"width 6, three heads: head 0 should hold the first two features of both tokens, `{_right[0, 0].tolist()}`; the "
        f"view alone gives it `{_wrong[0, 0].tolist()}`, features of the first token only. No shape error will ever tell you."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What attention does not know: order

    Shuffle the keys and values together, and nothing changes, because a sum has no order. Order has to be put in. The paper
    adds a vector per position; most models since 2021 *turn* queries and keys by an angle per position instead (Su et al.,
    2104.09864): pair $i$ of the head turns by $m\,\theta_i$, with $\theta_i = b^{-2i/d_k}$ and $b = 10\,000$. A dot product
    sees only the difference of two angles, so the score of positions $m$ and $n$ depends on $m - n$ alone.
    """)
    return


@app.cell(hide_code=True)
def _():
    shift = mo.ui.slider(0, 2000, value=0, step=50, label="move both by", show_value=True)
    base = mo.ui.slider(steps=[10, 100, 1000, 10000, 500000], value=10000, label="base $b$", show_value=True)
    mo.hstack([shift, base], justify="start", gap=3)
    return base, shift


@app.cell(hide_code=True)
def _(base, shift):
    _vector = torch.ones(1, 1, 1, 64, dtype=torch.float64)

    def _turned(positions):
        return rotate(_vector.expand(1, 1, len(positions), 64), *rotary_angles(positions.double(), 64, base.value))[
            0, 0
        ]

    _distance = torch.arange(0, 257)
    _query = _turned(torch.tensor([shift.value + 256]))
    _scores = (_turned(shift.value + 256 - _distance) @ _query[0]) / 64
    fig_rope, _axis = plt.subplots(figsize=(6.4, 2.4))
    _axis.plot(_distance, _scores, color="#3b6ea5")
    _axis.axhline(0, color="0.8", linewidth=0.8)
    _axis.set(xlabel="distance from query to key", ylabel="score of equal vectors", ylim=(-0.5, 1.05))
    fig_rope.tight_layout()
    _at = {_d: float(_scores[_d]) for _d in (0, 1, 32)}
    mo.vstack(
        [
            drawn(fig_rope, "The score of two equal vectors against their distance."),
            mo.md(
                "Query at "
                f"{shift.value + 256}: the score is {_at[0]:.6f} at distance 0, {_at[1]:.6f} at 1, {_at[32]:.6f} at 32. Moving "
                "both changes none of it; a small base makes far keys come round again."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    Two layouts of the pairs exist: feature $i$ with $i + d_k/2$, or $2i$ with $2i+1$. Both are right, and a checkpoint made for one
    is noise in the other. Hugging Face's Llama uses the first, Meta's own files and GGUF the second; Headway reorders the rows
    once, when it loads.

    {after("attention/rope", lambda: mo.md(source(rotate)))}
    """)
    return


@app.cell(hide_code=True)
def _():
    _numbers = {"h": 8, "k": 64, "b": 2, "t": 3, "s": 10, "scale": 0.1}
    _named = [
        "scale_by_model_width",
        "mask_after_softmax",
        "mask_fills_zero",
        "softmax_over_queries",
        "causal_first_aligned",
        "exp_overflows",
    ]
    mo.md(
        "## People get this wrong\n\nFrom the mistakes that the judge of the first exercise knows by name, in its words, with the "
        "numbers of the 2017 model:\n\n" + mistakes("attention/sdpa", _named, **_numbers)
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("attention")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    mo.md("## What follows\n\n" + what_follows("attention"))
    return


if __name__ == "__main__":
    app.run()
