"""One paper as a record, in one canonical form, so that two ways of writing the same thing compare equal."""

from __future__ import annotations

import dataclasses
import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

# -- text ----------------------------------------------------------------------------------------------------------------


def tidy(text: object) -> str:
    """Composed characters (NFC), one blank between words, nothing that cannot be seen."""
    text = str(text)
    if text.isascii() and (plain := " ".join(text.split())).isprintable():
        return plain
    plain = unicodedata.normalize("NFC", text)
    # One question to the whole, and not four to every character: an import of a library asks it a million times.
    if (words := " ".join(plain.split())).isprintable():
        return unicodedata.normalize("NFC", words)
    # Controls, byte-order marks, lone surrogates and unassigned places go; the two joiners are part of Persian and Hindi.
    seen = (c for c in plain if c.isspace() or c in "\u200c\u200d" or unicodedata.category(c)[0] != "C")
    plain = "".join(" " if c.isspace() else c for c in seen)
    return unicodedata.normalize("NFC", " ".join(plain.split()))


_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ATTRIBUTE = r"\s+[\w:.-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"'=]+)"
_INLINE = re.compile(
    r"</?(?:i|b|u|em|strong|sub|sup|sc|scp|small|big|tt|span|font|a|italic|bold|monospace|roman|sans-serif|underline|inf"
    r"|inline-formula|alternatives|tex-math|named-content|styled-content|xref|ext-link|(?:jats|mml|m|xhtml):[A-Za-z-]+|math"
    rf"|m(?:i|n|o|row|sub|sup|subsup|text|style|frac|over|under|sqrt|space))(?:{_ATTRIBUTE})*\s*/?>",
    re.IGNORECASE,
)
_BLOCK = re.compile(rf"</?(?:p|br|div|li|ul|ol|h[1-6]|title|sec|break)(?:{_ATTRIBUTE})*\s*/?>", re.IGNORECASE)


def plain(text: object) -> str:
    """`text` tidied, without the HTML and XML that registries put into it: ``A &amp; <i>B</i>`` is ``A & B``."""
    text = str(text)
    if "&" in text or "<" in text:
        for _ in range(8):  # some registries escape twice, and what an entity stands for may be a tag
            before = text
            text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
            text = _INLINE.sub("", _BLOCK.sub(" ", text))
            if text == before:
                break
    return tidy(text)


def plain_title(title: str) -> str:
    """A title for comparing: no accents, no capitals, no punctuation."""
    if title.isascii():
        return " ".join(re.findall(r"[^\W_]+", title.lower()))
    letters = unicodedata.normalize("NFKD", title).casefold()
    letters = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", letters))


# -- identifiers ---------------------------------------------------------------------------------------------------------

_ARXIV_NEW = r"\d{4}\.\d{4,5}"
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga|funct-an"
    "|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph|q-alg|q-bio"
    "|quant-ph|solv-int|supr-con"
)
_ARXIV_OLD = rf"(?:{_ARCHIVES})(?:\.[A-Za-z]+(?:-[A-Za-z]+)?)?/\d{{7}}"
_ANY_ARXIV = rf"({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?"
_ARXIV = re.compile(rf"(?:arxiv\s*[:.]?\s*)?(?:abs/)?{_ANY_ARXIV}(?:\s*[\[(][^\])]*[\])])?", re.IGNORECASE)
_ARXIV_ADDRESS = re.compile(
    r"(?:https?://)?(?:[a-z-]+\.)?(?:arxiv\.org|alphaxiv\.org|ar5iv\.org|ar5iv\.labs\.arxiv\.org|huggingface\.co/papers"
    rf"|doi\.org/10\.48550)/(?:abs|pdf|html|ps|format|e-print|overview|arxiv\.)?/?{_ANY_ARXIV}(?:\.pdf)?(?:[/?#].*)?",
    re.IGNORECASE,
)
_ARXIV_DOI = re.compile(rf"10\.48550/arxiv\.{_ANY_ARXIV}", re.IGNORECASE)
_ARXIV_WITHIN = re.compile(
    r"(?<![A-Za-z])(?:arxiv|corr)(?:\.org)?(?:[\s:,.()\[/-]+(?:e-?prints?|preprints?|abs|pdf|html|arxiv)\b)*[\s:,.()\[/]+"
    rf"{_ANY_ARXIV}(?![\d.]*\d)",
    re.IGNORECASE,
)
_ARXIV_VENUE = re.compile(
    r"(?:arxiv(?:\.org)?|corr|computing research repository)(?:[\s:,]*(?:e-?prints?|preprints?|abs|arxiv|cornell university))*"
    r"[\s:,]*(?:[\[(][^\])]*[\])])?",
    re.IGNORECASE,
)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/[^\s{}\\\"]+")
_DOI_BEFORE = re.compile(
    r"^(?:(?:https?://)?(?:[\w.-]*\.)?doi[\w-]*\.(?:org|[\w.-]+)/(?:doi/)?|(?:info|urn):\s*doi[:/]\s*|\[?doi\]?\s*[:=]?\s*)",
    re.IGNORECASE,
)


