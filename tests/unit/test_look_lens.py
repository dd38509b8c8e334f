"""The logit lens: its last layer is the model, its first is the embedding read out, and every number is one's own softmax's."""

from __future__ import annotations

import sys

import pytest
import torch
from support.looked import TEXT, TINIES, target_of, tiny

from headway import look
from headway.base.errors import HeadwayError
from headway.look.guessing import readout
from headway.models.gpt2 import GPT2, GPT2Config
from headway.use.texts import ids_of

LAYERED = [
    (name, n)
    for name, n in TINIES
    if name not in ("bigram", "mlp_lm", "seq2seq") and not (name in ("bert", "roberta") and n > 1 - (name == "roberta"))
]


def test_the_cases_are_those_that_have_layers_and_words():
    for name, n in set(TINIES) - set(LAYERED):
        loaded = tiny(name, n)
        with pytest.raises(HeadwayError):
            look.lens(loaded, TEXT, target=target_of(loaded))


@pytest.mark.parametrize(("name", "n"), LAYERED)
def test_the_last_layer_says_what_the_model_says(name, n):
    loaded = tiny(name, n)
    edits = (look.Off(0, "attention"),) if name in ("gpt2", "llama", "transformer", "t5", "mamba") else ()
    for changes in ((), edits):
        found = look.trace(loaded, TEXT, target=target_of(loaded), edits=changes)
        logits = found.logits
        read = readout(loaded.model, found.stream[list(found.stream)[-1]])[0]
        torch.testing.assert_close(read, logits, rtol=1e-12, atol=1e-12)
        picture = look.lens(loaded, TEXT, target=target_of(loaded), edits=changes, k=logits.shape[-1])
        best = logits.float().softmax(-1).sort(descending=True)
        torch.testing.assert_close(picture.probabilities[-1], best.values)
        assert set(picture.ranks[-1]) == {1}
        entropy = torch.distributions.Categorical(logits=logits.float()).entropy() / torch.log(torch.tensor(2.0))
        torch.testing.assert_close(picture.entropies[-1], entropy)


def test_a_middle_layer_is_the_stream_there_through_norm_and_head():
    loaded = tiny("llama")
    picture = look.lens(loaded, TEXT)
    assert picture.layers == ("embedding", "0", "1")
    model, ids = loaded.model, ids_of(loaded, TEXT)
    streams = []
    model.blocks[0].register_forward_hook(lambda m, i, o: streams.extend((i[0], o)))
    final = model(ids)[0].argmax(-1)
    for layer, x in enumerate(streams):
        p = (model.norm(x) @ (model.embed.weight if model.head is None else model.head.weight).T)[0].float().softmax(-1)
        torch.testing.assert_close(picture.probabilities[layer], p.topk(5).values)
        assert picture.ranks[layer] == tuple(int((p[t] > p[t, final[t]]).sum()) + 1 for t in range(len(final)))
        assert picture.guesses[layer][3][0] == loaded.words.decode([int(p[3].argmax())])
        comes = ids[0, 1:].tolist()
        assert picture.ranks_of_comes[layer] == (*(int((p[t] > p[t, c]).sum()) + 1 for t, c in enumerate(comes)), 0)
    assert picture.comes == (*TEXT[1:], "")


def test_layers_can_be_chosen_and_are_thinned_where_they_are_many(monkeypatch):
    loaded = tiny("gpt2")
    assert look.lens(loaded, TEXT, layers=(0, -1)).layers == ("embedding", "1")
    with pytest.raises(HeadwayError, match="no layer 7"):
        look.lens(loaded, TEXT, layers=(7,))
    monkeypatch.setattr(sys.modules["headway.look.lens"], "AFFORDED", 1.0)
    torch.manual_seed(0)
    deep = GPT2(GPT2Config(vocab_size=13, context=16, width=8, n_layer=20, n_head=2)).eval()
    object.__setattr__(loaded, "model", deep)
    shown = look.lens(loaded, TEXT).layers
    assert shown == ("embedding", "3", "7", "11", "15", "19")


def test_the_terminal_names_the_likeliest_and_stays_within_its_width():
    picture = look.lens(tiny("mamba"), TEXT)
    for width in (60, 100):
        lines = picture.lines(width)
        assert max(line.cell_len for line in lines) <= width
        top = next(line.plain for line in lines if line.plain.startswith(picture.layers[-1]))
        assert picture.guesses[-1][-1][0] in top
