def learn_merges(words, n):
    table = {word: tuple(word) for word in words}
    out = []
    while len(out) < n:
        counts = {}
        for word, symbols in table.items():
            for pair in zip(symbols, symbols[1:]):
                counts[pair] = counts.get(pair, 0) + words[word]
        if not counts:
            break
        best = sorted(counts, key=lambda p: (-counts[p], p))[0]
        out.append(best)
        for word, symbols in table.items():
            new, i = [], 0
            while i < len(symbols):
                if symbols[i:i + 2] == best:
                    new.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    new.append(symbols[i])
                    i += 1
            table[word] = tuple(new)
    words.clear()
    return out
