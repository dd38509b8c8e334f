"""Unit tests, course and laws on machines other than this one, as far as one machine can pretend to be another.

    python tests/machines.py [NAME ...]

Each line of MACHINES is one run of pytest in an environment of its own: another instruction set, another order of sums in the
matrix products, no compiled kernels, one thread or two, a busy machine, examples that nobody has tried. A run that this
processor cannot do is listed as such. The exit code is 1 if any run failed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["tests/unit", "tests/course", "tests/laws"]


@dataclass(frozen=True)
class Machine:
    """What is set, what the processor must be able to do, and how many other programs want it."""

    environment: dict[str, str] = field(default_factory=dict)
    needs: str = ""
    load: int = 0


MACHINES = {
    "plain": Machine({"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}),
    "avx2": Machine({"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}, needs="avx2"),
    "avx512": Machine({"ATEN_CPU_CAPABILITY": "avx512"}, needs="avx512f"),
    "mkl-compatible": Machine({"MKL_CBWR": "COMPATIBLE"}),
    "no-kernels": Machine({"HEADWAY_NATIVE": "0"}),
    "one-thread": Machine({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}),
    "two-threads": Machine({"OMP_NUM_THREADS": "2"}),
    "busy": Machine(load=8),
    "new-examples": Machine({"HYPOTHESIS_PROFILE": "explore"}),
}


def can(flag: str) -> bool:
    """Whether this processor has an instruction set; where it cannot be asked, it is taken to have none."""
    try:
        return flag in Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return not flag


@contextlib.contextmanager
def busy(programs: int) -> Iterator[None]:
    """So many programs beside the tests that do nothing but compute."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(programs)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def run(machine: Machine) -> int:
    with busy(machine.load):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "2",
            "-q",
            "-m",
            "not slow",
            "--no-header",
            "-p",
            "no:cacheprovider",
        ]
        return subprocess.run([*command, *TESTS], cwd=ROOT, env={**os.environ, **machine.environment}).returncode


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(MACHINES))
    if unknown:
        print(f"there is no machine '{unknown[0]}'; there are {', '.join(MACHINES)}", file=sys.stderr)
        return 2
    told = {}
    for name in names or MACHINES:
        machine = MACHINES[name]
        if machine.needs and not can(machine.needs):
            told[name] = f"not run: this processor has no {machine.needs}"
            continue
        print(f"\n== {name}: {' '.join(f'{k}={v}' for k, v in machine.environment.items())}", flush=True)
        began = time.monotonic()
        code = run(machine)
        told[name] = f"{'green' if code == 0 else 'RED'} in {(time.monotonic() - began) / 60:.0f} minutes"
    print("\n" + "\n".join(f"{name:<16} {text}" for name, text in told.items()))
    return int(any(text.startswith("RED") for text in told.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
