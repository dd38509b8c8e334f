"""Tokenizers: the lesson. `headway read tokenizers` opens it; `python` runs it as a script."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Tokenizers")

with app.setup:
    import functools
    import html
    import json
    from collections import Counter
    from itertools import pairwise

    import marimo as mo
    import matplotlib.pyplot as plt

    from headway import zoo
    from headway.base.sources import find, state
    from headway.learn.inked import BLUE, RUST, inked
    from headway.learn.lesson import Predict, Recall, after, foot, head, noted, prose, result_of, story
    from headway.learn.path import COURSE
    from headway.look.diagram import diagram
    from headway.tokens.bpe import BPE, learn_merges, to_bytes
    from headway.tokens.load import gguf_tokenizer, load_tokenizer
    from headway.tokens.unigram import viterbi, with_beginnings
    from headway.weights import GGUF

    plt.rcParams.update({"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})

    TWISTERS = (
        "She sells sea shells by the sea shore. The shells she sells are sea shells, surely. "
        "Peter Piper picked a peck of pickled peppers. How many pickled peppers did Peter Piper pick? "
        "How much wood would a woodchuck chuck if a woodchuck could chuck wood? "
        "He would chuck, he would, as much as he could, if a woodchuck could chuck wood."
    )
    FOUR = {"low": 5, "lower": 2, "newest": 6, "widest": 3}


@app.cell(hide_code=True)
def _():
    head(
        "tokenizers",
        "A model computes with numbers. How does any text, in any script, with any typing error, become a short row of them?",
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## What a model sees

    No model sees letters. A [[tokenizer]] cuts the text into pieces, its [[token|tokens]], and looks each one up in a fixed list,
    the [[vocabulary]]. What goes on is the place in that list, a number, the *id*. The model has a table with one row for each
    id, and the row, a few hundred numbers that are learned, stands for the piece from then on: its [[embedding]]. In this
    diagram of SmolLM2, a small chatbot, the table is lit: 49,152 rows of 576 numbers, a fifth of the model. (The other boxes
    have lessons of their own.)
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.Html(
        '<div style="max-width:24rem;margin:auto">'
        f"{diagram('smollm2-135m', level='blocks', lit=('embed', 'input')).svg()}</div>"
    )
    return


@app.function
@functools.cache
def tokenizer(name: str):
    """The tokenizer of a model, without its weights; None where the model was never fetched."""
    if name in zoo.HOUSE:
        return load_tokenizer(zoo.find(name))
    if state(find(name)) != "present":
        return None
    path = zoo.find(name)
    return gguf_tokenizer(GGUF(path).facts, name=name) if path.suffix == ".gguf" else load_tokenizer(path, name=name)


@app.function
def readable(token: str, whole: bool) -> str:
    """A token as one can read it: a blank as ·, and a byte that is no whole character by its number in hexadecimal."""
    if not whole:
        return token
    data = to_bytes(token)
    try:
        text = data.decode().replace(" ", "·").replace("\n", "⏎")
    except UnicodeDecodeError:
        text = data.replace(b" ", "·".encode()).decode("utf-8", "backslashreplace").replace("\\x", " ").upper().strip()
    return text


@app.function
def chips(pieces: list[str], ids: list[int] | None = None) -> str:
    """Pieces side by side, each on its own ground, the ids below them."""
    hues = ("#3b82c4", "#c47a1f", "#3f9a5a", "#a254a8")
    found = []
    for n, piece in enumerate(pieces):
        ground = f"color-mix(in srgb, {hues[n % 4]} 28%, transparent)"
        lost = ";outline:2px solid #c0392b" if piece == "[UNK]" else ""
        below = f'<small style="font-size:0.7rem;opacity:0.75">{ids[n]}</small>' if ids else ""
        found.append(
            '<span style="display:inline-flex;flex-direction:column;align-items:center;margin:0 3px 4px 0">'
            f'<span style="background:{ground};padding:0.1rem 0.25rem;border-radius:3px;white-space:pre{lost}">'
            f"{html.escape(piece)}</span>{below}</span>"
        )
    return "".join(found)


@app.function
def cut_by(name: str, text: str) -> str:
    """A text as a model's tokenizer cuts it, as HTML; or what to type to have that model."""
    words = tokenizer(name)
    if words is None:
        return f"<p>Not on this disk: <code>headway fetch {name}</code> gets it.</p>"
    ids = words.encode(text, special=False, recognise=False)
    pieces = [readable(token, name != "minilm-l6") for token in words.tokens(ids)]
    return f'<div style="line-height:1.4">{chips(pieces, ids)}</div><small><b>{len(ids)} token{"" if len(ids) == 1 else "s"}</b></small>'


