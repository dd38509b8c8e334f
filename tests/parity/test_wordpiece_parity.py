"""Our WordPiece against `tokenizers`: normalizer, basic tokenizer, ids, text back, training and files, on hostile text."""

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from headway.tokens import wordpiece
from headway.tokens.wordpiece import SPECIALS, WordPiece

_spec = importlib.util.spec_from_file_location("hostile", Path(__file__).with_name("hostile.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)

CORPUS = [
    "the cat sat on the mat, the dog didn't; 1234 5678 and the hat's there. unbelievable unaffable",
    "naïve café 日本語 שלום e\u0301 ﬁ ß ǆ 한국어 नमस्ते ไทย abcdefg ab bc cd de ef fg !?. $",
]


def train_theirs(texts, size, min_count=0, **normalizer):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, show_progress=False, special_tokens=list(SPECIALS), min_frequency=min_count
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def alphabet_of(tokenizer):
    """The characters and continuations they start from, in the order of their ids (of this run)."""
    vocab = tokenizer.get_vocab()
    tokens = sorted(vocab, key=vocab.__getitem__)[len(SPECIALS) :]
    return [t for t in tokens if len(t) == 1 or (len(t) == 3 and t.startswith("##"))]


@pytest.fixture(scope="module")
def pair():
    theirs = train_theirs(CORPUS, 230)
    return WordPiece(theirs.get_vocab()), theirs


@given(hostile.HOSTILE, st.booleans(), st.booleans(), st.sampled_from([None, True, False]), st.booleans())
@settings(max_examples=250, deadline=None)
def test_the_normalizer_is_equal(text, cleaned, ideographs, accents, lowercase):
    ours = WordPiece(
        {"[UNK]": 0}, cleaned=cleaned, split_ideographs=ideographs, strip_accents=accents, lowercase=lowercase
    )
    theirs = normalizers.BertNormalizer(
        clean_text=cleaned, handle_chinese_chars=ideographs, strip_accents=accents, lowercase=lowercase
    )
    assert ours.normalize(text) == theirs.normalize_str(text)


@given(hostile.HOSTILE)
@settings(max_examples=150, deadline=None)
def test_the_basic_tokenizer_is_equal(text):
    theirs = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)
    assert wordpiece.split_words(text) == [word for word, _ in theirs]


@pytest.mark.parametrize("step", [61, pytest.param(1, marks=pytest.mark.slow)])
def test_every_plane(step):
    ours = WordPiece({"[UNK]": 0})
    theirs = normalizers.BertNormalizer()
    splitter = pre_tokenizers.BertPreTokenizer()
    for text in hostile.every_character(step):
        assert ours.normalize(text) == theirs.normalize_str(text)
        assert wordpiece.split_words(text) == [word for word, _ in splitter.pre_tokenize_str(text)]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_normal_forms_of_every_plane(form):
    from headway.tokens.unicode import normal

    theirs = getattr(normalizers, form)()
    for text in hostile.every_character():
        for marked in (text, text.replace("a", "a\u0345\u0316"), text.replace("a", "\u0301")):
            assert normal(form, marked) == theirs.normalize_str(marked)


@given(hostile.HOSTILE)
@settings(max_examples=150, deadline=None)
def test_ids_and_text_are_equal(pair, text):
    ours, theirs = pair
    ids = ours.encode(text)
    assert ids == theirs.encode(text, add_special_tokens=False).ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)
    assert ours.decode(ids, specials=False) == theirs.decode(ids, skip_special_tokens=True)


@given(st.lists(st.text("abcdefg#", min_size=1, max_size=12), max_size=8))
@settings(max_examples=100, deadline=None)
def test_longest_match_is_equal(pair, words):
    ours, theirs = pair
    text = " ".join(words)
    assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids


