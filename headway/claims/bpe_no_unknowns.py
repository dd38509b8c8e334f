"""Subword units give an open vocabulary (Sennrich, Haddow & Birch 2015, section 3.2 and algorithm 1).

The text is of a made-up language that compounds its words, as German does: new words never end, their parts do.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from headway.claims.base import Arm, Check, Claim, Numbers, Seed
from headway.claims.citations import cite
from headway.claims.pictures import BLUE, RED, band
from headway.tokens.bpe import BPE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: dict[str, Any] = {
    "stems": 200,
    "training_words": 20_000,
    "held_out_words": 4_000,
    "merges": [0, 25, 50, 100, 200, 400, 800, 1600],
    "strange_texts": 200,
    "strange_length": 20,
}


def _draws(count: int, high: int, draw: torch.Generator) -> list[int]:
    return torch.randint(high, (count,), generator=draw).tolist()


def _language(draw: torch.Generator) -> list[str]:
    """Stems of one to three syllables, all different."""
    onsets, vowels, codas = list("bdfgklmnprstvz"), list("aeiou"), ["", "", "n", "r", "s", "l"]
    stems: dict[str, None] = {}
    while len(stems) < SETTINGS["stems"]:
        syllables = 1 + _draws(1, 3, draw)[0]
        stems["".join(
            onsets[a] + vowels[b] + codas[c]
            for a, b, c in zip(
                _draws(syllables, len(onsets), draw), _draws(syllables, len(vowels), draw),
                _draws(syllables, len(codas), draw), strict=True,
            )
        )] = None  # fmt: skip
    return list(stems)


def _words(stems: list[str], count: int, draw: torch.Generator) -> list[str]:
    """Words of one to three stems; stems follow Zipf's law."""
    weights = 1.0 / torch.arange(1, len(stems) + 1, dtype=torch.float64)
    picks = torch.multinomial(weights, 3 * count, replacement=True, generator=draw).view(count, 3).tolist()
    parts = (1 + torch.multinomial(torch.tensor([0.5, 0.35, 0.15]), count, replacement=True, generator=draw)).tolist()
    return ["".join(stems[pick] for pick in row[:n]) for row, n in zip(picks, parts, strict=True)]


def _strange(draw: torch.Generator) -> list[str]:
    """Strings of code points from anywhere in Unicode; surrogates, which are no characters, left out."""
    texts = []
    for _ in range(SETTINGS["strange_texts"]):
        points = _draws(SETTINGS["strange_length"], 0x110000 - 0x800, draw)
        texts.append("".join(chr(point if point < 0xD800 else point + 0x800) for point in points))
    return texts


def unit(arm: str, seed: int) -> Numbers:
    """Per vocabulary size: the share of held-out words that are unknown, bytes per token, and whether all comes back."""
    draw = torch.Generator().manual_seed(seed)
    stems = _language(draw)
    training, held_out = (
        _words(stems, SETTINGS["training_words"], draw),
        _words(stems, SETTINGS["held_out_words"], draw),
    )
    text, strange = " ".join(held_out), _strange(draw)
    if arm == "words":
        most = [word for word, _ in Counter(training).most_common()]
        shares = []
        for merges in SETTINGS["merges"]:
            known = set(most[: 256 + merges])
            shares.append(sum(word not in known for word in held_out) / len(held_out))
        whole = set(most)
        new = sum(word not in whole for word in held_out) / len(held_out)
        return {"unknown": shares, "unknown_with_all": new}
    unknown, sizes, wrong = [], [], 0
    for merges in SETTINGS["merges"]:
        tokenizer = BPE.train([" ".join(training)], 256 + merges)
        ids = tokenizer.encode(text)
        sizes.append(len(text.encode()) / len(ids))
        wrong += sum(tokenizer.decode(tokenizer.encode(each)) != each for each in [text, *strange])
        unknown.append(sum(not 0 <= i < tokenizer.vocab_size for i in ids) / len(ids))
    return {
        "unknown": unknown,
        "bytes_per_token": sizes,
        "wrong": wrong,
        "least_gain": min(after - before for before, after in pairwise(sizes)),
    }


def draw(figure: Figure, seeds: dict[int, Seed]) -> None:
    """Left: unknown words over the size of the vocabulary. Right: bytes per token over merges."""
    left, right = figure.subplots(1, 2)
    sizes = [256 + merges for merges in SETTINGS["merges"]]
    for arm, colour, label in (("words", RED, "a vocabulary of words"), ("bpe", BLUE, "byte pair encoding")):
        rows = [[100 * share for share in seed[arm]["unknown"]] for seed in seeds.values()]
        band(left, sizes, rows, colour, label, marker="o")
    every = sum(seed["words"]["unknown_with_all"] for seed in seeds.values()) / len(seeds)
    left.axhline(100 * every, color=RED, linestyle="--", linewidth=1)
    left.text(sizes[-1], 100 * every + 1, "with every word of the training text", fontsize=8, color=RED, ha="right")
    left.set(xlabel="entries of the vocabulary", ylabel="unknown in new text (%)", ylim=(-2, None))
    left.legend()
    rows = [seed["bpe"]["bytes_per_token"] for seed in seeds.values()]
    band(right, SETTINGS["merges"], rows, BLUE, "byte pair encoding", marker="o")
    right.set(xlabel="merges learned", ylabel="bytes per token, new text", ylim=(0, None))


CLAIM = Claim(
    name="bpe-no-unknowns",
    papers=(cite("bpe", "section 3.2, algorithm 1"),),
    statement=(
        "Byte pair encoding has an open vocabulary: new words, and any text at all, are encoded without unknowns and "
        "come back bit by bit, in fewer tokens the more merges were learned; a vocabulary of words always meets new "
        "ones."
    ),
    experiment=(
        "20,000 words of a made-up language that compounds 200 stems, 0 to 1600 merges over bytes; 4,000 new words, and "
        "200 strings of 20 random Unicode characters."
    ),
    control=(
        "A vocabulary of words, even of every word of the training text, has to meet unknown words in the new text."
    ),
    statistic="Texts that do not come back exactly; unknown tokens; bytes per token on new text; unknown words.",
    limits="A made-up language; no translation is trained, so nothing is said of translation quality.",
    arms=(
        Arm(name="bpe", text="byte pair encoding over bytes, 0 to 1600 merges"),
        Arm(name="words", text="the most frequent words, as many as BPE has tokens", control=True),
    ),
    checks=(
        Check(
            text="nothing is unknown (share of unknown tokens, largest over merges)",
            value=lambda seed: max(seed["bpe"]["unknown"]),
            at_most=0.0,
            exact=True,
        ),
        Check(
            text="every text comes back exactly (texts that do not)",
            value=lambda seed: seed["bpe"]["wrong"],
            at_most=0.0,
            exact=True,
        ),
        Check(
            text="more merges, fewer tokens (least gain in bytes per token from one size to the next)",
            value=lambda seed: seed["bpe"]["least_gain"],
            at_least=0.01,
            contrary=0.0,
        ),
        Check(
            text="control: words meet unknowns even with every word of the training text (share of new words)",
            value=lambda seed: seed["words"]["unknown_with_all"],
            at_least=0.05,
            control=True,
        ),
    ),
    unit=unit,
    draw=draw,
    minutes=0.5,
    settings=SETTINGS,
)
