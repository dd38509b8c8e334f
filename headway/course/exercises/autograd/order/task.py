"""The order of backward.

A result, what it was computed from, what that was computed from, and so on: a graph. Backward may hand on a value's
gradient only when it is complete, after everything that *uses* the value has had its turn. So the values are put in
order first, each one after all it was computed from, and backward walks that order from the end.

The order asked for is that of a depth-first search: go to the first operand, and all below it, then to the second,
and so on, and write a value down when all its operands are written down. Each value once, however often it is used;
what the result does not depend on, not at all; the result last.

    d = b + c, c = a · b:      topological("d", {"d": ["b", "c"], "c": ["a", "b"], "a": [], "b": []})  is  ["b", "a", "c", "d"]

A network unrolled over a thousand steps is thousands of values deep, and Python lets a function call itself about a
thousand times: keep a stack of your own.

    headway check order      headway hint order      headway watch
"""


def topological(root, operands):
    """Everything that `root` was computed from, each after its own operands.

    Args:
        root: the name of the result.
        operands: {name: [names of what it was computed from, in order]} for every value; [] for a leaf. A name may stand twice
            (x · x). There are no cycles.

    Returns:
        A list of names, `root` last.
    """
    raise NotImplementedError
