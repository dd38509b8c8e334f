"""Right answers to decoding bytes that differ in structure."""

import codecs


def decode__codec(pieces):
    """Python's incremental decoder does exactly this."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    out = [decoder.decode(piece) for piece in pieces]
    return [*out, decoder.decode(b"", final=True)]


def decode__tail(pieces):
    """Cut an unfinished character off the end, by hand; let decode deal with the rest."""
    out, waiting = [], b""
    for piece in pieces:
        data = waiting + piece
        keep = unfinished(data)
        out.append(data[: len(data) - keep].decode("utf-8", "replace"))
        waiting = data[len(data) - keep :]
    out.append(waiting.decode("utf-8", "replace"))
    return out


def unfinished(data):
    """How many bytes at the end could still become a character."""
    for back in range(1, min(3, len(data)) + 1):
        first = data[-back]
        if 0x80 <= first < 0xC0:
            continue
        need = 2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else 1
        if back >= need:
            return 0
        if back > 1:
            second = data[-back + 1]
            low = {0xE0: 0xA0, 0xF0: 0x90}.get(first, 0x80)
            high = {0xED: 0x9F, 0xF4: 0x8F}.get(first, 0xBF)
            if not low <= second <= high:
                return 0
        return back
    return 0


def decode__errors(pieces):
    """Ask Python where it fails: an error at the very end that says the data ends too early is something to wait for."""
    out, data = [], b""
    for piece in pieces:
        data += piece
        text = ""
        while True:
            try:
                text += data.decode("utf-8")
                data = b""
            except UnicodeDecodeError as error:
                text += data[: error.start].decode("utf-8")
                if error.reason == "unexpected end of data":
                    data = data[error.start :]
                else:
                    text += "\ufffd"
                    data = data[error.end :]
                    continue
            break
        out.append(text)
    out.append("\ufffd" if data else "")
    return out
