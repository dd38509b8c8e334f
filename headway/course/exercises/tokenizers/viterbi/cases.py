"""What is asked of the best segmentation, and the answer it is held against."""

import math
from itertools import pairwise

from headway.learn.cases import Call, case, law, note
from headway.learn.telling import telling

ORDER = 4
ENTRIES = ("viterbi",)
SIZES = {"length": (1, 12), "n": (1, 14)}
FORBIDDEN = {
    "tokenizers": "it is the whole exercise in one call",
    "sentencepiece": "it is the whole exercise in one call",
}


def viterbi(text, scores, unknown=-20.0):
    best, last = [0.0] + [-math.inf] * len(text), [""] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        for start in range(end):
            piece = text[start:end]
            score = note("score of a piece", scores.get(piece, unknown if len(piece) == 1 else -math.inf))
            if best[start] + score > best[end]:
                best[end], last[end] = best[start] + score, piece
    pieces, end = [], len(text)
    while end:
        pieces.append(last[end])
        end -= len(last[end])
    return pieces[::-1]


def gap(text, scores, unknown):
    """By how much the best cut is better than the second best: 0 where two are equally good."""
    two = [[0.0]] + [[] for _ in text]
    for end in range(1, len(text) + 1):
        for start in range(end):
            piece = text[start:end]
            score = scores.get(piece, unknown if len(piece) == 1 else None)
            if score is not None:
                two[end] += [total + score for total in two[start]]
        two[end] = sorted(two[end], reverse=True)[:2]
    return two[-1][0] - two[-1][1] if len(two[-1]) > 1 else math.inf


def pieces_of(d, text, letters, longest=5):
    """Scores for the letters, for some substrings of the text, and for some pieces that are not in it."""
    scores = {c: d.number(-7.0, -2.0) for c in letters}
    for _ in range(d.n):
        start = d.random.randrange(max(len(text), 1))
        piece = text[start : start + d.random.randint(2, longest)]
        if len(piece) > 1:
            scores[piece] = d.number(-9.0, -1.0)
        scores[d.text(d.random.randint(2, 4), letters)] = d.number(-9.0, -1.0)
    rows = list(scores.items())
    d.random.shuffle(rows)
    return dict(rows)


def drawn(d, alphabet, letters, unknown=None, **more):
    """A text and scores for which one cut is better than all others."""
    for attempt in range(60):
        text = d.text(d.length, alphabet)
        scores = {**pieces_of(d, text, letters), **{piece: d.number(*limits) for piece, limits in more.items()}}
        if gap(text, scores, -20.0 if unknown is None else unknown) > 1e-6 or attempt == 59:
            break
    return Call("viterbi", text=text, scores=scores, **({} if unknown is None else {"unknown": unknown}))


@case("a text all of whose characters are known", length=(3, 14), draws=18)
def plain(d):
    return telling(__file__, d, lambda d: drawn(d, "abcde", "abcde"), 12)


@case("a text that repeats itself", length=(4, 14), draws=12)
def repeats(d):
    return telling(__file__, d, lambda d: drawn(d, "aab", "ab"), 6)


@case("a piece as long as the text", length=(3, 9), n=(2, 6), draws=10)
def whole(d):
    text = "".join(d.random.sample("abcdefghij", d.length))
    scores = {**pieces_of(d, text, "abcdefghij"), text: d.number(-6.0, -1.0)}
    return Call("viterbi", text=text, scores=scores)


@case("unknown characters", length=(4, 12), n=(1, 3), draws=18)
def strangers(d):
    def build(d):
        for _ in range(20):
            call = drawn(d, "abcxé日", "abc")
            alone = [piece in "xé日" for piece in viterbi(**call.arguments)]
            if any(a and b for a, b in pairwise(alone)):
                break
        return call

    return telling(__file__, d, build, 4)


@case("unknown characters inside known pieces, and a mild `unknown`", length=(3, 10), n=(3, 9), draws=12)
def inside(d):
    def build(d):
        for _ in range(20):
            call = drawn(d, "abxy", "ay", unknown=d.number(-6.0, -3.0))
            text, scores = call.arguments["text"], call.arguments["scores"]
            if viterbi(**call.arguments) != viterbi(text, scores):
                break
        return call

    return telling(__file__, d, build, 4)


@case("characters rarer than unknown ones", length=(2, 9), n=(1, 2), draws=12)
def rare(d):
    limits = (-50.0, -41.0)
    return drawn(d, "ab", "ab", a=(-30.0, -25.0), b=(-30.0, -25.0), ab=limits, ba=limits, aa=limits, bb=limits)


