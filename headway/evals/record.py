"""Which code a number came from."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path


def commit_of(path: Path, *, last_change: bool = False, made_by: Iterable[Path] = ()) -> str | None:
    """The commit of the checkout that `path` lies in, or the one that changed it last; None where git does not know the file.

    With ``+`` where files of `made_by` differ from it, or that cannot be told.

    An installed copy inside somebody else's repository is not that repository's: hence the question whether it is tracked.
    """

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *words], cwd=path.parent, capture_output=True, text=True, timeout=20, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    if git("ls-files", "--error-unmatch", path.name) is None:
        return None
    commit = git("log", "-1", "--format=%H", "--", path.name) if last_change else git("rev-parse", "HEAD")
    files = [str(file) for file in made_by]
    return f"{commit}+" if commit and files and git("status", "--porcelain", "--", *files) != "" else commit or None
