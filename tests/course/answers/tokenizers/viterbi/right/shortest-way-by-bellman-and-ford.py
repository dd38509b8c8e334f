def viterbi(text, scores, unknown=-20.0):
    edges = {}
    for i in range(len(text)):
        edges[i, i + 1] = unknown
    for p, s in scores.items():
        at = text.find(p) if p else -1
        while at >= 0:
            edges[at, at + len(p)] = s
            at = text.find(p, at + 1)
    best, back = {0: 0.0}, {}
    for (a, b), s in sorted(edges.items()):
        if a in best and (b not in best or best[a] + s > best[b]):
            best[b], back[b] = best[a] + s, a
    cuts, at = [], len(text)
    while at:
        cuts.append(text[back[at]:at])
        at = back[at]
    return list(reversed(cuts))
