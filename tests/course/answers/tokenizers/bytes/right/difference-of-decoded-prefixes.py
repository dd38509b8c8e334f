import codecs

def decode(pieces):
    out, seen = [], 0
    for n in range(1, len(pieces) + 1):
        text, used = codecs.utf_8_decode(b"".join(pieces[:n]), "replace", False)
        out.append(text[seen:])
        seen = len(text)
    out.append(b"".join(pieces).decode("utf-8", "replace")[seen:])
    return out
