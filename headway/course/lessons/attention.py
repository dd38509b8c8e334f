"""Attention: the lesson. `headway read attention` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Attention")

with app.setup:
    import functools
    import math

    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.base.sources import find, state
    from headway.blocks.attention import attend_by_hand, split_heads
    from headway.blocks.masks import causal_mask, padding_mask, window_mask
    from headway.blocks.rotary import rotary_angles, rotate
    from headway.learn.inked import BLUE, GREY, inked
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, result_of, story
    from headway.look.attention import of_trace
    from headway.look.diagram import diagram

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})

    SENTENCE = "The animal didn't cross the street because it was too tired"
    LINES = "ROMEO:\nBut, soft! what light through yonder window breaks?\nIt is the east, and Juliet is the sun.\n"


@app.cell(hide_code=True)
def _():
    head("attention", "How can one word find the other words that matter to it, however far away they stand?")
    return


@app.function
@functools.cache
def reader():
    """The model that reads the sentences: MiniLM, or, where it was never fetched, the small one that comes with Headway."""
    return zoo.load("minilm-l6" if state(find("minilm-l6")) == "present" else "shakespeare-bpe")


@app.function
@functools.lru_cache(maxsize=64)
def read(text: str):
    """One run of that model: who looks at whom, and the queries and keys behind it, (layers of) (h, t, k)."""
    found = look.trace(reader(), " ".join(text.split()[:30]) or SENTENCE)
    return of_trace(found), [(mix.args[0][0], mix.args[1][0]) for mix in found.mixes]


@app.function
def beside(picture: str, text: str):
    """A drawing with text at its side; on a phone, above it."""
    return mo.Html(
        '<div style="display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; justify-content: center; align-items: center">'
        f'<div style="flex: 0 1 20.5rem; min-width: 0">{picture}</div>'
        f'<div style="flex: 1 1 20rem; max-width: 35rem; min-width: 0">{text}</div></div>'
    )


@app.cell(hide_code=True)
def _():
    _text = prose(r"""
    In 2014 a network that translated read a sentence into *one* vector, a fixed row of numbers, and wrote the translation
    from that alone. Fifty words got no more room than five, and long sentences came out badly.

    [[@bahdanau|Bahdanau, Cho and Bengio]] let the writer look back. For each word that it writes it compares what it needs
    with *every* word that it read, and takes an average in which what fits counts most. That is [[attention]].

    In 2017 [[@transformer|Vaswani and seven others]] asked what else a translator needs. Hardly anything: the [[Transformer]] is this one
    operation and a small network at each position, stacked.

    The drawing is read off a real one, MiniLM, from top to bottom: the framed [[layer]] comes six times. A box says how many
    numbers training has set in it, and their share of all. This lesson opens the blue one.
    """)
    beside(diagram("minilm", ("attention",), level="block").svg(), _text.text)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Words that look at words

    Type a sentence. The model cuts it into [[token|tokens]], adds two of its own (`[CLS]`, `[SEP]`), and reads it. A line
    leads from a word that is looked at, on the left, to one that looks, on the right; the stronger, the more it takes. The
    table has a row for each word that looks. Click on words, and try other [[head|heads]]: 72 ways of looking.
    """)
    return


@app.cell(hide_code=True)
def _():
    sentence = mo.ui.text(value=SENTENCE, label="Your sentence", full_width=True, debounce=400)
    _found = read(SENTENCE)[0]
    _words = _found.texts["text"]
    _layer = len(_found.layers) - 1
    _head = min(11, len(_found.layers[_layer].heads) - 1)
    _row = next((n for n, word in enumerate(_words) if word.strip() == "it"), len(_words) - 1)
    lines = mo.ui.anywidget(_found.widget(layer=_layer, head=_head, row=_row))
    mo.vstack([sentence, lines])
    return lines, sentence


