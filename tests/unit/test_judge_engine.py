"""What the judge tries and what it says, on exercises made for it: no input left out, no right answer refused, no word untrue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headway.learn.exercise import Exercise
from headway.learn.judge import Judge, Verdict
from headway.learn.judge.draws import draws_of

TOY = """
import torch
from headway.learn.cases import Call, case, law, note
ENTRIES = ("scaled", "shifted")
SIZES = {"b": (1, 3), "t": (1, 5), "d": (1, 6)}
RETURNS = {"scaled": "b t d"}

def scaled(x, eps=1e-3):
    size = note("mean square", (x * x).mean(-1, keepdim=True))
    return x / (size + eps).sqrt()

def shifted(x, by=None):
    return x - x.logsumexp(-1, keepdim=True) if by is None else x + by

@case("plain", draws=1)
def plain(d):
    return Call("scaled", x=d.normal("b t d"))

@case("an eps of its own", draws=2)
def own(d):
    return Call("scaled", x=d.normal("b t d"), eps=d.number(0.1, 0.5))

@case("in bfloat16 too", draws=2, b=3, t=20, d=(200, 300), bfloat16=0.004)
def small(d):
    return Call("scaled", x=d.normal("b t d"))

@case("huge", draws=2, float32=False, gradient=False)
def huge(d):
    return Call("shifted", x=d.normal("t d") + 1e9)

@case("moved", draws=2)
def moved(d):
    return Call("shifted", x=d.normal("t d"), by=d.number(1, 2))

@law("moving by 0 changes the numbers")
def still(learner, d):
    x = d.normal("t d")
    return bool((learner.shifted(x, 0.0) == x).all())
"""
TOY_MISTAKES = """
import torch
from headway.learn.cases import mistake, switches

@mistake("your eps is {eps}, not what the task asks for", of="scaled", also={"eps": [1e-5, 1e-8]})
def another_eps(x, eps_given=1e-3, *, eps=1e-2):
    return x / ((x * x).mean(-1, keepdim=True) + eps).sqrt()

@mistake("the mean is taken over the wrong axis", of="scaled")
def over_positions(x, eps=1e-3):
    return x / ((x * x).mean(-2, keepdim=True) + eps).sqrt()

def base(x, by=None, *, _sign=1, _unseen=0):
    return x - x.logsumexp(-1, keepdim=True) if by is None else x + _sign * by + 0 * _unseen

SWITCHED = switches(base, {
    "subtracts": ("`by` is taken off", {"_sign": -1}),
    "nothing": ("this changes nothing that could be seen", {"_unseen": 1}),
}, of="shifted", kinds={"nothing": "random"})
"""
RIGHT = """
import torch
def scaled(x, eps=1e-3):
    y = x.float() if x.dtype == torch.bfloat16 else x
    return (y / ((y * y).mean(-1, keepdim=True) + eps).sqrt()).to(x.dtype)
def shifted(x, by=None):
    return x - x.logsumexp(-1, keepdim=True) if by is None else x + by
"""

MODULE = """
import torch
from torch import nn
from headway.learn.cases import Make, case
ENTRIES = ("Mixer",)
SIZES = {"b": (1, 3), "t": (1, 6), "h": (2, 3), "k": (2, 4)}
OPTIONAL = ("q.bias", "k.bias", "v.bias")

class Mixer(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2) for f in (self.q, self.k, self.v))
        seen = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        return ((q @ k.mT).masked_fill(~seen, -torch.inf).softmax(-1) @ v).transpose(1, 2).flatten(2)

@case("plain", draws=3)
def plain(d):
    return Make("Mixer", width=d.h * d.k, n_head=d.h).call(x=d.normal("b t h*k"))
