"""Right answers to encoding that differ in structure."""

import heapq
from itertools import pairwise


def encode__ranks(word, merges):
    """Again and again, the pair with the lowest rank."""
    rank = {tuple(pair): i for i, pair in enumerate(merges)}
    symbols = list(word)
    while len(symbols) > 1:
        candidates = [(rank.get((a, b), len(rank)), i) for i, (a, b) in enumerate(pairwise(symbols))]
        lowest, place = min(candidates)
        if lowest == len(rank):
            break
        symbols[place : place + 2] = [symbols[place] + symbols[place + 1]]
    return symbols


def encode__replay(word, merges):
    """Training replayed: every merge once, in order, over the whole word."""
    symbols = [*word]
    for left, right in merges:
        out, i = [], 0
        while i < len(symbols):
            if i + 1 < len(symbols) and symbols[i] == left and symbols[i + 1] == right:
                out.append(left + right)
                i += 2
            else:
                out.append(symbols[i])
                i += 1
        symbols = out
    return symbols


def encode__heap(word, merges):
    """A heap of pairs and a linked list of symbols: n log n for a word of n characters."""
    rank = {(left, right): i for i, (left, right) in enumerate(merges)}
    symbol = list(word)
    after = list(range(1, len(symbol) + 1))
    before = list(range(-1, len(symbol) - 1))
    heap = []

    def offer(i):
        j = after[i]
        if j < len(symbol) and (symbol[i], symbol[j]) in rank:
            heapq.heappush(heap, (rank[symbol[i], symbol[j]], i, symbol[i], symbol[j]))

    for i in range(len(symbol)):
        offer(i)
    while heap:
        _, i, left, right = heapq.heappop(heap)
        j = after[i]
        if j >= len(symbol) or (symbol[i], symbol[j]) != (left, right):
            continue
        symbol[i], symbol[j] = left + right, None
        after[i] = after[j]
        if after[i] < len(symbol):
            before[after[i]] = i
        offer(i)
        if before[i] >= 0:
            offer(before[i])
    return [s for s in symbol if s is not None]


def encode__joined(word, merges):
    """Ranks of the joined symbols, as tiktoken keeps them: a symbol is made by one merge only, so that it says the same."""
    rank = {left + right: i for i, (left, right) in enumerate(merges)}
    cuts = list(range(len(word) + 1))
    while True:
        best = min(
            ((rank.get(word[cuts[i] : cuts[i + 2]], 1 << 60), i) for i in range(len(cuts) - 2)), default=(1 << 60, 0)
        )
        if best[0] == 1 << 60:
            return [word[a:b] for a, b in pairwise(cuts)]
        del cuts[best[1] + 1]
