"""What JSON, TOML and the command line hold, as the frozen dataclasses that the program works with: every value checked.

Kinds of fields: whole numbers, numbers, truth values, texts, `Literal`, tuples, other dataclasses, and any of them or None.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal

from headway.base.errors import HeadwayError, did_you_mean


def build(
    cls: Any,
    tree: Any,
    prefix: str = "",
    *,
    hint_of: Callable[[str], str] = lambda key: "",
    special: Mapping[Any, Callable[[Any], Any]] | None = None,
) -> Any:
    """The dataclass `cls` from a mapping of its fields; what is left out takes its default.

    Args:
        prefix: What stands before a field's name in messages: ``optimiser.``
        hint_of: What to add to the message about a field that is not there, from its full name.
        special: For classes that are read in another way than field by field.

    Raises:
        HeadwayError: an unknown field, or a value of another kind than the field has.
    """
    hints = fields_of(cls)
    if not isinstance(tree, Mapping):
        raise HeadwayError(f"{prefix.rstrip('.')} holds settings of its own, like {prefix}{next(iter(hints), '')}")
    values = {}
    for key, value in tree.items():
        if key not in hints:
            known = f"There are {', '.join(hints)}."
            raise HeadwayError(f"there is no setting '{prefix}{key}'.{hint_of(f'{prefix}{key}')} {known}")
        if special and hints[key] in special:
            values[key] = special[hints[key]](value)
        elif dataclasses.is_dataclass(hints[key]):
            values[key] = build(hints[key], value, f"{prefix}{key}.", hint_of=hint_of, special=special)
        else:
            values[key] = convert(value, hints[key], f"{prefix}{key}")
    return cls(**values)


def fields_of(cls: Any) -> dict[str, Any]:
    """The fields of a dataclass with their types."""
    hints = typing.get_type_hints(cls)
    return {one.name: hints[one.name] for one in dataclasses.fields(cls)}


def convert(value: Any, hint: Any, key: str) -> Any:
    """`value`, a word from the command line or what JSON or TOML hold, as the type `hint` asks.

    Args:
        key: The field's full name, for the message.

    Raises:
        HeadwayError: ``key takes a whole number, not 'x'``.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    wrong = HeadwayError(f"{key} takes {_kind(hint)}, not {value!r}")
    if origin in (typing.Union, types.UnionType):
        if (isinstance(value, str) and value.lower() in ("none", "null")) or value is None:
            if type(None) in inner:
                return None
            raise wrong
        return convert(value, next(kind for kind in inner if kind is not type(None)), key)
    if origin is Literal:
        if value in inner:
            return value
        raise HeadwayError(
            f"{key} is one of {', '.join(map(str, inner))}, not {value!r}.{did_you_mean(str(value), inner)}"
        )
    if hint is bool:
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        word = str(value).lower()
        if word not in words:
            raise wrong
        return words[word]
    if hint is int:
        return _whole(value, wrong)
    if hint is float:
        return _number(value, wrong)
    if hint is str:
        if not isinstance(value, str):
            raise wrong
        return value
    if origin is tuple:
        items = (
            [item.strip() for item in value.strip("[]() ").split(",") if item.strip()]
            if isinstance(value, str)
            else value
        )
        if not isinstance(items, (list, tuple)):
            raise wrong
        endless = len(inner) == 2 and inner[1] is Ellipsis
        if not endless and len(items) != len(inner):
            raise wrong
        return tuple(convert(item, inner[0] if endless else inner[place], key) for place, item in enumerate(items))
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return build(hint, value, f"{key}.")
    raise wrong


def _kind(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        rest = " or ".join(_kind(kind) for kind in inner if kind is not type(None))
        return f"{rest}, or none" if type(None) in inner else rest
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return f"a list (a,b,...), each {_kind(inner[0])}"
        return f"{len(inner)} values (a,b), each {_kind(inner[0])}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return words.get(hint, "settings of its own")


def _whole(value: Any, wrong: HeadwayError) -> int:
    if isinstance(value, bool):
        raise wrong
    number = _number(value, wrong)
    if number != int(number) or abs(number) >= 2**64:
        raise wrong
    if isinstance(value, str):
        try:
            return int(value)  # exact, where float would round
        except ValueError:
            return int(number)
    return int(value)


def _number(value: Any, wrong: HeadwayError) -> float:
    if isinstance(value, bool):
        raise wrong
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise wrong from None
    if not math.isfinite(number):
        raise wrong
    return number
