"""Records from the network: arXiv by its API, DOIs by content negotiation.

Where to ask can be changed, for mirrors and tests: ``HEADWAY_ARXIV_API`` (https://export.arxiv.org/api/query) and
``HEADWAY_DOI`` (https://doi.org). A server that says 429 or 503 is asked again, as late as it wishes within reason.
"""

from __future__ import annotations

import dataclasses
import html
import json
import os
import re
import urllib.parse
from collections.abc import Sequence
from xml.etree import ElementTree

from headway.base.errors import HeadwayError, Offline
from headway.base.http import PASSING, Client, Limits, Refused, TooLarge, Unreachable, check_address
from headway.base.paper import Paper, made_key, read_name
from headway.papers.csl import from_csl
from headway.papers.entries import year_of

LIMITS = Limits(tries=4, silence=20.0, whole=60.0, largest=8_000_000, pause=1.0, patience=30.0)
AT_ONCE = 50
"""Ids in one question to arXiv."""

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"


def arxiv_api() -> str:
    """Where arXiv's API answers. Raises HeadwayError where the variable names no address."""
    return _address("HEADWAY_ARXIV_API", "https://export.arxiv.org/api/query")


def doi_base() -> str:
    """Where DOIs are resolved. Raises HeadwayError where the variable names no address."""
    return _address("HEADWAY_DOI", "https://doi.org").rstrip("/")


def _address(name: str, otherwise: str) -> str:
    address = os.environ.get(name) or otherwise
    check_address(address, name)
    return address


def from_arxiv(ids: Sequence[str]) -> dict[str, Paper]:
    """The records of these arXiv ids; an id that arXiv does not have is missing from the answer."""
    found: dict[str, Paper] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = list(ids[start : start + AT_ONCE])
        query = urllib.parse.urlencode({"id_list": ",".join(some), "max_results": len(some)}, safe="/,")
        base = arxiv_api()
        body = get(f"{base}{'&' if '?' in base else '?'}{query}", "application/atom+xml", f"papers add {some[0]}")
        for record in read_atom(body):
            if record.arxiv in some:
                found[record.arxiv] = record
    return found


def read_atom(body: bytes) -> list[Paper]:
    """The records in an answer of arXiv's API."""
    if re.search(rb"<!DOCTYPE|<!ENTITY", body[:4000], re.IGNORECASE):
        raise HeadwayError("arXiv's answer is a web page and no record: try again later, or add the paper by hand.")
    try:
        feed = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise HeadwayError(
            f"arXiv's answer cannot be read ({error}): try again later, or add the paper by hand."
        ) from error
    records = []
    for entry in feed.iter(f"{_ATOM}entry"):
        text = lambda tag: " ".join((entry.findtext(tag) or "").split())  # noqa: B023, E731
        title, id = text(f"{_ATOM}title"), text(f"{_ATOM}id")
        if not title or "/api/errors" in id or title == "Error":
            continue
        names = [name.text or "" for name in entry.iterfind(f"{_ATOM}author/{_ATOM}name")]
        record = Paper(
            key="",
            title=title,
            authors=tuple(read_name(name) for name in names),
            year=year_of(text(f"{_ATOM}published")),
            arxiv=id,
            doi=text(f"{_ARXIV}doi"),
        )
        if record.arxiv:
            records.append(_keyed(record))
    return records


def from_doi(name: str) -> Paper:
    """The record that the registry of a DOI gives."""
    url = f"{doi_base()}/{urllib.parse.quote(name, safe='/:().;-_')}"
    body = get(url, "application/vnd.citationstyles.csl+json", f"papers add {name}", missing=f"doi.org knows no {name}")
    try:
        item = json.loads(body)
        if not isinstance(item, dict):
            raise ValueError("no object")
        for field in ("title", "container-title"):
            value = item.get(field)
            value = (value[0] if value else "") if isinstance(value, list) else value
            item[field] = html.unescape(value) if isinstance(value, str) else ""
        record = from_csl({**item, "id": "", "citation-key": ""})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise HeadwayError(
            f"the registry of {name} gives no record (its answer is no CSL JSON): add it with --title, --author and --year."
        ) from error
    if not record.title:
        raise HeadwayError(f"the registry's record of {name} has no title: add it with --title, --author and --year.")
    return _keyed(dataclasses.replace(record, doi=record.doi or name))


def _keyed(record: Paper) -> Paper:
    return dataclasses.replace(record, key=made_key(record))


def get(url: str, accept: str, command: str, missing: str | None = None) -> bytes:
    """The body at `url`. Raises Offline where nothing answers, HeadwayError where the answer is no."""
    host = urllib.parse.urlsplit(url).hostname or url
    by_hand = (
        f'connect and run it again, or file it by hand: headway {command} --title "..." --author "..." --year YYYY'
    )
    try:
        return Client(LIMITS).get(url, {"Accept": accept}).body
    except Refused as refused:
        if refused.status in (404, 410):
            raise HeadwayError(f"{missing or f'{host} has no {url}'}: check it for a typing mistake.") from refused
        if refused.status in PASSING:
            raise Offline(
                f"{host} does not answer (HTTP {refused.status}, {LIMITS.tries} tries): {by_hand}"
            ) from refused
        raise HeadwayError(f"{host} refuses (HTTP {refused.status}): {by_hand}") from refused
    except TooLarge as error:
        raise HeadwayError(
            f"{host} answers with more than {LIMITS.largest // 1_000_000} MB for one record: nothing was taken."
        ) from error
    except Unreachable as error:
        raise Offline(f"{host} does not answer ({error.why}): {by_hand}") from error
