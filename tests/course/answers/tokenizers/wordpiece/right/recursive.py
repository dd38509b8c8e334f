def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    if len(word) > longest:
        return [unknown]

    def cut(rest, mark):
        if not rest:
            return []
        for n in range(len(rest), 0, -1):
            if mark + rest[:n] in vocab:
                tail = cut(rest[n:], "##")
                return None if tail is None else [mark + rest[:n]] + tail
        return None

    found = cut(word, "")
    return [unknown] if found is None else found