@app.cell(hide_code=True)
def _(lines, sentence):
    try:
        lines.widget.data = read(sentence.value)[0].packed()
        _told = ""
    except HeadwayError as _error:
        _told = str(_error)
    if reader().name != "minilm-l6":
        _told += " MiniLM is not there, so a small model of ours reads: `headway fetch minilm-l6` gets it (92 MB)."
    mo.md(_told)
    return


@app.cell(hide_code=True)
def _():
    tired = Predict(
        "attention/tired-or-wide",
        "In this head `it` takes most from `animal`. Make the last word *wide*, and a person reads `it` as the street. What does the "
        "head do?",
        choices=["it moves to street", "it stays with animal", "it looks at both alike"],
        answer="it stays with animal",
        wrong={
            "it moves to street": "Google showed a head that did, in a Transformer that translated into French, which has to know.",
            "it looks at both alike": "It is far from undecided.",
        },
        why="Look at the column of `animal`, too: most words, not only `it`, take most from there. The head goes for what the sentence is about; it "
        "never looked up what `it` stands for. A bright line says where numbers flow, not that something was understood.",
    )
    tired
    return (tired,)


@app.cell(hide_code=True)
def _(tired):
    mo.stop(not tired.revealed, tired.waiting)

    def _row(last: str) -> str:
        found = read(SENTENCE.replace("tired", last))[0]
        words, layer = found.texts["text"], found.layers[-1]
        takes, best = layer.weights[11, words.index("it")], layer.weights[11].argmax(-1)
        animal, street = words.index("animal"), words.index("street")
        shares = " | ".join(f"{float(share):.0%}" for share in (takes[animal], takes[street]))
        return f"| … because it was too **{last}** | {shares} | {int((best == animal).sum())} of {len(words)} |\n"

    if reader().name == "minilm-l6":
        _table = (
            "| `it` takes from | animal | street | words that take most from animal |\n|---|---|---|---|\n"
            + "".join(map(_row, ("tired", "wide", "narrow")))
        )
    else:
        _table = "The numbers need MiniLM: `headway fetch minilm-l6`."
    mo.vstack([tired.reply, mo.md(_table)])
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Query, key, value

    Each word comes as one vector, 384 numbers in MiniLM. From it three shorter ones are made, because a word plays three
    parts:

    - the **[[query]]**: what I am looking for. *It* might look for a thing, better still a living one.
    - the **[[key]]**: what I can be found by. *Animal* says: a thing, alive.
    - the **[[value]]**: what I hand over to whoever looks at me.

    As in a library: a question (query), the titles on the shelf (keys), the books (values). But here you read a bit of *every*
    book, most of what fits best.

    With two numbers each, made up, it can be done by hand. Drag the blue arrow.
    """)
    return


@app.cell(hide_code=True)
def _():
    example = look.by_hand(
        "it",
        (1, 2),
        {"animal": (1, 1), "street": (1, -1), "because": (-1, 0)},
        {"animal": (2, 1), "street": (-2, 1), "because": (0, -2)},
        features=("a thing", "alive"),
    )
    example.widget()
    return (example,)


@app.cell(hide_code=True)
def _(example):
    _scaled = [float(score) / math.sqrt(2) for score in example.scores]
    _powers = [math.exp(score) for score in _scaled]
    prose(rf"""
    As it stood at first, in four steps:

    1. **[[score|Scores]].** Query times key, number by number, summed: for *animal* $1\cdot1 + 2\cdot1 = 3$, for the others $-1$. Large
       where two arrows point the same way.
    2. **[[scale|Scale]].** Divide by $\sqrt2$, the root of how many numbers a key has: ${_scaled[0]:.2f}$, ${_scaled[1]:.2f}$,
       ${_scaled[2]:.2f}$.
    3. **[[softmax|Softmax]].** Make all positive, $e$ to the power of each: ${_powers[0]:.2f}$, ${_powers[1]:.2f}$, ${_powers[2]:.2f}$. Divide by
       their sum, {sum(_powers):.2f}: shares of {float(example.weights[0]):.0%}, {float(example.weights[1]):.0%} and
       {float(example.weights[2]):.0%}.
    4. **Average.** The values, by these shares: ({float(example.result[0]):.2f}, {float(example.result[1]):.2f}), nearly what *animal*
       holds.

    Turn the arrow: another word wins. Make it *longer*: the winner takes all. To the middle: all share alike. The result
    never leaves the grey triangle: attention mixes what is there.

    All queries in one table $Q$, a row each, keys in $K$, values in $V$, $d_k$ numbers in a key: then $Q K^\top$ is the table of
    all scores, a row for each query and a column for each key, the softmax goes along each row, and it is equation 1 of the paper:

    $$\mathrm{{Attention}}(Q, K, V) = \mathrm{{softmax}}\!\left(\frac{{Q K^\top}}{{\sqrt{{d_k}}}}\right) V$$

    **Where do they come from?** From a word's vector $x$, by three tables of numbers, the same for every word, found by training:
    $q = x\,W_Q$, $k = x\,W_K$, $v = x\,W_V$. **Why not one for all?** With $q = k$ looking would be mutual: if *it* looks for
    *animal*, *animal* would have to look for *it*. And what a word is found by need not be what it has to tell.

    **Whose words?** Here a text looks at itself: [[self-attention]]. In [[cross attention]], Bahdanau's case, the queries come
    from what is being written, keys and values from what was read. The four steps stay.

    ### The same steps in a real head

    Of the word, layer and head that you chose in the picture above:
    """)
    return


@app.cell(hide_code=True)
def _(lines, sentence):
    _found, _pairs = read(sentence.value)
    _view = lines.value.get("view", {})
    _words = _found.texts["text"]
    _layer = min(int(_view.get("layer", 0)), len(_pairs) - 1)
    _q, _k = _pairs[_layer]
    _head = _view.get("head", 0)
    _head = int(_head) if str(_head).isdecimal() and int(_head) < len(_q) else 0
    _at = min(int(_view.get("row") if _view.get("row") is not None else 0), len(_words) - 1)
    _scores = _k[_head] @ _q[_head, _at]
    _weights = _found.layers[_layer].weights[_head, _at]
    _order = _weights.argsort(descending=True)[:5].tolist()
    _rows = "".join(
        f"| `{_words[n].strip().replace('|', '∣') or ' '}` | {_scores[n]:.2f} | {_scores[n] / math.sqrt(_q.shape[-1]):.2f} | {_weights[n]:.1%} |\n"
        for n in _order
    ) + "| · | · | · | · |\n" * (5 - len(_order))
    mo.md(
        f"`{_words[_at].strip()}` in layer {_layer}, head {_head}; a query has {_q.shape[-1]} numbers. Its five best keys:\n\n"
        f"| key | query · key | ÷ √{_q.shape[-1]} | weight |\n|---|---|---|---|\n{_rows}"
    )
    return


@app.cell(hide_code=True)
def _():
    after(
        "attention/sdpa",
        lambda: noted(
            attend_by_hand,
            {
                "scores = q @": "a row per query, a number per key",
                "masked_fill": "what may not be seen: e to minus infinity is 0",
                "weights = ": "each row adds up to 1",
                "return weights @": "the average of the values",
            },
            only=("scale =", "return"),
        ),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Why divide by the root?

    A score is a sum of $d_k$ products. If the numbers in $q$ and $k$ are random, with mean 0 and spread 1, it spreads by
    $\sqrt{d_k}$: by 8 in the model of 2017, with its 64 numbers in a key.
    """)
    return


