"""What is drawn is what was computed, and what is changed is what was asked for: every architecture, with kernels and without."""

from __future__ import annotations

import copy
import inspect
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from support.looks import fed, inputs, loaded
from support.numerics import close, make
from support.tiny import TINY
from torch import Tensor, nn

from headway import look
from headway.base.errors import HeadwayError
from headway.base.replaced import modules
from headway.look.editing import Norm, Off, Own, Patch, Scale, blocks_of
from headway.look.mixing import ATTENTION, KINDS
from headway.look.tracing import Trace, run
from headway.models.catalog import CATALOG
from headway.zoo import Loaded

ALL = [(name, n) for name in CATALOG for n in range(len(TINY[name]))]
SILENT = {("bigram", 0), ("mlp_lm", 0), ("mlp_lm", 1), ("gru", 0), ("gru", 1), ("lstm", 0), ("lstm", 1), ("seq2seq", 1)}
"""Models in which no position looks at another: what came before is a state, or the last few tokens side by side."""
MIXING = [case for case in ALL if case not in SILENT]


def parts(out: object) -> list[Tensor]:
    """The tensors that a model returned."""
    return list(out) if isinstance(out, tuple) else [out]  # type: ignore[list-item]


def same(ours: object, theirs: object, what: str = "output") -> None:
    for a, b in zip(parts(ours), parts(theirs), strict=True):
        close(a, b, what)


def differ(ours: object, theirs: object) -> bool:
    return any(not torch.allclose(a, b) for a, b in zip(parts(ours), parts(theirs), strict=True))


def edited(model: Loaded, *edits, seed: int = 0) -> Trace:
    return run(model, fed(model, seed), edits)


def by_hand(model: Loaded, change: Callable[[nn.Module], None], seed: int = 0) -> object:
    """What the model returns on the same input after `change` rewrote a copy of it."""
    other = copy.deepcopy(model.model)
    with torch.no_grad():
        change(other)
        return fed(model, seed).call(other)


def stacks(model: nn.Module, trace: Trace) -> list[str]:
    """The blocks that ran."""
    return [name for name in blocks_of(model) if name in trace.stream]


class TestWhatIsDrawn:
    CONFIGURATIONS = MIXING

    def test_weights_times_values_are_what_was_passed_on(self, name, n, numerics):
        model = loaded(name, make(name, n, numerics))
        mixes = edited(model).mixes
        assert mixes
        for mix in mixes:
            product, passed = mix.weights() @ mix.values(), mix.passed()
            if numerics.dtype is torch.float32:
                gap = float((product - passed).abs().max() / passed.abs().max())
                assert gap <= 1e-6, f"{mix.place} differs by {gap:.2g} of its largest number"
            else:
                close(product, passed, mix.place)

    def test_the_picture_holds_these_weights(self, name, n):
        model = loaded(name, make(name, n))
        trace = edited(model)
        picture = look.attention(model, *(inputs(name, model.model)[:1]), target=inputs(name, model.model)[1])
        assert [layer.place for layer in picture.layers] == [mix.place for mix in trace.mixes]
        for layer, mix in zip(picture.layers, trace.mixes, strict=True):
            wanted = mix.weights()
            if wanted.shape[0] != len(layer.heads):  # a matrix for each channel: their mean size
                wanted = wanted.abs().mean(0, keepdim=True)
            assert torch.allclose(layer.weights, wanted.float())
            assert layer.weights.shape[1:] == (len(picture.texts[layer.rows]), len(picture.texts[layer.columns]))
            assert layer.seen.shape == layer.weights.shape[1:]
            unseen = layer.weights[:, ~layer.seen].abs()  # a convolution by FFT leaves roundings there
            assert not unseen.any() or (name == "s4d" and unseen.max() < 1e-12 * layer.weights.abs().max())

    def test_rows_of_attention_sum_to_one(self, name, n):
        for mix in edited(loaded(name, make(name, n))).mixes:
            if mix.kind == ATTENTION:
                weights = mix.weights()
                assert torch.allclose(weights.sum(-1), torch.ones_like(weights[..., 0]))

    def test_every_exchange_is_there_in_its_order(self, name, n):
        model = make(name, n)
        trace = edited(loaded(name, model))
        if name == "seq2seq":
            assert [mix.name for mix in trace.mixes] == ["align"]
            return
        wanted = [
            f"{block}.{part}"
            for block in stacks(model, trace)
            for part in ("attn", "cross", "retention", "mixer")
            if hasattr(blocks_of(model)[block], part)
        ]
        assert [mix.place for mix in trace.mixes] == wanted

    def test_looking_changes_nothing(self, name, n):
        model = loaded(name, make(name, n))
        with torch.no_grad():
            plain = fed(model).call(model.model)
        same(edited(model).out, plain)


