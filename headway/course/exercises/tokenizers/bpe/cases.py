"""What is asked of encoding, and the answer it is held against."""

from collections import Counter
from itertools import pairwise

from headway.learn.cases import Call, case, law, note
from headway.learn.telling import telling

ORDER = 2
ENTRIES = ("encode",)
SIZES = {"n": (1, 12), "length": (1, 12)}
FORBIDDEN = {"tokenizers": "it is the whole exercise in one call", "tiktoken": "it is the whole exercise in one call"}


def encode(word, merges):
    rank = {tuple(pair): i for i, pair in enumerate(merges)}
    symbols = list(word)
    while True:
        known = [(rank[pair], i) for i, pair in enumerate(pairwise(symbols)) if pair in rank]
        known = note("list of the pairs that can be merged", known)
        if not known:
            return symbols
        _, i = min(known)
        symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]


def learned(d, alphabet, n, words=6):
    """Merges that really come from training, on random words."""
    pieces = [[*d.text(d.random.randint(3, 9), alphabet)] for _ in range(words)]
    merges = []
    for _ in range(n):
        counts = Counter(pair for symbols in pieces for pair in pairwise(symbols))
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for symbols in pieces:
            i = 0
            while i < len(symbols) - 1:
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i : i + 2] = ["".join(best)]
                i += 1
    return merges


@case("a word of a few letters", length=(4, 14), n=(4, 14), draws=16)
def plain(d):
    def build(d):
        return Call("encode", word=d.text(d.length, "abcd"), merges=learned(d, "abcd", d.n))

    return telling(__file__, d, build)


@case("a word of two letters, with runs of the same one", length=(4, 14), n=(3, 12), draws=16)
def runs(d):
    def build(d):
        return Call("encode", word=d.text(d.length, "aab"), merges=learned(d, "aab", d.n))

    return telling(__file__, d, build)


@case("a long word and many merges", length=(14, 22), n=(10, 18), draws=8)
def many(d):
    def build(d):
        return Call("encode", word=d.text(d.length, "aab"), merges=learned(d, "aab", d.n, words=8))

    return telling(__file__, d, build, 20)


@case("characters that no merge knows", length=(3, 12), n=(3, 8), draws=8)
def strangers(d):
    return Call("encode", word=d.text(d.length, "abcxé日"), merges=learned(d, "abc", d.n))


@case("capitals, and the same letters small", length=(4, 10), n=(3, 8), draws=8)
def capitals(d):
    """The merges are of small letters and of capitals, and neither stands for the other."""

    def build(d):
        return Call("encode", word=d.text(d.length, "abAB"), merges=learned(d, "aabAB", d.n))

    return telling(__file__, d, build)


@case("blanks, line ends, control characters, letters in two spellings", length=(4, 10), n=(2, 6), draws=8)
def odd_characters(d):
    odd = ["a", " ", "\n", "\r\n", "\t", "\0", "e\u0301", "é", "ﬁ", "Å", "²", "\u200d", "\ufeff", "😀"]
    first = d.random.choice(["\r\n", "\r\n", "e\u0301", "\ufeff"])
    word = " " + first + "".join(d.random.choice(odd) for _ in range(d.length)) + " "
    return Call("encode", word=word, merges=learned(d, word, d.n))


@case("an empty word", n=(1, 3), draws=1)
def no_word(d):
    return Call("encode", word="", merges=learned(d, "ab", d.n))


@case("no merges, one character", n=(1, 3), draws=4)
def empty(d):
    word, merges = d.choice([("a", learned(d, "ab", d.n)), ("abab", [])])
    return Call("encode", word=word, merges=merges)


@case("a word that training has seen, whole", n=30, draws=6)
def seen(d):
    word = d.text(7, "abc")
    pieces, merges = [*word], []
    while len(pieces) > 1:
        pair = min(pairwise(pieces), key=lambda p: (-list(pairwise(pieces)).count(p), p))
        merges.append(pair)
        i = 0
        while i < len(pieces) - 1:
            if (pieces[i], pieces[i + 1]) == pair:
                pieces[i : i + 2] = ["".join(pair)]
            i += 1
    return Call("encode", word=word, merges=merges)


@law("the symbols, joined, are not the word: something is lost or doubled")
def nothing_lost(learner, d):
    word = d.text(d.length, "abcx")
    return "".join(learner.encode(word, learned(d, "abc", d.n))) == word


@law("a word is cut as it was with other merges: your code remembers words from call to call", draws=1)
def other_merges(learner, d):
    """Looked at only where the same is right with a word that was never given before."""
    learner.encode("pq", [])
    again, fresh = learner.encode("pq", [("p", "q")]), learner.encode("rs", [("r", "s")])
    return list(again) == ["pq"] or list(fresh) != ["rs"]
