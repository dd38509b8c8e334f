"""The Transformer of 2017: the lesson. `headway read transformer` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The Transformer of 2017")

with app.setup:
    import functools

    import marimo as mo
    import matplotlib.pyplot as plt
    import torch
    import torch.nn.functional as F

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.blocks.positions import sinusoids
    from headway.learn.inked import BLUE, RUST, inked
    from headway.learn.lesson import Predict, Recall, after, drawn, foot, head, noted, prose, result_of, story
    from headway.look.diagram import diagram
    from headway.models.transformer import DecoderBlock, EncoderBlock, Residual
    from headway.train.schedules import attention_is_all_you_need

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})

    NUMBER = "three hundred and forty-two"
    OTHERS = ("sixty-four thousand and seven", "nineteen", "seven hundred and five")


@app.cell(hide_code=True)
def _():
    head("transformer", "What does a translator look like in which no word has to wait for the word before?")
    return


@app.function
def beside(picture: str, text: str):
    """A drawing with text at its side; on a phone, above it."""
    return mo.Html(
        '<div style="display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; justify-content: center; align-items: center">'
        f'<div style="flex: 0 1 21.5rem; min-width: 0">{picture}</div>'
        f'<div style="flex: 1 1 20rem; max-width: 34rem; min-width: 0">{text}</div></div>'
    )


@app.function
@functools.cache
def house():
    """A Transformer of 2017, small, that reads number words and writes digits; it comes with Headway."""
    return zoo.load("numbers-transformer")


@app.cell(hide_code=True)
def _():
    _text = prose(r"""
    A [[recurrent network]] that translates reads word by word. Its state after word 50 has to wait for that after word 49, so
    nothing is computed side by side and training is slow. And what word 1 had to say must survive 49 updates. [[attention|Attention]]
    had been added as a crutch.

    [[@transformer|Vaswani and seven others]] threw the network away and kept the crutch. On the left the [[encoder]] reads the
    source, on the right the [[decoder]] writes. Each is six equal [[layer|layers]], the dashed frames. The lit boxes are [[attention]],
    the only place where words meet, any two in one step. All else is done to each word alone, so to all at once.

    Trained for three and a half days on eight GPUs, the large version beat every translator from English to German before it by over
    two points of [[BLEU]] (table 2).
    """)
    beside(diagram("transformer", ("attention", "cross"), level="block").svg(), _text.text)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## A real one, on your number

    `numbers-transformer` is this very drawing, smaller: two layers a side, half a million [[weight|weights]], trained by us for five minutes
    to turn number words into digits. It reads letters and writes one digit after the other, each from all it has read and
    what it has written so far. For *three hundred and forty-two* it has written 3. Now comes the 4.
    """)
    return


@app.cell(hide_code=True)
def _():
    four = Predict(
        "transformer/where-the-four-is",
        "The last layer of the decoder looks at the source before it writes the 4. From which letters does it take most?",
        choices=["those of forty", "those of hundred, which say which place comes", "all alike: it has read the whole"],
        answer="those of forty",
        wrong={
            "those of hundred, which say which place comes": "The place matters as well, but in this layer all four heads look at forty.",
            "all alike: it has read the whole": "That is what the one vector of 2014 did, and what attention was made to mend.",
        },
        why="In the picture, the word that takes is the one just written: the row of `3` is where the 4 is decided. Nobody taught "
        "it which letters belong to which digit: such an [[alignment]] pays, so training found it.",
    )
    four
    return (four,)


@app.function
@functools.lru_cache(maxsize=64)
def seen(text: str):
    """Who looks at whom while the model reads and writes `text`."""
    return look.attention(house(), text)


@app.cell(hide_code=True)
def _():
    number = mo.ui.text(value=NUMBER, label="Your number, in words", full_width=True, debounce=400)
    return (number,)


