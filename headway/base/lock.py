"""One lock for everything that two processes of the same person could do at once: a file that the system locks."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path

from headway.base.errors import HeadwayError

try:
    import fcntl
except ImportError:  # Windows has none; what is written is still whole, because every write is one rename
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def locked(path: Path, *, busy: str | None = None, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs; whoever else wants it waits. A process that ends lets go of it.

    Where there are no locks (some network disks, Windows), or the folder cannot be written to, the block runs without: what
    is written there is then whole all the same, and what cannot be written is said by the write itself.

    Args:
        busy: Do not wait where another holds it, but raise HeadwayError with this line.
        waiting: Called once before waiting for another.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "ab"))
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
                raise
        else:
            _take(file.fileno(), busy, waiting)
        yield


def _take(file: int, busy: str | None, waiting: Callable[[], None] | None) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            return  # this file system has no locks
    if busy is not None:
        raise HeadwayError(busy)
    if waiting is not None:
        waiting()
    fcntl.flock(file, fcntl.LOCK_EX)
