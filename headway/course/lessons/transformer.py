"""The Transformer of 2017: the lesson. `headway read transformer` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The Transformer of 2017")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt
    import torch
    import torch.nn.functional as F

    from headway.blocks.positions import sinusoids
    from headway.learn.lesson import Recall, after, mistakes_of_topic, source, what_follows
    from headway.models.transformer import DecoderBlock, Residual, Transformer, TransformerConfig
    from headway.train.schedules import attention_is_all_you_need

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The Transformer of 2017

    **The question.** A recurrent translator reads word by word: the state after word 50 has to wait for that after word 49,
    which is slow to train, because nothing can be computed side by side, and forgetful, because what the first word had
    to say has to survive 49 updates. Attention had been added to such networks as a crutch. Vaswani and seven others
    (*Attention Is All You Need*, 1706.03762) threw the network away and kept the crutch.

    What remains is a stack of two kinds of sublayer, *attention* and a small *MLP at each position*, each with a residual sum
    around it. The encoder has six such pairs, the decoder six triples: 65 million parameters in the base model, trained in
    twelve hours on eight GPUs of the time (section 5.2).
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## Three attentions in one block

    The decoder's block has all there is. It looks *back* at what it has written (causal), then *across* at what the encoder
    read (everything but padding), then thinks at each position. Read from the file:

    {after("transformer/decoder", lambda: mo.md(source(DecoderBlock)))}

    The sum around each sublayer, and the four places later papers put its norm:

    {source(Residual)}
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Who may look at whom? Choose the length of the source and of what has been written, and how much of the source is padding.
    Below are the weights of an untrained decoder: what is white is hidden.
    """)
    return


@app.cell(hide_code=True)
def _():
    read_length = mo.ui.slider(2, 10, value=8, label="source", show_value=True)
    written = mo.ui.slider(1, 10, value=6, label="written so far", show_value=True)
    padding = mo.ui.slider(0, 4, value=2, label="padding in the source", show_value=True)
    mo.hstack([read_length, written, padding], justify="start", gap=2)
    return padding, read_length, written


@app.function
def sensitivities(s: int, t: int, pads: int):
    """How the decoder's outputs depend on each written and each source position: norms of gradients, (t, t) and (t, s)."""
    torch.manual_seed(0)
    model = Transformer(TransformerConfig(vocab_size=30, width=32, n_layer=1, n_head=4)).double().eval()
    # With one embedding each, a gradient with respect to a row of it belongs to one position alone.
    model.target_embed = torch.nn.Embedding(30, 32).double()
    model.reset(torch.Generator().manual_seed(0))
    src, tgt = torch.arange(s)[None], torch.arange(t)[None]
    mask = torch.arange(s)[None] < max(1, s - pads)
    rows = [[], []]
    pull = torch.linspace(-1, 1, 32, dtype=torch.float64)  # not a plain sum: a normed vector's sum is always the same
    for place in range(t):
        model.zero_grad()
        (model.hidden(src, tgt, source_mask=mask)[0, place] * pull).sum().backward()
        rows[0].append(model.target_embed.weight.grad[:t].norm(dim=-1))
        rows[1].append(model.embed.weight.grad[:s].norm(dim=-1))
    return torch.stack(rows[0]), torch.stack(rows[1])


