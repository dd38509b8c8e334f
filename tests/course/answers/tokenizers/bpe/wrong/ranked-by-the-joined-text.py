def encode(word, merges):
    joined = {m[0] + m[1]: n for n, m in reversed(list(enumerate(merges)))}
    class Rank(dict):
        def get(self, pair, other): return joined.get(pair[0] + pair[1], other)
    rank = Rank()
    symbols = list(word)
    while len(symbols) > 1:
        pairs = [(rank.get((a, b), len(merges)), i) for i, (a, b) in enumerate(zip(symbols, symbols[1:]))]
        best, i = min(pairs)
        if best == len(merges):
            break
        symbols = symbols[:i] + [symbols[i] + symbols[i + 1]] + symbols[i + 2:]
    return symbols
