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

    Cover the rest of this sentence: *The animal didn't cross the str*. You know the next letter. You do not know the one after
    *The animal didn't cross the*, but you know that it is no `q`. In 1948 Claude Shannon ([[@shannon]]) made a measure of this:
    how *surprised* is one, on average, by the next letter?

    A [[language model]] is a machine that plays the game. It reads what is there and gives every symbol that could come next
    a probability. A chatbot is one too: it guesses, writes its guess down, and reads on. Its pieces of text are mostly parts of
    words, called [[token|tokens]]; here they are single letters. All language models have the shape of this picture, which is drawn from a
    model's own code. What was read goes in, a score for each possible next symbol comes out. (A score is called a
    [[logit]]; the [[softmax]] makes probabilities of the scores.) This lesson is about what people have put in the middle.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.ui.anywidget(diagram("gru", level="whole", lit=("mixer",)).widget())
    return


@app.cell(hide_code=True)
def _():
    said = mo.ui.text(value="To be, or not to be: what is the answer?", label="Your sentence", full_width=True)
    mo.vstack(
        [
            prose(r"""
            Here a real one plays, on your words: a small network of ours that has read the plays of Shakespeare, letter by letter.
            The darker the ground, the more the letter surprised it. Click on one, or walk with the arrow keys: the bars are what
            it held likely there.
            """),
            said,
        ]
    )
    return (said,)


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
        return str(error)
    return ""


@app.cell(hide_code=True)
def _():
    played = look.tokens(shakespeare(), "To be, or not to be: what is the answer?").widget()
    mo.ui.anywidget(played)
    return (played,)


@app.cell(hide_code=True)
def _(played, said):
    mo.md(new_data(played, lambda: look.tokens(shakespeare(), said.value)) if len(said.value) > 1 else "")
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Surprise, by hand

    A model gives the three letters of a word the probabilities 1/2, 1/4 and 1/8. A coin that shows heads is one [[bit]] of
    surprise: probability 1/2. Probability 1/4 is two coins, two bits, and 1/8 is three. On average (1 + 2 + 3) / 3 = **2 bits a
    letter**: as unsure as one who picks evenly among $2^2 = 4$ letters. That 4 is called the [[perplexity]]. For $n$ symbols
    $x_1 \dots x_n$:

    $$\text{surprise} = \frac1n \sum_{i=1}^{n} -\log_2\, p(x_i \mid x_1 \dots x_{i-1})$$

    The bar reads "given". In training the same number is the [[loss]], called [[cross entropy]], with the natural logarithm:
    then its unit is the [[nat]], and 1 nat is 1.44 bits. Even a perfect model stays above 0, for nobody knows what you will say
    next. What remains for it is the [[entropy]] of the language; no model gets below that on new text.

    ## Counting

    The first language model was a table. Read *banana* and note what follows each letter: after `a` came `n`, twice; after
    `n` came `a`, twice; after `b` came `a`. So after `a` it says `n`, with certainty. And *nab*? After `a`
    the letter `b` has never been seen: probability 0, surprise infinite, and a single such letter ruins every average. So add 1 to
    every count: `b` after `a` has then (0 + 1) / (2 + 3) = 1/5, which is 2.3 bits. The model of pairs is called *bigram*, and
    this is all its training:
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
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    Shannon went on from pairs: look up the last *two* letters, the last three, and so on, and write by drawing each letter with its
    probability. He did it by hand, with a book from the shelf. You have a page of *Alice in Wonderland*, or any text you like.
    """)
    return


@app.cell(hide_code=True)
def _():
    copying = Predict(
        "language-models/eight-back",
        "We count on this one page, and look **8** letters back. What does the model write?",
        choices=["the page itself, word for word", "better English than with 2 letters back", "a jumble of letters"],
        answer="the page itself, word for word",
        wrong={
            "better English than with 2 letters back": "It looks better, for it is Carroll's: nothing in it is new.",
            "a jumble of letters": "A jumble needs a choice. After eight letters there is hardly ever one.",
        },
        why="Nearly every row of eight letters stands on the page once only. What followed it then is all that can follow it.",
    )
    copying
    return (copying,)


@app.function
@functools.lru_cache(maxsize=64)
def table(text: str, back: int) -> dict[str, Counter[str]]:
    """What followed each row of `back` letters in a text, and how often."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for i in range(back, len(text)):
        found[text[i - back : i]][text[i]] += 1
    return dict(found)


