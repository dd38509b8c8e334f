"""Teacher forcing: what the decoder reads, and what it has to say.

    reads    start  y1   y2   y3   pad           says    y1   y2   y3   end  -100

A decoder says one word after the other and reads what has been said so far. In training the whole answer is known: so give it
the right words, shifted by one place, and ask for all at once (Williams & Zipser 1989). At each place it says the word that
stands one further in what it reads. What is easily wrong is the shift, its two ends, and the padding.

But then it never learns what to do after a mistake of its own. So now and then give it the word it would have said (scheduled
sampling, Bengio et al. 2015, arXiv 1506.03099, section 2.4): a coin for each place, and the first place always has `start`.

    headway check forcing      headway hint forcing      headway watch
"""


def teacher_forcing(targets, start, end, pad):
    """A batch of answers as inputs and labels.

    Args:
        targets: a list of lists of ids, which may be empty.
        start: what the decoder reads first.
        end: what it says last.
        pad: fills up what is read.

    Returns:
        tokens (b t): start and the answer, filled up on the right with pad; and labels (b t): the answer and end, filled up with
        -100; t is one more than the longest answer has words. Both int64.
    """
    raise NotImplementedError


def shift_right(labels, start, pad):
    """What the decoder reads, made from the labels alone (as T5 does it).

    Args:
        labels: (b t) int64, -100 where nothing is asked.

    Returns:
        (b t) int64: start, then the labels but the last, with pad for -100.
    """
    raise NotImplementedError


def scheduled(tokens, said, u, keep):
    """Some of the right words replaced by the model's own.

    Args:
        tokens: (b t) int64, what teacher forcing reads.
        said: (b t) int64, what the model says at each place, having read `tokens` up to there.
        u: (b t), random numbers in [0, 1), one for each place of what is read.
        keep: the chance that the right word stays: it stays where u < keep.

    Returns:
        (b t) int64, what is read in the second pass. Place 0 is always `tokens`' own.
    """
    raise NotImplementedError
