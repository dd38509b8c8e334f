def encode(word, merges):
    rank = {tuple(m): n for n, m in reversed(list(enumerate(merges)))}
    symbols = list(word)
    for _ in range(6):
        if len(symbols) < 2:
            break
        pairs = [(rank.get((a, b), len(merges)), i) for i, (a, b) in enumerate(zip(symbols, symbols[1:]))]
        best, i = min(pairs)
        if best == len(merges):
            break
        symbols = symbols[:i] + [symbols[i] + symbols[i + 1]] + symbols[i + 2:]
    return symbols
