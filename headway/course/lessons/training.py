"""Training Transformers: the lesson. `headway read training` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Training Transformers")

with app.setup:
    import functools
    import html
    import json

    import marimo as mo
    import matplotlib.pyplot as plt
    import torch
    import torch.nn.functional as F

    from headway import look, zoo
    from headway.base.errors import HeadwayError
    from headway.learn.inked import BLUE, GREY, RUST, inked
    from headway.learn.lesson import Predict, Recall, foot, head, noted, prose, result_of, story
    from headway.learn.path import COURSE
    from headway.train.losses import cross_entropy

    torch.set_num_threads(1)  # everything here is small: two threads would only wait for each other
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    SENTENCE = "My name is Anna and I like to swim in cold water."
    STRANGER = "But, soft! what light through yonder window breaks?"


@app.function
@functools.cache
def speaker():
    """The small network that writes Shakespeare, as it is everywhere in these lessons."""
    return zoo.load("shakespeare-char")


@app.function
def numbers_of(text: str) -> tuple[int, ...]:
    """A text as the network's characters: without those it has never seen; the sentence above where too few are left."""
    known = ""
    for letter in text[:120]:
        try:
            speaker().encode(letter)
            known += letter
        except HeadwayError:
            continue
    return tuple(speaker().encode(known if len(known) >= 4 else SENTENCE))


@app.function
def measured(claim: str) -> dict:
    """What was measured for a claim: arm -> the numbers of each seed."""
    path = COURSE.parent / "claims" / "results" / f"{claim}.json"
    arms = json.loads(path.read_text(encoding="utf-8"))["arms"]
    return {name: list(arm["numbers"].values()) for name, arm in arms.items()}


@app.function
def short(x: float) -> str:
    """A large number in words: 135 million, 1.4 trillion."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if x >= size:
            return f"{x / size:.3g} {word}" if x < 1000 * size else f"{x / size:,.0f} {word}"
    return f"{x:.3g}"


@app.cell(hide_code=True)
def _():
    head(
        "training",
        "How large a model, on how much text, and how does it get through the machine that you have?",
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    In 2020 the rule was: make it larger. GPT-3 had 175 billion [[weight|weights]] and read 300 billion [[token|tokens]]; a year later
    Gopher had 280 billion and read just as many. Then Hoffmann and others ([[@chinchilla|2022]], table 1) spent exactly what Gopher
    had cost on a model a *quarter* of its size, 70 billion, which read 1.4 trillion tokens. This was Chinchilla, better on nearly every test: the models before it had too little to read.

    How wide, on how much text, in what portions, in which number format: those are this lesson's questions. One answer is SmolLM2-135M; lit is what holds nearly all weights:
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.Html(look.diagram("smollm2-135m", lit=("embed", "attention", "mlp"), level="block").svg())
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## What a training costs

    Take one weight $w$ of such a table and one token. On the way forward it is multiplied by some $x$, and the product is added
    to a sum: 2 operations. On the way back there are two products of the same kind, one for the slope of $w$ (its entry of the [[gradient]]) and one for that of
    $x$, which is passed on: 4 more. So $N$ weights that read $D$ tokens cost about

    $$C = 6\,N D$$

    operations ([[FLOP|FLOPs]]; [[@scaling-laws|Kaplan et al.]], section 2.1). Here the network that writes Shakespeare reads your
    words, and every operation of its [[matrix product|matrix products]] is counted.
    """)
    return


@app.cell(hide_code=True)
def _():
    words = mo.ui.text(value=SENTENCE, label="your sentence", full_width=True, max_length=120)
    mo.hstack([words], widths=[1])
    return (words,)


@app.function
@functools.lru_cache(maxsize=32)
def counted(ids: tuple[int, ...]) -> tuple[int, int]:
    """Operations of matrix products and attention while the network reads: forward, and forward and backward."""
    from headway.train.flops import flops_of

    model, row = speaker().model, torch.tensor([ids])
    with torch.no_grad():
        forward = flops_of(lambda: model(row))
    leaves = list(model.parameters())
    return forward, flops_of(lambda: torch.autograd.grad(model(row).sum(), leaves))


