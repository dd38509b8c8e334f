"""Tensors: the lesson. `headway read tensors` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Tensors")

with app.setup:
    import time

    import marimo as mo
    import matplotlib.pyplot as plt
    import torch

    from headway.blocks.glossary import AXES
    from headway.blocks.masks import causal_mask, padding_mask, window_mask
    from headway.learn.lesson import Recall, after, mistakes_of_topic, source, what_follows

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Tensors

    **The question.** Every model in this course is a few lines about arrays with three to five axes. Most of the hours lost on them are
    lost to four things: an axis that was repeated without being asked for, a view that was taken for a transpose, an index that paired what it
    should have crossed, and a loop. None of them raises an error. This lesson makes each visible.

    A tensor is a run of numbers in memory, a *shape*, and a *stride* per axis: how far to jump for one step along it. Nearly everything that
    "reshapes" touches only the last two.
    """)
    return


@app.cell(hide_code=True)
def _():
    how = mo.ui.dropdown(
        ["x", "x.t()", "x.view(4, 3)", "x[:, ::2]", "x[:1].expand(3, 4)", "x.flip(1)"], value="x", label="expression"
    )
    how
    return (how,)


@app.cell(hide_code=True)
def _(how):
    _x = torch.arange(12).view(3, 4)
    _made = {
        "x": _x,
        "x.t()": _x.t(),
        "x.view(4, 3)": _x.view(4, 3),
        "x[:, ::2]": _x[:, ::2],
        "x[:1].expand(3, 4)": _x[:1].expand(3, 4),
        "x.flip(1)": _x.flip(1),
    }[how.value]
    _shares = _made.untyped_storage().data_ptr() == _x.untyped_storage().data_ptr()
    fig_view, _axes = plt.subplots(1, 2, figsize=(5.6, 2.2))
    for _axis, _tensor, _title in zip(_axes, (_x, _made), ("x", how.value), strict=True):
        _axis.imshow(_tensor, cmap="Blues", vmin=-3, vmax=14)
        for _i, _row in enumerate(_tensor.tolist()):
            for _j, _value in enumerate(_row):
                _axis.text(_j, _i, _value, ha="center", va="center", fontsize=8)
        _axis.set(title=_title, xticks=[], yticks=[])
    fig_view.tight_layout()
    mo.vstack(
        [
            fig_view,
            mo.md(
                f"Shape {tuple(_made.shape)}, strides {_made.stride()}, "
                + ("**the same memory**: writing into it changes x." if _shares else "a copy.")
                + (
                    " Not contiguous: `.view` on it may refuse, `.reshape` may copy."
                    if not _made.is_contiguous()
                    else ""
                )
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    `x.t()` and `x.view(4, 3)` have the same shape, and agree in their first and last number only. In attention the same mistake is
    `view(b, h, t, k)` where `view(b, t, h, k).transpose(1, 2)` is meant.

    ## Broadcasting

    Two shapes are aligned at their *last* axis; an axis of size 1 (or none) is repeated. Choose two.
    """)
    return


@app.cell(hide_code=True)
def _():
    shapes = ["(4, 5)", "(5,)", "(4,)", "(4, 1)", "(1, 5)", "(3, 4, 1)", "(3, 1, 5)", "(2, 5)"]
    one = mo.ui.dropdown(shapes, value="(4, 1)", label="x")
    two = mo.ui.dropdown(shapes, value="(4,)", label="y")
    mo.hstack([one, two], justify="start", gap=3)
    return one, two


@app.cell(hide_code=True)
def _(one, two):
    _shapes = [tuple(int(n) for n in text.strip("()").split(",") if n.strip()) for text in (one.value, two.value)]
    try:
        _out = torch.broadcast_shapes(*_shapes)
        _told = f"x + y is **{tuple(_out)}**."
        if _out not in _shapes:
            _told += " Neither had that shape: if you did not mean an outer sum, this is the bug."
    except RuntimeError:
        _told = "An error: aligned at the last axis, some pair of sizes is neither equal nor 1."
    mo.md(_told)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A loss of `(prediction - target) ** 2` with shapes (n, 1) and (n) is the classic: an (n, n) table of everybody's prediction against
    everybody's target, whose mean is a number, and falls, and means nothing.

    ## Masks

    Most of what looks like a loop over positions is a boolean table. These three are ours:
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(
        f"""{after("tensors/masks", lambda: mo.md(source(causal_mask)))}\n\n{after("tensors/masks", lambda: mo.md(source(window_mask)))}\n\n{after("tensors/masks", lambda: mo.md(source(padding_mask)))}"""
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Without loops

    The distances between all pairs of 100 points, by two loops in Python, and by one line of broadcasting. The time is measured now,
    on this machine.
    """)
    return


@app.function
def by_loops(points: torch.Tensor) -> torch.Tensor:
    """Distances of all pairs, one at a time."""
    out = torch.empty(len(points), len(points), dtype=points.dtype)
    for i in range(len(points)):
        for j in range(len(points)):
            out[i, j] = (points[i] - points[j]).norm()
    return out


@app.cell(hide_code=True)
def _():
    _points = torch.randn(100, 3, dtype=torch.float64)
    _began = time.perf_counter()
    _slow = by_loops(_points)
    _middle = time.perf_counter()
    _fast = (_points[:, None] - _points[None]).norm(dim=-1)
    _end = time.perf_counter()
    mo.md(
        f"100 points: {_middle - _began:.3f} s by loops, {_end - _middle:.6f} s by broadcasting, "
        f"**{(_middle - _began) / (_end - _middle):.0f} times** faster; largest difference {float((_slow - _fast).abs().max()):.0e}."
    )
    return


@app.cell(hide_code=True)
def _():
    _rows = "\n".join(f"| `{letter}` | {meaning} |" for letter, meaning in AXES.items())
    mo.md(
        "## One letter per axis\n\nThe annotations in all of Headway's files use these, and a test run checks them:\n\n| | |\n|---|---|\n"
        + _rows
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## People get this wrong\n\n" + mistakes_of_topic("tensors", each=2))
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
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
    mo.md("## What follows\n\n" + what_follows("tensors"))
    return


if __name__ == "__main__":
    app.run()
