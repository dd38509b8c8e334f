"""Numbers on a command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from cyclopts import CoercionError, Parameter, Token


def _whole(type_: type, tokens: Sequence[Token]) -> int:
    """The number a token says, as it says it: cyclopts by itself rounds 1.5, and takes 0x10 and 1_0."""
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,4000}\s*", tokens[0].value):
        raise CoercionError(token=tokens[0], target_type=int)
    return int(tokens[0].value)


Whole = Annotated[int, Parameter(converter=_whole)]
"""A whole number; 1.5 is refused, and not rounded. Every number of a command that counts something is of this type."""
