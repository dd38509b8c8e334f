"""Doubles of arXiv's API and of doi.org on this machine: Atom and CSL JSON over real HTTP, busy, silent or broken at will."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from support.server import LocalServer, SilentHandler

Paper = dict


class Registries(LocalServer):
    """``/api/query`` answers as export.arxiv.org does, every other path as doi.org.

    Attributes:
        papers: arXiv id -> {"title", "authors", "year", "doi"}.
        dois: DOI -> CSL item, or a text that is sent as it is.
        trouble: Answers to give first, one a request: (status, headers), or "cut" for a connection that ends at once.
        asked: What was asked: (path and query, the Accept header).
    """

    def __init__(self, papers: dict[str, Paper] | None = None, dois: dict[str, object] | None = None):
        super().__init__(Handler)
        self.papers, self.dois = papers or {}, dois or {}
        self.trouble: list = []
        self.asked: list[tuple[str, str]] = []
        self.serve()


class Handler(SilentHandler):
    server: Registries

    def do_GET(self):
        self.server.asked.append((unquote(self.path), self.headers.get("Accept", "")))
        if self.server.trouble:
            trouble = self.server.trouble.pop(0)
            if trouble == "cut":
                self.close_connection = True
                return
            self.answer(trouble[0], b"busy", "text/plain", trouble[1])
            return
        parts = urlsplit(self.path)
        if parts.path == "/api/query":
            ids = parse_qs(parts.query).get("id_list", [""])[0].split(",")
            self.answer(
                200,
                feed({id: self.server.papers[id] for id in ids if id in self.server.papers}),
                "application/atom+xml",
            )
        elif parts.path.startswith("/moved/"):
            self.item(unquote(parts.path.removeprefix("/moved/")))
        else:  # doi.org sends everybody on to the registry that knows
            self.answer(302, b"", "text/html", {"Location": f"{self.server.url}/moved{parts.path}"})

    def item(self, name: str):
        found = self.server.dois.get(name.lower())
        if found is None:
            self.answer(404, b"<html>DOI Not Found</html>", "text/html")
        elif isinstance(found, str) or "citationstyles" not in self.headers.get("Accept", ""):
            self.answer(200, str(found).encode(), "text/html")
        else:
            self.answer(200, json.dumps(found).encode(), "application/vnd.citationstyles.csl+json")

    def answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None):
        self.send_response(status)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)


def feed(papers: dict[str, Paper]) -> bytes:
    """arXiv's Atom, as its API manual shows it: titles broken over lines, versions in the ids."""
    entries = "".join(
        f"""
  <entry>
    <id>http://arxiv.org/abs/{id}v7</id>
    <updated>2023-08-02T00:41:18Z</updated>
    <published>{paper["year"]}-06-12T17:57:34Z</published>
    <title>{escape(paper["title"]).replace(" ", chr(10) + "  ", 1)}</title>
    <summary>Words.</summary>
    {"".join(f"<author><name>{escape(name)}</name></author>" for name in paper["authors"])}
    {f'<arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">{paper["doi"]}</arxiv:doi>' if paper.get("doi") else ""}
    <link href="http://arxiv.org/abs/{id}v7" rel="alternate" type="text/html"/>
    <arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.CL"/>
  </entry>"""
        for id, paper in papers.items()
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
    return f"{head}<title>ArXiv Query</title>{entries}\n</feed>\n".encode()