@app.cell(hide_code=True)
def _():
    wide = Predict(
        "attention/wide-head",
        "One query and 32 random keys. A head grows from 16 to 1024 numbers, and nobody divides. What becomes of the largest weight?",
        choices=["nearly 1", "about the same", "1/32, like all others"],
        answer="nearly 1",
        wrong={
            "about the same": "It would be, if the scores kept their spread.",
            "1/32, like all others": "Only if all scores were alike.",
        },
        why="Move the slider to 1024: the best score lies far above the rest, as with your long arrow, and the softmax gives it nearly all.",
    )
    wide
    return (wide,)


@app.cell(hide_code=True)
def _():
    width = mo.ui.slider(steps=[1, 4, 16, 64, 256, 1024], value=64, label="numbers in a key", show_value=True)
    scaled = mo.ui.switch(value=False, label="divide by the root")
    mo.hstack([width, scaled], justify="start", gap=3)
    return scaled, width


@app.function
@functools.cache
def spread(width: int, scaled: bool, keys: int = 32) -> dict:
    """200 queries against `keys` keys of unit variance: weights, and how much a nudge of a score moves them."""
    generator = torch.Generator().manual_seed(1)
    q = torch.randn(200, width, generator=generator, dtype=torch.float64)
    k = torch.randn(200, keys, width, generator=generator, dtype=torch.float64)
    scores = torch.einsum("bk,bsk->bs", q, k) * (width**-0.5 if scaled else 1.0)
    weights = scores.softmax(-1)
    # The softmax's Jacobian is diag(w) - w wᵀ: its size says how much of a gradient gets through to the scores.
    jacobian = torch.diag_embed(weights) - weights[:, :, None] * weights[:, None, :]
    return {
        "weights": weights.sort(-1, descending=True).values.mean(0),
        "through": float(torch.linalg.matrix_norm(jacobian).mean()),
        "std": float(scores.std()),
    }


