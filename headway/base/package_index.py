"""The package index that pip is configured for: where a file of a package lies.

Nothing here names a registry: the addresses are pip's own settings (files, ``$PIP_*``), and where there are none, pip's
own default. ``$HEADWAY_INDEX_URL`` takes the place of them all. Pages are read as PEP 691 (JSON) or PEP 503 (HTML).
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import html.parser
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from headway.base.errors import Corrupt, HeadwayError
from headway.base.files import expanded
from headway.base.http import Client, Limits, Refused, bare, check_address
from headway.base.reading import parse_json

LIMITS = Limits(tries=5, silence=30.0, whole=120.0, largest=64_000_000, pause=0.5)
"""For a page of an index; for the file itself as well, but for `whole` and `largest`. pip's time-out is `silence`."""
KINDS = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


class Link(NamedTuple):
    name: str
    address: str
    sha256: str | None


class PackageIndex:
    """Places to look for a package's file, with pip's certificates, proxy and time-out; `client` asks them.

    `places` are addresses: of an index (``.../simple``), or ``links+...`` for a page or folder of files; local ones first.
    """

    def __init__(self) -> None:
        settings = pip_settings()
        if named := os.environ.get("HEADWAY_INDEX_URL"):
            check_address(named, "HEADWAY_INDEX_URL", files=True)
            self.places = [named]
        else:
            links = [f"links+{_as_url(place)}" for place in settings.get("find-links", "").split()]
            without = settings.get("no-index", "").lower() in ("1", "true", "yes", "on")
            self.places = links + ([] if without else sorted(_indexes(settings), key=lambda url: not _is_file(url)))
        silence = _number(settings.get("timeout") or settings.get("default-timeout"), LIMITS.silence)
        self.client = Client(
            dataclasses.replace(LIMITS, silence=min(60.0, silence)),
            proxy=settings.get("proxy"),
            certificates=tuple(filter(None, [settings.get("cert")])),
        )

    def look_up(self, place: str, package: str, file: str, sha256: str) -> str | None:
        """The address of `file` of `package` at `place`, or None where it is not offered there.

        Raises `Corrupt` where the place offers another file under that name, and what `Client.get` raises.
        """
        if place.startswith("links+"):
            page = place.removeprefix("links+")
        else:
            page = f"{place.rstrip('/')}/{re.sub(r'[-_.]+', '-', package).lower()}/"
        if _is_file(page):
            local = Path(urllib.request.url2pathname(urllib.parse.urlsplit(page).path))
            if (local / file).is_file():
                return (local / file).as_uri()
            local = local / "index.html" if local.is_dir() else local
            if not local.is_file():
                return None
            page = local.as_uri()
        found = self._page(page)
        if found is None:
            return None
        base, links = found
        for link in links:
            if link.name == file:
                if link.sha256 and link.sha256 != sha256:
                    raise Corrupt(
                        f"{bare(page)} offers another {file} than the one Headway knows: its checksum differs"
                    )
                address = urllib.parse.urljoin(base, link.address)
                if _is_file(address) and not _is_file(base):
                    raise Corrupt(f"{bare(page)} says that {file} lies on this disk, which an index cannot know")
                return _with_password(address, urllib.parse.urlsplit(page))
        return None

    def _page(self, page: str) -> tuple[str, list[Link]] | None:
        """(address it came from in the end, its links), or None where there is no such page."""
        try:
            answer = self.client.get(page, {"Accept": KINDS})
        except Refused as refused:
            if refused.status in (404, 410):
                return None
            raise
        text = answer.body.decode(errors="replace")
        json_page = answer.headers.get_content_type().endswith("json")
        return answer.url, links_of_json(text) if json_page else links_of_html(text)


def links_of_json(text: str) -> list[Link]:
    """The files of a simple index page in JSON (PEP 691)."""
    try:
        files = parse_json(text, "the page")["files"]
        return [Link(file["filename"], file["url"], file.get("hashes", {}).get("sha256")) for file in files]
    except (Corrupt, KeyError, TypeError, AttributeError) as error:
        raise HeadwayError("the package index answered with something that is no package page") from error


def links_of_html(text: str) -> list[Link]:
    """The files of a simple index page, or of a page of links, in HTML (PEP 503)."""
    links: list[Link] = []

    class Anchors(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            target = dict(attrs).get("href")
            if tag == "a" and target:
                address, _, fragment = target.partition("#")
                name = urllib.parse.unquote(PurePosixPath(urllib.parse.urlsplit(address).path).name)
                checksum = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None
                links.append(Link(name, address, checksum))

    Anchors().feed(text)
    return links


def pip_settings() -> dict[str, str]:
    """pip's settings: what ``pip config list`` prints (``download`` before ``install`` before ``global``), then $PIP_*."""
    listed = "" if os.environ.get("HEADWAY_INDEX_URL") else _listed()
    settings: dict[str, str] = {}
    for section in ("global", "install", "download"):
        for key, value in re.findall(rf"^{section}\.([\w-]+)=(.*)$", listed, re.MULTILINE):
            settings[key] = _unquoted(value)
    for key, value in os.environ.items():
        if key.startswith("PIP_") and value:
            settings[key[4:].lower().replace("_", "-")] = value
    return settings


def _listed() -> str:
    """What ``pip config list`` prints; nothing where there is no pip."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return ""


def _indexes(settings: dict[str, str]) -> list[str]:
    named = settings.get("index-url") or os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    return [url for url in [named or _default_index(), *settings.get("extra-index-url", "").split()] if url]


def _default_index() -> str | None:
    """The index pip asks when it is told nothing. Where pip itself is missing (uv leaves it out), its wheel in ensurepip
    still knows."""
    with contextlib.suppress(Exception):
        from pip._internal.models.index import PyPI

        return PyPI.simple_url
    with contextlib.suppress(Exception):
        import ensurepip

        bundled = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
        text = zipfile.ZipFile(bundled).read("pip/_internal/models/index.py").decode()
        home = re.search(r"""^PyPI = PackageIndex\(\s*["'](https?://[^"']+)["']""", text, re.MULTILINE)
        return home[1].rstrip("/") + "/simple" if home else None
    return None


def _with_password(url: str, page: urllib.parse.SplitResult) -> str:
    """A file is asked for with the name and password of the page that offers it, as long as it lies on the same host."""
    parts = urllib.parse.urlsplit(url)
    if page.username and parts.username is None and parts.hostname == page.hostname:
        return parts._replace(netloc=f"{page.netloc.rpartition('@')[0]}@{parts.netloc}").geturl()
    return url


def _is_file(url: str) -> bool:
    return urllib.parse.urlsplit(url).scheme == "file"


def _as_url(place: str) -> str:
    return place if re.match(r"(https?|file):", place) else expanded(place, "find-links").resolve().as_uri()


def _unquoted(value: str) -> str:
    """A value as ``pip config list`` prints it: a Python string literal, several entries a line each."""
    with contextlib.suppress(ValueError, SyntaxError):
        return str(ast.literal_eval(value))
    return value.strip("'\"")


def _number(text: str | None, otherwise: float) -> float:
    """A number of seconds, or `otherwise` where the setting is none."""
    with contextlib.suppress(TypeError, ValueError):
        if text and float(text) > 0:
            return float(text)
    return otherwise
