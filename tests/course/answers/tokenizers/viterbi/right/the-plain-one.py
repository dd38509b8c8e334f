from functools import lru_cache


def viterbi(text, scores, unknown=-20.0):
    longest = max(map(len, scores), default=1)
    best = {0: (0.0, ())}
    for end in range(1, len(text) + 1):
        options = []
        for start in range(max(0, end - longest), end):
            piece = text[start:end]
            score = scores.get(piece, unknown if end - start == 1 else None)
            if score is not None:
                options.append((best[start][0] + score, best[start][1] + (piece,)))
        best[end] = max(options)
    return list(best[len(text)][1])
