from collections import defaultdict
import re


def learn_merges(words, n):
    split = {w: tuple(w) for w in words}
    learned = []
    for _ in range(n):
        pairs = defaultdict(int)
        for w, s in split.items():
            for a, b in zip(s, s[1:]):
                pairs[a, b] += words[w]
        if not pairs:
            break
        top = max(pairs.values())
        a, b = sorted(p for p, c in pairs.items() if c == top)[0]
        learned.append([a, b])
        for w, s in split.items():
            out = []
            it = iter(range(len(s)))
            i = 0
            while i < len(s):
                if i + 1 < len(s) and s[i] == a and s[i + 1] == b:
                    out.append(a + b)
                    i += 2
                else:
                    out.append(s[i])
                    i += 1
            split[w] = tuple(out)
    return learned
