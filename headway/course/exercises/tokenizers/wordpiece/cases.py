"""What is asked of WordPiece, and the answer it is held against."""

from headway.learn.cases import Call, case, law, note
from headway.learn.telling import telling

ORDER = 5
ENTRIES = ("wordpiece",)
SIZES = {"length": (1, 12), "n": (2, 16)}
FORBIDDEN = {
    "tokenizers": "it is the whole exercise in one call",
    "transformers": "it is the whole exercise in one call",
}


def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    if len(word) > longest:
        return [unknown]
    tokens, start = [], 0
    while start < len(word):
        mark = note("mark before a piece", "##" if start else "")
        ends = [end for end in range(start + 1, len(word) + 1) if mark + word[start:end] in vocab]
        ends = note("list of the places at which a piece may end", ends)
        if not ends:
            return [unknown]
        tokens.append(mark + word[start : ends[-1]])
        start = ends[-1]
    return tokens


def vocab_of(d, word, letters, all_letters=True):
    """Some substrings of the word, as beginnings and as continuations, and some pieces that are not in it."""
    vocab = {"[UNK]"}
    if all_letters:
        vocab |= set(letters) | {"##" + c for c in letters}
    for _ in range(d.n):
        start = d.random.randrange(max(len(word), 1))
        piece = (
            word[start : start + d.random.randint(2, 4)]
            if d.random.random() < 0.7
            else d.text(d.random.randint(2, 4), letters)
        )
        if piece:
            vocab.add(piece if d.random.random() < 0.4 else "##" + piece)
    return vocab


@case("a word all of whose letters are tokens", length=(3, 12), draws=16)
def plain(d):
    def build(d):
        word = d.text(d.length, "abc")
        return Call("wordpiece", word=word, vocab=vocab_of(d, word, "abc"))

    return telling(__file__, d, build)


@case("beginnings only, or continuations only, for some letters", length=(2, 9), n=(4, 16), draws=16)
def halves(d):
    def build(d):
        word = d.text(d.length, "ab")
        vocab = vocab_of(d, word, "ab", all_letters=False) | {d.choice("ab"), "##" + d.choice("ab")}
        return Call("wordpiece", word=word, vocab=vocab)

    return telling(__file__, d, build)


@case("a word that another cut would have saved", length=(3, 8), n=(2, 5), draws=12)
def trap(d):
    word = d.text(d.length, "abc")
    end = d.random.randint(2, len(word) - 1)
    vocab = {word[:1], word[:end], *("##" + word[i : i + 2] for i in range(1, len(word))), "##" + word[1:]}
    vocab.discard("##" + word[end:])
    vocab -= {"##" + word[end : end + k] for k in range(1, len(word))}
    return Call("wordpiece", word=word, vocab=vocab | {"##" + word[1:]})


@case("the word itself is a token, as a beginning or as a continuation", length=(2, 7), n=(3, 8), draws=12)
def whole(d):
    word = d.text(d.length, "abc")
    return Call("wordpiece", word=word, vocab=vocab_of(d, word, "abc") | {d.choice([word, "##" + word])})


@case("a character that is no token, at the end of the word", length=(2, 8), draws=10)
def stranger(d):
    word = d.text(d.length, "ab") + "é"
    return Call("wordpiece", word=word, vocab=vocab_of(d, word.strip("é"), "ab"))


@case("an `unknown` of its own", length=(2, 6), n=(2, 4), draws=6)
def own_unknown(d):
    word = d.text(d.length, "xy")
    return Call("wordpiece", word=word, vocab=vocab_of(d, "ab", "ab"), unknown="<unk>")


@case("words of exactly `longest` characters", length=(3, 8), draws=6)
def just_short_enough(d):
    word = d.text(d.length, "abc")
    return Call("wordpiece", word=word, vocab=vocab_of(d, word, "abc"), longest=d.length)


@case("words of exactly `longest` characters, of two or three bytes each", length=(3, 8), draws=4)
def short_enough_in_characters(d):
    word = d.text(d.length, "éß日")
    return Call("wordpiece", word=word, vocab=vocab_of(d, word, "éß日"), longest=d.length)


