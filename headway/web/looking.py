"""The page of ``headway look``: any model at hand, your words, a picture of what goes on inside, and what changes it.

A marimo file; `headway.web.site` serves it beside the lessons, and the address may say what is shown at first:
``/look/?model=smollm2-135m&text=...&picture=lens&change=3.2``.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Look inside")

with app.setup:
    import marimo as mo

    from headway.base.errors import HeadwayError
    from headway.look.picture import empty_widget
    from headway.web.looks import EXAMPLE, OURS, exercises_at_hand, looked_at, models_at_hand, pictures_of


@app.cell(hide_code=True)
def _():
    mo.md(
        "# Look inside\n\nA model on this machine, on your own words. Choose a picture, change the text, switch parts off: what "
        "you see was computed for it just now. [All lessons](/)"
    )
    return


@app.cell(hide_code=True)
def _():
    asked = {key: str(value) for key, value in mo.query_params().to_dict().items()}
    names = models_at_hand(asked.get("model"))
    model = mo.ui.dropdown(names, value=asked.get("model") or names[0], label="model")
    text = mo.ui.text_area(
        value=asked.get("text") or EXAMPLE, rows=2, full_width=True, debounce=400, label="your words"
    )
    return asked, model, text


@app.cell(hide_code=True)
def _(asked, model):
    kinds = pictures_of(model.value)
    picture = mo.ui.dropdown(
        kinds, value=asked.get("picture") if asked.get("picture") in kinds else kinds[0], label="picture"
    )
    change = mo.ui.text(
        value=asked.get("change") or "",
        placeholder="3.2   3.mlp   norm=post",
        label="switch off",
        debounce=True,
    )
    yours = mo.ui.dropdown(
        exercises_at_hand(model.value, asked.get("with")), value=asked.get("with") or OURS, label="functions"
    )
    return change, picture, yours


@app.cell(hide_code=True)
def _(change, model, picture, text, yours):
    mo.vstack([mo.hstack([model, picture, change, yours], wrap=True, justify="start", gap=1), text])
    return


@app.cell(hide_code=True)
def _(change, model, picture, shown, text, yours):
    try:
        seen, took = looked_at(model.value, picture.value, text.value, change.value, yours.value)
        shown.widget.data = seen
        told = f"computed in {took:.2f} s"
    except HeadwayError as error:
        told = f"**{error}** What stands below is the picture from before."
    mo.md(
        f"{told}\n\nTo switch off: `3` a layer, `3.2` head 2 of layer 3, `3.mlp` or `3.attention`, `3.mlp.120=0` a neuron, "
        "`norm=post` or `norm=none`; several with blanks between."
    )
    return


@app.cell(hide_code=True)
def _(picture):
    shown = mo.ui.anywidget(empty_widget(picture.value))
    shown
    return (shown,)


if __name__ == "__main__":
    app.run()
