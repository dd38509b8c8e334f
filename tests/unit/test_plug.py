"""A learner's functions inside real models: swapped in everywhere, counted, swapped back, their failures told in a line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from headway import use, zoo
from headway.base.errors import HeadwayError
from headway.base.sources import SOURCES, state
from headway.learn.contract import contract_of
from headway.learn.exercise import exercises, find_exercise
from headway.learn.plug import RUNS_ON, command_for, plugged
from headway.models.gpt2 import GPT2, GPT2Config
from headway.models.llama import Llama, LlamaConfig

ROPE, SDPA = find_exercise("attention/rope"), find_exercise("attention/sdpa")


def llama() -> Llama:
    torch.manual_seed(0)
    model = Llama(LlamaConfig(vocab_size=17, width=16, ff_width=24, n_layer=2, n_head=4, n_group=2)).eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:  # at the usual small start attention is nearly uniform, and nothing would show
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def put(folder: Path, name: str, source: str) -> Path:
    path = folder / "exercises" / "attention" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


TOKENS = torch.tensor([[1, 4, 2, 9, 16, 3]])


@pytest.mark.parametrize("style", ROPE.styles)
def test_the_model_runs_on_the_learners_rotation(style: str, tmp_path: Path):
    model = llama()
    with torch.no_grad():
        before = model(TOKENS)
        with plugged(put(tmp_path, "rope.py", ROPE.styles[style])) as state:
            mine = model(TOKENS)
        after = model(TOKENS)
    assert torch.allclose(mine, before, atol=1e-5)
    assert torch.equal(after, before)
    assert all(state.calls.values())
    assert "rotate (2 calls)" in state.told()


@pytest.mark.parametrize("style", SDPA.styles)
def test_the_model_runs_on_the_learners_attention(style: str, tmp_path: Path):
    """Grouped keys and a cache included."""
    model = llama()
    path = put(tmp_path, "sdpa.py", SDPA.styles[style])
    with torch.no_grad():
        before = model(TOKENS)
        cache = model.new_cache(1, 8)
        with plugged(path):
            whole = model(TOKENS)
            parts = torch.cat((model(TOKENS[:, :4], cache), model(TOKENS[:, 4:], cache)), 1)
    assert torch.allclose(whole, before, atol=1e-5)
    assert torch.allclose(parts, before, atol=1e-5)


def test_a_wrong_function_changes_the_model(tmp_path: Path):
    model = llama()
    wrong = ROPE.styles["halves"].replace("a * cos - b * sin", "a * cos + b * sin")
    with torch.no_grad(), plugged(put(tmp_path, "rope.py", wrong)):
        mine = model(TOKENS)
    assert not torch.allclose(mine, model(TOKENS), atol=1e-3)


def test_a_model_that_does_without_says_so(tmp_path: Path):
    torch.manual_seed(0)
    model = GPT2(GPT2Config(vocab_size=17, width=16, n_layer=1, n_head=2, context=16)).eval()
    never = r"never called rotary_angles, rotate .* `headway run smollm2-135m .* --with exercises/attention/rope.py`"
    with pytest.raises(HeadwayError, match=never), plugged(put(tmp_path, "rope.py", ROPE.styles["halves"])):
        model(TOKENS)


def test_every_exercise_with_a_place_in_a_model_has_one_to_run_on():
    assert set(RUNS_ON) == {name for name, exercise in exercises().items() if contract_of(exercise).plug}
    assert command_for("attention/rope").endswith("--with exercises/attention/rope.py")
    assert command_for("tensors/masks") is None


@pytest.mark.parametrize("name", [name for name in RUNS_ON if RUNS_ON[name].startswith("numbers-")])
def test_it_runs_on_every_right_answer_and_says_the_same(name: str, tmp_path: Path):
    model, _, text = RUNS_ON[name].partition(" ")
    loaded = zoo.load(model)
    own = use.rewrite(loaded, text.strip('"'))
    for n, source in enumerate(find_exercise(name).styles.values()):
        path = tmp_path / str(n) / "exercises" / f"{name}.py"
        path.parent.mkdir(parents=True)
        path.write_text(source)
        with plugged(path) as plug:
            found = use.rewrite(loaded, text.strip('"'))
        assert use.difference(found, own).same
        assert all(plug.calls.values())


@pytest.mark.weights
@pytest.mark.skipif(state(SOURCES["smollm2-135m"]) != "present", reason="`headway fetch smollm2-135m` first")
@pytest.mark.parametrize("name", [name for name in RUNS_ON if RUNS_ON[name].startswith("smollm2")])
def test_the_real_model_calls_it(name: str, tmp_path: Path):
    path = tmp_path / "exercises" / f"{name}.py"
    path.parent.mkdir(parents=True)
    path.write_text(next(iter(find_exercise(name).styles.values())))
    loaded = zoo.load("smollm2-135m")
    sampling = use.Sampling(temperature=0.8 if "--temperature" in RUNS_ON[name] else 0.0)
    with plugged(path) as plug:
        use.go_on(loaded, "The sky", max_tokens=2, sampling=sampling, seed=0).read()
    assert any(plug.calls.values())


def test_nothing_is_left_behind_whatever_happens(tmp_path: Path):
    import headway.blocks.rotary as home
    import headway.models.llama as user

    original = home.rotate

    def fail_inside() -> None:
        with plugged(put(tmp_path, "rope.py", ROPE.styles["halves"])):
            assert home.rotate is not original
            assert user.rotate is home.rotate
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert home.rotate is original
    assert user.rotate is original
    assert str(tmp_path / "exercises" / "attention") not in sys.path


def test_a_module_imported_meanwhile_is_put_right_too(tmp_path: Path):
    import headway.blocks.rotary as home

    sys.modules.pop("headway.models.mistral", None)
    with plugged(put(tmp_path, "rope.py", ROPE.styles["halves"])):
        import headway.models.mistral as later
    assert later.rotate is home.rotate


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (ROPE.task.read_text(), "not written yet"),
        ("def rotate(x, cos, sin):\n    return None\n", "returns None"),
        ("def rotate(x, cos, sin):\n    return x @ cos @ 1\n", "line 2"),
        ("def rotate(x:\n", "line 1"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("import sys\nsys.exit(0)\n", "calls exit"),
        ("def other(): pass\n", "defines no"),
    ],
    ids=["stub", "None", "raises", "syntax", "when run", "exit", "nothing of use"],
)
def test_what_fails_is_one_line(source: str, told: str, tmp_path: Path):
    with pytest.raises(HeadwayError, match=told) as caught, plugged(put(tmp_path, "rope.py", source)):
        llama()(TOKENS)
    assert "\n" not in str(caught.value)


def test_a_file_of_no_exercise_replaces_by_name(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch\ncalled = []\n"
        "def rms_norm(x, weight, eps):\n"
        "    called.append(1)\n"
        "    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight\n"
    )
    model = llama()
    with torch.no_grad():
        before = model(TOKENS)
        with plugged(path) as state:
            mine = model(TOKENS)
    assert torch.allclose(mine, before, atol=1e-5)
    assert state.calls["headway.blocks.norms.rms_norm"] > 0
