"""Files that are either the old one or the new one, whatever happens in between.

A write goes to a temporary file in the same folder, is flushed to the disk, and is then renamed over the target: a crash
at any moment leaves the whole old file or the whole new file, never half of one.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from headway.base.errors import HeadwayError


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on leaving without an exception it takes `path`'s place, atomically.

    On an exception (a full disk included) the temporary file is removed and `path` is untouched.
    A link is followed, so that the file it points to is the one replaced, and an existing file keeps its mode.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = _unfinished(target, ".part")
    os.close(handle)
    try:
        with _named(target):
            yield temporary
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        if not target.exists():
            os.chmod(temporary, 0o666 & ~umask())
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let what the system refuses carry the file's name: a write says only that the disk is full."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


def write_bytes(path: Path | str, content: bytes) -> None:
    """Replace the file at `path` by `content`, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path | str, content: str) -> None:
    """Replace the file at `path` by `content` in UTF-8, line ends as given, atomically."""
    write_bytes(path, content.encode())


def create_text(path: Path | str, content: str) -> bool:
    """Write a new file in UTF-8, whole or not at all; return False, and change nothing, where `path` exists already.

    Of two that create the same file at once, one writes it and the other is told False.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(target, content.encode())
    try:
        os.chmod(temporary, 0o666 & ~umask())
        if not _given_name(temporary, target):
            return False
        _sync_folder(target.parent)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def create_texts(texts: Mapping[Path, str]) -> set[Path]:
    """Write many new files of one folder in UTF-8, each whole or not at all, and return those that did not exist before.

    The disk is asked once for all of them to be safe, and only then do they get their names.
    """
    if not texts:
        return set()
    folder = next(iter(texts)).parent
    folder.mkdir(parents=True, exist_ok=True)
    made: set[Path] = set()
    waiting: list[tuple[Path, Path]] = []
    mode, at_once = 0o666 & ~umask(), hasattr(os, "sync") and len(texts) > 1
    try:
        for path, text in texts.items():
            handle, temporary = _unfinished(path, ".part")
            waiting.append((temporary, path))
            with open(handle, "wb") as file:
                file.write(text.encode())
                if not at_once:
                    file.flush()
                    os.fsync(file.fileno())
            os.chmod(temporary, mode)
        if at_once:
            os.sync()
        for temporary, path in waiting:
            if _given_name(temporary, path):
                made.add(path)
        _sync_folder(folder)
        return made
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)


def _given_name(temporary: Path, target: Path) -> bool:
    """Let a finished file appear as `target`; False where there is something of that name."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: not there a moment ago has to do
        if target.exists() or target.is_symlink():
            return False
        os.replace(temporary, target)
    return True


def replace_if(path: Path | str, before: bytes, after: bytes) -> bool:
    """Replace the content `before` of the file at `path` by `after`, atomically; return False where it holds something else.

    Made for files that a person may be saving at the same moment: an edit that arrives while this writes is kept, and the
    answer is False; a copy of it stays beside the file (``PLAN.md.xxxx.bak``), because a program that looked at the file
    between the two exchanges below has seen it without that edit, and may save it so. Where the system can exchange two
    files, nothing that was in the file is let go before it has been looked at; elsewhere a few microseconds remain in which
    an edit could be overtaken.
    """
    target = Path(os.path.realpath(path))
    temporary = _beside(target, after, ".swap")
    try:
        os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        if target.read_bytes() != before:
            return False
        if not _exchange(temporary, target):
            os.replace(temporary, target)
        else:
            # What was there lies in `temporary` now. A save that came in between is seen at once; one that had the file
            # open, and writes into it only now, a moment later.
            for pause in (0.0, 0.002):
                time.sleep(pause)
                if (edited := temporary.read_bytes()) != before:
                    _exchange(temporary, target)
                    name = f"{target.name}.{temporary.name.split('.')[-2]}"
                    write_bytes(target.with_name(f"{name}.bak"), edited)
                    time.sleep(0.002)  # who had our version open is writing into it
                    if (other := temporary.read_bytes()) == after:
                        pass
                    elif other.startswith(after):
                        # Lines were added at the end of our version: they belong behind the edit.
                        with open(target, "ab") as file:
                            file.write(other[len(after) :])
                    else:  # edited on both sides: both are kept
                        write_bytes(target.with_name(f"{name}-2.bak"), other)
                    return False
        _sync_folder(target.parent)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def _beside(target: Path, content: bytes, suffix: str = ".part") -> Path:
    """A temporary file in `target`'s folder that holds `content`, on the disk."""
    handle, temporary = _unfinished(target, suffix)
    try:
        with _named(target), open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _unfinished(target: Path, suffix: str) -> tuple[int, Path]:
    """A new, open, hidden file beside `target`. What a process that was killed left in that folder is cleared away first."""
    _sweep(target.parent)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=suffix, dir=target.parent)
    return handle, Path(name)


