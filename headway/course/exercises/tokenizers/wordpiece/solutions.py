"""Right answers to WordPiece that differ in structure."""

import functools


def wordpiece__shrink(word, vocab, unknown="[UNK]", longest=100):
    """From each start, the end comes closer until a token fits."""
    if len(word) > longest:
        return [unknown]
    tokens, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start:
            token = ("##" if start else "") + word[start:end]
            if token in vocab:
                break
            end -= 1
        if end == start:
            return [unknown]
        tokens.append(token)
        start = end
    return tokens


def wordpiece__rest(word, vocab, unknown="[UNK]", longest=100):
    """What is left is a word with ## in front; look for the longest beginning of that in the vocabulary."""
    tokens, rest = [], word
    if len(word) > longest:
        return [unknown]
    while rest not in ("", "##") or (rest == "##" and not tokens):
        fits = [size for size in range(1 if not tokens else 3, len(rest) + 1) if rest[:size] in vocab]
        if not fits:
            return [unknown]
        tokens.append(rest[: fits[-1]])
        rest = "##" + rest[fits[-1] :]
    return tokens


def wordpiece__trie(word, vocab, unknown="[UNK]", longest=100):
    """Two tries, one for beginnings and one for continuations, walked as far as they go."""
    if len(word) > longest:
        return [unknown]
    roots = ({}, {})
    for token in vocab:
        for node, text in ((roots[0], token), (roots[1], token[2:] if token.startswith("##") else "")):
            for c in text:
                node = node.setdefault(c, {})
            if text:
                node[""] = token
    tokens, at = [], 0
    while at < len(word):
        node, found, i = roots[at > 0], None, at
        while i < len(word) and word[i] in node:
            node = node[word[i]]
            i += 1
            if "" in node:
                found = (node[""], i)
        if found is None:
            return [unknown]
        tokens.append(found[0])
        at = found[1]
    return tokens


def wordpiece__recursive(word, vocab, unknown="[UNK]", longest=100):
    """A token, and the rest of the word cut in the same way."""

    @functools.cache
    def cut(start):
        if start == len(word):
            return ()
        mark = "##" if start else ""
        for end in range(len(word), start, -1):
            if mark + word[start:end] in vocab:
                rest = cut(end)
                return None if rest is None else (mark + word[start:end], *rest)
        return None

    tokens = cut(0) if len(word) <= longest else None
    return [unknown] if tokens is None else list(tokens)
