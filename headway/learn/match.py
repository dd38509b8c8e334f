"""Which topics a line of the plan is about. The rules are data (course/path.toml); the result can be corrected by hand.

A line is read as words and addresses. Of the rules that hit the same words the one covering more words wins; a topic's
weak rules count only where no topic has a strong one. A word with two meanings (LoRa is a radio as well) counts only in the
company that path.toml asks for. A line made of nothing but words like "read the paper" belongs to
what it stands under; a task that says nothing itself takes the topics of the plain bullets beneath it. A line that
nothing matches stays with the learner.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from headway.base.errors import HeadwayError
from headway.base.files import write_text
from headway.base.reading import read_json_object
from headway.learn.path import Path, Rules, the_path
from headway.learn.plan import Item, Key, Plan, mend
from headway.learn.workspace import Workspace

LONGEST = 2000
"""Characters of a line that are looked at."""

_MORE_THAN_READING = {
    "implement", "implementation", "implementing", "code", "coding", "build", "building", "train", "training", "reproduce",
    "reproducing", "run", "running", "exercise", "finetune", "replicate", "program", "write", "port",
}  # fmt: skip
"""Words of lines that ask for more than reading a paper."""


@dataclass(frozen=True)
class Match:
    """The topics of one line, in the order of the path, and why.

    Attributes:
        topics: Ids; empty where the line is left to the learner.
        reasons: For each topic the rule that hit, for people: ``"retention"``, ``arXiv 2307.08621``, ``title of retnet``.
        source: ``rules``, ``above`` (inherited), ``beneath`` (taken from notes), ``yours`` (corrected), ``nothing``.
        papers: Keys of the papers that the line is: it gives their titles or addresses, and asks for nothing but reading.
        unseen: Whether the line asks for something that Headway does not see done.
    """

    topics: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    source: str = "nothing"
    papers: tuple[str, ...] = ()
    unseen: bool = False

    @property
    def why(self) -> str:
        """The reasons in one line, each once."""
        return "; ".join(dict.fromkeys(self.reasons))


@dataclass(frozen=True)
class _Hit:
    topic: str
    why: str
    start: int = -1
    end: int = -1
    title: bool = False
    whole: bool = False


# -- a line as words and addresses ---------------------------------------------------------------------------------------

_COMMENT = re.compile(r"<!--.*?-->|<(?!https?:)/?[a-zA-Z][^<>]*>")
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?([^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+[^)]*)?\)")
_WIKI = re.compile(r"!?\[\[([^\[\]|#]*)(?:#([^\[\]|]*))?(?:\|([^\[\]]*))?\]\]")
_REFERENCE = re.compile(r"\[([^\[\]]+)\](?:\[([^\[\]]*)\])?(?![(:])")
_FIELD = re.compile(r"[\[(][\w -]+::[^\])]*[\])]")
_DATE = re.compile(r"(?:[^\w\s]\ufe0f?\s*)?\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?\b")
_BLOCK_ID = re.compile(r"\s\^[\w-]+\s*$")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"]+"
    r"|(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|ai|edu|dev|school|nl|co|gov|uk|de|fr|in|cn)(?![\w.-])(?:/[^\s<>\"]*)?",
    re.IGNORECASE,
)
_ARXIV = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5})(?:v\d+)?(?![\d.]*\d)")
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]+")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class LineWords:
    """A line taken apart: its words in lower case, its addresses, and its text without them."""

    words: tuple[str, ...]
    links: tuple[str, ...]
    text: str

    @property
    def cut(self) -> bool:
        """Whether the text ends in dots, as a title does that was cut short."""
        return self.text.endswith(("...", "…"))


def take_apart(text: str, references: Mapping[str, str] | None = None) -> LineWords:
    """Split Markdown into words and addresses; `references` are the addresses of ``[text][label]`` links."""
    links: list[str] = []

    def link(found: re.Match[str]) -> str:
        links.append(found[2])
        return f" {found[1]} "

    def reference(found: re.Match[str]) -> str:
        label = found[2] or found[1]
        if address := (references or {}).get(label.casefold()):
            links.append(address)
        return f" {found[1]} "

    def bare(found: re.Match[str]) -> str:
        address = found[0].rstrip(".,;:!?'\"*_")
        if address.count(")") > address.count("("):
            address = address.rstrip(")")
        links.append(address)
        return " "

    text = _COMMENT.sub(" ", mend(text[:LONGEST]))
    text = _IMAGE.sub(r" \1 ", text)
    text = _LINK.sub(link, text)
    text = _FIELD.sub(" ", _BLOCK_ID.sub(" ", text))
    text = _WIKI.sub(r" \1 \2 \3 ", text)
    text = _REFERENCE.sub(reference, text)
    text = _ADDRESS.sub(bare, text)
    text = _DATE.sub(" ", text)
    return LineWords(tuple(_WORD.findall(text.lower())), tuple(links), text.strip())


def _stem(word: str) -> str:
    """A plural like its singular; nothing cleverer, so that a rule can be predicted by reading it."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _stems(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(_stem(word) for word in words)


