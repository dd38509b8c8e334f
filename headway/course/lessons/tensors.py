"""Tensors: the lesson. `headway read tensors` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Tensors")

with app.setup:
    import copy
    import dataclasses
    import functools
    import html
    import math
    import time

    import marimo as mo
    import torch
    import torch.nn.functional as F

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.blocks.attention import split_heads
    from headway.blocks.masks import causal_mask, padding_mask, real_positions, window_mask
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, story

    LINES = ("To be, or not to be", "My name is Ada")
    """What the model reads until the reader writes something."""
    STYLE = """<style>
    .tn{display:block;margin:0 auto;width:100%;font-family:system-ui,sans-serif}.tn text{fill:currentColor;font-size:14px;text-anchor:middle}
    .tn .q{opacity:.72;font-size:11.5px}.tn rect.c{fill:color-mix(in srgb,currentColor 5%,transparent);stroke:currentColor;stroke-opacity:.4}
    .tn rect.on{fill:color-mix(in srgb,light-dark(#2f6fc4,#7fb2ef) 26%,transparent);stroke:light-dark(#2f6fc4,#7fb2ef);stroke-opacity:1;stroke-width:1.6}
    .tn rect.here{fill:light-dark(#f3c8a8,#7a4520);stroke:light-dark(#a8460f,#f2a36b);stroke-opacity:1;stroke-width:2.2}
    .tn rect.w{fill:light-dark(#2f6fc4,#7fb2ef)}.tn .frame{fill:none;stroke:currentColor;stroke-opacity:.35}
    .tn-row{display:flex;flex-wrap:wrap;gap:.5rem 2rem;justify-content:center}.tn-row>*{flex:0 1 330px;margin:0}
    .tn-told{max-width:37rem;margin:.5rem auto 0;font-size:1.0625rem;line-height:1.6}
    .tn-loops{max-width:37rem;margin:.5rem auto 0;white-space:pre-wrap;font:.9rem/1.5 ui-monospace,"DejaVu Sans Mono",monospace;min-height:9.5em}
    </style>"""


@app.cell(hide_code=True)
def _():
    head(
        "tensors",
        "The worst bugs in a model raise no error: every [[shape]] fits, and the numbers are in the wrong place. How do you see them?",
    )
    return


@app.function
@functools.cache
def small():
    """The model of this page, which comes with Headway: it guesses the next character of a play."""
    return zoo.load("shakespeare-char", progress=False)


@app.function
def characters(text: str, otherwise: str) -> str:
    """What of `text` the model can read, at most 40 characters; `otherwise` where that is too little."""
    kept = ""
    for sign in text[:40]:
        try:
            small().encode(sign)
        except HeadwayError:
            continue
        kept += sign
    return kept if len(kept) > 2 else otherwise


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            A language model is a function: numbers that stand for pieces of text go in ([[token|tokens]]), and a
            score for every possible next piece comes out (the [[logit|logits]]). Here is a small one that comes with Headway, built after
            GPT-2. Its pieces are single characters.
            """),
            mo.Html(look.diagram(small(), lit=("input", "output"), level="whole").svg()),
            prose(r"""
            In the box, everything is a [[tensor]]: a block of numbers, all of one kind, with a *shape*. A single number has the
            shape `()`, a row of four `(4,)`, a table of two rows and four columns `(2, 4)`. Each direction is an [[axis]]. One operation on a whole block is many times faster than a loop over its numbers (measured below). Write two lines:
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    first = mo.ui.text(value=LINES[0], label="line 1", max_length=40)
    second = mo.ui.text(value=LINES[1], label="line 2", max_length=40)
    mo.hstack([first, second], justify="start")
    return first, second


@app.cell(hide_code=True)
def _(first, second):
    texts = characters(first.value, LINES[0]), characters(second.value, LINES[1])
    _ids = [torch.tensor(small().encode(text)) for text in texts]
    lengths = torch.tensor([len(each) for each in _ids])
    batch = torch.nn.utils.rnn.pad_sequence(_ids, batch_first=True)
    _seen = {}
    _model = small().model
    _hooks = [
        _model.embed.register_forward_hook(lambda _m, _x, out: _seen.update(embed=out)),
        _model.blocks[0].attn.qkv.register_forward_hook(lambda _m, _x, out: _seen.update(qkv=out)),
    ]
    try:
        with torch.no_grad():
            _scores = _model(batch, mask=padding_mask(lengths, batch.shape[1]))
    finally:
        for _hook in _hooks:
            _hook.remove()
    _said = " and ".join(f"<i>{html.escape(text)}</i>" for text in texts)
    _instead = "" if (first.value, second.value) == texts else f"(It reads what it knows: {_said}.)"
    _q, _k, _ = (split_heads(part, _model.config.n_head) for part in _seen["qkv"].chunk(3, -1))
    _rows = "\n".join(
        f"| {what} | `{letters}` | `{tuple(tensor.shape)}` |"
        for what, letters, tensor in (
            ("a number for each character, the shorter line filled up", "b t", batch),
            ("a vector, a row of numbers, for each character", "b t d", _seen["embed"]),
            ("cut into [[head|heads]] that look at the text side by side", "b h t k", _q),
            ("how well each character fits each other one, in each head", "b h t s", _q @ _k.mT),
            ("a score for each possible next character", "b t v", _scores),
        )
    )
    prose(
        f"""
    | on the way of your two lines | axes | shape |
    |---|---|---|
    {_rows}

    {_instead}

    One letter per axis, in all files of Headway: `b` counts lines, `t` characters, `s` the characters that are looked at,
    `d` the numbers of a vector, `h` heads, `k` the numbers of one head, `v` possible next characters. A shape tells *how many*; only the letters tell *of what*, and two axes of one length look alike
    to PyTorch (the library used here).
    """
    )
    return batch, lengths, texts


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## One row of numbers

    In memory there is no table. There is one long row, a shape, and for each axis a [[stride]]: how far to jump in the row for
    one step along that axis. Take `x`, the numbers 0 to 11 as three rows of four. One step to the right is a jump of 1, one step
    down a jump of 4: strides `(4, 1)`. So the number in row 2, column 1 lies at $2 \cdot 4 + 1 \cdot 1 = 9$.

    Turning the table over, so that rows become columns, `x.t()`, moves *no number*: it exchanges the two strides. `x.view(4, 3)` moves none either: it
    cuts the same long row into threes.
    """)
    return


@app.cell(hide_code=True)
def _():
    guess_view = Predict(
        "tensors/view-or-transpose",
        "`x.t()` and `x.view(4, 3)` both have four rows of three. In how many of the 12 places do they hold the same number?",
        answer="2",
        why="Only the first and the last. The shapes agree, and everything between them is elsewhere.",
    )
    guess_view
    return (guess_view,)


@app.cell(hide_code=True)
def _():
    how = mo.ui.dropdown(
        ["x", "x.t()", "x.view(4, 3)", "x[:, ::2]", "x[1:]", "x[:1].expand(3, 4)"], value="x.t()", label="expression"
    )
    entry = mo.ui.slider(0, 11, value=0, step=1, label="walk through it", show_value=True)
    mo.hstack([how, entry], justify="start")
    return entry, how


@app.function
def walk(expression: str, step: int) -> str:
    """A view of `x`, the row in memory below it, and the entry that is reached after `step` steps, as SVG with a sentence."""
    x = torch.arange(12).view(3, 4)
    made = {
        "x": x,
        "x.t()": x.t(),
        "x.view(4, 3)": x.view(4, 3),
        "x[:, ::2]": x[:, ::2],
        "x[1:]": x[1:],
        "x[:1].expand(3, 4)": x[:1].expand(3, 4),
    }[expression]
    step = min(step, made.numel() - 1)
    at = divmod(step, made.shape[1])
    begin, (down, right) = made.storage_offset(), made.stride()
    place = begin + at[0] * down + at[1] * right
    parts = []
    left = 180 - 40 * made.shape[1] / 2
    for i, row in enumerate(made.tolist()):
        for j, value in enumerate(row):
            kind = "here" if (i, j) == at else "c"
            parts.append(
                f'<rect class="{kind}" x="{left + 40 * j}" y="{20 + 34 * i}" width="40" height="34"/>'
                f'<text x="{left + 40 * j + 20}" y="{42 + 34 * i}">{value}</text>'
            )
    used = set(made.flatten().tolist())
    shared = made.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    for n in range(12):
        kind = "here" if n == place else "on" if n in used else "c"
        parts.append(
            f'<rect class="{kind}" x="{12 + 28 * n}" y="196" width="28" height="34"/><text x="{26 + 28 * n}" y="218">{n}</text>'
        )
    row, column = at
    start = f"{begin} + " if begin else ""
    return (
        f'{STYLE}<svg class="tn" viewBox="0 0 360 240" style="max-width:460px" role="img" aria-label="{html.escape(expression)} and its memory">'
        f'<text class="q" x="180" y="12">{html.escape(expression)}</text>{"".join(parts)}'
        '<text class="q" x="180" y="186">memory (blue: what the expression uses)</text></svg>'
        f'<p class="tn-told" style="min-height:5em">Shape <code>{tuple(made.shape)}</code>, strides <code>{made.stride()}</code>. '
        f"Row {row}, column {column} lies at {start}{row} · {down} + {column} · {right} = <b>{place}</b>. "
        + ("No copy: write here, and <code>x</code> changes." if shared else "A copy.")
        + ("" if made.is_contiguous() else " Walking through it jumps about in memory: not contiguous.")
        + "</p>"
    )


@app.cell(hide_code=True)
def _(entry, guess_view, how):
    mo.stop(not guess_view.revealed, guess_view.waiting)
    mo.vstack([guess_view.reply, mo.Html(walk(how.value, entry.value))])
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    All six are [[view|views]]: other shapes and strides over the same twelve numbers. `expand` repeats a row by a
    stride of **0**. What is not [[contiguous]] may refuse another `.view`; `.reshape` copies instead, without telling.

    ## The same mistake in a real model

    The model cuts the vector of each character, 160 numbers, into 5 *heads* of 32. That is `view(b, t, h, k)`, and then the axes
    `t` and `h` change places. Somebody in a hurry writes `view(b, h, t, k)` at once. The shape is right, `(b, h, t, k)`.
    """)
    return


@app.cell(hide_code=True)
def _():
    guess_heads = Predict(
        "tensors/heads-by-view",
        "On *To be, or not to be* the trained model has a [[loss]] of 1.5 (how wrong its guesses are). Guessing blindly among its 76 "
        "characters would have 4.3. With this mistake in all four [[block|blocks]], what is its loss?",
        choices=[
            "1.5 still: no number is lost, and each head has 32",
            "about 2.5: worse, but most of what it has learned is left",
            "about 4.3: as if it had learned nothing",
        ],
        answer="about 4.3: as if it had learned nothing",
        wrong={
            "1.5 still: no number is lost, and each head has 32": "But those of one head are now pieces of many characters.",
            "about 2.5: worse, but most of what it has learned is left": "All else is as it was, but it is given numbers that mean nothing to it.",
        },
        why="And there is no error: nothing in the code can notice that an axis called `t` now counts something else.",
    )
    guess_heads
    return (guess_heads,)


@app.function
@functools.cache
def broken():
    """The model with heads cut out by a view alone: each third of what the projection gives, laid out so that the right cut finds the wrong one."""

    def view_alone(_module, _inputs, out):
        b, t, _ = out.shape
        h = small().model.config.n_head
        return torch.cat([x.reshape(b, h, t, -1).transpose(1, 2).reshape(b, t, -1) for x in out.chunk(3, -1)], -1)

    model = copy.deepcopy(small().model)
    for block in model.blocks:
        block.attn.qkv.register_forward_hook(view_alone)
    return dataclasses.replace(small(), model=model)


@app.function
def heat(weights, text: str, title: str) -> str:
    """A square of weights as SVG, darker for more, with the characters along both sides."""
    n = len(text)
    size = 290 / n
    parts = [
        f'<rect class="w" x="{36 + size * j:.2f}" y="{40 + size * i:.2f}" width="{size:.2f}" height="{size:.2f}" opacity="{w:.2f}"/>'
        for i, row in enumerate(weights)
        for j, w in enumerate(row)
        if w > 0.02
    ]
    letter = max(6.0, min(13.0, size * 0.95))
    for i, sign in enumerate(text):
        shown, middle = html.escape(sign if sign != " " else "␣"), size * (i + 0.5)
        parts.append(f'<text style="font-size:{letter:.1f}px" x="26" y="{40 + middle + letter / 3:.1f}">{shown}</text>')
        parts.append(f'<text style="font-size:{letter:.1f}px" x="{36 + middle:.1f}" y="34">{shown}</text>')
    return (
        f'<svg class="tn" viewBox="0 0 340 336" role="img" aria-label="{html.escape(title)}"><text class="q" x="181" y="14">{html.escape(title)}</text>'
        f'<rect class="frame" x="36" y="40" width="290" height="290"/>{"".join(parts)}</svg>'
    )


@app.cell(hide_code=True)
def _(guess_heads, texts):
    mo.stop(not guess_heads.revealed, guess_heads.waiting)
    _text = texts[0]
    _ids = torch.tensor(small().encode(_text))
    _drawn, _loss = [], []
    # The head of the first block that looks most at the character just before.
    _head = int(look.attention(small(), LINES[0]).layers[0].weights.diagonal(-1, 1, 2).mean(-1).argmax())
    for _loaded, _title in ((small(), "as it was trained"), (broken(), "heads by view alone")):
        with torch.no_grad():
            _loss.append(float(F.cross_entropy(_loaded.model(_ids[None, :-1])[0], _ids[1:])))
        _weights = look.attention(_loaded, _text).layers[0].weights[_head]
        _drawn.append(heat(_weights.tolist(), _text, f"{_title}: loss {_loss[-1]:.2f}"))
    mo.vstack(
        [
            guess_heads.reply,
            mo.Html(
                f'{STYLE}<div class="tn-row">{"".join(_drawn)}</div><p class="tn-told">One head of the first block, reading your first line. Each row is a character, '
                "and blue is where it looks. As it was trained, the head looks at the character just before: a line below "
                f"the diagonal. Guessing blindly among {small().model.config.vocab_size} characters has a loss of "
                f"{math.log(small().model.config.vocab_size):.2f}; the mistake took the model from {_loss[0]:.2f} to {_loss[1]:.2f}.</p>"
            ),
            prose(r"""
            *Trained* with the mistake inside, it learns around it: the loss falls, only not as far. So test numbers, never shapes alone.

            Three moves do nearly all of this: *cut* an axis in two (`view`), *exchange* axes (`transpose`, or `permute` for several at once),
            *join* two that are neighbours (`reshape`). In a cut the first new axis is the outer one: six as `(3, 2)` are three pairs of neighbours.
            """),
            after(
                "tensors/einsum",
                lambda: noted(split_heads, {"return x.view": "cut the width, then exchange `t` and `h`"}),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Broadcasting: repeated without being asked

    Add a row to a table, and PyTorch adds it to *every* row. The rule is called [[broadcasting]]: write the two shapes under each other,
    lined up at the **right**. Two sizes fit if they are equal, or one of them is 1, or missing; that one is repeated.

    `(2, 19, 160)` and `(160,)` give `(2, 19, 160)`: the same 160 numbers are added to every character of both lines.
    """)
    return


@app.cell(hide_code=True)
def _():
    guess_loss = Predict(
        "tensors/column-minus-row",
        "A model predicts 1, 2, 3 as a column, shape `(3, 1)`. The targets are 1, 2, 3, shape `(3,)`. What is "
        "`((prediction - target) ** 2).mean()`?",
        choices=["0, all three are right", "4/3", "an error, the shapes differ"],
        answer="4/3",
        wrong={
            "0, all three are right": "It would be, if each prediction met its own target only.",
            "an error, the shapes differ": "Lined up at the right, 1 meets 3, and nothing meets the other 3: both fit.",
        },
        why="Every prediction meets every target: nine differences, and their squares add up to 12. The mean is 12/9.",
    )
    guess_loss
    return (guess_loss,)


@app.function
def table(rows, x: float, y: float, lit=(), wide: float = 46) -> str:
    """Numbers in boxes at a place of an SVG; those of `lit`, as (row, column), are blue."""
    return "".join(
        f'<rect class="{"on" if (i, j) in lit else "c"}" x="{x + wide * j}" y="{y + 32 * i}" width="{wide}" height="32"/>'
        f'<text x="{x + wide * (j + 0.5)}" y="{y + 21 + 32 * i}">{value}</text>'
        for i, row in enumerate(rows)
        for j, value in enumerate(row)
    )


@app.function
@functools.cache
def race():
    """Distances of all pairs of rows of the model's table of characters: seconds by loops and in one operation, and how many rows."""
    points = small().model.embed.weight.detach().double()
    began = time.perf_counter()
    slow = torch.zeros(len(points), len(points), dtype=points.dtype)
    for i in range(len(points)):
        for j in range(len(points)):
            slow[i, j] = (points[i] - points[j]).norm()
    middle = time.perf_counter()
    fast = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    end = time.perf_counter()
    assert torch.allclose(slow, fast)
    return middle - began, end - middle, len(points)


@app.cell(hide_code=True)
def _(guess_loss):
    mo.stop(not guess_loss.revealed, guess_loss.waiting)
    _p, _t = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([1.0, 2.0, 3.0])
    _d = ((_p - _t) ** 2).int().tolist()
    _loops, _once, _n = race()
    mo.vstack(
        [
            guess_loss.reply,
            mo.Html(
                f'{STYLE}<svg class="tn" viewBox="0 0 360 170" style="max-width:440px" role="img" aria-label="A column minus a row">'
                f'<text class="q" x="46" y="44">prediction</text>{table([[1], [2], [3]], 23, 56)}<text x="96" y="108">−</text>'
                f'<text class="q" x="212" y="12">target</text>{table([[1, 2, 3]], 143, 18)}'
                f"{table(_d, 143, 56, {(0, 0), (1, 1), (2, 2)})}"
                f'<text class="q" x="212" y="166">squared; only the blue ones were meant</text></svg>'
            ),
            prose(
                f"""
            Trained on this, a model learns to predict the *mean* of all targets: that is what makes nine differences smallest. The
            loss falls, and stops early. Where you do want all pairs, put in an axis of size 1
            on either side (`[:, None]` does that), and every point meets every point. All distances between the {_n} characters in our model's
            table, just now:  **{_loops * 1000:.0f} ms** with two loops in Python, **{_once * 1000:.2f} ms** in
            one operation.
            """
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Saying which axes: einsum

    [[einsum]] lets you say the letters to PyTorch. Left of the arrow each tensor names its axes; a letter that is **not on
    the right is summed over**. By hand: `"i,i->"` of (1, 2, 3) and (4, 5, 6) is $4 + 10 + 18 = 32$, one number, a
    [[dot product]].  Choose one, and read it as loops:
    """)
    return


@app.cell(hide_code=True)
def _():
    formula = mo.ui.dropdown(
        {
            "i,i-> : dot product": "i,i->",
            "i,j->ij : all products": "i,j->ij",
            "ik,kj->ij : matrix product": "ik,kj->ij",
            "ij->ji : turned over": "ij->ji",
            "ii->i : a letter twice": "ii->i",
            "bhtk,bhsk->bhts : scores of attention": "bhtk,bhsk->bhts",
            "bhtk,bhsk->bts : one letter forgotten": "bhtk,bhsk->bts",
        },
        value="ik,kj->ij : matrix product",
        label="formula",
    )
    mo.hstack([formula], justify="start")
    return (formula,)


@app.function
def loops(formula: str, t: int) -> str:
    """An einsum as nested loops, with the shapes for a text of `t` characters in our model; and a sentence on what is summed."""
    sizes = {"i": 3, "j": 4, "k": 5, "b": 2, "h": 5, "t": t, "s": t}
    if "bh" in formula:
        sizes["k"] = 32
    left, right = formula.split("->")
    names = left.split(",")
    summed = [letter for letter in dict.fromkeys(left.replace(",", "")) if letter not in right]
    given = [torch.zeros([sizes[letter] for letter in name]) for name in names]
    out = torch.einsum(formula, *given)
    factors = " * ".join(f"{tensor}[{', '.join(name)}]" for tensor, name in zip("xy", names, strict=False))
    lines = [
        f"{'  ' * n}for {letter} in range({sizes[letter]}):{'   # summed' if letter in summed else ''}"
        for n, letter in enumerate((*right, *summed))
    ]
    target = f"out[{', '.join(right)}]" if right else "out"
    lines.append(f"{'  ' * len(lines)}{target} {'+=' if summed else '='} {factors}")
    shapes = " and ".join(f"<code>{tuple(each.shape)}</code>" for each in given)
    over = f"summed over {', '.join(summed)}" if summed else "nothing is summed"
    return (
        f'{STYLE}<div class="tn-loops">{html.escape(chr(10).join(lines))}</div>'
        f'<p class="tn-told" style="min-height:3.4em">{shapes} give <code>{tuple(out.shape)}</code>: {over}.</p>'
    )


@app.cell(hide_code=True)
def _(batch, formula):
    mo.Html(loops(formula.value, batch.shape[1]))
    return


@app.cell(hide_code=True)
def _():
    _p = torch.tensor([[0.1, 0.2, 0.6, 0.1], [0.7, 0.1, 0.1, 0.1], [0.2, 0.2, 0.1, 0.5]])
    _targets = torch.tensor([2, 0, 3])
    _all = [[f"{v:.1f}" for v in row] for row in _p[:, _targets].tolist()]
    _out = torch.zeros(2)
    _out[torch.tensor([0, 1, 0])] += torch.tensor([1.0, 2.0, 4.0])
    _added = torch.zeros(2).index_add(0, torch.tensor([0, 1, 0]), torch.tensor([1.0, 2.0, 4.0]))
    mo.vstack(
        [
            prose(r"""
            ## One number from each row: gather and scatter

            A model gives each of three positions four probabilities; the characters that came next are number 2, 0 and 3. (The [[softmax]] makes them
            from scores; `log_softmax` gives their logarithms, however small they are.) To
            learn how surprised it was you want *one number per row*:
            """),
            mo.Html(
                f'{STYLE}<div class="tn-row"><svg class="tn" viewBox="0 0 330 130" role="img" aria-label="gather"><text class="q" x="165" y="12">p.gather(1, targets[:, None])</text>'
                f"{table([[f'{v:.1f}' for v in row] for row in _p.tolist()], 73, 22, {(0, 2), (1, 0), (2, 3)})}</svg>"
                f'<svg class="tn" viewBox="0 0 330 130" role="img" aria-label="indexing"><text class="q" x="165" y="12">p[:, targets]: every row at all targets</text>'
                f"{table(_all, 96, 22, {(0, 0), (1, 1), (2, 2)})}</svg></div>"
            ),
            prose(
                f"""
            [[gather]] takes column `targets[i]` of row `i`. `p[:, targets]` crosses every row
            with every target: `(3, 3)`, the wanted three on the diagonal among six others. Both have a mean.

            [[scatter|Scatter]] goes the other way: it writes to places that an index names. Send 1, 2 and 4 to the places 0, 1 and 0.
            `out.index_add(0, index, x)` gives `{_added.int().tolist()}`; `out[index] += x` gives `{_out.int().tolist()}`. Of two that go to one place, the second keeps only one.
            """
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## Who may look at whom: masks

            Your two lines lie in one rectangle, and the shorter is filled up ([[padding]]). Nobody should look at the filling. And a
            model that learns to guess the next character must not see it. Both are [[mask|masks]]: tables of true and false,
            made by *comparing two ranges of numbers*, one as a column, one as a row: `torch.arange(3)[:, None] == torch.arange(3)` is true
            on the diagonal. Nor is a loop needed to count each line's characters:
            """),
            noted(
                real_positions,
                {
                    "return torch.arange(t": "no padding: 0, 1, 2 ... for every line at once",
                    "cumsum(-1)": "counts the true ones so far; padding adds nothing",
                },
                only=("if mask is None", "cumsum"),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    kind = mo.ui.dropdown(
        ["causal: nothing later", "a window of the last 4", "padding: nothing filled up", "causal and padding"],
        value="causal: nothing later",
        label="mask",
    )
    mo.hstack([kind], justify="start")
    return (kind,)


@app.cell(hide_code=True)
def _(kind, lengths, texts):
    _t = int(lengths.max())
    _short = int(lengths.argmin())
    _text = texts[_short] + "·" * (_t - len(texts[_short]))
    _padding = padding_mask(lengths, _t)[_short].expand(_t, _t)
    _mask = {
        "causal: nothing later": causal_mask(_t),
        "a window of the last 4": window_mask(_t, window=4),
        "padding: nothing filled up": _padding,
        "causal and padding": causal_mask(_t) & _padding,
    }[kind.value]
    mo.vstack(
        [
            mo.Html(
                f'{STYLE}<div class="tn-row">{heat(_mask.double().mul(0.75).tolist(), _text, "rows look at columns")}</div>'
                f'<p class="tn-told" style="min-height:3.4em">The shorter of your lines; · is filling. Blue may be looked at: '
                f"{int(_mask.sum())} of {_mask.numel()} pairs. A row sees {int(_mask.sum(-1).min())} to {int(_mask.sum(-1).max())}.</p>"
            ),
            after(
                "tensors/masks",
                lambda: mo.vstack(
                    [
                        noted(causal_mask, {"tril(s - t)": "true on and below the diagonal"}),
                        noted(padding_mask, {"return column": "a row of places against a column of lengths: (b t)"}),
                    ]
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose("## What went wrong before, what goes wrong today"),
            story(
                "tensors/masks",
                "Right with one line, right with three, wrong with five",
                """
                Alone, every text gets the answer it should. In large batches some get nonsense, some an error about shapes. The mask was `(b, t, t)`, the scores `(b, h, t, t)`. Lined up at the right, the
                mask's batch met the *heads*. With a batch of 1 it was repeated, rightly. With 3 texts and 5 heads came the
                error, and somebody filled the batch up to 5 to be rid of it. Then head 0 had the mask of text 0, for every
                text. An axis of size 1 for the heads, `(b, 1, t, t)`, is all that was missing.
                """,
            ),
            story(
                "tensors/shapes",
                "The test that went there and back",
                """
                Pictures are cut into squares by a `reshape` and put together by the opposite one, and a test says that the
                picture comes back. It does. The model never gets good. Each “square” was a strip
                of one pixel row: a reshape moves no number, and two that undo each other prove nothing. Test one square against
                the pixels it should hold.
                """,
            ),
            story(
                "tensors/gather",
                "A loss too good to be true",
                """
                After an hour the loss is nearly 0, far below any published model. It writes one letter, repeated. The scores
                at place `i` had been compared with character `i`, which the model has just read, and not with `i + 1`. Copying is
                easy.
                """,
            ),
            mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("tensors")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    foot("tensors")
    return


if __name__ == "__main__":
    app.run()
