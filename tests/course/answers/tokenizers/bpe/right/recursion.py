def encode(word, merges):
    merges = [tuple(m) for m in merges]
    def go(symbols):
        present = set(zip(symbols, symbols[1:]))
        for pair in merges:
            if pair in present:
                out, i = [], 0
                while i < len(symbols):
                    if tuple(symbols[i:i + 2]) == pair:
                        out.append("".join(pair)); i += 2
                    else:
                        out.append(symbols[i]); i += 1
                return go(out)
        return symbols
    return go(list(word))
