"""Laws of encoder-decoders: what `test_laws.py` is for decoders, with a source to look at."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.inputs import draw_source, vocabulary
from support.parity import assert_close, randomise
from support.tiny import TINY
from torch import nn

from headway.base.errors import HeadwayError
from headway.blocks.cache import KVCache
from headway.models.catalog import CATALOG, entry

EXACT = 1e-10
TEXT = [(name, n) for name, e in CATALOG.items() if e.kind == "encoder-decoder" for n in range(len(TINY[name]))]
PAIRS = TEXT + [(name, n) for name, e in CATALOG.items() if e.kind == "speech" for n in range(len(TINY[name]))]

few = settings(max_examples=4, deadline=None)


def make(name: str, n: int, seed: int = 0) -> nn.Module:
    model_class, config_class = entry(name).load()
    model = model_class(config_class(**TINY[name][n])).double().eval()
    randomise(model, seed)
    return model


def draw(model, b: int, s: int, t: int, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    source = draw_source(model, b, s, generator)
    source = source.double() if source.is_floating_point() else source
    return source, torch.randint(0, vocabulary(model), (b, t), generator=generator)


def cuts_of(t: int):
    def lengths(flags: list[bool]) -> list[int]:
        ends = [i + 1 for i, cut in enumerate(flags) if cut]
        return [b - a for a, b in zip([0, *ends], [*ends, t], strict=True)]

    return st.lists(st.booleans(), min_size=t - 1, max_size=t - 1).map(lengths)


@pytest.mark.parametrize(("name", "n"), PAIRS)
class TestPair:
    @few
    @given(data=st.data())
    def test_cached_in_any_cut_is_the_whole(self, name, n, data):
        model = make(name, n)
        s, t = data.draw(st.integers(1, 12)), data.draw(st.integers(2, 16))
        again = data.draw(st.booleans())
        source, tokens = draw(model, 2, s, t)
        cache = model.new_cache(2, t)
        with torch.no_grad():
            whole = model(source, tokens)
            parts, given_source = [], source
            for part in tokens.split(data.draw(cuts_of(t)), dim=1):
                parts.append(model(given_source, part, cache))
                given_source = source.clone() if again else None
        assert_close(torch.cat(parts, 1), whole, EXACT)
        assert cache.length == t
        assert cache.nbytes > 0

    @pytest.mark.parametrize("at", [0, 2, 5])
    def test_a_piece_of_no_tokens_changes_nothing(self, name, n, at):
        model = make(name, n)
        source, tokens = draw(model, 2, 6, 5)
        cache = model.new_cache(2, 5)
        with torch.no_grad():
            whole = model(source, tokens)
            pieces = [(0, 0), (0, at), (at, at), (at, 5), (5, 5)]
            parts = [model(source if a == 0 else None, tokens[:, a:b], cache) for a, b in pieces]
        assert [part.shape[1] for part in parts] == [b - a for a, b in pieces]
        assert_close(torch.cat(parts, 1), whole, EXACT)
        assert cache.length == 5

    @few
    @given(t=st.integers(2, 12), at=st.integers(0, 10))
    def test_the_past_cannot_see_the_future(self, name, n, t, at):
        at = min(at, t - 2)
        model = make(name, n)
        source, tokens = draw(model, 1, 5, t)
        other = tokens.clone()
        other[:, at + 1 :] = (other[:, at + 1 :] + 1) % vocabulary(model)
        with torch.no_grad():
            before, after = model(source, tokens), model(source, other)
        assert (before[:, : at + 1] - after[:, : at + 1]).abs().max() < 1e-12
        assert not torch.allclose(before[:, at + 1 :], after[:, at + 1 :]), "the present must be seen"

    @few
    @given(rows=st.integers(2, 4), s=st.integers(1, 8), t=st.integers(1, 8))
    def test_a_batch_row_is_the_row_alone(self, name, n, rows, s, t):
        model = make(name, n)
        source, tokens = draw(model, rows, s, t)
        with torch.no_grad():
            together = model(source, tokens)
            for row in range(rows):
                assert_close(together[row : row + 1], model(source[row : row + 1], tokens[row : row + 1]), EXACT)

    def test_hidden_and_readout_are_the_forward(self, name, n):
        model = make(name, n)
        source, tokens = draw(model, 2, 6, 5)
        with torch.no_grad():
            assert torch.equal(model.readout(model.hidden(source, tokens)), model(source, tokens))

    def test_a_cache_answers_about_its_own_source_only(self, name, n):
        model = make(name, n)
        source, tokens = draw(model, 2, 6, 3)
        other = source.flip(0)
        cache = model.new_cache(2, 9)
        with torch.no_grad():
            with pytest.raises(HeadwayError, match="source"):
                model(None, tokens, cache)
            model(source, tokens, cache)
            with pytest.raises(HeadwayError, match="another source"):
                model(other, tokens, cache)
            assert cache.length == 3
        with pytest.raises(HeadwayError, match="source"):
            model(None, tokens)

    def test_rows_selected_go_on_as_if_they_had_been_alone(self, name, n):
        model = make(name, n)
        source, tokens = draw(model, 3, 6, 8)
        rows = torch.tensor([2, 0, 2, 1])
        cache = model.new_cache(3, 8)
        with torch.no_grad():
            model(source, tokens[:, :5], cache)
            cache.select(rows)
            rest = model(None, tokens[rows, 5:], cache)
            assert_close(rest, model(source, tokens)[rows, 5:], EXACT)

    @few
    @given(t=st.integers(3, 12), back=st.integers(1, 8))
    def test_what_was_rewound_is_never_seen(self, name, n, t, back):
        model = make(name, n)
        back = min(back, t - 1)
        source, tokens = draw(model, 1, 5, t)
        _, other = draw(model, 1, 5, back, seed=5)
        cache = model.new_cache(1, t)
        with torch.no_grad():
            model(source, tokens, cache)
            if not isinstance(cache, KVCache):
                with pytest.raises(HeadwayError, match="state"):
                    cache.rewind(back)
                return
            cache.rewind(back)
            rest = model(None, other, cache)
            whole = model(source, torch.cat((tokens[:, : t - back], other), 1))
        assert_close(rest, whole[:, t - back :], EXACT)

    def test_a_cache_that_is_full_says_so(self, name, n):
        model = make(name, n)
        source, tokens = draw(model, 1, 5, 5)
        cache = model.new_cache(1, 4)
        if not isinstance(cache, KVCache):
            return  # a state has room for any length
        with torch.no_grad():
            model(source, tokens[:, :3], cache)
            with pytest.raises(HeadwayError, match="room"):
                model(None, tokens[:, 3:], cache)
            assert cache.length == 3
            model(None, tokens[:, 3:4], cache)

    def test_compiled_is_eager(self, name, n):
        model = make(name, n)
        source, tokens = draw(model, 2, 6, 5)
        compiled = torch.compile(copy.deepcopy(model), backend="aot_eager", fullgraph=True)
        with torch.no_grad():
            assert_close(compiled(source, tokens), model(source, tokens), EXACT)
        torch._dynamo.reset()


def padded(source: torch.Tensor, tokens: torch.Tensor, source_pads, pads, source_left: bool, left: bool):
    """Junk in place of the padding, and the masks that say so."""
    column, place = torch.arange(source.shape[1]), torch.arange(tokens.shape[1])
    source_pads, pads = torch.tensor(source_pads)[:, None], torch.tensor(pads)[:, None]
    source_mask = column >= source_pads if source_left else column < source.shape[1] - source_pads
    mask = place >= pads if left else place < tokens.shape[1] - pads
    return source_mask, mask


@pytest.mark.parametrize(("name", "n"), TEXT)
class TestPadding:
    @few
    @given(data=st.data())
    def test_padding_on_any_side_of_both_changes_nothing(self, name, n, data):
        model = make(name, n)
        s, t = data.draw(st.integers(1, 10)), data.draw(st.integers(1, 10))
        source_pads = [data.draw(st.integers(0, s - 1)) for _ in range(3)]
        pads = [data.draw(st.integers(0, t - 1)) for _ in range(3)]
        source, tokens = draw(model, 3, s, t)
        source_mask, mask = padded(
            source, tokens, source_pads, pads, data.draw(st.booleans()), data.draw(st.booleans())
        )
        with torch.no_grad():
            together = model(source, tokens, source_mask=source_mask, mask=mask)
            states = model.encode(source, source_mask)
            for row in range(3):
                own_source, own = source[row][source_mask[row]][None], tokens[row][mask[row]][None]
                assert_close(together[row][mask[row]][None], model(own_source, own), EXACT, f"row {row}")
                assert_close(states[row][source_mask[row]][None], model.encode(own_source), EXACT, f"states {row}")
        assert torch.isfinite(together).all(), "padding may mean nothing, but it may not be NaN"

    @few
    @given(data=st.data())
    def test_cached_in_any_cut_behind_padding_is_the_row_alone(self, name, n, data):
        model = make(name, n)
        s, t = data.draw(st.integers(1, 8)), data.draw(st.integers(2, 10))
        source_pads = [data.draw(st.integers(0, s - 1)) for _ in range(2)]
        pads = [data.draw(st.integers(0, t - 1)) for _ in range(2)]
        source, tokens = draw(model, 2, s, t)
        source_mask, mask = padded(source, tokens, source_pads, pads, data.draw(st.booleans()), True)
        cache, cut, again = model.new_cache(2, t), data.draw(cuts_of(t)), data.draw(st.booleans())
        parts = []
        with torch.no_grad():
            for part, seen in zip(tokens.split(cut, 1), mask.split(cut, 1), strict=True):
                first = not parts or again
                about = {"source_mask": source_mask if first else None, "mask": seen}
                parts.append(model(source if first else None, part, cache, **about))
            together = torch.cat(parts, 1)
            for row in range(2):
                own_source, own = source[row][source_mask[row]][None], tokens[row][mask[row]][None]
                assert_close(together[row][mask[row]][None], model(own_source, own), EXACT, f"row {row}")

    @few
    @given(s=st.integers(2, 8), at=st.integers(0, 7))
    def test_every_token_of_the_source_is_seen_from_everywhere(self, name, n, s, at):
        model = make(name, n)
        source, tokens = draw(model, 1, s, 4)
        other = source.clone()
        other[:, at % s] = (other[:, at % s] + 1) % model.config.vocab_size
        with torch.no_grad():
            change = (model(source, tokens) - model(other, tokens)).abs().amax(-1)
        assert (change > 0).all()

    def test_masks_that_fit_nothing_are_refused(self, name, n):
        model = make(name, n)
        source, tokens = draw(model, 2, 5, 3)
        whole = torch.ones(2, 5, dtype=torch.bool)
        for wrong in (whole[:, :4], whole.long(), whole[:1]):
            with pytest.raises(HeadwayError, match=r"mask must be a boolean \(2, 5\)"):
                model(source, tokens, source_mask=wrong)
        empty = whole.clone()
        empty[1] = False
        with pytest.raises(HeadwayError, match="row 1 of source_mask has no real token"):
            model(source, tokens, source_mask=empty)

    def test_a_changed_source_mask_is_another_source(self, name, n):
        model = make(name, n)
        source, tokens = draw(model, 1, 5, 3)
        mask = torch.tensor([[True, True, True, False, False]])
        cache = model.new_cache(1, 9)
        model(source, tokens, cache, source_mask=mask)
        model(source, tokens, cache, source_mask=mask.clone())
        with pytest.raises(HeadwayError, match="another source"):
            model(source, tokens, cache, source_mask=~mask)
