"""Language models before attention: the lesson. `headway read language-models` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Language models before attention")

with app.setup:
    import functools
    import html
    import math
    import random
    from collections import Counter, defaultdict

    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.blocks.recurrent import gru_step, lstm_step
    from headway.learn.inked import BLUE, GREY, inked
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, result_of, story
    from headway.look.diagram import diagram
    from headway.models.bigram import Bigram

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})

    # Lewis Carroll, Alice's Adventures in Wonderland, 1865, from its beginning.
    ALICE = (
        "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or "
        "twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, and what "
        "is the use of a book, thought Alice, without pictures or conversations? So she was considering in her own mind (as "
        "well as she could, for the hot day made her feel very sleepy and stupid), whether the pleasure of making a "
        "daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a White Rabbit with "
        "pink eyes ran close by her. There was nothing so very remarkable in that; nor did Alice think it so very much out "
        "of the way to hear the Rabbit say to itself, Oh dear! Oh dear! I shall be late! (when she thought it over "
        "afterwards, it occurred to her that she ought to have wondered at this, but at the time it all seemed quite "
        "natural); but when the Rabbit actually took a watch out of its waistcoat-pocket, and looked at it, and then hurried "
        "on, Alice started to her feet, for it flashed across her mind that she had never before seen a rabbit with either a "
        "waistcoat-pocket, or a watch to take out of it, and burning with curiosity, she ran across the field after it, and "
        "fortunately was just in time to see it pop down a large rabbit-hole under the hedge. In another moment down went "
        "Alice after it, never once considering how in the world she was to get out again. The rabbit-hole went straight on "
        "like a tunnel for some way, and then dipped suddenly down, so suddenly that Alice had not a moment to think about "
        "stopping herself before she found herself falling down a very deep well. Either the well was very deep, or she fell "
        "very slowly, for she had plenty of time as she went down to look about her and to wonder what was going to happen "
        "next."
    )


@app.cell(hide_code=True)
def _():
    head(
        "language-models",
        "How well can the next letter be guessed from those before it, and why did the networks with a memory forget?",
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Shannon's game

    Cover the rest of this sentence: *The animal didn't cross the str*. You know the next letter. In 1948 Claude Shannon
    ([[@shannon]]) made a measure of that: how *surprised* is one, on average, by the next letter?

    A [[language model]] plays this game: it gives every symbol that could come next a probability. A chatbot is one too. (Its
    symbols are parts of words, [[token|tokens]]; here they are letters.) All of them have this shape, drawn from a model's
    own code: what was read goes in, a score for each possible next symbol, its [[logit]], comes out, and the [[softmax]]
    makes probabilities of the scores. This lesson is about the middle.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.Html(f'<div style="max-width:24rem;margin:auto">{diagram("gru", level="whole", lit=("mixer",)).svg()}</div>')
    return


@app.function
@functools.cache
def shakespeare():
    """The small network that has read Shakespeare."""
    return zoo.load("shakespeare-char")


@app.function
def new_data(widget, make) -> str:
    """Put what `make()` draws into a widget, in place; or the one line that says why it cannot be drawn."""
    try:
        widget.data = make().packed()
    except HeadwayError as error:
        what = str(error).partition(";")[0]
        return f"{what[:1].upper()}{what[1:]}. The picture still shows the text before."
    return ""


@app.cell(hide_code=True)
def _():
    prose(r"""
    Here one plays on your words: a small network of ours that has read Shakespeare, letter by letter. The stronger the ground,
    the more the letter surprised it. Click on one: the bars are what it held likely there.
    """)
    return


@app.cell(hide_code=True)
def _():
    said = mo.ui.text(value="To be, or not to be: what is the answer?", label="Your sentence", full_width=True)
    played = look.tokens(shakespeare(), "To be, or not to be: what is the answer?").widget()
    mo.vstack([said, mo.ui.anywidget(played)])
    return played, said


@app.cell(hide_code=True)
def _(played, said):
    mo.md(new_data(played, lambda: look.tokens(shakespeare(), said.value)) if len(said.value) > 1 else "")
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Surprise, by hand

    A model gives the three letters of a word the probabilities 1/2, 1/4 and 1/8. Probability 1/2 is a coin that shows heads:
    one [[bit]] of surprise. 1/4 is two coins, two bits, and 1/8 is three. On average (1 + 2 + 3) / 3 = **2 bits a
    letter**: as unsure as one who picks evenly among $2^2 = 4$ letters. That 4 is the [[perplexity]]. For $n$ symbols
    $x_1 \dots x_n$:

    $$\text{surprise} = \frac1n \sum_{i=1}^{n} -\log_2\, p(x_i \mid x_1 \dots x_{i-1})$$

    The upright bar reads "given". As the [[loss]] in training it is called [[cross entropy]], and counted in [[nat|nats]] of
    1.44 bits: with the logarithm to base $e$, and the perplexity is $e$ to that power. What remains for a perfect model is the
    [[entropy]] of the language: no model gets below that on new text.

    ## Counting

    The first language model was a table. Read *banana* and note what follows each letter: after `a` came `n`, twice; after
    `n` came `a`, twice; after `b` came `a`. And now *nab*: `b` never followed `a`, so its probability is 0 and the surprise
    infinite. So add 1 to every count, for each of the three letters `a`, `b`, `n`: `b` after `a` has then (0 + 1) / (2 + 3) = 1/5,
    or 2.3 bits. This model of pairs is called *bigram*, and here is all its training:
    """)
    return


