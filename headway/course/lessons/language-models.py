"""Language models before attention: the lesson. `headway read language-models` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Language models before attention")

with app.setup:
    import math

    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway.blocks.recurrent import gru_step, lstm_step
    from headway.data.markov import MarkovText
    from headway.learn.lesson import Recall, after, mistakes_of_topic, result_of, source, what_follows
    from headway.models.bigram import Bigram, BigramConfig

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Language models before attention

    **The question.** How surprised should one be by the next word? Shannon asked it in 1948, counted pairs of letters in a book, and
    wrote sentences by looking up what follows what. A *language model* is still that: a probability for what comes next, judged by
    its surprise, $-\log p$, averaged over a text. The surprise of a perfect model is the *entropy* of the language; no model gets below it.

    Counting pairs is a complete language model. It is also ours, `bigram.py`: one row of counts per letter.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    {source(Bigram.fit)}

    The text here is made by a process whose entropy is known: 24 symbols, each drawn from the two before it. So it can be said what
    is left to learn, in nats per symbol. Choose how much text is counted.
    """)
    return


@app.cell(hide_code=True)
def _():
    length = mo.ui.slider(steps=[100, 300, 1000, 3000, 10000, 30000], value=1000, label="symbols read", show_value=True)
    smoothing = mo.ui.slider(steps=[0.01, 0.1, 1, 10, 100], value=1, label="added to every count", show_value=True)
    mo.hstack([length, smoothing], justify="start", gap=3)
    return length, smoothing


@app.cell(hide_code=True)
def _(length, smoothing):
    _language = MarkovText(24, seed=0)
    _draw = torch.Generator().manual_seed(1)
    _text = _language.sample(1, length.value, _draw)[0]
    _held_out = _language.sample(1, 20000, _draw)
    _model = Bigram(BigramConfig(vocab_size=24))
    _model.fit(_text, smoothing=smoothing.value)
    with torch.no_grad():
        _logits = _model(_held_out)
    _loss = float(torch.nn.functional.cross_entropy(_logits[0, :-1], _held_out[0, 1:]))
    _rows = {
        "nothing known": math.log(24),
        "symbol counts": float(_language.unigram_entropy),
        "this bigram": _loss,
        "the best bigram": float(_language.bigram_entropy),
        "the language": float(_language.entropy_rate),
    }
    fig_entropy, _axis = plt.subplots(figsize=(6.4, 2.2))
    _axis.barh(list(_rows), list(_rows.values()), color=["0.8", "0.8", "#3b6ea5", "0.8", "0.8"])
    _axis.invert_yaxis()
    _axis.set_xlabel("surprise on new text, nats per symbol")
    fig_entropy.tight_layout()
    mo.vstack(
        [
            fig_entropy,
            mo.md(
                f"Read {length.value} symbols: **{_loss:.3f}** nats on new text. What no pair can know is the rest, from "
                f"{_rows['the best bigram']:.3f} down to {_rows['the language']:.3f}: it takes a longer memory."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A memory, and why it fades

    Longer contexts cannot be counted: of 24 symbols there are 331,776 groups of four. Bengio and others (2003) replaced the table by
    a network over a few embedded words; a *recurrent* network carries a state instead, $h_t = f(h_{t-1}, x_t)$, so that its memory has no
    fixed length. On paper. Training sends the gradient back through the same map at every step, and a product of $T$ factors does
    what products do (Pascanu, Mikolov and Bengio, 1211.5063). Choose the largest stretch (*spectral radius*) of that map.
    """)
    return


@app.cell(hide_code=True)
def _():
    radius = mo.ui.slider(0.8, 1.2, value=0.9, step=0.05, label="spectral radius", show_value=True)
    radius
    return (radius,)


@app.cell(hide_code=True)
def _(radius):
    _matrix = torch.randn(64, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    _matrix *= radius.value / torch.linalg.eigvals(_matrix).abs().max()
    _product, _sizes = torch.eye(64, dtype=torch.float64), []
    for _ in range(100):
        _product = _matrix @ _product
        _sizes.append(float(torch.linalg.matrix_norm(_product, 2)))
    fig_fade, _axis = plt.subplots(figsize=(6.2, 2.3))
    _axis.semilogy(range(1, 101), _sizes, color="#3b6ea5")
    _axis.set(xlabel="steps back", ylabel="size of the gradient", ylim=(1e-8, 1e10))
    fig_fade.tight_layout()
    _slope = math.log(_sizes[-1] / _sizes[19]) / 80
    mo.vstack(
        [
            fig_fade,
            mo.md(
                f"After 100 steps: **{_sizes[-1]:.1e}**. Per step it changes by a factor of {math.exp(_slope):.3f}: the radius, and "
                "nothing else, decides."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    The claim `rnn-gradients` measures the slope against the radius:

    {result_of("rnn-gradients")}

    ## Gates

    The cure of 1997 (LSTM, Hochreiter and Schmidhuber) and its smaller sister of 2014 (GRU, Cho et al., 1406.1078) is a state that is
    *kept* unless a gate says otherwise: the map from state to state is then close to the identity, and its stretch close to 1.

    {after("language-models/gru", lambda: mo.md(source(gru_step)))}

    {source(lstm_step)}

    Kept, but still through every step in between. Attention's answer, three lessons on, is to go back directly.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md("## People get this wrong\n\n" + mistakes_of_topic("language-models", each=3))
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("language-models")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    mo.md("## What follows\n\n" + what_follows("language-models"))
    return


if __name__ == "__main__":
    app.run()
