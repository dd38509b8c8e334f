import re

def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    if len(word) > longest:
        return [unknown]
    def pattern(pieces):
        return re.compile("|".join(re.escape(p) for p in sorted(pieces, key=len, reverse=True) if p) or "(?!)", re.S)
    first, later = pattern(vocab), pattern({t[2:] for t in vocab if t.startswith("##")})
    out, at = [], 0
    while at < len(word):
        found = (later if at else first).match(word, at)
        if found is None:
            return [unknown]
        out.append("##" * bool(at) + found[0])
        at = found.end()
    return out