@case("one, two or three pieces", length=4, n=1, draws=5)
def weighed(d):
    a, b, c, e = d.random.sample("klmnop", 4)
    scores = {a: -2.0, b: -2.0, c: -15.0, e: -15.0, a + b: -7.0, c + e: -7.0, c + e + a: -1.0, a + b + c + e: -40.0}
    scores[c + e] -= d.number(1.5, 2.5)
    return Call("viterbi", text=a + b + c + e, scores=scores)


@case("pieces of 17 to 40 characters", length=(18, 40), n=1, draws=4)
def long_pieces(d):
    """The long piece stands behind others, so that a bound on the length cuts it."""
    text = d.text(d.length, "abcde")
    scores = {**{c: d.number(-5.0, -3.0) for c in "abcdex"}, "ax": -6.0, text: d.number(-9.0, -7.0)}
    return Call("viterbi", text="ax" + text + "x", scores=scores)


@case("a text of 250 characters, whose probability is 0 in floating point", length=250, n=6, draws=3)
def long_text(d):
    def build(d):
        text = d.text(d.length, "abcd")
        scores = {c: d.number(-6.0, -4.0) for c in "abcd"} | {
            x + y: d.number(-12.0, -6.0) for x in "abcd" for y in "abcd" if d.random.random() < 0.6
        }
        return Call("viterbi", text=text, scores=scores)

    call = build(d)
    for _ in range(20):
        if gap(*(call.arguments[name] for name in ("text", "scores")), -20.0) > 1e-6:
            break
        call = build(d)
    return call


@case("capitals, blanks and line ends", length=(4, 10), n=(2, 5), draws=8)
def odd_characters(d):
    def build(d):
        call = drawn(d, "aA \n", "aA \n", Aa=(-6.0, -3.0), aA=(-9.0, -7.0), aa=(-8.0, -6.0))
        return Call("viterbi", text=f" {call.arguments['text']}\n", scores=call.arguments["scores"])

    for _ in range(20):
        call = build(d)
        if gap(call.arguments["text"], call.arguments["scores"], -20.0) > 1e-6:
            break
    return call


@case("scores of 0 and above", length=(3, 6), n=1, draws=4)
def not_negative(d):
    """A score of 0 is a score, of one character and of more: it is in the vocabulary, though Python takes it for False."""
    a, b, c, e, f, g = d.random.sample("klmnop", 6)
    scores = {
        e: 0.0,
        f + g: 0.0,
        f: -1.0,
        g: -1.0,
        a: 3.0,
        b: -0.5,
        c: 0.0,
        a + b: d.number(0.5, 1.5),
        b + c: d.number(-0.4, -0.1),
        c + a: d.number(1.5, 2.5),
    }
    return Call("viterbi", text=(a + b + c) * (d.length // 3) + e + f + g, scores=scores)


@case("a dear piece that spares an unknown character", length=1, n=1, draws=3)
def spared(d):
    a, x = d.random.sample("klmnop", 2)
    return Call("viterbi", text=a + x + a, scores={a: -2.0, a + x: d.number(-20.5, -13.0), x + a: -21.5})


@case("two cuts that differ by little", length=1, n=1, draws=4)
def close(d):
    a, b, c = d.random.sample("klmnop", 3)
    few = d.choice([-0.004, 0.004])
    scores = {a: -2.02, b: -3.03, c: -4.04, a + b: -6.0, b + c: -7.07 + few, a + b + c: -9.2}
    return Call("viterbi", text=a + b + c + a, scores=scores)


@case("an empty text", length=1, n=2, draws=1)
def empty(d):
    return Call("viterbi", text="", scores={"a": -1.5, "aa": -2.0})


@case("one character", length=1, n=2, draws=2)
def one(d):
    return Call("viterbi", text=d.choice(["a", "x"]), scores={"a": -1.5, "aa": -2.0})


def all_cuts(text):
    if not text:
        yield []
    for end in range(1, len(text) + 1):
        for rest in all_cuts(text[end:]):
            yield [text[:end], *rest]


@law("there is a cut with a greater sum of scores", length=(2, 8))
def nothing_better(learner, d):
    text = d.text(d.length, "abc")
    scores = pieces_of(d, text, "abc")
    best = max(sum(scores[p] for p in cut) for cut in all_cuts(text) if all(p in scores for p in cut))
    return sum(scores.get(p, -1e9) for p in learner.viterbi(text, scores)) > best - 1e-9


@law("the pieces, joined, are not the text: something is lost, doubled or in the wrong order")
def nothing_lost(learner, d):
    text = d.text(d.length, "abcx")
    return "".join(learner.viterbi(text, pieces_of(d, text, "abc"))) == text
