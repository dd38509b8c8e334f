"""Wrong answers to rotary position embedding that people really give."""

import math

import torch

from headway.learn.cases import mistake, switches

HOW = {
    "whole": torch.trunc,
    "floor": torch.floor,
    "round": torch.round,
    "absolute": torch.abs,
    "from 0": lambda positions: positions.clamp(min=0),
}
"""What people do to the positions first."""


def rotary_angles(
    positions, width, base=10000.0, *,
    _exponent="2i/k", _sign=-1, _base=None, _shift=0, _positions="given", _order="cos sin", _full=None, _dtype="kept",
    _turns=False, _limit=None, _log="e",
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    dtype = torch.float64 if positions.dtype == torch.float64 and _dtype == "kept" else torch.float32
    if _dtype == "float64":
        dtype = torch.float64
    if _positions == "counted":
        positions = torch.arange(positions.shape[-1], dtype=positions.dtype).expand(positions.shape)
    if _limit is not None:
        positions = positions.clamp(max=_limit)
    if _positions in HOW:
        positions = HOW[_positions](positions)
    base = _base or base
    i = torch.arange(width // 2, dtype=dtype)
    exponent = {
        "2i/k": 2 * i / width,
        "i/k": i / width,
        "4i/k": 4 * i / width,
        "i/(k/2 - 1)": i / max(width // 2 - 1, 1),
        "(2i+2)/k": (2 * i + 2) / width,
        "-2(i-1)/k": 2 * (i - 1) / width,
    }[_exponent]
    frequencies = base ** (_sign * exponent)
    if _log == "10":
        frequencies = torch.exp(-exponent * math.log10(base))
    if _turns:
        frequencies = frequencies * 2 * math.pi
    angles = (positions.to(dtype) + _shift)[..., None] * frequencies
    if _dtype == "through float32":
        angles = angles.float()
    if _full == "cat":
        angles = torch.cat((angles, angles), -1)
    elif _full == "repeat":
        angles = angles.repeat_interleave(2, -1)
    if _dtype == "through float32" and positions.dtype == torch.float64:
        angles = angles.double()
    cos, sin = angles.cos(), angles.sin()
    return {"cos sin": (cos, sin), "sin cos": (sin, cos), "angles": (angles, angles)}[_order]


ANGLES = switches(
    rotary_angles,
    {
        "exponent_without_2": (
            "the exponent is i/k, not 2i/k: with i counted from 0 to k/2 - 1, the last pair of {2*n} features has "
            "base^(-{n-1}/{2*n}) in place of base^(-{2*n-2}/{2*n})",
            {"_exponent": "i/k"},
        ),
        "exponent_over_half": (
            "the exponent is 4i/k: the step of 2 is already in arange(0, k, 2), and it is divided by k/2 = {n} in place of "
            "k = {2*n}",
            {"_exponent": "4i/k"},
        ),
        "exponent_reaches_1": (
            "the exponents run from 0 to 1 with both ends included: 2i/k ends at 1 - 2/k, so the last frequency is not "
            "quite 1/base",
            {"_exponent": "i/(k/2 - 1)"},
        ),
        "pairs_from_1": (
            "the pairs are counted from 1: the first pair turns by base^(-2/k) and not by 1 radian a position",
            {"_exponent": "(2i+2)/k"},
        ),
        "pairs_from_minus_1": (
            "the paper's -2(i-1)/k counts the pairs from 1; used with i from 0 it makes the first pair turn by base^(2/k)",
            {"_exponent": "-2(i-1)/k"},
        ),
        "exponent_sign": (
            "the exponent has the wrong sign: the frequencies grow from 1 up to nearly base, where they are to fall from 1",
            {"_sign": 1},
        ),
        "base_ignored": ("the argument `base` is not used: it is always 10000", {"_base": 10000.0}),
        "another_base": (
            "the base is {_base}, whatever the argument `base` says: it was {base} here",
            {"_base": 1000.0},
            {"_base": [100.0, 500.0, 100000.0, 500000.0, 1000000.0]},
        ),
        "log_of_the_wrong_base": (
            "the frequencies are exp(-2i/k · log10(base)): exp goes with the natural logarithm, math.log",
            {"_log": "10"},
        ),
        "turns_for_radians": (
            "the angles are multiplied by 2π: position · frequency is in radians already",
            {"_turns": True},
        ),
        "positions_from_1": (
            "the positions are off by one: position 0 is turned by the angle of position 1",
            {"_shift": 1},
        ),
        "positions_ignored": (
            "the positions are not used but counted anew, 0, 1, 2, ...: with a cache, or padding, they are others",
            {"_positions": "counted"},
        ),
        "whole_positions": (
            "the positions are cut to whole numbers first: 2.5 has an angle of its own",
            {"_positions": "whole"},
        ),
        "positions_floored": (
            "the positions are rounded down to whole numbers first: 2.5 has an angle of its own",
            {"_positions": "floor"},
        ),
        "positions_rounded": (
            "the positions are rounded to whole numbers first: 2.5 has an angle of its own",
            {"_positions": "round"},
        ),
        "positions_absolute": (
            "negative positions are made positive: they turn the other way",
            {"_positions": "absolute"},
        ),
        "negative_positions_at_0": (
            "negative positions are put to 0: they turn the other way",
            {"_positions": "from 0"},
        ),
        "positions_have_a_limit": (
            "positions end at {_limit}, the length of some table: the formula has no end",
            {"_limit": 8192},
            {"_limit": [512, 1024, 2048, 4096, 4999, 5000, 8191, 8192, 10000, 32768, 65536, 131072]},
        ),
        "sin_before_cos": ("`sin` comes first and `cos` second: the task asks for (cos, sin)", {"_order": "sin cos"}),
        "angles_returned": ("the angles themselves come back, without cos and sin", {"_order": "angles"}),
        "full_width_cat": (
            "`cos` and `sin` have the width {2*n}, each angle twice (torch.cat): one angle per pair is asked for, {n}",
            {"_full": "cat"},
        ),
        "full_width_repeat": (
            "`cos` and `sin` have the width {2*n}, each angle twice in a row (repeat_interleave): one angle per pair is asked "
            "for, {n}",
            {"_full": "repeat"},
        ),
        "angles_through_float32": (
            "float64 positions pass through float32: the angles are right to about 7 digits only",
            {"_dtype": "through float32"},
        ),
        "always_float32": ("the angles are float32 even where the positions are float64", {"_dtype": "float32"}),
        "always_float64": (
            "the angles are float64 even where the positions are integers: float32 is asked for",
            {"_dtype": "float64"},
        ),
    },
    of="rotary_angles",
    kinds={"angles_through_float32": "precision", "always_float32": "dtype", "always_float64": "dtype"},
)


def rotate(x, cos, sin, *, _pairs="half", _sign=1, _minus=True, _tables="half", _order="first", _axis="time", _half="both",
           _swap=False, _join="cat", _row=False):  # fmt: skip
    """The right answer, with a switch per mistake."""
    if _swap:
        cos, sin = sin, cos
    if _row and cos.dim() == 3:
        cos, sin = cos[0], sin[0]
    if _axis == "time":
        cos, sin = cos.unsqueeze(-3), sin.unsqueeze(-3)
    elif _axis == "heads":
        cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2)
    sin = sin * _sign
    if _tables != "half":
        table = (lambda y: torch.cat((y, y), -1)) if _tables == "cat" else (lambda y: y.repeat_interleave(2, -1))
        cos, sin = table(cos), table(sin)
        if _pairs == "half":
            a, b = x.chunk(2, -1)
            turned = torch.cat((-b if _minus else b, a), -1)
        else:
            turned = torch.stack((-x[..., 1::2], x[..., 0::2]), -1).flatten(-2)
        return x * cos + turned * sin
    a, b = x.chunk(2, -1) if _pairs in ("half", "half in") else (x[..., 0::2], x[..., 1::2])
    first, second = a * cos - b * sin, b * cos + a * sin
    if not _minus:
        first = a * cos + b * sin
    if _half == "first":
        second = b.expand_as(second)
    elif _half == "no cross":
        first, second = a * (cos + sin), b * (cos + sin)
    if _order == "second":
        first, second = second, first
    if (_pairs == "half" and _join == "cat") or _pairs == "even in":
        return torch.cat((first, second), -1)
    return torch.stack((first, second), -1).flatten(-2)


ROTATION = switches(
    rotate,
    {
        "interleaved_pairs": (
            "the pairs are neighbours, (x[2i], x[2i+1]): here feature i goes with feature i + k/2, 0 with {n}. Both "
            "conventions exist, and a checkpoint made for one is garbage in the other",
            {"_pairs": "even"},
        ),
        "interleaved_in_halves_out": (
            "features 2i and 2i+1 are taken as a pair, and the result is put together in halves: the features come out in "
            "another order than they went in",
            {"_pairs": "even in"},
        ),
        "halves_in_interleaved_out": (
            "the pairs are right, but the result is woven together (stack and flatten): the two halves have to be "
            "concatenated",
            {"_join": "stack"},
        ),
        "turned_backwards": (
            "the rotation goes the wrong way: (a, b) becomes (a cos + b sin, b cos - a sin), the turn by minus the angle",
            {"_sign": -1},
        ),
        "minus_missing": (
            "a minus is missing: the first half is a cos + b sin, where a rotation has a cos - b sin",
            {"_minus": False},
        ),
        "cos_and_sin_swapped": ("`cos` and `sin` are swapped: position 0 is turned by a quarter", {"_swap": True}),
        "tables_repeated": (
            "`cos` and `sin` are widened by repeat_interleave, which fits pairs of neighbours; pairs of halves need them "
            "concatenated, torch.cat((cos, cos), -1)",
            {"_tables": "repeat"},
        ),
        "tables_concatenated": (
            "`cos` and `sin` are widened by torch.cat, which fits pairs of halves, but the pairs turned are neighbours",
            {"_tables": "cat", "_pairs": "even"},
        ),
        "halves_swapped": ("the two halves of the result have changed places", {"_order": "second"}),
        "first_half_only": ("only the first half is turned: the second needs a sin + b cos", {"_half": "first"}),
        "features_not_mixed": (
            "every feature is multiplied by cos + sin of its own angle: a rotation mixes the two features of a pair",
            {"_half": "no cross"},
        ),
        "positions_along_heads": (
            "the angles run along the heads: cos (t k/2) has to line up with axis t of x (b h t k), with one axis put in "
            "for the heads, cos.unsqueeze(-3)",
            {"_axis": "heads"},
        ),
        "axis_for_heads_missing": (
            "`cos` (b t k/2) has no axis for the heads: against x (b h t k) its rows line up with the heads. Put one in, "
            "cos.unsqueeze(-3)",
            {"_axis": "none"},
        ),
        "first_row_for_all": (
            "the angles of the first row of the batch are used for every row",
            {"_row": True},
        ),
    },
    of="rotate",
)


@mistake("x is changed in place: the caller's tensor is another after the call", of="rotate")
def rotated_in_place(x, cos, sin):
    n = x.shape[-1] // 2
    with torch.no_grad():
        turned = rotate(x, cos, sin)
    out = rotate(x, cos, sin)
    x.data[..., :n] = turned[..., :n]
    return out


@mistake(
    "the first half is overwritten before the second is computed: b cos + a sin uses the a that is already turned",
    of="rotate",
)
def half_overwritten(x, cos, sin):
    cos, sin = cos.unsqueeze(-3), sin.unsqueeze(-3)
    a, b = x.chunk(2, -1)
    a = a * cos - b * sin
    b = b * cos + a * sin
    return torch.cat((a, b), -1)
