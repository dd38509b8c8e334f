"""Sequence to sequence: the lesson. `headway read seq2seq` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Sequence to sequence")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt
    import torch
    import torch.nn.functional as F

    from headway.blocks.alignment import additive_scores, dot_scores
    from headway.learn.lesson import Recall, after, mistakes_of_topic, result_of, source, what_follows
    from headway.models.seq2seq import Decoder, Seq2Seq, Seq2SeqConfig

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Sequence to sequence

    **The question.** A translation has another length than its sentence, and its words stand in another order: no network with
    one output per input can do it. In 2014 two groups found the same way round: one recurrent network *reads* the sentence into a
    vector, a second one *writes* from it (Cho et al., 1406.1078; Sutskever, Vinyals and Le, 1409.3215). It worked, with an oddity:
    Sutskever and his colleagues had to feed the sentence *backwards*, which brought its first words next to the first words to be written
    (section 3.3). And it had a limit, which Cho and others measured the same autumn (1409.1259): the longer the sentence, the worse.
    Everything has to fit into one vector, whose width never changes.

    Bahdanau, Cho and Bengio (1409.0473) removed the limit with one idea: keep *all* the encoder's states, and let the writer look.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## A look, in three lines

    $$e_{{ij}} = v^\top \tanh(W s_{{i-1}} + U h_j), \qquad \alpha_{{ij}} = \mathrm{{softmax}}_j(e_{{ij}}), \qquad c_i = \sum_j \alpha_{{ij}} h_j$$

    (equations 5 and 6 and appendix A.1.2). The state $s_{{i-1}}$ asks; each place $j$ of the source is scored; the softmax makes weights of
    the scores; the average of the states by these weights is what the next word is written from. A small network gives the score, which is why
    it is called *additive*:

    {after("seq2seq/additive", lambda: mo.md(source(additive_scores)))}

    Luong, Pham and Manning (1508.04025) tried cheaper scores a year later. The cheapest, a dot product, is the one that the Transformer kept:

    {source(dot_scores)}

    They also looked *after* the step instead of before it. Both orders, from our file:

    {source(Decoder.in_2014)}
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Watch it learn to align

    A language you can check by eye: ten words, each with one translation, in reverse order. When this page opened, two small
    translators were trained on it for 240 steps, one with a fixed vector, one with attention. The slider goes through their
    training. On the right is where the second one looks: nobody told it that the order is reversed.
    """)
    return


@app.function
def pairs(draw: torch.Generator, count: int, length: int, dictionary: torch.Tensor):
    """Sources, what the decoder is given, what it has to say."""
    words = torch.randint(10, (count, length), generator=draw)
    target = dictionary[words].flip(1)
    return words, torch.cat((torch.full((count, 1), 10), target[:, :-1]), 1), target


@app.function
def train(attention: str, steps: int = 240, every: int = 24):
    """Train on lengths 2 to 8; every so often the share of words right at length 8, and an alignment."""
    draw = torch.Generator().manual_seed(0)
    dictionary = torch.randperm(10, generator=draw)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small a model is slower on two
    model = Seq2Seq(Seq2SeqConfig(vocab_size=11, width=24, state=48, attention=attention))
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    seen, kept = [], []
    model.decoder.alignment.register_forward_hook(lambda _m, _i, out: seen.append(out.detach()))
    for step in range(steps + 1):
        if step % every == 0:
            words, given, target = pairs(torch.Generator().manual_seed(9), 100, 8, dictionary)
            seen.clear()
            with torch.no_grad():
                right = (model(words, given).argmax(-1) == target).double().mean().item()
            kept.append((step, right, seen[0][0] if seen else None))
        length = int(torch.randint(2, 9, (), generator=draw))
        words, given, target = pairs(draw, 32, length, dictionary)
        loss = F.cross_entropy(model(words, given).flatten(0, 1), target.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return kept


@app.cell(hide_code=True)
def _():
    fixed, looking = train("none"), train("additive")
    return fixed, looking


@app.cell(hide_code=True)
def _(looking):
    at = mo.ui.slider(steps=[row[0] for row in looking], value=looking[-1][0], label="step", show_value=True)
    at
    return (at,)


@app.cell(hide_code=True)
def _(at, fixed, looking):
    _n = [row[0] for row in looking].index(at.value)
    fig_align, (_left, _right) = plt.subplots(1, 2, figsize=(7, 2.7), width_ratios=[3, 2])
    for _kept, _colour, _label in ((looking, "#3b6ea5", "attention"), (fixed, "#b5532a", "one fixed vector")):
        _left.plot([row[0] for row in _kept], [row[1] for row in _kept], color=_colour, label=_label)
        _left.plot(_kept[_n][0], _kept[_n][1], "o", color=_colour)
    _left.axhline(0.1, color="0.8", linewidth=0.8)
    _left.set(xlabel="step", ylabel="words right, length 8", ylim=(0, 1.03))
    _left.legend(frameon=False)
    _right.imshow(looking[_n][2], cmap="Blues", vmin=0, vmax=1)
    _right.set(xlabel="source", ylabel="written")
    fig_align.tight_layout()
    mo.vstack(
        [
            fig_align,
            mo.md(
                f"After {at.value} steps: {looking[_n][1]:.0%} of the words right with attention, {fixed[_n][1]:.0%} with a fixed vector "
                "(by chance 10%)."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(f"""
    ## Measured

    The claim `length-collapse` does the same at lengths up to 20, with five seeds, and asks for length 30, which neither has seen:

    {result_of("length-collapse")}

    ## People get this wrong

    {mistakes_of_topic("seq2seq", each=3)}
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("seq2seq")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    mo.md("## What follows\n\n" + what_follows("seq2seq"))
    return


if __name__ == "__main__":
    app.run()
