"""What the numbers of sampling may be. No torch here: a command line is checked before seconds are spent on it."""

from __future__ import annotations

from headway.base.errors import HeadwayError

RULES = {
    "temperature": (lambda t: 0 <= t < float("inf"), "0 (greedy) or more"),
    "top_k": (lambda k: k >= 0, "0 (all tokens) or more"),
    "top_p": (lambda p: 0 < p <= 1, "more than 0 and at most 1"),
    "min_p": (lambda p: 0 <= p <= 1, "between 0 and 1"),
    "repetition_penalty": (lambda r: 0 < r < float("inf"), "more than 0 (1 is no penalty)"),
    "no_repeat_ngram": (lambda n: n >= 0, "0 (no rule) or more"),
}
"""A setting of `Sampling` -> whether a value is allowed, and which are."""


def check_sampling(**settings: float) -> None:
    """Raise HeadwayError for the first setting that is outside of its `RULES`."""
    for name, value in settings.items():
        allowed, rule = RULES[name]
        if not allowed(value):
            raise HeadwayError(f"{name.replace('_', '-')} is {rule}, not {value}.")
