"""The few loops that PyTorch has no operator for, compiled from kernels/*.cpp on first use and kept in the cache.

Every kernel has an equal in plain PyTorch beside its caller, which runs where there is no compiler, where the tensors are
not on the CPU, or where HEADWAY_NATIVE=0 asks for it. `why_not` says which of these it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from headway.base.files import cache_dir, replacing
from headway.base.lines import lines_of

KERNELS = Path(__file__).parent / "kernels"
PLAIN = ("-O3", "-std=c++17", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
# The first set of flags that the compiler takes is used: all processors and threads, then one thread, then any processor.
FLAGS = (("-march=native", "-fopenmp"), ("-mcpu=native", "-fopenmp"), ("-mcpu=native",), ())

_off = os.environ.get("HEADWAY_NATIVE", "1") == "0"


def why_not() -> str | None:
    """Why kernels are not used, in a few words; None if they are."""
    if _off:
        return "switched off (HEADWAY_NATIVE=0)"
    return _build()[1]


def kernels() -> ctypes.CDLL | None:
    """The compiled kernels, or None: then the callers' PyTorch forms run."""
    return None if _off else _build()[0]


def available() -> bool:
    """Whether there are kernels to call."""
    return kernels() is not None


# A compiler does not look into it: it takes the answer of the day. `torch.compiler.assume_constant_result` does no more, but it
# imports the compiler for it, which takes a second of every command.
available._dynamo_marked_constant = True  # type: ignore[attr-defined]


@contextlib.contextmanager
def without_kernels() -> Iterator[None]:
    """Let the PyTorch forms run in here: to compare the two, or to see into them."""
    global _off
    before, _off = _off, True
    try:
        yield
    finally:
        _off = before


@functools.cache
def _build() -> tuple[ctypes.CDLL | None, str | None]:
    compiler = os.environ.get("CXX") or next((c for c in ("c++", "g++", "clang++") if shutil.which(c)), None)
    if compiler is None or not shutil.which(compiler):
        return None, "there is no C++ compiler"
    sources = sorted(KERNELS.glob("*.cpp"))
    key = hashlib.sha256(_processor().encode() + compiler.encode() + repr((PLAIN, FLAGS)).encode())
    for path in (*sources, *sorted(KERNELS.glob("*.h"))):
        key.update(path.read_bytes())
    library = cache_dir() / "kernels" / f"{key.hexdigest()[:20]}.so"
    try:
        if not library.exists():
            complaint = _compile(compiler, sources, library)
            if complaint:
                return None, complaint
        return ctypes.CDLL(str(library)), None
    except OSError as error:
        return None, f"the kernels cannot be built or loaded ({error})"


def _compile(compiler: str, sources: list[Path], library: Path) -> str | None:
    """Compile into place, whole or not at all; what the compiler said if it could not."""
    said = ""
    with contextlib.suppress(_Failed), replacing(library) as temporary:
        for flags in FLAGS:
            command = [compiler, *PLAIN, *flags, *map(str, sources), "-o", str(temporary)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode == 0:
                return None
            lines = lines_of(done.stderr.strip())
            said = said or next((line for line in lines if "error" in line), lines[-1] if lines else "")[:200]
        raise _Failed
    return f"{compiler} could not compile them: {said}"


class _Failed(Exception):
    """Leaves `replacing` without putting anything in place."""


def _processor() -> str:
    """What the code is compiled for: a cache that several machines share must not hand one's code to another."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return platform.machine() + line
    return platform.machine() + platform.processor() + platform.node()