@app.cell(hide_code=True)
def _():
    prose(r"""
    Three real tokenizers cut your words. The numbers are the ids; `·` is a blank, which belongs to the word behind it; what is
    only a part of a character, such as C3, is explained below. Type your name. Then type it again after a blank, and in
    capitals: to the model these are other rows, with nothing in common until training has taught it.
    """)
    return


@app.cell(hide_code=True)
def _():
    typed = mo.ui.text(value="strawberry, the unaffable animal, größe 😀 1234", label="Your words", full_width=True)
    typed
    return (typed,)


@app.cell(hide_code=True)
def _(typed):
    mo.Html(
        "".join(
            f'<div style="max-width:44rem;margin:0 auto 1rem"><b>{shown}</b>{cut_by(name, typed.value[:200])}</div>'
            for name, shown in (
                ("shakespeare-bpe", "Our Shakespeare model: 1,024 tokens, learned from the plays"),
                ("smollm2-135m", "SmolLM2: 49,152 tokens, learned from the web"),
                ("minilm-l6", "MiniLM, which compares sentences: 30,522 tokens, small letters without accents"),
            )
        )
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    That is why a chatbot miscounts the letters of *strawberry*: it was handed a few numbers, and nothing in a number says how
    its piece is spelled. Sums suffer too. MiniLM cuts 1234 as *123 4*, so that the hundreds stand now here, now there; the
    makers of SmolLM2 had every digit cut off by itself.

    ## Why pieces

    Why not whole words? However long the list, there is always a word that is not on it: names, typing errors, next year's
    slang, German compounds like *Abwasserbehandlungsanlage*. All of these become the same `[UNK]`, *unknown*, and what they
    said is gone. Translators of 2014 left such words out or copied them over. Why not letters? Then nothing is missing, but
    every sentence is about five times as long, and length is what a model pays for.

    In 2015 Sennrich, Haddow and Birch ([[@bpe]]) took a trick from file compression and got both: begin with single characters, and
    *join the most frequent pair of neighbours*, again and again, until the list is as long as you can afford. What is frequent
    becomes one token, what is rare stays in pieces, and no word is unknown any more. That is [[byte-pair encoding]], BPE, and nearly
    every chatbot uses it today. One such joining is a [[merge]].

    ## By hand

    The paper's own example, a text of sixteen words: *low* 5 times, *lower* 2 times, *newest* 6 times, *widest* 3 times. Count neighbours: `l o` stands
    in *low* and *lower*, 5 + 2 = 7 times. Now you.
    """)
    return


@app.cell(hide_code=True)
def _():
    first = Predict(
        "tokenizers/first-merge",
        "*low* × 5, *lower* × 2, *newest* × 6, *widest* × 3. Which pair is joined first?",
        choices=["l o", "w e", "e s"],
        answer="e s",
        wrong={
            "l o": "It stands in two words, as `e s` does, but these two make up only 7 of the sixteen.",
            "w e": "It stands in *lower* and *newest*: 2 + 6 = 8.",
        },
        why="`e s` stands in *newest* and *widest*: 6 + 3 = 9, each word as often as it occurs. (`s t` has 9 as well; of equals the "
        "first in the alphabet is taken. Any rule does, but one has to be kept to.)",
    )
    first
    return (first,)


@app.function
@functools.cache
def steps_of_four() -> list[tuple[dict[str, list[str]], list[tuple[tuple[str, str], int]]]]:
    """After each merge of the four words: how they are cut, and the pairs by how often they stand there."""
    names = sorted({letter for word in FOUR for letter in word})
    ids = [([names.index(letter) for letter in word], times) for word, times in FOUR.items()]
    pairs = [*learn_merges(ids, list(names), len(names) + 10)]
    learned = [*names]
    merges = []
    for left, right in pairs:
        merges.append((learned[left], learned[right]))
        learned.append(learned[left] + learned[right])
    found = []
    for n in range(len(merges) + 1):
        cut = {word: cut_with(word, merges[:n]) for word in FOUR}
        counts: Counter[tuple[str, str]] = Counter()
        for word, times in FOUR.items():
            for pair in pairwise(cut[word]):
                counts[pair] += times
        found.append((cut, sorted(counts.items(), key=lambda row: (-row[1], row[0]))))
    return found


@app.function
def cut_with(word: str, merges: list[tuple[str, str]]) -> list[str]:
    """A word as byte-pair encoding cuts it with these merges."""
    letters = sorted(set(word) | {letter for pair in merges for part in pair for letter in part})
    vocab = {name: n for n, name in enumerate(dict.fromkeys([*letters, *(a + b for a, b in merges)]))}
    rules = BPE(vocab, merges)
    return rules.tokens(rules.encode(word))


@app.cell(hide_code=True)
def _():
    joined = mo.ui.slider(0, 10, value=0, step=1, label="merges made", show_value=True)
    return (joined,)


@app.cell(hide_code=True)
def _(first, joined):
    mo.stop(not first.revealed, first.waiting)
    mo.vstack([first.reply, joined])
    return


@app.cell(hide_code=True)
def _(first, joined):
    mo.stop(not first.revealed)
    _cut, _counts = steps_of_four()[joined.value]
    _words = "".join(
        f'<div style="display:flex;gap:0.6rem;height:2.1rem"><span style="width:2.2rem;text-align:right">{times} ×</span>'
        f"<span>{chips(_cut[word])}</span></div>"
        for word, times in FOUR.items()
    )
    _bars = "".join(
        f'<div style="display:flex;gap:0.6rem;height:1.6rem"><code style="width:6.5rem;text-align:right">{a} {b}</code>'
        f'<span style="background:{"#3b82c4" if n == 0 else "color-mix(in srgb, currentColor 25%, transparent)"};height:1rem;'
        f'width:{times * 0.8}rem"></span>{times}</div>'
        for n, ((a, b), times) in enumerate(_counts[:6])
    )
    mo.vstack(
        [
            mo.Html(
                '<div style="display:flex;flex-wrap:wrap;gap:1rem 3rem;max-width:44rem;margin:auto">'
                f'<div style="min-width:12rem;height:9rem">{_words}</div>'
                f'<div style="height:10.5rem;min-width:16rem">{_bars or "Every word is one token: no pair is left."}</div></div>'
            ),
            mo.md(
                f"{sum(times * len(_cut[word]) for word, times in FOUR.items())} tokens for the sixteen words. Blue is the pair that "
                "the next merge joins; all is counted again after each, for there are new neighbours."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    The first two merges made *est*, the ending of the superlative. Nobody told it about grammar; it was frequent. Note that no
    pair reaches from one word into the next: the text is cut into words first. In our code:
    """)
    return


