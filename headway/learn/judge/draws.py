"""Which sizes a case is run with: the hard ones always, then at random."""

from __future__ import annotations

import random
from typing import Any


def sizes_of(ranges: dict[str, Any], chance: random.Random, fixed: dict[str, Any] | None = None) -> dict[str, int]:
    """One choice per size: a range (low, high), a list of options, or a number."""
    chosen: dict[str, int] = {}
    for name, allowed in {**ranges, **(fixed or {})}.items():
        if isinstance(allowed, tuple):
            chosen[name] = chance.randint(allowed[0], most(allowed, ranges))
        else:
            chosen[name] = chance.choice(allowed) if isinstance(allowed, list) else allowed
    return chosen


def least(allowed: Any) -> int:
    """The smallest size of a range, a list or a number."""
    return allowed[0] if isinstance(allowed, tuple) else min(allowed) if isinstance(allowed, list) else allowed


def most(allowed: Any, ranges: dict[str, Any]) -> int:
    """The greatest size; the upper end of a range may be the name of another size, which it may not exceed."""
    if isinstance(allowed, tuple):
        return most(ranges[allowed[1]], ranges) if isinstance(allowed[1], str) else allowed[1]
    return max(allowed) if isinstance(allowed, list) else allowed


def allowed_sizes(ranges: dict[str, Any], sizes: dict[str, int], valid: Any) -> bool:
    """Whether sizes keep to the ranges that name each other, and to the exercise's own ``valid(sizes)``."""
    named = [(n, a[1]) for n, a in ranges.items() if isinstance(a, tuple) and isinstance(a[1], str)]
    return all(sizes[name] <= sizes[other] for name, other in named) and valid(sizes)


def draws_of(
    ranges: dict[str, Any], count: int, seed: str, valid: Any, at_most: int | None = None
) -> list[dict[str, int]]:
    """Choices of sizes: the hard ones always, then at random until there are `count`; of these the first `at_most`.

    The hard ones: all different, all least, the first again (for other values), all equal where they can be, all greatest,
    each least alone.
    """
    chance = random.Random(seed)
    free = [name for name, allowed in ranges.items() if least(allowed) != most(allowed, ranges)]

    def sized(fixed: dict[str, Any] | None = None, distinct: bool = False) -> dict[str, int] | None:
        best = None
        for _ in range(60):
            sizes = sizes_of(ranges, chance, fixed)
            if not allowed_sizes(ranges, sizes, valid):
                continue
            values = [sizes[name] for name in free]
            if not distinct or len(set(values)) == len(values):
                return sizes
            if best is None or len(set(values)) > len({best[name] for name in free}):
                best = sizes
        return best

    first = sized(distinct=True)
    plan = [first, sized({name: least(a) for name, a in ranges.items()}), first]
    plan += [sized(_equal(ranges, chance)), sized({name: most(a, ranges) for name, a in ranges.items()})]
    plan += [sized({name: least(ranges[name])}) for name in free]
    if not free:  # nothing to choose: only the values differ
        plan = [first] * max(count, 1)
    while len(plan) < count:
        plan.append(sized(distinct=len(plan) % 2 == 0))
    return [sizes for sizes in plan[:at_most] if sizes is not None]


def _equal(ranges: dict[str, Any], chance: random.Random) -> dict[str, int]:
    """One number above 1 for every size that allows it: an axis taken for another shows only where they can be confused."""

    def allows(allowed: Any, n: int) -> bool:
        return least(allowed) <= n <= most(allowed, ranges) and (not isinstance(allowed, list) or n in allowed)

    number = max(range(2, 10), key=lambda n: (sum(allows(a, n) for a in ranges.values()), chance.random()))
    return {name: number for name, allowed in ranges.items() if allows(allowed, number)}
