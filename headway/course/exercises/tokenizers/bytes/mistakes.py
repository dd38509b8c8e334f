"""Wrong answers to decoding bytes that people really give."""

import codecs

from headway.learn.cases import mistake


def right(pieces):
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return [*(decoder.decode(piece) for piece in pieces), decoder.decode(b"", True)]


@mistake("every piece is decoded by itself: a character that is spread over two pieces becomes two or more �")
def each_alone(pieces):
    return [*(piece.decode("utf-8", "replace") for piece in pieces), ""]


@mistake("every piece is decoded by itself and what does not fit is ignored: characters spread over pieces are lost")
def each_alone_ignored(pieces):
    return [*(piece.decode("utf-8", "ignore") for piece in pieces), ""]


@mistake("bytes that are no UTF-8 are dropped (errors='ignore'): they have to become �")
def broken_dropped(pieces):
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    return [*(decoder.decode(piece) for piece in pieces), decoder.decode(b"", True)]


@mistake("the bytes are decoded as Latin-1, a character per byte: é becomes Ã©")
def latin_1(pieces):
    return [*(piece.decode("latin-1") for piece in pieces), ""]


@mistake(
    "the whole buffer waits until it decodes without an error: a byte that is no UTF-8 stops the text for good. Only an "
    "unfinished character at the end may wait"
)
def waits_for_ever(pieces):
    out, data = [], b""
    for piece in pieces:
        data += piece
        try:
            out.append(data.decode())
            data = b""
        except UnicodeDecodeError:
            out.append("")
    return [*out, data.decode("utf-8", "replace")]


def by_difference(pieces, hold):
    out, shown, data = [], "", b""
    for piece in pieces:
        data += piece
        text = data.decode("utf-8", "replace")
        if hold and text.endswith("\ufffd"):
            out.append("")
            continue
        out.append(text[len(shown) :])
        shown = text
    return [*out, data.decode("utf-8", "replace")[len(shown) :]]


@mistake(
    "the text of all bytes so far is decoded with �, and what is new is shown: the � of an unfinished character is shown too"
)
def difference(pieces):
    return by_difference(pieces, False)


@mistake(
    "everything waits as long as the text ends in �: a � that is meant, or that no byte can mend any more, holds the text back, "
    "and so does an unfinished character all that stands before it"
)
def held_while_replacement(pieces):
    return by_difference(pieces, True)


@mistake("what still waits at the end is lost: it has to come out as �, in the last string")
def end_lost(pieces):
    return [*right(pieces)[:-1], ""]


@mistake("the string for the end is missing: with {n} pieces there are {n+1} strings")
def no_last_string(pieces):
    return right(pieces)[:-1]


@mistake("empty strings are left out: there has to be one string per piece, and one for the end")
def empty_left_out(pieces):
    return [text for text in right(pieces) if text]


@mistake("everything comes in the last string: what is complete has to be shown with the piece that completes it")
def all_at_the_end(pieces):
    return [*("" for _ in pieces), b"".join(pieces).decode("utf-8", "replace")]


@mistake("one string comes back: a list is asked for, one string per piece and one for the end")
def one_string(pieces):
    return b"".join(pieces).decode("utf-8", "replace")


@mistake("the strings are stripped: blanks and line ends belong to the text")
def stripped(pieces):
    return [text.strip() for text in right(pieces)]


@mistake("a byte order mark is dropped (utf-8-sig): U+FEFF is a character like any other here")
def mark_dropped(pieces):
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    return [*(decoder.decode(piece) for piece in pieces), decoder.decode(b"", True)]


@mistake(
    "the whole piece waits when it ends in the middle of a character: what is complete before that has to be shown"
)
def whole_piece_waits(pieces):
    out, waiting = [], b""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        waiting += piece
        decoder.reset()
        decoder.decode(waiting)
        if decoder.getstate()[0]:
            out.append("")
        else:
            out.append(waiting.decode("utf-8", "replace"))
            waiting = b""
    return [*out, waiting.decode("utf-8", "replace")]


@mistake("bytes that waited are decoded twice: once complete they have to be taken out of the buffer")
def decoded_twice(pieces):
    out, waiting = [], b""
    for piece in pieces:
        data = waiting + piece
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        out.append(decoder.decode(data))
        rest = decoder.getstate()[0]
        waiting = data if rest else b""
    return [*out, waiting.decode("utf-8", "replace")]


@mistake(
    "every broken byte becomes a � of its own: the beginning of a character, however many bytes it has, becomes one �"
)
def replacement_per_byte(pieces):
    def each(error):
        return "\ufffd" * (error.end - error.start), error.end

    codecs.register_error("headway-per-byte", each)
    decoder = codecs.getincrementaldecoder("utf-8")("headway-per-byte")
    return [*(decoder.decode(piece) for piece in pieces), decoder.decode(b"", True)]


@mistake("a broken byte becomes ? or another sign: U+FFFD (�) is asked for")
def question_mark(pieces):
    return [text.replace("\ufffd", "?") for text in right(pieces)]


@mistake("a byte that is no UTF-8 ends in a UnicodeDecodeError: it has to become �")
def strict(pieces):
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    return [*(decoder.decode(piece) for piece in pieces), decoder.decode(b"", True)]
