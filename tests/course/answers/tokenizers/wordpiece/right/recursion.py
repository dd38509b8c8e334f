def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    def rest(text, mark):
        if text == "":
            return []
        fits = [k for k in range(1, len(text) + 1) if mark + text[:k] in vocab]
        if not fits:
            return None
        k = max(fits)
        more = rest(text[k:], "##")
        return None if more is None else [mark + text[:k], *more]
    tokens = rest(word, "") if len(word) <= longest else None
    return [unknown] if tokens is None else tokens
