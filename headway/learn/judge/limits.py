"""What a learner's code may not do to the machine it is checked on: change a file, read the answers, start or reach anything.

Where the kernel offers it (Linux 5.13 and later: Landlock) the kernel holds this, whatever the code calls, in C or in
Python; below it, and alone where there is no Landlock, an audit hook holds it for whatever goes through Python, and says in
words what was refused. Time and memory are bounded in both cases. It keeps honest people from accidents and from temptation;
docs/judge.md says what stays out of its reach.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2]
"""The folder of headway: everything in it is or leads to an answer."""

REFUSED = 77
"""Exit code of a process that looked for the answers."""


class NotAllowed(PermissionError):
    """Raised inside the learner's code where it does what a check does not let it do."""


# -- the kernel's part ---------------------------------------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture of Linux
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FILES_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Rights to files that a version of Landlock knows: making and removing of every kind, renaming, truncating, devices."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """The version of Landlock that this kernel offers; 0 where there is none."""
    if sys.platform != "linux" or os.environ.get("HEADWAY_LANDLOCK") == "0":
        return 0
    with contextlib.suppress(OSError, AttributeError):
        return max(0, ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))
    return 0


def answers(folder: Path) -> list[Path]:
    """Folders in which answers lie: the package, an exercise that lies outside it, and in a clone its tests and its history."""
    found = [PACKAGE, folder.resolve()]
    clone = PACKAGE.parent
    if (clone / "pyproject.toml").is_file():
        found += [clone / name for name in ("tests", ".git")]
    return [path for path in found if path.exists()]


def seal(hidden: Iterable[Path]) -> bool:
    """Let the kernel refuse, from here on and for good, every change to a file, every program, every connection over TCP, every
    signal to a process outside, and every look into a file below one of `hidden`. Names may still be listed.

    Returns whether the kernel does; False where there is no Landlock.
    """
    version = landlock_version()
    if not version:
        return False
    system = ctypes.CDLL(None, use_errno=True).syscall
    files = _FILES_OF_ABI[max(v for v in _FILES_OF_ABI if v <= version)]
    # Nothing is granted of these, so that nothing of it can be done: TCP from version 4, signals and sockets from 6.
    rules = _Ruleset(files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = system(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for path, rights in [("/", _READ_DIR), *((p, _READ_FILE) for p in _outside(hidden)), *_devices(files)]:
            with contextlib.suppress(OSError):
                parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
                try:
                    rule = _Beneath(rights, parent)
                    system(_ADD_RULE, ruleset, 1, ctypes.byref(rule), ctypes.c_uint32(0))
                finally:
                    os.close(parent)
        if ctypes.CDLL(None).prctl(38, 1, 0, 0, 0):  # no new privileges: the kernel asks for it
            return False
        return system(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)) == 0
    finally:
        os.close(ruleset)


def _devices(files: int) -> Iterator[tuple[str, int]]:
    yield os.devnull, (_READ_FILE | _WRITE_FILE | (1 << 14 & files))


def _outside(hidden: Iterable[Path]) -> list[str]:
    """Files and folders that together hold everything but what lies below `hidden`.

    Landlock knows no exceptions, only what is granted: so beside every folder on the way to a hidden one, all its neighbours.
    """
    closed = {str(path) for path in hidden}
    on_the_way = {str(parent) for path in hidden for parent in path.parents} - closed
    found: list[str] = []

    def enter(folder: str) -> None:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.path in closed:
                    continue
                if entry.path in on_the_way:
                    enter(entry.path)
                elif not entry.is_symlink():  # what a link leads to is granted where it lies
                    found.append(entry.path)

    enter("/")
    return found


# -- Python's part -------------------------------------------------------------------------------------------------------

_PROCESSES = frozenset(
    [
        *("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"),
        *("pty.spawn", "os.kill", "os.killpg", "signal.pthread_kill", "socket.connect", "socket.bind"),
        *("socket.getaddrinfo", "socket.sendto", "ctypes.dlopen", "ctypes.dlsym"),
    ]
)
_CHANGES = frozenset(
    [
        *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.link"),
        *("os.symlink", "os.utime", "shutil.move", "shutil.rmtree", "shutil.copyfile", "os.setxattr", "os.removexattr"),
        *("sqlite3.connect", "sqlite3.connect/handle"),
    ]
)
_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def confine(refuse: Callable[[str], None], hidden: Collection[Path], forbidden: Collection[str] = ()) -> None:
    """From here on, as far as Python sees it: no process, no connection, no change to any file, no look at the answers. For good.

    An audit hook cannot be taken off again. `refuse` is told in a few words; a look at the answers does not come back.
    A package among `forbidden` that has not been imported yet cannot be, by whatever way.
    """
    roots = tuple(str(path) + os.sep for path in hidden)
    package, own = str(PACKAGE) + os.sep, os.path.dirname(__file__)
    realpath, fspath, dirname = os.path.realpath, os.fspath, os.path.dirname
    isdir, exists = os.path.isdir, os.path.lexists
    active = [True]

    def hook(event: str, args: tuple) -> None:
        if event == "open":
            path, mode, flags = args
            if isinstance(path, int) or not active:
                return
            active.clear()  # realpath and fspath may raise events of their own
            try:
                name = realpath(os.fsdecode(fspath(path)))
                folder = mode is None and isdir(name)
            except (TypeError, ValueError):
                name, folder = "", False
            finally:
                active.append(True)
            # Our own frames may be shown in a traceback, for which Python also looks where nothing is.
            if name.startswith(roots) and dirname(name) != own and exists(name):
                refuse(f"answers: {name.removeprefix(package) if name.startswith(package) else name}")
            if folder:  # what lies in it could then be opened by a name that says nothing
                raise NotAllowed("your file opens a folder as a file: while it is checked, code may not do that")
            writing = (isinstance(mode, str) and any(c in mode for c in "wax+")) or (flags or 0) & _WRITE
            if writing and name != os.devnull:
                raise NotAllowed(_writes(name))
        elif event in _CHANGES:
            raise NotAllowed(f"your file calls {event}: while it is checked, code may not change files")
        elif event in _PROCESSES:
            raise NotAllowed(
                f"your file calls {event}: while it is checked, code may not start processes or connections"
            )
        elif event == "import":
            name = args[0]
            package_name = name.partition(".")[0] if isinstance(name, str) else ""
            if package_name == "headway" and name not in sys.modules:
                refuse(f"import: {name}")
            if package_name in forbidden and package_name not in sys.modules:
                raise NotAllowed(f"forbidden {package_name}")

    sys.addaudithook(hook)
    _bar_writers()


def _writes(name: str) -> str:
    return f"your file writes to {name}: while it is checked, code may read files but not write them"


def _bar_writers() -> None:
    """Put a refusal in place of what writes files in C, where no audit event tells of it."""
    import torch

    def refuse(file: Any = "a file", *_: Any, **__: Any) -> Any:
        raise NotAllowed(_writes(file if isinstance(file, str) else "a file"))

    vars(torch._C)["PyTorchFileWriter"] = refuse
    for holder, name in ((torch._C.ScriptModule, "save"), (torch._C.ScriptFunction, "save")):
        with contextlib.suppress(AttributeError, TypeError):
            setattr(holder, name, lambda _self, file="a file", *rest, **named: refuse(file))


# -- time and memory -----------------------------------------------------------------------------------------------------


def limit(seconds: float, memory: int) -> None:
    """Bound this process for good: processor time, memory beyond what it has now, no file to be written, no core dump."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime + seconds) + 1
    for which, soft, hard in (
        (resource.RLIMIT_CPU, cpu + 1, cpu + 2),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_AS, _address_space() + memory, _address_space() + memory),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (soft, hard))


def _address_space() -> int:
    """Bytes of address space in use; where the system does not say, so much that the limit never bites."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1 << 46


def die_with_parent() -> None:
    """Where Linux offers it: be killed when the process that made this one ends, however it ends."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)


def adopt_orphans() -> None:
    """Where Linux offers it: become the parent of whatever a child leaves behind, so that it can be ended."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
