"""Wrong answers to encoding that people really give."""

from itertools import pairwise

from headway.learn.cases import mistake, switches


def encode(
    word, merges, *, _choose="rank", _place="left", _times="all", _strangers="kept", _return="list", _empty="none"
):
    """The right answer, with a switch per mistake."""
    rank = {tuple(pair): i for i, pair in enumerate(merges)}
    known_letters = {c for pair in merges for symbol in pair for c in symbol}
    if _strangers == "dropped":
        word = "".join(c for c in word if c in known_letters)
    symbols = list(word)
    if _strangers == "unknown":
        symbols = [c if c in known_letters else "<unk>" for c in symbols]
    used = set()
    while True:
        known = [(rank[pair], i) for i, pair in enumerate(pairwise(symbols)) if pair in rank and pair not in used]
        if not known:
            break
        if _choose == "leftmost":
            _, i = min(known, key=lambda found: found[1])
        elif _choose == "latest":
            _, i = max(known, key=lambda found: (found[0], -found[1]))
        elif _choose == "longest":
            _, i = min(known, key=lambda found: (-len(symbols[found[1]] + symbols[found[1] + 1]), found))
        elif _place == "right":
            _, i = min(known, key=lambda found: (found[0], -found[1]))
        else:
            _, i = min(known)
        if _times == "once":
            used.add((symbols[i], symbols[i + 1]))
        symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]
        if _times == "one merge":
            break
    if not symbols and _empty == "string":
        symbols = [""]
    return " ".join(symbols) if _return == "text" else symbols


MISTAKES = switches(
    encode,
    {
        "leftmost_pair": (
            "the first pair from the left that has a merge is merged (or the word is gone through once, joining what can be "
            "joined): it has to be the pair that was learned first, wherever it stands",
            {"_choose": "leftmost"},
        ),
        "latest_merge_first": (
            "the pair learned last is merged first: the order is the other way round",
            {"_choose": "latest"},
        ),
        "longest_pair": (
            "the pair that makes the longest symbol is merged: it has to be the one that was learned first",
            {"_choose": "longest"},
        ),
        "from_the_right": (
            "where one pair stands at several places, it is merged from the right: aaa has to become aa, a",
            {"_place": "right"},
        ),
        "each_merge_once": (
            "every merge is used at the first place it finds and no other: all places where the pair stands have to be merged",
            {"_times": "once"},
        ),
        "one_merge_only": (
            "it stops after the first merge: go on as long as any pair has one",
            {"_times": "one merge"},
        ),
        "strangers_dropped": (
            "characters that no merge knows are left out: they stay, as symbols of their own",
            {"_strangers": "dropped"},
        ),
        "strangers_unknown": (
            "characters that no merge knows become <unk>: they stay, as symbols of their own",
            {"_strangers": "unknown"},
        ),
        "text_returned": ("a text with blanks comes back: a list of symbols is asked for", {"_return": "text"}),
        "empty_symbol": (
            "an empty word gives a list with one empty symbol: it has no symbols, []",
            {"_empty": "string"},
        ),
    },
)


@mistake(
    "the word is cut by the longest symbol that fits, from the left: BPE does not look for long symbols, it replays the "
    "merges in their order"
)
def longest_match(word, merges):
    vocabulary = {left + right for left, right in merges}
    out, start = [], 0
    while start < len(word):
        end = max((end for end in range(start + 1, len(word) + 1) if word[start:end] in vocabulary), default=start + 1)
        out.append(word[start:end])
        start = end
    return out


@mistake(
    "the pair is replaced in the symbols joined by blanks: (a, b) is then also found in 'xa b', across the end of a symbol"
)
def replaced_in_text(word, merges):
    text = " ".join(word)
    for left, right in merges:
        text = text.replace(f"{left} {right}", left + right)
    return text.split(" ") if text else []
