"""Beam search equals that of `transformers`, for encoder-decoders and decoders; a brute force over all texts agrees."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import ours_from, reference
from support.hf_pair import pair_reference
from support.parity import assert_close, lifted, randomise
from transformers import GPT2Config, GPT2LMHeadModel, MarianConfig, MarianMTModel, T5Config, T5ForConditionalGeneration

from headway.base.errors import HeadwayError
from headway.models.bigram import Bigram, BigramConfig
from headway.models.gru import GRU, GRUConfig
from headway.models.seq2seq import Seq2Seq, Seq2SeqConfig
from headway.sample.beam import beam_search, reading
from headway.sample.generate import Until, generate
from headway.sample.prescribed import Prescribed, prescribing

few = settings(max_examples=6, deadline=None)
EARLY = {"no": False, "yes": True, "never": "never"}


def marian(vocab_size: int):
    sizes = {"encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 12, "decoder_ffn_dim": 12, "d_model": 8}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    start = {"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 1, "forced_eos_token_id": None}
    return MarianMTModel, MarianConfig(vocab_size=vocab_size, **sizes, **heads, **start)


def t5(vocab_size: int):
    sizes = {"d_model": 8, "d_kv": 3, "num_heads": 2, "d_ff": 12, "num_layers": 2}
    start = {"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 1}
    return T5ForConditionalGeneration, T5Config(vocab_size=vocab_size, **sizes, **start)


@pytest.mark.parametrize("make", [marian, t5])
@few
@given(
    vocab_size=st.integers(10, 20),
    beams=st.integers(1, 4),
    new=st.integers(1, 10),
    penalty=st.sampled_from([0.0, 0.6, 1.0, 2.0, -0.5]),
    early=st.sampled_from(list(EARLY)),
    seed=st.integers(0, 200),
)
def test_an_encoder_decoder_finds_the_same(make, vocab_size, beams, new, penalty, early, seed):
    theirs = pair_reference(*make(vocab_size), torch.float64, seed)
    ours, _ = ours_from(theirs, torch.float64)
    draw = torch.Generator().manual_seed(seed)
    source = torch.randint(0, vocab_size, (3, 6), generator=draw)
    source_mask = torch.arange(6) < torch.tensor([[6], [4], [1]])
    options = {"max_new_tokens": new, "do_sample": False, "num_beams": beams, "num_return_sequences": beams}
    with torch.no_grad(), lifted():
        wanted = theirs.generate(
            source,
            attention_mask=source_mask.long(),
            length_penalty=penalty,
            early_stopping=EARLY[early] if beams > 1 else None,
            output_scores=True,
            return_dict_in_generate=True,
            **options,
        )
    found = beam_search(
        reading(ours, source, source_mask),
        torch.zeros(3, 1, dtype=torch.long),
        beams=beams,
        until=Until(max_tokens=new, stop_ids=[1]),
        length_penalty=penalty,
        early=early,
    )
    # Theirs may also return places that no text was found for: their score says so.
    if beams == 1:  # greedy search, in `transformers`
        assert_same(found.tokens[:, 0], wanted.sequences[:, 1:], found.lengths[:, 0], [1])
        return
    scores = wanted.sequences_scores.view(3, beams)
    real = scores > -1e8
    assert torch.equal(found.scores > -1e8, real)
    assert_close(found.scores[real], scores[real], 1e-5)
    assert_same(found.tokens[real], wanted.sequences.view(3, beams, -1)[real][:, 1:], found.lengths[real], [1])


SETTINGS: dict[str, st.SearchStrategy] = {
    "repetition_penalty": st.sampled_from([0.7, 1.5]),
    "no_repeat_ngram_size": st.integers(1, 3),
    "bad_words_ids": st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), min_size=1, max_size=6),
    "min_length": st.integers(1, 9),
    "min_new_tokens": st.integers(1, 9),
    "forced_bos_token_id": st.integers(6, 9),
    "suppress_tokens": st.lists(st.integers(2, 5), min_size=1, max_size=3),
    "begin_suppress_tokens": st.lists(st.integers(1, 9), min_size=1, max_size=3),
    "renormalize_logits": st.just(True),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of settings that do not go together
@pytest.mark.parametrize("make", [marian, t5])
@settings(max_examples=8, deadline=None)
@given(
    facts=st.fixed_dictionaries({}, optional=SETTINGS),
    beams=st.integers(1, 4),
    new=st.integers(1, 9),
    seed=st.integers(0, 200),
)
def test_what_a_checkpoint_says_about_writing_is_done(make, facts, beams, new, seed):
    """Every setting of a generation_config.json that `Prescribed` reads, any of them together."""
    theirs = pair_reference(*make(16), torch.float64, seed)
    ours, _ = ours_from(theirs, torch.float64)
    source = torch.randint(0, 16, (2, 6), generator=torch.Generator().manual_seed(seed))
    options = {"max_new_tokens": new, "do_sample": False, "num_beams": beams, "num_return_sequences": beams}
    with torch.no_grad(), lifted():
        wanted = theirs.generate(source, output_scores=True, return_dict_in_generate=True, **options, **facts)
    rules = Prescribed.of(facts, "generation_config.json", [1])
    start, until = torch.zeros(2, 1, dtype=torch.long), Until(max_tokens=new, stop_ids=[1])
    found = beam_search(reading(ours, source), start, beams=beams, until=until, rules=rules)
    if beams == 1:
        assert_same(found.tokens[:, 0], wanted.sequences[:, 1:], found.lengths[:, 0], [1])
        for row in range(2):  # and token by token
            model = prescribing(reading(ours, source[row : row + 1]), rules)
            steps = torch.stack([*generate(model, start[:1], until=until)], 1)
            assert_same(steps, wanted.sequences[row : row + 1, 1:], torch.tensor([steps.shape[1]]), [1])
        return
    scores = wanted.sequences_scores.view(2, beams)
    real = scores > -1e8
    assert torch.equal(found.scores > -1e8, real)
    assert_close(found.scores[real], scores[real], 1e-5)
    assert_same(found.tokens[real], wanted.sequences.view(2, beams, -1)[real][:, 1:], found.lengths[real], [1])


def assert_same(ours: torch.Tensor, theirs: torch.Tensor, lengths: torch.Tensor, stops: list[int]) -> None:
    """The same texts, each up to its end. Behind it `transformers` writes the stop id where the padding's id is 0, because it
    takes 0 for "not given"; and its text has to end there, or where the search did."""
    for mine, its, length in zip(ours, theirs, lengths.tolist(), strict=True):
        assert mine[:length].tolist() == its[:length].tolist()
        assert set(its[length:].tolist()) <= {0, *stops}, "theirs goes on"


@few
@given(
    beams=st.integers(2, 4), new=st.integers(1, 8), seed=st.integers(0, 200), stops=st.sampled_from([[], [3], [3, 7]])
)
def test_a_decoder_finds_the_same_behind_padding(beams, new, seed, stops):
    config = GPT2Config(
        vocab_size=16, n_positions=32, n_embd=8, n_layer=2, n_head=2, bos_token_id=None, eos_token_id=None
    )
    theirs = reference(GPT2LMHeadModel, config, torch.float64, seed)
    ours, _ = ours_from(theirs, torch.float64)
    tokens = torch.randint(0, 16, (2, 5), generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(5) >= torch.tensor([[0], [2]])
    with torch.no_grad(), lifted():
        wanted = theirs.generate(
            tokens,
            attention_mask=mask.long(),
            max_new_tokens=new,
            num_beams=beams,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=stops or None,
            length_penalty=0.7,
        )
    found = beam_search(
        ours, tokens, beams=beams, until=Until(max_tokens=new, stop_ids=stops), mask=mask, length_penalty=0.7
    )
    assert_same(found.tokens[:, 0], wanted[:, 5:], found.lengths[:, 0], stops)


@few
@given(seed=st.integers(0, 99), penalty=st.sampled_from([0.0, 1.0]))
def test_enough_beams_find_the_likeliest_of_all_texts(seed, penalty):
    model = Bigram(BigramConfig(vocab_size=4)).double()
    randomise(model, seed, std=1.0)
    logs = model.embed.weight.detach().log_softmax(-1)
    scores = {}
    for n in range(1, 5):
        for text in itertools.product(range(4), repeat=n):
            if 0 in text[:-1] or (n < 4 and text[-1] != 0):
                continue  # 0 ends a text
            total = sum(float(logs[a, b]) for a, b in itertools.pairwise((2, *text)))
            scores[text] = total / n**penalty
    best = max(scores, key=scores.get)
    found = beam_search(
        model,
        torch.tensor([[2]]),
        beams=64,
        until=Until(max_tokens=4, stop_ids=[0]),
        length_penalty=penalty,
        early="never",
    )
    assert tuple(found.best()) == best
    assert float(found.scores[0, 0]) == pytest.approx(scores[best])


def test_one_beam_is_greedy_and_states_move_with_their_beams():
    model = GRU(GRUConfig(vocab_size=9, width=4, state=6)).double()
    randomise(model, 1, std=1.0)
    prompt = torch.tensor([[1, 2], [3, 4]])
    greedy = torch.stack(list(generate(model, prompt, until=Until(max_tokens=6))), 1)
    assert torch.equal(beam_search(model, prompt, beams=1, until=Until(max_tokens=6)).tokens[:, 0], greedy)
    pair = Seq2Seq(Seq2SeqConfig(vocab_size=9, width=4, state=6)).double()
    randomise(pair, 1, std=1.0)
    source, start = torch.randint(0, 9, (2, 5)), torch.zeros(2, 1, dtype=torch.long)
    found = beam_search(reading(pair, source), start, beams=3, until=Until(max_tokens=5), length_penalty=0.0)
    with torch.no_grad():
        for row in range(2):
            for beam in range(3):
                text = torch.cat((start[row], found.tokens[row, beam]))[None]
                logs = pair(source[row : row + 1], text[:, :-1]).log_softmax(-1)
                total = logs.gather(-1, text[:, 1:, None]).sum()
                assert float(found.scores[row, beam]) == pytest.approx(float(total))


def test_nothing_to_look_for_is_one_line():
    model = Bigram(BigramConfig(vocab_size=4))
    with pytest.raises(HeadwayError, match="beam search takes"):
        beam_search(model, torch.tensor([[1]]), beams=0, until=Until(max_tokens=3))
