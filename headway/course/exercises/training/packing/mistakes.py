"""Wrong answers to packing that people really give."""

import math

import torch

from headway.learn.cases import switches


def packed_mask(
    documents,
    *,
    _same="equal",
    _past="tril",
    _padding="itself",
    _axes="b 1 t t",
    _invert=False,
    _as="bool",
    _turn=False,
):
    """The right answer, with a switch per mistake."""
    t = documents.shape[1]
    one, two = documents[:, :, None], documents[:, None, :]
    same = {"equal": one == two, "all": torch.ones_like(one == two), "later": one >= two, "other": one != two}[_same]
    ones = torch.ones(t, t, dtype=torch.bool)
    past = {"tril": ones.tril(), "none": ones, "strict": ones.tril(-1), "triu": ones.triu(), "ahead": ones.tril(1)}[
        _past
    ]
    visible = same & past
    real = documents >= 0
    if _padding in ("itself", "blind"):
        visible = visible & real[:, None]
    if _padding == "all":
        visible = visible | ~real[:, :, None]
    if _padding == "itself" and _past != "strict":
        visible = visible | torch.eye(t, dtype=torch.bool)
    if _padding == "itself" and _past == "strict":
        visible = visible | (torch.eye(t, dtype=torch.bool) & ~real[:, None])
    visible = ~visible if _invert else visible
    if _axes == "b 1 t t":
        visible = visible[:, None]
    if _as == "bias":
        return torch.zeros(visible.shape).masked_fill(~visible, -math.inf)
    return visible.float() if _as == "float" else visible


MASK = switches(
    packed_mask,
    {
        "causal_only": (
            "the mask is the causal triangle alone: the second text of a row sees the first",
            {"_same": "all"},
        ),
        "numbers_compared_by_size": (
            "a key is visible where its text's number is not greater: the numbers need not rise, they have to be equal",
            {"_same": "later"},
        ),
        "other_texts_only": ("a query sees the other texts and not its own: == became !=", {"_same": "other"}),
        "not_causal": ("within its text a query sees its future too: a triangle, tril()", {"_past": "none"}),
        "upside_down": (
            "a query sees the future of its text and not the past (triu for tril, or rows and columns exchanged)",
            {"_past": "triu"},
        ),
        "not_itself": ("a query does not see itself: tril() with the diagonal", {"_past": "strict"}),
        "one_ahead": ("a query sees one token of its future: tril(1)", {"_past": "ahead"}),
        "padding_is_a_text": (
            "padding is a text like any other, in which later padding sees earlier: padding sees itself alone",
            {"_padding": "a text"},
        ),
        "padding_blind": (
            "padding sees nothing, and its row of the softmax is NaN: let it see itself",
            {"_padding": "blind"},
        ),
        "padding_sees_all": ("padding sees everything: only itself", {"_padding": "all"}),
        "inverted": ("True and False are exchanged: True means that the query may look", {"_invert": True}),
        "axis_for_heads_missing": (
            "the axis for the heads is missing: (b 1 t t), against scores (b h t t)",
            {"_axes": "b t t"},
        ),
        "minus_infinity": ("this is what is added to scores, 0 and -inf: a bool is asked for", {"_as": "bias"}),
        "ones_and_zeros": ("these are the numbers 1.0 and 0.0: a bool is asked for", {"_as": "float"}),
    },
    of="packed_mask",
)


def packed_positions(documents, *, _how="right", _base=0, _padding="zero"):
    """The right answer, with a switch per mistake."""
    b, t = documents.shape
    column = torch.arange(t).expand(b, t)
    change = torch.ones_like(documents, dtype=torch.bool)
    change[:, 1:] = documents[:, 1:] != documents[:, :-1]
    if _how == "columns":
        places = column.clone()
    elif _how == "running":
        places = change.long().cumsum(1) - 1
    elif _how == "one late":
        begin = torch.where(change, column, 0).cummax(1).values
        places = (column - begin - 1).clamp(min=0)
    elif _how == "reversed":
        end = t - 1 - torch.where(change.roll(-1, 1).flip(1), column, 0).cummax(1).values.flip(1)
        places = end - column
    elif _how == "first row":
        begin = torch.where(change, column, 0).cummax(1).values
        places = (column - begin)[:1].expand(b, t).clone()
    else:
        places = column - torch.where(change, column, 0).cummax(1).values
    places = places + _base
    if _padding == "zero":
        places = places.masked_fill(documents < 0, 0)
    elif _padding == "minus one":
        places = places.masked_fill(documents < 0, -1)
    return places


