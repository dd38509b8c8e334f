"""How the process treats memory that was freed."""

from __future__ import annotations

import contextlib
import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # from malloc.h


def keep_freed_memory() -> bool:
    """Let the C library, where it is glibc, keep what was freed for the next request. Returns whether it took the setting.

    By default it hands large blocks back to the system at once and gets each anew, zeroed page by page. A training step
    frees and asks for the same blocks over and over: a small model with a large vocabulary spends a sixth of its time on
    that. What the process holds at its peak does not change; it just does not give it back in between.
    """
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        wanted = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 2**26))
        return all(mallopt(what, value) for what, value in wanted)
    return False
