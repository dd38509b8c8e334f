"""The package index that pip is configured for: where a file of a package lies, and how to open it.

Nothing here names a registry: the addresses are pip's own settings (files, ``$PIP_*``), and where there are none, pip's
own default. ``$HEADWAY_INDEX_URL`` takes the place of them all. Pages are read as PEP 691 (JSON) or PEP 503 (HTML).
"""

from __future__ import annotations

import ast
import contextlib
import html.parser
import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from headway.base.errors import Corrupt, HeadwayError

KINDS = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP answers that may be other ones in a moment."""


class Link(NamedTuple):
    name: str
    address: str
    sha256: str | None


class PackageIndex:
    """Places to look for a package's file, with pip's certificates, proxy, time-out, names and passwords.

    `places` are addresses: of an index (``.../simple``), or ``links+...`` for a page or folder of files; local ones first.
    """

    def __init__(self) -> None:
        settings = pip_settings()
        self.timeout = min(60.0, _number(settings.get("timeout") or settings.get("default-timeout"), 30.0))
        if named := os.environ.get("HEADWAY_INDEX_URL"):
            self.places = [named]
        else:
            links = [f"links+{_as_url(place)}" for place in settings.get("find-links", "").split()]
            without = settings.get("no-index", "").lower() in ("1", "true", "yes", "on")
            self.places = links + ([] if without else sorted(_indexes(settings), key=lambda url: not _is_file(url)))
        self._opener = urllib.request.build_opener(_proxies(settings), _https(settings))

    def open(self, url: str, headers: dict[str, str]):
        """Open `url` (http, https or file). A name and password in the address, or in netrc, are sent as such."""
        from headway import __version__

        headers = {"User-Agent": f"headway/{__version__}", **headers}
        if pair := _credentials(url):
            import base64

            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        try:
            return self._opener.open(urllib.request.Request(bare(url), headers=headers), timeout=self.timeout)
        except urllib.error.HTTPError as error:
            error.close()  # its code and headers are all that is asked of it; the connection goes back
            raise

    def look_up(self, place: str, package: str, file: str, sha256: str) -> str | None:
        """The address of `file` of `package` at `place`, or None where it is not offered there.

        Raises `Corrupt` where the place offers another file under that name, and `OSError` where it does not answer.
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
                return _with_password(urllib.parse.urljoin(base, link.address), urllib.parse.urlsplit(page))
        return None

    def _page(self, page: str) -> tuple[str, list[Link]] | None:
        """(address it came from in the end, its links), or None where there is no such page."""
        for pause in (0.5, 1.0, None):
            try:
                with self.open(page, {"Accept": KINDS}) as answer:
                    kind, base = answer.headers.get_content_type(), answer.url
                    text = answer.read(64 << 20).decode(errors="replace")
                return base, links_of_json(text) if kind.endswith("json") else links_of_html(text)
            except urllib.error.HTTPError as error:
                if error.code in (404, 410):
                    return None
                if error.code not in PASSING or pause is None:
                    raise
            except (ConnectionResetError, http.client.HTTPException) as error:
                if pause is None:
                    raise ConnectionError(f"the connection ended early ({type(error).__name__})") from error
            time.sleep(pause)
        return None


def links_of_json(text: str) -> list[Link]:
    """The files of a simple index page in JSON (PEP 691)."""
    try:
        files = json.loads(text)["files"]
        return [Link(file["filename"], file["url"], file.get("hashes", {}).get("sha256")) for file in files]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
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
    """pip's own settings, from its own mouth: its files (``download`` before ``install`` before ``global``), then $PIP_*."""
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
    import subprocess

    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return ""


def bare(place: str) -> str:
    """An address fit to be shown or logged: without name and password."""
    parts = urllib.parse.urlsplit(place.removeprefix("links+"))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


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


def _proxies(settings: dict[str, str]) -> urllib.request.ProxyHandler:
    named = settings.get("proxy")
    return urllib.request.ProxyHandler({"http": named, "https": named} if named else None)


def _https(settings: dict[str, str]) -> urllib.request.HTTPSHandler:
    """Certificates: the system's, those named by $PIP_CERT, $SSL_CERT_FILE, $REQUESTS_CA_BUNDLE or pip, and certifi's."""
    import ssl

    context = ssl.create_default_context()
    paths = [os.environ.get("SSL_CERT_FILE"), os.environ.get("REQUESTS_CA_BUNDLE"), settings.get("cert")]
    with contextlib.suppress(ImportError):
        import certifi

        paths.append(certifi.where())
    for path in filter(None, paths):
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
    return urllib.request.HTTPSHandler(context=context)


def _credentials(url: str) -> str | None:
    """``name:password`` for `url`, from the address itself or from netrc."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is not None:
        return f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    if parts.hostname:
        import netrc

        with contextlib.suppress(OSError, netrc.NetrcParseError):
            if entry := netrc.netrc().authenticators(parts.hostname):
                return f"{entry[0]}:{entry[2]}"
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
    return place if re.match(r"(https?|file):", place) else Path(place).expanduser().resolve().as_uri()


def _unquoted(value: str) -> str:
    """A value as ``pip config list`` prints it: a Python string literal, several entries a line each."""
    with contextlib.suppress(ValueError, SyntaxError):
        return str(ast.literal_eval(value))
    return value.strip("'\"")


def _number(text: str | None, otherwise: float) -> float:
    with contextlib.suppress(TypeError, ValueError):
        return float(text) if text else otherwise
    return otherwise
