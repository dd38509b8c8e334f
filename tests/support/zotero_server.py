"""A double of Zotero's API, version 3, on this machine: the web API, and the read-only one of the running program.

It keeps items and collections with versions, answers in pages with Total-Results and Link, writes under
If-Unmodified-Since-Version, and refuses as Zotero does: 403, 404, 412, 428, 429 with Retry-After or Backoff, 503.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlencode, urlsplit

from support.server import LocalServer, SilentHandler


class Library:
    """One library. `public` may be read without a key; `writers` are the keys that may write, `readers` those that may read."""

    def __init__(self, *, public: bool = False, readers: tuple[str, ...] = (), writers: tuple[str, ...] = ()):
        self.public, self.readers, self.writers = public, {*readers, *writers}, set(writers)
        self.version = 7
        self.items: dict[str, dict] = {}
        self.collections: dict[str, dict] = {}

    def add(self, data: dict) -> str:
        """Put an item in, as somebody else would: the library's version goes up."""
        self.version += 1
        key = data.get("key") or f"ITEM{len(self.items):04d}"
        self.items[key] = {"tags": [], "collections": [], **data, "key": key, "version": self.version}
        return key

    def add_collection(self, name: str) -> str:
        self.version += 1
        key = f"COLL{len(self.collections):04d}"
        self.collections[key] = {"key": key, "name": name, "version": self.version, "parentCollection": False}
        return key


class ZoteroServer(LocalServer):
    """Libraries by prefix: ``users/4242`` (``users/0`` of the local program), ``groups/2420932``.

    Attributes:
        users: API key -> number of its user, for ``/keys/current``.
        page: The most items in one answer, so that few items make several pages.
        trouble: Answers to give first, one a request: (status, headers, body).
        asked: "METHOD path?query" of every request; `headers` the headers of the last one.
        meanwhile: Called before each write, once: somebody else's change.
    """

    def __init__(self, libraries: dict[str, Library], users: dict[str, int] | None = None, *, local: bool = False):
        super().__init__(Handler)
        self.libraries, self.users, self.local = libraries, users or {}, local
        self.page = 3
        self.trouble: list = []
        self.asked: list[str] = []
        self.headers: list = []
        self.meanwhile = None
        self.refuse: dict[str, str] = {}
        self.serve()

    @property
    def url(self) -> str:
        return super().url + ("/api" if self.local else "")


