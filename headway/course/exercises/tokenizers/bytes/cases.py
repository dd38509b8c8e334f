"""What is asked of decoding bytes, and the answer it is held against."""

import codecs

from headway.learn.cases import Call, case, law

ORDER = 3
ENTRIES = ("decode",)
SIZES = {"n": (0, 10), "length": (0, 12)}

LETTERS = ["a", "e", " ", "\n", "é", "ß", "ש", "日", "本", "€", "\ufffd", "😀", "𝄞", "\u0301", "\u200d", "\ufeff", "\0"]


def decode(pieces):
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return [*(decoder.decode(piece) for piece in pieces), decoder.decode(b"", True)]


def cut(d, data, n):
    """`data` in n pieces, some of them empty perhaps."""
    if n == 0:
        return []
    ends = sorted(d.random.randint(0, len(data)) for _ in range(n - 1))
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def text_of(d, letters=None):
    return "".join(d.random.choice(letters or LETTERS) for _ in range(d.length))


@case("whole characters, cut anywhere", n=(2, 10), length=(3, 12), draws=18)
def whole(d):
    return Call("decode", pieces=cut(d, text_of(d).encode(), d.n))


@case("a byte at a time", length=(1, 6), draws=10)
def single(d):
    data = text_of(d).encode()
    return Call("decode", pieces=[data[i : i + 1] for i in range(len(data))])


@case("an end in the middle of a character", n=(1, 5), length=(1, 5), draws=12)
def torn(d):
    data = text_of(d).encode() + d.choice(["é", "日", "😀"]).encode()
    return Call("decode", pieces=cut(d, data[: -d.integer(1, 1)], d.n))


@case("bytes that are no UTF-8, among text", n=(2, 8), length=(2, 6), draws=18)
def broken(d):
    data = b""
    for c in text_of(d):
        data += c.encode()
        if d.random.random() < 0.5:
            data += bytes(
                d.random.choice([0xFF, 0x80, 0xC3, 0xE6, 0xF0, 0xC0, 0xA0]) for _ in range(d.random.randint(1, 2))
            )
    return Call("decode", pieces=cut(d, data, d.n))


BOUNDS = [
    # What may follow a first byte is narrower for some: here it cannot be completed, and � comes at once. (ED A0, half of a
    # surrogate, is not asked about: Python's own decoder waits for a third byte there, and to know better is right as well.)
    *(b"\xe0\x80", b"\xe0\x9f", b"\xf0\x80", b"\xf0\x8f", b"\xf4\x90", b"\xf4\xbf"),
    *(b"\xc0", b"\xc1", b"\xf5", b"\xf7", b"\xf8", b"\xfb", b"\xfe", b"\xff", b"\xc0\x80", b"\xf5\x80"),
    # And here it can.
    *(b"\xe0\xa0", b"\xe0\xbf", b"\xed\x80", b"\xed\x9f", b"\xf0\x90", b"\xf0\xbf", b"\xf4\x80", b"\xf4\x8f"),
    *(b"\xc2", b"\xdf", b"\xe1", b"\xef", b"\xf1", b"\xf3\x80", b"\xf0\x9f\x98", b"\xf4\x8f\xbf", b"\xee\x80"),
]


@case("every first byte, and what may follow it", draws=4)
def bounds(d):
    """All of them, in an order of their own; each stands at the end of a piece, so that waiting or not is seen."""
    order = d.random.sample(BOUNDS, len(BOUNDS))
    return Call("decode", pieces=[piece for start in order for piece in (b"a" + start, b"b")])


@case("characters at the edges of each length, a byte at a time", draws=2)
def edges(d):
    points = [
        0,
        0x7F,
        0x80,
        0x7FF,
        0x800,
        0xFFF,
        0x1000,
        0xCFFF,
        0xD7FF,
        0xE000,
        0xFFFD,
        0xFFFF,
        0x10000,
        0x3FFFF,
        0x40000,
        0x10FFFF,
    ]
    data = "".join(map(chr, d.random.sample(points, len(points)))).encode()
    return Call("decode", pieces=[data[i : i + 1] for i in range(len(data))])


@case("line ends and control characters", n=(1, 4), length=(3, 9), draws=8)
def line_ends(d):
    text = "\r\n" + text_of(d, ["\r\n", "\r", "\n", "\0", "\x1b[0m", "\x7f", "\u2028", "e\u0301", "é"])
    return Call("decode", pieces=cut(d, text.encode(), d.n))


@case("several pieces, none of which completes anything", draws=3)
def waiting(d):
    data = d.choice(["日", "😀", "é"]).encode()
    return Call("decode", pieces=[*[data[i : i + 1] for i in range(len(data) - 1)], b"", b""])


@case("a broken byte and then plain text, piece by piece", draws=8)
def blocked(d):
    first = d.choice([b"\xff", b"\x80", b"\xe6\x97", b"\xf0\x9f", b"\xc3"])
    return Call("decode", pieces=[first, b"a", b"bc", "é".encode()])


@case("blanks, a byte order mark, nothing", n=(1, 4), length=(1, 4), draws=8)
def blanks(d):
    text = d.choice(["\ufeff", "\ufeffa", " "]) + text_of(d, [" ", "\n", "\ufeff", "\t", "a"])
    return Call("decode", pieces=cut(d, text.encode(), d.n))


@case("the replacement character itself, as text", n=(2, 6), length=(2, 5), draws=8)
def replacement(d):
    return Call("decode", pieces=cut(d, text_of(d, ["\ufffd", "a"]).encode(), d.n))


@case("no pieces, empty pieces", n=(0, 3), length=0, draws=4)
def empty(d):
    return Call("decode", pieces=[b""] * d.n)


@law("the strings, joined, are not the text of all bytes together", n=(2, 6), length=(3, 10))
def joined(learner, d):
    text = text_of(d)
    return "".join(learner.decode(cut(d, text.encode(), d.n))) == text


@law(
    "text that was complete is held back: after a piece that ends with a whole character nothing has to wait",
    length=(3, 8),
)
def nothing_held_back(learner, d):
    text = text_of(d)
    return learner.decode([c.encode() for c in text]) == [*text, ""]
