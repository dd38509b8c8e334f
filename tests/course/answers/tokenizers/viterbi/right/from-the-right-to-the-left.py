def viterbi(text, scores, unknown=-20.0):
    n = len(text)
    gain, cut = [0.0] * (n + 1), [0] * (n + 1)
    for i in range(n - 1, -1, -1):
        gain[i] = float("-inf")
        for j in range(i + 1, n + 1):
            s = scores.get(text[i:j])
            if s is None:
                if j > i + 1:
                    continue
                s = unknown
            if s + gain[j] > gain[i]:
                gain[i], cut[i] = s + gain[j], j
    i, out = 0, []
    while i < n:
        out.append(text[i:cut[i]])
        i = cut[i]
    return out