@app.function
def written(text: str, back: int, length: int = 260) -> str:
    """A text drawn from the counts, from the first letters of `text` on."""
    draw, counts, out = random.Random(3), table(text, back), text[:back]
    while len(out) < length and (row := counts.get(out[len(out) - back :])):
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
def surprise(read: str, new: str, back: int) -> tuple[float, float]:
    """Bits a letter on `new` after counting `read`, with 0.1 added to every count; and the share of rows never met."""
    counts, v = table(read, back), len(set(read + new))
    bits, strange = 0.0, 0
    for i in range(back, len(new)):
        row = counts.get(new[i - back : i], Counter())
        strange += not row
        bits -= math.log2((row[new[i]] + 0.1) / (row.total() + 0.1 * v))
    return bits / max(1, len(new) - back), strange / max(1, len(new) - back)


@app.cell(hide_code=True)
def _():
    page = mo.ui.text_area(value=ALICE, label="The text that is counted", rows=5, full_width=True)
    back = mo.ui.slider(0, 8, value=1, label="letters looked back", show_value=True)
    return back, page


@app.cell(hide_code=True)
def _(back, copying, page):
    mo.stop(not copying.revealed, copying.waiting)
    mo.vstack([copying.reply, page, back])
    return


@app.cell(hide_code=True)
def _(back, copying, page):
    mo.stop(not copying.revealed)
    _text = " ".join(page.value.split()) if len(page.value.split()) > 20 else ALICE
    _cut = len(_text) * 4 // 5
    _rows = [surprise(_text[:_cut], _text[_cut:], n) for n in range(9)]
    _out = written(_text, back.value)
    fig_back, _axis = plt.subplots(figsize=(7.2, 2.4))
    _axis.bar(range(9), [bits for bits, _ in _rows], color=["#3b6ea5" if n == back.value else "0.8" for n in range(9)])
    for _n, (_bits, _) in enumerate(_rows):
        _axis.text(_n, _bits, f"{_bits:.1f}", ha="center", va="bottom")
    _axis.set(xlabel="letters looked back", ylabel="bits a letter, new text", ylim=(0, 7), xticks=range(9))
    fig_back.tight_layout()
    mo.vstack(
        [
            mo.Html(
                '<div style="min-height:10rem;max-width:37rem;font-family:ui-monospace,monospace;font-size:0.85rem;'
                f'overflow-wrap:anywhere;line-height:1.5">{html.escape(_out)}</div>'
            ),
            mo.md(
                f"Longest stretch copied letter for letter: **{longest_copy(_out, _text)}** of {len(_out)}. Below, the first "
                f"four fifths of the page are counted and the last fifth is guessed: of its rows of {back.value} letters "
                f"**{_rows[back.value][1]:.0%}** were never met before."
            ),
            fig_back,
        ]
    )
    return


