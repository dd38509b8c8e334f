from collections import Counter


def merge(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def learn_merges(words, n):
    corpus = [[tuple(w), c] for w, c in words.items()]
    counts = Counter()
    for s, c in corpus:
        for p in zip(s, s[1:]):
            counts[p] += c
    merges = []
    for _ in range(n):
        live = [(-k, p) for p, k in counts.items() if k > 0]
        if not live:
            return merges
        _, best = min(live)
        merges.append(best)
        for e in corpus:
            s, c = e
            new = tuple(merge(list(s), best))
            if new != s:
                for p in zip(s, s[1:]):
                    counts[p] -= c
                for p in zip(new, new[1:]):
                    counts[p] += c
                e[0] = new
    return merges