def test_models_without_weights_say_so():
    for name, n in sorted(SILENT):
        model = loaded(name, make(name, n))
        given, target = inputs(name, model.model)
        with pytest.raises(HeadwayError, match="no position looks at another"):
            look.attention(model, given, target=target)


HEADED = [(name, n) for name, n in MIXING if name not in ("seq2seq", "mamba", "mamba2", "s4d")]
BLOCKS = [case for case in MIXING if case[0] != "seq2seq"]


class TestPartsOff:
    CONFIGURATIONS = BLOCKS

    def test_a_layer_off_is_its_input_handed_on(self, name, n):
        model = loaded(name, make(name, n))
        plain = edited(model)
        for place in stacks(model.model, plain):

            def skip(other: nn.Module, place: str = place) -> None:
                other.get_submodule(place).forward = lambda x, *_, **__: x

            found = edited(model, Off(place))
            same(found.out, by_hand(model, skip), place)
            assert differ(found.out, plain.out)

    def test_a_part_off_is_one_whose_last_matrix_is_zero(self, name, n):
        model = loaded(name, make(name, n))
        for place in stacks(model.model, edited(model)):
            block = model.model.get_submodule(place)
            for part, child in (
                ("attention", "attn"),
                ("attention", "retention"),
                ("attention", "mixer"),
                ("cross", "cross"),
                ("mlp", "mlp"),
            ):
                if not hasattr(block, child):
                    continue

                def nothing(other: nn.Module, place: str = f"{place}.{child}") -> None:
                    for name, weight in other.get_submodule(place).named_parameters():
                        if name.rpartition(".")[0].rpartition(".")[2] in ("out", "down"):
                            weight.zero_()

                same(edited(model, Off(place, part)).out, by_hand(model, nothing), f"{place}.{child}")

    def test_a_neuron_times_a_number_is_its_column_times_it(self, name, n):
        model = loaded(name, make(name, n))
        tried = 0
        for place in stacks(model.model, edited(model)):
            block = model.model.get_submodule(place)
            if not hasattr(getattr(block, "mlp", None), "down"):
                with pytest.raises(HeadwayError, match=r"no neurons of its own|has no mlp"):
                    edited(model, Scale(place, 0, 2.0))
                continue
            tried += 1
            for by in (0.0, -1.5):
                rewritten = by_hand(
                    model,
                    lambda other, place=place, by=by: other.get_submodule(f"{place}.mlp.down").weight[:, 3].mul_(by),
                )
                same(edited(model, Scale(place, 3, by)).out, rewritten, place)
        assert tried or name in ("mixtral", "mamba", "mamba2", "s4d")


class TestHeadsOff:
    CONFIGURATIONS = HEADED

    def test_a_head_off_is_its_columns_of_the_output_zero(self, name, n):
        model = loaded(name, make(name, n))
        plain = edited(model)
        for mix in plain.mixes:
            place, _, child = mix.place.rpartition(".")
            for head in range(mix.n_head):

                def cut(other: nn.Module, mix=mix, head: int = head) -> None:
                    weight = other.get_submodule(mix.place).out.weight
                    width = weight.shape[1] // mix.n_head
                    weight[:, head * width : (head + 1) * width] = 0

                found = edited(model, Off(place, "cross" if child == "cross" else "attention", head))
                same(found.out, by_hand(model, cut), f"head {head} of {mix.place}")
                assert differ(found.out, plain.out)
                now = next(m for m in found.mixes if m.place == mix.place)
                assert not now.weights()[head].any()
                close(now.weights() @ now.values(), now.passed(), mix.place)

    def test_no_such_head_is_one_line(self, name, n):
        model = loaded(name, make(name, n))
        mix = edited(model).mixes[-1]
        place, _, child = mix.place.rpartition(".")
        part = "cross" if child == "cross" else "attention"
        with pytest.raises(HeadwayError, match=f"there is no head {mix.n_head} in .*0 to {mix.n_head - 1}"):
            edited(model, Off(place, part, mix.n_head))
        with pytest.raises(HeadwayError, match="counted from 0"):
            edited(model, Off(place, part, -1))


