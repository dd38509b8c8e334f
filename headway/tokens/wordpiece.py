"""WordPiece, as in BERT.

Wu et al., "Google's Neural Machine Translation System" (2016, arXiv 1609.08144), section 4.1; Devlin et al., "BERT" (2018,
arXiv 1810.04805).

    text -> cleaned, lower case, accents off -> split at white space and punctuation -> longest token first -> ids

A word is cut greedily: the longest token it starts with, then the longest continuation (written ``##ing``) of what is
left. A word that cannot be cut to its end is unknown as a whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headway.base.errors import Corrupt, HeadwayError, Unsupported
from headway.base.files import write_text
from headway.base.reading import read_json, read_text
from headway.tokens.added import AddedTokens
from headway.tokens.bpe import as_vocab, learn_merges
from headway.tokens.unicode import WHITE, is_control, is_mark, is_punctuation, lower, normal, well_formed

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

# The ideographs that BERT sets apart, each a word of its own; the gap at 2B820 is in the published tokenizers as well.
_IDEOGRAPHS = [
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F), (0x2B920, 0x2CEAF), (0x2F800, 0x2FA1F),
]  # fmt: skip

# Spaces that joining words leaves where nobody writes them, in the order in which they are taken out.
_TIDY = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
]  # fmt: skip


def is_ideograph(c: str) -> bool:
    return c >= "\u3400" and any(first <= ord(c) <= last for first, last in _IDEOGRAPHS)


def clean(text: str) -> str:
    """Without control characters and U+FFFD, and with a plain space for every other white space."""
    kept = (c for c in text if not (is_control(c) or c == "\ufffd"))
    return "".join([" " if c in WHITE else c for c in kept])


def split_words(text: str) -> list[str]:
    """Cut at white space, which goes, and around punctuation, which stays, each sign a word (BERT's basic tokenizer)."""
    words, start = [], 0
    for i, c in enumerate(text):
        space = c in WHITE
        if space or is_punctuation(c):
            if start < i:
                words.append(text[start:i])
            if not space:
                words.append(c)
            start = i + 1
    if start < len(text):
        words.append(text[start:])
    return words


class WordPiece:
    """BERT's tokenizer.

    `vocab` maps tokens to ids, continuations under their `prefix`. `unknown` is the token of a word that cannot be cut,
    or has more than `longest_word` characters. `strip_accents` follows `lowercase` unless given. `specials` are taken
    out of the text whole; by default those of BERT that the vocabulary has.
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        *,
        unknown: str = "[UNK]",
        prefix: str = "##",
        longest_word: int = 100,
        cleaned: bool = True,
        split_ideographs: bool = True,
        lowercase: bool = True,
        strip_accents: bool | None = None,
        specials: Mapping[str, int] | AddedTokens | None = None,
    ) -> None:
        self.vocab = dict(vocab)
        if unknown not in self.vocab:
            raise HeadwayError(f"the vocabulary has no {unknown!r}, which unknown words need; add it")
        self.unknown, self.prefix, self.longest_word = unknown, prefix, longest_word
        self.cleaned, self.split_ideographs = cleaned, split_ideographs
        self.lowercase, self.strip_accents = lowercase, strip_accents
        if specials is None:
            specials = {token: self.vocab[token] for token in SPECIALS if token in self.vocab}
        self.added = AddedTokens(specials.tokens if isinstance(specials, AddedTokens) else specials, self.normalize)
        self._tokens = {i: token for token, i in self.vocab.items()} | {i: t for t, i in self.added.ids.items()}
        self._longest_token = max(map(len, self.vocab), default=0)

    @property
    def vocab_size(self) -> int:
        """The number of rows that an embedding needs: the largest id + 1."""
        return max(self._tokens, default=-1) + 1

    @property
    def specials(self) -> dict[str, int]:
        return self.added.ids

    def token(self, i: int) -> str:
        """The token of an id."""
        try:
            return self._tokens[int(i)]
        except KeyError:
            raise HeadwayError(f"id {int(i)} is not in this vocabulary of {self.vocab_size} tokens") from None

    def normalize(self, text: str) -> str:
        """Clean `text`, set ideographs apart, take accents off, make it lower case: each as the tokenizer was made."""
        if self.cleaned:
            text = clean(text)
        if self.split_ideographs and not text.isascii():
            text = "".join([f" {c} " if is_ideograph(c) else c for c in text])
        if (self.lowercase if self.strip_accents is None else self.strip_accents) and not text.isascii():
            text = "".join([c for c in normal("NFD", text) if not is_mark(c)])
        return lower(text) if self.lowercase else text

    def words(self, text: str) -> list[str]:
        """The words that are cut into tokens."""
        return split_words(self.normalize(well_formed(text)))

    def encode(self, text: str, *, specials: bool = True) -> list[int]:
        """The ids of `text`, without ``[CLS]`` and ``[SEP]``; see `pair` for these.

        Special tokens in the text become their ids; with ``specials=False`` they are text like any other.
        """
        text = well_formed(text)
        ids: list[int] = []
        for part, added in self.added.split(text) if specials else [(self.normalize(text), None)]:
            if added is not None:
                ids.append(added)
            else:
                for word in split_words(part):
                    ids += self.encode_word(word)
        return ids

    def encode_word(self, word: str) -> list[int]:
        """The longest token first, then the longest continuation of the rest: linear, as tokens have a longest length."""
        unknown = [self.vocab[self.unknown]]
        if len(word) > self.longest_word:
            return unknown
        ids: list[int] = []
        start, prefix = 0, ""
        while start < len(word):
            for end in range(min(len(word), start + self._longest_token), start, -1):
                if (i := self.vocab.get(prefix + word[start:end])) is not None:
                    break
            else:
                return unknown
            ids.append(i)
            start, prefix = end, self.prefix
        return ids

    def pair(self, first: str, second: str | None = None) -> tuple[list[int], list[int]]:
        """What BERT reads: the ids of ``[CLS] first [SEP]`` or ``[CLS] first [SEP] second [SEP]``, and their segments.

        Segments are 0 up to the first ``[SEP]`` and 1 after it.
        """
        missing = [token for token in ("[CLS]", "[SEP]") if token not in self.vocab]
        if missing:
            raise HeadwayError(
                f"the vocabulary has no {missing[0]}, which BERT's input starts or ends with; use encode"
            )
        start, stop = [self.vocab["[CLS]"]], [self.vocab["[SEP]"]]
        ids = start + self.encode(first) + stop
        segments = [0] * len(ids)
        if second is not None:
            rest = self.encode(second) + stop
            ids, segments = ids + rest, segments + [1] * len(rest)
        return ids, segments

    def decode(self, ids: Iterable[int], *, specials: bool = True, tidy: bool = True) -> str:
        """The words of `ids` with spaces between them; ``tidy`` closes the spaces before full stops and the like.

        Not the text that was encoded: case, accents and white space are gone, and so is what was unknown.
        """
        return "".join(self.stream(ids, specials=specials, tidy=tidy))

    def stream(self, ids: Iterable[int], *, specials: bool = True, tidy: bool = True) -> Iterator[str]:
        """The text of `ids`, piece by piece as they come."""
        hidden = frozenset() if specials else self.added.special_ids
        first = True
        for i in ids:
            if i in hidden:
                continue
            piece = self.token(i)
            if not first:
                piece = piece.removeprefix(self.prefix) if piece.startswith(self.prefix) else " " + piece
            for apart, together in _TIDY if tidy else ():
                piece = piece.replace(apart, together)
            first = False
            yield piece

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        *,
        min_count: int = 0,
        specials: Sequence[str] = SPECIALS,
        alphabet: Sequence[str] | None = None,
        **options: Any,
    ) -> WordPiece:
        """Learn a vocabulary by merging the most frequent pairs, as `tokenizers`' WordPieceTrainer does.

        First `specials`, then the characters, then the characters as continuations, then the merges; ties go to the
        smaller ids. The trainer of `tokenizers` numbers the continuations in the order of a hash table, which differs
        from run to run, and its ties follow; ours are in the order of the code points. `alphabet` gives another order to
        the characters and continuations: with theirs, the vocabulary is theirs. (Google's unpublished trainer weighed a
        pair's count against those of its halves.) `options` are those of the class.
        """
        if isinstance(texts, str):
            raise HeadwayError("train takes a list of texts, not one text; write [text]")
        unknown, prefix = options.get("unknown", "[UNK]"), options.get("prefix", "##")
        splitter = cls({unknown: 0}, **options)
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(splitter.words(text))
        if alphabet is None:
            characters = sorted({c for word in counts for c in word})
            alphabet = [*characters, *sorted({prefix + c for word in counts for c in word[1:]})]
        names = [*dict.fromkeys([*specials, *alphabet])]
        if unknown not in names:
            raise HeadwayError(f"specials={list(specials)} lacks {unknown!r}, which unknown words need; add it")
        if vocab_size < len(names):
            raise HeadwayError(
                f"vocab_size={vocab_size} is too small; the characters and special tokens alone are {len(names)}"
            )
        ids = {name: i for i, name in enumerate(names)}
        try:
            words = [([ids[word[0]], *(ids[prefix + c] for c in word[1:])], n) for word, n in counts.items()]
        except KeyError as error:
            raise HeadwayError(f"the alphabet lacks {error.args[0]!r}, which the texts use; add it") from None
        learn_merges(words, names, vocab_size, min_count=min_count, join=lambda a, b: a + b.removeprefix(prefix))
        vocab = {name: i for i, name in enumerate(names)}
        return cls(vocab, specials={token: vocab[token] for token in specials}, **options)

    def save(self, folder: Path | str) -> None:
        """Write vocab.txt and tokenizer.json, which other libraries read. The options are in tokenizer.json only."""
        folder = Path(folder)
        if len(self._tokens) != self.vocab_size:
            hole = next(i for i in range(self.vocab_size) if i not in self._tokens)
            raise HeadwayError(f"vocab.txt has a line for every id, and no token has the id {hole}; number them anew")
        lines = [self._tokens[i] for i in range(self.vocab_size)]
        write_text(folder / "vocab.txt", "".join(f"{token}\n" for token in lines))
        write_text(folder / "tokenizer.json", json.dumps(self.to_json(), ensure_ascii=False, indent=2))

    def to_json(self) -> dict[str, Any]:
        """The content of a tokenizer.json, as `tokenizers` reads it."""
        template = None
        if "[CLS]" in self.vocab and "[SEP]" in self.vocab:
            template = {
                "type": "BertProcessing",
                "sep": ["[SEP]", self.vocab["[SEP]"]],
                "cls": ["[CLS]", self.vocab["[CLS]"]],
            }
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": self.added.to_json(),
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": self.cleaned,
                "handle_chinese_chars": self.split_ideographs,
                "strip_accents": self.strip_accents,
                "lowercase": self.lowercase,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": template,
            "decoder": {"type": "WordPiece", "prefix": self.prefix, "cleanup": True},
            "model": {
                "type": "WordPiece",
                "unk_token": self.unknown,
                "continuing_subword_prefix": self.prefix,
                "max_input_chars_per_word": self.longest_word,
                "vocab": dict(sorted(self.vocab.items(), key=lambda item: item[1])),
            },
        }

    @classmethod
    def load(cls, path: Path | str, **options: Any) -> WordPiece:
        """Read a tokenizer.json or a vocab.txt, or a folder with one of them.

        A vocab.txt holds the tokens alone: `options` (those of the class, as ``lowercase=False``) say the rest.
        """
        path = Path(path)
        if path.is_dir():
            path = path / ("tokenizer.json" if (path / "tokenizer.json").exists() else "vocab.txt")
        if path.suffix == ".json":
            return cls.from_json(read_json(path))
        lines = read_text(path).split("\n")
        if lines[-1] == "":
            lines.pop()
        return cls({line.rstrip(): i for i, line in enumerate(lines)}, **options)

    @classmethod
    def from_json(cls, content: Any) -> WordPiece:
        """From the content of a tokenizer.json."""
        if not isinstance(content, dict) or not isinstance(model := content.get("model"), dict):
            raise Corrupt("the tokenizer file is no JSON object with a 'model'")
        if model.get("type", "WordPiece") != "WordPiece":
            raise Unsupported(f"the model of this tokenizer is {model['type']}, not WordPiece; use the class for that")
        normalizer, splitter = content.get("normalizer") or {}, content.get("pre_tokenizer") or {}
        for name, step, wanted in (
            ("normalizer", normalizer, "BertNormalizer"),
            ("pre-tokenizer", splitter, "BertPreTokenizer"),
        ):
            if step.get("type") != wanted:
                raise Unsupported(f"the {name} of this tokenizer is {step.get('type')}, not {wanted}")
        return cls(
            as_vocab(model.get("vocab"), "'vocab' of the tokenizer file"),
            unknown=model.get("unk_token", "[UNK]"),
            prefix=model.get("continuing_subword_prefix", "##"),
            longest_word=model.get("max_input_chars_per_word", 100),
            cleaned=normalizer.get("clean_text", True),
            split_ideographs=normalizer.get("handle_chinese_chars", True),
            lowercase=normalizer.get("lowercase", True),
            strip_accents=normalizer.get("strip_accents"),
            specials=AddedTokens.from_json(content.get("added_tokens")),
        )

    def __repr__(self) -> str:
        return f"WordPiece({self.vocab_size} tokens)"
