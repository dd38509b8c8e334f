"""The one HTTP client: every request ends, whatever the server does.

Four limits hold for each answer: how long the server may be silent, how long all of it may take, how slowly it may come, and
how large it may be. They are kept where bytes are received, so a header that comes letter by letter is no different from a
body that does. What may be otherwise in a moment (a connection that ended, HTTP 503) is tried again, within the same time.

    request -> proxy, certificates, name and password -> bytes under a clock -> Answer, or a file that is taken up again
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import email.message
import email.utils
import functools
import http.client
import io
import netrc
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import headway
from headway.base.errors import HeadwayError, Offline

try:
    import certifi
except ImportError:  # it comes with libraries that Headway needs, and is not needed for itself
    certifi = None

PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP answers that may be other ones in a moment."""
CHUNK = 1 << 16
"""Bytes that are asked of the system at once."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an answer may take.

    Attributes:
        tries: Requests, the first included; one that brought `worth` bytes of a file does not count.
        silence: Seconds without a byte.
        whole: Seconds for all of an answer that is kept in memory: tries, pauses between them, headers and body. None for files,
            which have `slowest`.
        slowest: Bytes per second of a file, averaged over `window` seconds.
        largest: Bytes of an answer that is kept in memory.
        pause: Seconds before the second try; doubled each time, up to 8.
        patience: Seconds that a server may ask us to wait; for longer ones the person decides.
    """

    tries: int = 4
    silence: float = 20.0
    whole: float | None = 60.0
    slowest: float = 1000.0
    window: float = 30.0
    worth: int = 1 << 16
    largest: int = 8_000_000
    pause: float = 1.0
    patience: float = 30.0


class Refused(HeadwayError):
    """The server answered, and the answer is no. `status` is HTTP's number, `reason` its word."""

    def __init__(self, address: str, status: int, reason: str) -> None:
        super().__init__(f"{bare(address)} answered {status} ({reason})")
        self.address, self.status, self.reason = address, status, reason


class Unreachable(Offline):
    """No whole answer came. `why` says it in a few words; `passing` is whether a further try may go better."""

    def __init__(self, address: str, why: str, *, passing: bool = True) -> None:
        super().__init__(f"{bare(address)} does not answer ({why})")
        self.address, self.why, self.passing = address, why, passing


class Untrusted(Unreachable):
    """There is no secure connection: a certificate that is not accepted here."""


class TooSlow(Unreachable):
    """Bytes come, but too few of them."""


class CutShort(Unreachable):
    """The answer ended before it was whole. What came of a file is kept."""


class AskedToWait(HeadwayError):
    """The server wants us to wait `seconds`, which is longer than a person should wait without being asked."""

    def __init__(self, address: str, seconds: float) -> None:
        host = urllib.parse.urlsplit(address).hostname or address
        super().__init__(f"{host} asks to wait {seconds:.0f} s before the next question: run it again then.")
        self.seconds = seconds


class TooLarge(HeadwayError):
    """An answer of more bytes than it may have."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer. `url` is where it came from in the end, after redirections."""

    status: int
    headers: email.message.Message
    body: bytes
    url: str


@dataclass
class Clock:
    """Counts the bytes and the seconds of one answer, and ends it where they exceed `Limits`."""

    limits: Limits
    began: float = field(default_factory=time.monotonic)
    marked: float = 0.0
    since: int = 0

    def __post_init__(self) -> None:
        self.marked = time.monotonic()

    def left(self) -> float:
        """Seconds that the next byte may take. Raises `_Late` where there are none."""
        now = time.monotonic()
        rest = self.limits.silence
        if self.limits.whole is not None:
            rest = min(rest, self.began + self.limits.whole - now)
        if rest <= 0:
            raise _Late(f"not whole after {self.limits.whole:.0f} s")
        return rest

    def begin(self) -> None:
        """A new request: what the one before was slow at does not count."""
        self.marked, self.since = time.monotonic(), 0

    def came(self, count: int) -> None:
        """Count bytes. Raises `_Late` where they come too slowly."""
        self.since += count
        spent = time.monotonic() - self.marked
        if self.limits.whole is not None or spent < self.limits.window:
            return
        if self.since < self.limits.slowest * spent:
            raise _Late(f"{self.since} bytes in {spent:.0f} s")
        self.begin()


