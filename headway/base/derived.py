"""What the configurations of the architectures share: fields that follow from others, and sizes that make sense."""

from __future__ import annotations

from typing import Any

from headway.base.errors import HeadwayError

DERIVED: Any = None
"""The default of a field that `settle` works out: None until then, and the field's own type for every reader."""


def settle(config: Any, **values: Any) -> None:
    """Give the fields of a frozen dataclass that are still `DERIVED` their `values`; called from `__post_init__`."""
    for name, value in values.items():
        if getattr(config, name) is DERIVED:
            object.__setattr__(config, name, value)


def at_least_one(config: Any, *names: str) -> None:
    """The sizes among `names` that `config` has (and that are settled) have to be 1 or more.

    Raises:
        HeadwayError: naming the first that is not.
    """
    for name in names:
        value = getattr(config, name, DERIVED)
        if value is not DERIVED and value < 1:
            raise HeadwayError(f"{name} has to be at least 1, not {value}")
