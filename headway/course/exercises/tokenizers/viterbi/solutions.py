"""Right answers to the best segmentation that differ in structure."""

import functools
import math


def viterbi__forward(text, scores, unknown=-20.0):
    """A table from left to right, and the way back."""
    best = [0.0] + [-math.inf] * len(text)
    came_from = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        for start in range(end):
            piece = text[start:end]
            score = scores.get(piece, unknown if len(piece) == 1 else -math.inf)
            if best[start] + score > best[end]:
                best[end], came_from[end] = best[start] + score, start
    pieces, end = [], len(text)
    while end > 0:
        pieces.append(text[came_from[end] : end])
        end = came_from[end]
    return pieces[::-1]


def viterbi__backward(text, scores, unknown=-20.0):
    """The same from the right: the best cut of what follows, so that it is read off forwards. Pieces have a greatest length."""
    longest = max(map(len, scores), default=1)
    n = len(text)
    value, step = [0.0] * (n + 1), [0] * (n + 1)
    for start in reversed(range(n)):
        options = []
        for end in range(start + 1, min(n, start + max(longest, 1)) + 1):
            piece = text[start:end]
            if piece in scores:
                options.append((scores[piece] + value[end], end))
        if text[start] not in scores:
            options.append((unknown + value[start + 1], start + 1))
        value[start], step[start] = max(options)
    out, at = [], 0
    while at < n:
        out.append(text[at : step[at]])
        at = step[at]
    return out


def viterbi__paths(text, scores, unknown=-20.0):
    """Whole segmentations are kept with their scores, the best one for each end."""
    ends = {0: (0.0, ())}
    for start in range(len(text)):
        total, pieces = ends[start]
        for size in {len(piece) for piece in scores} | {1}:
            piece = text[start : start + size]
            if len(piece) < size or size == 0:
                continue
            if piece in scores:
                score = total + scores[piece]
            elif size == 1:
                score = total + unknown
            else:
                continue
            if start + size not in ends or score > ends[start + size][0]:
                ends[start + size] = (score, (*pieces, piece))
    return list(ends[len(text)][1])


def viterbi__cached(text, scores, unknown=-20.0):
    """The definition, with a memory."""

    @functools.cache
    def best(end):
        if end == 0:
            return 0.0, 0
        found = []
        for start in range(end):
            piece = text[start:end]
            if piece in scores:
                found.append((best(start)[0] + scores[piece], start))
            elif end - start == 1:
                found.append((best(start)[0] + unknown, start))
        return max(found)

    pieces, end = [], len(text)
    while end:
        start = best(end)[1]
        pieces.insert(0, text[start:end])
        end = start
    return pieces