def arxiv_id(text: object) -> str | None:
    """The arXiv id that `text` *is* (an id, ``arXiv:...``, an address of the paper, its DOI), without a version.

    >>> arxiv_id("https://arxiv.org/pdf/1706.03762v7.pdf"), arxiv_id("hep-th/9901001v3"), arxiv_id("10.48550/arXiv.2405.21060")
    ('1706.03762', 'hep-th/9901001', '2405.21060')
    """
    text = unquote(tidy(text)).strip("<>()., ")
    found = _ARXIV.fullmatch(text) or _ARXIV_ADDRESS.fullmatch(text) or _ARXIV_DOI.fullmatch(_bare_doi(text))
    return _canonical_arxiv(found[1]) if found else None


def arxiv_within(text: object) -> str | None:
    """The arXiv id that `text` mentions as one, such as ``arXiv preprint arXiv:1706.03762``."""
    found = _ARXIV_WITHIN.search(str(text)) or _ARXIV_DOI.search(str(text))
    return _canonical_arxiv(found[1]) if found else None


def _canonical_arxiv(id: str) -> str:
    """Small letters; the subject class that old ids sometimes carry (``math.GT/0309136``) says nothing."""
    return re.sub(r"\.[a-z-]+/", "/", id.lower())


def doi(text: object) -> str | None:
    """The DOI that `text` is, in small letters (DOIs know no capitals), from ``10.…``, ``doi:10.…`` or an address.

    >>> doi("https://doi.org/10.1162/NECO.1997.9.8.1735")
    '10.1162/neco.1997.9.8.1735'
    """
    text = unquote(_bare_doi(tidy(text))).strip("<>").rstrip(".,;")
    if text.endswith(")") and text.count(")") > text.count("("):
        text = text[:-1]
    found = _DOI.fullmatch(text)
    return found[0].lower() if found else None


def _bare_doi(text: str) -> str:
    """`text` without what people and programs write before a DOI, more than one of them included (``doi: https://doi.org/``)."""
    for _ in range(3):
        before, text = text, _DOI_BEFORE.sub("", text)
        if text == before:
            break
    return text


def _address(text: object) -> str | None:
    """An address, with what neither TeX nor the web takes written as %XX."""
    text = tidy(text).strip("<>").replace("&amp;", "&")
    if not re.match(r"(?:https?|ftp)://[^\s/]", text, re.IGNORECASE):
        return None
    return "".join(f"%{ord(c):02X}" if c in '{}\\"^`|<> ' else c for c in text)


# -- names ---------------------------------------------------------------------------------------------------------------

_COLLECTIVE = re.compile(
    r"\b(?:team|collaboration|consortium|group|foundation|committee|institute|university|labs?|inc\.?)$", re.I
)
SUFFIX = re.compile(r"(?:jr|sr)\.?|[IV]{2,4}", re.IGNORECASE)
OTHERS = {"others", "et al", "et al.", "and others"}
ET_AL = re.compile(r"(?<=\S)(?: and|,)? et\.? al\.?$", re.IGNORECASE)
"""How a list of authors ends that goes on."""


