"""Label smoothing: never quite sure.

    loss = Σ over targets of  -Σ_c q(c) log p(c)
    q(c) = 1 - ε + ε/v  at the target,   ε/v  at every other of the v classes
                                         Szegedy et al. 2015, arXiv 1512.00567, section 7; Vaswani et al. 2017, section 5.4

With ε = 0 a model is rewarded for every further step of the right logit away from the others, without end. With ε = 0.1 the best
it can do is to be right with probability 0.9 and a bit: its perplexity suffers and its translations get better.

Here ε is spread evenly over *all* v classes, the target included, as in the first paper and in PyTorch. (Others spread it over
the v - 1 that are wrong, or leave the padding out: then the numbers differ.) Targets equal to -100 count for nothing, in neither
part.

What comes back is the *sum* over the targets: whoever knows how many there are in the whole batch divides. Logits can be large.

    headway check smoothing      headway hint smoothing      headway watch
"""


def cross_entropy(logits, targets, *, smoothing=0.0):
    """The sum of the smoothed losses.

    Args:
        logits: (n v).
        targets: (n) int64, each in [0, v) or -100.
        smoothing: ε, between 0 and 1.

    Returns:
        a tensor without axes; 0 if no target counts.
    """
    raise NotImplementedError
