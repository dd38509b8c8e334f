def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    if len(word) > longest:
        return [unknown]
    out, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start > 0 else "") + word[start:end]
            if piece in vocab or word[start:end] in vocab and start and len(word) > 8:
                out.append(piece)
                start = end
                break
        else:
            return [unknown]
    return out