class _Late(TimeoutError):
    """Raised where bytes are received. A TimeoutError, so that whatever stands in between lets it through."""


class _Received(io.RawIOBase):
    """The bytes of a connection, each read within what a `Clock` leaves."""

    def __init__(self, raw: Any, connection: socket.socket, clock: Clock) -> None:
        self.raw, self.connection, self.clock = raw, connection, clock

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        self.connection.settimeout(self.clock.left())
        count = self.raw.readinto(into) or 0
        self.clock.came(count)
        return count

    def close(self) -> None:
        super().close()
        self.raw.close()


def _response(clock: Clock) -> Callable[..., http.client.HTTPResponse]:
    """The answer that `http.client` reads from a connection, through `_Received`, so that the clock bounds every read."""

    class Response(http.client.HTTPResponse):
        def __init__(self, connection: socket.socket, *args: Any, **more: Any) -> None:
            super().__init__(connection, *args, **more)
            raw = self.fp.detach()  # type: ignore[attr-defined]
            self.fp = io.BufferedReader(_Received(raw, connection, clock), CHUNK)  # type: ignore[assignment]

    return Response


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(functools.partial(_connection, http.client.HTTPConnection, self.clock), req)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, clock: Clock, context: Callable[[], ssl.SSLContext]) -> None:
        super().__init__()
        self.clock, self.context = clock, context

    def https_open(self, req: urllib.request.Request) -> Any:
        make = functools.partial(_connection, http.client.HTTPSConnection, self.clock, context=self.context())
        return self.do_open(make, req)


def _connection(kind: Any, clock: Clock, host: str, **options: Any) -> http.client.HTTPConnection:
    made = kind(host, **{**options, "timeout": clock.left()})
    made.response_class = _response(clock)
    return made


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Only to http and https; a name and password stay with the host they were meant for."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        before, after = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if after.scheme not in ("http", "https"):
            raise urllib.error.HTTPError(req.full_url, code, f"redirected to {after.scheme}:", headers, fp)
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and (before.scheme, before.netloc) != (after.scheme, after.netloc):
            made.remove_header("Authorization")
        return made


