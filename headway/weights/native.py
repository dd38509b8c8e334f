"""Headway's own format, for architectures that have no checkpoint anywhere else: our names, our configuration as JSON."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any

from headway.base.errors import Corrupt
from headway.blocks.hollow import hollow
from headway.models.catalog import Entry
from headway.weights.engine import Row, Table


def native_table(entry: Entry) -> Table:
    """A table that renames nothing: any architecture of the catalogue can be saved and loaded by it."""
    model_class, config_class = entry.load()

    def rows(config: Any) -> Iterator[Row]:
        with hollow():
            keys = list(model_class(config).state_dict())
        for key in keys:
            yield Row(key, key)

    def write_config(config: Any) -> dict[str, Any]:
        return {
            "architectures": [native_name(entry)],
            "model_type": f"headway-{entry.name}",
            "config": dataclasses.asdict(config),
        }

    return Table(
        rows=rows,
        read_config=lambda theirs: from_plain(config_class, theirs["config"]),
        write_config=write_config,
    )


def native_name(entry: Entry) -> str:
    """What stands under `architectures` in the config.json of our own format."""
    return f"Headway{entry.model}"


def from_plain(cls: Any, plain: Any) -> Any:
    """Rebuild a (nested) dataclass from what `dataclasses.asdict` and JSON made of it."""
    if not isinstance(plain, dict):
        raise Corrupt(f"the configuration should be a JSON object, not {plain!r}")
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(plain) - set(hints))
    if unknown:
        raise Corrupt(f"the configuration has fields that {cls.__name__} does not know: {', '.join(unknown)}")
    return cls(**{name: _rebuild(hints[name], value) for name, value in plain.items()})


def _rebuild(hint: Any, value: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if value is None:
        return None
    if origin in (typing.Union, types.UnionType):
        return _rebuild(next(kind for kind in inner if kind is not type(None)), value)
    if dataclasses.is_dataclass(hint):
        return from_plain(hint, value)
    if origin is tuple:
        each = inner[0] if len(inner) == 2 and inner[1] is Ellipsis else None
        return tuple(_rebuild(each or inner[i], item) for i, item in enumerate(value))
    return value
