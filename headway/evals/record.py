"""Which code a number came from."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_of(path: Path, *, last_change: bool = False) -> str | None:
    """The commit of the checkout that `path` lies in, or the one that changed it last; None where git does not know the file.

    An installed copy inside somebody else's repository is not that repository's: hence the question whether it is tracked.
    """
    asked = ["git", "log", "-1", "--format=%H", "--", path.name] if last_change else ["git", "rev-parse", "HEAD"]
    for command in (["git", "ls-files", "--error-unmatch", path.name], asked):
        try:
            found = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.SubprocessError):
            return None
        if found.returncode:
            return None
    return found.stdout.strip() or None
