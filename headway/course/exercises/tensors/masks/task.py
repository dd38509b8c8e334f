"""A causal mask and a padding mask, in one.

    query i may look at key j   if   j ≤ i  and  j is a real token,   or   j = i

Sentences of different lengths lie in one rectangle, filled up with padding on the right, or on the left where the
ends have to line up (generation does that). Nobody may look at the future, nobody at padding. But a row of a softmax
in which nothing is visible is 0/0, NaN, and a padded query at the front would have such a row: so every query sees at
least itself. (What a padded query computes is thrown away. It must only not be NaN.)

Shapes: b rows of t positions; row n has lengths[n] real tokens. The result has an axis of size 1 for the heads and is
laid over scores (b h t t): rows are queries, columns are keys.

    headway check masks      headway hint masks      headway watch
"""


def attention_mask(lengths, t, left=False):
    """Who may look at whom.

    Args:
        lengths: (b) int64, each between 0 and t: how many tokens are real.
        t: how many positions there are.
        left: whether the padding stands before the tokens; behind them if False.

    Returns:
        (b 1 t t) bool, True where the query (row) may look at the key (column).
    """
    raise NotImplementedError
