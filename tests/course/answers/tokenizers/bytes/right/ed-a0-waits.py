def decode(pieces):
    held, out = b"", []
    for piece in pieces:
        held += piece
        text, held = whole(held)
        out.append(text)
    return [*out, held.decode("utf-8", "replace")]


def whole(data):
    for keep in range(min(3, len(data)), 0, -1):
        tail = data[-keep:]
        if could_go_on(tail):
            return data[:-keep].decode("utf-8", "replace"), tail
    return data.decode("utf-8", "replace"), b""


def could_go_on(tail):
    first = tail[0]
    size = 2 if 0xC2 <= first <= 0xDF else 3 if 0xE0 <= first <= 0xEF else 4 if 0xF0 <= first <= 0xF4 else 1
    if len(tail) >= size:
        return False
    low, high = {0xE0: (0xA0, 0xBF), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}.get(first, (0x80, 0xBF))
    return all((low <= b <= high) if n == 0 else (0x80 <= b <= 0xBF) for n, b in enumerate(tail[1:]))
