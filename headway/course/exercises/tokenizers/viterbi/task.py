"""The most probable segmentation: Viterbi for a unigram tokenizer.

    best[end]  =  max over the pieces that end at `end`:   best[start] + score(text[start:end])        best[0] = 0
                                                                    Kudo 2018, arXiv 1804.10959, section 3.2
Every piece has a score, the logarithm of its probability, and pieces are independent: a segmentation's score is the
sum of its pieces'. There are 2^(n-1) segmentations of n characters, but the best one of a beginning does not depend
on what follows. So go through the ends from left to right, remember for each the best score and the piece that got
there, and walk back from the end. Taking the longest piece, or the most probable one, at each step is not the same.

A character that is not a piece by itself is unknown: it may stand alone, at the score `unknown`. (In the inputs one
segmentation is always better than the others.)

    headway check viterbi      headway hint viterbi      headway watch
"""


def viterbi(text, scores, unknown=-20.0):
    """Cut a text into the pieces whose scores have the greatest sum.

    Args:
        text: a string, perhaps empty.
        scores: {piece: log-probability}, pieces of any length.
        unknown: the score of a single character that is not in `scores`.

    Returns:
        A list of strings; joined, they are the text.
    """
    raise NotImplementedError
