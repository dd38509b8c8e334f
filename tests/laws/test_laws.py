"""Laws that hold for every architecture of the catalogue: a new one is tested before its author writes a test.

Each law runs over each tiny configuration, with weights drawn at std 0.3: in float64, and by turns in the other number formats
and without the compiled kernels (see `support.numerics`; all of them in `make test-slow`, and on a GPU with `--device cuda`).
"""

from __future__ import annotations

import copy
import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.inputs import call, like
from support.numerics import DEVICE, close, few, make
from support.parity import randomise
from support.tiny import TINY
from torch import nn

from headway.base.errors import Corrupt, HeadwayError
from headway.blocks.cache import KVCache
from headway.blocks.native import without_kernels
from headway.models.catalog import CATALOG, entry
from headway.weights.engine import read_weights, write_weights
from headway.weights.store import export_folder, load_folder, table_of

DECODERS = [(name, n) for name, e in CATALOG.items() if e.kind == "decoder" for n in range(len(TINY[name]))]
EVERY = [(name, n) for name in CATALOG for n in range(len(TINY[name]))]

# Tables whose rows the model counts itself, after a look at the length: what is too long is refused there.
COUNTED = ("position", "encoder_bias", "decoder_bias")

# LLaVA's checkpoints carry the whole of CLIP's tower, of which it reads all but the last block and the last norm.
IDLE = {"llava": ("vision.blocks.1.", "vision.norm.")}


