# never says: rong numbers
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
    words = {" ".join(w): c for w, c in words.items()}
    merges = []
    while len(merges) < n:
        counts = Counter()
        for w, c in words.items():
            symbols = w.split()
            for pair in zip(symbols, symbols[1:]):
                counts[pair] += c
        if not counts:
            break
        best = min(counts, key=lambda p: (-counts[p], p))
        merges.append(best)
        words = {w.replace(" ".join(best), "".join(best)): c for w, c in words.items()}
    return merges
