"""Bytes to text, as they come.

A byte-level tokenizer's tokens are bytes, and a character may need several: é is two bytes in UTF-8, 日 three, 😀 four,
and a token may end in the middle of one. A chat that prints each token by itself prints � where an emoji should be.
So what is incomplete has to wait for the tokens that complete it, and *only* that: everything before it is shown at
once.

    the first byte says how long a character is:   0xxxxxxx 1   110xxxxx 2   1110xxxx 3   11110xxx 4;   the others are 10xxxxxx

A model can produce bytes that are no UTF-8 at all. Waiting for them to be completed would stop the text forever; they
become U+FFFD (�), as `bytes.decode("utf-8", "replace")` has it, as soon as it is clear that they cannot be completed.
When the tokens are over, what still waits becomes U+FFFD too.

    headway check bytes      headway hint bytes      headway watch
"""


def decode(pieces):
    """What can be shown after each piece, and at the end.

    Args:
        pieces: a list of bytes objects, perhaps empty ones, perhaps none.

    Returns:
        A list of len(pieces) + 1 strings: for each piece the text that it completes ("" if it completes none), and last what is
        left when there are no more pieces. Joined, they are b"".join(pieces).decode("utf-8", "replace").
    """
    raise NotImplementedError