@app.cell(hide_code=True)
def _(words):
    ids = numbers_of(words.value)
    _forward, _both = counted(ids)
    _n = sum(p.numel() for p in speaker().model.parameters())
    _read = speaker().words.decode(list(ids))
    _other = "" if _read == words.value else f"(It reads what it knows: <i>{html.escape(_read)}</i>) "
    prose(f"""
    {_other}{len(ids)} characters through {_n:,} weights. Forward, counted: **{short(_forward)}**; by the rule, $2ND$: {short(2 * _n * len(ids))}.
    With the way back, counted: **{short(_both)}**; by the rule, $6ND$: {short(6 * _n * len(ids))}. SmolLM2-135M read
    [2 trillion tokens](https://arxiv.org/abs/2502.02737): ${6 * 134_515_008 * 2e12 / 1e21:.1f} \\cdot 10^{{21}}$ operations, {6 * 134_515_008 * 2e12 / 5e10 / 3.156e7:,.0f}
    years of a processor core that does 50 billion a second.
    """)
    return (ids,)


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## The same money, spent differently

    With $C$ given, a larger $N$ means a smaller $D$. Hoffmann and others trained over 400 models and found that the [[loss]] is described
    well by three terms:

    $$L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}$$

    $E$ is what nobody can foresee, and $A$, $B$, $\alpha$ and $\beta$ are read off the runs. The second term is the price of a model that is too small, the third that of a
    text that is too short. It is called a [[scaling law]]. Both prices fall slowly: with an exponent of 0.35, a model ten times larger still pays $10^{-0.35} = 0.45$ of
    what it paid before.
    """)
    return


@app.cell(hide_code=True)
def _():
    ten = Predict(
        "training/ten-times",
        "You get ten times the compute. What should become of model and text?",
        choices=[
            "a model 3 times as large, on 3 times as much text",
            "a model 5.5 times as large, on 1.8 times as much text",
            "a model 10 times as large, on the same text",
        ],
        answer="a model 3 times as large, on 3 times as much text",
        wrong={
            "a model 5.5 times as large, on 1.8 times as much text": "That was the advice of Kaplan et al. in 2020, and what "
            "GPT-3 and Gopher followed. They had used one schedule for runs of every length, which makes short runs look worse than they are.",
            "a model 10 times as large, on the same text": "Then the third term stays as it was, and soon it is all that is left.",
        },
        why="α and β are nearly equal, so both terms have to fall together: each of N and D grows with the square root of C.",
    )
    ten
    return (ten,)


@app.cell(hide_code=True)
def _():
    budget = mo.ui.slider(18, 25, value=23.76, step=0.01, label="compute, 10^", show_value=True)
    size = mo.ui.slider(7, 12.5, value=11.45, step=0.05, label="weights, 10^", show_value=True)
    mo.hstack([budget, size], justify="start", gap=3)
    return budget, size


@app.function
def terms(n: torch.Tensor, c: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The three terms of the loss, in nats per token, of n weights trained with c operations: Besiroglu et al. 2024 (2404.10102)."""
    d = c / 6 / n
    return torch.full_like(n, 1.8172), 482.01 / n**0.3478, 2085.43 / d**0.3658