def test_what_is_off_is_drawn_as_nothing():
    model = loaded("transformer", make("transformer", 0))
    for edit, places in (
        (Off("encoder.1"), {"encoder.1.attn"}),
        (Off("decoder.0"), {"decoder.0.attn", "decoder.0.cross"}),
        (Off("decoder.0", "cross"), {"decoder.0.cross"}),
        (Off("decoder.0", "mlp"), set()),
    ):
        mixes = edited(model, edit).mixes
        assert {mix.place for mix in mixes if not mix.weights().any()} == places
        assert {mix.place for mix in mixes if not mix.passed().any()} == places


def test_a_channel_off_in_a_state_space():
    for name in ("mamba", "mamba2", "s4d"):
        model = loaded(name, make(name, 0))
        found = edited(model, Off(0, "attention", 1))
        mix = found.mixes[0]
        assert not mix.weights()[1].any()
        assert not mix.passed()[1].any()
        close(mix.weights() @ mix.values(), mix.passed(), name)
        assert differ(found.out, edited(model).out)


# Without those whose sublayers are scaled before the sum, which the model by hand does not know.
MOVABLE = [
    (name, n)
    for name in (
        "gpt2",
        "llama",
        "mistral",
        "qwen",
        "mixtral",
        "decision_transformer",
        "vit",
        "clip",
        "llava",
        "retnet",
        "mamba",
        "mamba2",
        "s4d",
    )
    for n in range(len(TINY[name]))
    if (name, n) not in {("vit", 1), ("vit", 2)}
]


class TestNorms:
    CONFIGURATIONS = MOVABLE

    @pytest.mark.parametrize("where", ["post", "none"])
    def test_the_norm_moved_is_the_block_written_so(self, name, n, where):
        model = loaded(name, make(name, n))

        def moved(other: nn.Module) -> None:
            for block in blocks_of(other).values():
                pairs = [("norm", "mixer"), ("attn_norm", "attn"), ("retain_norm", "retention"), ("mlp_norm", "mlp")]
                pairs = [pair for pair in pairs if hasattr(block, pair[0])]

                def forward(x: Tensor, *rest, block: nn.Module = block, pairs=pairs, **named) -> Tensor:
                    for norm, part in pairs:
                        sublayer = getattr(block, part)
                        given = [] if part == "mlp" else [*rest, *named.values()]
                        if "causal" in inspect.signature(sublayer.forward).parameters and part != "mlp" and not given:
                            given = [None, False]  # the tower for pictures hides nothing
                        x = x + sublayer(x, *given)
                        x = getattr(block, norm)(x) if where == "post" else x
                    return x

                block.forward = forward

        found = edited(model, Norm(where))
        same(found.out, by_hand(model, moved))
        assert differ(found.out, edited(model).out)


class TestOtherNorms:
    def test_norms_that_stand_elsewhere_are_not_moved(self):
        for name, n in (("bert", 0), ("olmo2", 0), ("gemma", 1), ("transformer", 0), ("transformer", 1)):
            model = loaded(name, make(name, n))
            with pytest.raises(HeadwayError, match="cannot be moved"):
                edited(model, Norm("post"))

    @pytest.mark.parametrize(
        ("name", "n"), [("bert", 0), ("olmo2", 0), ("gemma", 1), ("transformer", 0), ("transformer", 1), ("t5", 0)]
    )
    def test_no_norms_at_all(self, name, n):
        model = loaded(name, make(name, n))

        def without(other: nn.Module) -> None:
            for block in blocks_of(other).values():
                for child in [
                    *block.children(),
                    *(c for s in block.children() if type(s).__name__ == "Residual" for c in s.children()),
                ]:
                    if "norm" in type(child).__name__.lower():
                        child.forward = lambda x: x

        found = edited(model, Norm("none"))
        same(found.out, by_hand(model, without))
        assert differ(found.out, edited(model).out)

    def test_a_model_without_norms_says_so(self):
        with pytest.raises(HeadwayError, match="no norms"):
            edited(loaded("transformer", make("transformer", 4)), Norm("none"))
        with pytest.raises(HeadwayError, match="no norms"):
            edited(loaded("gru", make("gru", 0)), Norm("post"))


LAYERED = [case for case in ALL if case[0] not in ("bigram", "mlp_lm", "seq2seq")]