POSITIONS = switches(
    packed_positions,
    {
        "columns": (
            "positions go on through the whole row: each text's begin at 0 again",
            {"_how": "columns"},
        ),
        "numbers_of_texts": (
            "this numbers the texts of a row, 0, 1, 2, ...: the place of each token within its text is asked for",
            {"_how": "running"},
        ),
        "backwards": ("the positions run backwards, 0 at each text's last token", {"_how": "reversed"}),
        "two_zeros": (
            "the first two tokens of a text both have position 0: it goes on with 1 at once",
            {"_how": "one late"},
        ),
        "first_row_for_all": (
            "the positions of the first row are used for all: each row is cut elsewhere",
            {"_how": "first row"},
        ),
        "from_1": ("a text begins at position 1: it begins at 0", {"_base": 1}),
        "padding_counted": ("padding is counted like a text: it has position 0", {"_padding": "counted"}),
        "padding_minus_one": ("padding has position -1: 0 is asked for", {"_padding": "minus one"}),
    },
    of="packed_positions",
)


def packed_targets(
    tokens, documents, prompts=None, *, _edge="ignored", _padding=True, _prompt="next", _shift=1, _last=-100, _fill=-100
):
    """The right answer, with a switch per mistake."""
    targets = tokens.roll(-_shift, 1) if _shift else tokens.clone()
    same = documents.roll(-1, 1) == documents
    if _edge == "here":
        same = documents.roll(1, 1) == documents
        same[:, 0] = False
    asked = torch.ones_like(same) if _edge == "asked" else same
    if _edge == "both":
        first = documents.roll(1, 1) != documents
        first[:, 0] = True
        asked = same & ~first
    if _last == -100:
        asked[:, -1] = False
    if _padding is True:
        asked = asked & (documents >= 0)
    if prompts is not None:
        if _prompt == "next":
            asked = asked & ~prompts.roll(-1, 1)
        elif _prompt == "own":
            asked = asked & ~prompts
        elif _prompt == "only":
            asked = asked & prompts.roll(-1, 1)
    return targets.masked_fill(~asked, _fill)


TARGETS = switches(
    packed_targets,
    {
        "across_the_edge": (
            "the last token of a text is asked to say the first of the next, which has nothing to do with it: -100",
            {"_edge": "asked"},
        ),
        "wrong_side_of_the_edge": (
            "the first token of each text is asked nothing, where it is the last that has no next: compare with the text of the "
            "token after, not of the one before",
            {"_edge": "here"},
        ),
        "both_sides_of_the_edge": (
            "the first token of each text is asked nothing: only the last is not",
            {"_edge": "both"},
        ),
        "padding_asked": ("padding is asked for padding: -100", {"_padding": False}),
        "not_shifted": ("each token is asked for itself: for the next one", {"_shift": 0}),
        "shifted_by_two": ("each token is asked for the one after the next: the shift is made twice", {"_shift": 2}),
        "shifted_back": ("each token is asked for the one before: for the next one", {"_shift": -1}),
        "prompts_learned": ("`prompts` is not used: the model learns to say what it was given", {"_prompt": "ignored"}),
        "mask_not_shifted": (
            "nothing is asked *at* tokens of a prompt: it is about what is to be *said*, the next token. As it is, the first "
            "token of "
            "every answer is not learned",
            {"_prompt": "own"},
        ),
        "only_prompts_learned": ("prompts are learned and answers not: the mask is turned round", {"_prompt": "only"}),
        "zero_for_minus_100": ("where nothing is asked there is 0, which is a token: -100", {"_fill": 0}),
        "minus_1_for_minus_100": ("where nothing is asked there is -1: -100 is asked for", {"_fill": -1}),
    },
    of="packed_targets",
)
