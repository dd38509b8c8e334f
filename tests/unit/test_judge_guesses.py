"""What the judge says of wrong answers that no mistake is listed for: true of them, with their own numbers, or not said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headway.learn.exercise import Exercise
from headway.learn.judge import Judge, Verdict
from headway.learn.judge.alterations import numbers_in
from tests.unit.test_judge_engine import made

CASES = """
import torch
from headway.learn.cases import Call, case, note
ENTRIES = ("mixed", "words")
SIZES = {"b": (1, 3), "t": (1, 5), "n": (1, 6)}
RETURNS = {"mixed": "b t t"}

def mixed(x, temperature=1.0):
    scores = note("scores (b t t)", x @ x.mT / temperature)
    weights = note("weights (b t t)", scores.softmax(-1))
    return weights.square()

def words(text, most):
    pieces = note("list of the pieces", text.split("-"))
    return pieces[:most]

@case("small", draws=8)
def small(d):
    return Call("mixed", x=d.normal("b t n", std=2.0), temperature=d.number(0.3, 3.0))

@case("large", draws=4, float32=False)
def large(d):
    return Call("mixed", x=d.normal("b t n", std=20.0))

@case("texts", draws=24, n=(3, 9), gradient=False)
def texts(d):
    return Call("words", text=d.text(d.n + 3, "A-b-"), most=d.integer(1, 4))
"""
RIGHT = """
def mixed(x, temperature=1.0):
    scores = x @ x.transpose(-2, -1) / temperature
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True) if False else scores.softmax(-1)
    return weights * weights

def words(text, most):
    return text.split("-")[:most]
"""


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    return made(tmp_path_factory.mktemp("guesses"), CASES)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as warm:
        yield warm


@pytest.fixture
def check(judge: Judge, exercise: Exercise, tmp_path: Path) -> Callable[..., Verdict]:
    def checked(*changes: tuple[str, str]) -> Verdict:
        source = RIGHT
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        path = tmp_path / "made.py"
        path.write_text(source)
        return judge.check(exercise, path, 5)

    return checked


def test_the_right_answer_passes(check: Callable[..., Verdict]):
    assert check().passed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("/ temperature\n", "/ temperature\n    scores = scores.clamp(-7.5, 7.5)\n"),
            "scores (b t t) were kept within -7.5 and 7.5",
        ),
        (
            ("/ temperature\n", "/ temperature\n    scores = scores.clamp(max=7.5)\n"),
            "scores (b t t) were cut off above 7.5",
        ),
        (("/ temperature\n", "/ max(temperature, 0.7)\n"), "`temperature` were never less than 0.7"),
        (("/ temperature\n", "/ temperature**0.5\n"), "`temperature` is used as its square root"),
        (("weights * weights", "weights * weights + 1e-4"), "the right one were larger by 0.0001"),
        (("weights * weights", "(weights * weights).tril()"), "were 0 above the diagonal"),
        (("scores.softmax(-1)\n", "scores.softmax(-1).roll(1, -1)\n"), "shifted"),
        (('text.split("-")[', 'text.lower().split("-")['), "with its text put into lower case"),
        (('text.split("-")[', 'sorted(text.split("-"))['), "sorted"),
        (("[:most]", "[: min(most, 2)]"), " 2"),
    ],
)
def test_what_was_changed_is_said_with_its_numbers(change: tuple[str, str], words: str, check: Callable[..., Verdict]):
    verdict = check(change)
    assert verdict.status == "mistake", verdict
    assert words in verdict.line.lower() if words.islower() else words in verdict.line, verdict


def test_what_no_change_explains_gets_no_name(check: Callable[..., Verdict]):
    """A step whose numbers go another way on every input is shown, and no cause is made up for it."""
    verdict = check(("return weights * weights", "return weights * weights * (1 + 0.1 * x.sum())"))
    assert verdict.status == "wrong", verdict
    assert not verdict.names


def test_numbers_of_a_file_are_read_folded_and_without_sign():
    source = "EPS = 10 ** -6\nclip(x, -2.5, 2.5)\nn = 3 if True else 'no 7'\nhuge = 9 ** 9 ** 9\n"
    found = numbers_in(source)
    assert {1e-6, 2.5, 3.0} <= set(found)
    assert 7.0 not in found
    assert numbers_in("def f(:") == []


def test_an_alteration_on_some_inputs_only_is_said_with_them(check: Callable[..., Verdict]):
    verdict = check(("return weights * weights", "return weights * weights * (1.0 if x.shape[-1] < 5 else 1.75)"))
    assert verdict.status == "mistake", verdict
    assert "1.75" in verdict.line
    assert "only where n is 5 or more" in verdict.line


def test_what_is_kept_from_the_first_call_is_found_in_a_fresh_process(check: Callable[..., Verdict]):
    """The same input gives the same, again and again: only a process that was asked nothing before gives the right answer."""
    verdict = check(
        ("def mixed(", "KEPT = {}\ndef mixed("),
        ("    scores = ", "    temperature = KEPT.setdefault('t', temperature)\n    scores = "),
    )
    assert verdict.names == ("state",), verdict
    assert verdict.line.startswith("`mixed`: ")
    assert any("asked for first, it is right" in line for line in verdict.details)


GRADIENTS = """
import torch
from headway.learn.cases import Call, case
ENTRIES = ("slope",)
SIZES = {"n": (1, 4)}
LEAVES_NO_GRAD = True
def slope(w, x):
    own = w.detach().clone().requires_grad_()
    return torch.autograd.grad((own * x).sum(), own)[0]
@case("any", gradient=False)
def any_sizes(d):
    return Call("slope", w=d.normal("n"), x=d.normal("n"))
"""


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("own = w.clone().requires_grad_()\n    (own * x).sum().backward()\n    return own.grad", ()),
        ("w.requires_grad_()\n    (w * x).sum().backward()\n    return w.grad", ("marked",)),
        ("w.requires_grad_()\n    return torch.autograd.grad((w * x).sum(), w)[0]", ("marked",)),
    ],
)
def test_a_gradient_left_on_the_callers_tensor_is_seen(body: str, names: tuple[str, ...], judge: Judge, tmp_path: Path):
    path = tmp_path / "slope.py"
    path.write_text(f"import torch\ndef slope(w, x):\n    {body}\n")
    verdict = judge.check(made(tmp_path, GRADIENTS), path, 1)
    assert verdict.names == names, verdict
    assert verdict.passed == (not names)
    assert not names or "`w` is left with a gradient" in verdict.line
