"""What can be said of a run's files without reading a tensor: a full disk, and which checkpoints there are."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from headway.base.errors import HeadwayError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What an OSError says when there is no room."""


class Full(HeadwayError):
    """There is no room on the disk."""


@contextlib.contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Turn a full disk into one line."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise Full(
                f"the disk is full at {path}: what was saved before is whole. Free some room and go on with --resume."
            ) from error
        raise


def saved_steps(folder: Path) -> list[int]:
    """The steps of which `folder` holds a checkpoint."""
    return [int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()]
