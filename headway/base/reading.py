"""Files that somebody else wrote, read so that whatever is wrong with them is one line: text, JSON and TOML.

The limits are far above what any checkpoint, tokenizer or configuration needs; they keep a hostile or damaged file from
taking the machine's memory, or from failing somewhere else, where nobody knows any more which file it was.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headway.base.errors import Corrupt, HeadwayError

LARGEST = 256_000_000
"""Bytes of a text, JSON or TOML file; the largest tokenizer.json in use is a quarter of that."""
DEEPEST = 100
"""Lists and objects inside one another."""
LONGEST_NUMBER = 100
"""Digits of a whole number. Hugging Face writes 10^30 for "no limit"; beyond 10^308 a float cannot follow."""


def read_text(path: Path | str, *, then: str = "fetch it again", largest: int = LARGEST) -> str:
    """The text of a file in UTF-8, line ends and a byte-order mark as they are.

    Args:
        then: What a person should do about a damaged file: the end of the message.
        largest: Bytes that are read at most.

    Raises:
        HeadwayError: where there is no such file, or a folder in its place.
        Corrupt: where it is larger than `largest`, or not UTF-8.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            content = file.read(largest + 1)
    except FileNotFoundError:
        raise HeadwayError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise HeadwayError(f"{path} is a folder where a file is needed") from None
    if len(content) > largest:
        raise Corrupt(f"{path} is larger than the {largest // 1_000_000} MB that are read of such a file: {then}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Corrupt(f"{path} is not UTF-8 ({error.reason} at byte {error.start}): {then}") from None


def read_json(path: Path | str, *, then: str = "fetch it again") -> Any:
    """The content of a JSON file. Raises what `read_text` and `parse_json` raise."""
    return parse_json(read_text(path, then=then), path, then=then)


def read_json_object(path: Path | str, *, then: str = "fetch it again") -> dict[str, Any]:
    """The content of a JSON file that holds an object; Corrupt where it holds something else."""
    content = read_json(path, then=then)
    if not isinstance(content, dict):
        raise Corrupt(f"{path} holds no JSON object: {then}")
    return content


def parse_json(text: str, where: Path | str, *, then: str = "fetch it again") -> Any:
    """The value that `text` stands for.

    Args:
        where: What to call the text in a message.
        then: What a person should do about it.

    Raises:
        Corrupt: where it is no JSON, is nested deeper than `DEEPEST`, or holds a number of more than `LONGEST_NUMBER` digits.
    """
    return _parsed(json.loads, "JSON", text, where, then)


def read_toml(path: Path | str, *, then: str = "mend it") -> dict[str, Any]:
    """The content of a TOML file, with the limits of `parse_json`.

    Raises:
        HeadwayError: where there is no such file.
        Corrupt: where it is no TOML.
    """
    return parse_toml(read_text(path, then=then), path, then=then)


def parse_toml(text: str, where: Path | str, *, then: str = "mend it") -> dict[str, Any]:
    """The table that `text` stands for; `where`, `then` and errors as for `parse_json`."""
    return _parsed(tomllib.loads, "TOML", text, where, then)


def _parsed(parse: Callable[[str], Any], form: str, text: str, where: Path | str, then: str) -> Any:
    """What `parse` makes of a text, a byte-order mark aside; Corrupt where it is not of this form or exceeds the limits."""
    try:
        content = parse(text.removeprefix("\ufeff"))
    except RecursionError:
        raise Corrupt(f"{where} is nested more than {DEEPEST} deep: {then}") from None
    except ValueError as error:
        raise Corrupt(f"{where} is no {form} ({error}): {then}") from None
    _check(content, where, then)
    return content


def _check(content: Any, where: Path | str, then: str) -> None:
    """Refuse what is nested too deep and numbers that are too long, level by level, without recursion."""
    level, most = [content], 10**LONGEST_NUMBER
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,):
                kind = type(each)
                if kind is dict or kind is list:
                    inner.append(each)
                elif kind is int and not -most < each < most:
                    raise Corrupt(f"{where} holds a number of more than {LONGEST_NUMBER} digits: {then}")
        if not inner:
            return
        level = inner
    raise Corrupt(f"{where} is nested more than {DEEPEST} deep: {then}")
