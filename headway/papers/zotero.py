"""Zotero, by pyzotero: the program on this machine (read), or the web API (read, and write with a key).

What is pushed are new items and tags ``headway/<topic>`` on items that are there already; nothing else of them changes,
and a library that somebody else changed meanwhile is not written to (If-Unmodified-Since-Version).

``ZOTERO_API_KEY`` is the key (zotero.org/settings/keys), ``ZOTERO_LIBRARY_ID`` the user's number (asked of the API where it
is missing). ``HEADWAY_ZOTERO_API`` and ``HEADWAY_ZOTERO_LOCAL`` change where to ask, for tests.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from headway.base.errors import HeadwayError, Offline, did_you_mean
from headway.base.http import Client, CutShort, Limits, Unreachable, check_address
from headway.base.paper import SUFFIX, Name, Paper, arxiv_id, arxiv_within
from headway.papers.entries import topics_of, year_of
from headway.papers.index import Index

WEB = "https://api.zotero.org"
LOCAL = "http://127.0.0.1:23119/api"
PATIENCE = 60.0
"""Seconds that Zotero may ask us to wait; for longer ones the learner decides."""
AT_ONCE = 50
"""Items in one request to write, as the API allows."""
TRIES = 3
LIMITS = Limits(silence=30.0, whole=120.0, largest=64_000_000)
"""For one page of a library."""
_OUR_OWN = {"host", "connection", "accept-encoding", "content-length"}
"""Headers that the client sets itself."""

# kind -> (Zotero's type, its field for the venue)
_TYPES = {
    "article": ("journalArticle", "publicationTitle"),
    "conference": ("conferencePaper", "proceedingsTitle"),
    "preprint": ("preprint", "series"),
    "book": ("book", "series"),
    "chapter": ("bookSection", "bookTitle"),
    "thesis": ("thesis", "university"),
    "report": ("report", "institution"),
    "other": ("document", "archive"),
}
_FIELDS = {
    "article": ("volume", "issue", "pages"),
    "conference": ("volume", "pages", "publisher"),
    "book": ("volume", "publisher"),
    "chapter": ("volume", "pages", "publisher"),
    "report": ("pages",),
    "other": ("publisher",),
}
_WITH_DOI = {"article", "conference", "preprint"}
_NO_PAPER = {"attachment", "note", "annotation"}


@dataclass(frozen=True)
class LibraryPart:
    """A library and what of it is meant: a collection by key or name, items by key, a search, or all of it.

    `group` is the number of a group library; None is the learner's own.
    """

    group: str | None = None
    collection: str | None = None
    items: tuple[str, ...] = ()
    search: str | None = None
    mode: str = "titleCreatorYear"


def place(what: str | None, group: str | None = None) -> LibraryPart:
    """What an address of zotero.org, the name or the key of a collection means; None is the whole library."""
    if what is None:
        return LibraryPart(group)
    if not re.match(r"(?:https?://)?(?:www\.)?zotero\.org/", what):
        return LibraryPart(group, collection=what)
    parts = [unquote(part) for part in urlsplit(what if "//" in what else f"https://{what}").path.split("/") if part]
    if parts and parts[0] == "groups" and len(parts) > 1 and parts[1].isdecimal():
        group, rest = parts[1], parts[2:]
    else:
        rest = parts[1:]  # a person's own library, by name
    after = {name: rest[n + 1] for n, name in enumerate(rest[:-1]) if name in ("collections", "items", "search")}
    if items := after.get("items"):
        return LibraryPart(group, items=tuple(items.split(",")))
    if search := after.get("search"):
        at = rest.index("search")
        mode = "everything" if rest[at + 2 : at + 3] == ["everything"] else "titleCreatorYear"
        return LibraryPart(group, collection=after.get("collections"), search=search, mode=mode)
    return LibraryPart(group, collection=after.get("collections"))


class Zotero:
    """One library of Zotero.

    Args:
        group: The number of a group, or None for the learner's own library.
        local: Ask the program on this machine instead of zotero.org.
    """

    def __init__(self, group: str | None = None, *, local: bool = False) -> None:
        self.local = local
        self.key = None if local else os.environ.get("ZOTERO_API_KEY") or None
        base = (
            (os.environ.get("HEADWAY_ZOTERO_LOCAL") or LOCAL)
            if local
            else (os.environ.get("HEADWAY_ZOTERO_API") or WEB)
        )
        check_address(base, "HEADWAY_ZOTERO_LOCAL" if local else "HEADWAY_ZOTERO_API")
        self.base = base.rstrip("/")
        if group is None and not local and not self.key:
            raise HeadwayError(
                "your own library on zotero.org needs a key: make one at https://www.zotero.org/settings/keys and set "
                "ZOTERO_API_KEY, or start Zotero and use --local."
            )
        self.group = group
        self._client: Any = None

    @property
    def name(self) -> str:
        where = "Zotero on this machine" if self.local else "zotero.org"
        return f"group {self.group} at {where}" if self.group else f"your library at {where}"

    @property
    def client(self) -> Any:
        if self._client is None:
            library = self.group or ("0" if self.local else os.environ.get("ZOTERO_LIBRARY_ID") or self._user())
            self._client = self._make(library, "group" if self.group else "user")
        return self._client

    def _make(self, library: str, kind: str) -> Any:
        import httpx2
        from pyzotero.zotero import Zotero as Pyzotero

        class Patient(Pyzotero):
            """pyzotero waits as long as a server asks it to, without a word; this one only within reason."""

            def _check_backoff(self) -> None:
                wait = self.backoff_until - time.time()
                if wait > PATIENCE:
                    raise HeadwayError(f"Zotero asks to wait {wait:.0f} s before the next request: run it again then.")
                super()._check_backoff()

        client = Client(LIMITS)

        class Transport(httpx2.BaseTransport):
            """Headway's own client under pyzotero's, so that the same limits hold here."""

            def handle_request(self, request: Any) -> Any:
                headers = {name: value for name, value in request.headers.items() if name not in _OUR_OWN}
                try:
                    answer = client.once(request.method, str(request.url), headers, request.read() or None)
                except CutShort as error:
                    raise httpx2.RemoteProtocolError(error.why) from error
                except Unreachable as error:
                    raise httpx2.ConnectError(error.why) from error
                return httpx2.Response(answer.status, headers=answer.headers.items(), content=answer.body)

        client_of_pyzotero = httpx2.Client(follow_redirects=True, transport=Transport())
        made = Patient(library, kind, self.key, local=self.local, client=client_of_pyzotero)
        made.endpoint = self.base
        return made

    def _user(self) -> str:
        """The number of the user whose key it is."""
        client = self._make("0", "user")
        with self._telling("the key"):
            answer = client._retrieve_data(
                "/keys/current"
            ).json()  # pyzotero asks /keys/<key>, which writes it into logs
        return str(answer["userID"])

    # -- reading

    def items(self, where: LibraryPart) -> list[dict[str, Any]]:
        """The data of every item meant by `where`, page by page; attachments, notes and annotations are left out."""
        with self._telling(where.collection or where.search or ", ".join(where.items) or "the library"):
            if where.items:
                found = [self._again(lambda key=key: self.client.item(key)) for key in where.items]
            else:
                collection = self.collection(where.collection) if where.collection else None
                more = {"q": where.search, "qmode": where.mode} if where.search else {}
                ask = (
                    (lambda: self.client.collection_items(collection, **more))
                    if collection
                    else (lambda: self.client.top(**more))
                )
                found = self._all(ask)
        data = [row["data"] for row in found if isinstance(row, dict) and isinstance(row.get("data"), dict)]
        return [row for row in data if row.get("itemType") not in _NO_PAPER]

    def collections(self) -> list[tuple[str, str, int]]:
        """Key, name and number of items of every collection, by name."""
        with self._telling("collections"):
            rows = self._all(lambda: self.client.collections())
            found = [
                (row["data"]["key"], str(row["data"]["name"]), int((row.get("meta") or {}).get("numItems", 0)))
                for row in rows
            ]
        return sorted(found, key=lambda row: row[1].casefold())

    def collection(self, name: str) -> str:
        """The key of the collection called `name` (or with that key)."""
        with self._telling(f"the collection {name}"):
            rows = [row["data"] for row in self._all(lambda: self.client.collections())]
        names = [str(row.get("name", "")) for row in rows]
        found = [row["key"] for row in rows if row["key"] == name]
        found = found or [row["key"] for row in rows if str(row.get("name", "")).casefold() == name.casefold()]
        if len(found) > 1:
            raise HeadwayError(
                f"{self.name} has {len(found)} collections '{name}': give the key, one of {', '.join(found)}."
            )
        if not found:
            known = ", ".join(sorted(names)[:12]) or "none"
            raise HeadwayError(f"{self.name} has no collection '{name}'.{did_you_mean(name, names)} There: {known}.")
        return found[0]

    def _all(self, ask: Any) -> list[Any]:
        """Every page of an answer."""
        found = list(self._again(ask))
        while self.client.links and self.client.links.get("next"):
            page = self._again(self.client.follow)
            if not page:
                break
            found.extend(page)
        return found

    def _again(self, ask: Any) -> Any:
        """Ask, and where the server is busy (503) ask again when it wishes."""
        import httpx2
        from pyzotero import errors

        for left in reversed(range(TRIES)):
            try:
                return ask()
            except errors.HTTPError as error:
                answer = self.client.request
                if left == 0 or answer is None or answer.status_code not in (500, 502, 503, 504):
                    raise error
                self._wait(answer.headers)
            except (httpx2.ReadError, httpx2.RemoteProtocolError):
                if left == 0:
                    raise
        return None

    def _wait(self, headers: Any) -> None:
        wish = headers.get("retry-after") or headers.get("backoff") or "1"
        self.client._set_backoff(float(wish) if wish.replace(".", "", 1).isdecimal() else 1.0)
        self.client._check_backoff()

    # -- writing

    def plan(self, records: Iterable[Paper], collection: str) -> Push:
        """What pushing `records` into the collection called `collection` would do; nothing is written."""
        if self.local:
            raise HeadwayError("the local Zotero is only read: pushing goes to zotero.org, with ZOTERO_API_KEY set.")
        with self._telling(f"the collection {collection}"):
            rows = [row["data"] for row in self._all(lambda: self.client.collections())]
            version = int(self.client.request.headers.get("last-modified-version", 0))
            folded = collection.casefold()
            keys = [row["key"] for row in rows if row["key"] == collection or row["name"].casefold() == folded]
            if len(keys) > 1:
                raise HeadwayError(
                    f"{self.name} has {len(keys)} collections '{collection}': give the key, one of {', '.join(keys)}."
                )
            items = self._all(lambda: self.client.top())
        there: dict[str, dict[str, Any]] = {}
        index = Index()
        for row in items:
            data = row["data"]
            if data.get("itemType") in _NO_PAPER:
                continue
            record = to_record(data)
            there[record.key] = data
            index.add(record)
        push = Push(self, collection, keys[0] if keys else None, version)
        for record in records:
            same = index.find(record)
            if same is None:
                push.new.append(record)
                continue
            data = there[same.key]
            tags = [tag for tag in (f"headway/{topic}" for topic in record.topics) if tag not in _tags(data)]
            inside = push.key is not None and push.key in data.get("collections", [])
            if tags or not inside:
                push.tagged.append((record, data, tags))
            else:
                push.same.append(record)
        return push

    def post(self, what: str, rows: list[dict[str, Any]], version: int) -> tuple[dict[str, Any], int]:
        """Write `rows` (at most 50) if the library is still at `version`: the API's answer, and the version after it."""
        write = self.client.create_items if what == "items" else self.client.create_collections
        with self._telling(self.name):
            for _ in range(TRIES):
                try:
                    answer = self._again(lambda: write(rows, last_modified=version))
                except ValueError:
                    answer = None  # pyzotero reads the body of a 429 as if it were an answer
                request = self.client.request
                if request.status_code == 429 or not isinstance(answer, dict):
                    self.client._check_backoff()
                    continue
                return answer, int(request.headers.get("last-modified-version", version))
        raise HeadwayError(f"{self.name} is too busy to be written to: run it again later; nothing is written twice.")

    @contextlib.contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Turn what pyzotero and the network raise into one line."""
        import httpx2
        from pyzotero import errors

        try:
            yield
        except errors.PreConditionFailedError as error:
            raise HeadwayError(
                f"{self.name} was changed by somebody else meanwhile (412): nothing of this step was written; "
                "run the same command again."
            ) from error
        except errors.UserNotAuthorisedError as error:
            if self.local:
                line = "Zotero lets no other program in: tick Settings > Advanced > Allow other applications on this computer."
            elif self.key:
                line = f"the key may not do this in {self.name}: check what it allows at https://www.zotero.org/settings/keys."
            else:
                line = f"{self.name} is not public: set ZOTERO_API_KEY to a key of a member (https://www.zotero.org/settings/keys)."
            raise HeadwayError(line) from error
        except errors.ResourceNotFoundError as error:
            raise HeadwayError(
                f"{self.name} has no {what}: check the address, the key or the number of the library."
            ) from error
        except (errors.TooManyRetriesError, errors.TooManyRequestsError) as error:
            raise HeadwayError(
                f"{self.name} has too many requests just now (429): run it again in a few minutes."
            ) from error
        except errors.ConflictError as error:
            raise HeadwayError(f"{self.name} is locked just now (409): run it again in a minute.") from error
        except errors.PyZoteroError as error:
            line = " ".join(str(error).split())
            code = re.search(r"Code: (\d+)", line)
            raise HeadwayError(f"{self.name} refuses{f' (HTTP {code[1]})' if code else ''}: {line[-160:]}") from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            if self.local:
                line = (
                    "Zotero does not answer on this machine: start it, and tick Settings > Advanced > Allow other "
                    "applications on this computer (or use --web)."
                )
            else:
                host = urlsplit(self.base).hostname
                line = f"{host} does not answer ({error}): connect and run it again, or import a .bib file."
            raise Offline(line) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HeadwayError(
                f"{self.name} gives an answer that is not Zotero's ({type(error).__name__}): is something else at {self.base}?"
            ) from error


@dataclass
class Push:
    """What a push does: `new` items, tags and the collection for those that are `tagged` anew, and what is the `same`."""

    library: Zotero
    collection: str
    key: str | None
    version: int
    new: list[Paper] = field(default_factory=list)
    tagged: list[tuple[Paper, dict[str, Any], list[str]]] = field(default_factory=list)
    same: list[Paper] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def write(self) -> int:
        """Do it; the number of items written. What Zotero refuses is in `failed`, a line each."""
        if not self.new and not self.tagged:
            return 0
        if self.key is None:
            answer, self.version = self.library.post("collections", [{"name": self.collection}], self.version)
            if not answer.get("successful"):
                raise HeadwayError(f"Zotero refuses the collection '{self.collection}': {_why(answer)}")
            self.key = answer["successful"]["0"]["key"]
        rows = [(record, to_item(record, self.key)) for record in self.new]
        for record, data, tags in self.tagged:
            collections = list(dict.fromkeys([*data.get("collections", []), self.key]))
            row = {
                "key": data["key"],
                "version": data["version"],
                "tags": [*data.get("tags", []), *({"tag": tag} for tag in tags)],
                "collections": collections,
            }
            rows.append((record, row))
        written = 0
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            answer, self.version = self.library.post("items", [row for _, row in some], self.version)
            written += len(answer.get("successful") or answer.get("success") or {})
            for n, why in sorted((answer.get("failed") or {}).items(), key=lambda pair: int(pair[0])):
                self.failed.append(f"{some[int(n)][0].key}: {why.get('message', '')} ({why.get('code', '')})")
        return written


def _why(answer: dict[str, Any]) -> str:
    return (
        "; ".join(str(why.get("message", why)) for why in (answer.get("failed") or {}).values())
        or "it does not say why"
    )


def _tags(data: dict[str, Any]) -> list[str]:
    return [str(tag.get("tag", "")) for tag in data.get("tags", []) if isinstance(tag, dict)]


# -- a record as an item of Zotero, and back -----------------------------------------------------------------------------

_KINDS = {zotero: kind for kind, (zotero, _) in _TYPES.items()} | {
    "magazineArticle": "article", "newspaperArticle": "article", "manuscript": "preprint", "presentation": "other",
    "encyclopediaArticle": "chapter", "dictionaryEntry": "chapter", "webpage": "other", "blogPost": "other",
}  # fmt: skip


def to_item(record: Paper, collection: str | None = None) -> dict[str, Any]:
    """The item that Zotero's API takes for a record."""
    kind, venue = _TYPES[record.kind]
    creators: list[dict[str, str]] = []
    for name in record.authors:
        if name.given:
            first = (
                f"{name.given}, {name.suffix}" if name.suffix else name.given
            )  # where Zotero's own styles look for it
            creators.append({"creatorType": "author", "firstName": first, "lastName": name.family})
        else:
            creators.append({"creatorType": "author", "name": name.family})
    if record.others:
        creators.append({"creatorType": "author", "name": "others"})
    extra = [f"Citation Key: {record.cite}"]
    if record.arxiv and record.kind != "preprint":
        extra.append(f"arXiv: {record.arxiv}")
    if record.doi and record.kind not in _WITH_DOI:
        extra.append(f"DOI: {record.doi}")
    item: dict[str, Any] = {
        "itemType": kind,
        "title": record.title,
        "creators": creators,
        "date": str(record.year or ""),
        "url": record.url or record.link or "",
        "extra": "\n".join(extra),
        "tags": [{"tag": f"headway/{topic}"} for topic in record.topics],
        "collections": [collection] if collection else [],
        "relations": {},
    }
    if record.venue:
        item[venue] = record.venue
    if record.doi and record.kind in _WITH_DOI:
        item["DOI"] = record.doi
    if record.arxiv and record.kind == "preprint":
        item |= {"repository": "arXiv", "archiveID": f"arXiv:{record.arxiv}"}
    for name in _FIELDS.get(record.kind, ()):
        if value := getattr(record, name):
            item[name] = value
    return item


