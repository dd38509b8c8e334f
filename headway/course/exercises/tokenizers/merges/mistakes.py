"""Wrong answers to learning merges that people really give."""

from collections import Counter
from itertools import pairwise

from headway.learn.cases import mistake, switches


def learn_merges(
    words, n, *,
    _times=True, _tie="alphabet", _count="all", _borders=True, _recount=True, _merge="all", _return="pairs", _least=1,
    _size="merges", _direction=True,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if _size == "vocabulary":
        n = max(n - len({c for word in words for c in word}), 0)
    pieces = [(list(word), times) for word, times in words.items()]
    if not _borders:
        pieces = [([c for word, times in words.items() for _ in range(times) for c in word], 1)]
    merges, counts = [], Counter()
    while len(merges) < n:
        if _recount or not merges:
            counts = Counter()
            for symbols, times in pieces:
                pairs = list(pairwise(symbols))
                if _count == "once a word":
                    pairs = list(dict.fromkeys(pairs))
                elif _count == "apart":
                    pairs = apart(pairs)
                if not _direction:
                    pairs = [tuple(sorted(pair)) for pair in pairs]
                for pair in pairs:
                    counts[pair] += times if _times else 1
        if not counts or max(counts.values()) < _least:
            break
        if _tie == "alphabet":
            best = min(counts, key=lambda pair: (-counts[pair], pair))
        elif _tie == "first seen":
            best = max(counts, key=counts.__getitem__)
        elif _tie == "last in the alphabet":
            best = max(counts, key=lambda pair: (counts[pair], pair))
        elif _tie == "joined":
            best = min(counts, key=lambda pair: (-counts[pair], pair[0] + pair[1], pair))
        elif _tie == "longest":
            best = min(counts, key=lambda pair: (-counts[pair], -len(pair[0] + pair[1]), pair))
        merges.append(best)
        if not _recount:
            del counts[best]
            continue
        pieces = [(replaced(symbols, best, _merge), times) for symbols, times in pieces]
    return ["".join(pair) for pair in merges] if _return == "joined" else merges


def apart(pairs):
    """Pairs that do not overlap with one just like them: aaa has one aa."""
    out, i = [], 0
    while i < len(pairs):
        out.append(pairs[i])
        i += 2 if i + 1 < len(pairs) and pairs[i + 1] == pairs[i] else 1
    return out


def replaced(symbols, pair, how):
    left, right = pair
    if how == "text":
        return " ".join(symbols).replace(f"{left} {right}", left + right).split(" ")
    if how == "from the right":
        return [x[::-1] for x in replaced([x[::-1] for x in symbols[::-1]], (right[::-1], left[::-1]), "all")][::-1]
    out, i, done = [], 0, False
    while i < len(symbols):
        if symbols[i : i + 2] == [left, right] and not done:
            out.append(left + right)
            i += 2
            done = how == "first"
        else:
            out.append(symbols[i])
            i += 1
    return out


MISTAKES = switches(
    learn_merges,
    {
        "occurrences_ignored": (
            "every distinct word counts once: a pair has to be counted as often as its word occurs",
            {"_times": False},
        ),
        "once_a_word": (
            "a pair counts once in a word that holds it several times: every place counts",
            {"_count": "once a word"},
        ),
        "overlaps_not_counted": (
            "in aaa the pair (a, a) is counted once: it stands there twice, and both places count though only one can be merged",
            {"_count": "apart"},
        ),
        "across_words": (
            "the words are joined to one text: a pair must not reach from the end of one word into the next",
            {"_borders": False},
        ),
        "counted_once": (
            "the pairs are counted only at the beginning, and the {n} most frequent taken: after each merge there are new pairs, "
            "and old ones have become rarer",
            {"_recount": False},
        ),
        "tie_first_seen": (
            "of equally frequent pairs the one met first is merged (max of a dict): it has to be the first in the alphabet",
            {"_tie": "first seen"},
        ),
        "tie_last_in_the_alphabet": (
            "of equally frequent pairs the last in the alphabet is merged: max over (count, pair) prefers the larger pair",
            {"_tie": "last in the alphabet"},
        ),
        "tie_by_joined_text": (
            "ties are settled by the joined text: they have to be settled by the left symbol, then by the right one",
            {"_tie": "joined"},
        ),
        "tie_longest": (
            "of equally frequent pairs the longest is merged: it has to be the first in the alphabet",
            {"_tie": "longest"},
        ),
        "replaced_in_text": (
            "the pair is replaced in the symbols joined by blanks: (a, b) is then also found across the end of a symbol, in "
            "'xa b'. Compare symbols, not text",
            {"_merge": "text"},
        ),
        "first_place_only": (
            "only the first place of a word is merged: all of them have to be",
            {"_merge": "first"},
        ),
        "merged_from_the_right": (
            "overlapping pairs are merged from the right: aaa has to become aa, a",
            {"_merge": "from the right"},
        ),
        "pairs_occurring_once_left": (
            "it stops when no pair occurs twice: it has to go on until n merges are made, or no pair is left",
            {"_least": 2},
        ),
        "joined_strings": ("the new symbols are returned: pairs (left, right) are asked for", {"_return": "joined"}),
        "size_of_the_vocabulary": (
            "n is taken for the size of the vocabulary, single characters included: it is the number of merges",
            {"_size": "vocabulary"},
        ),
        "direction_ignored": (
            "(a, b) and (b, a) are counted together: they are two pairs",
            {"_direction": False},
        ),
    },
)


@mistake("the merges are sorted at the end: they have to stay in the order in which they were learned")
def sorted_at_the_end(words, n):
    return sorted(learn_merges(words, n))
