"""Unigram language model tokenization, as in T5, ALBERT and SentencePiece.

Kudo, "Subword Regularization" (2018, arXiv 1804.10959), section 3.2.

    text -> normalized -> spaces written as ▁, split before each -> the most probable sequence of pieces -> ids

Every piece has a log-probability, pieces are independent, and a word is cut where the sum is largest (Viterbi). Training
turns it round: start with too many pieces, fit their probabilities by expectation maximisation, throw out those whose
loss costs least, and repeat until the vocabulary has its size.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

import regex

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.files import write_text
from headway.base.reading import read_json
from headway.tokens.added import AddedTokens
from headway.tokens.unicode import Form, lower, normal, well_formed

SPACE = "▁"
LONG_WORD = 1000  # characters; training cuts longer words, whose lattice would not fit into memory
UNKNOWN_PENALTY = 10.0  # how much worse an unknown character is than the worst piece

Prepend = Literal["always", "first", "never"]
Edge = tuple[int, int, str]  # a piece and the positions that it joins

_NMT_REMOVED = regex.compile(r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]")
_NMT_SPACES = regex.compile(r"[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]")
_BYTE = regex.compile(r"<0x([0-9A-Fa-f]{2})>")

# The normalisation steps that tokenizer files name.
STEPS = {
    **{form: lambda text, form=form: normal(form, text) for form in get_args(Form)},
    "Nmt": lambda text: _NMT_SPACES.sub(" ", _NMT_REMOVED.sub("", text)),
    "OneSpace": lambda text: regex.sub(" {2,}", " ", text),
    "Lowercase": lower,
}


def lattice(word: str, pieces: Mapping[str, float | None], longest: int) -> Iterator[list[tuple[int, str]]]:
    """For each position of `word`, the pieces that start there, shortest first, as ``(end, piece)``.

    `pieces` also maps every beginning of a piece, to None where that is no piece itself, so that the search stops early.
    """
    for start in range(len(word)):
        found = []
        for end in range(start + 1, min(start + longest, len(word)) + 1):
            piece = word[start:end]
            if piece not in pieces:
                break
            if pieces[piece] is not None:
                found.append((end, piece))
        yield found


def with_beginnings(scores: Mapping[str, float]) -> dict[str, float | None]:
    """`scores`, and None for every beginning of a piece that is no piece."""
    pieces: dict[str, float | None] = {}
    for piece in scores:
        for end in range(1, len(piece)):
            pieces.setdefault(piece[:end], None)
    pieces.update(scores)
    return pieces


def viterbi(word: str, pieces: Mapping[str, float | None], longest: int, unknown: float) -> list[str | None]:
    """The pieces of `word` whose scores have the largest sum, in order; None for a character that is unknown.

    A character that is no piece costs `unknown`. Of equal sums the one whose last piece starts first. Linear in the
    length of the word for pieces of bounded length.
    """
    best = [0.0] + [-math.inf] * len(word)  # best[i]: the largest sum of a cut of word[:i] ...
    start_of: list[int] = [-1] * (len(word) + 1)  # ... where its last piece starts ...
    last: list[str | None] = [None] * (len(word) + 1)  # ... and which it is.
    for start, found in enumerate(lattice(word, pieces, longest)):
        so_far = best[start]
        for end, piece in found:
            if start_of[end] < 0 or so_far + cast(float, pieces[piece]) > best[end]:
                best[end], start_of[end], last[end] = so_far + cast(float, pieces[piece]), start, piece
        if not (found and found[0][0] == start + 1) and (start_of[start + 1] < 0 or so_far + unknown > best[start + 1]):
            best[start + 1], start_of[start + 1], last[start + 1] = so_far + unknown, start, None
    cut: list[str | None] = []
    end = len(word)
    while end > 0:
        cut.append(last[end])
        end = start_of[end]
    return cut[::-1]


def expected_counts(edges: Sequence[Edge], length: int, scores: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """How often each piece is expected in one word, over all cuts by their probability, and the word's log-probability.

    The E step, by the forward-backward algorithm in logarithms, so that a long word does not underflow. `edges` are the
    pieces that occur in the word, by start; `length` is the word's.
    """
    arriving: list[list[tuple[int, float]]] = [[] for _ in range(length + 1)]
    leaving: list[list[tuple[int, float]]] = [[] for _ in range(length + 1)]
    for start, end, piece in edges:
        arriving[end].append((start, scores[piece]))
        leaving[start].append((end, scores[piece]))
    forward = [0.0] + [-math.inf] * length  # the log-probability of all cuts of word[:i]
    backward = [-math.inf] * length + [0.0]  # ... and of word[i:]
    for i in range(1, length + 1):
        forward[i] = _log_sum([forward[j] + score for j, score in arriving[i]])
    for i in range(length - 1, -1, -1):
        backward[i] = _log_sum([backward[j] + score for j, score in leaving[i]])
    total = forward[length]
    counts: dict[str, float] = {}
    for start, end, piece in edges:
        share = math.exp(forward[start] + scores[piece] + backward[end] - total)
        counts[piece] = counts.get(piece, 0.0) + share
    return counts, total


def _log_sum(terms: list[float]) -> float:
    """The logarithm of the sum of exponentials."""
    largest = max(terms, default=-math.inf)
    if largest == -math.inf:
        return largest
    return largest + math.log(sum([math.exp(term - largest) for term in terms]))


def frequent_substrings(words: Mapping[str, int], longest: int) -> Counter[str]:
    """How often each substring of two to `longest` characters occurs in the words, for those that occur twice or more.

    Length by length: what occurs once has no longer substring that occurs twice.
    """
    counts: Counter[str] = Counter()
    places = [(word, start, times) for word, times in words.items() for start in range(len(word))]
    for length in range(2, longest + 1):
        grown: Counter[str] = Counter()
        places = [place for place in places if place[1] + length <= len(place[0])]
        for word, start, times in places:
            grown[word[start : start + length]] += times
        places = [(word, start, times) for word, start, times in places if grown[word[start : start + length]] > 1]
        if not places:
            break
        counts.update({piece: n for piece, n in grown.items() if n > 1})
    return counts


class Unigram:
    """A unigram tokenizer.

    `vocab` lists pieces with their scores (log-probabilities), in the order of the ids; `unknown` is the id of what no
    piece covers, or None if that is an error. `bytes_for_unknown` writes unknown characters as their UTF-8 bytes
    (``<0xE2>``) where the vocabulary has them. `steps` normalise the text, by the names of `STEPS`; `prepend` puts a
    space before every text (``"always"``: before every stretch between special tokens), so that a word is the same piece
    at the start and in the middle; `split_words` cuts before each space, so that no piece crosses one.
    """

    def __init__(
        self,
        vocab: Sequence[tuple[str, float]],
        *,
        unknown: int | None = 0,
        bytes_for_unknown: bool = False,
        steps: Sequence[str] = (),
        prepend: Prepend = "always",
        split_words: bool = True,
        specials: Mapping[str, int] | AddedTokens | None = None,
    ) -> None:
        self.vocab = [(piece, float(score)) for piece, score in vocab]
        if unknown is not None and not 0 <= unknown < len(self.vocab):
            raise HeadwayError(f"unknown={unknown} is no id of this vocabulary of {len(self.vocab)} pieces")
        if strange := [step for step in steps if step not in STEPS]:
            raise Unsupported(f"the normalisation step {strange[0]!r} is not among {', '.join(STEPS)}")
        self.unknown, self.bytes_for_unknown = unknown, bytes_for_unknown
        self.steps, self.prepend, self.split_words = tuple(steps), prepend, split_words
        tokens = specials.tokens if isinstance(specials, AddedTokens) else specials or {}
        self.added = AddedTokens(tokens, self.normalize)
        self._ids = {piece: i for i, (piece, _) in enumerate(self.vocab)}
        self._pieces = with_beginnings({piece: score for piece, score in self.vocab if piece})
        plain = {piece: score for piece, score in self.vocab if piece and piece not in self.added.ids}
        self._plain_pieces = with_beginnings(plain)
        self._longest = max((len(piece) for piece, _ in self.vocab), default=0)
        self._unknown_score = min((score for _, score in self.vocab), default=0.0) - UNKNOWN_PENALTY
        self._tokens = {i: piece for i, (piece, _) in enumerate(self.vocab)} | {i: t for t, i in self.added.ids.items()}

    @property
    def vocab_size(self) -> int:
        """The number of rows that an embedding needs: the largest id + 1."""
        return max(self._tokens, default=-1) + 1

    @property
    def specials(self) -> dict[str, int]:
        return self.added.ids

    def token(self, i: int) -> str:
        """The piece of an id."""
        try:
            return self._tokens[int(i)]
        except KeyError:
            raise HeadwayError(f"id {int(i)} is not in this vocabulary of {self.vocab_size} pieces") from None

    def words(self, text: str, *, first: bool = True) -> list[str]:
        """The text normalised and cut into the words that are cut into pieces. `first`: it starts the whole text."""
        return self._cut(self.normalize(text), first and self._starts(text))

    def normalize(self, text: str) -> str:
        """The text after the normalisation steps."""
        for step in self.steps:
            text = STEPS[step](text)
        return text

    def _starts(self, text: str) -> bool:
        """Whether what is left of `text` starts it: not so where its first character is taken out, they say."""
        return not ("Nmt" in self.steps and _NMT_REMOVED.match(text))

    def _cut(self, text: str, first: bool) -> list[str]:
        text = text.replace(" ", SPACE)
        if not text:
            return []
        if not text.startswith(SPACE) and (self.prepend == "always" or (self.prepend == "first" and first)):
            text = SPACE + text
        if not self.split_words:
            return [text]
        starts = [i for i, c in enumerate(text) if c == SPACE or i == 0]
        return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]

    def encode(self, text: str, *, specials: bool = True) -> list[int]:
        """The ids of `text`, without any end-of-text token.

        Special tokens in the text become their ids; with ``specials=False`` they are text like any other.
        """
        text = well_formed(text)
        ids: list[int] = []
        known: dict[str, list[int]] = {}
        first = self._starts(text)
        for part, added in self.added.split(text) if specials else [(self.normalize(text), None)]:
            if added is not None:
                ids.append(added)
            else:
                for word in self._cut(part, first):
                    if word not in known:
                        known[word] = self.encode_word(word, specials=specials)
                    ids += known[word]
            first = False
        return ids

    def encode_word(self, word: str, *, specials: bool = True) -> list[int]:
        """The ids of one word; neighbouring unknown characters are one unknown."""
        pieces = self._pieces if specials else self._plain_pieces
        ids: list[int] = []
        start = end = 0  # word[start:end] is unknown
        for piece in [*viterbi(word, pieces, self._longest, self._unknown_score), ""]:
            i = self.unknown if piece is None else self._ids.get(piece)
            if piece is None or (piece and i == self.unknown):
                end += len(piece) if piece else 1
                continue
            if start < end:
                ids += self._encode_unknown(word[start:end])
            if i is not None and piece:
                ids.append(i)
            start = end = end + len(piece)
        return ids

    def _encode_unknown(self, text: str) -> list[int]:
        if (i := self._ids.get(text)) is not None:
            return [i]
        if self.bytes_for_unknown:
            ids = [self._ids.get(f"<0x{byte:02X}>") for byte in text.encode()]
            if None not in ids:
                return cast("list[int]", ids)
        if self.unknown is None:
            raise HeadwayError(f"no piece covers {text[:20]!r} and this vocabulary has no unknown; give it one")
        return [self.unknown]

    def decode(self, ids: Iterable[int], *, specials: bool = True) -> str:
        """The text of `ids`, without the space that was put before it."""
        return "".join(self.stream(ids, specials=specials))

    def stream(self, ids: Iterable[int], *, specials: bool = True) -> Iterator[str]:
        """The text of `ids`, piece by piece as they come; pieces that are bytes wait for the end of their run."""
        hidden = frozenset() if specials else self.added.special_ids
        pending, first = b"", self.prepend != "never"
        for i in ids:
            if i in hidden:
                continue
            token = self.token(i)
            if self.bytes_for_unknown and (byte := _BYTE.fullmatch(token)):
                pending += bytes.fromhex(byte[1])
                continue
            if pending:
                yield _utf8(pending)
                pending, first = b"", False
            text = token.replace(SPACE, " ")
            yield text[1:] if first and text.startswith(" ") else text
            first = False
        if pending:
            yield _utf8(pending)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        *,
        specials: Sequence[str] = ("<unk>",),
        longest: int = 16,
        seed_size: int | None = None,
        keep: float = 0.75,
        **options: Any,
    ) -> Unigram:
        """Learn a vocabulary of `vocab_size` pieces: `specials`, the first of them the unknown, then by falling score.

        It starts from all characters and the substrings (up to `longest` characters) that cover most text, `seed_size`
        of them (20 times the vocabulary, unless given). Then, in turn: two EM steps, and out go the pieces whose removal
        costs the likelihood least, until `keep` of them, or the vocabulary, is left. Characters always stay. `options`
        are those of the class. The vocabulary is smaller where the texts hold fewer pieces.
        """
        if isinstance(texts, str):
            raise HeadwayError("train takes a list of texts, not one text; write [text]")
        if not specials:
            raise HeadwayError("specials is empty; its first is the unknown piece, as in specials=['<unk>']")
        splitter = cls([("", 0.0)], **options)
        words: Counter[str] = Counter()
        for text in texts:
            for word in splitter.words(well_formed(text)):
                words.update(word[i : i + LONG_WORD] for i in range(0, len(word), LONG_WORD))
        characters: Counter[str] = Counter()
        for word, times in words.items():
            for c in word:
                characters[c] += times
        target = vocab_size - len(specials)
        if target < len(characters):
            raise HeadwayError(
                f"vocab_size={vocab_size} is too small; the characters and special tokens alone are "
                f"{len(characters) + len(specials)}"
            )

        found = frequent_substrings(words, longest)
        by_cover = sorted(found, key=lambda piece: (-found[piece] * len(piece), piece))
        size = max(target, 20 * vocab_size if seed_size is None else seed_size)
        seeds = {piece: found[piece] for piece in by_cover[: size - len(characters)] if piece not in specials}
        scores = _log_shares({**characters, **seeds})
        while True:
            counts: dict[str, float] = {}
            for _ in range(2):
                counts, _ = em_counts(words, scores)
                scores = _log_shares(counts)
            if len(scores) <= target:
                break
            size = max(target, int(keep * len(scores)))
            scores = _log_shares(_prune(counts, scores, size))
        final = _log_shares({piece: max(count, 0.5) for piece, count in counts.items()})  # half seen: not impossible
        pieces = sorted(final.items(), key=lambda item: (-item[1], item[0]))
        vocab = [(token, 0.0) for token in specials] + pieces
        return cls(vocab, unknown=0, specials={token: i for i, token in enumerate(specials)}, **options)

    def save(self, folder: Path | str) -> None:
        """Write tokenizer.json, which other libraries read."""
        write_text(Path(folder) / "tokenizer.json", json.dumps(self.to_json(), ensure_ascii=False, indent=2))

    def to_json(self) -> dict[str, Any]:
        """The content of a tokenizer.json, as `tokenizers` reads it."""
        steps: list[dict[str, Any]] = [
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "} if step == "OneSpace" else {"type": step}
            for step in self.steps
        ]
        space = {
            "type": "Metaspace",
            "replacement": SPACE,
            "prepend_scheme": self.prepend,
            "split": self.split_words,
        }
        both = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, space]}
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": self.added.to_json(),
            "normalizer": {"type": "Sequence", "normalizers": steps} if steps else None,
            "pre_tokenizer": space,
            "post_processor": None,
            "decoder": both if self.bytes_for_unknown else space,
            "model": {
                "type": "Unigram",
                "unk_id": self.unknown,
                "vocab": [[piece, score] for piece, score in self.vocab],
                "byte_fallback": self.bytes_for_unknown,
            },
        }

    @classmethod
    def load(cls, path: Path | str) -> Unigram:
        """Read a tokenizer.json, or a folder with one."""
        path = Path(path)
        return cls.from_json(read_json(path / "tokenizer.json" if path.is_dir() else path))

    @classmethod
    def from_json(cls, content: Any) -> Unigram:
        """From the content of a tokenizer.json."""
        if not isinstance(content, dict) or not isinstance(model := content.get("model"), dict):
            raise Corrupt("the tokenizer file is no JSON object with a 'model'")
        if model.get("type", "Unigram") != "Unigram":
            raise Unsupported(f"the model of this tokenizer is {model['type']}, not Unigram; use the class for that")
        space = content.get("pre_tokenizer") or {}
        if space.get("type") != "Metaspace" or space.get("replacement", SPACE) != SPACE:
            raise Unsupported(f"the pre-tokenizer of this tokenizer is {space.get('type')}, not Metaspace")
        try:
            pieces = [(piece, float(score)) for piece, score in cast(Any, model.get("vocab"))]
            good = all(isinstance(piece, str) and math.isfinite(score) for piece, score in pieces)
        except (TypeError, ValueError):
            good, pieces = False, []
        if not good:
            raise Corrupt("'vocab' of the tokenizer file is no list of pieces and scores; fetch it again")
        return cls(
            pieces,
            unknown=model.get("unk_id"),
            bytes_for_unknown=bool(model.get("byte_fallback")),
            steps=_read_steps(content.get("normalizer")),
            prepend=space.get("prepend_scheme", "always"),
            split_words=space.get("split", True),
            specials=AddedTokens.from_json(content.get("added_tokens")),
        )

    def __repr__(self) -> str:
        return f"Unigram({self.vocab_size} pieces)"


def em_counts(words: Mapping[str, int], scores: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """The expected count of each piece of `scores` over all words (with how often they occur), and their log-likelihood."""
    pieces, longest = with_beginnings(scores), max(map(len, scores))
    counts = dict.fromkeys(scores, 0.0)
    likelihood = 0.0
    for word, times in words.items():
        edges = [(i, end, piece) for i, found in enumerate(lattice(word, pieces, longest)) for end, piece in found]
        expected, total = expected_counts(edges, len(word), scores)
        likelihood += times * total
        for piece, count in expected.items():
            counts[piece] += times * count
    return counts, likelihood


def _log_shares(counts: Mapping[str, float]) -> dict[str, float]:
    """The M step: the logarithm of each piece's share. A count that underflowed to 0 keeps the smallest there is."""
    total = math.log(sum(counts.values()) or 1.0)
    return {piece: math.log(max(count, 1e-300)) - total for piece, count in counts.items()}


