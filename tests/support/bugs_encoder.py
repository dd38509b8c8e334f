"""Bugs that public encoders, encoder-decoders and recurrent models really had: see `support.bugs_decoder` for the form.

`where` says how people came to it; a number is an issue's only where the thread itself was seen.
"""

from __future__ import annotations

import dataclasses
import warnings
from types import SimpleNamespace
from typing import NamedTuple

import torch
import torch.nn.functional as F
import transformers as hf
from support.hf_encoder import check_encoder
from support.hf_pair import check_pair
from support.inputs import draw_source, vocabulary
from support.parity import assert_close, randomise
from support.tiny import TINY
from torch import nn

from headway.blocks import memory, recurrent
from headway.data import audio
from headway.models import bert, roberta, seq2seq, t5, transformer, whisper
from headway.models.catalog import build
from headway.train import data
from headway.weights.tables import bert as bert_table


class Bug(NamedTuple):
    name: str
    where: str
    patch: object
    check: object


def replace(target, name, value):
    return lambda monkeypatch: monkeypatch.setattr(target, name, value)


# What has to notice: parity with transformers and torch, and the laws.

BERT = {"vocab_size": 23, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20}
MARIAN = {
    "vocab_size": 23,
    "d_model": 12,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 20,
    "scale_embedding": True,
    "pad_token_id": None,
    "decoder_start_token_id": 0,
    "forced_eos_token_id": None,
}
T5 = {"vocab_size": 23, "d_model": 12, "d_kv": 4, "num_heads": 3, "d_ff": 20, "num_layers": 2, "dropout_rate": 0.0}
T5 |= {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 10}


def bert_parity(name="BertForPreTraining", **more):
    def check():
        kind, pad = (hf.RobertaConfig, 1) if name.startswith("Roberta") else (hf.BertConfig, None)
        config = kind(**BERT, type_vocab_size=2, max_position_embeddings=20, pad_token_id=pad, **more)
        check_encoder(name, config, [9, 4], 0)

    return check


def marian_parity(**more):
    return lambda: check_pair(hf.MarianMTModel, hf.MarianConfig(**{**MARIAN, **more}), s=9, t=8, **PADS)


def t5_parity(**more):
    return lambda: check_pair(hf.T5ForConditionalGeneration, hf.T5Config(**{**T5, **more}), s=9, t=8, **PADS)


PADS = {"source_pads": [0, 4], "pads": [0, 3]}


def make(name: str, n: int = 0):
    model = build(name, **TINY[name][n]).double().eval()
    randomise(model, 0)
    return model


def cached_pair_law(name: str, n: int = 0, *, source_left: bool = False):
    """Cached token by token, about a padded source = each row alone; the source is read once."""

    def check():
        model, draw = make(name, n), torch.Generator().manual_seed(1)
        source = draw_source(model, 2, 6, draw)
        tokens = torch.randint(0, vocabulary(model), (2, 7), generator=draw)
        column, pads = torch.arange(6), torch.tensor([[0], [3]])
        about = {}
        if name != "whisper":
            about["source_mask"] = column >= pads if source_left else column < 6 - pads
        cache = model.new_cache(2, 7)
        with torch.no_grad():
            parts = [model(source, tokens[:, :2], cache, **about)]
            parts += [model(None, tokens[:, at : at + 1], cache) for at in range(2, 7)]
            for row in range(2):
                own = source[row : row + 1]
                if about:
                    own = own[:, about["source_mask"][row]]
                assert_close(torch.cat(parts, 1)[row : row + 1], model(own, tokens[row : row + 1]), 1e-10)

    return check


def another_source_law():
    model, tokens = make("transformer"), torch.tensor([[1, 2]])
    cache = model.new_cache(1, 9)
    model(torch.tensor([[3, 4, 5]]), tokens, cache)
    try:
        model(torch.tensor([[6, 7, 8]]), tokens, cache)
    except Exception:
        return
    raise AssertionError("the answer would be about the first source")


def read_once_law():
    model, calls = make("transformer"), []
    model.encoder[0].register_forward_hook(lambda *_: calls.append(1))
    source, cache = torch.tensor([[3, 4, 5]]), model.new_cache(1, 9)
    for token in range(5):
        model(source, torch.tensor([[token]]), cache)
    assert len(calls) == 1, f"the source was read {len(calls)} times"