def draw_tokens(model, b: int, t: int, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    return like(model, torch.randint(0, model.config.vocab_size, (b, t), generator=generator))


def cuts_of(t: int):
    """Every way to cut `t` into pieces, as a strategy."""

    def lengths(flags: list[bool]) -> list[int]:
        ends = [i + 1 for i, cut in enumerate(flags) if cut]
        return [b - a for a, b in zip([0, *ends], [*ends, t], strict=True)]

    return st.lists(st.booleans(), min_size=t - 1, max_size=t - 1).map(lengths)


class TestDecoder:
    CONFIGURATIONS = DECODERS

    @few(8)
    @given(data=st.data())
    def test_cached_in_any_cut_is_the_whole(self, name, n, numerics, data):
        model = make(name, n, numerics)
        t = data.draw(st.integers(2, 40))
        tokens = draw_tokens(model, 2, t)
        cache = model.new_cache(2, t)
        with torch.no_grad():
            whole = model(tokens)
            parts = [model(part, cache) for part in tokens.split(data.draw(cuts_of(t)), dim=1)]
        close(torch.cat(parts, 1), whole)
        assert cache.length == t

    @few(8)
    @given(data=st.data())
    def test_a_piece_of_no_tokens_changes_nothing(self, name, n, numerics, data):
        model, t = make(name, n, numerics), 9
        tokens, at, pad = draw_tokens(model, 2, t), data.draw(st.integers(0, t)), data.draw(st.integers(0, 3))
        mask = (torch.arange(t) >= torch.tensor([0, pad])[:, None]).to(DEVICE)
        cache = model.new_cache(2, t)
        with torch.no_grad():
            pieces = [(0, 0), (0, at), (at, at), (at, t), (t, t)]
            parts = [model(tokens[:, a:b], cache, mask=mask[:, a:b]) for a, b in pieces]
            assert [part.shape[1] for part in parts] == [b - a for a, b in pieces]
            close(torch.cat(parts, 1)[mask], model(tokens, mask=mask)[mask])
        assert cache.length == t

    @few(8)
    @given(data=st.data())
    def test_cached_in_any_cut_with_left_padding_is_the_row_alone(self, name, n, numerics, data):
        model = make(name, n, numerics)
        t = data.draw(st.integers(2, 24))
        pads = [data.draw(st.integers(0, t - 1)) for _ in range(3)]
        tokens = draw_tokens(model, 3, t)
        mask = (torch.arange(t) >= torch.tensor(pads)[:, None]).to(DEVICE)
        cache = model.new_cache(3, t)
        cut = data.draw(cuts_of(t))
        with torch.no_grad():
            parts = [
                model(part, cache, mask=seen)
                for part, seen in zip(tokens.split(cut, 1), mask.split(cut, 1), strict=True)
            ]
            together = torch.cat(parts, 1)
            for row, pad in enumerate(pads):
                alone = model(tokens[row : row + 1, pad:])[0]
                close(together[row, pad:], alone, f"row {row} behind {pad} pads")
        assert torch.isfinite(together).all(), "padding may mean nothing, but it may not be NaN"

    @few(8)
    @given(t=st.integers(2, 20), pad=st.integers(1, 6), left=st.booleans())
    def test_padding_changes_nothing(self, name, n, numerics, t, pad, left):
        model = make(name, n, numerics)
        tokens = draw_tokens(model, 2, t)
        junk = draw_tokens(model, 2, pad, seed=9)
        padded = torch.cat((junk, tokens) if left else (tokens, junk), 1)
        real = torch.ones(2, t, dtype=torch.bool)
        off = torch.zeros(2, pad, dtype=torch.bool)
        mask = torch.cat((off, real) if left else (real, off), 1).to(DEVICE)
        with torch.no_grad():
            out = model(padded, mask=mask)
            out = out[:, pad:] if left else out[:, :t]
            close(out, model(tokens))

    @few(8)
    @given(t=st.integers(2, 24), at=st.integers(0, 22))
    def test_the_past_cannot_see_the_future(self, name, n, numerics, t, at):
        at = min(at, t - 2)
        model = make(name, n, numerics)
        tokens = draw_tokens(model, 1, t)
        other = tokens.clone()
        other[:, at + 1 :] = (other[:, at + 1 :] + 1) % model.config.vocab_size
        with torch.no_grad():
            before, after = model(tokens), model(other)
        close(after[:, : at + 1], before[:, : at + 1])
        assert (before[:, at + 1 :] != after[:, at + 1 :]).any(), "the present must be seen"

    def test_the_present_sees_all_of_a_short_past(self, name, n):
        # The last logits' gradient reaches what the embedding gave for every token (3 tokens: inside any window but a bigram's).
        model, embedded = make(name, n), []
        reach = min(3, getattr(model.config, "context", 3))
        model.embed.register_forward_hook(lambda _m, _i, out: (out.retain_grad(), embedded.append(out))[0])
        model(torch.tensor([[1, 2, 3]], device=DEVICE))[0, -1].square().sum().backward()
        assert (embedded[0].grad[0].abs().sum(-1) > 0)[-reach:].all()

    @few(8)
    @given(t=st.integers(1, 16), rows=st.integers(2, 4))
    def test_a_batch_row_is_the_row_alone(self, name, n, numerics, t, rows):
        model = make(name, n, numerics)
        tokens = draw_tokens(model, rows, t)
        with torch.no_grad():
            together = model(tokens)
            for row in range(rows):
                close(together[row : row + 1], model(tokens[row : row + 1]))

    def test_hidden_and_readout_are_the_forward(self, name, n, numerics):
        model = make(name, n, numerics)
        tokens = draw_tokens(model, 2, 7)
        with torch.no_grad():
            close(model.readout(model.hidden(tokens)), model(tokens))

    def test_a_cache_that_is_full_says_so(self, name, n):
        model = make(name, n)
        cache = model.new_cache(1, 4)
        if not isinstance(cache, KVCache):
            pytest.skip("a state has room for any length")
        with torch.no_grad():
            model(draw_tokens(model, 1, 3), cache)
            with pytest.raises(HeadwayError, match="room"):
                model(draw_tokens(model, 1, 2), cache)
            assert cache.length == 3
            model(draw_tokens(model, 1, 1), cache)

    @few(8)
    @given(t=st.integers(3, 16), back=st.integers(1, 8))
    def test_what_was_rewound_is_never_seen(self, name, n, numerics, t, back):
        model = make(name, n, numerics)
        back = min(back, t - 1)
        tokens, other = draw_tokens(model, 1, t), draw_tokens(model, 1, back, seed=5)
        cache = model.new_cache(1, t)
        with torch.no_grad():
            model(tokens, cache)
            if not isinstance(cache, KVCache):
                with pytest.raises(HeadwayError, match="state"):
                    cache.rewind(back)
                return
            cache.rewind(back)
            rest = model(other, cache)
            whole = model(torch.cat((tokens[:, : t - back], other), 1))
        close(rest, whole[:, t - back :])

    def test_compiled_is_eager(self, name, n):
        # aot_eager traces forward and backward as a compiler does and runs what was traced: no graph break is allowed.
        model = make(name, n)
        tokens = draw_tokens(model, 2, 9)
        compiled = torch.compile(copy.deepcopy(model), backend="aot_eager", fullgraph=True)
        with torch.no_grad():
            close(compiled(tokens), model(tokens))
        torch._dynamo.reset()


class TestEvery:
    CONFIGURATIONS = EVERY

    def test_a_gradient_reaches_every_parameter(self, name, n, numerics):
        model = make(name, n, numerics)
        loss = sum(out.double().square().mean() for out in call(name, model))
        loss.backward()
        starved = [
            key
            for key, p in model.named_parameters()
            if (p.grad is None or not p.grad.abs().sum() > 0) and not key.startswith(IDLE.get(name, ()))
        ]
        assert not starved, f"no gradient reaches {starved}"

    def test_outputs_in_another_format_are_those_of_float64(self, name, n, numerics):
        # The same weights, rounded first: what differs is the arithmetic. With float64 itself it is kernels against none.
        model = make(name, n, numerics)
        exact = copy.deepcopy(model).double()
        with torch.no_grad(), without_kernels():
            wanted = call(name, exact)
        with torch.no_grad():
            for ours, theirs in zip(call(name, model), wanted, strict=True):
                assert ours.dtype is numerics.dtype
                close(ours, theirs)

    def test_save_and_load_are_identical(self, name, n, numerics, tmp_path):
        model = make(name, n, numerics)
        export_folder(model, tmp_path)
        again = load_folder(tmp_path, device=DEVICE)
        assert again.config == model.config
        before, after = model.state_dict(), again.state_dict()
        assert before.keys() == after.keys()
        for key in before:
            assert torch.equal(before[key], after[key]), key
        with torch.no_grad():
            for ours, theirs in zip(call(name, model), call(name, again), strict=True):
                close(ours, theirs)  # not bit-equal: where a weight lies in memory moves the last bit

    def test_every_key_and_shape_is_accounted_for(self, name, n):
        model = make(name, n)
        table = table_of(entry(name))
        theirs = write_weights(model, table.rows(model.config))
        first, last = next(iter(theirs)), list(theirs)[-1]
        broken = {key: value for key, value in theirs.items() if key != last}
        broken["stray.weight"] = torch.zeros(2)
        if first != last:
            broken[first] = torch.zeros(3, 1, 4)
        with pytest.raises(Corrupt) as complaint:
            read_weights(make(name, n), table.rows(model.config), broken, where="here", prefix=table.prefix)
        message = str(complaint.value)
        assert f"missing {last}" in message
        assert "unknown stray.weight" in message
        assert f"misshapen {first}" in message or first == last
        assert "\n" not in message

    @pytest.mark.skipif(DEVICE.type != "cpu", reason="a GPU checks no row of a table")
    def test_a_row_that_is_not_there_is_one_line_that_names_the_limit(self, name, n):
        model = make(name, n)
        for key, table in model.named_modules():
            if not isinstance(table, nn.Embedding) or key.rpartition(".")[2] in COUNTED:
                continue
            for wrong in (-1, table.num_embeddings):
                with pytest.raises(
                    HeadwayError, match=f" {wrong} is out of range: this model has {table.num_embeddings},"
                ):
                    table(torch.tensor([[0, wrong]]))

    def test_a_size_of_zero_is_one_line(self, name, n):
        config_class = entry(name).load()[1]
        whole = config_class(**TINY[name][n])
        for size in (
            "vocab_size",
            "width",
            "n_layer",
            "n_head",
            "ff_width",
            "n_group",
            "head_width",
            "patch",
            "episode",
        ):
            if isinstance(getattr(whole, size, None), int):
                for wrong in (0, -1):
                    with pytest.raises(HeadwayError, match=f"^{size} has to be at least 1, not {wrong}$"):
                        config_class(**{**TINY[name][n], size: wrong})

    def test_reset_draws_the_same_weights_from_the_same_generator(self, name, n):
        model = make(name, n)
        assert "generator" in inspect.signature(model.reset).parameters
        draws = []
        for _ in range(2):
            randomise(model, 3)
            model.reset(torch.Generator(DEVICE).manual_seed(11))
            draws.append(copy.deepcopy(model.state_dict()))
        assert all(torch.equal(draws[0][key], draws[1][key]) for key in draws[0])


def test_the_tables_name_the_same_set():
    from pathlib import Path

    import headway.models

    files = {
        path.stem
        for path in Path(headway.models.__file__).parent.glob("*.py")
        if path.stem not in ("__init__", "catalog", "sizes")
    }
    assert files == set(CATALOG)
    assert set(TINY) == set(CATALOG)
    for name, e in CATALOG.items():
        assert e.name == name
        model, config = e.load()
        assert model.__doc__
        assert config.__dataclass_params__.frozen
        assert e.follows is None or e.follows in CATALOG, f"{name} follows {e.follows}, which is not there"


@pytest.mark.parametrize("name", CATALOG)
def test_the_table_of_sizes_is_counted_on_the_models(name):
    """`python -m headway.models.sizes` writes the table anew."""
    from headway.models.sizes import counted, sizes

    assert list(sizes()[name].items()) == list(counted(name).items())
    assert list(sizes()) == list(CATALOG)


def test_the_catalogue_imports_no_torch():
    import subprocess
    import sys

    code = "import sys, headway.models.catalog, headway.models.sizes as table; table.sizes(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