@app.cell(hide_code=True)
def _(scaled, wide, width):
    mo.stop(not wide.revealed, wide.waiting)
    _seen = spread(width.value, scaled.value)
    fig_scale, _axis = plt.subplots(figsize=(4.8, 2.3))
    _axis.bar(range(1, 33), _seen["weights"], color=BLUE)
    _axis.set(ylim=(0, 1), xlabel="32 keys, best first (mean of 200 queries)", ylabel="weight")
    fig_scale.tight_layout()
    mo.vstack(
        [
            wide.reply,
            inked("The weights of 32 keys, the largest first.", fig_scale),
            mo.md(
                f"Scores spread by **{_seen['std']:.1f}**; the best key gets **{float(_seen['weights'][0]):.0%}**. Nudge every score at "
                f"random, by a small ε: the weights, taken together, move by **{_seen['through']:.2f}** ε."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(wide):
    mo.stop(not wide.revealed)
    _text = prose(r"""
    Training asks how a nudge would change the result (the [[gradient]]). Where one key has nearly all, a nudge changes hardly
    anything: such a query decided before it learned. With the division, the width no longer counts. Our claim `scale`
    measures the weights' evenness ([[entropy]]) and how they move ([[Jacobian]]), with 1024 numbers in a key as a share of what
    it is with 8:
    """)
    mo.vstack([_text, mo.md(result_of("scale"))])
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Masks: what may be seen

    A model that *writes* must not see what comes next. So a [[mask]] says which keys a query may look at. Hidden scores
    become $-\infty$ *before* the softmax: $e^{-\infty} = 0$, and the rest still adds up to 1. A *window* hides
    what is long past, too; [[padding]] is what fills up a text beside a longer one: nobody looks at it. Writing, a model keeps earlier keys and values in a [[cache]], and only the newest words ask: move
    the slider.
    """)
    return


@app.cell(hide_code=True)
def _():
    kind = mo.ui.dropdown(["causal", "window of 3", "padding (5 real words)", "none"], value="causal", label="mask")
    cached = mo.ui.slider(0, 6, value=0, label="keys already in the cache", show_value=True)
    mo.hstack([kind, cached], justify="start", gap=3)
    return cached, kind


@app.cell(hide_code=True)
def _(cached, kind):
    _t, _s = 8 - cached.value, 8
    # Queries and keys of eight words, each of its own; with a cache the newest of the queries are left.
    _q, _k = torch.randn(2, 1, 1, _s, 16, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    _mask = {
        "causal": causal_mask(_t, _s),
        "window of 3": window_mask(_t, _s, window=3),
        "padding (5 real words)": padding_mask(torch.tensor([5]), _s).expand(_t, _s),
        "none": torch.ones(_t, _s, dtype=torch.bool),
    }[kind.value]
    _identity = torch.eye(_s, dtype=torch.float64)[None, None]  # values that give the weights themselves
    _weights = attend_by_hand(_q[:, :, -_t:], _k, _identity, _mask.reshape(-1, _t, _s))[0, 0]
    fig_mask, _axes = plt.subplots(1, 2, figsize=(4.8, 2.7))
    for _axis, _picture, _title in zip(_axes, (_mask.double(), _weights), ("may look", "weights"), strict=True):
        for _row, _shades in enumerate(_picture.tolist()):
            for _key, _shade in enumerate(_shades):
                _corner = (_key - 0.5, _s - _t + _row - 0.5)
                _axis.add_patch(plt.Rectangle(_corner, 1, 1, facecolor=BLUE, alpha=_shade, linewidth=0))
        _axis.set(
            title=_title,
            xlabel="key",
            ylabel="query",
            xlim=(-0.5, 7.5),
            ylim=(7.5, -0.5),
            xticks=range(8),
            aspect="equal",
        )
        _axis.set_yticks(range(8 - _t, 8))
    fig_mask.tight_layout()
    inked("Two tables of queries by keys: what may be looked at, and the weights.", fig_mask)
    return


@app.cell(hide_code=True)
def _():
    _house = zoo.load("shakespeare-bpe")
    _a, _b = (look.attention(_house, f"To be, or not to be, that is the {word}") for word in ("sea", "sun"))
    _pairs = zip(_a.texts["text"], _b.texts["text"], strict=False)
    _same = next(n for n, (one, other) in enumerate(_pairs) if one != other)
    _moved = max(
        float((x.weights[:, :_same, :_same] - y.weights[:, :_same, :_same]).abs().max())
        for x, y in zip(_a.layers, _b.layers, strict=True)
    )
    prose(rf"""
    The newest query stands at the newest key, so the triangle ends at the bottom *right*, however much lies in the cache.
    Our small model of Shakespeare keeps to it: it read *To be, or not to be, that is the sea*, then *… the sun*. Largest change in
    any weight before the last word: **{_moved:.1g}**.
    """)
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Heads: several looks at once

    A word may look for several things, and one softmax makes one compromise. So the model of 2017 has eight [[head|heads]]: from
    the *whole* vector of 512 numbers each makes queries, keys and values of its own, of 64. In code one $W_Q$ makes the 512
    numbers of all queries at once, and they are cut: the first 64 are head 0's. What the heads bring is laid side by side and
    mixed by one more table, $W_O$: eight looks for the price of one.
    """)
    return


@app.cell(hide_code=True)
def _():
    off = Predict(
        "attention/one-head-off",
        "`shakespeare-char` writes letter by letter, with 4 layers of 5 heads. We switch off one of the 20 and measure its [[surprise]], in [[bit|bits]], "
        "at each letter of *Romeo and Juliet*. What happens?",
        choices=["hardly anything: 19 are left", "a few matter much, most hardly", "each matters about as much"],
        answer="a few matter much, most hardly",
        wrong={
            "hardly anything: 19 are left": "True of most, not of all.",
            "each matters about as much": "Nothing in training asks heads to share the work evenly.",
        },
        why="The two tall bars are heads of layer 0. One looks at the letter just before, nearly always: without it each guess is harder.",
    )
    off
    return (off,)


@app.function
@functools.cache
def without_heads():
    """Bits per letter of LINES with nothing off, and with each head off, (layers, heads); and who looks at the letter before."""
    house = zoo.load("shakespeare-char")
    ids = torch.tensor(house.tokenizer.encode(LINES))

    def bits(*edits) -> float:
        logits = look.trace(house, LINES, edits=edits).logits
        return float(torch.nn.functional.cross_entropy(logits[:-1], ids[1:])) / math.log(2)

    config = house.model.config
    each = [[bits(look.Off(n, "attention", m)) for m in range(config.n_head)] for n in range(config.n_layer)]
    before = look.attention(house, LINES).layers[0].weights.diagonal(-1, 1, 2).mean(-1)
    return bits(), each, before


@app.cell(hide_code=True)
def _(off):
    mo.stop(not off.revealed, off.waiting)
    _whole, _each, _before = without_heads()
    fig_heads, _axis = plt.subplots(figsize=(4.8, 2.3))
    for _n, _row in enumerate(_each):
        _axis.bar([6 * _n + m for m in range(len(_row))], [value - _whole for value in _row], color=BLUE)
    _axis.set_xticks([6 * n + 2 for n in range(len(_each))], [f"layer {n}" for n in range(len(_each))])
    _axis.axhline(0, color=GREY, linewidth=0.8)
    _axis.set(ylabel="more bits a letter", xlabel="a bar for each head, 0 to 4, of each layer")
    fig_heads.tight_layout()
    mo.vstack(
        [
            off.reply,
            inked("A bar for each of 20 heads: how many bits a letter are lost without it.", fig_heads),
            mo.md(
                f"Whole, it is surprised by {_whole:.2f} bits a letter. Head {int(_before.argmax())} of layer 0 takes "
                f"{float(_before.max()):.0%} from the letter before."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    after(
        "attention/multihead",
        lambda: noted(split_heads, {"x.view": "cut the width, then move the heads forward"}),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## What attention does not know: order

    Shuffle keys and values together, and every query gets the same average: a sum has no order. *Dog bites man* would be *man
    bites dog*. In 2017 the [[position]] was added to each word's vector, as a row of sines and cosines ([[sinusoids]]): hands of
    many clocks, fast and slow, which together tell the time. Most models since
    2021 *turn* queries and keys ([[@rope|Su et al.]]), two numbers at a time, as an arrow: at position 5 by five times an angle, at 9 by
    nine times. To a dot product only the angle *between* two arrows counts, and their lengths. So the score depends on how far apart two
    words are, not on where. In these [[rotary positions]] each pair of numbers has its own angle, from 1 radian a word down to about one
    over the *base*.
    """)
    return


@app.cell(hide_code=True)
def _():
    shift = mo.ui.slider(0, 2000, value=0, step=50, label="move both words by", show_value=True)
    base = mo.ui.slider(steps=[10, 100, 1000, 10000, 500000], value=10000, label="base", show_value=True)
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
    fig_rope, _axis = plt.subplots(figsize=(4.8, 2.3))
    _axis.plot(_distance, _scores, color=BLUE)
    _axis.axhline(0, color=GREY, linewidth=0.8)
    _axis.set(
        xlabel="the key stands this many words before the query", ylabel="score of equal vectors", ylim=(-0.5, 1.05)
    )
    fig_rope.tight_layout()
    mo.vstack(
        [
            inked("The score of two equal vectors against their distance.", fig_rope),
            mo.md(
                f"Query at {shift.value + 256}. Score of a key 1 word before it: {float(_scores[1]):.6f}; 32 before: {float(_scores[32]):.6f}. "
                "Moving both changes nothing; a small base makes far keys come round again."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    after(
        "attention/rope",
        lambda: noted(
            rotate,
            {
                "unsqueeze": "one angle for all heads",
                "chunk": "feature i goes with feature i + half",
                "torch.cat": "each pair turned by its angle",
            },
        ),
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose("## What goes wrong"),
            story(
                "attention/sdpa",
                "Perfect in training, and it babbles as soon as it writes",
                """
                Then a [[cache]] was added, to write faster, and from the second word on the text was nonsense. With one new query
                and ten keys the triangle had been laid at the *first* key: the newest word saw the oldest and nothing else. In training
                both triangles are the same, and no test had shown it.
                """,
            ),
            story(
                "attention/multihead",
                "All shapes fit, the loss falls, and it never gets good",
                """
                The heads had been cut with one `view(b, h, t, k)`: the right shape, but it deals out the *words*, not the features. The rest of
                the network learns around it as well as it can.
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
    foot("attention")
    return


if __name__ == "__main__":
    app.run()