class TestPatches:
    CONFIGURATIONS = LAYERED

    def test_a_position_is_that_of_the_other_run(self, name, n):
        model = loaded(name, make(name, n))
        plain, other = edited(model), edited(model, seed=3)
        for place in stacks(model.model, plain):
            at = 1
            found = edited(model, Patch(place, at, inputs(name, model.model, 3)))
            close(found.stream[place][:, at], other.stream[place][:, at], place)
            rest = [p for p in range(found.stream[place].shape[1]) if p != at]
            close(found.stream[place][:, rest], plain.stream[place][:, rest], place)

    def test_with_itself_it_changes_nothing(self, name, n):
        model = loaded(name, make(name, n))
        plain = edited(model)
        for place in stacks(model.model, plain):
            for at in (0, -1):
                same(edited(model, Patch(place, at, inputs(name, model.model))).out, plain.out, place)


def test_what_is_patched_in_is_of_the_model_as_it_is():
    model = loaded("llama", make("llama", 0))
    other = edited(model, seed=3)
    for edits in ((Off(0, "mlp"), Patch(1, 2, "ck brown f")), (Patch(1, 2, "ck brown f"), Off(0, "mlp"))):
        found = edited(model, *edits)
        donor = run(model, look.tracing.feed(model, "ck brown f"))
        close(found.stream["blocks.1"][:, 2], donor.stream["blocks.1"][:, 2])
    assert other.stream  # the same model still runs


def test_no_such_token_is_one_line():
    model = loaded("gpt2", make("gpt2", 0))
    with pytest.raises(HeadwayError, match="there is no token 50"):
        edited(model, Patch(0, 50, "another"))
    with pytest.raises(HeadwayError, match="'ab' has 2 tokens: there is no token 5"):
        edited(model, Patch(0, 5, "ab"))


RIGHT = """
import math, torch

def attend(q, k, v, mask=None, *, causal=False, scale=None):
    k, v = (part.repeat_interleave(q.shape[1] // part.shape[1], 1) for part in (k, v))
    scores = q @ k.transpose(-2, -1) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if causal:
        scores = scores.masked_fill(~torch.ones(scores.shape[-2:], dtype=torch.bool).tril(k.shape[2] - q.shape[2]), -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(-1) @ v
"""
BLIND = RIGHT.replace("if causal", "if False")
OWNED = [
    (name, 0)
    for name in (
        "gpt2",
        "llama",
        "mistral",
        "bert",
        "vit",
        "transformer",
        "whisper",
        "clip",
        "llava",
        "decision_transformer",
    )
]


class TestTheLearnersFunction:
    CONFIGURATIONS = OWNED

    def test_a_right_one_changes_nothing(self, name, n, tmp_path):
        (tmp_path / "mine.py").write_text(RIGHT)
        model = loaded(name, make(name, n))
        plain, found = edited(model), edited(model, Own(tmp_path / "mine.py"))
        same(found.out, plain.out)
        for ours, theirs in zip(found.mixes, plain.mixes, strict=True):
            assert ours.function is not theirs.function
            close(ours.weights(), theirs.weights(), ours.place)

    def test_a_wrong_one_changes_the_picture(self, name, n, tmp_path):
        (tmp_path / "mine.py").write_text(
            RIGHT.replace("1 / math.sqrt(q.shape[-1])", "1").replace("else scale", "else 2 * scale")
        )
        model = loaded(name, make(name, n))
        plain, found = edited(model), edited(model, Own(tmp_path / "mine.py"))
        assert differ(found.out, plain.out)
        for ours, theirs in zip(found.mixes, plain.mixes, strict=True):
            close(ours.weights() @ ours.values(), ours.passed(), ours.place)
            if ours.weights().shape[-1] > 1:
                assert not torch.allclose(ours.weights(), theirs.weights())


def test_what_a_learners_mask_lets_through_is_drawn(tmp_path):
    (tmp_path / "mine.py").write_text(BLIND)
    model = loaded("gpt2", make("gpt2", 0))
    layer = look.attention(model, "quick fox", edits=[Own(tmp_path / "mine.py")]).layers[0]
    assert (layer.weights[:, ~layer.seen] > 1e-3).any()


