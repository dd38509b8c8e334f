# expect: mistake unknown_as_a_last_resort
def viterbi(text, scores, unknown=-20.0):
    n = len(text)
    best, back = {0: 0.0}, {}
    for end in range(1, n + 1):
        options = []
        for start in range(end):
            p = text[start:end]
            if p in scores:
                options.append((best[start] + scores[p], start))
            elif len(p) == 1 and scores.get(p) is None and not any(p in q for q in scores):
                options.append((best[start] + unknown, start))
        if not options:
            options.append((best[end - 1] + unknown, end - 1))
        best[end], back[end] = max(options)
    out, end = [], n
    while end:
        out.append(text[back[end]:end])
        end = back[end]
    return out[::-1]
