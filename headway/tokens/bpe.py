"""Byte-level byte pair encoding, as in GPT-2, Llama 3 and SmolLM.

Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units" (2015, arXiv 1508.07909), over bytes
as in Radford et al., "Language Models are Unsupervised Multitask Learners" (2019).

    text -> split by a regular expression into words -> bytes -> merged pair by pair, the earliest learned first -> ids

Every text is bytes and every byte is a symbol, so nothing is unknown.
"""

from __future__ import annotations

import codecs
import functools
import heapq
import json
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast, get_args

import regex

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.files import write_text
from headway.base.reading import read_json, read_text
from headway.tokens.added import AddedTokens
from headway.tokens.tokenizer import Tokenizer
from headway.tokens.unicode import Form, as_of_16, normal, well_formed

Pair = tuple[int, int]

# GPT-2's split: an English ending; letters, digits or other signs, each with at most one space before them; white space,
# whose last character is left to the word that follows.
GPT2_SPLIT = r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def _printable_bytes() -> list[str]:
    """A visible character for every byte, so that tokens can be written to text files.

    GPT-2's choice: the printable characters of Latin-1 stand for themselves, the others follow from U+0100 on.
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(0x100, 0x200))
    return [chr(byte if byte in visible else next(hidden)) for byte in range(256)]


BYTE_TO_CHAR = _printable_bytes()
CHAR_TO_BYTE = {c: byte for byte, c in enumerate(BYTE_TO_CHAR)}


def to_chars(data: bytes) -> str:
    """Bytes as the vocabulary files write them: ``b" a"`` is ``"Ġa"``."""
    return "".join([BYTE_TO_CHAR[byte] for byte in data])


def to_bytes(token: str) -> bytes:
    """What a token of the files stands for; one with a character that stands for no byte (an added token) is its UTF-8."""
    try:
        return bytes([CHAR_TO_BYTE[c] for c in token])
    except KeyError:
        return token.encode()


def split(text: str, pattern: str) -> Iterator[str]:
    """Cut `text` into the matches of `pattern` and what lies between them; nothing is lost, nothing empty returned.

    `text` has no lone surrogates.
    """
    start = 0
    for found in _compiled(pattern).finditer(as_of_16(text)):
        a, b = found.span()
        if start < a:
            yield text[start:a]
        if a < b:
            yield text[a:b]
        start = b
    if start < len(text):
        yield text[start:]


@functools.cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise HeadwayError(f"the split pattern {pattern!r} is no regular expression: {error}") from None


def learn_merges(
    words: Iterable[tuple[Sequence[int], int]],
    names: list[str],
    size: int,
    *,
    min_count: int = 0,
    join: Callable[[str, str], str] = operator.add,
) -> list[Pair]:
    """Learn merges (Algorithm 1 of Sennrich et al.) until there are `size` symbols or no pair is left.

    `words` holds each distinct word once, as symbol ids, with how often it occurs. `names` holds the symbols' names and
    grows by one for each merge. The most frequent pair of neighbours is merged everywhere; **of equally frequent pairs the
    one with the smaller ids, left id first**. Overlaps count (``aaa`` has two pairs) and are merged from the left.

    All words lie in one doubly linked list; a merge visits only the places where its pair occurs and corrects the counts
    of the neighbours. So the time grows with the number of merges carried out, not with text times merges, and one word
    of a megabyte costs as much as a megabyte of words.
    """
    symbol: list[int] = []
    before: list[int] = []
    after: list[int] = []
    weight: list[int] = []
    for word, times in words:
        start, end = len(symbol), len(symbol) + len(word)
        if start == end:
            continue
        symbol += word
        before += [-1, *range(start, end - 1)]
        after += [*range(start + 1, end), -1]
        weight += [times] * len(word)

    count: defaultdict[Pair, int] = defaultdict(int)
    places: defaultdict[Pair, list[int]] = defaultdict(list)
    for i, j in enumerate(after):
        if j >= 0:
            pair = (symbol[i], symbol[j])
            count[pair] += weight[i]
            places[pair].append(i)

    ids = {name: i for i, name in enumerate(names)}
    queue = [(-n, pair) for pair, n in count.items()]
    heapq.heapify(queue)
    merges: list[Pair] = []
    while queue and len(ids) < size:
        n, pair = heapq.heappop(queue)
        now = count.get(pair, 0)
        if -n != now:  # its neighbours were merged since it was queued
            if now > 0:
                heapq.heappush(queue, (-now, pair))
            continue
        if now < max(1, min_count):
            break
        left, right = pair
        name = join(names[left], names[right])
        new = ids.setdefault(name, len(names))  # an added token of this name keeps its id
        if new == len(names):
            names.append(name)
        merges.append(pair)

        born: set[Pair] = set()
        for i in sorted(places.pop(pair)):
            j = after[i]
            if j < 0 or symbol[i] != left or symbol[j] != right:  # taken by an earlier merge, or by an overlap
                continue
            h, k, times = before[i], after[j], weight[i]
            symbol[i], symbol[j] = new, -1
            after[i] = k
            if h >= 0:
                count[symbol[h], left] -= times
                count[symbol[h], new] += times
                places[symbol[h], new].append(h)
                born.add((symbol[h], new))
            if k >= 0:
                before[k] = i
                count[right, symbol[k]] -= times
                count[new, symbol[k]] += times
                places[new, symbol[k]].append(i)
                born.add((new, symbol[k]))
        del count[pair]
        for pair in born:
            if count[pair] > 0:
                heapq.heappush(queue, (-count[pair], pair))
    return merges


class BPE(Tokenizer):
    """A byte-level BPE tokenizer.

    `vocab` maps tokens, written with a visible character per byte, to ids; `merges` lists the pairs in the order in which
    they were learned; `specials` are taken out of the text whole. `splits` are the patterns that cut the text into words,
    one after the other. `whole_words`: a word that is a token is taken as it is, merges or not (Llama 3).

    >>> tokenizer = BPE.train(["low low low lower lowest"], 260)
    >>> [tokenizer.token(i) for i in tokenizer.encode("slow")]
    ['s', 'low']
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        merges: Sequence[tuple[str, str]],
        *,
        specials: Mapping[str, int] | AddedTokens | None = None,
        splits: Sequence[str] = (GPT2_SPLIT,),
        normal_form: Form | None = None,
        prefix_space: bool = False,
        whole_words: bool = False,
    ) -> None:
        self.vocab = dict(vocab)
        self.merges = list(merges)
        self.normal_form = normal_form
        self.added = AddedTokens(
            specials.tokens if isinstance(specials, AddedTokens) else specials or {}, self.normalize
        )
        self.splits = tuple(splits)
        self.prefix_space = prefix_space
        self.whole_words = whole_words

        self._tokens = {i: token for token, i in self.vocab.items()} | {i: t for t, i in self.added.ids.items()}
        if min(self._tokens, default=0) < 0:
            raise HeadwayError(f"the vocabulary has the negative id {min(self._tokens)}; ids count from 0")
        self._bytes_of: dict[int, bytes] = {}
        self._byte_ids = [self.vocab.get(c) for c in BYTE_TO_CHAR]
        self._made: list[int] = []
        self._rank: dict[Pair, int] = {}
        for rank, (left, right) in enumerate(self.merges):
            try:
                pair = self.vocab[left], self.vocab[right]
                self._made.append(self.vocab[left + right])
            except KeyError as error:
                token = error.args[0]
                raise Corrupt(
                    f"merge {rank} ({left!r}, {right!r}) needs {token!r}, which the vocabulary lacks"
                ) from None
            self._rank[pair] = rank
        self._known: dict[str, list[int]] = {}

    @property
    def vocab_size(self) -> int:
        """The number of rows that an embedding needs: the largest id + 1."""
        return max(self._tokens, default=-1) + 1

    @property
    def specials(self) -> dict[str, int]:
        return self.added.ids

    @property
    def special_ids(self) -> frozenset[int]:
        return self.added.special_ids

    def token(self, i: int) -> str:
        """The token of an id, as the vocabulary files write it."""
        try:
            return self._tokens[int(i)]
        except KeyError:
            raise HeadwayError(f"id {int(i)} is not in this vocabulary of {self.vocab_size} tokens") from None

    def encode(self, text: str, *, special: bool = True, recognise: bool = True) -> list[int]:
        """The ids of `text`.

        Special tokens in the text become their ids; without `recognise` they are text like any other, which is what
        words of a stranger should be. A lone surrogate is no character and is encoded as U+FFFD. Linearithmic in the
        length of the longest word.
        """
        text = well_formed(text)
        ids: list[int] = []
        parts = self.added.split(text) if recognise else [(self.normalize(text), None)] if text else []
        for part, added in parts:
            if added is not None:
                ids.append(added)
                continue
            for word in self._cut(part):
                if (known := self._known.get(word)) is None:
                    known = self._encode_word(word)
                    if len(word) < 64:
                        if len(self._known) >= 100_000:
                            self._known.clear()
                        self._known[word] = known
                ids += known
        return self.checked(ids)

    def normalize(self, text: str) -> str:
        """The text in the normal form, if there is one."""
        return normal(self.normal_form, text) if self.normal_form else text

    def words(self, text: str) -> list[str]:
        """What the split patterns make of a text: merges never reach across two of these."""
        return self._cut(self.normalize(text))

    def _cut(self, text: str) -> list[str]:
        if self.prefix_space and not text.startswith(" "):
            text = " " + text
        words = [text]
        for pattern in self.splits:
            words = [piece for word in words for piece in split(word, pattern)]
        return words

    def _encode_word(self, word: str) -> list[int]:
        data = word.encode()
        if self.whole_words and (whole := self.vocab.get(to_chars(data))) is not None:
            return [whole]
        ids: list[int] = []
        for byte in data:
            if (i := self._byte_ids[byte]) is None:
                raise HeadwayError(
                    f"this vocabulary has no token for the byte 0x{byte:02X}, so {word[:20]!r} cannot be encoded; "
                    "train it again with all 256 bytes in its first alphabet"
                )
            ids.append(i)
        return self.merge(ids)

    def merge(self, ids: list[int]) -> list[int]:
        """Merge the symbols of one word: always the pair that was learned first, of several such the leftmost.

        The pairs wait in a heap and the symbols stand in a linked list, so n symbols take O(n log n).
        """
        rank_of, made = self._rank, self._made
        n = len(ids)
        symbol = [*ids]
        before, after = list(range(-1, n - 1)), list(range(1, n + 1))
        queue = [rank_of[pair] * n + i for i, pair in enumerate(pairwise(ids)) if pair in rank_of]
        heapq.heapify(queue)
        while queue:
            rank, i = divmod(heapq.heappop(queue), n)
            j = after[i]
            now = rank_of.get((symbol[i], symbol[j])) if j < n else None
            if now is None or made[now] != made[rank]:  # one of the two was merged since
                continue
            symbol[i], symbol[j] = made[rank], -1
            after[i] = k = after[j]
            if k < n:
                before[k] = i
                if (rank := rank_of.get((symbol[i], symbol[k]), -1)) >= 0:
                    heapq.heappush(queue, rank * n + i)
            h = before[i]
            if h >= 0 and (rank := rank_of.get((symbol[h], symbol[i]), -1)) >= 0:
                heapq.heappush(queue, rank * n + h)
        return [i for i in symbol if i >= 0]

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of `ids`, special tokens left out unless `special`; bytes that are no UTF-8 become U+FFFD."""
        return "".join(self.pieces(ids, special=special))

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [self._tokens.get(int(i), "") for i in ids]

    def id_of(self, token: str) -> int | None:
        return self.added.ids.get(token, self.vocab.get(token))

    def pieces(self, ids: Iterable[int], *, special: bool = False) -> Iterator[str]:
        """The text of `ids` as they come: a character whose bytes are spread over tokens waits for the last of them."""
        pending = codecs.getincrementaldecoder("utf-8")("replace")
        hidden = frozenset() if special else self.special_ids
        for i in ids:
            if i in hidden:
                continue
            if (data := self._bytes_of.get(i)) is None:
                data = self._bytes_of[i] = to_bytes(self.token(i))
            if text := pending.decode(data):
                yield text
        if text := pending.decode(b"", final=True):
            yield text

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        *,
        min_count: int = 0,
        specials: Sequence[str] = (),
        splits: Sequence[str] = (GPT2_SPLIT,),
    ) -> BPE:
        """Learn a vocabulary of `vocab_size` tokens: `specials` first, then the 256 bytes, then merges.

        Equal to `tokenizers`' BpeTrainer with ByteLevel's alphabet: ties go to the smaller ids. A pair that occurs less
        than `min_count` times is not merged; the vocabulary is smaller where the text runs out of pairs.
        """
        names = [*dict.fromkeys([*specials, *sorted(BYTE_TO_CHAR)])]
        if vocab_size < len(names):
            raise HeadwayError(
                f"vocab_size={vocab_size} is too small; the bytes and special tokens alone are {len(names)}"
            )
        if isinstance(texts, str):
            raise HeadwayError("train takes a list of texts, not one text; write [text]")
        splitter = cls({}, [], splits=splits)
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(splitter.words(well_formed(text)))
        byte_id = {byte: i for i, c in enumerate(names) if (byte := CHAR_TO_BYTE.get(c)) is not None}
        words = [([byte_id[byte] for byte in word.encode()], n) for word, n in counts.items()]
        pairs = learn_merges(words, names, vocab_size, min_count=min_count)
        merges = [(names[left], names[right]) for left, right in pairs]
        vocab = {name: i for i, name in enumerate(names)}
        return cls(vocab, merges, specials={token: vocab[token] for token in specials}, splits=splits)

    def save(self, folder: Path | str) -> None:
        """Write tokenizer.json, and a tokenizer_config.json that says to take it as it stands."""
        folder = Path(folder)
        write_text(folder / "tokenizer.json", json.dumps(self.to_json(), ensure_ascii=False))
        write_text(folder / "tokenizer_config.json", '{"tokenizer_class": "PreTrainedTokenizerFast"}\n')

    def save_pair(self, folder: Path | str) -> None:
        """Write vocab.json and merges.txt, the older form, without the split patterns and special tokens."""
        folder = Path(folder)
        vocab = dict(sorted(self.vocab.items(), key=lambda item: item[1]))
        merges = "".join(f"{left} {right}\n" for left, right in self.merges)
        write_text(folder / "vocab.json", json.dumps(vocab, ensure_ascii=False))
        write_text(folder / "merges.txt", "#version: 0.2\n" + merges)

    def to_json(self) -> dict[str, Any]:
        """The content of a tokenizer.json, as `tokenizers` reads it."""
        byte_level = {
            "type": "ByteLevel",
            "add_prefix_space": self.prefix_space,
            "trim_offsets": True,
            "use_regex": True,
        }
        steps: list[dict[str, Any]] = []
        if self.splits[-1:] == (GPT2_SPLIT,):
            splits = self.splits[:-1]
        else:
            splits, byte_level["use_regex"] = self.splits, False
        for pattern in splits:
            steps.append({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False})
        steps.append(byte_level)
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": self.added.to_json(),
            "normalizer": {"type": self.normal_form} if self.normal_form else None,
            "pre_tokenizer": steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps},
            "post_processor": None,
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": self.whole_words,
                "vocab": dict(sorted(self.vocab.items(), key=lambda item: item[1])),
                "merges": [[left, right] for left, right in self.merges],
            },
        }

    @classmethod
    def load(cls, path: Path | str) -> BPE:
        """Read a tokenizer.json, or a folder with one, or a folder with vocab.json and merges.txt.

        Of the pair of files, an entry that is neither a byte nor made by a merge is taken for a special token
        (``<|endoftext|>``).
        """
        path = Path(path)
        if path.is_dir():
            if not (path / "tokenizer.json").exists():
                return cls._load_pair(path / "vocab.json", path / "merges.txt")
            path = path / "tokenizer.json"
        return cls.from_json(read_json(path))

    @classmethod
    def _load_pair(cls, vocab_path: Path, merges_path: Path) -> BPE:
        vocab = as_vocab(read_json(vocab_path), str(vocab_path))
        lines = read_text(merges_path).split("\n")
        rows = [line.rstrip("\r") for line in lines if line.rstrip("\r")]
        if rows and rows[0].startswith("#version"):
            rows = rows[1:]
        merges = _as_merges(rows)
        made = {left + right for left, right in merges} | set(BYTE_TO_CHAR)
        return cls(vocab, merges, specials={token: i for token, i in vocab.items() if token not in made})

    @classmethod
    def from_json(cls, content: Any) -> BPE:
        """From the content of a tokenizer.json."""
        if not isinstance(content, dict) or not isinstance(model := content.get("model"), dict):
            raise Corrupt("the tokenizer file is no JSON object with a 'model'")
        if model.get("type", "BPE") != "BPE":
            raise Unsupported(f"the model of this tokenizer is {model['type']}, not BPE; use the class for that")
        for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
            if model.get(option):
                raise Unsupported(f"{option}={model[option]!r}: this is byte-level BPE, which has no such thing")
        normal_form = (content.get("normalizer") or {}).get("type")
        if normal_form not in (None, *get_args(Form)):
            raise Unsupported(f"the normalizer {normal_form} is not among {', '.join(get_args(Form))}")
        splits, prefix_space = _read_pre_tokenizer(content.get("pre_tokenizer"))
        return cls(
            as_vocab(model.get("vocab"), "'vocab' of the tokenizer file"),
            _as_merges(model.get("merges")),
            specials=AddedTokens.from_json(content.get("added_tokens")),
            splits=splits,
            normal_form=cast("Form | None", normal_form),
            prefix_space=prefix_space,
            whole_words=bool(model.get("ignore_merges")),
        )

    def __repr__(self) -> str:
        return f"BPE({self.vocab_size} tokens, {len(self.merges)} merges)"


def _read_pre_tokenizer(step: Any) -> tuple[list[str], bool]:
    """The split patterns of a pre_tokenizer, and whether a space is put before the text."""
    steps = step.get("pretokenizers", []) if isinstance(step, dict) and step.get("type") == "Sequence" else [step]
    splits: list[str] = []
    for position, step in enumerate(steps):
        kind = step.get("type") if isinstance(step, dict) else None
        if kind == "ByteLevel" and position == len(steps) - 1:
            if step.get("use_regex", True):
                splits.append(GPT2_SPLIT)
            if step.get("add_prefix_space") and len(steps) > 1:
                raise Unsupported("a space before each piece of a split text (add_prefix_space) is not done here")
            return splits, bool(step.get("add_prefix_space"))
        if kind == "Digits":
            splits.append(r"\p{N}" if step.get("individual_digits") else r"\p{N}+")
        elif kind == "Split" and step.get("behavior") == "Isolated" and not step.get("invert"):
            pattern = step.get("pattern", {})
            splits.append(pattern["Regex"] if "Regex" in pattern else regex.escape(pattern["String"]))
        else:
            raise Unsupported(f"the pre-tokenizer {kind} is not among ByteLevel (last), Split (isolated) and Digits")
    raise Unsupported("the pre-tokenizer does not end in ByteLevel, so this is no byte-level BPE")


def as_vocab(content: Any, where: str) -> dict[str, int]:
    """`content` if it is a vocabulary: an object of tokens and their different ids."""
    good = isinstance(content, dict) and all(type(i) is int and i >= 0 for i in content.values())
    if not good:
        raise Corrupt(f"{where} is no object of tokens and ids; fetch it again")
    if len(set(content.values())) < len(content):
        twice = Counter(content.values()).most_common(1)[0][0]
        raise Corrupt(f"{where} gives the id {twice} to two tokens; fetch it again")
    return content


def _as_merges(rows: Any) -> list[tuple[str, str]]:
    """Merges written as ``"a b"`` or ``["a", "b"]``."""
    pairs = [row.split(" ") if isinstance(row, str) else row for row in rows] if isinstance(rows, list) else [None]
    for i, pair in enumerate(pairs):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(half, str) for half in pair)):
            raise Corrupt(f"merge {i} of the tokenizer's file is no pair of tokens; fetch it again")
    return [(left, right) for left, right in pairs]