def _split(text: str) -> tuple[str, ...]:
    return _stems(_WORD.findall(text.lower()))


def _bare_address(link: str) -> str:
    """Without protocol, www. and closing slash; the host in lower case."""
    link = re.sub(r"^(?:https?:)?//", "", link.strip(), flags=re.IGNORECASE)
    host, slash, rest = link.partition("/")
    host = host.lower().removeprefix("www.")
    return (host + slash + rest).split("#")[0].rstrip("/")


# -- the matcher ---------------------------------------------------------------------------------------------------------


class Matcher:
    """The rules of a path, prepared. Build it once per run; `line` is cheap."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._generic = set(_stems(path.generic))
        self._phrases: dict[bool, dict[tuple[str, ...], list[tuple[str, str]]]] = {True: {}, False: {}}
        self._patterns: dict[bool, list[tuple[str, re.Pattern[str]]]] = {True: [], False: []}
        self._lines: dict[bool, dict[tuple[str, ...], list[tuple[str, str]]]] = {True: {}, False: {}}
        self._links: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        self._ids: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        self._titles: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self._arxiv: dict[str, list[tuple[str, str]]] = {}
        self._doi: dict[str, list[tuple[str, str]]] = {}
        for topic in path.topics.values():
            for strong, rules in ((True, topic.strong), (False, topic.weak)):
                self._add(topic.id, strong, rules)
            self._add(topic.id, True, Rules(lines=(topic.title, topic.id, *topic.also)))
            for key in topic.papers:
                paper = path.papers[key]
                reason = (topic.id, f"title of {key}")
                self._titles.setdefault(_split(paper.title), []).append(reason)
                head = _split(paper.title.partition(":")[0])
                if ":" in paper.title and len(head) >= 3:
                    self._titles.setdefault(head, []).append(reason)
                if paper.arxiv:
                    self._arxiv.setdefault(paper.arxiv, []).append((topic.id, f"arXiv {paper.arxiv}"))
                if paper.doi:
                    self._doi.setdefault(paper.doi.lower(), []).append((topic.id, f"DOI of {key}"))
                for link in paper.links:
                    self._links[True].append((topic.id, link))
        self._field = {stem for word in path.field for stem in _split(word)}
        self._two_meanings = {
            _split(word): (
                re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, one.certain))})(?!\w)") if one.certain else None,
                {stem for other in one.other for stem in _split(other)},
                one.company,
            )
            for one in path.two_meanings
            for word in one.words
        }
        self._longest = max(map(len, [*self._phrases[True], *self._phrases[False], *self._titles]), default=0)

    def _add(self, topic: str, strong: bool, rules: Rules) -> None:
        for phrase in rules.phrases:
            self._phrases[strong].setdefault(_split(phrase), []).append((topic, f"“{phrase}”"))
        for pattern in rules.patterns:
            self._patterns[strong].append((topic, re.compile(rf"(?<!\S)(?:{pattern})(?!\S)")))
        for line in rules.lines:
            if told := self._told(_split(line)):
                self._lines[strong].setdefault(told, []).append((topic, f"the whole line, “{line}”"))
        self._links[strong] += [(topic, link) for link in rules.links]
        self._ids[strong] += [(topic, id) for id in rules.ids]

    def _told(self, stems: tuple[str, ...]) -> tuple[str, ...]:
        """What a line says once the words that only say what to do are gone; numbers say nothing either."""
        return tuple(stem for stem in stems if stem not in self._generic and not stem.isdecimal())

    def line(self, text: str, references: Mapping[str, str] | None = None, *, within: bool = False) -> Match:
        """The match of one line by its own words and addresses; `within` says that what it stands under is of this field."""
        line = take_apart(text, references)
        for strong in (True, False):
            if hits := self._meant(self._hits(line, strong), line, within):
                found = self._match(hits, "rules")
                return self._with_the_rest(found, line.text, within) if strong else found
        return Match()

    def _with_the_rest(self, found: Match, text: str, within: bool) -> Match:
        """For a line that begins with a title, `found`, and what stands behind a plus: ``Attention Is All You Need + BERT``."""
        head, plus, rest = text.partition(" + ")
        stems = _split(head)
        if not plus or not self._opening(stems, self._title_hits(stems, cut=False)):
            return found
        more = self.line(rest, within=within)
        reasons = dict(zip((*more.topics, *found.topics), (*more.reasons, *found.reasons), strict=True))
        topics = self.path.sorted(reasons)
        return dataclasses.replace(found, topics=tuple(topics), reasons=tuple(reasons[topic] for topic in topics))

    def _meant(self, hits: list[_Hit], line: LineWords, within: bool) -> list[_Hit]:
        """The hits without those on words that mean something else in this line."""
        stems = _stems(line.words)
        doubtful = {
            hit: self._two_meanings[stems[hit.start : hit.end]]
            for hit in hits
            if hit.start >= 0 and not hit.title and not hit.whole and stems[hit.start : hit.end] in self._two_meanings
        }
        if not doubtful:
            return hits
        sure = {hit.topic for hit in hits if hit not in doubtful}
        places = {place for hit in hits if hit.start >= 0 for place in range(hit.start, hit.end)}
        beside = [stem for n, stem in enumerate(stems) if n not in places]
        unknown = [stem for stem in self._told(tuple(beside)) if stem not in self._field]
        known = within or any(stem in self._field for stem in beside) or bool(line.links)

        def meant(hit: _Hit) -> bool:
            if hit not in doubtful:
                return True
            certain, other, company = doubtful[hit]
            if hit.topic in sure or (certain is not None and certain.search(line.text)):
                return True
            if not other.isdisjoint(stems):
                return False
            return not company or known or not unknown

        return [hit for hit in hits if meant(hit)]

    def papers(self, text: str, references: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """The keys of the papers that a line *is*: it begins with their titles, or all its addresses are theirs."""
        line = take_apart(text, references)
        stems = _stems(line.words)
        if not _MORE_THAN_READING.isdisjoint(stems):
            return ()
        titles = self._title_hits(stems, line.cut)
        if opening := self._opening(stems, titles):
            found = [hit.why.partition(",")[0].removeprefix("title of ") for hit in opening]
        elif line.links:
            found = [key for link in line.links for key in (self._paper_at(link),)]
        else:
            found = [self._paper_at(word) for word in (*_ARXIV.findall(line.text), *_DOI.findall(line.text))]
        keys = [key for key in found if key]
        return tuple(dict.fromkeys(keys)) if len(keys) == len(found) else ()

    def _paper_at(self, address: str) -> str | None:
        """The key of the paper at an address, arXiv id or DOI."""
        ids = _ARXIV.findall(address)
        names = [found.lower().rstrip(".,;)") for found in _DOI.findall(unquote(address))]
        bare = _bare_address(address)
        for paper in self.path.papers.values():
            if (paper.arxiv and paper.arxiv in ids) or (paper.doi and paper.doi.lower() in names):
                return paper.key
            if any(_begins(bare, _bare_address(link)) for link in paper.links):
                return paper.key
        return None

    def unseen(self, text: str, topics: Iterable[str]) -> bool:
        """Whether the line asks, in one of `topics`, for what Headway does not see done."""
        sentence = " ".join(take_apart(text).words)
        return any(
            re.search(rf"(?<!\S)(?:{pattern})(?!\S)", sentence)
            for id in topics
            for pattern in self.path.topics[id].unseen
        )

    def says_nothing(self, text: str, references: Mapping[str, str] | None = None) -> bool:
        """Whether a line only says what to do ("read the paper") or is a bare address; an empty line is neither."""
        line = take_apart(text, references)
        return bool(line.words or line.links) and not self._told(_stems(line.words))

    def _match(self, hits: Iterable[_Hit], source: str) -> Match:
        reasons: dict[str, str] = {}
        for hit in hits:
            reasons.setdefault(hit.topic, hit.why)
        topics = self.path.sorted(reasons)
        return Match(tuple(topics), tuple(reasons[topic] for topic in topics), source)

    def _hits(self, line: LineWords, strong: bool) -> list[_Hit]:
        stems = _stems(line.words)
        found = self._phrase_hits(stems, strong)
        sentence = " ".join(line.words)
        for topic, pattern in self._patterns[strong]:
            for hit in pattern.finditer(sentence):
                start = sentence.count(" ", 0, hit.start())
                found.append(_Hit(topic, f"“{hit[0]}”", start, start + hit[0].count(" ") + 1))
        if told := self._told(stems):
            found += [_Hit(topic, why, 0, len(stems), whole=True) for topic, why in self._lines[strong].get(told, [])]
        if strong:
            titles = self._title_hits(stems, line.cut)
            if opening := self._opening(stems, titles):
                return opening
            found += titles
            for text in (line.text, *line.links):
                for id in _ARXIV.findall(text):
                    found += [_Hit(topic, why) for topic, why in self._arxiv.get(id, [])]
                for doi in _DOI.findall(text):
                    found += [_Hit(topic, why) for topic, why in self._doi.get(doi.lower().rstrip(".,;)"), [])]
        found = _longest_first(found) + self._link_hits(line.links, strong)
        if not found and not strong:
            # The words of an address, for what they are worth: .../blog/how-lora-works.
            for link in line.links:
                path = unquote(_bare_address(link).partition("/")[2])
                hits = self._phrase_hits(_split(path), True)
                found += [_Hit(hit.topic, f"{hit.why} in the address") for hit in _longest_first(hits)]
        return found

    def _phrase_hits(self, stems: tuple[str, ...], strong: bool) -> list[_Hit]:
        table = self._phrases[strong]
        return [
            _Hit(topic, why, start, start + size)
            for start in range(len(stems))
            for size in range(1, min(self._longest, len(stems) - start) + 1)
            for topic, why in table.get(stems[start : start + size], [])
        ]

    def _title_hits(self, stems: tuple[str, ...], cut: bool) -> list[_Hit]:
        found = [
            _Hit(topic, why, start, start + size, title=True)
            for start in range(len(stems))
            for size in range(2, min(self._longest, len(stems) - start) + 1)
            for topic, why in self._titles.get(stems[start : start + size], [])
        ]
        if cut and len(stems) >= 5:
            for title, topics in self._titles.items():
                whole, last = stems[:-1], stems[-1]
                if title[: len(whole)] == whole and len(title) > len(whole) and title[len(whole)].startswith(last):
                    found += [_Hit(topic, f"{why}, cut short", 0, len(stems), title=True) for topic, why in topics]
        return found

    def _opening(self, stems: tuple[str, ...], titles: list[_Hit]) -> list[_Hit]:
        """The titles that a line begins with, or a list of them: nothing that follows changes what such a line is about."""
        out: list[_Hit] = []
        at = 0
        while True:
            here = [
                hit
                for hit in titles
                if hit.start >= at and hit.end - hit.start >= 3 and not self._told(stems[at : hit.start])
            ]
            if not here:
                return out
            first = min(here, key=lambda hit: (hit.start, -hit.end))
            out += [hit for hit in here if (hit.start, hit.end) == (first.start, first.end)]
            at = first.end

    def _link_hits(self, links: Iterable[str], strong: bool) -> list[_Hit]:
        found: list[_Hit] = []
        for link in links:
            bare = _bare_address(link)
            best: list[tuple[int, _Hit]] = []
            for topic, rule in self._links[strong]:
                exact, prefix = rule.endswith("$"), _bare_address(rule.removesuffix("$"))
                if bare == prefix or (not exact and _begins(bare, prefix)):
                    best.append((len(prefix), _Hit(topic, f"address {prefix}")))
            longest = max((size for size, _ in best), default=0)
            found += [hit for size, hit in best if size == longest]
            found += [_Hit(topic, f"address with {id}") for topic, id in self._ids[strong] if id in link]
        return found


def _begins(link: str, prefix: str) -> bool:
    """Whether `link` begins with `prefix`, whole hosts and capitals aside: github.com/x is not github.community/x."""
    if not link.lower().startswith(prefix.lower()):
        return False
    return "/" in prefix or link[len(prefix) : len(prefix) + 1] in ("", "/", "?")


def _longest_first(hits: list[_Hit]) -> list[_Hit]:
    """The hits that do not overlap a longer one, or an earlier one of the same length; equal spans stay together."""
    spans = sorted({(hit.start, hit.end) for hit in hits if hit.start >= 0}, key=lambda s: (s[0] - s[1], s[0]))
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if all(end <= other_start or start >= other_end for other_start, other_end in kept):
            kept.append((start, end))
    return [hit for hit in hits if hit.start < 0 or (hit.start, hit.end) in kept]


@functools.cache
def the_matcher() -> Matcher:
    """The matcher of the path that Headway ships."""
    return Matcher(the_path())


def match_plan(
    plan: Plan, corrections: Mapping[Key, tuple[str, ...]] | None = None, matcher: Matcher | None = None
) -> list[Match]:
    """The match of every item of the plan, headings included, by `Item.index`."""
    matcher = matcher or the_matcher()
    by_hand: dict[int, tuple[str, ...]] = {}
    for key, topics in (corrections or {}).items():
        if (item := plan.locate(key)) is not None:
            by_hand[item.index] = topics
    out: list[Match] = []
    for item in plan.items:
        text = f"{item.text} {item.more}".strip()
        if item.index in by_hand:
            topics = tuple(matcher.path.sorted(by_hand[item.index]))
            out.append(Match(topics, ("set by you",) * len(topics), "yours"))
            continue
        above = item.parent is not None and bool(out[item.parent].topics)
        own = matcher.line(text, plan.references, within=above)
        if not own.topics and item.parent is not None and matcher.says_nothing(text, plan.references):
            parent = out[item.parent]
            if parent.topics:
                own = Match(parent.topics, (f"like line {plan.items[item.parent].line} above it",), "above")
        if not own.topics and text and (notes := _notes(plan, item)):
            hits = [
                _Hit(topic, f"{why}, line {note.line}")
                for note in notes
                for found in [matcher.line(f"{note.text} {note.more}", plan.references, within=above)]
                for topic, why in zip(found.topics, found.reasons, strict=True)
            ]
            if hits:
                own = matcher._match(hits, "beneath")
        if own.topics:
            papers, unseen = matcher.papers(text, plan.references), matcher.unseen(text, own.topics)
            own = dataclasses.replace(own, papers=papers, unseen=unseen) if papers or unseen else own
        out.append(own)
    return out


def _notes(plan: Plan, item: Item) -> list[Item]:
    """The plain bullets beneath a task that has no tasks beneath it."""
    if item.kind != "task":
        return []
    beneath = list(plan.beneath(item))
    return [] if any(below.kind == "task" for below in beneath) else beneath


# -- corrections ---------------------------------------------------------------------------------------------------------


def corrections_file(workspace: Workspace):
    """Where corrections lie."""
    return workspace.marks / "matches.json"


def read_corrections(workspace: Workspace, path: Path | None = None) -> dict[Key, tuple[str, ...]]:
    """What the learner corrected, by line. Topics that no longer exist are passed over.

    Raises HeadwayError where the file cannot be read as such: it is the learner's, and not guessed at.
    """
    file = corrections_file(workspace)
    path = path or the_path()
    if not file.exists():
        return {}
    try:
        rows = read_json_object(file, then="mend it, or remove it")["matches"]
        found: dict[Key, tuple[str, ...]] = {}
        for row in rows:
            key = Key.from_facts(row)
            topics = row["topics"]
            if key is None or not isinstance(topics, list):
                raise TypeError
            found[key] = tuple(topic for topic in topics if topic in path.topics)
        return found
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise HeadwayError(
            f"{file} cannot be read ({type(error).__name__}): mend it, or delete it to go back to Headway's own matching."
        ) from None


def correct(workspace: Workspace, key: Key, topics: Iterable[str] | None) -> None:
    """Remember that the line known by `key` is about `topics` (none: an empty list; None: ask the rules again)."""
    found = read_corrections(workspace)
    if topics is None:
        found.pop(key, None)
    else:
        found[key] = tuple(topics)
    rows = [{**known.facts(), "topics": list(chosen)} for known, chosen in found.items()]
    write_text(corrections_file(workspace), json.dumps({"matches": rows}, indent=1, ensure_ascii=False) + "\n")
