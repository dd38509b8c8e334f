"""Filters and generation are those of transformers: the same logits, the same tokens, padding or not."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config as TheirGPT2Config
from transformers import GPT2LMHeadModel, LlamaForCausalLM
from transformers import LlamaConfig as TheirLlamaConfig
from transformers.generation import logits_process as theirs

from headway.base.errors import HeadwayError
from headway.sample import filters
from headway.sample.filters import GREEDY, Sampling
from headway.sample.generate import Until, generate, left_pad
from headway.weights import load_folder


@st.composite
def cases(draw):
    """Logits (b, v) with ties and far-apart values, and tokens (b, s) said so far."""
    b, v, s = draw(st.integers(1, 4)), draw(st.integers(2, 40)), draw(st.integers(1, 12))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    logits = torch.randn(b, v, generator=generator) * draw(st.sampled_from([0.1, 1.0, 8.0]))
    if draw(st.booleans()):
        logits = logits.round()
    return logits, torch.randint(0, v, (b, s), generator=generator)


def same(ours, reference):
    assert ours.shape == reference.shape
    assert torch.equal(ours, reference)


@settings(max_examples=60, deadline=None)
@given(
    case=cases(),
    t=st.floats(0.05, 5),
    k=st.integers(1, 50),
    p=st.floats(0.01, 1.0, exclude_max=True),
    m=st.floats(0, 1),
)
def test_each_filter(case, t, k, p, m):
    logits, tokens = case
    before = logits.clone()
    same(filters.temperature(logits, t), theirs.TemperatureLogitsWarper(t)(tokens, logits))
    same(filters.top_k(logits, k), theirs.TopKLogitsWarper(k)(tokens, logits))
    same(filters.top_p(logits, p), theirs.TopPLogitsWarper(p)(tokens, logits))
    same(filters.min_p(logits, m), theirs.MinPLogitsWarper(m)(tokens, logits))
    same(logits, before)


@settings(max_examples=60, deadline=None)
@given(case=cases(), penalty=st.floats(0.5, 3), n=st.integers(1, 5), pads=st.integers(0, 6))
def test_filters_that_look_back(case, penalty, n, pads):
    logits, tokens = case
    before = logits.clone()
    same(
        filters.repetition_penalty(logits, tokens, penalty),
        theirs.RepetitionPenaltyLogitsProcessor(penalty)(tokens, logits.clone()),
    )
    same(filters.no_repeat_ngram(logits, tokens, n), theirs.NoRepeatNGramLogitsProcessor(n)(tokens, logits))
    # Padding was never said: with a mask, a row is judged as it would be without its padding.
    padded = torch.cat((tokens[:, :1].expand(-1, pads), tokens), 1)
    mask = torch.arange(padded.shape[1]) >= pads
    mask = mask.expand(padded.shape)
    same(filters.repetition_penalty(logits, padded, penalty, mask), filters.repetition_penalty(logits, tokens, penalty))
    same(filters.no_repeat_ngram(logits, padded, n, mask), filters.no_repeat_ngram(logits, tokens, n))
    same(logits, before)


@settings(max_examples=60, deadline=None)
@given(
    case=cases(),
    t=st.floats(0.1, 3),
    k=st.integers(0, 20),
    p=st.floats(0.05, 1.0),
    m=st.floats(0, 0.5),
    penalty=st.sampled_from([1.0, 1.3]),
    n=st.integers(0, 3),
)
def test_all_together_in_their_order(case, t, k, p, m, penalty, n):
    logits, tokens = case
    ours = Sampling(temperature=t, top_k=k, top_p=p, min_p=m, repetition_penalty=penalty, no_repeat_ngram=n)
    chain = theirs.LogitsProcessorList()
    if penalty != 1:
        chain.append(theirs.RepetitionPenaltyLogitsProcessor(penalty))
    if n:
        chain.append(theirs.NoRepeatNGramLogitsProcessor(n))
    if t != 1:
        chain.append(theirs.TemperatureLogitsWarper(t))
    if k:
        chain.append(theirs.TopKLogitsWarper(k))
    if p < 1:
        chain.append(theirs.TopPLogitsWarper(p))
    if m:
        chain.append(theirs.MinPLogitsWarper(m))
    same(ours.filtered(logits, tokens), chain(tokens, logits.clone()))


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_laws(case):
    logits, _ = case
    best = logits.argmax(-1)
    for kept in (filters.top_k(logits, 1), filters.top_p(logits, 0.01), filters.min_p(logits, 1.0)):
        assert torch.equal(kept.amax(-1), logits.amax(-1))  # of several best ones, one stays at least
    assert torch.equal(filters.top_k(logits, 10**6), logits)
    assert torch.equal(filters.min_p(logits, 0.0), logits)
    assert torch.equal(GREEDY.choose(logits), best)
    drawn = Sampling(top_k=1).choose(logits)
    assert torch.equal(logits.gather(-1, drawn[:, None]), logits.gather(-1, best[:, None]))
    in_half = Sampling(top_p=0.5).filtered(logits).softmax(-1)
    assert (in_half.sum(-1) - 1).abs().max() < 1e-5
    assert torch.equal(Sampling(temperature=1.0).filtered(logits.to(torch.bfloat16)), logits.to(torch.bfloat16).float())


def test_draws_follow_the_distribution():
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]]).expand(20000, 4)
    drawn = Sampling(temperature=0.8).choose(logits, generator=torch.Generator().manual_seed(0))
    observed = torch.bincount(drawn, minlength=4).double()
    expected = (logits[0] / 0.8).softmax(-1).double() * 20000
    assert ((observed - expected) ** 2 / expected).sum() < 16.3  # chi-squared, 3 degrees, p = 0.001


@pytest.mark.parametrize(
    "wrong",
    [
        *({"temperature": bad} for bad in (-1.0, float("inf"), float("nan"))),
        *({"top_p": bad} for bad in (0.0, 3.0, -0.1, float("nan"))),
        *({"min_p": bad} for bad in (-0.1, 1.1)),
        *({"repetition_penalty": bad} for bad in (0.0, -1.0)),
        {"top_k": -1},
        {"no_repeat_ngram": -2},
    ],
)
def test_values_that_mean_nothing_are_one_line(wrong):
    with pytest.raises(HeadwayError) as caught:
        Sampling(**wrong)
    assert next(iter(wrong)).replace("_", "-") in str(caught.value)


# Generation


def build(kind: str, seed: int):
    torch.manual_seed(seed)
    if kind == "gpt2":
        model = GPT2LMHeadModel(TheirGPT2Config(vocab_size=61, n_positions=64, n_embd=24, n_layer=2, n_head=3))
    else:
        config = TheirLlamaConfig(
            vocab_size=61,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
        )
        model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.3)
    model.generation_config.eos_token_id = None
    model.generation_config.bos_token_id = None
    return model.eval()


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def pair(request, tmp_path_factory):
    reference = build(request.param, 3)
    folder = tmp_path_factory.mktemp(request.param)
    reference.save_pretrained(folder)
    return load_folder(folder, dtype=torch.float32), reference


ROWS = [[5, 17, 3, 42, 9, 11, 2], [7], [33, 1, 20, 20]]


def ours_of(model, tokens, mask, n, *, stop_ids=(), **options):
    until = Until(max_tokens=n, stop_ids=stop_ids)
    return torch.stack(list(generate(model, tokens, mask=mask, until=until, **options)), 1)


def theirs_of(reference, tokens, mask, n, **options):
    attention = torch.ones_like(tokens) if mask is None else mask.long()
    out = reference.generate(tokens, attention_mask=attention, max_new_tokens=n, pad_token_id=0, **options)
    return out[:, tokens.shape[1] :]


def test_greedy_one_and_many(pair):
    model, reference = pair
    for rows in ([ROWS[0]], ROWS, ROWS[::-1]):
        tokens, mask = left_pad(rows)
        got = ours_of(model, tokens, mask, 25)
        assert torch.equal(got, theirs_of(reference, tokens, mask, 25, do_sample=False))
        for row, own in zip(rows, got, strict=True):
            alone, _ = left_pad([row])
            assert torch.equal(ours_of(model, alone, None, 25)[0], own)


@pytest.mark.parametrize(
    "options",
    [
        {"repetition_penalty": 1.4},
        {"no_repeat_ngram": 2},
        {"repetition_penalty": 1.2, "no_repeat_ngram": 3},
    ],
)
def test_greedy_with_what_looks_back(pair, options):
    model, reference = pair
    names = {"no_repeat_ngram": "no_repeat_ngram_size"}
    tokens, mask = left_pad(ROWS)
    got = ours_of(model, tokens, mask, 25, sampling=Sampling(temperature=0.0, **options))
    their_options = {names.get(key, key): value for key, value in options.items()}
    assert torch.equal(got, theirs_of(reference, tokens, mask, 25, do_sample=False, **their_options))


def test_sampling_draws_what_transformers_draws(pair):
    model, reference = pair
    tokens, mask = left_pad(ROWS)
    options = {"temperature": 0.7, "top_k": 20, "top_p": 0.9, "min_p": 0.01, "repetition_penalty": 1.1}
    torch.manual_seed(11)
    expected = theirs_of(reference, tokens, mask, 20, do_sample=True, **options)
    torch.manual_seed(11)
    assert torch.equal(ours_of(model, tokens, mask, 20, sampling=Sampling(**options)), expected)


def test_stop_ids_end_rows_one_by_one(pair):
    model, reference = pair
    tokens, mask = left_pad(ROWS)
    free = ours_of(model, tokens, mask, 25)
    stop = {int(free[0, 4]), int(free[1, 9])}
    got = ours_of(model, tokens, mask, 25, stop_ids=stop)
    expected = theirs_of(reference, tokens, mask, 25, do_sample=False, eos_token_id=sorted(stop))
    assert torch.equal(got, expected)
    one = generate(model, tokens[:1], mask=mask[:1], until=Until(max_tokens=25, stop_ids={int(free[0, 0])}))
    assert len(list(one)) == 1
    assert one.ended == "stop"
    assert one.tokens == 1


def test_seeds_repeat_and_a_generator_per_row_makes_rows_alone(pair):
    model, _ = pair
    tokens, mask = left_pad(ROWS)
    hot = Sampling(temperature=1.5)

    def seeded(n):
        return torch.Generator().manual_seed(n)

    first = ours_of(model, tokens, mask, 15, sampling=hot, generator=seeded(5))
    assert torch.equal(first, ours_of(model, tokens, mask, 15, sampling=hot, generator=seeded(5)))
    assert not torch.equal(first, ours_of(model, tokens, mask, 15, sampling=hot, generator=seeded(6)))
    rows = ours_of(model, tokens, mask, 15, sampling=hot, generator=[seeded(n) for n in (1, 2, 3)])
    for n, row in enumerate(ROWS):
        alone, _ = left_pad([row])
        assert torch.equal(ours_of(model, alone, None, 15, sampling=hot, generator=[seeded(n + 1)])[0], rows[n])


def test_the_context_ends_it_and_too_long_a_prompt_is_one_line(pair):
    model, _ = pair
    tokens = torch.arange(50)[None] % 61
    got = generate(model, tokens, until=Until(max_tokens=1000))
    assert len(list(got)) == 64 - 50 + 1
    assert got.ended == "context"
    for bad, says in (
        (torch.zeros(1, 65, dtype=torch.long), "65 tokens long"),
        (torch.zeros(1, 0, dtype=torch.long), "empty"),
    ):
        with pytest.raises(HeadwayError, match=says) as caught:
            generate(model, bad, until=Until(max_tokens=5))
        assert "\n" not in str(caught.value)
    full = torch.arange(64)[None] % 61
    assert ours_of(model, full, None, 5).shape[1] == 1


def test_a_cache_that_holds_the_beginning_is_gone_on_with(pair):
    model, _ = pair
    whole, _ = left_pad([ROWS[0] + ROWS[2]])
    expected = ours_of(model, whole, None, 12)
    cache = model.new_cache(1, 40)
    with torch.inference_mode():
        model(whole[:, :5], cache)
    assert torch.equal(ours_of(model, whole[:, 5:], None, 12, cache=cache), expected)
    with pytest.raises(HeadwayError, match="room for 12"):
        generate(model, whole, until=Until(max_tokens=12), cache=model.new_cache(1, 12))


def test_nothing_is_learned_and_nothing_runs_before_it_is_asked_for(pair):
    model, _ = pair
    tokens, _ = left_pad([ROWS[0]])
    steps = generate(model, tokens, until=Until(max_tokens=3))
    with torch.enable_grad():
        assert torch.is_grad_enabled()
        first = next(steps)
        assert torch.is_grad_enabled()
    assert not first.requires_grad
    assert list(generate(model, tokens, until=Until(max_tokens=0))) == []


def test_right_padding_is_refused(pair):
    model, _ = pair
    mask = torch.tensor([[True, True, False]])
    with pytest.raises(HeadwayError, match="pad prompts of different lengths on the left"):
        generate(model, torch.ones(1, 3, dtype=torch.long), mask=mask, until=Until(max_tokens=1))
    with pytest.raises(HeadwayError, match="empty"):
        left_pad([[1], []])
