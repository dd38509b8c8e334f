def encode(word, merges):
    rank = {tuple(m): n for n, m in reversed(list(enumerate(merges)))}
    symbols = list(word)
    while len(symbols) > 1:
        pairs = [(rank.get((a, b), len(merges)), i) for i, (a, b) in enumerate(zip(symbols, symbols[1:]))]
        best, i = min(pairs)
        if best == len(merges):
            break
        symbols = symbols[:i] + [symbols[i] + symbols[i + 1]] + symbols[i + 2:]
    known = {c for m in merges for c in m[0] + m[1]}
    return [s for s in symbols if s[0] in known or not merges]
