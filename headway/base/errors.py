"""Errors that a person can act on: one line that says what to do, exit code 2, no traceback."""

from __future__ import annotations


class HeadwayError(Exception):
    """Something a person can put right.

    The message is one line: what is wrong, with the offending value, and what to do about it.
    The command line prints it after ``error:`` and exits with `exit_code`; nothing else is printed.
    """

    exit_code = 2


class Offline(HeadwayError):
    """Something has to be fetched and the network does not answer."""


class Corrupt(HeadwayError):
    """A file is there, but its content is not what it has to be (truncated, wrong checksum, wrong format)."""


class Unsupported(HeadwayError):
    """A well-formed request for something Headway does not do; the message lists what it does."""


class OutOfContext(HeadwayError):
    """A conversation that is longer than the model reads."""


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """`` Did you mean 'x'?`` for the nearest of `known`, or an empty string: to be appended to a message.

    Near is what shares most of its letters in their order, and the first of them unless it shares nearly all: a word that has
    nothing to do with any of them gets no answer.
    """
    from difflib import SequenceMatcher, get_close_matches

    asked = word.lower()
    plain = {name.lower(): name for name in known}
    for near in get_close_matches(asked, list(plain), n=3, cutoff=0.6):
        if SequenceMatcher(None, asked, near).ratio() >= (0.65 if near[:1] == asked[:1] else 0.75):
            return f" Did you mean '{plain[near]}'?"
    return ""
