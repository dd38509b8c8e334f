"""Wrong answers to the placement of the norm that people really give."""

from headway.learn.cases import mistake, switches


def residual(x, f, norm, place, *, _post="post", _pre="pre", _swap=False):
    """The right answer, with a switch per mistake."""
    if _swap:
        place = "pre" if place == "post" else "post"
    how = _post if place == "post" else _pre
    if how == "post":
        return norm(x + f(x))
    if how == "pre":
        return x + f(norm(x))
    if how == "of the branch":
        return x + norm(f(x))
    if how == "normed stream":
        x = norm(x)
        return x + f(x)
    if how == "both normed":
        return norm(x) + norm(f(x))
    if how == "twice":
        return norm(x + f(norm(x)))
    if how == "no residual":
        return norm(f(x)) if place == "post" else f(norm(x))
    if how == "input twice":
        return norm(x + f(x)) + x
    if how == "f twice":
        return norm(x + f(f(x))) if place == "post" else x + f(f(norm(x)))
    if how == "no norm":
        return x + f(x)
    return x + f(norm(x)) + f(x)


MISTAKES = switches(
    residual,
    {
        "places_exchanged": (
            'the two are exchanged: "post" normalises after the sum, norm(x + f(x)), and "pre" before the sublayer, '
            "x + f(norm(x))",
            {"_swap": True},
        ),
        "always_pre": (
            '"post" does x + f(norm(x)), as much code does that cites the paper of 2017: its own words are norm(x + f(x))',
            {"_post": "pre"},
        ),
        "always_post": ('"pre" does norm(x + f(x)): the norm has to stand before the sublayer', {"_pre": "post"}),
        "branch_normed_in_post": (
            'in "post" only the result of the sublayer is normed, x + norm(f(x)): the norm has to take the sum',
            {"_post": "of the branch"},
        ),
        "branch_normed_in_pre": (
            'in "pre" the result of the sublayer is normed, x + norm(f(x)): it has to be its input, x + f(norm(x))',
            {"_pre": "of the branch"},
        ),
        "stream_normed": (
            'in "pre" the normed x is kept as the stream (`x = norm(x); x = x + f(x)`): f has to be added to x as it came',
            {"_pre": "normed stream"},
        ),
        "parts_normed_apart": (
            'in "post" x and f(x) are normed each for itself and then added: the norm has to take the sum',
            {"_post": "both normed"},
        ),
        "normed_twice_in_post": (
            'in "post" the sublayer is given norm(x): it has to be given x, which was normed at the end of the block before',
            {"_post": "twice"},
        ),
        "normed_twice_in_pre": (
            'in "pre" the sum is normed once more: the stream has to stay free, only the end of the stack has a norm of its own',
            {"_pre": "twice"},
        ),
        "no_residual_in_post": (
            'the residual is missing in "post": norm(f(x)) in place of norm(x + f(x))',
            {"_post": "no residual"},
        ),
        "no_residual_in_pre": (
            'the residual is missing in "pre": f(norm(x)) in place of x + f(norm(x))',
            {"_pre": "no residual"},
        ),
        "residual_outside": (
            'in "post" x is added again after the norm: the sum is inside, norm(x + f(x)), and nothing comes after it',
            {"_post": "input twice"},
        ),
        "norm_forgotten_in_post": ('in "post" the norm is not applied at all', {"_post": "no norm"}),
        "norm_forgotten_in_pre": ('in "pre" the norm is not applied at all', {"_pre": "no norm"}),
    },
    of="residual",
)


def stack(x, sublayers, norms, place, *, _end="pre", _norms="own", _count="all", _stream="sum", _order="forward"):
    """The right answer, with a switch per mistake."""
    start = x
    pairs = list(zip(sublayers, norms, strict=False))
    if _norms == "first":
        pairs = [(f, norms[0]) for f in sublayers]
    elif _norms == "next":
        pairs = list(zip(sublayers, norms[1:], strict=True))
    elif _norms == "reversed":
        pairs = list(zip(sublayers, reversed(norms[:-1]), strict=True))
    if _count == "but the last":
        pairs = pairs[:-1]
    if _order == "backward":
        pairs = pairs[::-1]
    for f, norm in pairs:
        if _stream == "start":
            x = norm(start + f(x)) if place == "post" else start + f(norm(x))
        elif _stream == "parallel":
            x = norm(x + f(start)) if place == "post" else x + f(norm(start))
        else:
            x = norm(x + f(x)) if place == "post" else x + f(norm(x))
    if _end == "never" or ((_end == "post") == (place == "pre") and _end != "always"):
        return x
    last = norms[0] if _end == "with the first" else norms[len(sublayers) - 1] if _end == "with the last" else norms[-1]
    return last(x)


STACKS = switches(
    stack,
    {
        "final_norm_missing": (
            'in "pre" the norm at the end of the stack is missing: the stream has grown with every sublayer, and goes into the '
            "logits as it is",
            {"_end": "never"},
        ),
        "final_norm_in_post_too": (
            'in "post" the last norm is applied as well: the last sublayer has closed with a norm already',
            {"_end": "always"},
        ),
        "final_norm_in_post_only": (
            'the norm at the end is applied in "post" and left out in "pre": it is the other way round',
            {"_end": "post"},
        ),
        "final_norm_of_a_sublayer": (
            "the norm at the end is that of the last sublayer again: the stack has one of its own, norms[{n}]",
            {"_end": "with the last"},
        ),
        "one_norm_for_all": (
            "the first norm is used for every sublayer: each has one of its own, with a gain and a bias that it learned",
            {"_norms": "first"},
        ),
        "norms_off_by_one": (
            "sublayer i is given norm i + 1: it has to be norm i, and the last is left for the end",
            {"_norms": "next"},
        ),
        "last_sublayer_left_out": (
            "the last sublayer is not applied: there are {n} of them",
            {"_count": "but the last"},
        ),
        "residual_from_the_input": (
            "every sublayer's result is added to the stack's input: it has to be added to the stream as the sublayer before "
            "left it",
            {"_stream": "start"},
        ),
        "sublayers_side_by_side": (
            "every sublayer reads the stack's input: it has to read what the one before has written",
            {"_stream": "parallel"},
        ),
        "backward": ("the sublayers are applied in the reverse order", {"_order": "backward"}),
    },
    of="stack",
)


@mistake(
    "the sum is made in place (`x += ...`): the caller's stream is another after the call",
    of="residual",
    kind="in-place",
)
def added_in_place(x, f, norm, place):
    y = residual(x, f, norm, place)
    x.data += f(x if place == "post" else norm(x)).data
    return y