LEFT_BEHIND = 3600.0
"""Seconds after which an unfinished file that nobody has written to belongs to a process that was killed."""
_NAME = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.(part|swap)")
_swept: set[Path] = set()


def _sweep(folder: Path) -> None:
    """Clear away unfinished files of processes that were killed; once per folder and process.

    A ``.part`` is ours and half. A ``.swap`` may be what a person had saved a moment before the kill (see `replace_if`): where
    it is not what the file holds, it becomes a visible ``.bak``.
    """
    if folder in _swept:
        return
    _swept.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            with contextlib.suppress(OSError):
                if not found or time.time() - entry.stat(follow_symlinks=False).st_mtime < LEFT_BEHIND:
                    continue
                left, target = Path(entry.path), folder / found[1]
                if found[2] == "part" or (target.is_file() and left.read_bytes() == target.read_bytes()):
                    left.unlink()
                else:
                    os.rename(left, left.with_name(f"{left.name[1:].removesuffix('.swap')}.bak"))


def append_line(path: Path | str, line: str) -> None:
    """Add one line to a log, in a single write that reaches the disk before this returns. See `append_lines`."""
    append_lines(path, [line])


def append_lines(path: Path | str, lines: Sequence[str]) -> None:
    """Add lines to a log, in a single write that reaches the disk before this returns.

    A line that a crash left unfinished is closed first, so that it spoils only itself; readers skip what they cannot parse.
    """
    if any("\n" in line for line in lines):
        raise ValueError("a line of a log has no line feed in it")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _named(path), open(path, "ab+") as file:
        size = file.seek(0, os.SEEK_END)
        torn = b""
        if size:
            file.seek(size - 1)
            torn = b"" if file.read(1) == b"\n" else b"\n"
        file.write(torn + "".join(f"{line}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


def back_up(path: Path | str) -> Path | None:
    """Copy `path` to ``<name>.<time>.bak`` beside it and return the copy; None where there is nothing to keep."""
    path = Path(path)
    if not path.exists():
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for n in range(1000):
        copy = path.with_name(f"{path.name}.{stamp}{f'-{n}' if n else ''}.bak")
        if not copy.exists():
            write_bytes(copy, path.read_bytes())
            return copy
    raise OSError(f"a thousand backups of {path} in one second")


def checksum(what: Path | bytes) -> str:
    """The SHA-256 of a file, or of bytes in memory, in hexadecimal."""
    if isinstance(what, bytes):
        return hashlib.sha256(what).hexdigest()
    with open(what, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_dir() -> Path:
    """Where fetched models and data lie: ``$HEADWAY_CACHE``, else ``$XDG_CACHE_HOME/headway``, else ``~/.cache/headway``."""
    if named := os.environ.get("HEADWAY_CACHE"):
        return expanded(named, "HEADWAY_CACHE")
    return expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "XDG_CACHE_HOME") / "headway"


def expanded(path: Path | str, name: str = "") -> Path:
    """`path` with ``~`` and ``~user`` at its beginning replaced by that home.

    Args:
        name: What gave the path, for the message: an environment variable, an option.

    Raises:
        HeadwayError: where there is no such user, or no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        given = f"{name} is {str(path)!r}, but" if name else f"{path}:"
        raise HeadwayError(
            f"{given} this machine knows no home for {Path(path).parts[0]!r}: write the path in full."
        ) from None


def _exchange(one: Path, other: Path) -> bool:
    """Let two files change names in one step; False where the system or the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "linux" and libc is not None:
            return libc.renameat2(-100, first, -100, second, 2) == 0  # AT_FDCWD, RENAME_EXCHANGE
        if sys.platform == "darwin" and libc is not None:
            return libc.renamex_np(first, second, 2) == 0  # RENAME_SWAP
    except AttributeError:
        pass
    return False


def umask() -> int:
    """The permission bits that a new file of this process goes without."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