class Client:
    """Asks servers, within `limits`.

    Args:
        limits: What an answer may take.
        proxy: The address of a proxy; None for the system's own settings. This machine is never asked through one.
        certificates: Files or folders of further certificates.
    """

    def __init__(self, limits: Limits | None = None, *, proxy: str | None = None, certificates: tuple[str, ...] = ()):
        self.limits = limits or Limits()
        self.proxy, self.certificates = proxy, certificates
        self._context = functools.cache(functools.partial(_context, certificates))

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The whole answer at `url`, which is tried again where that may help.

        Raises:
            Refused, Unreachable (with TooSlow and CutShort), AskedToWait, TooLarge: one line each.
        """

        def attempt(clock: Clock) -> Answer:
            with self._open("GET", url, headers, None, clock) as answer:
                return self._whole(answer, url)

        return self._again(url, attempt, self.limits)

    def once(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """What the server says to one request; a refusal is an answer like others. Raises what `get` raises, but Refused."""
        try:
            try:
                answer = self._open(method, url, headers, body, Clock(self.limits))
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                return self._whole(answer, url)
        except (OSError, http.client.HTTPException, zlib.error) as error:
            raise self._failure(error, url) or error from error

    def download(
        self,
        url: str,
        path: Path,
        size: int,
        headers: Mapping[str, str] | None = None,
        *,
        advance: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Bring the file of `size` bytes at `url` to `path`, going on behind the bytes that lie there already.

        What came stays at `path` when this raises; whether it is the right content is for the caller to check.

        Args:
            advance: Told how many bytes are there.

        Raises:
            What `get` raises; TooLarge where the server sends more than `size` bytes, and then `path` is empty.
        """

        def attempt(clock: Clock) -> None:
            if _size(path) < size:
                self._pull(url, path, size, headers or {}, clock, advance)
            if (there := _size(path)) < size:
                raise CutShort(url, f"the connection ended after {there} of {size} bytes")

        self._again(url, attempt, dataclasses.replace(self.limits, whole=None), lambda: _size(path))

    def _pull(
        self, url: str, path: Path, size: int, headers: Mapping[str, str], clock: Clock, advance: Callable[[int], None]
    ) -> None:
        """One request. Adds to `path` where the server can go on from there, else starts it anew."""
        had = _size(path)
        headers = {**headers, **({"Range": f"bytes={had}-"} if had else {})}
        try:
            answer = self._open("GET", url, headers, None, clock)
        except urllib.error.HTTPError as error:
            if error.code == 416 and had:
                path.unlink()
                error.close()
                raise CutShort(url, "the server cannot go on from there") from error
            raise
        with answer:
            _refuse_other_content(answer.headers, url)
            goes_on = getattr(answer, "status", 200) == 206 and _range_start(answer.headers.get("Content-Range")) == had
            if not goes_on:
                had = 0
            with open(path, "ab" if had else "wb") as file:
                advance(had)
                while chunk := answer.read1(min(CHUNK, size + 1 - had)):
                    had += len(chunk)
                    if had > size:
                        file.truncate(0)
                        raise TooLarge(f"{bare(url)} is larger than the {size} bytes it has to have")
                    file.write(chunk)
                    advance(had)

    def _whole(self, answer: Any, url: str) -> Answer:
        """The body, headers and status of an open answer."""
        parts, size = [], 0
        unpacked, inflate = 0, _inflate(answer.headers, url)
        while chunk := answer.read1(CHUNK):
            size += len(chunk)
            if inflate is not None:
                chunk = inflate.decompress(chunk, self.limits.largest + 1 - unpacked)
            unpacked += len(chunk)
            if max(size, unpacked) > self.limits.largest:
                raise TooLarge(f"{bare(url)} answers with more than {self.limits.largest // 1_000_000} MB")
            parts.append(chunk)
        told = answer.headers.get("Content-Length") or ""
        if told.isdecimal() and size < int(told):
            raise CutShort(url, f"the connection ended after {size} of {told} bytes")
        if inflate is not None and size and not inflate.eof:
            raise CutShort(url, "what it sends compressed ends early")
        status = getattr(answer, "status", None) or 200
        return Answer(status=status, headers=answer.headers, body=b"".join(parts), url=answer.url or url)

    def _again(
        self, url: str, attempt: Callable[[Clock], Any], limits: Limits, there: Callable[[], int] = lambda: 0
    ) -> Any:
        """Try until it works, or cannot, or has been tried often enough. `there` is how many bytes are kept from try to try."""
        clock = Clock(limits)
        pause, left = limits.pause, limits.tries
        while True:
            before = there()
            clock.begin()
            try:
                return attempt(clock)
            except (OSError, http.client.HTTPException, zlib.error, Unreachable) as error:
                failure = self._failure(error, url)
                if failure is None:
                    raise  # the disk
                passing = failure.passing if isinstance(failure, Unreachable) else failure.status in PASSING
                left = limits.tries if there() - before >= limits.worth else left - 1
                if not passing or left <= 0:
                    raise failure from error
                rest = limits.patience
                if limits.whole is not None:
                    rest = min(rest, max(0.0, clock.began + limits.whole - time.monotonic()))
                wish = _wish(getattr(error, "headers", None)) or 0.0
                if wish > rest:
                    raise AskedToWait(url, wish) from error
                time.sleep(max(min(pause, rest), wish))
                pause = min(2 * pause, 8.0)

    def _failure(self, error: Exception, url: str) -> Refused | Unreachable | None:
        """What went wrong, in our terms; None where it is not the network."""
        if isinstance(error, Unreachable):
            return error
        if isinstance(error, zlib.error):
            return CutShort(url, "what it sends compressed cannot be unpacked")
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # its number and headers are all that is asked of it; the connection goes back
            return Refused(error.url or url, error.code, str(error.reason))
        reason = getattr(error, "reason", error) if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, _Late):
            return TooSlow(url, str(reason), passing=False)
        if isinstance(reason, TimeoutError):
            return Unreachable(url, f"no byte for {self.limits.silence:.0f} s")
        if isinstance(reason, socket.gaierror):
            return Unreachable(url, "its name is not known here", passing=False)
        if isinstance(reason, ssl.SSLError):
            return Untrusted(url, f"no secure connection: {reason.reason or reason}", passing=False)
        if isinstance(reason, ConnectionRefusedError):
            return Unreachable(url, "connection refused", passing=False)
        if isinstance(reason, http.client.InvalidURL):
            return Unreachable(url, "its address, or a key, has letters that cannot be sent", passing=False)
        if isinstance(reason, (ConnectionError, http.client.HTTPException)):
            return CutShort(url, f"the connection ended early ({type(reason).__name__})")
        if isinstance(error, urllib.error.URLError):
            return Unreachable(url, getattr(reason, "strerror", None) or str(reason), passing=False)
        return None

    def _open(self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None, clock: Clock) -> Any:
        """An answer to be read under `clock`, or urllib's errors."""
        parts = check_address(url, files=True)
        sent = {"User-Agent": f"headway/{headway.__version__}", "Accept-Encoding": "identity", **(headers or {})}
        if pair := _credentials(url):
            sent["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        proxies = {"http": self.proxy, "https": self.proxy} if self.proxy else None
        opener = urllib.request.build_opener(
            _Plain(clock),
            _Secure(clock, self._context),
            _Redirections(),
            urllib.request.ProxyHandler({} if is_here(parts.hostname) else proxies),
        )
        try:
            request = urllib.request.Request(bare(url), data=body, headers=sent, method=method)
            return opener.open(request, timeout=clock.left())
        except ValueError as error:  # letters that no address has
            raise http.client.InvalidURL(str(error)) from error


def bare(address: str) -> str:
    """An address fit to be shown or logged: without name and password."""
    with contextlib.suppress(ValueError):
        parts = urllib.parse.urlsplit(address)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return "an address that cannot be read"


def is_here(host: str | None) -> bool:
    """Whether `host` is this machine."""
    return host in ("127.0.0.1", "localhost", "::1")


def check_address(url: str, name: str = "", *, files: bool = False) -> urllib.parse.SplitResult:
    """The parts of an address that can be asked.

    Args:
        name: What gave the address, for the message: an environment variable, a setting.
        files: Whether file:// will do.

    Raises:
        HeadwayError: where it is none.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        known = ("http", "https", "file") if files else ("http", "https")
        if parts.port != 0 and parts.scheme in known and (parts.scheme == "file" or parts.hostname):
            return parts
    except ValueError:  # a port that is no number, brackets that do not close
        pass
    shown = bare(url) if "@" in url else url
    raise HeadwayError(f"{name + ' is ' if name else ''}{shown!r}, which is no address: http://... or https://...")


def _credentials(url: str) -> str | None:
    """``name:password`` for `url`, from the address itself or from netrc."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is not None:
        return f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    if parts.hostname and not is_here(parts.hostname):
        with contextlib.suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError):
            if entry := netrc.netrc().authenticators(parts.hostname):
                return f"{entry[0]}:{entry[2]}"
    return None