def test_a_learners_function_that_fails_is_one_line(tmp_path):
    model = loaded("gpt2", make("gpt2", 0))
    for body, said in (
        ("return None", "attend returns None"),
        ("raise ValueError('no')", "ValueError: no"),
        ("return q[..., :1]", "does not run"),
    ):
        (tmp_path / "mine.py").write_text(f"def attend(q, k, v, mask=None, *, causal=False, scale=None):\n    {body}\n")
        before = state(model.model)
        with pytest.raises(HeadwayError, match=said):
            edited(model, Own(tmp_path / "mine.py"))
        assert state(model.model) == before


# Nothing is left behind


def state(model: nn.Module) -> tuple:
    """Everything that a look touches: hooks, weights, modes, and the functions of every module of Headway."""
    hooks = [
        (name, len(module._forward_hooks), len(module._forward_pre_hooks), "forward" in vars(module), module.training)
        for name, module in model.named_modules()
    ]
    weights = [
        (name, weight.data_ptr(), weight.requires_grad, weight.grad, weight.double().sum().item())
        for name, weight in model.named_parameters()
    ]
    every = len(nn.modules.module._global_forward_hooks), len(nn.modules.module._global_forward_pre_hooks)
    functions = [
        (m.__name__, f.__name__, id(vars(m).get(f.__name__))) for m in modules() for f in KINDS if f.__name__ in vars(m)
    ]
    return hooks, weights, every, sorted(functions)


FIRST = [case for case in ALL if case[1] == 0]


class TestNothingIsLeft:
    CONFIGURATIONS = FIRST

    def test_the_model_is_as_it_was(self, name, n):
        model = loaded(name, make(name, n))
        edits = [] if (name, n) in SILENT or name == "seq2seq" else [Off(0), Norm("none")]
        fed(model)
        before = state(model.model)
        edited(model, *edits)
        assert state(model.model) == before

        class Stopped(Exception):
            pass

        def stops(_: nn.Module) -> None:
            fed(model).call(model.model)
            raise Stopped

        with pytest.raises((Stopped, HeadwayError)):
            run(model, replace(fed(model), call=stops), edits)
        assert state(model.model) == before

    def test_another_thread_sees_the_model_as_it_is(self, name, n):
        model = loaded(name, make(name, n))
        food = fed(model)
        with torch.no_grad():
            plain = food.call(model.model)
        beside: list[object] = []

        def both(inner: nn.Module) -> object:
            def elsewhere() -> None:
                with torch.no_grad():
                    beside.append(food.call(inner))

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            return food.call(inner)

        edits = [] if (name, n) in SILENT or name == "seq2seq" else [Off(0)]
        found = run(model, replace(food, call=both), edits)
        same(beside[0], plain)
        assert not edits or differ(found.out, plain)
        assert len(found.mixes) == len(run(model, food, edits).mixes)


def test_interrupted_it_leaves_nothing():
    model = loaded("gpt2", make("gpt2", 0))
    before = state(model.model)

    def stops(_: nn.Module) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(model, replace(fed(model), call=stops), [Off(0)])
    assert state(model.model) == before
    assert "headway.look.tracing" in sys.modules


# What cannot be


def test_what_is_not_there_is_one_line():
    gpt2, llava, gru = (loaded(name, make(name, 0)) for name in ("gpt2", "llava", "gru"))
    for model, edit, said in (
        (gpt2, Off(2), "there is no layer 2: they are counted from 0 to 1"),
        (gpt2, Off(-1), "there is no layer -1"),
        (gpt2, Off("decoder.0"), "there is no layer decoder.0: the layers are blocks.0 to blocks.1"),
        (gpt2, Off(0, "cross"), "this layer has no cross: it has attn_norm, attn, mlp_norm, mlp"),
        (gpt2, Off(0, "mlp", 1), "heads are parts of an attention"),
        (gpt2, Scale(0, 48, 0.0), "no neuron 48: they are counted from 0 to 47"),
        (gpt2, Scale(0, -1, 0.0), "no neuron -1"),
        (llava, Off("vision.blocks.1"), "never ran vision.blocks.1"),
        (llava, Patch("vision.blocks.1", 0, inputs("llava", llava.model)), "never ran vision.blocks.1"),
        (gru, Off(0), "another width"),
    ):
        with pytest.raises(HeadwayError, match=said) as error:
            edited(model, edit)
        assert "\n" not in str(error.value)


def test_a_head_without_a_part_is_one_of_its_attention():
    model = loaded("llama", make("llama", 0))
    same(edited(model, Off(1, head=2)).out, edited(model, Off(1, "attention", 2)).out)
