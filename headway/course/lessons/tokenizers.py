"""Tokenizers: the lesson. `headway read tokenizers` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Tokenizers")

with app.setup:
    import marimo as mo
    import matplotlib.pyplot as plt

    from headway.learn.lesson import Recall, after, mistakes_of_topic, source, what_follows
    from headway.tokens.bpe import BPE
    from headway.tokens.unigram import viterbi

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


@app.cell(hide_code=True)
def _():
    mo.md("""
    # Tokenizers

    **The question.** A model reads numbers out of a fixed list. If the list holds words, there is always a word that is not on it: names,
    typing errors, German compounds, the next year's slang. In 2015 translators left such words out, or copied them blindly. If the list holds
    characters, nothing is missing, and every sentence is five times as long. Sennrich, Haddow and Birch (1508.07909) took a compression
    trick from 1994 and got both: begin with characters, and *merge the most frequent neighbours*, again and again, until the list is as long
    as you can afford. What is frequent becomes one token; what is rare stays in pieces; nothing is ever unknown.

    GPT-2 began with the 256 *bytes* instead of characters. Every text is bytes, so truly nothing is unknown, in any script.
    """)
    return


@app.cell(hide_code=True)
def _():
    corpus = (
        "low lower lowest new newer newest wide wider widest the quick brown fox jumps over the lazy dog "
        "she sells sea shells by the sea shore the shells she sells are sea shells surely "
        "peter piper picked a peck of pickled peppers how many pickled peppers did peter piper pick "
        "how much wood would a woodchuck chuck if a woodchuck could chuck wood "
    ) * 3
    mo.md("## Learn one\n\nThe corpus is four tongue twisters. Choose how many merges are learned, and type.")
    return corpus


@app.cell(hide_code=True)
def _():
    merges = mo.ui.slider(0, 200, value=60, step=5, label="merges", show_value=True)
    typed = mo.ui.text(value="the newest woodchuck sells größe 日本", label="text", full_width=True)
    mo.vstack([merges, typed])
    return merges, typed


@app.cell(hide_code=True)
def _(corpus, merges, typed):
    _bpe = BPE.train([corpus], vocab_size=256 + merges.value)
    _ids = _bpe.encode(typed.value)
    _pieces = [_bpe.token(i).replace("Ġ", "·") for i in _ids]
    _bytes = len(typed.value.encode())
    _back = _bpe.decode(_ids)
    mo.md(
        " ".join(f"`{piece}`" for piece in _pieces)
        + f"\n\n{_bytes} bytes, **{len(_ids)} tokens**: {_bytes / max(1, len(_ids)):.2f} bytes a token. Decoded: "
        + ("the same text, byte for byte." if _back == typed.value else f"NOT the same: {_back}")
        + " A `·` is the space before a word. What the corpus has never seen stays in bytes, and still nothing is unknown."
    )
    return


@app.cell(hide_code=True)
def _(corpus):
    _counts = list(range(0, 241, 20))
    _tokens = [len(BPE.train([corpus], vocab_size=256 + n).encode(corpus)) for n in _counts]
    fig_merges, _axis = plt.subplots(figsize=(6.2, 2.3))
    _axis.plot(_counts, [len(corpus.encode()) / n for n in _tokens], marker="o", markersize=3, color="#3b6ea5")
    _axis.set(xlabel="merges", ylabel="bytes per token")
    fig_merges.tight_layout()
    mo.vstack(
        [
            fig_merges,
            mo.md("It never falls: a merge can only shorten. It ends where every word of the corpus is one token."),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(rf"""
    ## Encode: the earliest learned first, not the longest

    The commonest mistake is to look for the longest token that fits (that is WordPiece, BERT's way). Byte pair encoding replays the
    merges **in the order they were learned**. In GPT-2 the text is first split by a regular expression, so that no merge crosses from one word
    to the next.

    {after("tokenizers/merges", lambda: mo.md(source(BPE.merge)))}

    ## The other school: the likeliest split

    SentencePiece's unigram model (Kudo, 1804.10959) gives every piece a probability and picks the split whose product is greatest.
    There are $2^{{n-1}}$ splits of a word of $n$ letters, and Viterbi's algorithm finds the best in one pass, because the best way to the
    end goes through a best way to the middle:

    {after("tokenizers/viterbi", lambda: mo.md(source(viterbi)))}
    """)
    return


@app.cell(hide_code=True)
def _():
    likes = mo.ui.slider(
        -12.0, -1.0, value=-6.0, step=0.5, label="log probability of “unhappy” as one piece", show_value=True
    )
    likes
    return likes


@app.cell(hide_code=True)
def _(likes):
    _pieces = {"un": -2.0, "happy": -3.0, "hap": -5.0, "py": -5.0, "unhappy": likes.value}
    _pieces |= dict.fromkeys("unhapy", -6.0)
    _best = viterbi("unhappy", _pieces, 7, -20.0)
    mo.md(
        f"Best split: {' + '.join(f'`{piece}`' for piece in _best)}. As two pieces it costs -5; above that the whole word wins."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## People get this wrong\n\n" + mistakes_of_topic("tokenizers", each=2))
    return


@app.cell(hide_code=True)
def _():
    mo.md("## Do you remember?\n\n`headway review` brings these back, spaced, until you do.")
    return


@app.cell(hide_code=True)
def _():
    recall = Recall("tokenizers")
    answers = recall.controls
    return answers, recall


@app.cell(hide_code=True)
def _(answers, recall):
    _ = answers.value
    recall.show()
    return


@app.cell(hide_code=True)
def _():
    mo.md("## What follows\n\n" + what_follows("tokenizers"))
    return


if __name__ == "__main__":
    app.run()