def to_record(data: dict[str, Any]) -> Paper:
    """The record in the data of an item; its key is the citation key, else Zotero's own."""
    get = lambda *names: next((str(data[name]).strip() for name in names if data.get(name)), "")  # noqa: E731
    extra = get("extra")
    written = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in re.split(r"\r\n|\r|\n", extra))
    }
    kind = _KINDS.get(get("itemType"), "other")
    numbers = [
        get("archiveID"),
        written.get("arxiv", ""),
        get("DOI"),
        get("url"),
        extra,
        get("archiveLocation"),
        get("reportNumber"),
    ]
    arxiv = next((id for text in numbers if (id := arxiv_id(text) or arxiv_within(text))), None)
    authors = []
    creators = [one for one in data.get("creators") or [] if isinstance(one, dict)]
    mine = [one for one in creators if one.get("creatorType") in ("author", "inventor", "presenter")]
    for one in mine or creators:
        if name := str(one.get("name") or "").strip():
            authors.append(Name(name))
        else:
            first, comma, suffix = str(one.get("firstName") or "").rpartition(",")
            if not (comma and SUFFIX.fullmatch(suffix.strip())):
                first, suffix = str(one.get("firstName") or ""), ""
            authors.append(Name(str(one.get("lastName") or ""), first, suffix))
    return Paper(
        key=get("citationKey") or written.get("citation key", "") or get("key"),
        title=re.sub(r"</?(?:i|b|sub|sup|span)(?:\s[^<>]*)?>", "", get("title")),
        authors=tuple(authors),
        year=year_of(get("date")),
        kind=kind,
        venue=get(
            _TYPES[kind][1],
            "publicationTitle",
            "proceedingsTitle",
            "conferenceName",
            "bookTitle",
            "university",
            "institution",
        ),
        arxiv=arxiv,
        doi=get("DOI") or written.get("doi", ""),
        url=get("url"),
        volume=get("volume"),
        issue=get("issue"),
        pages=get("pages"),
        publisher=get("publisher"),
        topics=topics_of(_tags(data)) if isinstance(data.get("tags"), list) else (),
    )