@case("words of one character more than `longest`", length=(3, 8), draws=6)
def too_long(d):
    word = d.text(d.length, "abc")
    return Call("wordpiece", word=word, vocab=vocab_of(d, word, "abc"), longest=d.length - 1)


@case("words that are too long, and an `unknown` of their own", length=(3, 8), draws=4)
def too_long_own_unknown(d):
    word = d.text(d.length, "abc")
    return Call(
        "wordpiece", word=word, vocab=vocab_of(d, word, "abc"), unknown=d.choice(["<unk>", "?"]), longest=d.length - 1
    )


@case("no length is allowed", length=(1, 4), draws=3)
def none_allowed(d):
    word = d.text(d.length, "abc")
    return Call("wordpiece", word=word, vocab=vocab_of(d, word, "abc"), longest=0)


@case("long words: 100 characters, 101, tokens of 20", length=(2, 3), n=2, draws=6)
def long(d):
    """No character twice and few long tokens, so that there are few ways to cut it."""
    letters = [chr(0x4E00 + n) for n in d.random.sample(range(5000), 98 + d.length)]
    word = "".join(letters)
    vocab = {"[UNK]", word[0], *("##" + c for c in letters), word[:20], "##" + word[20:37], "##" + word[50:75]}
    return Call("wordpiece", word=word, vocab=vocab)


@case("an accent, a capital, a control character, ## in the word", length=1, n=2, draws=8)
def odd_characters(d):
    """Nothing is done to the word before it is cut."""
    word = ["é", "A", "\x07", "a##b", "e\u0301", "##a", "É", "a\u200db"][d.random.randrange(8)]
    letters = set("eaAbcé#\x07\u0301\u200dÉ") if d.random.random() < 0.5 else set("eabc")
    vocab = {"[UNK]", *letters, *("##" + c for c in letters)}
    return Call("wordpiece", word=d.choice(["", "b"]) + word, vocab=vocab)


@case("accents, capitals, control characters and ## in one word, all of them tokens", length=1, n=2, draws=3)
def every_odd_character(d):
    """Whatever is done to one of them shows, in whatever order they come."""
    parts = ["é", "A", "\x07", "a##b", "e\u0301", "É", "\u200d", "\u3000"]
    d.random.shuffle(parts)
    letters = set("eaAbé#\x07\u0301\u200dÉ\u3000")
    return Call("wordpiece", word="".join(parts), vocab={"[UNK]", *letters, *("##" + c for c in letters)})


@case("an empty word", length=1, n=2, draws=1)
def empty(d):
    return Call("wordpiece", word="", vocab=vocab_of(d, "ab", "ab"))


@case("capitals", length=(1, 4), n=(2, 6), draws=5)
def capitals(d):
    return Call("wordpiece", word=d.choice(["A", "aB", "Ba"]), vocab=vocab_of(d, "ab", "ab"))


@case("a cut in fewer tokens that greed does not find", length=1, n=1, draws=4)
def not_the_fewest(d):
    a, b, c, e, f, g = d.random.sample("abcdefgh", 6)
    vocab = {"[UNK]", a + b, a + b + c, "##" + e, "##" + f, "##" + g, "##" + c + e + f, "##" + b + c + e + f + g}
    return Call("wordpiece", word=a + b + c + e + f + g, vocab=vocab)


@case("a word that goes on with what can only begin one", length=1, n=1, draws=3)
def only_beginnings(d):
    a, b = d.random.sample("abcdefgh", 2)
    return Call("wordpiece", word=a + b, vocab={"[UNK]", a, b, "##" + a})


@law("the tokens, without ##, do not join to the word", length=(2, 9))
def joins(learner, d):
    word = d.text(d.length, "abc")
    tokens = learner.wordpiece(word, vocab_of(d, word, "abc"))
    return "".join(token.removeprefix("##") for token in tokens) == word


@law("a token comes back that is not in the vocabulary", length=(2, 9))
def known(learner, d):
    word = d.text(d.length, "abc")
    vocab = vocab_of(d, word, "abc")
    return all(token in vocab for token in learner.wordpiece(word, vocab))
