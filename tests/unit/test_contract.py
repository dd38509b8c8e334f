"""What cases.py may define is one contract, read in one place; what is not in it is refused by name."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headway.base.errors import HeadwayError
from headway.learn import contract
from headway.learn.cases import Call, case, mistake, switches
from headway.learn.exercise import exercises

ROOT = Path(contract.__file__).parents[2]


def module(**names: Any) -> ModuleType:
    made = ModuleType("cases")
    vars(made).update(names)
    return made


def twice(x):
    return x * 2


def test_the_table_of_the_docs_is_the_contract():
    assert contract.table() in (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")


def test_every_field_of_the_contract_is_in_the_table_and_the_other_way_round():
    read = {"references", "cases", "laws", "valid"}
    assert set(contract.Contract.__dataclass_fields__) - read == {n.lower() for n in contract.NAMES} - {"order"}


@pytest.mark.parametrize("exercise", exercises().values(), ids=exercises())
def test_every_exercise_keeps_to_it(exercise):
    found = contract.contract_of(exercise)
    assert found.cases or found.laws
    assert set(found.references) == set(found.entries)
    assert len(contract.mistakes_of(exercise)) == len({m.name for m in contract.mistakes_of(exercise)})


def test_defaults_and_cases_are_read():
    plain = case("plain", t=(1, 3))(lambda d: Call("twice", x=d.normal("t")))
    found = contract.read_contract(module(ENTRIES=("twice",), twice=twice, SIZES={"t": (1, 4)}, plain=plain), "a/b")
    assert found.cases == (plain,)
    assert found.tolerance == contract.TOLERANCE
    assert found.limits == contract.CheckLimits()
    assert found.valid({})
    slow = contract.read_contract(module(ENTRIES=("twice",), twice=twice, LIMITS={"seconds": 5}), "a/b")
    assert (slow.limits.seconds, slow.limits.wall) == (5, 15)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({}, "ENTRIES is missing"),
        ({"ENTRIES": ("thrice",)}, "no reference thrice"),
        ({"ENTRIES": ("twice",), "SIZES": [1]}, "SIZES is a list"),
        ({"ENTRIES": ("twice",), "TOLERANC": 1e-3}, "TOLERANCE is meant"),
        ({"ENTRIES": ("twice",), "RETURNS": {"once": "t"}}, "no entry"),
        ({"ENTRIES": ("twice",), "LIMITS": {"hours": 1}}, "seconds, wall and memory"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(names: dict, words: str):
    with pytest.raises(HeadwayError, match=words):
        contract.read_contract(module(twice=twice, **names), "a/b")


def test_a_mistake_may_have_other_numbers():
    @mistake("eps is {eps}", also={"eps": [1e-5, 1e-6]})
    def large(x, *, eps=1e-3):
        return x + eps

    assert [chosen for chosen, _ in large.variants()] == [{}, {"eps": 1e-5}, {"eps": 1e-6}]
    assert [answer(0.0) for _, answer in large.variants()] == [1e-3, 1e-5, 1e-6]
    assert large.told({"eps": 1e-5}) == "eps is 1e-05"

    class Base:
        eps = 1.0

    (switched,) = switches(Base, {"row": ("{eps}", {"eps": 2.0}, {"eps": [3.0]})})
    assert [answer.eps for _, answer in switched.variants()] == [2.0, 3.0]
