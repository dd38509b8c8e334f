"""Reading other people's config.json without guessing: what we do not do is refused by name, never ignored."""

from __future__ import annotations

from typing import Any

from headway.base.errors import Corrupt, Unsupported


def only(theirs: dict[str, Any], field: str, *allowed: Any, default: Any) -> Any:
    """The value of `field` (or `default`), which has to be one of `allowed`."""
    value = theirs.get(field, default)
    if value not in allowed:
        raise Unsupported(
            f"this checkpoint's {field} is {value!r}; Headway has {' or '.join(map(repr, allowed))} for this architecture"
        )
    return value


def refuse(theirs: dict[str, Any], *fields: str) -> None:
    """Each of `fields` has to be absent, or off."""
    for field in fields:
        if theirs.get(field):
            raise Unsupported(f"this checkpoint sets {field} to {theirs[field]!r}, which Headway does not do here")


def rope_parameters(theirs: dict[str, Any]) -> dict[str, Any]:
    """The rotary settings: under `rope_scaling` where that says anything, as transformers has it, else `rope_parameters`."""
    found = dict(theirs.get("rope_scaling") or theirs.get("rope_parameters") or {})
    if "type" in found:  # the name before rope_type
        found.setdefault("rope_type", found["type"])
    return found


def rope_base(theirs: dict[str, Any], default: float = 10000.0) -> float:
    """Base of the rotary frequencies."""
    return number("rope_theta", rope_parameters(theirs).get("rope_theta", theirs.get("rope_theta", default)))


def number(field: str, value: Any) -> float:
    """The value of `field` as a number, or one line that names the field."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Corrupt(f"this checkpoint's {field} is {value!r}, not a number: fetch its config.json again")
    return float(value)


def rope_scaling(theirs: dict[str, Any], *known: str) -> dict[str, Any] | None:
    """The rotary settings if their kind is one of `known`; None if there is no scaling; anything else is refused."""
    found = rope_parameters(theirs)
    kind = found.get("rope_type", "default")
    if kind == "default":
        return None
    if kind not in known:
        raise Unsupported(
            f"this checkpoint scales its rotary positions by {kind!r}; Headway has {' or '.join((*known, 'none'))} here"
        )
    return found
