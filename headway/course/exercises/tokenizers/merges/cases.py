"""What is asked of learning merges, and the answer it is held against."""

from collections import Counter
from itertools import pairwise

from headway.learn.cases import Call, case, law, note
from headway.learn.telling import telling

ORDER = 1
ENTRIES = ("learn_merges",)
SIZES = {"w": (1, 7), "length": (2, 8), "n": (1, 8)}
FORBIDDEN = {
    "tokenizers": "it is the whole exercise in one call",
    "sentencepiece": "it is the whole exercise in one call",
}


def merged(symbols, left, right):
    out, i = [], 0
    while i < len(symbols):
        if symbols[i : i + 2] == [left, right]:
            out.append(left + right)
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def learn_merges(words, n):
    pieces = [(list(word), times) for word, times in words.items()]
    merges = []
    while len(merges) < n:
        counts = Counter()
        for symbols, times in pieces:
            for pair in pairwise(symbols):
                counts[pair] += times
        counts = note("counts of the pairs", counts)
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        pieces = [(merged(symbols, *best), times) for symbols, times in pieces]
    return merges


def words_of(d, alphabet, most=5, long=None):
    found = {}
    for _ in range(d.w):
        found[d.text(d.random.randint(1, long or d.length), alphabet)] = d.integer(1, most)
    return found


@case("words of a few letters", w=(4, 9), length=(3, 7), n=(3, 8), draws=14)
def plain(d):
    return telling(__file__, d, lambda d: Call("learn_merges", words=words_of(d, "abcd", 6), n=d.n))


@case("words of two letters, with runs of the same one", w=(3, 6), length=(4, 9), draws=14)
def runs(d):
    return telling(__file__, d, lambda d: Call("learn_merges", words=words_of(d, "ab"), n=d.n))


@case("words that all occur once, so that many pairs are equally frequent", w=(3, 7), n=(3, 8), draws=12)
def ties(d):
    return telling(__file__, d, lambda d: Call("learn_merges", words=words_of(d, "abcd", 1), n=d.n))


@case("capitals and small letters, equally frequent", w=(3, 6), length=(3, 6), n=(3, 6), draws=8)
def capitals(d):
    return telling(__file__, d, lambda d: Call("learn_merges", words=words_of(d, "abAB", 1), n=d.n))


@case("a long word, merged to long symbols", w=1, n=(8, 12), draws=4)
def long(d):
    word = "".join(d.random.sample("abcdefghijklmnop", 14))
    return Call("learn_merges", words={word: d.integer(2, 9), word[::-1]: 1}, n=d.n)


@case("blanks, line ends and letters that are two characters", w=(2, 5), length=(3, 6), n=(2, 5), draws=6)
def odd_characters(d):
    return Call("learn_merges", words=words_of(d, "a \n\te\u0301éß日"), n=d.n)


@case("no merges are asked for", w=2, draws=2)
def none_asked(d):
    return Call("learn_merges", words=words_of(d, "ab"), n=0)


@case("one frequent word against many rare ones", w=(4, 8), length=(3, 6), n=(2, 6), draws=10)
def weighted(d):
    words = words_of(d, "ef", 2)
    words[d.text(5, "abc")] = d.integer(30, 60)
    return Call("learn_merges", words=words, n=d.n)


@case("a pair that also stands across the end of a longer symbol", w=1, n=(3, 6), draws=6)
def across_a_symbol(d):
    x, a, b = d.random.sample("klmnop", 3)
    words = {x + a: d.integer(20, 30), x + a + b: d.integer(2, 3), a + b: d.integer(8, 12), b + x: 1}
    return Call("learn_merges", words=words, n=d.n)


@case("more merges than there are pairs", w=(1, 3), length=(1, 4), draws=8)
def run_out(d):
    return Call("learn_merges", words=words_of(d, "abc"), n=40)


@case("nothing to merge", w=1, draws=3)
def nothing(d):
    return Call("learn_merges", words=d.choice([{}, {"a": 3}, {"a": 1, "b": 2}]), n=d.n)


@law("the merges change when the words are given in another order: ties have to be settled by the pairs themselves")
def order_of_words(learner, d):
    words = words_of(d, "abc", 2)
    turned = dict(reversed(list(words.items())))
    return learner.learn_merges(words, d.n) == learner.learn_merges(turned, d.n)


@law("fewer merges are not the beginning of more: each step has to depend on those before it only")
def prefix(learner, d):
    words = words_of(d, "abc")
    few, many = learner.learn_merges(words, d.n), learner.learn_merges(words, d.n + 3)
    return [tuple(pair) for pair in many[: len(few)]] == [tuple(pair) for pair in few]


@law("a pair is merged twice: after a merge it has no neighbours of that kind left")
def no_pair_twice(learner, d):
    merges = [tuple(pair) for pair in learner.learn_merges(words_of(d, "ab"), d.n)]
    return len(merges) == len(set(merges))