@given(st.lists(st.integers(0, 229), max_size=30), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_ids_give_the_same_text(pair, ids, tidy):
    ours, _ = pair
    ids = [i for i in ids if i < ours.vocab_size]
    decoder = decoders.WordPiece(prefix="##", cleanup=tidy)
    assert ours.decode(ids, tidy=tidy) == decoder.decode([ours.token(i) for i in ids])


@pytest.mark.parametrize("length", [99, 100, 101, 30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_long_words(pair, length):
    ours, theirs = pair
    for word in ("ab" * (length // 2) + "c" * (length % 2), "\u0301" * length, "日" * length):
        assert ours.encode(word) == theirs.encode(word, add_special_tokens=False).ids


@given(
    st.lists(st.one_of(hostile.HOSTILE, st.text("abc ", max_size=60)), max_size=5),
    st.integers(0, 60),
    st.integers(0, 2),
)
@settings(max_examples=60, deadline=None)
def test_training_is_equal_from_the_same_alphabet(texts, more, min_count):
    """They number the continuations in the order of a hash table. From the order of this run on, everything is equal."""
    size = 5 + more + 2 * len({c for text in texts for c in wordpiece.WordPiece({"[UNK]": 0}).normalize(text)})
    theirs = train_theirs(texts, size, min_count)
    alphabet = alphabet_of(theirs)
    if any("#" in text for text in texts):  # '#' + '##x' is written like the continuation of x: no telling them apart
        return
    ours = WordPiece.train(texts, size, min_count=min_count, alphabet=alphabet)
    assert ours.vocab == theirs.get_vocab()


def test_training_is_equal_as_it_is_where_no_ties_are():
    """Every pair's count differs: then the order of the alphabet cannot matter, and the merges come out the same."""
    texts = ["ab " * 50 + "abc " * 23 + "xy " * 11 + "xyz " * 4 + "q " * 2 + "pqr " * 1]
    theirs, ours = train_theirs(texts, 60), WordPiece.train(texts, 60)
    first = len(SPECIALS) + len(alphabet_of(theirs))
    learned = [sorted(v, key=v.__getitem__)[first : first + 4] for v in (ours.vocab, theirs.get_vocab())]
    assert learned[0] == learned[1] == ["ab", "abc", "xy", "xyz"]


def test_files_both_ways(pair, tmp_path):
    ours, theirs = pair
    ours.save(tmp_path / "ours")
    theirs.save(str(tmp_path / "theirs.json"))
    (tmp_path / "model").mkdir()
    theirs.model.save(str(tmp_path / "model"))
    text = "The naïve café-cat [MASK] didn't 日本 ABC\0 [UNK]"
    ids = theirs.encode(text, add_special_tokens=False).ids
    for path in (tmp_path / "ours", tmp_path / "ours" / "vocab.txt", tmp_path / "theirs.json", tmp_path / "model"):
        again = WordPiece.load(path)
        assert again.encode(text) == ids
        assert again.vocab == ours.vocab
    written = Tokenizer.from_file(str(tmp_path / "ours" / "tokenizer.json"))
    assert written.encode(text, add_special_tokens=False).ids == ids
    both = written.encode("the cat", "a dog")
    assert ours.pair("the cat", "a dog") == (both.ids, both.type_ids)
    assert ours.pair("the cat")[0] == written.encode("the cat").ids
    assert (
        models.WordPiece.from_file(str(tmp_path / "ours" / "vocab.txt")).token_to_id("[MASK]") == ours.vocab["[MASK]"]
    )


def test_cased_files(pair, tmp_path):
    ours, _ = pair
    cased = WordPiece(ours.vocab, lowercase=False, strip_accents=False, split_ideographs=False, longest_word=7)
    theirs = Tokenizer.from_str(json.dumps(cased.to_json()))
    text = "The naïve caté Unbelievable 日本語 cat"
    assert cased.encode(text) == theirs.encode(text, add_special_tokens=False).ids
    assert WordPiece.from_json(cased.to_json()).encode(text) == cased.encode(text) != ours.encode(text)


def test_surrogates(pair):
    ours, theirs = pair
    assert ours.encode("a\ud83db") == theirs.encode("a\ufffdb", add_special_tokens=False).ids
