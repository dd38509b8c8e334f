"""Wrong answers to WordPiece that people really give."""

from headway.learn.cases import mistake, switches


def wordpiece(
    word, vocab, unknown="[UNK]", longest=100, *,
    _mark="continuations", _take="longest", _fail="word", _given=True, _limit="more", _strip=False, _empty="none", _lower=False,
    _fallback=False,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if not _given:
        unknown = "[UNK]"
    if _lower:
        word = word.lower()
    if _limit == "bytes" and len(word.encode()) > longest:
        return [unknown]
    if (len(word) > longest and _limit == "more") or (len(word) >= longest and _limit == "as many"):
        return [unknown]
    if _limit == "cut":
        word = word[:longest]
    if not word and _empty == "unknown":
        return [unknown]
    tokens, start = [], 0
    while start < len(word):
        mark = "##" if (start and _mark == "continuations") or _mark == "always" else ""
        ends = [end for end in range(start + 1, len(word) + 1) if mark + word[start:end] in vocab]
        if _fallback and start and not ends:
            mark = ""
            ends = [end for end in range(start + 1, len(word) + 1) if word[start:end] in vocab]
        if not ends:
            if _fail == "word":
                return [unknown]
            if _fail == "rest":
                return [*tokens, unknown]
            if _fail == "character":
                tokens.append(unknown)
            start += 1
            continue
        end = ends[-1] if _take == "longest" else ends[0]
        tokens.append(word[start:end] if _mark == "never shown" else mark + word[start:end])
        start = end
    return [token.removeprefix("##") for token in tokens] if _strip else tokens


MISTAKES = switches(
    wordpiece,
    {
        "continuations_without_mark": (
            "continuations are looked up without ##: inside a word the tokens are the ones that begin with ##",
            {"_mark": "never"},
        ),
        "beginning_with_mark": (
            "the first token is looked up with ## as well: only continuations have it",
            {"_mark": "always"},
        ),
        "mark_dropped": (
            "the tokens come back without ##: able and ##able are two tokens, and the mark is part of the second",
            {"_strip": True},
        ),
        "plain_tokens_as_a_way_out": (
            "where no ## token fits, one without the mark is taken: it can only begin a word",
            {"_fallback": True},
        ),
        "shortest_first": ("the shortest token that fits is taken: it has to be the longest", {"_take": "shortest"}),
        "rest_unknown": (
            "the tokens found so far are kept and only the rest is unknown: the whole word is, [unknown] alone",
            {"_fail": "rest"},
        ),
        "character_unknown": (
            "a character that fits nothing becomes unknown by itself: the whole word is unknown, [unknown] alone",
            {"_fail": "character"},
        ),
        "character_skipped": (
            "a character that fits nothing is left out: the whole word is unknown, [unknown]",
            {"_fail": "skip"},
        ),
        "unknown_ignored": ("the argument `unknown` is not used: it is always [UNK]", {"_given": False}),
        "longest_ignored": (
            "the argument `longest` is not used: a word of more characters is unknown",
            {"_limit": "none"},
        ),
        "longest_off_by_one": (
            "a word of exactly {longest} characters is unknown already: only one of more is",
            {"_limit": "as many"},
        ),
        "bytes_counted": (
            "the length of a word is counted in bytes: `longest` = {longest} is about characters, and é is one",
            {"_limit": "bytes"},
        ),
        "cut_to_longest": (
            "a word of more than {longest} characters is cut off there: it is unknown as a whole",
            {"_limit": "cut"},
        ),
        "empty_word_unknown": ("an empty word gives [unknown]: it has no tokens, []", {"_empty": "unknown"}),
        "lower_case": ("the word is made lower case: that is not asked for here", {"_lower": True}),
    },
)


@mistake("the longest token is looked for from the end of the word: WordPiece goes from the left")
def from_the_end(word, vocab, unknown="[UNK]", longest=100):
    if len(word) > longest:
        return [unknown]
    tokens, end = [], len(word)
    while end > 0:
        starts = [s for s in range(end) if ("##" if s else "") + word[s:end] in vocab]
        if not starts:
            return [unknown]
        tokens.append(("##" if starts[0] else "") + word[starts[0] : end])
        end = starts[0]
    return tokens[::-1]


def every_cut(word, vocab, start=0):
    """All cuts of the rest of a word, those with long tokens first."""
    if start == len(word):
        yield []
    for end in range(len(word), start, -1):
        token = ("##" if start else "") + word[start:end]
        if token in vocab:
            for rest in every_cut(word, vocab, end):
                yield [token, *rest]


@mistake("where greed ends in a dead end another cut is tried: there is no way back, the word is unknown")
def with_a_way_back(word, vocab, unknown="[UNK]", longest=100):
    return [unknown] if len(word) > longest else next(every_cut(word, vocab), [unknown])


@mistake(
    "the cut with the fewest tokens is looked for: the longest token from the left is taken at each step, and no other way tried"
)
def fewest_tokens(word, vocab, unknown="[UNK]", longest=100):
    return [unknown] if len(word) > longest else min(every_cut(word, vocab), key=len, default=[unknown])


@mistake("the tokens come back as one text with blanks: a list is asked for")
def one_text(word, vocab, unknown="[UNK]", longest=100):
    return " ".join(wordpiece(word, vocab, unknown, longest))