@app.cell(hide_code=True)
def _(copying):
    mo.stop(not copying.revealed)
    prose(r"""
    What it writes gets better as you look further back, and what it *knows* gets worse. There are $27^8$, 280 billion, rows of
    eight letters and blanks, and no library holds them all. To a table, *the cat sat* says nothing about *the dog sat*.

    That was the complaint of Bengio and others in 2003 ([[@neural-lm]]), who replaced the table by a network. Each word
    becomes a vector that is learned, its [[embedding]], and a few layers guess the next word from the vectors of the last few.
    Cat and dog are used alike, so their vectors come to lie close together, and what was learned of one holds for the other. But
    how far it looks back was still fixed beforehand.
    """)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## A memory

    A [[recurrent network]] has no fixed window. It keeps a vector, the [[hidden state]] $h$, and at each letter it computes the
    next state from the last one and the letter's embedding $x$:

    $$h_t = \tanh(W h_{t-1} + U x_t)$$

    $W$ and $U$ are tables of [[weight|weights]], the same at every step, and $\tanh$ squeezes each number between −1 and 1. Nothing says
    when to forget: on paper the first letter of a book can decide the last. Why did it not in practice?

    Take a state of one number and leave out the $\tanh$: $h_t = 0.5\,h_{t-1} + x_t$. A letter counts 1 when it comes, one step
    later 0.5, then 0.25. After ten steps it is 0.001. And learning goes the same way back: the [[gradient]], which says how each earlier
    letter should have been read, is multiplied by the same 0.5 at each step.
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
        why="0.9 multiplied by itself 100 times is 0.000027. With 1.1 it would be 13,781.",
    )
    fading
    return (fading,)


@app.cell(hide_code=True)
def _():
    sentence = mo.ui.text(
        value="The animal that ran across the wide and busy street this morning was tired",
        label="Your sentence",
        full_width=True,
    )
    radius = mo.ui.slider(0.5, 1.5, value=0.9, step=0.1, label="stretch of W", show_value=True)
    kept = mo.ui.slider(steps=[0, 0.5, 0.8, 0.9, 0.95, 0.99], value=0, label="kept unchanged", show_value=True)
    return kept, radius, sentence


@app.function
@functools.lru_cache(maxsize=256)
def felt(text: str, radius: float, kept: float) -> list[float]:
    """How strongly the last state depends on each letter, relative to the last one.

    A random network of 64 units reads the text: h' = kept · h + (1 - kept) · tanh(W h + U x), W scaled to the spectral
    radius `radius`. The length of the gradient of one direction of the last state in each letter's embedding.
    """
    draw = torch.Generator().manual_seed(2)
    w = torch.randn(64, 64, generator=draw, dtype=torch.float64)
    w *= radius / torch.linalg.eigvals(w).abs().max()
    u = 0.3 * torch.randn(64, 64, generator=draw, dtype=torch.float64) / 8
    letters = torch.randn(128, 64, generator=draw, dtype=torch.float64)
    x = letters[[ord(c) % 128 for c in text]].requires_grad_()
    h = torch.zeros(64, dtype=torch.float64)
    for x_t in x:
        h = kept * h + (1 - kept) * torch.tanh(w @ h + u @ x_t)
    (h @ torch.randn(64, generator=draw, dtype=torch.float64)).backward()
    assert x.grad is not None
    sizes = x.grad.norm(dim=1)
    return (sizes / sizes[-1]).tolist()


@app.function
def strip(text: str, sizes: list[float]) -> str:
    """The letters, each on a ground as strong as it is felt: full at 1, nothing at a millionth."""
    shown = "".join(
        f'<span style="white-space:pre-wrap;padding:0.25rem 0;background:color-mix(in srgb, #3b82c4 '
        f'{100 * min(1.0, max(0.0, 1 + math.log10(max(size, 1e-12)) / 6)):.0f}%, transparent)">{html.escape(letter)}</span>'
        for letter, size in zip(text, sizes, strict=True)
    )
    return f'<div style="line-height:2.2;font-size:1.05rem;max-width:44rem">{shown}</div>'


@app.cell(hide_code=True)
def _(fading, kept, radius, sentence):
    mo.stop(not fading.revealed, fading.waiting)
    mo.vstack(
        [
            fading.reply,
            prose(r"""
            With 64 numbers in the state, $W$ is a table, and what counts is the most by which it stretches a vector again and
            again, its [[spectral radius]]. Below, a network of 64 random units reads your sentence, and each letter is as blue as the
            last state feels it: full blue is as strongly as the last letter, white a millionth of that. Move the first
            control past 1. Leave the second one for later.
            """),
            sentence,
            mo.hstack([radius, kept], justify="start", gap=3, wrap=True),
        ]
    )
    return


