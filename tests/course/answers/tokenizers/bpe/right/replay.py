def encode(word, merges):
    s = list(word)
    for l, r in merges:
        i = 0
        while i + 1 < len(s):
            if s[i] == l and s[i + 1] == r:
                s[i : i + 2] = [l + r]
            i += 1
    return s
