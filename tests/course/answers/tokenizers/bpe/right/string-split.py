def encode(word, merges):
    rank = {}
    for n, pair in enumerate(merges):
        rank.setdefault(tuple(pair), n)
    symbols = list(word)
    while len(symbols) > 1:
        pair = min(zip(symbols, symbols[1:]), key=lambda p: rank.get(p, 10**9))
        if pair not in rank:
            break
        out = []
        for s in symbols:
            if out and (out[-1], s) == pair and out[-1] is not None:
                out[-1] = out[-1] + s
                out.append(None)
            else:
                out.append(s)
        symbols = [s for s in out if s is not None]
    return symbols
