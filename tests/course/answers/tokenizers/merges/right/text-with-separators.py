from collections import Counter
from itertools import pairwise

def learn_merges(words, n):
    split = [[list(w), c] for w, c in words.items()]
    def step():
        c = Counter()
        for s, k in split:
            for p in pairwise(s):
                c.update({p: k})
        if not c:
            return None
        a, b = min((p for p in c if c[p] == max(c.values())))
        for row in split:
            s = row[0]
            for i in range(len(s)):
                if i + 1 < len(s) and s[i] == a and s[i + 1] == b:
                    s[i:i + 2] = [a + b]
        return [a, b]
    out = []
    for _ in range(n):
        if (p := step()) is None:
            break
        out.append(p)
    return out