@app.cell(hide_code=True)
def _():
    noted(
        Bigram.fit,
        {
            "pairs =": "each pair of neighbours as one number: row · v + column",
            "counts =": "how often each pair came, plus a little",
            "self.embed.weight.copy_": "each row adds up to 1; its logarithms are the logits",
        },
        only=("pairs =", "self.embed.weight.copy_"),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    Shannon went on: look up what followed the last *two* letters, the last three, and write by drawing from that. Here is a
    page of *Alice in Wonderland*, or paste any text.
    """)
    return


@app.cell(hide_code=True)
def _():
    copying = Predict(
        "language-models/twelve-back",
        "We count one page, and look **12** letters back. What does the model write?",
        choices=[
            "long stretches of the page, word for word",
            "better English than with 2 letters back",
            "a jumble of letters",
        ],
        answer="long stretches of the page, word for word",
        wrong={
            "better English than with 2 letters back": "It looks better, for it is the author's own.",
            "a jumble of letters": "A jumble needs a choice, and there is hardly one.",
        },
        why="Nearly every row of twelve letters stands there once. What followed it then is all that can follow it.",
    )
    copying
    return (copying,)


@app.function
@functools.lru_cache(maxsize=64)
def table(text: str, back: int) -> dict[str, Counter[str]]:
    """What followed each row of `back` letters in a text, and how often; after the end comes the beginning."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    text += text[:back]
    for i in range(back, len(text)):
        found[text[i - back : i]][text[i]] += 1
    return dict(found)


@app.function
def written(text: str, back: int, length: int = 240) -> str:
    """A text drawn from the counts, from the first letters of `text` on."""
    draw, counts, out = random.Random(3), table(text, back), text[:back]
    while len(out) < length:
        row = counts[out[len(out) - back :]]
        out += draw.choices(list(row), list(row.values()))[0]
    return out


@app.function
def longest_copy(out: str, text: str) -> int:
    """The length of the longest stretch of `out` that stands in `text`."""
    best = 0
    for start in range(len(out)):
        while start + best < len(out) and out[start : start + best + 1] in text:
            best += 1
    return best


@app.function
@functools.lru_cache(maxsize=8)
def surprises(read: str, new: str) -> list[tuple[float, float]]:
    """For 0 to 12 letters back: bits a letter on `new` after counting `read`, with 0.1 added to every count; and how many of
    its rows of letters were never met, from 0 to 1."""
    v, found = len(set(read + new)), []
    for back in range(13):
        counts, bits, strange = table(read, back), 0.0, 0
        for i in range(back, len(new)):
            row = counts.get(new[i - back : i], Counter())
            strange += not row
            bits -= math.log2((row[new[i]] + 0.1) / (row.total() + 0.1 * v))
        found.append((bits / (len(new) - back), strange / (len(new) - back)))
    return found


@app.cell(hide_code=True)
def _():
    page = mo.ui.text_area(value=ALICE, label="The text that is counted", rows=4, full_width=True)
    back = mo.ui.slider(0, 12, value=1, label="letters looked back", show_value=True)
    return back, page


@app.cell(hide_code=True)
def _(back, copying, page):
    mo.stop(not copying.revealed, copying.waiting)
    mo.vstack([copying.reply, page, back])
    return


@app.cell(hide_code=True)
def _(back, copying, page):
    mo.stop(not copying.revealed)
    _own = " ".join(page.value.split())
    _text = _own if len(_own) >= 100 else ALICE  # a fifth of it has to be longer than the 12 letters looked back
    _cut = len(_text) * 4 // 5
    _rows = surprises(_text[:_cut], _text[_cut:])
    _out = written(_text, back.value)
    fig_back, _axis = plt.subplots(figsize=(4.2, 2.3))
    _axis.bar(range(13), [bits for bits, _ in _rows], color=[BLUE if n == back.value else GREY for n in range(13)])
    for _n, (_bits, _) in enumerate(_rows):
        _axis.text(_n, _bits, f"{_bits:.1f}", ha="center", va="bottom")
    _axis.set(xlabel="letters looked back", ylabel="bits a letter, new text", ylim=(0, 7), xticks=range(13))
    fig_back.tight_layout()
    mo.vstack(
        [
            mo.Html(
                '<div style="min-height:10rem;max-width:37rem;margin:auto;font-family:ui-monospace,monospace;'
                f'font-size:0.85rem;overflow-wrap:anywhere;line-height:1.5">{html.escape(_out)}</div>'
            ),
            mo.md(
                f"{'' if _text == _own else 'That is too short to count: 100 letters are needed, and this is Alice again. '}"
                f"Longest stretch copied letter for letter: **{longest_copy(_out, _text)}** of {len(_out)}. Below, it counts four fifths of "
                f"the page and guesses the rest. Looking {back.value} back, **{_rows[back.value][1]:.0%}** of the letters there come "
                "after something it never met."
            ),
            inked(
                f"Bits of surprise a letter on new text, looking 0 to 12 letters back: "
                f"{', '.join(f'{bits:.1f}' for bits, _ in _rows)}",
                fig_back,
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(copying):
    mo.stop(not copying.revealed)
    prose(r"""
    Two letters help. Further back, what it writes looks better still, and what it *knows* gets worse: no library holds all rows
    of twelve letters. To a table, *the cat sat* says nothing about *the dog sat*. So Bengio and others ([[@neural-lm]]) replaced the table by a
    network: each word becomes a learned vector, its [[embedding]], from which a few layers guess the next word. Cat and dog
    are used alike, so their vectors come to lie close together, and what is learned of one holds for the other. But how
    far it looked back was still fixed.
    """)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## A memory

    A [[recurrent network]] has no fixed window. It keeps a vector, the [[hidden state]] $h$, and at each letter computes the
    next state from the last one and the letter's embedding $x$:

    $$h_t = \tanh(W h_{t-1} + U x_t)$$

    $W$ and $U$ are tables of [[weight|weights]], the same at every step, and $\tanh$ squeezes each number between −1 and 1. On
    paper the first letter of a book can decide the last.

    Take a state of one number and leave out the $\tanh$: $h_t = 0.5\,h_{t-1} + x_t$. A letter counts 1 when it comes, one step
    later 0.5, then 0.25; after ten 0.001. Learning goes the same way back: the [[gradient]], which says how an earlier
    letter should have been read, is multiplied by 0.5 at each step.
    """)
    return


@app.cell(hide_code=True)
def _():
    fading = Predict(
        "language-models/hundred-steps",
        "Not 0.5 but **0.9**. How much of a letter is left after 100 steps?",
        choices=["about a tenth", "about a thousandth", "about 1/40,000"],
        answer="about 1/40,000",
        wrong={
            "about a tenth": "That is so after 22 steps already.",
            "about a thousandth": "That is so after 66 steps.",
        },
        why="0.9¹⁰⁰ is 0.000027. And 1.1¹⁰⁰ is 13,781.",
    )
    fading
    return (fading,)


@app.function
@functools.lru_cache(maxsize=256)
def felt(text: str, radius: float, kept: float, squeezed: bool) -> list[float]:
    """How strongly the last state depends on each letter, relative to the last one.

    A random network of 64 units reads the text: h' = kept · h + (1 - kept) · f(W h + U x), where f is tanh or nothing, and W is
    scaled to the spectral radius `radius`. The length of the gradient of one direction of the last state in each letter's
    embedding.
    """
    draw = torch.Generator().manual_seed(2)
    w = torch.randn(64, 64, generator=draw, dtype=torch.float64)
    w *= radius / torch.linalg.eigvals(w).abs().max()
    u = 0.3 * torch.randn(64, 64, generator=draw, dtype=torch.float64) / 8
    letters = torch.randn(128, 64, generator=draw, dtype=torch.float64)
    x = letters[[ord(c) % 128 for c in text]].requires_grad_()
    h = torch.zeros(64, dtype=torch.float64)
    for x_t in x:
        fresh = w @ h + u @ x_t
        h = kept * h + (1 - kept) * (torch.tanh(fresh) if squeezed else fresh)
    (h @ torch.randn(64, generator=draw, dtype=torch.float64)).backward()
    assert x.grad is not None
    sizes = x.grad.norm(dim=1)
    return (sizes / sizes[-1]).tolist()


@app.function
def told(times: float) -> str:
    """A factor to two digits, in words: 1/8,100 of, 0.26 times, 270 times."""
    if times < 1e-9:
        return "less than a billionth of"
    if times > 1e9:
        return "more than a billion times"
    rounded = float(f"{times if times >= 0.1 else 1 / times:.2g}")
    return f"{rounded:,.12g} times" if times >= 0.1 else f"1/{rounded:,.12g} of"


@app.function
def strip(text: str, sizes: list[float]) -> str:
    """The letters on their grounds: full blue at 1, none at a thousandth; orange above 1, full at a thousand."""
    letters = []
    for letter, size in zip(text, sizes, strict=True):
        far = math.log10(max(size, 1e-12)) / 3
        colour, share = ("#3b82c4", max(0.0, 1 + far)) if far <= 0.02 else ("#e07b1a", min(1.0, 0.3 + far))
        ground = f"color-mix(in srgb, {colour} {100 * share:.0f}%, transparent)"
        letters.append(
            f'<span style="white-space:pre-wrap;padding:0.25rem 0;background:{ground}">{html.escape(letter)}</span>'
        )
    return f'<div style="line-height:2.2;max-width:37rem;margin:auto">{"".join(letters)}</div>'


@app.cell(hide_code=True)
def _(fading):
    mo.stop(not fading.revealed, fading.waiting)
    mo.vstack(
        [
            fading.reply,
            prose(r"""
            What decides is by how much $W$ stretches a vector again and again, its [[spectral radius]]. A random network with a
            state of 64 numbers reads your sentence. Each letter is as blue as the last state depends on it, by the
            gradient: full blue like the last letter, none at a thousandth of that, orange *more*. Move the stretch past 1;
            then let $\tanh$ squeeze. Leave *kept* for later.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    sentence = mo.ui.text(
        value="The animal that ran across the wide and busy street this morning was tired",
        label="Your sentence",
        full_width=True,
    )
    radius = mo.ui.slider(0.5, 1.5, value=0.9, step=0.1, label="stretch of W", show_value=True)
    squeezed = mo.ui.switch(value=False, label="squeezed by tanh")
    kept = mo.ui.slider(steps=[0, 0.5, 0.8, 0.9, 0.95, 0.99], value=0, label="kept", show_value=True)
    return kept, radius, sentence, squeezed


@app.cell(hide_code=True)
def _(fading, kept, radius, sentence, squeezed):
    mo.stop(not fading.revealed)
    mo.vstack([sentence, mo.hstack([radius, squeezed, kept], justify="start", gap=2, wrap=True)])
    return


@app.cell(hide_code=True)
def _(fading, kept, radius, sentence, squeezed):
    mo.stop(not fading.revealed)
    _text = sentence.value[-160:] if len(sentence.value) > 4 else "The animal was tired"
    _sizes = felt(_text, radius.value, kept.value, squeezed.value)
    fig_fade, _axis = plt.subplots(figsize=(4.2, 2.3))
    _axis.semilogy(range(len(_sizes) - 1, -1, -1), _sizes, color=BLUE)
    _axis.set(xlabel="letters back", ylabel="gradient, last letter = 1", ylim=(1e-8, 1e8))
    _axis.axhline(1, color=GREY, linewidth=0.8)
    _axis.invert_xaxis()
    fig_fade.tight_layout()
    mo.vstack(
        [
            mo.Html(strip(_text, _sizes)),
            inked(
                f"The gradient by letters back, the last letter as 1: {_sizes[0]:.1e} for the first letter of the sentence",
                fig_fade,
            ),
            mo.md(
                f"The gradient at the first letter, {len(_text) - 1} steps back, is **{told(_sizes[0])}** that at the last."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(fading):
    mo.stop(not fading.revealed)
    prose(r"""
    Below 1 the gradient *vanishes*: the network cannot find out that a letter long ago mattered. Above 1 it can *explode*, and one
    step of training ruins all weights. It need not: at 1.1, squeezed by $\tanh$, it vanishes too
    ([[@rnn-difficulty|Pascanu, Mikolov and Bengio]]). Their cure for the explosion is [[clipping]]: a gradient longer
    than some limit is shortened to it. What has vanished, that does not bring back.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.accordion(
        {
            "Measured: the claim `rnn-gradients`": mo.md(result_of("rnn-gradients")),
            "Measured: the claim `gradient-clipping`": mo.md(result_of("gradient-clipping")),
        }
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Gates

    Now move *kept* above. Of each number in the state the share $z$ stays as it is, and only the rest is written anew. With
    $z = 0.99$, 0.37 is left after 100 steps.

    But a name should be kept, and forgotten at the end of its story. So let the network *compute* $z$ at each step, one for
    each number of the state, from what it reads and remembers: a [[gate]]. In the *gated recurrent unit*, GRU
    ([[@gru]]), with $c$ for what would be written and $\odot$ for number by number:

    $$\begin{aligned} z &= \sigma(W_z x_t + U_z h_{t-1}) \\ h_t &= z \odot h_{t-1} + (1 - z) \odot c \end{aligned}$$

    $\sigma(a) = 1 / (1 + e^{-a})$, the *sigmoid*, makes a share between 0 and 1 of any number. $c$ is the old formula with one more gate,
    $r$, which says how much of the old state it may see.

    By hand: $h = (0.8,\ -0.3)$, $c = (0.1,\ 0.9)$, $z = (1,\ 0)$ gives $(0.8,\ 0.9)$. The first number is kept, the second
    overwritten. The first picture, opened; its head makes the scores:
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.Html(f'<div style="max-width:24rem;margin:auto">{diagram("gru", level="blocks", lit=("mixer",)).svg()}</div>')
    return


@app.cell(hide_code=True)
def _():
    after(
        "language-models/gru",
        lambda: noted(
            gru_step,
            {
                "r = torch.sigmoid": "how much of it the candidate sees",
                "z = torch.sigmoid": "how much of the state is kept",
                "candidate =": "what would be written",
                "return z * h": "kept, or overwritten",
            },
            only=("r = torch.sigmoid", "return z * h"),
        ),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    Older is the *long short-term memory*, LSTM ([[@lstm]]). Its *cell* is only added to; gates say what to
    write, what to keep and what to show:
    """)
    return


@app.cell(hide_code=True)
def _():
    noted(
        lstm_step,
        {
            "i, f, g, o =": "three gates, and what would be written",
            "c = torch.sigmoid(f) * c": "keep by f, write by i: nothing shrinks at f = 1",
            "return torch.sigmoid(o)": "what of the cell is shown",
        },
        only=("i, f, g, o =", "return torch.sigmoid(o)"),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    This trained GRU of ours turns number words into digits. Five of its 128 numbers are drawn: above, what their gates keep at
    each letter; below, what is left of the chosen letter. Some forget within two letters, one holds on.
    (*Ahead* and *back* read from either side; *decoder.cell* writes the digits.)
    """)
    return


@app.function
@functools.cache
def numbers():
    """The GRU that reads number words."""
    return zoo.load("numbers-gru")


@app.cell(hide_code=True)
def _():
    number = mo.ui.text(value="four hundred and twenty-two", label="A number in words", full_width=True)
    gates = look.decay(numbers(), "four hundred and twenty-two").widget(layer=0)
    mo.vstack([number, mo.ui.anywidget(gates)])
    return gates, number


@app.cell(hide_code=True)
def _(gates, number):
    mo.md(new_data(gates, lambda: look.decay(numbers(), number.value)) if number.value.strip() else "")
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## From probabilities to text

    Somebody has to choose. Always the likeliest ([[greedy]]) goes round in circles. Drawing ([[sampling]]) now and then
    takes a letter that fits nowhere: each is unlikely, but there are many. People turn dials. The [[temperature]] divides the
    logits: at 0.5 every ratio of probabilities is squared, 3 to 1 becomes 9 to 1. *Top-k* keeps the $k$ likeliest,
    *top-p* the fewest that reach $p$ together: of 0.6, 0.25, 0.1 and 0.05, top-2 keeps two, and top-p at 0.9 three, for
    0.85 is not yet enough. To draw, lay what is left side by side on a line and let a random number fall on it. (The other
    dials are relatives: leave them off.)
    """)
    return


@app.cell(hide_code=True)
def _():
    beginning = mo.ui.text(value="To be, or not to b", label="What was read", full_width=True)
    dials = look.sampling(shakespeare(), "To be, or not to b", n=12).widget()
    mo.vstack([beginning, mo.ui.anywidget(dials)])
    return beginning, dials


@app.cell(hide_code=True)
def _(beginning, dials):
    mo.md(new_data(dials, lambda: look.sampling(shakespeare(), beginning.value, n=12)) if beginning.value else "")
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Kept, and still on the way

    A gate keeps a letter, but the letter still has to pass every step in between, in one vector with all others.
    [[attention|Attention]], two lessons on, goes back and looks.

    ## What went wrong before, what goes wrong today
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            story(
                "language-models/tbptt",
                "The training that became slower with every step",
                """
                A book is read in pieces, the state is handed on, and learning stays within a piece (*truncated backpropagation through
                time*). At the second piece PyTorch complains: *Trying to backward
                through the graph a second time*. It proposes `retain_graph=True`, and the error is gone. Now every step is
                slower than the last one: each [[backward pass]] walks back to the first letter of the book. `h = h.detach()`
                between pieces keeps what the state remembers and cuts its past.
                """,
            ),
            story(
                "language-models/sampling",
                "A chat that broke only when it was sure",
                """
                Top-p with 0.9 had run for weeks; then, after *New Yor*, probabilities that are no numbers. The code kept
                tokens as long as their sum was *below* 0.9. Where the best one alone has 0.97, none is left. The token with
                which 0.9 is reached has to stay.
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
    foot("language-models")
    return


if __name__ == "__main__":
    app.run()
