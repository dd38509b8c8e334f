"""``headway doctor``: versions, threads, caches, and what is missing, without importing anything slow."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.text import Text

from headway import __version__
from headway.base import sources
from headway.base.console import out, paged, under
from headway.base.errors import HeadwayError
from headway.base.files import cache_dir, expanded
from headway.base.sources import SOURCES, megabytes
from headway.cli.shared.drawing import glyphs
from headway.learn.evidence import read
from headway.learn.judge.limits import landlock_version
from headway.learn.match import read_corrections
from headway.learn.plan import read as read_plan
from headway.learn.workspace import find_workspace
from headway.zoo import DEFAULT

app = cyclopts.App(name="doctor", help="Show versions, threads, caches, and what is missing.")

PACKAGE = "headway-transformers"
COLOURS = {"present": "green", "missing": "dim"}


@app.default
def doctor(*, all_: Annotated[bool, Parameter(name="--all", negative=())] = False) -> int:
    """Show versions, whether PyTorch is a CUDA build, threads and memory, caches with their sizes, and what is missing.

    Exit code 0 where nothing is missing, 1 where something is; each such line says what to do.

    Parameters
    ----------
    all_
        Show every package with its version too, and what each thing that can be fetched is.
    """
    with paged():
        return _doctor(all_)


def _doctor(all_: bool) -> int:
    """What `doctor` prints, and its exit code."""
    console, sign = out(), glyphs()
    missing: list[str] = []

    def row(label: str, *parts: str | Text) -> None:
        line = Text()
        for n, part in enumerate(parts):
            line.append("  " if n else "").append_text(part if isinstance(part, Text) else Text(part))
        under(Text(f"{label:<13}", style="dim"), line)

    def title(text: str) -> None:
        console.print(Text(text, style="bold"))

    title("Versions")

    row("headway", __version__, Text(str(Path(__file__).resolve().parents[2]), style="dim"))
    row("python", sys.version.split()[0], Text(sys.executable, style="dim"))
    version, cuda = torch_build()
    if version is None:
        row("torch", Text("not installed", style="bold red"))
    else:
        build = f"CUDA {cuda} build" if cuda else "CPU build"
        note = "" if not cuda or gpu() else "no GPU seen here: the CPU build is gigabytes smaller (constraints.txt)"
        row("torch", version, build, Text(note, style="yellow"))
    packages, wrong = requirements()
    missing += wrong
    for start in range(0, len(packages) if all_ else 0, 5):
        row("" if start else "packages", Text("  ".join(packages[start : start + 5]), style="dim"))
    if not all_:
        told = f"{len(wrong)} of them not as needed" if wrong else "all as needed"
        row("packages", f"{len(packages)}, {told}", Text("--all lists them", style="dim"))

    console.print()
    title("Machine")
    cores = usable_cores()
    named = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    told = (
        ", ".join(f"{name}={value}" for name, value in named.items())
        or "OMP_NUM_THREADS is not set: torch uses them all"
    )
    row("threads", f"{cores} of {os.cpu_count()} cores", Text(told, style="dim"))
    if memory := free_memory():
        row("memory", f"{memory[1] / 1e9:.1f} GB, {memory[0] / 1e9:.1f} GB of it free")
    compiler = next((found for name in ("c++", "g++", "clang++") if (found := which(name))), None)
    row("compiler", compiler or "none: plain PyTorch is used where a kernel would be compiled")
    if walls := landlock_version():
        row("judge", f"the kernel keeps your files from code that is checked (Landlock {walls})")
    else:
        row("judge", "Python alone keeps your files from code that is checked", Text("docs/judge.md", style="dim"))

    console.print()
    title("Caches")
    missing += _caches(row, all_)

    console.print()
    title("Workspace")
    missing += _workspace(row)

    console.print()
    if missing:
        title("Missing")
        for what in missing:
            console.print(
                Text("  ✗ " if sign["open"] == "○" else "  x ", style="bold red").append(what, style="not bold default")
            )
        return 1
    console.print(Text(f"{sign['headway']} nothing is missing", style="bold green"))
    return 0


def _caches(row, every: bool) -> list[str]:
    """The caches with their sizes; what is missing or damaged in them."""
    missing = []
    states: dict[str, list[str]] = {}
    home = cache_dir()
    row("headway", str(home), megabytes(size_of(home)) if home.exists() else "not there yet")
    for source in SOURCES.values():
        found = sources.state(source)
        colour = COLOURS.get(found, "bold red")
        states.setdefault(found, []).append(source.name)
        if every:
            name, said = Text(f"{source.name:<16}", style="not dim"), Text(f"{found:<8}", style=colour)
            row("", name, said, Text(source.what, style="dim"))
        if found in ("damaged", "partial"):
            missing.append(f"{source.name} is {found}: headway fetch {source.name}")
    for found, names in {} if every else states.items():
        row("", Text(f"{found:<8}", style=COLOURS.get(found, "bold red")), Text(", ".join(names), style="not dim"))
    if sources.state(SOURCES[DEFAULT]) == "missing":
        missing.append(f"{DEFAULT}, the default model: headway fetch {DEFAULT}")
    hub = expanded(os.environ.get("HF_HOME") or "~/.cache/huggingface", "HF_HOME")
    told = ", ".join(f"{name}={os.environ[name]}" for name in ("HF_HOME", "HF_HUB_OFFLINE") if os.environ.get(name))
    row("hugging face", str(hub), megabytes(size_of(hub)) if hub.exists() else "empty", Text(told, style="dim"))
    anchor = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(anchor, os.W_OK):
        missing.append(f"{anchor} cannot be written to: set HEADWAY_CACHE to a folder that can")

    free = shutil.disk_usage(anchor).free
    if free < 500_000_000:
        missing.append(f"only {megabytes(free)} are free on the disk of {anchor}")
    return missing


def _workspace(row) -> list[str]:
    """The workspace, if there is one: what can be read of it."""

    missing = []
    try:
        workspace = find_workspace()
    except HeadwayError as error:
        if os.environ.get("HEADWAY_WORKSPACE"):
            return [str(error)]
        row("", "none here", Text("headway start makes one", style="dim"))
        return []
    row("folder", str(workspace.root))
    try:
        plan = read_plan(workspace.plan)
        counted = plan.tasks or plan.lines  # as `headway plan` counts them
        row("plan", f"{sum(not item.empty for item in counted)} lines")
    except HeadwayError as error:
        missing.append(str(error))
    raw = workspace.log.read_bytes().split(b"\n") if workspace.log.exists() else []
    lines, good = sum(bool(line.strip()) for line in raw), len(read(workspace))
    torn = Text(f"{lines - good} cannot be read, and are passed over", style="yellow") if lines > good else Text()
    row("evidence", f"{good} records", torn)
    try:
        read_corrections(workspace)
    except HeadwayError as error:
        missing.append(str(error))
    if not os.access(workspace.root, os.W_OK):
        missing.append(f"{workspace.root} cannot be written to")
    return missing


def torch_build() -> tuple[str | None, str | None]:
    """PyTorch's version and the CUDA version it was built for (None: a CPU build), read from its files, not imported."""
    spec = find_spec("torch")
    if spec is None or not spec.origin:
        return None, None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text()
    except OSError:
        return _version("torch"), None
    version = re.search(r"^__version__ *= *['\"]([^'\"]+)", text, re.MULTILINE)
    cuda = re.search(r"^cuda\b[^=\n]*= *['\"]([^'\"]+)", text, re.MULTILINE)
    return version[1] if version else _version("torch"), cuda[1] if cuda else None