class Handler(SilentHandler):
    server: ZoteroServer

    def do_GET(self):
        self.handle_request(b"")

    def do_POST(self):
        self.handle_request(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def handle_request(self, body: bytes):
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.headers.append(dict(self.headers))
        if self.server.trouble:
            status, headers, text = self.server.trouble.pop(0)
            self.answer(status, text.encode(), headers, "text/plain")
            return
        parts = urlsplit(self.path)
        path = parts.path
        if self.server.local:
            if not path.startswith("/api/"):
                self.plain(404, "No endpoint found")
                return
            path = path.removeprefix("/api")
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if path == "/keys/current":
            if key not in self.server.users:
                self.plain(403, "Invalid key")
            else:
                self.json(200, {"userID": self.server.users[key], "key": key, "username": "learner"})
            return
        found = re.fullmatch(r"/((?:users|groups)/\d+)/(.*?)/?", path)
        library = self.server.libraries.get(found[1]) if found else None
        if library is None:
            self.plain(404, "Library not found" if not found else "Group not found")
            return
        if not self.server.local and not library.public and key not in library.readers:
            self.plain(403, "Forbidden")
            return
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.command == "POST":
            self.write(library, found[2], key, body)
        else:
            self.read(library, found[2], query, f"{'/api' if self.server.local else ''}/{found[1]}/{found[2]}")

    # -- reading

    def read(self, library: Library, what: str, query: dict[str, str], path: str):
        if what in ("collections", "items", "items/top"):
            rows = list((library.collections if what == "collections" else library.items).values())
            if what == "items/top":
                rows = [row for row in rows if not row.get("parentItem")]
        elif found := re.fullmatch(r"collections/(\w+)/items(?:/top)?", what):
            if found[1] not in library.collections:
                self.plain(404, "Collection not found")
                return
            rows = [row for row in library.items.values() if found[1] in row["collections"]]
        elif found := re.fullmatch(r"items/(\w+)", what):
            if found[1] not in library.items:
                self.plain(404, "Item does not exist")
                return
            self.json(200, self.row(library, library.items[found[1]]), {"Last-Modified-Version": str(library.version)})
            return
        else:
            self.plain(404, "Not found")
            return
        if word := query.get("q", "").casefold():
            rows = [
                row
                for row in rows
                if word in json.dumps([row.get("title"), row.get("creators"), row.get("date")]).casefold()
            ]
        start, limit = int(query.get("start", 0)), min(int(query.get("limit", 25)), self.server.page)
        headers = {"Total-Results": str(len(rows)), "Last-Modified-Version": str(library.version)}
        links = []
        if start + limit < len(rows):
            following = urlencode({**query, "limit": limit, "start": start + limit})
            base = self.server.url.removesuffix("/api")
            links.append(f'<{base}{path}?{following}>; rel="next"')
            links.append(f'<{base}{path}?{urlencode({**query, "limit": limit, "start": len(rows) - 1})}>; rel="last"')
        headers["Link"] = ", ".join([*links, '<https://www.zotero.org/somewhere>; rel="alternate"'])
        self.json(200, [self.row(library, row) for row in rows[start : start + limit]], headers)

    def row(self, library: Library, data: dict) -> dict:
        count = sum(data["key"] in item["collections"] for item in library.items.values())
        meta = {"numItems": count} if "name" in data else {}
        return {"key": data["key"], "version": data["version"], "library": {}, "links": {}, "meta": meta, "data": data}

    # -- writing

    def write(self, library: Library, what: str, key: str, body: bytes):
        if self.server.local or key not in library.writers:
            self.plain(403, "Write access denied")
            return
        if self.server.meanwhile:
            change, self.server.meanwhile = self.server.meanwhile, None
            change()
        wanted = self.headers.get("If-Unmodified-Since-Version")
        if wanted is None:
            self.plain(428, "If-Unmodified-Since-Version not provided")
            return
        if int(wanted) < library.version:
            self.plain(
                412, f"Library has been modified since specified version (expected {wanted}, found {library.version})"
            )
            return
        rows = json.loads(body)
        if len(rows) > 50:
            self.plain(413, "Too many items")
            return
        library.version += 1
        answer: dict[str, dict] = {"successful": {}, "success": {}, "unchanged": {}, "failed": {}}
        for n, row in enumerate(rows):
            if why := self.server.refuse.get(row.get("title", "")):
                answer["failed"][str(n)] = {"code": 400, "message": why}
                continue
            if what == "collections":
                made = library.add_collection(row["name"])
                library.version -= 1
                done = library.collections[made]
            elif "key" in row:
                done = library.items[row["key"]] | row
                library.items[row["key"]] = done
            else:
                if "itemType" not in row:
                    answer["failed"][str(n)] = {"code": 400, "message": "'itemType' property not provided"}
                    continue
                made = library.add(row)
                library.version -= 1
                done = library.items[made]
            done["version"] = library.version
            answer["successful"][str(n)] = self.row(library, done)
            answer["success"][str(n)] = done["key"]
        self.json(200, answer, {"Last-Modified-Version": str(library.version)})

    # -- answering

    def json(self, status: int, content: object, headers: dict[str, str] | None = None):
        self.answer(status, json.dumps(content).encode(), headers, "application/json")

    def plain(self, status: int, text: str):
        self.answer(status, text.encode(), None, "text/plain")

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None, kind: str):
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Zotero-API-Version": "3",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
