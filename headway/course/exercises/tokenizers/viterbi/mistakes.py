"""Wrong answers to the best segmentation that people really give."""

import math

from headway.learn.cases import mistake, switches


def viterbi(
    text, scores, unknown=-20.0, *,
    _sum="scores", _best="max", _longest=None, _unknown="single", _order="forward", _given=True, _fuse=False,
    _reach="all", _single=True, _last_resort=False,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if not _given:
        unknown = -20.0
    n = len(text)
    worse = -math.inf if _best == "max" else math.inf
    best, last, count = [0.0] + [worse] * n, [""] * (n + 1), [0] * (n + 1)
    for end in range(1, n + 1):
        for start in range(end):
            piece = text[start:end]
            if _longest and len(piece) > _longest:
                continue
            if _reach == "not the end" and end == n and len(piece) > 1 and start == 0:
                continue
            if piece in scores and not (len(piece) == 1 and not _single and n > 1):
                score = scores[piece]
                if _unknown == "also known" and len(piece) == 1:
                    score = max(score, unknown)
            elif len(piece) == 1 and not (_last_resort and last[end] != ""):
                score = unknown
            elif _unknown == "any piece":
                score = unknown
            else:
                continue
            if _sum == "scores":
                total = best[start] + score
            elif _sum == "last piece":
                total = score
            elif _sum == "mean":
                total = (best[start] * count[start] + score) / (count[start] + 1)
            elif _sum == "count":
                total = best[start] - 1 + 1e-6 * score
            elif _sum == "weighted":
                total = best[start] + score / len(piece)
            elif _sum == "times length":
                total = best[start] + score * len(piece)
            elif _sum == "probabilities":
                total = best[start] + math.exp(score)
            if last[end] == "" or (total > best[end] if _best == "max" else total < best[end]):
                best[end], last[end], count[end] = total, piece, count[start] + 1
    pieces, end = [], n
    while end:
        pieces.append(last[end])
        end -= len(last[end])
    pieces = pieces if _order == "backward" else pieces[::-1]
    if _fuse:
        out = []
        for piece in pieces:
            if out and piece not in scores and out[-1] not in scores:
                out[-1] += piece
            else:
                out.append(piece)
        return out
    return pieces


MISTAKES = switches(
    viterbi,
    {
        "fewest_pieces": (
            "the cut with the fewest pieces is taken: it has to be the one with the greatest sum of scores",
            {"_sum": "count"},
        ),
        "least_instead_of_greatest": (
            "the smallest sum is taken: scores are log-probabilities, and the greatest sum is the most probable",
            {"_best": "min"},
        ),
        "last_piece_alone": (
            "for each end the piece with the best score of its own is taken: what came before it, best[start], has to be added",
            {"_sum": "last piece"},
        ),
        "mean_score": (
            "the mean score of the pieces is made as large as possible: it has to be their sum, so that fewer pieces count for "
            "something",
            {"_sum": "mean"},
        ),
        "probabilities_added": (
            "probabilities, exp(score), are added up: they have to be multiplied, which is to add up the scores as they are",
            {"_sum": "probabilities"},
        ),
        "scores_per_character": (
            "scores are divided by the length of the piece: a piece has one probability, however long it is",
            {"_sum": "weighted"},
        ),
        "scores_times_length": (
            "scores are multiplied by the length of the piece: a piece has one probability, however long it is",
            {"_sum": "times length"},
        ),
        "pieces_too_short": (
            "pieces of more than three characters are never tried: they may have any length",
            {"_longest": 3},
        ),
        "whole_text_not_tried": (
            "the whole text is never tried as one piece: the ends (or starts) stop one short",
            {"_reach": "not the end"},
        ),
        "walked_back_and_left": (
            "the pieces are in the order of the way back, from the end: turn them round",
            {"_order": "backward"},
        ),
        "unknown_for_any_piece": (
            "every piece that is not in `scores` may stand at the score `unknown`: only a single character may",
            {"_unknown": "any piece"},
        ),
        "unknown_for_known_characters": (
            "a character that has a score is allowed the score `unknown` where that is better: it has its own",
            {"_unknown": "also known"},
        ),
        "unknown_ignored": ("the argument `unknown` is not used: it is always -20", {"_given": False}),
        "unknown_as_a_last_resort": (
            "a character may be unknown only where no known piece ends: it always may, and that can be the better cut",
            {"_last_resort": True},
        ),
        "unknowns_joined": (
            "neighbouring unknown characters are joined to one piece: each stands alone here",
            {"_fuse": True},
        ),
        "single_characters_unused": (
            "single characters are taken to be unknown although they have scores",
            {"_single": False},
        ),
    },
)


@mistake("at each step the longest piece that fits is taken: that is greedy, and can miss the most probable cut")
def longest_first(text, scores, unknown=-20.0):
    out, start = [], 0
    while start < len(text):
        end = max((e for e in range(start + 1, len(text) + 1) if text[start:e] in scores), default=start + 1)
        out.append(text[start:end])
        start = end
    return out


@mistake("at each step the most probable piece that fits is taken: that is greedy, and can miss the most probable cut")
def likeliest_first(text, scores, unknown=-20.0):
    out, start = [], 0
    while start < len(text):
        ends = [e for e in range(start + 1, len(text) + 1) if text[start:e] in scores]
        end = max(ends, key=lambda e: scores[text[start:e]], default=start + 1)
        out.append(text[start:end])
        start = end
    return out


@mistake("characters that are no pieces are skipped, and missing from the result: an unknown one stands for itself")
def unknown_skipped(text, scores, unknown=-20.0):
    return viterbi("".join(c for c in text if c in scores), scores, unknown)


@mistake("the result is the score as well, or the pieces and the score: the list of pieces alone is asked for")
def with_score(text, scores, unknown=-20.0):
    pieces = viterbi(text, scores, unknown)
    return pieces, sum(scores.get(piece, unknown) for piece in pieces)


@mistake("a character that is no piece ends in a KeyError: it may stand alone, at the score `unknown`")
def key_error(text, scores, unknown=-20.0):
    for c in text:
        scores[c]
    return viterbi(text, scores, unknown)
