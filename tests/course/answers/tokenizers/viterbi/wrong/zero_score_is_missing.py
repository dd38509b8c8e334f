def viterbi(text, scores, unknown=-20.0):
    n = len(text)
    best, back = [0.0] + [float("-inf")] * n, [0] * (n + 1)
    for end in range(1, n + 1):
        for start in range(end):
            piece = text[start:end]
            s = scores.get(piece) or (unknown if end - start == 1 else None)
            if s is not None and best[start] + s > best[end]:
                best[end], back[end] = best[start] + s, start
    out, end = [], n
    while end:
        out.append(text[back[end]:end])
        end = back[end]
    return out[::-1]