@app.cell(hide_code=True)
def _(padding, read_length, written):
    _back, _across = sensitivities(read_length.value, written.value, padding.value)
    fig_seen, _axes = plt.subplots(1, 2, figsize=(6.6, 2.7))
    for _axis, _picture, _title in zip(_axes, (_back > 1e-12, _across > 1e-12), ("written", "source"), strict=True):
        _axis.imshow(_picture.double(), cmap="Blues", vmin=0, vmax=1.4, aspect="equal")
        _axis.set(title=f"depends on the {_title} position", xlabel=_title, ylabel="output")
    fig_seen.tight_layout()
    mo.vstack(
        [
            fig_seen,
            mo.md(
                f"Measured by gradients, not drawn: an output reaches {int((_back > 1e-12).sum())} pairs of written positions and "
                f"{int((_across > 1e-12).sum())} of {_across.numel()} pairs with the source."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## Order, added

    Attention does not know order, and there is no recurrence to bring it in. So a vector is added to each embedding (section 3.5):

    $$PE_{{(p, 2i)}} = \sin\!\big(p / 10000^{{2i/d}}\big), \qquad PE_{{(p, 2i+1)}} = \cos\!\big(p / 10000^{{2i/d}}\big)$$

    {after("attention/sinusoids", lambda: mo.md(source(sinusoids, docstring=False)))}

    Why sines? For any fixed shift $k$, $PE_{{p+k}}$ is a linear map of $PE_p$, a rotation of each pair, so that "three words back"
    can be learned as one matrix. Move the shift: the picture is the similarity of position $p$ with all others.
    """)
    return


@app.cell(hide_code=True)
def _():
    place = mo.ui.slider(0, 99, value=30, label="position", show_value=True)
    wide = mo.ui.slider(steps=[16, 64, 128, 512], value=128, label="width", show_value=True)
    mo.hstack([place, wide], justify="start", gap=3)
    return place, wide


@app.cell(hide_code=True)
def _(place, wide):
    _table = sinusoids(torch.arange(100), wide.value, dtype=torch.float64)
    fig_waves, (_left, _right) = plt.subplots(1, 2, figsize=(6.8, 2.5))
    _left.imshow(_table, cmap="RdBu", aspect="auto", vmin=-1, vmax=1)
    _left.axhline(place.value, color="black", linewidth=1)
    _left.set(xlabel="feature", ylabel="position")
    _right.plot(_table @ _table[place.value] / wide.value * 2, color="#3b6ea5")
    _right.axvline(place.value, color="0.6", linewidth=0.8)
    _right.set(xlabel="position", ylabel="similarity")
    fig_waves.tight_layout()
    fig_waves
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## The schedule, and a target that is never quite sure

    $$\text{{rate}} = d^{{-0.5}} \cdot \min(\text{{step}}^{{-0.5}},\ \text{{step}} \cdot \text{{warmup}}^{{-1.5}}) \qquad (3)$$

    {source(attention_is_all_you_need, docstring=False)}
    """)
    return


@app.cell(hide_code=True)
def _():
    warm = mo.ui.slider(steps=[100, 1000, 4000, 8000, 16000], value=4000, label="warm-up steps", show_value=True)
    smooth = mo.ui.slider(0.0, 0.5, value=0.1, step=0.05, label="label smoothing", show_value=True)
    mo.hstack([warm, smooth], justify="start", gap=3)
    return smooth, warm


@app.cell(hide_code=True)
def _(smooth, warm):
    fig_rate, (_left, _right) = plt.subplots(1, 2, figsize=(6.8, 2.4))
    _steps = list(range(1, 40001, 100))
    _left.plot(_steps, [attention_is_all_you_need(n, width=512, warmup=warm.value) for n in _steps], color="#3b6ea5")
    _left.set(xlabel="step", ylabel="learning rate")
    _margin = torch.linspace(0, 15, 200)
    _logits = torch.zeros(200, 100)
    _logits[:, 0] = _margin
    _loss = F.cross_entropy(_logits, torch.zeros(200, dtype=torch.long), label_smoothing=smooth.value, reduction="none")
    _right.plot(_margin, _loss, color="#b5532a")
    _right.set(xlabel="margin of the true word's logit (of 100)", ylabel="loss")
    fig_rate.tight_layout()
    _best = float(_margin[_loss.argmin()])
    _top = attention_is_all_you_need(warm.value, width=512, warmup=warm.value)
    mo.vstack(
        [
            fig_rate,
            mo.md(
                f"The rate peaks at {_top:.2e}. With smoothing {smooth.value} the loss is least at a margin of {_best:.1f}"
                + (
                    ": being surer costs."
                    if smooth.value
                    else ": without it, being surer always pays, and logits grow for ever."
                )
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## People get this wrong\n\n" + mistakes_of_topic("transformer", each=2))
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("transformer")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    mo.md("## What follows\n\n" + what_follows("transformer"))
    return


if __name__ == "__main__":
    app.run()
