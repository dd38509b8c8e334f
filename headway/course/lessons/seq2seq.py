"""Sequence to sequence: the lesson. `headway read seq2seq` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Sequence to sequence")

with app.setup:
    import functools
    import html
    import math

    import marimo as mo
    import torch

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.blocks.alignment import additive_scores, align, dot_scores
    from headway.claims.shelf import shipped
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, result_of, story
    from headway.models.seq2seq import Decoder
    from headway.use.texts import rewrite

    WORDS = "four hundred and two"
    SENTENCE = "the animal did not cross the wide street because it was tired"
    LIT, QUIET = "var(--hw-accent, #3b82c4)", "currentColor"


@app.cell(hide_code=True)
def _():
    head(
        "seq2seq",
        "How can a network write a text whose length and order it does not know beforehand, and why was one vector in the "
        "middle not enough?",
    )
    return


@app.cell(hide_code=True)
def _():
    said = mo.ui.text(value=WORDS, label="A number below a million, in English words", full_width=True)
    mo.vstack(
        [
            prose(r"""
            A translation has another length than its sentence and another order, and some of its words have no
            counterpart at all. Here is a small task of that kind: number words in, digits out. The 0 of 402 is nowhere in
            *four hundred and two*.

            A real network of ours does it, letter by letter, on your words. It saw some 38,000 numbers with their digits,
            nothing else. Try one of yours, then one that nobody says, *two and four hundred*.
            """),
            mo.md(f"{said}"),
        ]
    )
    return (said,)


@app.function
@functools.cache
def translator():
    """The small network that reads number words: a recurrent encoder and decoder, with attention."""
    return zoo.load("numbers-gru")


@app.function
@functools.cache
def digits(text: str, where: str = "where it likes") -> str:
    """What the translator writes, when its look is bent to another place; ? where the text has a letter that it never met."""
    loaded = translator()
    decoder = loaded.model.decoder

    def bent(memory, query):
        _, weights = Decoder.look_at(decoder, memory, query)
        states = memory.pairs[0][1]
        last = weights.shape[-1] - 1
        weights = {
            "where it likes": lambda: weights,
            "at all letters evenly": lambda: torch.full_like(weights, 1 / weights.shape[-1]),
            "at the first letter only": lambda: torch.zeros_like(weights).index_fill_(-1, torch.tensor([0]), 1.0),
            "at the last letter only": lambda: torch.zeros_like(weights).index_fill_(-1, torch.tensor([last]), 1.0),
            "five letters too far right": lambda: weights.roll(5, -1),
        }[where]()
        return (weights[:, None] @ states)[:, 0], weights

    try:
        decoder.look_at = bent
        return rewrite(loaded, text[:120], beams=1, max_tokens=12).text or "nothing"
    except HeadwayError:  # `strange` names the letter
        return "?"
    finally:
        del decoder.look_at


@app.function
@functools.cache
def strange(text: str) -> str:
    """The first letter of a text that the translator never met, "" if it knows all."""
    for letter in text:
        try:
            translator().encode(letter)
        except HeadwayError:
            return letter
    return ""


@app.cell(hide_code=True)
def _(said):
    _text = said.value.strip() or WORDS
    _letter = strange(_text)
    _why = f"It has never met “{_letter}”: none of the numbers that it learned from has one." if _letter else ""
    mo.Html(
        '<p class="paragraph" style="font-size:1.6rem;text-align:center;margin:0.3rem 0;min-height:2.4rem;overflow-wrap:anywhere">'
        f'<small style="opacity:.7">{html.escape(_text[:120])}</small> → <strong>{html.escape(digits(_text))}</strong></p>'
        f'<p class="paragraph" style="text-align:center;min-height:1.6em;margin:0">{html.escape(_why)}</p>'
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## Two networks

            In 2014 two groups found the same way ([[@gru|Cho and others]]; [[@seq2seq|Sutskever, Vinyals and Le]]). The
            [[recurrent network]] of the lesson before reads one [[token]] after the other and keeps what it has read in a
            vector, its [[hidden state]]. They took two. The [[encoder]] reads. The [[decoder]] writes: it begins with a
            *start* sign, says a token, reads what it just said, says the next, and stops when it says *end*. So the
            length is its own choice.

            This is ours, drawn from its real parts; point at a box for its size. A GRU is a recurrent network with
            [[gate|gates]]. The encoder, on the left, has two, one that reads forwards and one that reads backwards, and
            joins their states at each letter. Lit is the bridge to the decoder, this lesson's subject.
            """),
            mo.Html(look.diagram(translator(), level="blocks", lit=("attention",)).svg()),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## The first bridge: one vector

    The first bridge was the plainest: the decoder starts from the encoder's last state. All that a sentence says has to
    be in that one vector, and its width is the same for *yes* and for a page of Proust.

    What that does to the first word can be worked out by hand. Take the simplest network with a memory: at each word it
    keeps a part $k$ of its state and fills the rest with the word's vector,

    $$h_t = k\,h_{t-1} + (1-k)\,x_t.$$

    With $k = 0.5$ the last word makes up 1/2 of the final state, the one before 1/4; of twelve words, the first has
    1/4096. Keep more, and each word gets less to begin with. Try to give all words a fair share; then let it read
    backwards.
    """)
    return


@app.cell(hide_code=True)
def _():
    keep = mo.ui.slider(0.1, 0.95, step=0.05, value=0.5, label="k, kept at each word", show_value=True)
    count = mo.ui.slider(2, 12, value=12, label="words", show_value=True)
    backwards = mo.ui.switch(label="read backwards")
    mo.md(f"{keep} {count} {backwards}")
    return backwards, count, keep


@app.function
def shares(words: list[str], keep: float, backwards: bool) -> str:
    """How much of each word is in the last state, as bars (SVG)."""
    n, rows = len(words), []
    for j, word in enumerate(words):
        later = j if backwards else n - 1 - j
        share = (1 - keep) * keep**later
        y = 6 + 22 * j
        rows.append(
            f'<text x="82" y="{y + 14}" text-anchor="end" font-size="13" fill="{QUIET}">{html.escape(word)}</text>'
            f'<rect x="90" y="{y + 2}" width="{max(0.6, share * 270):.1f}" height="15" rx="2" fill="{LIT}"/>'
            f'<text x="{96 + share * 270:.1f}" y="{y + 14}" font-size="12" fill="{QUIET}" opacity=".75">{share:.2%}</text>'
        )
    return (
        f'<svg viewBox="0 0 420 276" style="width:100%;max-width:560px;display:block;margin:auto" role="img" '
        f'aria-label="share of each word in the last state">{"".join(rows)}</svg>'
    )


@app.cell(hide_code=True)
def _(backwards, count, keep):
    _words = SENTENCE.split()[: count.value]
    _all = [(1 - keep.value) * keep.value**_n for _n in range(count.value)]
    mo.vstack(
        [
            mo.Html(shares(_words, keep.value, backwards.value)),
            mo.md(
                f"Smallest share: **{min(_all):.2%}**; a fair one would be {1 / count.value:.1%}. Backwards, the large shares go "
                "to the words that are translated first, and the smallest stays as small."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _change = {check["text"]: check["mean"] for check in shipped("source-reversal")["checks"]}
    _gain, _both = _change.values()
    prose(rf"""
    A real network computes its $k$ anew for each number and word, by a [[gate]], and holds more. But both effects are
    real. Sutskever's group fed the sentence *backwards*, which brings its first words near the first to be written
    (section 3.3). We measured it: the share right rises by **{_gain:.3f}**, and if source *and* target are turned round
    it does not ({_both:+.3f}; `headway reproduce source-reversal`). That long sentences fail was measured that same
    autumn ([[@nmt-properties]]).
    """)
    return


@app.cell(hide_code=True)
def _():
    collapse = Predict(
        "seq2seq/collapse",
        "A network with a vector of 128 numbers learns to translate strings of 2 to 20 words. Of 5 words, 99.9 % come out right. "
        "And of 20, a length that it has met in training?",
        choices=["nearly all: it was trained for it", "about six in ten", "about one in twenty, pure chance"],
        answer="about six in ten",
        wrong={
            "nearly all: it was trained for it": "It was trained for it, and the vector did not grow with the sentence.",
            "about one in twenty, pure chance": "It does not lose everything: it holds what it can.",
        },
        why="What fits into the vector comes out right, the rest is guessed.",
    )
    collapse
    return (collapse,)


@app.function
def by_length() -> str:
    """The share right by length, with one vector and with attention, from the claim's result (SVG)."""
    arms = shipped("length-collapse")["arms"]
    lengths, left, top, wide, high = [5, 10, 15, 20, 30], 44, 26, 356, 190
    parts = [
        f'<text x="{left - 8}" y="{top + high * (1 - s) + 4:.0f}" text-anchor="end" font-size="12" fill="{QUIET}">{s:.0%}</text>'
        f'<line x1="{left}" x2="{left + wide}" y1="{top + high * (1 - s):.0f}" y2="{top + high * (1 - s):.0f}" stroke="{QUIET}" '
        'opacity=".15"/>'
        for s in (0, 0.25, 0.5, 0.75, 1)
    ]
    x = {n: left + wide * (n - 4) / 27 for n in lengths}
    parts += [
        f'<text x="{x[n]:.0f}" y="{top + high + 18}" text-anchor="middle" font-size="12" fill="{QUIET}">{n}</text>'
        for n in lengths
    ]
    for arm, colour, told, at, place in (
        ("attention", LIT, "looking back", 15, 0.88),
        ("fixed", "#d9601a", "one vector", 10, 0.68),
    ):
        seeds = arms[arm]["numbers"].values()
        mean = [sum(seed["accuracies"][n] for seed in seeds) / len(seeds) for n in range(5)]
        points = " ".join(f"{x[n]:.1f},{top + high * (1 - s):.1f}" for n, s in zip(lengths, mean, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        for n, s in zip(lengths, mean, strict=True):
            parts.append(f'<circle cx="{x[n]:.1f}" cy="{top + high * (1 - s):.1f}" r="4" fill="{colour}"/>')
            if n in (20, 30) or arm == "fixed":
                up = -9 if arm == "attention" and n == 20 else 20
                y = top + high * (1 - s) + up
                parts.append(
                    f'<text x="{x[n]:.0f}" y="{y:.0f}" text-anchor="middle" font-size="12" fill="{colour}">{s:.0%}</text>'
                )
        parts.append(
            f'<text x="{x[at]:.0f}" y="{top + high * (1 - place):.0f}" text-anchor="middle" font-size="13" fill="{colour}">{told}</text>'
        )
    parts.append(
        f'<text x="{left + wide / 2}" y="{top + high + 36}" text-anchor="middle" font-size="12" fill="{QUIET}">words in the '
        "sentence (30: longer than any in training)</text>"
    )
    return (
        '<svg viewBox="0 0 420 256" style="width:100%;max-width:560px;display:block;margin:auto" role="img" '
        f'aria-label="share of words right by length">{"".join(parts)}</svg>'
    )


@app.cell(hide_code=True)
def _(collapse):
    mo.stop(not collapse.revealed, collapse.waiting)
    mo.vstack(
        [
            collapse.reply,
            mo.Html(by_length()),
            prose(r"""
            The lower line is the vector, the mean of five runs. The upper one is the same network with a second bridge.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _h = torch.tensor([[2.0, 0.0], [0.0, 2.0], [-1.0, -1.0]], dtype=torch.float64)
    _scores = _h @ torch.tensor([1.0, 0.0], dtype=torch.float64)
    _powers = _scores.exp()
    _w = _scores.softmax(0)
    _c = _w @ _h
    _p, _q, _r = (f"{value:.2f}" for value in _powers.tolist())
    _a, _b, _d = (f"{value:.2f}" for value in _w.tolist())
    prose(rf"""
    ## The second bridge: look back

    The encoder has made a state at every word. Why hand over the last one only? Bahdanau, Cho and Bengio ([[@bahdanau]])
    kept them all, and let the decoder look, before each word it writes, at those it needs.

    By hand, with three words and states of two numbers each: *four* $= (2, 0)$, *hundred* $= (0, 2)$, *two* $= (-1, -1)$.
    The decoder's own state asks the question, so it is called the [[query]]; say it is $(1, 0)$.

    1. **Score** each word by the [[dot product]] with the query: $2$, $0$ and $-1$.
    2. **Share out**: e to the power of each, {_p}, {_q} and {_r}, divided by their sum: {_a}, {_b} and {_d}. That is the
       [[softmax]]: positive numbers that add up to 1.
    3. **Average** the states by these shares:
       ${_a}\cdot(2,0) + {_b}\cdot(0,2) + {_d}\cdot(-1,-1) = ({_c[0]:.2f}, {_c[1]:.2f})$.

    The average is the *context*, from which the next word is written. Here it is nearly *four*.
    """)
    return


@app.cell(hide_code=True)
def _():
    turn = mo.ui.slider(0, 360, step=5, value=0, label="direction of the query, degrees", show_value=True)
    size = mo.ui.slider(0, 5, step=0.1, value=1, label="its length", show_value=True)
    mo.md(f"{turn} {size}")
    return size, turn


@app.function
def triangle(turn: float, size: float) -> str:
    """Three states in the plane, the query, the shares as bars and the context as a point between the states (SVG)."""
    angle = math.radians(turn)
    query = torch.tensor([[size * math.cos(angle), size * math.sin(angle)]], dtype=torch.float64)
    states = torch.tensor([[[2.0, 0.0], [0.0, 2.0], [-1.0, -1.0]]], dtype=torch.float64)
    context, weights = align(dot_scores(query, states), states)

    def at(x: float, y: float) -> tuple[float, float]:
        return 112 + 40 * x, 118 - 40 * y

    names, corners = ("four", "hundred", "two"), [at(*h) for h in states[0].tolist()]
    (cx, cy), shown = at(*context[0].tolist()), min(size, 2.5)
    qx, qy = at(shown * math.cos(angle), shown * math.sin(angle))
    outline = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    parts = [
        f'<line x1="10" x2="214" y1="118" y2="118" stroke="{QUIET}" opacity=".2"/>',
        f'<line x1="112" x2="112" y1="16" y2="220" stroke="{QUIET}" opacity=".2"/>',
        f'<polygon points="{outline}" fill="{LIT}" fill-opacity=".1" stroke="{QUIET}" stroke-opacity=".4"/>',
        f'<line x1="112" y1="118" x2="{qx:.1f}" y2="{qy:.1f}" stroke="#d9601a" stroke-width="2.5"/>',
        f'<circle cx="{qx:.1f}" cy="{qy:.1f}" r="4" fill="#d9601a"/>',
    ]
    for n, ((x, y), name, w) in enumerate(zip(corners, names, weights[0].tolist(), strict=True)):
        parts.append(
            f'<line x1="{cx:.1f}" y1="{cy:.1f}" x2="{x:.1f}" y2="{y:.1f}" stroke="{LIT}" stroke-width="{0.5 + 5 * w:.1f}" opacity=".6"/>'
        )
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{QUIET}"/>')
        parts.append(
            f'<text x="{x + (8 if n != 2 else -6):.1f}" y="{y + (-9 if n != 2 else 20):.1f}" font-size="13" fill="{QUIET}" '
            f'text-anchor="{"start" if n == 1 else "middle"}">{name}</text>'
        )
        row = 60 + 40 * n
        parts.append(f'<text x="296" y="{row + 13}" text-anchor="end" font-size="13" fill="{QUIET}">{name}</text>')
        parts.append(f'<rect x="302" y="{row}" width="{max(0.6, 74 * w):.1f}" height="17" rx="2" fill="{LIT}"/>')
        parts.append(f'<text x="{306 + 74 * w:.1f}" y="{row + 13}" font-size="12" fill="{QUIET}">{w:.2f}</text>')
    parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="7" fill="{LIT}" stroke="white" stroke-width="1.5"/>')
    parts.append(
        f'<text x="232" y="200" font-size="12" fill="#d9601a">● query{" (drawn shorter)" if size > 2.5 else ""}</text>'
    )
    parts.append(
        f'<text x="232" y="218" font-size="12" fill="{LIT}">● context ({context[0, 0]:.2f}, {context[0, 1]:.2f})</text>'
    )
    parts.append(f'<text x="302" y="44" font-size="12" fill="{QUIET}" opacity=".75">share</text>')
    return (
        '<svg viewBox="0 0 420 236" style="width:100%;max-width:560px;display:block;margin:auto" role="img" '
        f'aria-label="three states, a query, and the average between them">{"".join(parts)}</svg>'
    )


@app.cell(hide_code=True)
def _(size, turn):
    mo.vstack(
        [
            mo.Html(triangle(turn.value, size.value)),
            prose(r"""
            Turn the query, and the context walks from word to word. Make it long, and the context snaps to a corner; make
            it 0, and all shares are 1/3, a blur. It never leaves the triangle: the query only decides the shares.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## The general form

            Let $h_1 \dots h_n$ be the encoder's states, and $s_{i-1}$ the decoder's when it is about to write word $i$.
            Then, as in equations 5 and 6 of the paper,

            $$\begin{aligned} e_{ij} &= \mathrm{score}(s_{i-1}, h_j) \\
            \alpha_{ij} &= e^{\,e_{ij}} \Big/ \textstyle\sum_{k} e^{\,e_{ik}} \\
            c_i &= \textstyle\sum_j \alpha_{ij}\, h_j \end{aligned}$$

            All shares $\alpha_{ij}$ together are a table, a row for each word written and a column for each word read:
            the [[alignment]]. What only fills up a short sentence beside a longer one ([[padding]]) has the share 0.

            States of two networks need not be comparable, so Bahdanau's score is a small network, trained with all the
            rest:

            $$\mathrm{score}(s, h) = v^\top \tanh(W s + U h).$$

            $W$ and $U$ bring both to one width, they are *added* (hence *additive attention*), $\tanh$ bends each number
            into the range from −1 to 1, and $v$ weighs the results into one. A year later Luong, Pham and Manning
            ([[@luong]]) found that the plain dot product does as well. The [[Transformer]] kept it.
            """),
            after(
                "seq2seq/additive",
                lambda: noted(
                    additive_scores,
                    {"torch.tanh(": "one W s is added to every U h; v makes a number of each"},
                ),
            ),
            noted(dot_scores, {"return": "the query as a column: a number for each word"}),
            prose("In our network's decoder, a round for each token:"),
            noted(
                Decoder.in_2014,
                {
                    "for word in": "in training the right words come in; in use, its own",
                    "context, weight =": "the state so far asks: scores, shares, average",
                    "s = gru_step": "word and context go in, the new state comes out",
                    "self.alignment(": "kept, so that it can be drawn",
                },
                only=("states, contexts", "return"),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(said):
    mo.vstack(
        [
            prose(r"""
            ## See it look, on your words

            Above what it read, below what it writes; the thicker the line, the larger the share. Nobody told it what
            belongs to what.
            """),
            mo.md(f"{said}"),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    aligned = look.alignment(translator(), WORDS).widget()
    mo.ui.anywidget(aligned)
    return (aligned,)


@app.cell(hide_code=True)
def _(aligned, said):
    _text = (said.value.strip() or WORDS)[:120]
    try:
        aligned.data = look.alignment(translator(), _text).packed()
    except (
        HeadwayError
    ):  # a letter that it never met, or nothing was written: the answer at the top of the page says so
        aligned.data = look.alignment(translator(), WORDS).packed()
    prose(r"""
    In *four hundred and two*, the 4 looks at *four*, the 2 at *two*. The 0 has no word of its own, and its look is spread
    out. But does the network *use* what it looks at? Only taking it away can tell.
    """)
    return


@app.cell(hide_code=True)
def _():
    blind = Predict(
        "seq2seq/first-letter",
        "We hold its look on the *f* of *four hundred and two*: whatever it asks, it gets that letter's state. What does it write?",
        choices=["402, from memory", "444", "4, and then it stops"],
        answer="444",
        wrong={
            "402, from memory": "It has a memory; why should training put there what can be looked up?",
            "4, and then it stops": "It might: held on some other letters it does stop sooner, as you see. On the *f* it goes on.",
        },
        why="It asks for the next digit, is shown *four* again, and believes it.",
    )
    blind
    return (blind,)


@app.cell(hide_code=True)
def _(blind, said):
    mo.stop(not blind.revealed, blind.waiting)
    _text = said.value.strip() or WORDS
    _places = (
        "where it likes",
        "at the first letter only",
        "at the last letter only",
        "at all letters evenly",
        "five letters too far right",
    )
    _texts = dict.fromkeys((WORDS, _text))
    _head = " | ".join(f"*{html.escape(text[:60])}*" for text in _texts)
    _rows = "\n".join(
        f"| {place} | {' | '.join(html.escape(digits(text, place)) for text in _texts)} |" for place in _places
    )
    mo.vstack(
        [
            blind.reply,
            mo.md(f"| it looks | {_head} |\n|---|{'---|' * len(_texts)}\n{_rows}"),
            mo.md(f"{said}"),
            prose("Type a number of yours. The digits come over the second bridge."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## How it is trained, and how it writes

    In training the answer is known. So the decoder does not read its own first, wrong words but the *right* ones, one
    place late, and has to say the next ([[teacher forcing]]):

    | place | 1 | 2 | 3 | 4 |
    |---|---|---|---|---|
    | it reads | start | 4 | 0 | 2 |
    | it shall say | 4 | 0 | 2 | end |

    In use it reads its own words, a wrong one stays, and it never learned to go on from there. So some give it, in
    training too, a word of its own now and then (*scheduled sampling*).

    Which word to say? Say the first is *A* with probability 0.5 or *B* with 0.4; after *A* the best next word has 0.4,
    after *B* 0.9. Always taking the likeliest ([[greedy]]) ends with 0.5 · 0.4 = 0.20, where *B* would have given 0.4 ·
    0.9 = 0.36. [[beam search|Beam search]] keeps the best few beginnings at every step, each with the product of its
    probabilities (in code, the sum of their logarithms), and finds it.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose("## What goes wrong"),
            story(
                "seq2seq/forcing",
                "The best loss anybody had ever seen",
                """
                The [[loss]] fell to 0.001, and in use the model wrote one word for ever. Its decoder had been given the
                answer *not shifted*: at each place it read the very word that it had to say, and learned to copy. A loss
                that is too good is a leak until shown to be none. At the first place, all it may read is the start sign.
                """,
            ),
            story(
                "seq2seq/additive",
                "The sentence that was translated worse in company",
                """
                Alone, a sentence came out well; in a [[batch]] beside a longer one it did not. Short
                sentences are filled up with [[padding]], and its scores had been set to 0, *so as not to
                count*. But e to the power of 0 is 1: every empty place took a share. What is not there has
                the score minus infinity.
                """,
            ),
            story(
                "seq2seq/beamstep",
                "Four beams, one of them sane",
                """
                With one beam the translations were right; with four they turned to nonsense after some words. The texts
                were sorted anew at every step, as they should be, but not the decoder's states: the text in place 2 went
                on from the memory of another.
                """,
            ),
            prose(r"""
            ## Measured

            The task of the curve above: twenty words, each with one translation, to be written in reverse order. So the
            first word written needs the last word read: the *mirrored* place. *Share right*: of all words, how many.
            """),
            mo.md(result_of("length-collapse")),
            prose(r"""
            If looking back does so much, what is the recurrence still for? The next lessons begin there.
            """),
        ]
    )
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
    foot("seq2seq")
    return


if __name__ == "__main__":
    app.run()
