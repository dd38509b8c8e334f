"""Headway's own format, for architectures that have no checkpoint anywhere else: our names, our configuration as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from headway.base.errors import Corrupt, HeadwayError
from headway.base.typed import build
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
        read_config=lambda theirs: _read(config_class, theirs["config"]),
        write_config=write_config,
    )


def native_name(entry: Entry) -> str:
    """What stands under `architectures` in the config.json of our own format."""
    return f"Headway{entry.model}"


def _read(config_class: Any, plain: Any) -> Any:
    try:
        return build(config_class, plain, "config.")
    except HeadwayError as error:
        raise Corrupt(f"the configuration is not one of {config_class.__name__}: {error}") from error