def _prune(counts: Mapping[str, float], scores: Mapping[str, float], size: int) -> dict[str, float]:
    """The `size` pieces whose removal would cost most, with their counts; characters always among them.

    Without a piece, its occurrences fall to the best cut of it that is left: the cost is its count times the difference
    in log-probability.
    """
    pieces = with_beginnings(scores)
    longest = max(map(len, scores))
    cost: dict[str, float] = {}
    for piece, count in counts.items():
        if len(piece) == 1:
            continue
        pieces[piece] = None
        rest = viterbi(piece, pieces, longest, -math.inf)
        pieces[piece] = scores[piece]
        cost[piece] = count * (scores[piece] - sum(scores[part] for part in rest if part is not None))
    dearest = sorted(cost, key=lambda piece: (-cost[piece], piece))
    kept = [piece for piece in counts if len(piece) == 1]
    return {piece: counts[piece] for piece in [*kept, *dearest[: size - len(kept)]]}


def _read_steps(normalizer: Any) -> list[str]:
    """The names of the normalisation steps of a tokenizer.json."""
    if normalizer is None:
        return []
    steps = normalizer.get("normalizers", []) if normalizer.get("type") == "Sequence" else [normalizer]
    names = []
    for step in steps:
        name = step.get("type")
        if name == "Replace" and step.get("content") == " " and step.get("pattern") == {"Regex": " {2,}"}:
            name = "OneSpace"
        if name not in STEPS:
            raise Unsupported(f"the normaliser {name} is not among {', '.join(STEPS)}")
        names.append(name)
    return names


def _utf8(data: bytes) -> str:
    """Bytes as text; where they are no UTF-8, U+FFFD for each of them."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "\ufffd" * len(data)
