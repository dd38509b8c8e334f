"""Layer norm: the lesson. `headway read layer-norm` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Layer norm")

with app.setup:
    import functools
    import math

    import marimo as mo
    import torch
    import torch.nn.functional as F

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.blocks.backward import layer_norm_backward
    from headway.blocks.norms import rms_norm, rms_norm_by_hand
    from headway.claims.shelf import shipped
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, result_of, story
    from headway.models.transformer import Residual, Transformer, TransformerConfig, deepnorm

    TEXT = "To be, or not to be: that is the question"
    BLUE, ORANGE, GREEN, GREY = "var(--hw-accent, #3b82c4)", "#d9601a", "#2e9e6b", "currentColor"
    SVG = '<svg viewBox="0 0 420 {high}" style="width:100%;max-width:560px;display:block;margin:auto" role="img" aria-label="{alt}">'


@app.cell(hide_code=True)
def _():
    head(
        "layer-norm",
        "Why could the Transformer of 2017 only be trained with a [[warm-up]], and what made it unnecessary?",
    )
    return


@app.cell(hide_code=True)
def _():
    given = mo.ui.text(value=TEXT, label="Your words", full_width=True)
    moved = mo.ui.dropdown(
        {"where they were in training": (), "after every sum": ("post",), "nowhere": ("none",)},
        value="where they were in training",
        label="The norms stand",
    )
    mo.vstack(
        [
            prose(r"""
            The Transformer of 2017 had a quirk. Its [[learning rate]] had to grow from nothing over the first 4,000 steps
            (section 5.3 of the paper), or training failed, and nobody could quite say why. The answer came three years
            later, and it lies in the smallest part of the model, the *norm*.

            What is it for? In a [[Transformer]] each [[sublayer]] adds something to the vector of a [[token]], and the
            next one reads the sum, the [[residual stream]]. Many additions make a vector long, and in training all of
            them keep changing. Something has to hold the sizes.

            Here is a small GPT-2 of ours, on your words. From left to right: the places on the way (*0.attn* is after the
            [[attention]] of the first [[layer]], *0.mlp* after its [[feed-forward network]]). Upwards: how long the
            stream is there, the root of the sum of its squares. Now move the norms to another place, and see what is left
            of the model.
            """),
            mo.md(f"{given} {moved}"),
        ]
    )
    return given, moved


@app.function
@functools.cache
def writer():
    """The small GPT-2 that has read Shakespeare letter by letter."""
    return zoo.load("shakespeare-char")


@app.function
@functools.cache
def sizes(text: str, where: tuple[str, ...] = ()) -> look.Norms:
    """The lengths of the stream, with the norms of the blocks moved to `where`."""
    return look.norms(writer(), text[:120], edits=[look.Norm(each) for each in where])


@app.cell(hide_code=True)
def _():
    measured = sizes(TEXT).widget()
    mo.ui.anywidget(measured)
    return (measured,)


@app.cell(hide_code=True)
def _(given, measured, moved):
    _text = given.value if len(given.value) > 1 else TEXT
    try:
        _now = sizes(_text, moved.value)
        measured.data = _now.packed() | {"edits": []}  # the control above says it, and a line more would move the page
        _stream = _now.stacks[0].stream.double().median(1).values
        _told = prose(
            f"The stream goes from **{_stream[0]:.1f}** to **{_stream[-1]:.1f}**, and the model's [[surprise]] at a letter of "
            f"your text is **{_now.loss:.2f}** [[nat|nats]] (as trained: {sizes(_text).loss:.2f}; all letters alike: "
            f"{math.log(writer().model.config.vocab_size):.2f})."
        )
    except HeadwayError as error:
        _told = mo.md(str(error))
    mo.vstack(
        [
            _told,
            prose(
                "Wherever you move the norms, the weights stay as they were. But they were learned around the norms, and elsewhere are worth little."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _x = torch.tensor([1.0, 3.0, 8.0], dtype=torch.float64)
    _mean, _off = _x.mean(), _x - _x.mean()
    _variance = _off.square().mean()
    _a, _b, _c = (f"{value:.2f}" for value in (_off / _variance.sqrt()).tolist())
    prose(rf"""
    ## What a norm does, by hand

    A token's vector has three features, $x = (1, 3, 8)$.

    1. Their **mean** is $\mu = {_mean:.0f}$. Take it off: $(-3, -1, 4)$.
    2. The mean of the squares of these, $(9 + 1 + 16)/3 = {_variance:.2f}$, is the [[variance]]. Its root is the usual spread,
       $\sigma = {_variance.sqrt():.2f}$. Divide by it: $({_a}, {_b}, {_c})$.

    Whatever came in, the mean is now 0 and the mean of the squares 1. Last, each feature gets a *gain* $g$ and a *bias*
    $b$ of its own, which are learned, so that the model can undo what it does not want. That is [[LayerNorm]]
    ([[@layer-norm]]), for $d$ features:

    $$\mathrm{{LN}}(x)_i = g_i\,\frac{{x_i - \mu}}{{\sqrt{{\sigma^2 + \epsilon}}}} + b_i$$

    ($\epsilon$, say 0.00001, only keeps a vector of equal features from dividing by 0.) No other token is looked at, and
    no other row of the [[batch]].
    """)
    return


@app.cell(hide_code=True)
def _():
    scaled = Predict(
        "layer-norm/scaled",
        "All three features are multiplied by 100, and then 7 is added to each: $x = (107, 307, 807)$. By what factor does $\\mathrm{LN}(x)$ "
        "grow?",
        answer="1",
        why="The 7 goes with the mean, and the spread has grown by the same 100 that it divides by. Nothing is left of either.",
    )
    scaled
    return (scaled,)


@app.cell(hide_code=True)
def _():
    factor = mo.ui.slider(-2, 3, value=1, step=0.1, label="multiply x by", show_value=True)
    shift = mo.ui.slider(-5, 5, value=0, step=0.5, label="add to each feature", show_value=True)
    return factor, shift


@app.function
def three(x: torch.Tensor) -> str:
    """x, LayerNorm(x) and RMSNorm(x) as bars (SVG)."""
    ones = torch.ones(len(x), dtype=x.dtype)
    rows = (
        ("x", x, 10.0),
        ("LayerNorm(x)", F.layer_norm(x, (len(x),)), 3.0),
        ("RMSNorm(x)", rms_norm(x, ones, 1e-5), 3.0),
    )
    parts = []
    for n, (name, values, most) in enumerate(rows):
        left, middle = 8 + 138 * n, 110
        parts.append(f'<text x="{left + 64}" y="18" text-anchor="middle" font-size="13" fill="{GREY}">{name}</text>')
        parts.append(f'<line x1="{left}" x2="{left + 128}" y1="{middle}" y2="{middle}" stroke="{GREY}" opacity=".4"/>')
        for i, value in enumerate(values.tolist()):
            tall = min(abs(value) / most, 1) * 80
            top = middle - tall if value > 0 else middle
            parts.append(
                f'<rect x="{left + 4 + 15.5 * i:.1f}" y="{top:.1f}" width="12" height="{max(tall, 0.5):.1f}" '
                f'fill="{ORANGE if n == 0 else BLUE}"/>'
            )
        parts.append(
            f'<text x="{left + 64}" y="208" text-anchor="middle" font-size="12" fill="{GREY}" opacity=".75">'
            f"length {float(values.norm()):.2f}</text>"
        )
    return SVG.format(high=216, alt="x and its two norms as bars") + "".join(parts) + "</svg>"


@app.cell(hide_code=True)
def _(factor, scaled, shift):
    mo.stop(not scaled.revealed, scaled.waiting)
    _x = torch.tensor([1.2, -0.5, 2.4, 0.3, -1.6, 0.9, -2.1, 1.0], dtype=torch.float64) * factor.value + shift.value
    mo.vstack(
        [
            scaled.reply,
            mo.md(f"{factor} {shift}"),
            mo.Html(three(_x)),
            prose(rf"""
            LayerNorm does not move, until the factor becomes negative: then all signs turn round. [[RMSNorm]]
            ([[@rms-norm]]) leaves the mean in and only divides by the root of the mean of the squares,

            $$\mathrm{{RMSNorm}}(x)_i = g_i\,x_i \Big/ \sqrt{{\tfrac1d\textstyle\sum_j x_j^2 + \epsilon}}.$$

            It notices what is added, but not the factor. Models got no worse by it, so it was the length that mattered
            and not the mean; Llama and its kin norm this way.

            And see the lengths: if the mean of $d$ squares is 1, the vector has the length $\sqrt d$, here
            $\sqrt 8 = {math.sqrt(8):.2f}$.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            What changes nothing has no gradient. So on the way back, in the [[backward pass]], LayerNorm takes two things
            out: what is alike in all features, and what points along $x$.
            """),
            after(
                "layer-norm/rms",
                lambda: noted(
                    rms_norm_by_hand,
                    {
                        "wide =": "in half precision a sum of squares would not fit",
                        "torch.rsqrt": "no mean is subtracted",
                    },
                ),
            ),
            after(
                "autograd/layernorm",
                lambda: noted(
                    layer_norm_backward,
                    {
                        "along =": "how much of the gradient points along x̂ itself",
                        "dx =": "what LayerNorm does not notice has no gradient: two subtractions",
                    },
                    only=("centred =", "return dx"),
                ),
            ),
        ]
    )
    return


@app.function
@functools.cache
def plans() -> str:
    """The diagrams of a model of 2017 and of a GPT-2, with their norms lit, side by side where there is room."""
    parts = []
    for name, told in (
        ("numbers-transformer", "As in 2017: after each sum"),
        ("shakespeare-char", "Since: before each sublayer"),
    ):
        drawing = look.diagram(zoo.load(name), level="block", lit=("norm",)).svg()
        parts.append(
            f'<figure style="flex:1 1 300px;max-width:420px;margin:0"><figcaption style="text-align:center"><strong>{told}</strong>'
            f" <small>({name})</small></figcaption>{drawing}</figure>"
        )
    return f'<div style="display:flex;flex-wrap:wrap;gap:1.5rem;justify-content:center">{"".join(parts)}</div>'


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            ## Two places for it

            The paper of 2017 norms **after** each sum (its section 3.1; today called [[Post-LN]]). Xiong and nine others
            asked in 2020 what happens if the norm goes **before** the [[sublayer]], into the side branch that leads
            through it ([[@pre-ln]]; [[Pre-LN]]):

            $$\begin{aligned} \text{Post-LN:}\quad & x \leftarrow \mathrm{LN}(x + f(x)) \\
            \text{Pre-LN:}\quad & x \leftarrow x + f(\mathrm{LN}(x)) \end{aligned}$$

            with $f$ the [[attention]] or the [[feed-forward network]]. Two real models of ours, drawn from their parts:
            follow the line that goes past the sublayers. In the model of 2017 it runs through every lit box. In the GPT-2
            it meets one, at the very end.
            """),
            mo.Html(plans()),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    _old = look.norms(zoo.load("numbers-transformer"), "four hundred and two", gradients=False).stacks[0]
    _new = sizes(TEXT).stacks[0]
    _from, _to = (float(_old.stream.double().median(1).values[n]) for n in (1, -1))
    _first, _last = (float(_new.stream.double().median(1).values[n]) for n in (0, -1))
    mo.vstack(
        [
            prose(rf"""
            So in Post-LN the stream is brought back to one length after each sublayer: {_from:.1f} after the first,
            {_to:.1f} after the last, near $\sqrt{{96}} = {math.sqrt(96):.1f}$, as its width of 96 says. In Pre-LN nothing
            holds it, and it grew from {_first:.1f} to {_last:.1f} in the picture above. Keep that in mind; it explains
            what comes next. In our code the two are one line each:
            """),
            after(
                "layer-norm/residual",
                lambda: noted(
                    Residual.forward,
                    {
                        "return self.norm(x + self": "Post-LN: the sum is normed",
                        "return x + self.drop(sublayer(self.norm": "Pre-LN: the stream stays as it is",
                    },
                ),
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    deeper = Predict(
        "layer-norm/deeper",
        "Before the first step of training we measure the [[gradient]] of the last layer's [[weight|weights]]. Now the network gets six times "
        "as deep. What does that gradient do in Post-LN and in Pre-LN?",
        choices=[
            "it stays in Post-LN and shrinks in Pre-LN",
            "it vanishes in Post-LN and stays in Pre-LN",
            "it grows sixfold in both",
        ],
        answer="it stays in Post-LN and shrinks in Pre-LN",
        wrong={
            "it vanishes in Post-LN and stays in Pre-LN": "The last layer is next to the loss: nothing lies between in which a gradient "
            "could vanish.",
            "it grows sixfold in both": "A gradient grows on a way that multiplies it; the last layer's way is short at any depth.",
        },
        why="A norm divides by the length of what comes in, and the gradient on its way back is divided alike. In Pre-LN the one norm at "
        "the end meets a stream that has grown with every layer.",
    )
    deeper
    return (deeper,)


@app.cell(hide_code=True)
def _():
    depth = mo.ui.slider(steps=[2, 4, 6, 8, 12], value=2, label="layers", show_value=True)
    return (depth,)


@app.function
@functools.cache
def gradients(norm: str, layers: int) -> list[float]:
    """The gradient's length at each encoder block's second feed-forward matrix, before training: the mean of four models."""
    found = [0.0] * layers
    for seed in range(4):
        torch.manual_seed(seed)
        model = Transformer(
            TransformerConfig(vocab_size=40, width=32, n_layer=layers, n_head=4, n_decoder_layer=1, norm=norm)
        )
        ids = torch.randint(0, 40, (8, 12))
        loss = F.cross_entropy(F.linear(model.encode(ids), model.embed.weight).flatten(0, 1), ids.flatten())
        weights = [model.get_parameter(f"encoder.{n}.mlp.down.weight") for n in range(layers)]
        for n, gradient in enumerate(torch.autograd.grad(loss, weights)):
            found[n] += float(gradient.norm()) / 4
    return found


@app.function
def lines(rows, wide: int, most: float, below: str, ticks, marks=(), labels=(), dots: bool = False) -> str:
    """Curves as an SVG of one size: `rows` are (x, y, colour); x up to `wide`, y from 0 to `most`; `labels` (x, y, text, colour)."""
    left, top, across, high = 44, 14, 356, 190

    def at(x: float, y: float) -> str:
        return f"{left + across * x / wide:.1f},{top + high * (1 - y / most):.1f}"

    parts = []
    for value, text in ticks:
        y = top + high * (1 - value / most)
        parts.append(
            f'<line x1="{left}" x2="{left + across}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GREY}" opacity=".15"/>'
        )
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" font-size="12" fill="{GREY}">{text}</text>'
        )
    for value in marks:
        x = left + across * value / wide
        parts.append(
            f'<text x="{x:.1f}" y="{top + high + 18}" text-anchor="middle" font-size="12" fill="{GREY}">{value}</text>'
        )
    for x, y, colour in rows:
        points = [at(a, min(max(b, 0), most)) for a, b in zip(x, y, strict=True)]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        for point in points if dots else ():
            px, py = point.split(",")
            parts.append(f'<circle cx="{px}" cy="{py}" r="4" fill="{colour}"/>')
    for x, y, text, colour in labels:
        px, py = at(x, y).split(",")
        parts.append(f'<text x="{px}" y="{py}" font-size="13" fill="{colour}">{text}</text>')
    parts.append(
        f'<text x="{left + across / 2}" y="{top + high + 36}" text-anchor="middle" font-size="12" fill="{GREY}">{below}</text>'
    )
    return SVG.format(high=244, alt=below) + "".join(parts) + "</svg>"


@app.cell(hide_code=True)
def _(deeper, depth):
    mo.stop(not deeper.revealed, deeper.waiting)
    _post, _pre = gradients("post", depth.value), gradients("pre", depth.value)
    _x = list(range(1, depth.value + 1))
    mo.vstack(
        [
            deeper.reply,
            mo.md(f"{depth}"),
            mo.Html(
                lines(
                    [(_x, _post, ORANGE), (_x, _pre, BLUE)],
                    12.5,
                    1.75,
                    "layer, the last next to the loss; upwards: length of its gradient",
                    [(0, "0"), (0.5, "0.5"), (1, "1"), (1.5, "1.5")],
                    (1, 2, 4, 6, 8, 10, 12),
                    [(7, 1.58, "Post-LN", ORANGE), (10, 1.58, "Pre-LN", BLUE)],
                    dots=True,
                )
            ),
            mo.md(
                "Drag the depth up, and watch the last dot of each line. "
                f"At the last of {depth.value} layers: Post-LN **{_post[-1]:.2f}**, Pre-LN **{_pre[-1]:.2f}**."
            ),
            prose(r"""
            This is theorem 1 of Xiong and others: with $L$ layers, the last one's gradient is of the order of
            $d\sqrt{\ln d}$ in Post-LN ($d$ is the width), whatever $L$, and $\sqrt L$ times smaller in Pre-LN. Their
            reading: next to the loss the first steps are too large for the rest, which has learned nothing yet. Liu and
            others ([[@admin]]) found the other half: a Post-LN layer leans heavily on its own branch, so a small change
            of the weights becomes a large one of the output. Either way, what fails is the *start*. A [[warm-up]], some
            hundreds or thousands of tiny steps, gets a model over it.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    trains = Predict(
        "layer-norm/no-warm-up",
        "Twelve layers of Post-LN, full [[learning rate]] from the first step, 400 steps. How much of what there is to learn has it learned?",
        choices=["nothing beyond how often each symbol comes", "about half, only slower", "all, after a bumpy start"],
        answer="nothing beyond how often each symbol comes",
        wrong={
            "about half, only slower": "It is not slow, it is stuck: its loss no longer falls at all.",
            "all, after a bumpy start": "The bumps were in the first few steps, and it never came back from where they threw it.",
        },
        why="The same network with 200 steps of warm-up learns well, so neither its size nor its layout is to blame.",
    )
    trains
    return (trains,)


@app.function
def curves() -> str:
    """The share learned over training, with both norms, with and without warm-up: the means of the claim's runs (SVG)."""
    arms = shipped("pre-ln")["arms"]
    rows = []
    for arm, colour in (("pre", BLUE), ("pre-warmup", GREEN), ("post-warmup", "#c9951c"), ("post", ORANGE)):
        runs = list(arms[arm]["numbers"].values())
        learned = [
            sum(
                (run["unigram_entropy"] - run["losses"][n]) / (run["unigram_entropy"] - run["entropy_rate"])
                for run in runs
            )
            / len(runs)
            for n in range(len(runs[0]["steps"]))
        ]
        rows.append((runs[0]["steps"], learned, colour))
    return lines(
        rows,
        400,
        1.0,
        "step; upwards: share learned of what there is to learn",
        [(0, "0%"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1, "100%")],
        (0, 100, 200, 300, 400),
        [
            (270, 0.42, "Pre-LN", BLUE),
            (270, 0.33, "Pre-LN, warm-up", GREEN),
            (270, 0.24, "Post-LN, warm-up", "#c9951c"),
            (270, 0.06, "Post-LN", ORANGE),
        ],
    )


@app.cell(hide_code=True)
def _(trains):
    mo.stop(not trains.revealed, trains.waiting)
    _alpha, _ = deepnorm(6, 6)["encoder"]
    mo.vstack(
        [
            trains.reply,
            mo.Html(curves()),
            prose(rf"""
            Each line is the mean of five runs of ours on a made-up language, of which it is known how much there is to
            learn (`headway reproduce pre-ln`). Pre-LN does without a warm-up, and that is why nearly every large model
            since norms there. `headway look smollm2-135m "your words" --norms` shows the stream of one with 30 layers.

            It has its price. As the stream gets long, what a late layer adds counts for less. Two ways to keep both:
            *DeepNorm* ([[@deepnet]]) stays with Post-LN and makes the old stream count more,
            $x \leftarrow \mathrm{{LN}}(\alpha x + f(x))$, with $\alpha = {_alpha:.2f}$ for 6 + 6 layers, and starts with
            smaller weights. *ReZero* ([[@rezero]]) has no norm at all but a gate, $x \leftarrow x + a\,f(x)$, that starts
            at $a = 0$: at first every layer does nothing. Both train 64 layers here, where plain Post-LN learns nothing
            (`headway reproduce deepnorm-64`).
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose("## What goes wrong"),
            story(
                "layer-norm/residual",
                "The port that was only a little worse",
                """
                The code came from a Post-LN model; two letters were exchanged to make it Pre-LN. Shapes fitted, the loss
                fell, and the result was a little worse, the more so the deeper the model. In Post-LN the last sublayer
                ends with a norm. In Pre-LN nothing does: the long stream went into the [[logit|logits]] as it was. A
                Pre-LN stack needs one norm more, at the end.
                """,
            ),
            story(
                "layer-norm/norm",
                "The model that saw the future",
                """
                In training it knew the next word nearly always; in use it wrote nonsense. Its [[causal mask]] was right.
                But mean and variance were taken over all positions together, and so every position felt what came after
                it. In training there is an *after*, in use there is none. A norm looks at one position's own features,
                and at nothing else.
                """,
            ),
            story(
                "layer-norm/rms",
                "The sentence that fell silent",
                """
                In float16, on one sentence, a layer gave nothing but zeros. One feature had reached 300. Its square is
                90,000, and the largest float16 is 65,504: the mean of the squares became infinite, and everything divided
                by it 0. Squares are summed in float32, whatever the model's own format.
                """,
            ),
            prose("## Measured"),
            mo.md(result_of("pre-ln")),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("layer-norm")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    foot("layer-norm")
    return


if __name__ == "__main__":
    app.run()
