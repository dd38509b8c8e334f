def viterbi(text, scores, unknown=-20.0):
    longest = 16
    best = [(0.0, 0)]
    for end in range(1, len(text) + 1):
        options = []
        for start in range(max(0, end - longest), end):
            piece = text[start:end]
            if piece in scores:
                options.append((best[start][0] + scores[piece], start))
            elif end - start == 1:
                options.append((best[start][0] + unknown, start))
        best.append(max(options))
    out, end = [], len(text)
    while end > 0:
        start = best[end][1]
        out.insert(0, text[start:end])
        end = start
    return out