@app.cell(hide_code=True)
def _(budget, size, ten):
    mo.stop(not ten.revealed, ten.waiting)
    _c = 10.0**budget.value
    _n = torch.logspace(7, 12.5, 400, dtype=torch.float64)
    _loss = sum(terms(_n, _c))
    _yours = torch.tensor([10.0**size.value], dtype=torch.float64)
    _parts = [float(each) for each in terms(_yours, _c)]
    _best = int(_loss.argmin())
    fig_budget, _axis = plt.subplots(figsize=(4.2, 3.0))
    _, _small, _brief = terms(_n, _c)
    _axis.loglog(_n, _small, color=BLUE, linewidth=1.2, label="model too small")
    _axis.loglog(_n, _brief, color=RUST, linewidth=1.2, label="text too short")
    _axis.loglog(_n, _small + _brief, color="black", label="together")
    _axis.plot(_n[_best], (_small + _brief)[_best], "o", color="black", fillstyle="none", label="best")
    _axis.axvline(float(_yours), color=GREY, linestyle=":")
    _axis.plot(
        [float(_yours)] * 3, [_parts[1], _parts[2], _parts[1] + _parts[2]], "o", color=GREY, markersize=5, label="yours"
    )
    _axis.set(xlim=(1e7, 3.2e12), ylim=(0.01, 10), xlabel="weights N", ylabel="loss above E")
    _axis.set_xticks(
        [1e7, 1e8, 1e9, 1e10, 1e11, 1e12], ["10 million", "", "1 billion", "", "100 billion", ""], fontsize=8.5
    )
    _axis.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
    _axis.legend(frameon=False, fontsize=8.5, ncols=2, loc="upper right")
    fig_budget.tight_layout()
    _size, _tokens = float(_n[_best]), _c / 6 / float(_n[_best])
    mo.vstack(
        [
            ten.reply,
            inked("the two prices and their sum, against the number of weights, at this compute", fig_budget),
            mo.md(
                f"Yours: {short(float(_yours))} weights on {short(_c / 6 / float(_yours))} tokens, loss 1.82 + {_parts[1]:.2f} + {_parts[2]:.2f} = **{sum(_parts):.3f}**. "
                f"Best: **{short(_size)} on {short(_tokens)}**, {_tokens / _size:.0f} tokens a weight, loss **{float(_loss[_best]):.3f}**."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(ten):
    mo.stop(not ten.revealed)
    prose(r"""
    The page opens with Gopher's compute and size (by $6ND$ that buys 340 billion tokens; the paper counts a little more for each):
    most of its avoidable loss is a text too short. Move the weights down to Chinchilla's $10^{10.85}$. A gain of 0.02 looks
    little, but in balance Gopher's loss could be had for half the compute. At the lowest point one percent more weights saves
    exactly what one percent less text costs; the rule of thumb is *20 tokens for each weight*. But the valley is flat at its bottom,
    and a small model is cheaper to use ever after: SmolLM2's 135 million weights read 15,000 tokens each.

    And at a laptop's scale? Five sizes on each of three budgets, each from five random starts:
    """)
    return


@app.cell(hide_code=True)
def _(ten):
    mo.stop(not ten.revealed)
    fig_valleys, _axis = plt.subplots(figsize=(4.2, 2.5))
    _seeds = measured("chinchilla-minimum")["same-budget"]
    for _row, (_cost, _colour) in enumerate((("2·10⁹", GREY), ("6·10⁹", RUST), ("1.8·10¹⁰", BLUE))):
        _mean = [sum(each) / len(_seeds) for each in zip(*(seed["losses"][_row] for seed in _seeds), strict=True)]
        _axis.plot(_seeds[0]["sizes"][_row], _mean, "o-", color=_colour, markersize=4, label=f"{_cost} operations")
    _axis.set(xscale="log", ylim=(2.75, 3.95), xlabel="weights", ylabel="loss in nats")
    _axis.set_xticks([1000, 3000, 10000, 30000], ["1,000", "3,000", "10,000", "30,000"])
    _axis.minorticks_off()
    _axis.legend(frameon=False, fontsize=8, loc="upper left")
    fig_valleys.tight_layout()
    mo.vstack(
        [
            inked(
                "three valleys of the loss over the number of weights, the lowest point further right at each",
                fig_valleys,
            ),
            mo.accordion(
                {
                    "Measured: the claim `chinchilla-minimum`": mo.md(result_of("chinchilla-minimum")),
                    "The loss falls with size: the claim `kaplan-sign`": mo.md(result_of("kaplan-sign")),
                },
                multiple=True,
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## A learning rate that cannot be tried out

    The [[learning rate]] is found by trial. A model that costs millions is trained once, so people try on a narrow one. Below, the loss is counted from the text's [[entropy]], which no model can beat.
    """)
    return


@app.cell(hide_code=True)
def _():
    wider = Predict(
        "training/wider",
        "Five networks, width 32 to 512, trained by [[Adam]] with ten learning rates each. What happens to the best rate as the "
        "width grows 16-fold?",
        choices=["it falls, to a tenth or less", "it stays", "it grows"],
        answer="it falls, to a tenth or less",
        wrong={
            "it stays": "Adam moves every weight by one rate, however many there are; but their moves add up.",
            "it grows": "More products are added up in each sum, so the same move of each weight changes it more, not less.",
        },
        why="A number that is a sum over 16 times as many inputs moves up to 16 times as far when each of its weights takes the "
        "same step.",
    )
    wider
    return (wider,)


@app.cell(hide_code=True)
def _(wider):
    mo.stop(not wider.revealed, wider.waiting)
    _figures = []
    _shift = {}
    for _arm, _title in (("standard", "as usual"), ("mup", "with μP")):
        _seeds = measured("mup-transfer")[_arm]
        _fig, _axis = plt.subplots(figsize=(2.9, 2.7))
        for _row, _width in enumerate((32, 64, 128, 256, 512)):
            _mean = [sum(each) / len(_seeds) for each in zip(*(seed["curves"][_row] for seed in _seeds), strict=True)]
            _least = _mean.index(min(_mean))
            _colour = BLUE if _width < 512 else RUST
            _axis.plot(range(-12, -2), _mean, color=_colour, alpha=(0.35, 0.5, 0.65, 0.85, 1)[_row], label=f"{_width}")
            _axis.plot(_least - 12, _mean[_least], "o", color=_colour, markersize=4)
        _axis.set(title=_title, xlabel="learning rate, $2^x$", ylim=(0.1, 1.3), ylabel="loss above the least possible")
        _axis.set_xticks(range(-12, -2, 3))
        _axis.legend(frameon=False, fontsize=7, title="width", title_fontsize=7)
        _fig.tight_layout()
        _figures.append(_fig)
        _shift[_arm] = sum(seed["drift"] for seed in _seeds) / len(_seeds)
    mo.vstack(
        [
            wider.reply,
            inked("loss against learning rate for five widths: as usual, and with muP", *_figures),
            prose(f"""
            Measured by the claim `mup-transfer`: as usual, the best rate moves by a factor of $2^{{{_shift["standard"]:.1f}}}$, to
            a {2 ** -_shift["standard"]:.0f}th. Yang and others ([[@mup|2022]]) scale the random weights a training begins with, and the rates of
            each kind of table, by the width, in the one way in which every layer's output moves as much at any width (μP, *maximal update*
            parametrisation). Then the factor is $2^{{{_shift["mup"]:.1f}}}$: what is found on the narrow one serves the wide one.
            """),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## A large batch, in pieces

    The batch should be as large as fits ([[@training-tips|Popel and Bojar]] tried it for translation), and sometimes larger. Then it is cut
    up: the pieces go through one after the other, their gradients add up, and one step is taken: [[gradient accumulation]]. Say the
    first piece has three tokens of loss 2, the second has one of loss 6. The mean of all four is
    $(2+2+2+6)/4 = 3$. The mean of the two means is $(2+6)/2 = 4$: the lonely token counts three times as much as each other.

    With your sentence as the first piece and a stranger's line as the second:
    """)
    return


@app.cell(hide_code=True)
def _():
    length = mo.ui.slider(3, len(STRANGER), value=8, label="characters of the second piece", show_value=True)
    mo.hstack([length], justify="start")
    return (length,)


@app.function
@functools.lru_cache(maxsize=128)
def piece(ids: tuple[int, ...]) -> torch.Tensor:
    """The gradient of the *sum* of the losses on a text, as one vector."""
    model = speaker().model
    loss = cross_entropy(model(torch.tensor([ids[:-1]]))[0], torch.tensor(ids[1:]))
    return torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(model.parameters()))])


@app.cell(hide_code=True)
def _(ids, length):
    _second = tuple(speaker().encode(STRANGER[: length.value]))
    _one, _two = len(ids) - 1, len(_second) - 1
    _whole = (piece(ids) + piece(_second)) / (_one + _two)
    _means = (piece(ids) / _one + piece(_second) / _two) / 2
    _off = float((_means - _whole).norm() / _whole.norm())
    fig_pieces, _axis = plt.subplots(figsize=(4.2, 2.3))
    _shares = [
        ("sums, divided once", 100 / (_one + _two), 100 / (_one + _two)),
        ("mean of means", 50 / _one, 50 / _two),
    ]
    for _place, (_name, _mine, _theirs) in enumerate(_shares):
        _axis.barh(
            _place + 0.18,
            min(_mine, 26),
            0.32,
            color=BLUE,
            label="a character of your sentence" if not _place else None,
        )
        _axis.barh(
            _place - 0.18,
            min(_theirs, 26),
            0.32,
            color=RUST,
            label="one of the stranger's line" if not _place else None,
        )
    _axis.set_yticks([0, 1], [name for name, *_ in _shares])
    _axis.set(xlim=(0, 26), ylim=(-0.5, 1.5), xlabel="weight of a character in the gradient, %")
    fig_pieces.legend(frameon=False, fontsize=8, loc="upper left", ncols=1)
    fig_pieces.tight_layout(rect=(0, 0, 1, 0.8))
    mo.vstack(
        [
            inked("how much each character counts, by both ways of adding up", fig_pieces),
            mo.md(f"The gradient by the mean of means is off by **{_off:.0%}** of the large batch's own length."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            prose(r"""
            Make the pieces equally long and the difference is gone. So nobody saw it for years.
            Only sums can be added, so our loss is one:
            """),
            noted(
                cross_entropy,
                {
                    "wide = logits": "in 32 bits at least, whatever comes",
                    "return F.cross_entropy": "`sum`; who knows all the pieces divides, once",
                },
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Sixteen bits

    Half the bits are half the memory, and on chips made for it several times the speed. A number in a computer is a sign, an
    exponent that says how large it is, and some digits:
    """)
    return


@app.function
def layouts() -> str:
    """The bits of three number formats, as a drawing."""
    rows, parts = [], []
    for name, exponent, digits, told in (
        ("float32", 8, 23, "up to 3·10³⁸, 7 decimal digits"),
        ("float16", 5, 10, "up to 65,504, 3 digits"),
        ("bfloat16", 8, 7, "up to 3·10³⁸, 2 digits"),
    ):
        rows.append((name, 1, exponent, digits, told))
    for n, (name, sign, exponent, digits, told) in enumerate(rows):
        y, x = 12 + n * 52, 70
        parts.append(f'<text x="0" y="{y + 15}">{name}</text>')
        for count, colour in ((sign, GREY), (exponent, BLUE), (digits, RUST)):
            for _ in range(count):
                parts.append(f'<rect x="{x}" y="{y}" width="8" height="20" rx="1.5" fill="{colour}"/>')
                x += 9
            x += 3
        parts.append(
            f'<text x="70" y="{y + 34}" font-size="10.5" opacity="0.8">{exponent} of exponent, {digits} of digits: {html.escape(told)}</text>'
        )
    alt = "bits of float32, float16 and bfloat16"
    return (
        f'<svg viewBox="0 0 372 168" width="500" role="img" aria-label="{alt}" style="max-width:100%;height:auto;display:block;'
        f'margin-inline:auto;color:inherit" fill="currentColor" font-size="12" font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )


@app.cell(hide_code=True)
def _():
    mo.Html(layouts())
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    float16 runs out at the top: a sum of squares passes 65,504, becomes infinite, and the training is over. [[bfloat16]] (*bf16*) keeps the
    exponent of float32 and saves on digits: 7 bits (and a first one, always 1, that is not stored). From 128 to 256 it knows every
    whole number; then the gaps are twice as wide, as after each doubling.
    """)
    return


@app.cell(hide_code=True)
def _():
    ones = Predict(
        "training/ones",
        "Begin with 0 in bf16, and add 1, three hundred times. What is the result?",
        answer="256",
        why="256 + 1 would be 257, which bf16 does not have. It lies half way between 256 and 258, and is rounded back to 256, each time.",
    )
    ones
    return (ones,)


@app.function
@functools.cache
def sums(dtype: torch.dtype, count: int = 3000) -> list[float]:
    """0 + 1 + 1 + ..., each sum rounded to a number format."""
    total, found = torch.zeros((), dtype=dtype), []
    for _ in range(count):
        total = total + 1
        found.append(float(total))
    return found


@app.cell(hide_code=True)
def _(ones):
    mo.stop(not ones.revealed, ones.waiting)
    fig_ones, _axis = plt.subplots(figsize=(4.2, 2.3))
    for _dtype, _name, _colour in (
        (torch.float32, "float32", GREY),
        (torch.float16, "float16", BLUE),
        (torch.bfloat16, "bfloat16", RUST),
    ):
        _axis.loglog(range(1, 3001), sums(_dtype), color=_colour, label=f"{_name}: {sums(_dtype)[-1]:,.0f}")
    _axis.set(xlabel="ones added", ylabel="result")
    _axis.legend(frameon=False, fontsize=8, title="after 3,000", title_fontsize=8)
    fig_ones.tight_layout()
    mo.vstack([ones.reply, inked("the sum of ones in three formats: bfloat16 stops at 256, float16 at 2048", fig_ones)])
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    The same happens to weights. [[Adam]] moves each by about one learning rate. If that is less than half the gap to the next number,
    the weight stays where it is, step after step. The Shakespeare network, with all weights moved by one step:
    """)
    return


@app.function
@functools.lru_cache(maxsize=32)
def stuck(stride: float, dtype: torch.dtype) -> float:
    """The share of the network's weights that are the same number after a step of this length, towards 0 or away from it (of every eighth)."""
    weights = torch.cat([p.detach().flatten() for p in speaker().model.parameters()])[::8].to(dtype)
    signs = torch.randint(0, 2, weights.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    moved = (weights.double() + stride * signs).to(dtype)
    return float((moved == weights).double().mean())


@app.cell(hide_code=True)
def _():
    fig_stuck, _axis = plt.subplots(figsize=(4.2, 2.2))
    _strides = [10 ** (-6 + n / 4) for n in range(17)]
    for _dtype, _name, _colour in ((torch.float32, "float32", GREY), (torch.bfloat16, "bfloat16", RUST)):
        _axis.semilogx(
            _strides, [100 * stuck(each, _dtype) for each in _strides], "o-", color=_colour, markersize=3, label=_name
        )
    _axis.set(xlabel="learning rate", ylabel="% that do not move", ylim=(-3, 103))
    _axis.legend(frameon=False, fontsize=8)
    fig_stuck.tight_layout()
    inked(
        "the share of weights that a step leaves where they are, by its length: none in float32, nearly all in bfloat16",
        fig_stuck,
    )
    return


@app.function
@functools.lru_cache(maxsize=32)
def both_losses(ids: tuple[int, ...]) -> tuple[float, float]:
    """The loss on a text with all arithmetic in float32, and with products in bf16."""
    model, row = speaker().model, torch.tensor([ids])
    with torch.no_grad():
        exact = F.cross_entropy(model(row[:, :-1])[0], row[0, 1:])
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(row[:, :-1])[0]
        return float(exact), float(F.cross_entropy(logits.float(), row[0, 1:]))


@app.cell(hide_code=True)
def _(ids):
    _exact, _short = both_losses(ids)
    prose(f"""
    Products, on the other hand, bear it well. On your sentence the loss is **{_exact:.4f}** with everything in float32 and **{_short:.4f}**
    with all products in bf16. Hence [[mixed precision]]: products in 16 bits; weights, sums, norms,
    the softmax and the loss in 32.
    """)
    return


@app.function
def masks() -> str:
    """Two texts in one row: who may look at whom, with the causal mask alone and with one for packed texts."""
    parts = []
    for left, title, apart in ((0, "causal mask alone", False), (196, "each text for itself", True)):
        parts.append(f'<text x="{left + 81}" y="12" text-anchor="middle">{title}</text>')
        for q in range(9):
            for k in range(9):
                same = (q < 5) == (k < 5)
                seen = k <= q and (same or not apart)
                colour = (BLUE if same else RUST) if seen else "none"
                parts.append(
                    f'<rect x="{left + k * 18}" y="{22 + q * 18}" width="16" height="16" rx="2" fill="{colour}" stroke="{GREY}" stroke-opacity="0.5"/>'
                )
    return (
        '<svg viewBox="-2 0 364 190" width="480" role="img" aria-label="which token sees which, in a row of two texts" style="max-width:100%;'
        f'height:auto;display:block;margin-inline:auto;color:inherit" fill="currentColor" font-size="12" font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Nothing wasted: packing

    Texts are not equally long, and [[padding]] up to the longest is computed and thrown away. So several are put into one row, which is
    called [[packing]]. Here five tokens and four: each row of a square is a token, filled are those it may look at:
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.Html(masks())
    return


@app.cell(hide_code=True)
def _(ids):
    _model, _before = speaker().model, tuple(speaker().encode(STRANGER + "\n"))
    with torch.no_grad():
        _alone = float(F.cross_entropy(_model(torch.tensor([ids]))[0, :-1], torch.tensor(ids[1:])))
        _logits = _model(torch.tensor([_before + ids]))[0, len(_before) : -1]
        _after = float(F.cross_entropy(_logits, torch.tensor(ids[1:])))
    prose(f"""
    The [[causal mask]] alone lets the second text look into the first (rust). Positions have to begin again too, and the last token of
    the first must not be asked for the second's first. Nothing of that raises an error. But the network uses it: alone, your
    sentence has a loss of {_alone:.2f}, and with a stranger's line before it in the row {_after:.2f}. So in training it learns to count on texts that will not be there.

    No formula above foresees this: a small Transformer that knew one half of a table of arithmetic by heart, and nothing else, found the rule behind it after a thousand times as many steps, suddenly ([[@grokking]]; [[@grokking-progress|Nanda and others]] found that it had come gradually inside).
    """)
    return


@app.cell(hide_code=True)
def _():
    _c = 5.76e23
    _n = torch.logspace(9, 12.5, 4000, dtype=torch.float64)
    _printed = _n[(406.4 / _n**0.34 + 410.7 / (_c / 6 / _n) ** 0.28).argmin()]
    _refit = _n[sum(terms(_n, _c)).argmin()]
    mo.vstack(
        [
            prose("## What went wrong before, what goes wrong today"),
            story(
                "training/accumulation",
                "Two machines, one batch, two models",
                """
                A training moves from a machine with eight GPUs to one with a single GPU, and the batch is cut into eight pieces. Same
                data, same seed, and the model is worse. The training
                library takes the mean of each piece and divides by the number of pieces. In October 2024 the large libraries all
                found that line in their own code.
                """,
            ),
            story(
                "training/chinchilla",
                "The formula that disagreed with its own paper",
                f"""
                Put the constants printed in the Chinchilla paper into its formula, and at Gopher's compute the best model has
                {short(float(_printed))} weights and reads {_c / 6 / float(_printed) ** 2:.0f} tokens for each, where the paper says 20 and
                trained 70 billion. In 2024 [Besiroglu and others](https://arxiv.org/abs/2404.10102)
                read the points off the paper's figures and fitted again: the fit had been stopped too early, and the constants were rounded too
                far. Theirs, which this page uses, say {short(float(_refit))} and {_c / 6 / float(_refit) ** 2:.0f}.
                """,
            ),
            story(
                "training/packing",
                "The assistant that answered the customer before",
                """
                Now and then it mentions an order that nobody spoke of. In training, short conversations had been packed into rows, a
                separator token between them, under the causal mask alone. So it had learned that what stands before a separator may well be of use.
                A separator hides nothing.
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
    recall = Recall("training")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    foot("training")
    return


if __name__ == "__main__":
    app.run()