"""
MIXER = """
import torch
from torch import nn
class Mixer(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head, self.mask = n_head, None
        self.fused = nn.Linear(width, 3 * width)
    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = {CUT}
        seen = torch.ones(t, t, dtype=torch.bool).tril()
        return ((q @ k.mT).masked_fill(~seen, -torch.inf).softmax(-1) @ v).transpose(1, 2).flatten(2)
"""


def made(folder: Path, cases: str, mistakes: str = "") -> Exercise:
    folder = folder / "toy" / "made"
    folder.mkdir(parents=True)
    for name, text in {"cases": cases, "mistakes": mistakes, "task": '"""Made."""\n', "solutions": ""}.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "hints.md").write_text("## 1\na\n## 2\nb\n")
    return Exercise("toy/made", folder)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as warm:
        yield warm


Check = Callable[..., Verdict]


@pytest.fixture(scope="module")
def toy(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Check:
    exercise, path = (
        made(tmp_path_factory.mktemp("toy"), TOY, TOY_MISTAKES),
        tmp_path_factory.mktemp("mine") / "made.py",
    )

    def run(*changes: tuple[str, str], seed: int | None = None) -> Verdict:
        source = RIGHT
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        path.write_text(source)
        return judge.check(exercise, path, seed)

    return run


@pytest.fixture(scope="module")
def mixer(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Check:
    exercise, path = made(tmp_path_factory.mktemp("mixer"), MODULE), tmp_path_factory.mktemp("mine") / "made.py"

    def run(source: str) -> Verdict:
        path.write_text(source)
        return judge.check(exercise, path)

    return run


# -- inputs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5, 14])
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_the_hard_sizes_are_drawn_whatever_the_count(count: int, seed: str):
    ranges = {"b": (1, 3), "h": (1, 4), "t": (1, 6), "s": (1, 7)}
    draws = draws_of(ranges, count, seed, lambda sizes: True)
    assert {"b": 1, "h": 1, "t": 1, "s": 1} in draws
    assert {"b": 3, "h": 4, "t": 6, "s": 7} in draws
    assert any(len(set(sizes.values())) == 1 and sizes["b"] > 1 for sizes in draws)
    assert all(any(sizes[name] == 1 for sizes in draws) for name in ranges)
    assert len(draws) >= count


def test_what_is_wrong_only_at_the_greatest_size_is_seen_on_every_seed(toy: Check):
    for seed in range(3):
        verdict = toy(
            ("def scaled(x, eps=1e-3):", "def scaled(x, eps=1e-3):\n    if x.shape == (3, 5, 6): return x"), seed=seed
        )
        assert not verdict.passed


def test_what_is_right_passes(toy: Check):
    verdict = toy()
    assert verdict.passed, verdict


def test_an_offset_into_memory_is_kept(toy: Check):
    verdict = toy(("    y = x.float()", "    x = x.as_strided(x.shape, x.stride(), 0)\n    y = x.float()"))
    assert verdict.names == ("layout",)
    assert "view of a larger one" in verdict.line


def test_bfloat16_where_a_case_asks_for_it(toy: Check):
    verdict = toy(("x.float() if x.dtype == torch.bfloat16 else x", "x"))
    assert verdict.status == "wrong"
    assert any("in bfloat16" in line for line in verdict.details)


def test_what_a_large_input_leaves_of_a_formula_is_enough(toy: Check):
    assert toy(("x - x.logsumexp(-1, keepdim=True)", "(x - x.logsumexp(-1, keepdim=True)).exp().log()")).passed


# -- modules -------------------------------------------------------------------------------------------------------------

CUTS = {
    "one after the other": "(y.view(b, t, self.n_head, -1).transpose(1, 2) for y in self.fused(x).chunk(3, -1))",
    "values first": "(y.view(b, t, self.n_head, -1).transpose(1, 2) for y in self.fused(x).chunk(3, -1)[1:] + "
    "self.fused(x).chunk(3, -1)[:1])",
    "head by head": "self.fused(x).view(b, t, self.n_head, 3, -1).permute(3, 0, 2, 1, 4)",
    "row by row": "self.fused(x).view(b, t, self.n_head, -1, 3).permute(4, 0, 2, 1, 3)",
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_fused_layer_may_lie_in_every_usual_order(cut: str, mixer: Check):
    verdict = mixer(MIXER.replace("{CUT}", cut))
    assert verdict.passed, verdict
    assert any("fused" in note for note in verdict.notes)


def test_a_mask_kept_from_the_first_call_is_found(mixer: Check):
    source = MIXER.replace("{CUT}", CUTS["head by head"]).replace(
        "        seen = torch.ones(t, t, dtype=torch.bool).tril()\n",
        "        if self.mask is None: self.mask = torch.ones(t, t, dtype=torch.bool).tril()\n"
        "        seen = torch.ones(t, t, dtype=torch.bool)\n"
        "        n = min(t, len(self.mask)); seen[:n, :n] = self.mask[:n, :n]\n",
    )
    verdict = mixer(source)
    assert verdict.names == ("state",), verdict
    assert "called before" in verdict.line


# -- what is said --------------------------------------------------------------------------------------------------------


def test_a_mistake_with_another_number_is_named_with_it(toy: Check):
    verdict = toy(("+ eps).sqrt()", "+ 1e-8).sqrt()"))
    assert verdict.names == ("another_eps",), verdict
    assert "`scaled`" in verdict.line
    assert "eps is 1e-08" in verdict.line


def test_a_second_mistake_that_cannot_be_seen_is_not_named(toy: Check):
    assert toy(("x + by", "x - by")).names == ("subtracts",)


def test_a_mistake_in_one_case_is_named_for_that_case(toy: Check):
    verdict = toy(("(y * y).mean(-1, keepdim=True)", "(y * y).mean(-1 if eps < 0.1 else -2, keepdim=True)"))
    assert verdict.names == ("over_positions",), verdict
    assert "in these cases only: an eps of its own" in verdict.line


def test_float32_is_said_only_where_it_was_seen(toy: Check):
    seen = toy(("    return (y /", "    y = y.float().to(y.dtype)\n    return (y /"))
    assert seen.names == ("precision",)
    assert "line 5 works in float32" in seen.line
    small = toy(("+ eps).sqrt()", "+ eps).sqrt().add(1e-8)"))
    assert small.status == "wrong"
    assert "float32" not in "".join([small.line, *small.details])


def test_an_integer_tensor_of_floats_is_no_loss(toy: Check):
    verdict = toy(("    return (y /", "    y = y * torch.ones(1)\n    return (1.00000001 * y /"))
    assert "precision" not in verdict.names


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("y = y * (1 + 1e-3 * random.random())", "random"),
        ("y = y * (1 + 1e-3 * torch.rand(()))", "random"),
        ("count.append(0); y = y * (1 + 1e-3 * len(count))", "state"),
        ("y = y + count[-1] if len(count) > 9 else y; count.append(1.0)", "state"),
    ],
)
def test_chance_and_memory_are_told_apart(change: str, name: str, toy: Check):
    verdict = toy(
        ("import torch\n", "import random, torch\ncount = []\n"), ("    return (y /", f"    {change}\n    return (y /")
    )
    assert verdict.names == (name,), verdict


def test_no_gradient_is_right_where_the_true_one_is_0(judge: Judge, tmp_path: Path):
    cases = """
from headway.learn.cases import Call, case
ENTRIES = ("spread",)
SIZES = {"t": (1, 4), "d": (1, 4)}
def spread(x):
    return x - x.mean(-1, keepdim=True)
@case("plain")
def plain(d):
    return Call("spread", x=d.normal("t d"))
"""
    mine = tmp_path / "made.py"
    source = "import torch\ndef spread(x):\n    {}\n    return x - x.mean(-1, keepdim=True)\n"
    exercise = made(tmp_path, cases)
    mine.write_text(source.format("if x.shape[-1] == 1: return torch.zeros(x.shape, dtype=x.dtype)"))
    assert judge.check(exercise, mine).passed
    mine.write_text(source.format("x = x.detach()"))
    verdict = judge.check(exercise, mine)
    assert verdict.names == ("gradient",)
    assert "the graph is cut" in verdict.line


def test_as_many_digits_are_shown_as_differ(toy: Check):
    verdict = toy(
        (
            "    return x - x.logsumexp(-1, keepdim=True) if by is None else x + by",
            "    return x + by * 1.000001 if by else x - x.logsumexp(-1, keepdim=True)",
        )
    )
    expected, came = (
        next(line for line in verdict.details if line.startswith(f"  {word}")) for word in ("expected", "came")
    )
    assert expected.split()[1:] != came.split()[1:]


def test_an_intermediate_that_is_done_without_is_not_to_blame(toy: Check):
    verdict = toy(
        ("(y * y).mean(-1, keepdim=True)", "(y.norm(dim=-1, keepdim=True) ** 2 / y.shape[-1])"),
        ("/ ((y", "* 1.5 / ((y"),
    )
    assert "mean square" not in verdict.line, verdict


# -- several functions ---------------------------------------------------------------------------------------------------


def test_what_is_written_is_judged_though_the_rest_is_missing(toy: Check):
    missing = toy(("def shifted", "def later"))
    assert missing.status == "missing"
    assert "`shifted`" in missing.line
    assert "scaled already right" in missing.line
    raising = toy(("def shifted", "def later"), ("y * y", "y * z"))
    assert raising.status == "raised"
    assert raising.line.startswith("`scaled`: NameError in line 5")
    assert raising.line.endswith("Not written yet: shifted.")
    unfinished = toy(
        ("    return x - x.logsumexp(-1, keepdim=True) if by is None else x + by", "    raise NotImplementedError"),
        ("-1, keepdim", "-2, keepdim"),
    )
    assert unfinished.names == ("over_positions",)
    assert unfinished.line.endswith("Not written yet: shifted.")


def test_a_name_with_escape_codes_does_nothing_to_a_terminal(toy: Check):
    verdict = toy(("    return (y /", "    raise type('\\x1b[2JE', (Exception,), {})('\\x1b[31m')\n    return (y /"))
    assert verdict.status == "raised"
    assert "\x1b" not in "".join([verdict.line, *verdict.details, *verdict.printed])
