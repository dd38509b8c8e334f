"""Right answers to learning merges that differ in structure."""

from collections import Counter, defaultdict
from itertools import pairwise


def learn_merges__recount(words, n):
    """The definition: count everything again after every merge."""
    pieces = {word: list(word) for word in words}
    merges = []
    while len(merges) < n:
        counts = Counter()
        for word, times in words.items():
            symbols = pieces[word]
            for pair in pairwise(symbols):
                counts[pair] += times
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for word in words:
            symbols, out, i = pieces[word], [], 0
            while i < len(symbols):
                if tuple(symbols[i : i + 2]) == best:
                    out.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    out.append(symbols[i])
                    i += 1
            pieces[word] = out
    return merges


def learn_merges__incremental(words, n):
    """Counts are kept, and only words that hold the merged pair are taken out of them and put back in."""
    pieces = [[*word] for word in words]
    times = list(words.values())
    counts, where = Counter(), defaultdict(set)

    def add(index, sign):
        symbols = pieces[index]
        for i in range(len(symbols) - 1):
            pair = symbols[i], symbols[i + 1]
            counts[pair] += sign * times[index]
            where[pair].add(index)

    for index in range(len(pieces)):
        add(index, 1)
    merges = []
    for _ in range(n):
        alive = [(-count, pair) for pair, count in counts.items() if count > 0]
        if not alive:
            return merges
        left, right = min(alive)[1]
        merges.append((left, right))
        for index in sorted(where.pop((left, right))):
            add(index, -1)
            symbols, i = pieces[index], 0
            while i + 1 < len(symbols):
                if symbols[i] == left and symbols[i + 1] == right:
                    symbols[i : i + 2] = [left + right]
                i += 1
            add(index, 1)
    return merges


def learn_merges__sorted(words, n):
    """The symbols of all words in one list with borders between them; the pairs by sorting."""
    flat, weight = [], []
    for word, times in words.items():
        flat += [*word, None]
        weight += [times] * (len(word) + 1)
    merges = []
    for _ in range(n):
        totals = {}
        for i in range(len(flat) - 1):
            if flat[i] is not None and flat[i + 1] is not None:
                pair = (flat[i], flat[i + 1])
                totals[pair] = totals.get(pair, 0) + weight[i]
        ranked = sorted(sorted(totals), key=totals.__getitem__, reverse=True)
        if not ranked:
            break
        a, b = ranked[0]
        merges.append((a, b))
        i = 0
        while i < len(flat) - 1:
            if flat[i] == a and flat[i + 1] == b:
                flat[i] = a + b
                del flat[i + 1], weight[i + 1]
            i += 1
    return merges
