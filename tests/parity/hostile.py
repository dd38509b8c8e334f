"""Text that breaks tokenizers, for the parity tests of all three: drawn from every plane of Unicode, and old friends."""

from hypothesis import strategies as st

SNIPPETS = [
    "", " ", "  ", "\n", "\r\n", "\n\n \n", "\t", "\0", "\x00\x01\x02", "\x1c\x1d\x1e\x1f",
    "\x7f\x80\x85", "\u200b\u200c\u200d\ufeff", "don't", "DON'T", "we'll've", "'s", "''re", "ſ's",
    "I'M", "x1234567y", "٣٤٥", "½²Ⅷ〇", "a b  c   d", " leading", "trailing ", "e\u0301", "\u0301e",
    "Z̷͓̓a̵̮͗l̶͙̈g̸̟̀o̵̪͆", "Å\u212b\u00c5", "ﬁﬂﬀ", "ǆǅǄ", "ΟΔΥΣΣΕΥΣ ΣΑΣ", "İIıi", "ẞßSS",
    "\u0345\u0316\u0334a", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫", "שלום עולם", "مرحبا بالعالم",
    "\u202eabc\u202c", "नमस्ते", "ไทยแลนด์", "日本語テキスト", "漢字kanji漢", "한국어\u1112\u1161\u11ab",
    "\U000e0001\U000e0020", "\ue000\uf8ff\U000f0000\U0010ffff", "\ufffd\ufffe\uffff",
    "\u2028\u2029\u3000\u1680\u180e", "𝕳𝖊𝖑𝖑𝖔", "$100.00, (50%)!", "http://a.b/c?d=e&f#g",
    "a_b-c--d__e", "##x#", "\u166d\u1734\U000111c9", "㍿㋿", "\U00011938\U00011935\U00011930",
    "<|endoftext|>", "[MASK]", "[UNK]", "<unk>", "▁", "▁▁a", "Ġa", "Ċ",
]  # fmt: skip

CHARACTER = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.integers(0, 0x10FFFF).filter(lambda c: not 0xD800 <= c <= 0xDFFF).map(chr),
    st.integers(0x250, 0x1FBFF).filter(lambda c: not 0xD800 <= c <= 0xDFFF).map(chr),
)
HOSTILE = st.lists(
    st.one_of(st.sampled_from(SNIPPETS), st.text(CHARACTER, max_size=8), st.text("ab '\n", max_size=8)), max_size=8
).map("".join)


def every_character(step: int = 1) -> list[str]:
    """Every `step`-th code point that UTF-8 can write, none at two sides of a letter: 64 to a text."""
    points = [c for c in range(0, 0x110000, step) if not 0xD800 <= c <= 0xDFFF]
    return ["".join("a" + chr(c) + chr(c) for c in points[i : i + 64]) for i in range(0, len(points), 64)]
