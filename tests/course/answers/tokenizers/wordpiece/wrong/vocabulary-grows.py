def wordpiece(word, vocab, unknown="[UNK]", longest=100):
    if len(word) > longest:
        return [unknown]
    out, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start > 0 else "") + word[start:end]
            if piece in vocab:
                out.append(piece)
                start = end
                break
        else:
            return [unknown]
    vocab.add(word)
    return out