@app.cell(hide_code=True)
def _():
    noted(
        BPE.train,
        {
            "counts.update": "the text cut into words; each kept once, with its count",
            "words = [": "every word begins as its bytes",
            "pairs = learn_merges": "join the most frequent pair until the list is full",
            "merges = [": "what is learned: this list, in this order",
        },
        only=("counts: Counter", "merges = ["),
    )
    return


@app.cell(hide_code=True)
def _():
    after(
        "tokenizers/merges",
        lambda: noted(
            learn_merges,
            {
                "n, pair = heapq.heappop": "the most frequent pair, if it still is",
                "for i in sorted(places.pop(pair))": "only where the pair stands",
                "count[symbol[h], left] -= times": "the old neighbours are gone",
                "count[symbol[h], new] += times": "and new ones are there",
            },
            only=("while queue", "heapq.heappush(queue, (-count[pair], pair))"),
        ),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Learn one on your text

    Paste what you like and choose how many merges are learned from it. Then try words that are not in it.
    """)
    return


@app.cell(hide_code=True)
def _():
    corpus = mo.ui.text_area(value=TWISTERS, label="The text it learns from", rows=3, full_width=True)
    merges = mo.ui.slider(0, 200, value=40, step=5, label="merges", show_value=True)
    trial = mo.ui.text(value="The woodpecker sells größe, привет 😀", label="Cut this", full_width=True)
    mo.vstack([corpus, trial, merges])
    return corpus, merges, trial


@app.function
@functools.lru_cache(maxsize=16)
def learned(text: str, count: int) -> BPE:
    """Byte-pair encoding with `count` merges, learned from a text."""
    return BPE.train([text], vocab_size=256 + count)


@app.cell(hide_code=True)
def _(corpus, merges, trial):
    _bpe = learned(corpus.value or TWISTERS, merges.value)
    _text = trial.value[:120] or " "
    _ids = _bpe.encode(_text)
    _size = len(_text.encode())
    _same = "the same text, byte for byte" if _bpe.decode(_ids) == _text else "NOT the same text"
    mo.vstack(
        [
            mo.Html(
                f'<div style="max-width:44rem;min-height:7rem;margin:auto">'
                f"{chips([readable(token, True) for token in _bpe.tokens(_ids)])}</div>"
            ),
            mo.md(
                f"{_size} bytes, **{len(_ids)} tokens**, {_size / len(_ids):.2f} bytes a token. Put together again: {_same}. "
                f"The last merges: {', '.join(f'`{readable(a + b, True)}`' for a, b in _bpe.merges[-4:]) or 'none'}."
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    Look at *größe* and *привет*. The text had no such letters, and nothing is unknown, for this tokenizer starts from
    [[byte|bytes]] and not from letters, as that of GPT-2 did in 2019. Any text is a row of bytes, numbers below 256: in
    [[UTF-8]] an English letter is one byte, `ö` and `п` two, `€` three, 😀 four, and the first byte says how many belong
    together. (Bytes that are no whole character
    are shown by their numbers: `ö` is C3 B6.) With those 256 on the list from the start, the rest costs more tokens, and that is
    all. So a text in Russian or Hindi costs more than the same in English, where the merges were learned from English.

    ## The order is everything

    Now the tokenizer is learned, and a new word comes. Which merges, when several fit?
    """)
    return


