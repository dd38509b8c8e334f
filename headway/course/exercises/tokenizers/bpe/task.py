"""Encoding a word with byte pair encoding.

    while there is a pair of neighbours that was merged in training:  merge the one that was learned first
                                                                      Sennrich, Haddow, Birch 2015, arXiv 1508.07909
A word begins as its characters. Training left a list of merges, and their order is everything: the same merges in the
same order cut the word as training would have cut it. It is *not* the longest token that fits, and not the first pair
from the left; GPT-2 cuts " tokenization" as it does because of what was frequent, in order, in 2019.

    headway check bpe      headway hint bpe      headway watch
"""


def encode(word, merges):
    """Cut a word into the symbols that its merges make of it.

    Args:
        word: a string, perhaps empty.
        merges: a list of pairs (left, right) of strings, in the order in which they were learned. Where the same pair
            stands at several places it is merged from the left. Characters that no merge knows stay single.

    Returns:
        A list of strings; joined, they are the word.
    """
    raise NotImplementedError
