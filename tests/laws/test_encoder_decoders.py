"""Laws of encoder-decoders: what `test_laws.py` is for decoders, with a source to look at."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.inputs import draw_source, like, vocabulary
from support.numerics import DEVICE, close, few, make
from support.tiny import TINY

from headway.base.errors import HeadwayError
from headway.blocks.cache import KVCache
from headway.models.catalog import CATALOG

TEXT = [(name, n) for name, e in CATALOG.items() if e.kind == "encoder-decoder" for n in range(len(TINY[name]))]
PAIRS = TEXT + [(name, n) for name, e in CATALOG.items() if e.kind == "speech" for n in range(len(TINY[name]))]


def draw(model, b: int, s: int, t: int, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    source = draw_source(model, b, s, generator)
    return source, like(model, torch.randint(0, vocabulary(model), (b, t), generator=generator))


def cuts_of(t: int):
    def lengths(flags: list[bool]) -> list[int]:
        ends = [i + 1 for i, cut in enumerate(flags) if cut]
        return [b - a for a, b in zip([0, *ends], [*ends, t], strict=True)]

    return st.lists(st.booleans(), min_size=t - 1, max_size=t - 1).map(lengths)


class TestPair:
    CONFIGURATIONS = PAIRS

    @few(4)
    @given(data=st.data())
    def test_cached_in_any_cut_is_the_whole(self, name, n, numerics, data):
        model = make(name, n, numerics)
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
        close(torch.cat(parts, 1), whole)
        assert cache.length == t
        assert cache.nbytes > 0

    @pytest.mark.parametrize("at", [0, 2, 5])
    def test_a_piece_of_no_tokens_changes_nothing(self, name, n, numerics, at):
        model = make(name, n, numerics)
        source, tokens = draw(model, 2, 6, 5)
        cache = model.new_cache(2, 5)
        with torch.no_grad():
            whole = model(source, tokens)
            pieces = [(0, 0), (0, at), (at, at), (at, 5), (5, 5)]
            parts = [model(source if a == 0 else None, tokens[:, a:b], cache) for a, b in pieces]
        assert [part.shape[1] for part in parts] == [b - a for a, b in pieces]
        close(torch.cat(parts, 1), whole)
        assert cache.length == 5

    @few(4)
    @given(t=st.integers(2, 12), at=st.integers(0, 10))
    def test_the_past_cannot_see_the_future(self, name, n, numerics, t, at):
        at = min(at, t - 2)
        model = make(name, n, numerics)
        source, tokens = draw(model, 1, 5, t)
        other = tokens.clone()
        other[:, at + 1 :] = (other[:, at + 1 :] + 1) % vocabulary(model)
        with torch.no_grad():
            before, after = model(source, tokens), model(source, other)
        close(after[:, : at + 1], before[:, : at + 1])
        assert (before[:, at + 1 :] != after[:, at + 1 :]).any(), "the present must be seen"

    @few(4)
    @given(rows=st.integers(2, 4), s=st.integers(1, 8), t=st.integers(1, 8))
    def test_a_batch_row_is_the_row_alone(self, name, n, numerics, rows, s, t):
        model = make(name, n, numerics)
        source, tokens = draw(model, rows, s, t)
        with torch.no_grad():
            together = model(source, tokens)
            for row in range(rows):
                close(together[row : row + 1], model(source[row : row + 1], tokens[row : row + 1]))

    def test_hidden_and_readout_are_the_forward(self, name, n, numerics):
        model = make(name, n, numerics)
        source, tokens = draw(model, 2, 6, 5)
        with torch.no_grad():
            close(model.readout(model.hidden(source, tokens)), model(source, tokens))

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

    def test_rows_selected_go_on_as_if_they_had_been_alone(self, name, n, numerics):
        model = make(name, n, numerics)
        source, tokens = draw(model, 3, 6, 8)
        rows = torch.tensor([2, 0, 2, 1], device=DEVICE)
        cache = model.new_cache(3, 8)
        with torch.no_grad():
            model(source, tokens[:, :5], cache)
            cache.select(rows)
            rest = model(None, tokens[rows, 5:], cache)
            close(rest, model(source, tokens)[rows, 5:])

    @few(4)
    @given(t=st.integers(3, 12), back=st.integers(1, 8))
    def test_what_was_rewound_is_never_seen(self, name, n, numerics, t, back):
        model = make(name, n, numerics)
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
        close(rest, whole[:, t - back :])

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
            close(compiled(source, tokens), model(source, tokens))
        torch._dynamo.reset()


def padded(source: torch.Tensor, tokens: torch.Tensor, source_pads, pads, source_left: bool, left: bool):
    """Junk in place of the padding, and the masks that say so."""
    column, place = torch.arange(source.shape[1]), torch.arange(tokens.shape[1])
    source_pads, pads = torch.tensor(source_pads)[:, None], torch.tensor(pads)[:, None]
    source_mask = column >= source_pads if source_left else column < source.shape[1] - source_pads
    mask = place >= pads if left else place < tokens.shape[1] - pads
    return source_mask.to(DEVICE), mask.to(DEVICE)


class TestPadding:
    CONFIGURATIONS = TEXT

    @few(4)
    @given(data=st.data())
    def test_padding_on_any_side_of_both_changes_nothing(self, name, n, numerics, data):
        model = make(name, n, numerics)
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
                close(together[row][mask[row]][None], model(own_source, own), f"row {row}")
                close(states[row][source_mask[row]][None], model.encode(own_source), f"states {row}")
        assert torch.isfinite(together).all(), "padding may mean nothing, but it may not be NaN"

    @few(4)
    @given(data=st.data())
    def test_cached_in_any_cut_behind_padding_is_the_row_alone(self, name, n, numerics, data):
        model = make(name, n, numerics)
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
                close(together[row][mask[row]][None], model(own_source, own), f"row {row}")

    @few(4)
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
        whole = torch.ones(2, 5, dtype=torch.bool, device=DEVICE)
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
        mask = torch.tensor([[True, True, True, False, False]], device=DEVICE)
        cache = model.new_cache(1, 9)
        model(source, tokens, cache, source_mask=mask)
        model(source, tokens, cache, source_mask=mask.clone())
        with pytest.raises(HeadwayError, match="another source"):
            model(source, tokens, cache, source_mask=~mask)