@app.cell(hide_code=True)
def _():
    order = Predict(
        "tokenizers/order",
        "Three merges were learned, in this order: `e r`, `l o`, `w e`. How is *lower* cut?",
        choices=["lo · w · er", "lo · we · r", "lo · wer"],
        answer="lo · w · er",
        wrong={
            "lo · we · r": "That takes the longest piece that fits, from the left: MiniLM's way, and the commonest mistake.",
            "lo · wer": "No merge joins `w` with `er`, so *wer* is not on the list.",
        },
        why="`e r` was learned first, so it is joined first. Then the `e` is taken, and `w e` does not fit any more.",
    )
    order
    return (order,)


@app.cell(hide_code=True)
def _(order):
    mo.stop(not order.revealed, order.waiting)
    mo.vstack(
        [
            order.reply,
            mo.Html(
                f'<div style="max-width:37rem;margin:auto">{chips(cut_with("lower", [("e", "r"), ("l", "o"), ("w", "e")]))}</div>'
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def _(order):
    mo.stop(not order.revealed)
    prose(r"""
    The merges are played again in the order in which they were learned, so that every word is cut as the text was when it was
    learned from. Anything else gives pieces that the model has hardly ever seen.
    """)
    return


@app.cell(hide_code=True)
def _():
    after(
        "tokenizers/bpe",
        lambda: noted(
            BPE.merge,
            {
                "queue = [": "all pairs that were ever learned, by their rank",
                "rank, i = divmod": "the one learned first, of several the leftmost",
                "symbol[i], symbol[j] = made[rank], -1": "two symbols become one",
            },
            only=("queue = [", "symbol[i], symbol[j] = made[rank], -1"),
        ),
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    ## Measured

    The claim `bpe-no-unknowns` lets both ways read new words of a made-up language of compounds. First: the more merges, the fewer
    tokens. Second: a list of whole words of the same length.
    """)
    return


@app.cell(hide_code=True)
def _():
    _result = json.loads((COURSE.parent / "claims" / "results" / "bpe-no-unknowns.json").read_text(encoding="utf-8"))
    _at = _result["settings"]["merges"]
    _bpe = [*_result["arms"]["bpe"]["numbers"].values()]
    _words = [*_result["arms"]["words"]["numbers"].values()]
    fig_length, _length = plt.subplots(figsize=(2.9, 2.4))
    fig_unknown, _unknown = plt.subplots(figsize=(2.9, 2.4))
    for _run in _bpe:
        _length.plot(_at, _run["bytes_per_token"], color=BLUE, linewidth=1)
    for _run in _words:
        _unknown.plot(_at, [100 * share for share in _run["unknown"]], color=RUST, linewidth=1)
    for _run in _bpe:
        _unknown.plot(_at, [100 * share for share in _run["unknown"]], color=BLUE, linewidth=1)
    _length.set(xlabel="merges", ylabel="bytes a token", ylim=(0, 9))
    _unknown.set(xlabel="places on the list beyond 256", ylabel="% unknown", ylim=(-2, 50))
    _unknown.text(800, 37, "whole words", color=RUST)
    _unknown.text(800, 3, "BPE", color=BLUE)
    fig_length.tight_layout()
    fig_unknown.tight_layout()
    _least = min(run["unknown_with_all"] for run in _words)
    mo.vstack(
        [
            inked(
                "Bytes a token rise with merges; whole words stay unknown to a third, BPE leaves none unknown",
                fig_length,
                fig_unknown,
            ),
            mo.md(
                f"Five languages, a line for each. BPE meets nothing unknown. Even a list of *every* word it had read "
                f"misses {_least:.0%} of the new words or more."
            ),
            mo.accordion({"The claim's checks": mo.md(result_of("bpe-no-unknowns"))}),
        ]
    )
    return


@app.cell(hide_code=True)
def _():
    prose(r"""
    A longer list means shorter texts. The price stands in the first diagram: a row for every token, and as many scores to
    compute at the end, for each token that is written.

    ## Two other schools

    *[[WordPiece]]*, the way of MiniLM and its family ([[@bert]]), takes the longest piece that fits, from the left (`##` marks a
    piece inside a word), and there is no way back: above, *unaffable* became *una ffa ble*, because *una* was on the list. If nothing fits on the way, the *whole* word
    becomes `[UNK]`, like the 😀 above, even where another cut would have done.

    The *unigram* model of [Kudo 2018](https://arxiv.org/abs/1804.10959), known from the program SentencePiece, gives every piece a probability.
    A cut is as likely as its pieces' probabilities multiplied, and the likeliest is taken. Their logarithms are added instead: if
    that of *un* is −2 and that of *happy* −3, the cut *un happy* has −5. A word of $n$ letters has $2^{n-1}$ cuts, a cut or none in each gap, 64 for
    *unhappy*. Viterbi's method finds the best in one walk: the best cut up to a letter does not depend on what comes after.
    With the numbers below, the best up to *un* has −2 and up to *unhap* −6; so up to *unhappy* there is −2 − 3 by *happy*, −6 − 3
    by *py* and −6.5 in one piece, and −5 wins. Move *unhappy* until it is taken whole.
    """)
    return


@app.function
def all_cuts(word: str, scores: dict[str, float]) -> list[tuple[float, list[str]]]:
    """Every cut of a word into pieces that have a score, the likeliest first."""
    found = []
    for gaps in range(1 << (len(word) - 1)):
        pieces, start = [], 0
        for end in range(1, len(word) + 1):
            if end == len(word) or gaps >> (end - 1) & 1:
                pieces.append(word[start:end])
                start = end
        if all(piece in scores for piece in pieces):
            found.append((sum(scores[piece] for piece in pieces), pieces))
    return sorted(found, key=lambda row: (-row[0], row[1]))


@app.cell(hide_code=True)
def _():
    likes = mo.ui.slider(-12.0, -1.0, value=-6.5, step=0.5, label="“unhappy” as one piece", show_value=True)
    happy = mo.ui.slider(-12.0, -1.0, value=-3.0, step=0.5, label="“happy”", show_value=True)
    mo.hstack([likes, happy], justify="start", gap=3, wrap=True)
    return happy, likes


@app.cell(hide_code=True)
def _(happy, likes):
    _scores = {"un": -2.0, "happy": happy.value, "hap": -4.0, "py": -3.0, "unhappy": likes.value}
    _scores |= dict.fromkeys("unhapy", -6.0)
    _best = viterbi("unhappy", with_beginnings(_scores), 7, -20.0)
    _rows = "".join(
        f'<div style="display:flex;gap:0.8rem;height:2.1rem"><span style="width:3.4rem;text-align:right">{f"{total:.1f}".replace("-", "−")}</span>'
        f"<span>{chips(pieces)}</span><span>{'← taken' if pieces == _best else ''}</span></div>"
        for total, pieces in all_cuts("unhappy", _scores)[:5]
    )
    mo.Html(f'<div style="max-width:37rem;height:11rem;margin:auto">{_rows}</div>')
    return


@app.cell(hide_code=True)
def _():
    after(
        "tokenizers/viterbi",
        lambda: noted(
            viterbi,
            {
                "best = [0.0]": "the best sum up to each letter",
                "so_far = best[start]": "where a piece starts, the best way there is known",
                "cut.append(last[end])": "walk back from the end",
            },
            only=("best = [0.0]", "return cut"),
        ),
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md("## What went wrong before, what goes wrong today")
    return


@app.cell(hide_code=True)
def _():
    mo.vstack(
        [
            story(
                "tokenizers/bytes",
                "The chat that could not smile",
                """
                A chat shows each token as soon as it comes. English is fine, and every 😀 arrives as four question marks on
                black diamonds. Its four [[byte|bytes]] came in several tokens, and each was turned into text by itself. The first mend
                was to wait until everything so far decodes without an error. Then one day a model wrote a byte that belongs to no
                character, and the chat stood still for good. What may wait is only an unfinished character at the very end.
                """,
            ),
            story(
                "tokenizers/bpe",
                "The same list, a slightly worse model",
                """
                A tokenizer is written anew from its list of tokens: the longest that fits, from the left. Everything runs,
                every text comes back exactly, and the model answers a little worse than in its paper. Nobody suspects the
                tokenizer, for it loses nothing. But about some words it now says *lo we r*, and the model has only ever read
                *lo w er*. That a text comes back proves little; the ids have to be those that the model was trained on.
                """,
            ),
            story(
                "tokenizers/merges",
                "Tokens that swallowed the blanks",
                """
                To save a loop, all words were joined to one long text and pairs were counted there. The numbers looked better than
                anyone's: few tokens, and after some thousand merges *of the* was one. But the word *the* was now cut in a different way
                after *of* and after *in*, and the list was full of ends of one word with beginnings of the next. Pairs must
                not reach across the border of a word.
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
    foot("tokenizers")
    return


if __name__ == "__main__":
    app.run()
