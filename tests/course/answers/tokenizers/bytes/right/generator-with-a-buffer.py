def decode(pieces):
    rest = bytearray()
    for piece in pieces:
        rest.extend(piece)
        text = ""
        while rest:
            try:
                text += rest.decode("utf-8")
                rest.clear()
            except UnicodeDecodeError as error:
                text += rest[: error.start].decode("utf-8")
                if error.reason == "unexpected end of data":
                    del rest[: error.start]
                    break
                text += "\ufffd"
                del rest[: error.end]
        yield text
    yield rest.decode("utf-8", "replace")
