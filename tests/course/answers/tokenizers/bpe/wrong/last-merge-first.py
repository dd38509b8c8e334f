def encode(word, merges):
    rank = {tuple(m): n for n, m in reversed(list(enumerate(merges)))}
    symbols = list(word)
    while len(symbols) > 1:
        pairs = [(rank.get((a, b), len(merges)), i) for i, (a, b) in enumerate(zip(symbols, symbols[1:]))]
        known = [p for p in pairs if p[0] < len(merges)]
        best, i = max(known, key=lambda p: (p[0], -p[1])) if known else min(pairs)
        if best == len(merges):
            break
        symbols = symbols[:i] + [symbols[i] + symbols[i + 1]] + symbols[i + 2:]
    return symbols
