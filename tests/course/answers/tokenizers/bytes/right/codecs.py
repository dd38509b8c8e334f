import codecs


def decode(pieces):
    d = codecs.getincrementaldecoder("utf-8")("replace")
    out = [d.decode(p) for p in pieces]
    return out + [d.decode(b"", True)]