@app.cell(hide_code=True)
def _(four, number):
    mo.stop(not four.revealed, four.waiting)
    lines = seen(NUMBER).widget(layer=5, head=2, row=1)
    mo.vstack([four.reply, number, lines])
    return (lines,)


@app.cell(hide_code=True)
def _(lines, number):
    try:
        _found = seen(number.value.strip() or NUMBER)
        lines.data = _found.packed()
        _wrote = "".join(_found.texts["target"][1:]).replace("⟨end⟩", "")
        _told = f"It writes **{_wrote}**."
    except HeadwayError:
        _told = "It knows only the letters of English number words, written small: *seventy thousand and five*, say."
    mo.md(_told)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## One operation, three places

    Choose other layers in the picture: it has all three kinds.

    | | [[query|queries]] from | [[key|keys]], [[value|values]] from | may not see |
    |---|---|---|---|
    | encoder | the source | the source | [[padding]] |
    | decoder, first | what is written | what is written | what comes later ([[causal mask]]) |
    | decoder, second: [[cross attention]] | what is written | the source, once read | padding |

    In training the whole right answer is put in at once, and the causal mask (the striped part of layer *decoder 0*) keeps each place
    from seeing what it has to guess. So every word is learned from in one pass, and none waits. Only in writing does one
    word have to follow the other.
    """)
    return


@app.cell(hide_code=True)
def _():
    blind = Predict(
        "transformer/without-cross",
        "We switch off the cross attention: it adds nothing any more. The model gets four different numbers. What does it write?",
        choices=["the same number every time", "nothing at all", "numbers of the right length, with wrong digits"],
        answer="the same number every time",
        wrong={
            "nothing at all": "It still has a decoder that has learned what numbers look like.",
            "numbers of the right length, with wrong digits": "How long the number is stands in the source, too.",
        },
        why="Without it no way leads from the source to the decoder. What is left is a [[language model]] of digits, and its likeliest "
        "next digit depends only on what it has written itself.",
    )
    blind
    return (blind,)


@app.cell(hide_code=True)
def _():
    off = mo.ui.dropdown(
        [
            "nothing",
            "cross attention",
            "decoder's own attention",
            "encoder's attention",
            "decoder's feed-forward networks",
        ],
        value="cross attention",
        label="switched off in both layers",
    )
    mo.hstack([off], justify="start")
    return (off,)


@app.function
@functools.cache
def start():
    """The id with which the decoder begins, (1, 1)."""
    return look.trace(house(), "one").feed.ids.reshape(1, -1)[:, :1]


@app.function
@functools.lru_cache(maxsize=256)
def written(text: str, off: str) -> str:
    """What the model writes, the likeliest digit each time, where the modules called `off` (side, name) add nothing."""
    side, name = {
        "nothing": ("decoder", ""),
        "cross attention": ("decoder", "cross"),
        "decoder's own attention": ("decoder", "attn"),
        "encoder's attention": ("encoder", "attn"),
        "decoder's feed-forward networks": ("decoder", "mlp"),
    }[off]
    model, tokenizer = house().model, house().tokenizer
    parts = [getattr(block, name) for block in getattr(model, side)] if name else []
    handles = [part.register_forward_hook(lambda module, given, out: torch.zeros_like(out)) for part in parts]
    try:
        with torch.no_grad():
            source, tokens = torch.tensor([tokenizer.encode(text)]), start()
            said = ""
            while len(said) < 12:
                best = int(model(source, tokens)[0, -1].argmax())
                if best >= tokenizer.vocab_size:
                    break  # start, end and padding come after the characters
                said += tokenizer.decode([best])
                tokens = torch.cat((tokens, torch.tensor([[best]])), 1)
    finally:
        for handle in handles:
            handle.remove()
    return said


@app.cell(hide_code=True)
def _(blind, number, off):
    mo.stop(not blind.revealed, blind.waiting)

    def _row(text: str) -> str:
        try:
            return f"| {text} | {written(text, 'nothing')} | {written(text, off.value) or '(nothing)'} |\n"
        except HeadwayError:
            return "| your number | cannot be read | |\n"

    mo.vstack(
        [
            blind.reply,
            mo.md(
                f"| reads | writes | {'with ' if off.value == 'nothing' else 'without '}{off.value}{' off' if off.value == 'nothing' else ''} |\n|---|---|---|\n"
                + "".join(map(_row, (number.value.strip() or NUMBER, *OTHERS)))
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            Try the others. Without the encoder's attention each letter is read alone, and the places go wrong; without its own, the decoder
            does not know what it has written: some numbers it never begins, to another it adds a digit.
            """),
            after(
                "transformer/decoder",
                lambda: noted(
                    DecoderBlock,
                    {
                        "mask = span.mask": "the causal mask, or with padding both",
                        "self.attn_sum(x, look_back)": "first: what was written so far",
                        "self.cross_sum(x": "second: the source",
                        "self.mlp_sum(x": "then each position by itself",
                    },
                    only=("def look_back", "return self.after_mlp"),
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _drawing = diagram("transformer", ("mlp", "norm", "residual"), level="block")
    _shares = {}
    for _box in _drawing.boxes:
        _kind = {"cross": "attention"}.get(_box.kind, _box.kind)
        _shares[_kind] = _shares.get(_kind, 0) + _box.share
    _x, _said = torch.tensor([3.0, 1.0]), torch.tensor([1.0, -1.0])
    _normed = F.layer_norm(_x + _said, (2,)).tolist()
    _text = prose(rf"""
    ## What is done to each word alone

    **The sum.** No [[sublayer]] replaces a word's vector: it *adds* to it. If the vector is $(3, 1)$ and attention says $(1, -1)$, what
    goes on is $(4, 0)$. What a layer has nothing to say about is kept, and but for the
    norm the [[gradient]] has a straight way back. This is the [[residual stream]].

    **The [[layer norm|norm]].** Then the numbers are brought to mean 0 and spread 1: $(4, 0)$ has mean 2 and spread 2, so
    $({_normed[0]:.0f}, {_normed[1]:.0f})$.

    **The [[feed-forward network]]** (*MLP* in the drawing). Each vector, 512 numbers, becomes 2,048, what is below 0 becomes 0, and back to 512: attention brings
    things together, this works on them. Of all [[weight|weights]] in the drawing {_shares["mlp"]:.0%} are here, {_shares["attention"]:.0%} in
    the attentions, {_shares["embed"]:.0%} in the [[embedding|embeddings]]: one table, used three times, to read the source, to read
    what is written, and as the head that writes ([[weight tying]]).
    """)
    beside(_drawing.svg(), _text.text)
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            noted(
                Residual.forward,
                {
                    "return self.norm(x + self.drop(sublayer(x)))": "2017: the sum, then the norm",
                    "return x + self.drop(sublayer(self.norm(x)))": "nearly all models since",
                },
                only=('self.kind == "post"', "return x + self.drop"),
            ),
            after(
                "transformer/encoder",
                lambda: noted(
                    EncoderBlock,
                    {"self.attn_sum(": "attention, sum, norm", "self.mlp_sum(x": "feed-forward, sum, norm"},
                    only=("x = self.after_attn", "return"),
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _one, _two = (", ".join(f"{value:.2f}" for value in row) for row in sinusoids(torch.tensor([1, 2]), 4).tolist())
    prose(rf"""
    ## Order, as a row of clocks

    Attention does not see order. So a vector that says *where* is added to each word's [[embedding]]:
    the hands of many clocks, the first quick, each next one slower (section 3.5). A hand is a pair, sine and cosine. With two clocks,
    the second a hundred times slower, position 1 is $({_one})$ and position 2 is $({_two})$.

    $$\begin{{aligned}} PE_{{(p, 2i)}} &= \sin\!\big(p / 10000^{{2i/d}}\big) \\ PE_{{(p, 2i+1)}} &= \cos\!\big(p / 10000^{{2i/d}}\big) \end{{aligned}}$$

    $p$ is the position, $d$ the vector's length, $i$ the clock.

    (The embedding is multiplied by $\sqrt{{d}}$ first, 22.6 for 512, or the clocks would drown it.)

    Why clocks? Going $k$ words on turns each hand by the same angle wherever one starts, so *three words back* is one
    matrix for every position. The similarity is a [[dot product]], scaled to 1 for equal ones. Move the position: does it change?
    """)
    return


@app.cell(hide_code=True)
def _():
    place = mo.ui.slider(0, 80, value=30, label="position", show_value=True)
    further = mo.ui.slider(0, 19, value=5, label="words further on", show_value=True)
    mo.hstack([place, further], justify="start", gap=3)
    return further, place


@app.cell(hide_code=True)
def _(further, place):
    _table = sinusoids(torch.arange(100), 64, dtype=torch.float64)
    _like = _table @ _table[place.value] / 32
    fig_waves, _left = plt.subplots(figsize=(2.9, 2.4))
    fig_like, _right = plt.subplots(figsize=(2.9, 2.4))
    _left.imshow(_table, cmap="RdBu", aspect="auto", vmin=-1, vmax=1)
    for _row, _colour in ((place.value, "black"), (place.value + further.value, RUST)):
        _left.axhline(_row, color=_colour, linewidth=1.2)
    _left.set(xlabel="number in the vector", ylabel="position")
    _right.plot(_like, color=BLUE)
    _right.plot(place.value + further.value, _like[place.value + further.value], "o", color=RUST)
    _right.set(xlabel="position", ylabel="similarity", ylim=(-0.1, 1.1))
    fig_waves.tight_layout()
    fig_like.tight_layout()
    mo.vstack(
        [
            mo.hstack(
                [
                    drawn(fig_waves, "Sinusoids: a row for each position, with the two chosen."),
                    inked("How alike each position is to the chosen one.", fig_like),
                ],
                justify="center",
                wrap=True,
            ),
            mo.md(
                f"Positions {place.value} and {place.value + further.value} are alike to **{float(_like[place.value + further.value]):.4f}**, "
                f"as any two are that lie {further.value} apart. Left, a number from −1 (red) to 1 (blue) for each hand."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    after(
        "attention/sinusoids",
        lambda: noted(sinusoids, {"torch.stack": "a sine and its cosine, by turns"}, only=("angles =", "return")),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## How it learned

    The [[learning rate]] rises for 4,000 steps, then falls with the root of the step
    ([[warm-up]], equation 3). And the target is never quite sure: with [[label smoothing]] of 0.1 the right word is to get probability 0.9, and
    0.1 is spread over all words, the right one included.
    """)
    return


@app.cell(hide_code=True)
def _():
    sure = Predict(
        "transformer/smoothing",
        "Smoothing 0.1, 100 words. The model makes the right word's [[logit]] larger and larger than all others. What does its [[loss]] do?",
        choices=["it falls for ever", "it falls, then rises", "it falls, then stays"],
        answer="it falls, then rises",
        wrong={
            "it falls for ever": "Without smoothing it does: a surer model is always a better one, and logits grow without end.",
            "it falls, then stays": "Surer than 0.901 costs: the other 99 words are to keep 0.001 each.",
        },
        why="It is least where the model says exactly what the target says: 0.901 against 0.001, a difference of ln 901 = 6.8 in logits.",
    )
    sure
    return (sure,)


@app.cell(hide_code=True)
def _():
    warm = mo.ui.slider(steps=[100, 1000, 4000, 8000, 16000], value=4000, label="warm-up steps", show_value=True)
    smooth = mo.ui.slider(0.0, 0.5, value=0.1, step=0.05, label="label smoothing", show_value=True)
    mo.hstack([warm, smooth], justify="start", gap=3)
    return smooth, warm


@app.cell(hide_code=True)
def _(smooth, sure, warm):
    mo.stop(not sure.revealed, sure.waiting)
    fig_rate, _left = plt.subplots(figsize=(2.9, 2.4))
    fig_loss, _right = plt.subplots(figsize=(2.9, 2.4))
    _steps = list(range(1, 40001, 100))
    _rates = [1000 * attention_is_all_you_need(n, width=512, warmup=warm.value) for n in _steps]
    _left.plot([n / 1000 for n in _steps], _rates, color=BLUE)
    _left.set(xlabel="thousand steps", ylabel="learning rate, thousandths", ylim=(0, 4.6))
    _margin = torch.linspace(0, 15, 301)
    _logits = torch.zeros(301, 100)
    _logits[:, 0] = _margin
    _loss = F.cross_entropy(_logits, torch.zeros(301, dtype=torch.long), label_smoothing=smooth.value, reduction="none")
    _right.plot(_margin, _loss, color=RUST)
    _right.set(xlabel="lead of the right word's logit", ylabel="loss", ylim=(0, 8))
    fig_rate.tight_layout()
    fig_loss.tight_layout()
    _best = float(_margin[_loss.argmin()])
    _top = attention_is_all_you_need(warm.value, width=512, warmup=warm.value)
    mo.vstack(
        [
            sure.reply,
            inked("The learning rate by step, and the loss by the lead of the right word.", fig_rate, fig_loss),
            mo.md(
                f"The rate peaks at {_top:.2e}. With smoothing {smooth.value:.2f} the loss is least "
                + (f"at a lead of **{_best:.1f}**." if smooth.value else "**nowhere**: a larger lead always pays.")
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            after(
                "transformer/noam",
                lambda: noted(
                    attention_is_all_you_need,
                    {"return width": "the smaller of two: a line up, a root down"},
                    only=("return", "return"),
                ),
            ),
            prose(r"""
            ## How it writes

            [[greedy|Greedily]], the likeliest word each time, it may paint itself into a corner. Say a sentence begins with *A* (0.6) or
            *The* (0.4); after *A* nothing has more than 0.3, after *The* one word has 0.9. Greedy ends with $0.6 \cdot 0.3 =
            0.18$ and has missed $0.4 \cdot 0.9 = 0.36$. So the paper keeps the four likeliest beginnings ([[beam search]]). And as each further
            word makes a sentence less likely, the shortest would win: so the logarithms of the probabilities, all below 0, are divided by
            a power of the length before they are compared (section 6.1).

            ## Measured

            Does it beat what it replaced? Our claim `encdec-vs-rnn` trains it and a recurrent network with attention on number
            words, at the same cost, from ten
            random starts. The Transformer was ahead at each, on average by 19 in 100 numbers:
            """),
            mo.accordion({"What was measured": mo.md(result_of("encdec-vs-rnn"))}),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose("## What goes wrong"),
            story(
                "transformer/decoder",
                "Fine from English to French, hopeless into Japanese",
                """
                A decoder had been copied twice, and its second attention had kept the triangle of the first. Word 3 of the translation
                could see three words of the source. Where the languages run side by side that nearly does; where the verb stands at the other end
                it never can. The source has no future: all of it was given.
                """,
            ),
            story(
                "transformer/greedy",
                "Alone it finishes its sentences, in a batch it stops short",
                """
                Eight sentences were translated together, and seven broke off in the middle: writing ended as soon as *any* row had said the end.

                """,
            ),
            story(
                "transformer/beam",
                "The more we search, the shorter it gets",
                """
                Four beams beat one; with fifty, translations shrank, some to nothing. The search was right: it found what is likeliest, and the
                empty sentence pays for no word at all. Forgotten was the division by length.
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
    foot("transformer")
    return


if __name__ == "__main__":
    app.run()