@app.cell(hide_code=True)
def _(fading, kept, radius, sentence):
    mo.stop(not fading.revealed)
    _text = sentence.value[-160:] if len(sentence.value) > 4 else "The animal was tired"
    _sizes = felt(_text, radius.value, kept.value)
    fig_fade, _axis = plt.subplots(figsize=(7.2, 2.4))
    _axis.semilogy(range(len(_sizes) - 1, -1, -1), _sizes, color="#3b6ea5")
    _axis.set(xlabel="letters back", ylabel="felt, relative to the last", ylim=(1e-12, 1e4))
    _axis.axhline(1, color="0.7", linewidth=0.8)
    _axis.invert_xaxis()
    fig_fade.tight_layout()
    mo.vstack(
        [
            mo.Html(strip(_text, _sizes)),
            fig_fade,
            mo.md(
                f"The first letter, {len(_text) - 1} steps back, is felt **{_sizes[0]:.1e}** times as strongly as the last."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(fading):
    mo.stop(not fading.revealed)
    mo.vstack(
        [
            prose(r"""
            Below 1 the gradient *vanishes*: the network cannot find out that a letter long ago mattered, even if it did. Above 1 it can
            *explode*, and one step of training throws all weights far off. (Here $\tanh$ tames it: where it squeezes, it
            stretches less. That it *can*, not that it must, is what Pascanu, Mikolov and Bengio showed, [[@rnn-difficulty]].) Their
            cure for the explosion is [[clipping]]: where the gradient is longer than a limit, shorten it to the limit. What
            has vanished it cannot bring back. Both were measured for this lesson; open the tables.
            """),
            mo.accordion(
                {
                    "Claim `rnn-gradients`: the stretch decides": mo.md(result_of("rnn-gradients")),
                    "Claim `gradient-clipping`: what clipping saves": mo.md(result_of("gradient-clipping")),
                }
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## Gates

            Now move the second control above. It mixes: of each number in the state, a share $z$ stays as it is, and only the rest
            is written anew. With $z = 0.99$ a letter fades by 0.99 a step, and after 100 steps more than a third is left.

            But a share fixed for ever is a poor memory: at a full stop one would rather forget, and a name one would keep. So let
            the network *compute* $z$ at each step, one for each number of the state, from what it reads and what it remembers. That is
            a [[gate]]. In the *gated recurrent unit* or GRU ([[@gru]]), with $c$ for what would be written, and $\odot$ for number by
            number:

            $$h_t = z \odot h_{t-1} + (1 - z) \odot c$$

            By hand: $h = (0.8,\ -0.3)$, $c = (0.1,\ 0.9)$, $z = (1,\ 0)$. The first number is kept, 0.8; the second is
            overwritten, 0.9. In this diagram of the whole model the cell sits where the table was.
            """),
            mo.ui.anywidget(diagram("gru", level="blocks", lit=("mixer",)).widget()),
            after(
                "language-models/gru",
                lambda: noted(
                    gru_step,
                    {
                        "r = torch.sigmoid": "how much of the state the candidate sees",
                        "z = torch.sigmoid": "how much of the state is kept",
                        "candidate =": "what would be written",
                        "return z * h": "kept where z is 1, overwritten where it is 0",
                    },
                    only=("r = torch.sigmoid", "return z * h"),
                ),
            ),
            prose(r"""
            The older sister is the *long short-term memory* of 1997, LSTM ([[@lstm]]). Its *cell* is only ever added to; one gate
            says what to write, one what to keep, one what to show:
            """),
            noted(
                lstm_step,
                {
                    "i, f, g, o =": "one product for three gates and what would be written",
                    "c = torch.sigmoid(f) * c": "keep by f, write by i: a sum, so nothing shrinks at f = 1",
                    "return torch.sigmoid(o)": "what of the cell is shown",
                },
                only=("i, f, g, o =", "return torch.sigmoid(o)"),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    number = mo.ui.text(value="four hundred and twenty-two", label="A number in words")
    mo.vstack(
        [
            prose(r"""
            Do trained gates really do that? This GRU of ours learned to turn number words into digits. Each cell of the picture is
            a gate at a letter, and it says how much of the number there stays. Look for letters at which many gates let go.
            """),
            number,
        ]
    )
    return (number,)


@app.function
@functools.cache
def numbers():
    """The GRU that reads number words."""
    return zoo.load("numbers-gru")


@app.cell(hide_code=True)
def _():
    gates = look.decay(numbers(), "four hundred and twenty-two").widget()
    mo.ui.anywidget(gates)
    return (gates,)


@app.cell(hide_code=True)
def _(gates, number):
    mo.md(new_data(gates, lambda: look.decay(numbers(), number.value)) if number.value.strip() else "")
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## From probabilities to text

    A model gives probabilities; somebody has to choose. Always the likeliest ([[greedy]]) is dull and goes round in circles. Drawing by
    probability ([[sampling]]) now and then takes a letter that fits nowhere: each is unlikely, but there are many. So people turn
    dials. The [[temperature]] $T$ divides the logits before the softmax; *top-k* keeps the $k$ likeliest; *top-p* keeps the
    fewest that reach the probability $p$ together.
    """)
    return


@app.cell(hide_code=True)
def _():
    colder = Predict(
        "language-models/temperature",
        "A model gives `e` 60 % and `u` 20 %: three times as likely. At temperature **0.5**, how many times as likely is `e`?",
        answer="9",
        why="Half the temperature is twice the logits, and so every ratio is squared: 3² = 9. At temperature 2 it would be √3.",
    )
    colder
    return (colder,)


@app.cell(hide_code=True)
def _(colder):
    mo.stop(not colder.revealed, colder.waiting)
    beginning = mo.ui.text(value="To be, or not to b", label="What was read", full_width=True)
    mo.vstack([colder.reply, beginning])
    return (beginning,)


@app.cell(hide_code=True)
def _(colder):
    mo.stop(not colder.revealed)
    dials = look.sampling(shakespeare(), "To be, or not to b", n=12).widget()
    mo.ui.anywidget(dials)
    return (dials,)


@app.cell(hide_code=True)
def _(beginning, dials):
    mo.md(new_data(dials, lambda: look.sampling(shakespeare(), beginning.value, n=12)) if beginning.value else "")
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## Kept, and still on the way

            A gate keeps a letter, but the letter still has to pass through every step in between, squeezed into one vector with all
            others. [[attention|Attention]], three lessons on, does without the passage: it goes back and looks.

            ## What went wrong before, what goes wrong today
            """),
            story(
                "language-models/tbptt",
                "The training that became slower with every step",
                """
                A text is long, so it is read in pieces of a hundred letters, and the state is handed from one to the next. At the second
                piece PyTorch complains: *Trying to backward through the graph a second time*. The message itself proposes
                `retain_graph=True`, and with it the error is gone. Now the first step takes a tenth of a second, the hundredth ten,
                and then the memory is full. The state still carries its whole past, and each [[backward pass]] walks back to the
                first letter of the book. `h = h.detach()` between two pieces makes it a mere number: it remembers, but its past is no
                longer asked.
                """,
            ),
            story(
                "language-models/sampling",
                "A chat that broke only when it was sure",
                """
                Top-p with 0.9 had run for weeks. Then, now and then, an error: probabilities that are not a number. It came at the easiest
                places, after *New Yor*. The code kept tokens as long as their sum was *below* 0.9. Where the best one alone
                has 0.97, none is left, and a softmax over nothing gives nothing. The token with which 0.9 is reached belongs to those
                that stay.
                """,
            ),
            story(
                "language-models/gru",
                "Every shape fitted, and it wrote rubbish",
                """
                Weights trained in one library were loaded into a cell written from a textbook. All shapes fitted, and the text was rubbish.
                In half of the literature $z$ is what is *kept*, in the other half what is *written*: $(1 - z)$ and $z$ change
                places. Trained from nothing both work alike, so no test of the loss finds it. Only a comparison with numbers that
                somebody else computed does.
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