def padded_row_law(name: str, n: int, *, packed: bool = False):
    """A row behind left padding = the row alone: states, head and sentence."""

    def check():
        model = make(name, n)
        tokens = torch.randint(0, model.config.vocab_size, (3, 8), generator=torch.Generator().manual_seed(1))
        mask = torch.arange(8) >= torch.tensor([[0], [3], [5]])
        with torch.no_grad():
            out, sentences = model(tokens, mask, packed=packed), model.sentence(tokens, mask, packed=packed)
            states = model.hidden(tokens, mask, packed=packed)
            for row, real in enumerate(mask):
                own = tokens[row][real][None]
                assert_close(states[row][real][None], model.hidden(own), 1e-10)
                assert_close(sentences[row : row + 1], model.sentence(own), 1e-10)
                if out.dim() == 2:
                    assert_close(out[row : row + 1], model(own), 1e-10)

    return check


def pre_norm_parity():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="enable_nested_tensor")
        theirs = nn.Transformer(8, 2, 1, 1, 12, 0.0, "relu", batch_first=True, norm_first=True, dtype=torch.float64)
    randomise(theirs, 0)
    config = transformer.TransformerConfig(vocab_size=9, width=8, n_layer=1, n_head=2, ff_width=12, norm="pre")
    ours = transformer.Transformer(config).double().eval()
    ours.embed.weight.data.copy_(torch.randn(9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    layer, block = theirs.encoder.layers[0], ours.encoder[0]
    with torch.no_grad():
        for mine, its in (
            (block.attn.q.weight, layer.self_attn.in_proj_weight[:8]),
            (block.attn.q.bias, layer.self_attn.in_proj_bias[:8]),
            (block.attn.kv.weight, layer.self_attn.in_proj_weight[8:]),
            (block.attn.kv.bias, layer.self_attn.in_proj_bias[8:]),
        ):
            mine.copy_(its)
    for mine, its in (
        (block.attn.out, layer.self_attn.out_proj),
        (block.attn_sum.norm, layer.norm1),
        (block.mlp.up, layer.linear1),
        (block.mlp.down, layer.linear2),
        (block.mlp_sum.norm, layer.norm2),
        (ours.encoder_norm, theirs.encoder.norm),
    ):
        mine.load_state_dict(its.state_dict())
    source = torch.tensor([[1, 2, 3, 4]])
    theirs.train()  # in evaluation it takes a fused path
    assert_close(ours.encode(source), theirs.encoder(ours.place(ours.embed, source, torch.arange(4)[None])), 1e-10)


def recurrent_parity(gates: int):
    def check():
        draw, kind = torch.Generator().manual_seed(0), nn.GRU if gates == 3 else nn.LSTM
        theirs = kind(4, 5, batch_first=True, dtype=torch.float64)
        randomise(theirs, 0)
        x, zero = torch.randn(2, 6, 4, generator=draw, dtype=torch.float64), torch.zeros(2, 5, dtype=torch.float64)
        weights = [theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_ih_l0, theirs.bias_hh_l0]
        if gates == 3:
            ours = recurrent.gru_by_hand(x, zero, *weights)
        else:
            ours, _ = recurrent.lstm_by_hand(x, zero, zero, *weights)
        assert_close(ours, theirs(x)[0], 1e-10)

    return check


def ear_parity():
    draw = torch.Generator().manual_seed(0)
    sounds = torch.randn(2, 20_000, generator=draw) * torch.tensor([[1.0], [0.01]])
    theirs = hf.WhisperFeatureExtractor()
    for row, heard in enumerate(audio.log_mel(sounds)):
        wanted = theirs(sounds[row].numpy(), sampling_rate=audio.RATE, return_tensors="np")["input_features"]
        assert_close(heard, torch.from_numpy(wanted)[0], 1e-5)


def frame_parity():
    from transformers.models.whisper.modeling_whisper import sinusoids

    assert_close(whisper.frame_positions(50, 16), sinusoids(50, 16), 1e-6)


def shifted_by_one():
    """What the decoder reads at a place is what it had to say one place before, and the start symbol first."""
    words = SimpleNamespace(special={"pad": 0, "start": 1, "end": 2})
    pairs = data.Pairs([([5, 6], [7, 8, 9]), ([5], [6])], [([3], [4])], words=words, seed=0)
    batch = pairs.make([(0, 0), (0, 1)], torch.Generator())
    assert batch.tokens[:, 0].tolist() == [1, 1]
    said, read = batch.targets[:, :-1], batch.tokens[:, 1:]
    assert torch.equal(read[batch.mask[:, 1:]], said[batch.mask[:, 1:]])


# The bugs.


def not_shifted(self, pairs):
    batch = ORIGINAL_ROWS(self, pairs)
    return dataclasses.replace(batch, tokens=batch.targets.clamp(min=0))


ORIGINAL_ROWS = data.Pairs._rows


def blind(mask, b, s, *, called="mask"):
    return None


def first_column(self, x, mask=None):
    return torch.tanh(self.pool(x[:, 0]))


def mean_with_padding(self, tokens, mask=None, *, how="mean", packed=False):
    return F.normalize(self.hidden(tokens, mask, packed=packed).mean(1), dim=-1)


ORIGINAL_BERT_HIDDEN, ORIGINAL_READOUT = bert.Bert.hidden, bert.Bert.readout


def no_segments(self, tokens, mask=None, *, segments=None, packed=False):
    return ORIGINAL_BERT_HIDDEN(self, tokens, mask, packed=packed)


def order_swapped(self, x, mask=None):
    words, order = ORIGINAL_READOUT(self, x, mask)
    return words, order.flip(-1)


ORIGINAL_SIZES = bert_table.read_sizes


def eps_forgotten(theirs, heads):
    return {**ORIGINAL_SIZES(theirs, heads), "eps": 1e-5}


def no_activation(self, x, embedding):
    return F.linear(self.norm(self.dense(x)), embedding, self.bias)


def scaled_scores(q, k, v, attn_mask=None, scale=None):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)


T5_F = SimpleNamespace(linear=F.linear, scaled_dot_product_attention=scaled_scores)


def output_not_scaled(self, x):
    return F.linear(x, self.embed.weight) if self.head is None else self.head(x)


ORIGINAL_BUCKETS, ORIGINAL_BIAS = t5.buckets, t5.T5.bias


def turned_round(distance, n_bucket, max_distance, *, both_ways):
    return ORIGINAL_BUCKETS(-distance if both_ways else distance, n_bucket, max_distance, both_ways=both_ways)


def one_way_only(distance, n_bucket, max_distance, *, both_ways):
    return ORIGINAL_BUCKETS(distance, n_bucket, max_distance, both_ways=False)


def past_forgotten(self, table, past, t, s, seen):
    return ORIGINAL_BIAS(self, table, 0, t, s, seen)


def not_scaled(self, embed, tokens, positions):
    waves = transformer.sinusoids_in_halves(positions, self.config.width, dtype=embed.weight.dtype)
    return self.drop(embed(tokens) + waves)


def untied(self, x):
    return F.linear(x, self.embed.weight.detach().clone(), self.head_bias)


def no_head_bias(self, x):
    return F.linear(x, self.embed.weight)


def norm_first(self, x, sublayer):
    return x + sublayer(self.norm(x))


def norm_last(self, x, sublayer):
    return self.norm(x + sublayer(x))


def positions_restart(self, embed, tokens, positions):
    return ORIGINAL_PLACE(self, embed, tokens, positions - positions[:, :1])


ORIGINAL_PLACE, ORIGINAL_KEEP = transformer.Transformer.place, memory.Remembers.keep


def mask_dropped(self, kept, source, source_mask):
    ORIGINAL_KEEP(self, memory.Memory(kept.pairs), source, source_mask)
    return kept


def stale(self, source, source_mask):
    return None


def read_again(source, source_mask, cache, make):
    return make(source, source_mask)


def reset_before_matrix(x, h, w_x, w_h, b_x, b_h):
    n = h.shape[-1]
    from_x, from_h = F.linear(x, w_x, b_x).chunk(3, -1), F.linear(h, w_h, b_h).chunk(3, -1)
    r, z = torch.sigmoid(from_x[0] + from_h[0]), torch.sigmoid(from_x[1] + from_h[1])
    return z * h + (1 - z) * torch.tanh(from_x[2] + F.linear(r * h, w_h[2 * n :], b_h[2 * n :]))


def update_gate_turned(x, h, w_x, w_h, b_x, b_h):
    from_x, from_h = F.linear(x, w_x, b_x).chunk(3, -1), F.linear(h, w_h, b_h).chunk(3, -1)
    r, z = torch.sigmoid(from_x[0] + from_h[0]), torch.sigmoid(from_x[1] + from_h[1])
    return (1 - z) * h + z * torch.tanh(from_x[2] + r * from_h[2])


def gates_in_another_order(x, h, c, w_x, w_h, b_x, b_h):
    i, f, o, g = (F.linear(x, w_x, b_x) + F.linear(h, w_h, b_h)).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def align_blindly(scores, states, mask=None):
    weights = scores.softmax(-1)
    return (weights[:, None] @ states)[:, 0], weights


def order_of_groups(q, k, v, packing, *, scale=None):
    parts = [bert.attend(*(x[places].transpose(1, 2) for x in (q, k, v))) for places in packing.groups]
    return torch.cat([part.transpose(1, 2).flatten(0, 1) for part in parts])


def one_loudness_for_all(samples, *, mels=80, seconds=30):
    samples = F.pad(samples, (0, seconds * audio.RATE - samples.shape[-1]))
    window = torch.hann_window(audio.FRAME)
    stft = torch.stft(samples, audio.FRAME, audio.HOP, window=window, return_complex=True)
    log = (audio.mel_filters(mels) @ stft[..., :-1].abs().square()).clamp(min=1e-10).log10()
    return (torch.maximum(log, log.max() - 8.0) + 4.0) / 4.0


def half_scale(length, width):
    half = width // 2
    angles = torch.arange(length)[:, None] * 10000.0 ** (-torch.arange(half) / half)
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


def set_activation(module, name, value):
    return lambda monkeypatch: monkeypatch.setitem(module.ACTIVATIONS, name, value)


ORIGINAL_POSITIONS = bert.real_positions
FROM_PADDING = replace(bert, "real_positions", lambda t, mask=None, *, device=None: ORIGINAL_POSITIONS(t, mask) - 1)
BY_COLUMN = replace(bert, "real_positions", lambda t, mask=None, *, device=None: torch.arange(t)[None])
ROBERTA = bert_parity("RobertaForMaskedLM")
MARIAN_CACHED, T5_CACHED = cached_pair_law("transformer", 2), cached_pair_law("t5", 0)

BUGS = [
    Bug("RoBERTa counts from 1", "the padding's own row taken for the first position, in ports", FROM_PADDING, ROBERTA),
    Bug(
        "RoBERTa counts from 0",
        "RoBERTa run as BERT, position table and all",
        replace(roberta.Roberta, "first_position", 0),
        ROBERTA,
    ),
    Bug(
        "BERT with the tanh form of GELU",
        "gelu and gelu_new taken for the same",
        set_activation(bert, "gelu", lambda x: F.gelu(x, approximate="tanh")),
        bert_parity(),
    ),
    Bug(
        "T5 v1.1 with the exact GELU",
        "gated-gelu taken at its word, where the checkpoints mean the tanh form",
        set_activation(t5, "gelu_new", F.gelu),
        t5_parity(feed_forward_proj="gated-gelu"),
    ),
    Bug("padding seen by BERT", "attention_mask left out of a batch", replace(bert, "key_mask", blind), bert_parity()),
    Bug(
        "positions of an encoder count padding",
        "embeddings of left-padded batches",
        BY_COLUMN,
        padded_row_law("bert", 4),
    ),
    Bug("segments ignored", "token_type_ids left out", replace(bert.Bert, "hidden", no_segments), bert_parity()),
    Bug(
        "next sentence, with 1 for yes",
        "the label's order guessed; 0 means that B follows",
        replace(bert.Bert, "readout", order_swapped),
        bert_parity(),
    ),
    Bug(
        "eps not read",
        "LayerNorm's 1e-12 of BERT against PyTorch's default 1e-5",
        replace(bert_table, "read_sizes", eps_forgotten),
        bert_parity("BertForMaskedLM", layer_norm_eps=1e-2),
    ),
    Bug(
        "word head without its nonlinearity",
        "the head taken for one matrix",
        replace(bert.WordHead, "forward", no_activation),
        bert_parity("BertForMaskedLM"),
    ),
    Bug(
        "the first column pooled",
        "[CLS] looked for in column 0 behind left padding",
        replace(bert.Bert, "pooled", first_column),
        padded_row_law("bert", 2),
    ),
    Bug(
        "padding in the mean",
        "sentence embeddings averaged over the whole batch width",
        replace(bert.Bert, "sentence", mean_with_padding),
        padded_row_law("bert", 4),
    ),
    Bug(
        "packed rows in the order of their lengths",
        "variable-length attention whose result is not put back",
        replace(bert, "attend_packed", order_of_groups),
        padded_row_law("bert", 4, packed=True),
    ),
    Bug("T5's scores scaled", "1/√k by habit", replace(t5, "F", T5_F), t5_parity()),
    Bug(
        "T5's output not scaled", "d^-0.5 before a tied head", replace(t5.T5, "readout", output_not_scaled), t5_parity()
    ),
    Bug(
        "past and future buckets turned round",
        "query - key for key - query",
        replace(t5, "buckets", turned_round),
        t5_parity(),
    ),
    Bug(
        "the encoder's buckets one way only",
        "bidirectional=False for both stacks",
        replace(t5, "buckets", one_way_only),
        t5_parity(),
    ),
    Bug(
        "distances restart with the cache",
        "the bias of the first row for every new token",
        replace(t5.T5, "bias", past_forgotten),
        T5_CACHED,
    ),
    Bug(
        "the embedding not scaled",
        "√d left out, in ports of the 2017 paper",
        replace(transformer.Transformer, "place", not_scaled),
        marian_parity(),
    ),
    Bug(
        "sines and cosines by turns where a checkpoint has halves",
        "two layouts of one table",
        replace(transformer, "sinusoids_in_halves", transformer.sinusoids),
        marian_parity(),
    ),
    Bug(
        "head untied after loading",
        "a copy of the embedding where there should be the embedding",
        replace(transformer.Transformer, "readout", untied),
        marian_parity(),
    ),
    Bug(
        "the logits' bias dropped",
        "final_logits_bias is a buffer, and no weight",
        replace(transformer.Transformer, "readout", no_head_bias),
        marian_parity(),
    ),
    Bug(
        "pre-norm for post-norm",
        "what most code does against what the figure of 2017 shows",
        replace(transformer.Residual, "forward", norm_first),
        marian_parity(),
    ),
    Bug(
        "post-norm for pre-norm",
        "the other way round",
        replace(transformer.Residual, "forward", norm_last),
        pre_norm_parity,
    ),
    Bug(
        "positions restart with the cache",
        "every new token at position 0",
        replace(transformer.Transformer, "place", positions_restart),
        MARIAN_CACHED,
    ),
    Bug(
        "the source's mask dropped with the cache",
        "padding of the source seen from the second token on",
        replace(memory.Remembers, "keep", mask_dropped),
        MARIAN_CACHED,
    ),
    Bug(
        "stale memory of another source",
        "a cache used twice",
        replace(memory.Remembers, "check", stale),
        another_source_law,
    ),
    Bug(
        "the source read again for every token",
        "cross-attention's keys and values not cached",
        replace(transformer, "memory_of", read_again),
        read_once_law,
    ),
    Bug(
        "the target not shifted",
        "labels given as the decoder's input: the answer is copied and nothing is learned",
        replace(data.Pairs, "_rows", not_shifted),
        shifted_by_one,
    ),
    Bug(
        "GRU's reset before the matrix",
        "the paper's form on cuDNN's weights",
        replace(recurrent, "gru_step", reset_before_matrix),
        recurrent_parity(3),
    ),
    Bug(
        "GRU's update gate turned round",
        "z for 1 - z: papers differ",
        replace(recurrent, "gru_step", update_gate_turned),
        recurrent_parity(3),
    ),
    Bug(
        "LSTM's gates in another order",
        "i, f, o, g for i, f, g, o",
        replace(recurrent, "lstm_step", gates_in_another_order),
        recurrent_parity(4),
    ),
    Bug(
        "padding read first, backwards",
        "a reversed GRU on padded rows without packing them",
        replace(seq2seq, "turned", lambda x, lengths: x.flip(1)),
        cached_pair_law("seq2seq", 0),
    ),
    Bug(
        "attention to the padding of the source",
        "additive attention without a mask",
        replace(seq2seq, "align", align_blindly),
        cached_pair_law("seq2seq", 0),
    ),
    Bug(
        "one loudness for a whole batch",
        "the maximum taken over all sounds",
        replace(audio, "log_mel", one_loudness_for_all),
        ear_parity,
    ),
    Bug(
        "the wavelengths of 2017 for Whisper's frames",
        "half for half - 1",
        replace(whisper, "frame_positions", half_scale),
        frame_parity,
    ),
]
