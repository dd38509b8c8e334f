"""Fields of a configuration that follow from its other fields where nobody gives them."""

from __future__ import annotations

from typing import Any

DERIVED: Any = None
"""The default of a field that `settle` works out: None until then, and the field's own type for every reader."""


def settle(config: Any, **values: Any) -> None:
    """Give the fields of a frozen dataclass that are still `DERIVED` their `values`; called from `__post_init__`."""
    for name, value in values.items():
        if getattr(config, name) is DERIVED:
            object.__setattr__(config, name, value)
