"""Learning the merges of byte pair encoding.

    again and again: count all pairs of neighbouring symbols, and make the most frequent one a symbol of its own
                                                       Sennrich, Haddow, Birch 2015, arXiv 1508.07909, algorithm 1
Words come with how often they occur in the text, and begin as their single characters. The pair that occurs most
often, over all words and as often as they occur, becomes one symbol everywhere; then everything is counted anew, for
there are new neighbours now. What is learned is the list of merges, in order: encoding replays it.

Four things have to be settled, and implementations differ exactly there. Pairs never reach across the border of a
word. Overlapping pairs all count ("aaa" holds "aa" twice), but are merged from the left ("aaa" becomes "aa", "a"). Of
equally frequent pairs the one that is first in the alphabet is merged: the smaller left symbol, then the smaller
right one, as Python compares tuples of strings. And it goes on until there are n merges or no pair is left.

    headway check merges      headway hint merges      headway watch
"""


def learn_merges(words, n):
    """Learn up to n merges.

    Args:
        words: {word: how often it occurs}.
        n: how many merges, at most.

    Returns:
        A list of pairs (left, right) of strings, in the order in which they were learned.
    """
    raise NotImplementedError
