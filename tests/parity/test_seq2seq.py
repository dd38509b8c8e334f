"""The recurrent encoder-decoder: its encoder equals PyTorch's packed bidirectional GRU, its decoder the papers' formulas."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.parity import assert_close, randomise
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from headway.base.errors import HeadwayError
from headway.blocks.tap import watch
from headway.models.seq2seq import SCORES, Seq2Seq, Seq2SeqConfig

few = settings(max_examples=10, deadline=None)


def make(seed: int = 0, **options) -> Seq2Seq:
    options = {"vocab_size": 11, "target_vocab_size": 9, "width": 4, "state": 5} | options
    model = Seq2Seq(Seq2SeqConfig(**options)).double().eval()
    randomise(model, seed)
    return model


@few
@given(data=st.data(), both=st.booleans())
def test_the_encoder_equals_torch(data, both):
    model = make(bidirectional=both, attention="additive")
    b, s = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    lengths = torch.tensor([data.draw(st.integers(1, s)) for _ in range(b)])
    source = torch.randint(0, 11, (b, s))
    theirs = nn.GRU(4, 5, batch_first=True, bidirectional=both, dtype=torch.float64)
    cells = {"": model.ahead, "_reverse": model.back} if both else {"": model.ahead}
    state = {}
    for ending, cell in cells.items():
        for name, tensor in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), cell.weights, strict=True):
            state[f"{name}_l0{ending}"] = tensor.detach()
    theirs.load_state_dict(state)
    packed = pack_padded_sequence(model.embed(source), lengths, batch_first=True, enforce_sorted=False)
    out, last = theirs(packed)
    wanted, _ = pad_packed_sequence(out, batch_first=True, total_length=s)
    mask = torch.arange(s) < lengths[:, None]
    assert_close(model.encode(source, mask)[mask], wanted[mask], 1e-12)
    summary = model.summary(model.look(source, mask))
    assert_close(summary, torch.cat(tuple(last), -1), 1e-12)


def by_formula(model: Seq2Seq, source, tokens):
    """One sentence, step by step, as the papers write it. The logits, and the weights of every step."""
    c, d = model.config, model.decoder
    states = model.encode(source[None])[0]
    n = c.state
    summary = torch.cat((states[-1, :n], states[0, n:]))
    s = torch.tanh(model.begin.weight @ summary + model.begin.bias)
    fed = torch.zeros(n, dtype=torch.float64)
    logits, alphas = [], []

    def cell(x, h):
        gates_x, gates_h = d.cell.input(x), d.cell.state(h)
        r = torch.sigmoid(gates_x[:n] + gates_h[:n])
        z = torch.sigmoid(gates_x[n : 2 * n] + gates_h[n : 2 * n])
        return (1 - z) * torch.tanh(gates_x[2 * n :] + r * gates_h[2 * n :]) + z * h

    def look(query):
        e = []
        for h in states:
            if c.attention in ("additive", "concat"):
                e.append((d.score.weight[0] * torch.tanh(d.query.weight @ query + d.key.weight @ h)).sum())
            else:
                e.append(query @ (h if c.attention == "dot" else d.key.weight @ h))
        alpha = torch.stack(e).exp() / torch.stack(e).exp().sum()
        alphas.append(alpha)
        return (alpha[:, None] * states).sum(0)

    for token in tokens:
        y = model.target_embed.weight[token]
        if d.luong:
            s = cell(torch.cat((y, fed)), s)
            fed = torch.tanh(d.join.weight @ torch.cat((look(s), s)))
            logits.append(model.head(fed))
        else:
            context = summary if c.attention == "none" else look(s)
            s = cell(torch.cat((y, context)), s)
            t = d.deep.weight @ torch.cat((s, y, context)) + d.deep.bias
            logits.append(model.head(torch.maximum(t[0::2], t[1::2])))
    return torch.stack(logits), alphas


@pytest.mark.parametrize("attention", SCORES)
@few
@given(data=st.data())
def test_the_decoder_is_the_papers_formulas(attention, data):
    both = attention != "dot" and data.draw(st.booleans())
    model = make(seed=data.draw(st.integers(0, 99)), attention=attention, bidirectional=both)
    s, t = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    source, tokens = torch.randint(0, 11, (s,)), torch.randint(0, 9, (t,))
    wanted, alphas = by_formula(model, source, tokens)
    if attention == "none":
        got = model(source[None], tokens[None])[0]
    else:
        with watch(model, "alignment") as seen:
            got = model(source[None], tokens[None])[0]
        assert_close(seen["decoder.alignment"][0], torch.stack(alphas), 1e-12)
    assert_close(got, wanted, 1e-12)
    pull = torch.randn_like(wanted)
    parameters = dict(model.named_parameters())
    ours = torch.autograd.grad((got * pull).sum(), parameters.values())
    theirs = torch.autograd.grad((wanted * pull).sum(), parameters.values())
    for name, mine, its in zip(parameters, ours, theirs, strict=True):
        assert_close(mine, its, 1e-10, f"gradient of {name}")


def test_dot_needs_states_of_one_width():
    with pytest.raises(HeadwayError, match="bidirectional=False"):
        Seq2SeqConfig(vocab_size=9, width=4, state=4, attention="dot")
    with pytest.raises(HeadwayError, match="one of none, additive"):
        Seq2SeqConfig(vocab_size=9, width=4, state=4, attention="bilinear")  # type: ignore[arg-type]
