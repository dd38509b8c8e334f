def encode(word, merges):
    rank = {tuple(m): n for n, m in reversed(list(enumerate(merges)))}
    symbols = list(__import__('unicodedata').normalize('NFC', word))
    while len(symbols) > 1:
        pairs = [(rank.get((a, b), len(merges)), i) for i, (a, b) in enumerate(zip(symbols, symbols[1:]))]
        best, i = min(pairs)
        if best == len(merges):
            break
        symbols = symbols[:i] + [symbols[i] + symbols[i + 1]] + symbols[i + 2:]
    return symbols
