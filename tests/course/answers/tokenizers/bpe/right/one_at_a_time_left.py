def merged(s, pair):
    out, i = [], 0
    while i < len(s):
        if tuple(s[i:i + 2]) == tuple(pair):
            out.append(s[i] + s[i + 1])
            i += 2
        else:
            out.append(s[i])
            i += 1
    return out


def encode(word, merges):
    rank = {tuple(m): i for i, m in reversed(list(enumerate(merges)))}
    s = list(word)
    while True:
        c = min(((rank[p], i) for i, p in enumerate(zip(s, s[1:])) if p in rank), default=None)
        if c is None:
            return s
        i = c[1]
        s[i:i + 2] = [s[i] + s[i + 1]]