@dataclass(frozen=True)
class Name:
    """An author. One who has no given name is a collective (``Gemma Team``) or goes by one name (``Plato``).

    Particles belong to the family name: ``Name("van Merriënboer", "Bart")``.
    """

    family: str
    given: str = ""
    suffix: str = ""

    def __post_init__(self) -> None:
        family, given, suffix = (
            re.sub(r"[{}]", "", plain(part)).strip(",; ") for part in (self.family, self.given, self.suffix)
        )
        if not given and suffix:
            family, suffix = f"{family} {suffix}".strip(), ""
        if not family:
            family, given = f"{given} {suffix}".strip(), ""
            suffix = ""
        for field, value in (("family", family), ("given", given), ("suffix", suffix)):
            object.__setattr__(self, field, value)

    def __bool__(self) -> bool:
        return bool(self.family)

    @property
    def plain(self) -> str:
        """For people: ``Bart van Merriënboer``."""
        return " ".join(part for part in (self.given, self.family, self.suffix) if part)

    def __str__(self) -> str:
        """As `read_name` reads it: the plain form wherever that says the same, else ``van Merriënboer, Bart`` or ``{A Team}``."""
        if read_name(self.plain) == self:
            return self.plain
        if not self.given:
            return f"{{{self.family}}}"
        return self.inverted

    @property
    def inverted(self) -> str:
        """``van Merriënboer, Bart`` or ``Davis, Jr., Sammy``; a comma that belongs to a part is kept in braces."""
        family, given, suffix = (
            f"{{{part}}}" if "," in part else part for part in (self.family, self.given, self.suffix)
        )
        if not given:
            return family
        return f"{family}, {suffix}, {given}" if suffix or SUFFIX.fullmatch(given) else f"{family}, {given}"


def read_name(text: object) -> Name:
    """A name as people and BibTeX write it: ``First von Last``, ``von Last, First``, ``von Last, Jr., First``, ``{A Team}``."""
    text = tidy(text)
    if text.startswith("{") and text.find("}") == len(text) - 1:
        return Name(text[1:-1])
    parts = [part.strip() for part in re.split(r",(?![^{}]*\})", text)]
    if len(parts) == 2 and SUFFIX.fullmatch(parts[1]):  # Sammy Davis, Jr.
        name = read_name(parts[0])
        return Name(name.family, name.given, parts[1]) if name.given else Name(parts[0], parts[1])
    if len(parts) > 2:
        return Name(parts[0], ", ".join(parts[2:]), parts[1])
    if len(parts) == 2:
        return Name(parts[0], parts[1])
    return name_of_words(text.split())


def name_of_words(words: Sequence[str], whole: Collection[int] = ()) -> Name:
    """A name written as ``First von Last``; the words whose places are in `whole` stood in braces and are no particles."""
    words, whole = list(words), set(whole)
    if len(words) > 2 and re.fullmatch(r"\d{4}", words[-1]):  # DBLP numbers people of one name: Wei Wang 0001
        words.pop()
    particle = [n not in whole and word[:1].islower() for n, word in enumerate(words)]
    if len(words) < 2 or (_COLLECTIVE.search(" ".join(words)) and len(words) - 1 not in whole) or particle[0]:
        return Name(" ".join(words))
    suffix = words.pop() if len(words) > 2 and SUFFIX.fullmatch(words[-1]) and len(words) - 1 not in whole else ""
    cut = next((n for n in range(1, len(words) - 1) if particle[n]), len(words) - 1)
    return Name(" ".join(words[cut:]), " ".join(words[:cut]), suffix)


# -- the record ----------------------------------------------------------------------------------------------------------

KINDS = ("article", "conference", "preprint", "book", "chapter", "thesis", "report", "other")
"""What a paper is, as far as formats tell them apart."""