def _context(certificates: tuple[str, ...]) -> ssl.SSLContext:
    """Certificates: the system's, those named by $SSL_CERT_FILE and $REQUESTS_CA_BUNDLE, certifi's, and `certificates`."""
    context = ssl.create_default_context()
    paths = [os.environ.get("SSL_CERT_FILE"), os.environ.get("REQUESTS_CA_BUNDLE"), *certificates]
    if certifi is not None:
        paths.append(certifi.where())
    for path in filter(None, paths):
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
    return context


def _encoding(headers: Any) -> str:
    return (headers.get("Content-Encoding") or "identity").strip().lower()


def _inflate(headers: Any, url: str) -> Any:
    """What unpacks a body that a server compresses without being asked to; None where it does not."""
    told = _encoding(headers)
    if told == "identity":
        return None
    if told not in ("gzip", "x-gzip", "deflate"):
        raise Unreachable(url, f"it sends its answer as {told[:40]!r}, which was not asked for", passing=False)
    return zlib.decompressobj(47)  # gzip's header or zlib's, whichever comes


def _refuse_other_content(headers: Any, url: str) -> None:
    """Refuse what is not the bytes of a file: a page to log in that a network puts in its place, or a compressed form."""
    if headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise Unreachable(url, "a web page comes in place of the file, perhaps one to log in", passing=False)
    if _encoding(headers) != "identity":
        raise Unreachable(
            url, f"it sends the file as {_encoding(headers)[:40]!r}, which was not asked for", passing=False
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _range_start(header: str | None) -> int | None:
    match = re.match(r"bytes (\d+)-", header or "")
    return int(match[1]) if match else None


def _wish(headers: Any) -> float | None:
    """Seconds in a Retry-After header, which may also be a date."""
    value = headers.get("Retry-After") if headers is not None else None
    if not value:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
