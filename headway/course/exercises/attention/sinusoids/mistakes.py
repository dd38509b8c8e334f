"""Wrong answers to sinusoidal positions that people really give."""

import math

import torch

from headway.learn.cases import switches

HOW = {
    "whole": torch.trunc,
    "floor": torch.floor,
    "round": torch.round,
    "absolute": torch.abs,
    "from 0": lambda positions: positions.clamp(min=0),
}
"""What people do to the positions first."""


def sinusoids(
    positions, width, base=10000.0, *,
    _exponent="2i/d", _cos="2i/d", _order="turns", _first="sin", _base=None, _log="e", _sign=-1, _shift=0, _places="given",
    _dtype="kept", _turns=False, _limit=None, _odd="sin", _both=False, _root=False,
):  # fmt: skip
    """The right answer, with a switch per mistake."""
    dtype = torch.float64 if positions.dtype == torch.float64 and _dtype == "kept" else torch.float32
    if _dtype == "float64":
        dtype = torch.float64
    if _places == "counted":
        positions = torch.arange(positions.shape[-1], dtype=positions.dtype).expand(positions.shape)
    base = _base or base
    pairs = (width + 1) // 2
    i = torch.arange(pairs, dtype=dtype)

    def frequencies(which):
        exponent = {
            "2i/d": 2 * i / width,
            "i/d": i / width,
            "4i/d": 4 * i / width,
            "(2i+2)/d": (2 * i + 2) / width,
            "2i/(d-2)": i / max(pairs - 1, 1),
        }[which]
        if _log == "10":
            return torch.exp(-exponent * math.log10(base))
        return base ** (_sign * exponent)

    if _limit is not None:
        positions = positions.clamp(max=_limit)
    if _places in HOW:
        positions = HOW[_places](positions)
    places = (positions.to(dtype) + _shift)[..., None]
    if _turns:
        places = places * 2 * math.pi
    if _exponent == "j/d":
        angles = places * base ** (-torch.arange(width, dtype=dtype) / width)
        sin, cos = angles[..., 0::2].sin(), angles[..., 1::2].cos()
        cos = cos if width % 2 == 0 else torch.cat((cos, torch.zeros_like(cos[..., :1]) if width > 1 else sin), -1)
    else:
        cos_at = _exponent if _cos == "2i/d" else _cos
        sin, cos = (places * frequencies(_exponent)).sin(), (places * frequencies(cos_at)).cos()
    if _dtype == "through float32" and positions.dtype == torch.float64:
        sin, cos = sin.double(), cos.double()
    if _both:
        cos = sin
    if _first == "cos":
        sin, cos = cos, sin
    if _order == "halves":
        out = torch.cat((sin, cos[..., : width // 2]), -1)
    else:
        out = torch.stack((sin, cos), -1).flatten(-2)[..., :width]
    return out / math.sqrt(width) if _root else out


MISTAKES = switches(
    sinusoids,
    {
        "in_halves": (
            "all sines come first and then all cosines: the paper has them by turns, feature 2i a sine and 2i + 1 a cosine. "
            "(Its own code has halves; a checkpoint made for one is garbage in the other)",
            {"_order": "halves"},
        ),
        "cosine_first": (
            "the even features are cosines and the odd ones sines: it is the other way round",
            {"_first": "cos"},
        ),
        "cosine_first_in_halves": (
            "all cosines come first and then all sines, as in diffusion models: sin and cos by turns are asked for, sin first",
            {"_first": "cos", "_order": "halves"},
        ),
        "frequency_per_feature": (
            "every feature j has a frequency of its own, base^(-j/d): features 2i and 2i + 1 are a pair and share "
            "base^(-2i/d), which is what makes a shift a rotation",
            {"_exponent": "j/d"},
        ),
        "cosine_at_the_next_frequency": (
            "the cosine of a pair has the exponent 2(i+1)/d, that of the next sine: the two of a pair share 2i/d",
            {"_cos": "(2i+2)/d"},
        ),
        "exponent_without_2": (
            "the exponent is i/d, not 2i/d, with i counted over the pairs: the waves reach only base^(1/2)",
            {"_exponent": "i/d"},
        ),
        "exponent_doubled": (
            "the exponent is 4i/d: the step of 2 is in arange(0, d, 2) already, and is multiplied by 2 once more",
            {"_exponent": "4i/d"},
        ),
        "pairs_from_1": (
            "the pairs are counted from 1: the first wave has the frequency base^(-2/d) and not 1",
            {"_exponent": "(2i+2)/d"},
        ),
        "exponent_reaches_1": (
            "the exponents run from 0 to 1, both ends included, as in tensor2tensor: 2i/d ends below 1",
            {"_exponent": "2i/(d-2)"},
        ),
        "exponent_sign": (
            "the frequencies grow from 1 up to nearly base: the position has to be divided by base^(2i/d)",
            {"_sign": 1},
        ),
        "base_ignored": (
            "the argument `base` is not used: it is always 10000, and was {base} here",
            {"_base": 10000.0},
        ),
        "another_base": (
            "the base is {_base}, whatever the argument `base` says: it was {base} here",
            {"_base": 1000.0},
            {"_base": [100.0, 500.0, 100000.0, 500000.0, 1000000.0]},
        ),
        "log_of_the_wrong_base": (
            "the frequencies are exp(-2i/d · log10(base)): exp goes with the natural logarithm, math.log",
            {"_log": "10"},
        ),
        "positions_from_1": ("the positions are off by one: position 0 has the pattern of position 1", {"_shift": 1}),
        "positions_ignored": (
            "the positions are not used but counted anew, 0, 1, 2, ...: with a cache, or padding, they are others",
            {"_places": "counted"},
        ),
        "whole_positions": (
            "the positions are made whole numbers first: 2.5 has a pattern of its own",
            {"_places": "whole"},
        ),
        "positions_floored": (
            "the positions are rounded down to whole numbers first: 2.5 has a pattern of its own",
            {"_places": "floor"},
        ),
        "positions_rounded": (
            "the positions are rounded to whole numbers first: 2.5 has a pattern of its own",
            {"_places": "round"},
        ),
        "positions_absolute": (
            "negative positions are made positive: sin(-a) is -sin(a), so that -3 has a pattern of its own",
            {"_places": "absolute"},
        ),
        "negative_positions_at_0": (
            "negative positions are put to 0: the formula holds for them too",
            {"_places": "from 0"},
        ),
        "positions_have_a_limit": (
            "positions end at {_limit}, the length of the usual table: the formula has no end",
            {"_limit": 5000},
            {"_limit": [512, 1024, 2048, 4096, 4999, 5000, 8191, 8192, 10000, 32768, 65536, 131072]},
        ),
        "turns_for_radians": (
            "the angles are multiplied by 2π: position / base^(2i/d) is in radians already",
            {"_turns": True},
        ),
        "sines_only": ("the odd features are sines as well: they have to be cosines", {"_both": True}),
        "divided_by_root": (
            "the result is divided by sqrt({d}): it is the embedding that is multiplied by it, the positions stay as they are",
            {"_root": True},
        ),
        "through_float32": (
            "float64 positions pass through float32: the result is right to about 7 digits only",
            {"_dtype": "through float32"},
        ),
        "always_float32": ("the result is float32 even where the positions are float64", {"_dtype": "float32"}),
        "always_float64": (
            "the result is float64 even where the positions are integers: float32 is asked for",
            {"_dtype": "float64"},
        ),
    },
    kinds={"through_float32": "precision", "always_float32": "dtype", "always_float64": "dtype"},
)