_JOURNAL = re.compile(
    r"journal|transactions|letters|\b(?:jmlr|tmlr|tacl|nature|science|neural computation|neurocomputing|ai open)\b"
    r"|review|expert systems",
    re.IGNORECASE,
)


def guess_kind(venue: str | None, arxiv: str | None) -> str:
    """The kind of a paper of which only this is known."""
    if venue and _JOURNAL.search(venue):
        return "article"
    if venue and re.search(r"(?:19|20)\d\d|proceedings|conference|workshop|symposium", venue, re.IGNORECASE):
        return "conference"
    return "preprint" if arxiv else "other"


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One paper. Every record is canonical: making one tidies what it is given.

    Attributes:
        key: Names it everywhere: the note's file, BibTeX, the command line. Letters, digits and ``_.+-``.
        others: Whether the list of authors goes on ("et al.").
        kind: One of `KINDS`.
        venue: Where it appeared: a journal, proceedings, a university.
        arxiv: Its id, without a version. `doi`: in small letters. `url`: only where it is neither of these two.
        topics: Ids of the path's topics it belongs to.
        links: More addresses it is known by, or how they begin; not exported.
        citekey: What the learner's own bibliography calls it, where `key` cannot be the same; "" where it is. Exports use it.
        protected: Words of the title that the learner's BibTeX kept in braces, where nothing else shows that they have to be.
        says: What it says, in a sentence of ours; `read_closely`: what to read closely in it; `in_code`: where it is in our
            code, each ``FILE:NAME, what is to be seen there``. Only shipped papers have these; `bare` has none of it.
    """

    key: str
    title: str
    authors: tuple[Name, ...] = ()
    others: bool = False
    year: int | None = None
    kind: str = ""
    venue: str | None = None
    arxiv: str | None = None
    doi: str | None = None
    url: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    publisher: str | None = None
    topics: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    citekey: str = ""
    protected: tuple[str, ...] = ()
    says: str = ""
    read_closely: str = ""
    in_code: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = lambda field, value: object.__setattr__(self, field, value)  # noqa: E731
        put("key", good_key(self.key))
        citekey = re.sub(r"[\s{}()\"#%',=\\~@]|[^\x21-\x7e]", "", self.citekey)[:120]
        put("citekey", "" if citekey == self.key or not re.search(r"[A-Za-z]", citekey) else citekey)
        put("title", plain(self.title))
        put("protected", tuple(words for words in map(tidy, self.protected) if words and words in self.title))
        authors = [name for name in self.authors if name]
        while authors and not authors[-1].given and authors[-1].family.lower() in OTHERS:
            authors.pop()
            put("others", True)
        put("authors", tuple(authors))
        put("others", bool(self.others and authors))
        put("year", self.year if self.year and 1000 <= self.year <= 2999 else None)
        for field in ("venue", "volume", "issue", "publisher"):
            put(field, plain(getattr(self, field) or "") or None)
        pages = re.sub(r"\s*[-\u2010-\u2015]+\s*", "-", plain(self.pages or "")).strip("-")
        put("pages", pages or None)
        number = arxiv_id(self.arxiv or "") or arxiv_id(self.doi or "") or arxiv_id(self.url or "")
        if self.venue and (mention := arxiv_within(self.venue)):
            number = number or mention
            put("venue", None)
            here = True
        elif here := bool(self.venue and _ARXIV_VENUE.fullmatch(self.venue)):
            put("venue", None)
        for field in ("volume", "issue", "pages"):  # journal ArXiv, volume abs/1706.03762; issue arXiv:1706.03762
            value = getattr(self, field) or ""
            if mention := arxiv_id(value) if here or "/" in value else arxiv_within(value):
                number = number or mention
                put(field, None)
        put("arxiv", number)
        found = doi(self.doi or "") or doi(self.url or "")
        put("doi", None if found and _ARXIV_DOI.fullmatch(found) else found)
        url = _address(self.url or "")
        put("url", None if url and (arxiv_id(url) or doi(url)) else url)
        if self.publisher and self.publisher.lower() in ("arxiv", "arxiv.org"):
            put("publisher", None)
        kind = self.kind if self.kind in KINDS else guess_kind(self.venue, self.arxiv)
        if (kind == "other" and self.arxiv) or (kind == "article" and self.arxiv and not self.venue):
            kind = "preprint"
        put("kind", kind)
        put("topics", tuple(dict.fromkeys(topic for topic in map(good_key, self.topics) if topic)))

    @property
    def places(self) -> list[tuple[str, str, str]]:
        """`in_code` taken apart: file, name of the function or class in it, and what is to be seen there."""
        found = [re.fullmatch(r"([^:,]+):([\w.]+)(?:, (.+))?", text) for text in self.in_code]
        return [(place[1], place[2], place[3] or "") for place in found if place]

    @property
    def bare(self) -> Paper:
        """The record alone, without what only Headway's own papers have: the guide to it, and more addresses."""
        return dataclasses.replace(self, says="", read_closely="", in_code=(), links=())

    @property
    def cite(self) -> str:
        """The key it has in a bibliography: the learner's own, else `key`."""
        return self.citekey or self.key

    @property
    def who(self) -> str:
        """``Vaswani et al.``; ``?`` where nobody is named."""
        names = [name.family for name in self.authors]
        if not names:
            return "?"
        if len(names) == 1:
            return names[0] + (" et al." if self.others else "")
        return f"{names[0]} and {names[1]}" if len(names) == 2 and not self.others else f"{names[0]} et al."

    @property
    def short(self) -> str:
        """``Vaswani et al. 2017``."""
        return f"{self.who} {self.year}" if self.year else self.who

    @property
    def link(self) -> str | None:
        """Where it can be read: arXiv, else the DOI, else its address."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    def filled(self, other: Paper) -> Paper:
        """This record with what it lacks taken from `other`; what it says itself stays."""
        new = {}
        for field in dataclasses.fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if field.name not in ("key", "kind", "others", "topics", "protected") and mine in (None, (), "") and theirs:
                new[field.name] = theirs
        if "authors" in new:
            new["others"] = other.others
        if not self.protected and other.protected and self.title == other.title:
            new["protected"] = other.protected
        if self.kind in ("other", "preprint") and other.kind != "other" and new.get("venue"):
            new["kind"] = other.kind
        topics = tuple(dict.fromkeys((*self.topics, *other.topics)))
        return dataclasses.replace(self, **new, topics=topics)


def good_key(key: object) -> str:
    """`key` with letters, digits and ``_.+-`` only, so that it is a file's name everywhere and BibTeX takes it."""
    letters = unicodedata.normalize("NFKD", str(key))
    return (
        re.sub(r"[^A-Za-z0-9_.+-]+", "-", "".join(c for c in letters if not unicodedata.combining(c)))
        .strip("-.")[:80]
        .strip("-.")
    )


_SMALL_WORDS = {"a", "an", "the", "on", "of", "for", "in", "and", "to", "with", "from", "by", "at", "is", "are"}


def made_key(record: Paper) -> str:
    """A key for a record that came without one: ``vaswani2017attention``."""
    family = good_key(record.authors[0].family).lower() if record.authors else ""
    family = re.sub(r"[^a-z0-9]", "", family)
    words = [word for word in plain_title(record.title).split() if word not in _SMALL_WORDS]
    word = re.sub(r"[^a-z0-9]", "", words[0]) if words else ""
    return f"{family}{record.year or ''}{word}"[:60] or "paper"


class Keys:
    """Keys that are taken, capitals aside (some disks know none)."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {key.lower() for key in taken}
        self._next: dict[str, int] = {}

    def free(self, key: str) -> str:
        """`key`, or the first of ``key-2``, ``key-3``, ... that no other has; it is taken from now on."""
        low = key.lower()
        n, found = self._next.get(low, 2), key
        while found.lower() in self._taken:
            found, n = f"{key}-{n}", n + 1
        self._next[low] = n
        self._taken.add(found.lower())
        return found
