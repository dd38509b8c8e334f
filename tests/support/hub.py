"""A double of the Hugging Face hub on this machine: enough of its HTTP for `snapshot_download`, and its refusals."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from support.server import LocalServer, SilentHandler

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(LocalServer):
    """Serves folders as repositories; a repository can also be ``gated``, ``private``, ``down`` or ``cut``."""

    def __init__(self, repositories: dict[str, Path | str]):
        super().__init__(Handler)
        self.repositories = repositories
        self.asked: list[str] = []
        self.dripping: str | None = None
        """The file that is sent byte by byte, with a pause after each, for ever."""
        self.serve()


class Handler(SilentHandler):
    server: Hub

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self.api("/".join(parts[2:4]), parts[4:])
        elif len(parts) >= 5 and parts[2] == "resolve":
            self.file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def repository(self, name: str) -> Path | None:
        found = self.server.repositories.get(name)
        if isinstance(found, Path):
            return found
        if found == "gated":
            self.answer(
                403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to model {name} is restricted."}
            )
        elif found == "down":
            self.answer(500, b"{}")
        elif found == "private":
            self.answer(401, b"{}", {"X-Error-Message": "Invalid username or password."})
        else:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        return None

    def api(self, name: str, rest: list[str]):
        folder = self.repository(name)
        if folder is None:
            return
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", COMMIT):
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if rest[:1] == ["tree"]:
            content = [
                {
                    "type": "file",
                    "path": path.relative_to(folder).as_posix(),
                    "size": path.stat().st_size,
                    "oid": etag(path),
                }
                for path in files
            ]
        else:
            siblings = [{"rfilename": path.relative_to(folder).as_posix()} for path in files]
            content = {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
        self.answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def file(self, name: str, revision: str, path: str):
        folder = self.repository(name)
        if folder is None:
            return
        target = folder / path
        if not target.is_file():
            self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
            return
        headers = {"ETag": f'"{etag(target)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if path == self.server.dripping and self.command == "GET":
            self.drip(headers)
            return
        self.answer(200, target.read_bytes(), headers)

    def drip(self, headers: dict[str, str]):
        self.send_response(200)
        for key, value in {**headers, "Content-Length": str(10**9)}.items():
            self.send_header(key, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.02)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()