def gpu() -> bool:
    """Whether an NVIDIA device is visible to this process, as far as files tell."""
    return Path("/dev/nvidiactl").exists() or bool(which("nvidia-smi"))


def requirements() -> tuple[list[str], list[str]]:
    """The packages Headway needs, as ``name version``, and what is missing or too old or too new of them."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return [], ["the package packaging: pip install -c constraints.txt -e ."]
    try:
        declared = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return [], ["Headway itself is not installed: pip install -c constraints.txt -e ."]
    found, wrong = [], []
    for text in declared:
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        version = _version(need.name)
        if version is None:
            wrong.append(f"the package {need.name}: pip install -c constraints.txt '{need.name}{need.specifier}'")
            continue
        found.append(f"{need.name} {version}")
        if not need.specifier.contains(version, prereleases=True):
            mend = f"pip install -c constraints.txt '{need.name}{need.specifier}'"
            wrong.append(f"{need.name} is {version}, not {need.specifier}: {mend}")
    return found, wrong


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def usable_cores() -> int:
    """Cores this process may use: affinity, and a container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return cores


def free_memory() -> tuple[int, int] | None:
    """Bytes free and bytes in all, with a container's limit heeded; None where the system does not say."""
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
        total, free = (int(rows[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):
        return None
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return min(free, max(0, limit - used)), min(total, limit)
    except (OSError, ValueError):
        return free, total


def which(name: str) -> str | None:
    return shutil.which(name)


def size_of(folder: Path) -> int:
    """Bytes in a folder, each file once; what may not be read counts for nothing."""
    total = 0
    for root, _, files in os.walk(folder):
        for file in files:
            try:
                entry = os.lstat(os.path.join(root, file))
            except OSError:
                continue
            total += entry.st_size
    return total
