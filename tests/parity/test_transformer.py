"""The 2017 Transformer equals `MarianMTModel` and `torch.nn.Transformer`: sizes, options, batch and padding drawn."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hf import check_round_trip
from support.hf_pair import check_greedy_pair, check_pair
from support.parity import assert_close, randomise
from torch import nn
from transformers import MarianConfig, MarianMTModel

from headway.base.errors import Unsupported
from headway.blocks.positions import sinusoids, sinusoids_in_halves
from headway.models.transformer import Transformer, TransformerConfig, deepnorm
from headway.weights.store import export_folder, load_folder
from headway.weights.tables.transformer import read_config

few = settings(max_examples=6, deadline=None)


@st.composite
def configs(draw):
    n_head = draw(st.integers(1, 4))
    ff_width = draw(st.integers(3, 20))
    vocab_size = draw(st.integers(5, 30))
    shared = draw(st.booleans())
    return MarianConfig(
        vocab_size=vocab_size,
        decoder_vocab_size=vocab_size if shared else draw(st.integers(5, 30)),
        share_encoder_decoder_embeddings=shared,
        d_model=n_head * draw(st.integers(1, 5)),
        encoder_layers=draw(st.integers(1, 3)),
        decoder_layers=draw(st.integers(1, 3)),
        encoder_attention_heads=n_head,
        decoder_attention_heads=n_head,
        encoder_ffn_dim=ff_width,
        decoder_ffn_dim=ff_width,
        activation_function=draw(st.sampled_from(["relu", "gelu", "swish"])),
        scale_embedding=draw(st.booleans()),
        max_position_embeddings=64,
        pad_token_id=None,  # else torch gives the embedding of that id no gradient
        decoder_start_token_id=0,
        eos_token_id=1,
        forced_eos_token_id=None,
    )


@few
@given(config=configs(), s=st.integers(1, 14), t=st.integers(1, 14), b=st.integers(1, 3), data=st.data())
def test_logits_states_and_gradients(config, s, t, b, data):
    source_pads = [data.draw(st.integers(0, s - 1)) for _ in range(b)]
    pads = [data.draw(st.integers(0, t - 1)) for _ in range(b)]
    check_pair(MarianMTModel, config, s=s, t=t, source_pads=source_pads, pads=pads)


@settings(max_examples=4, deadline=None)
@given(config=configs(), s=st.integers(2, 9))
def test_greedy_tokens(config, s):
    check_greedy_pair(MarianMTModel, config, s=s, new=10, source_pads=[0, s // 2])


@pytest.mark.parametrize("shared", [True, False])
def test_round_trip(shared, tmp_path):
    config = MarianConfig(
        vocab_size=40,
        decoder_vocab_size=40 if shared else 30,
        share_encoder_decoder_embeddings=shared,
        d_model=16,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_position_embeddings=32,
        pad_token_id=29,
        decoder_start_token_id=29,
    )
    check_round_trip(MarianMTModel, config, tmp_path)


def test_a_released_configuration_shrunk(tmp_path):
    # The fields of Helsinki-NLP/opus-mt-en-de's config.json, with its sizes divided; its .bin file keeps tied copies.
    theirs = json.loads("""{"_num_labels": 3, "activation_dropout": 0.0, "activation_function": "swish",
        "add_bias_logits": false, "add_final_layer_norm": false, "architectures": ["MarianMTModel"],
        "attention_dropout": 0.0, "bos_token_id": 0, "classif_dropout": 0.0, "classifier_dropout": 0.0, "d_model": 16,
        "decoder_attention_heads": 8, "decoder_ffn_dim": 32, "decoder_layerdrop": 0.0, "decoder_layers": 2,
        "decoder_start_token_id": 58, "decoder_vocab_size": 59, "dropout": 0.1, "encoder_attention_heads": 8,
        "encoder_ffn_dim": 32, "encoder_layerdrop": 0.0, "encoder_layers": 2, "eos_token_id": 0,
        "extra_pos_embeddings": 59, "forced_eos_token_id": 0, "init_std": 0.02, "is_encoder_decoder": true,
        "max_position_embeddings": 32, "model_type": "marian", "normalize_before": false, "normalize_embedding": false,
        "num_beams": 6, "num_hidden_layers": 2, "pad_token_id": 58, "scale_embedding": true,
        "share_encoder_decoder_embeddings": true, "static_position_embeddings": true, "vocab_size": 59}""")
    reference = MarianMTModel(MarianConfig(**theirs)).eval()
    randomise(reference, 4)
    reference.tie_weights()
    (tmp_path / "config.json").write_text(json.dumps(theirs))
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")
    ours = load_folder(tmp_path)
    source, tokens = torch.randint(0, 59, (2, 9)), torch.randint(0, 59, (2, 7))
    with torch.no_grad():
        assert_close(ours(source, tokens), reference(source, decoder_input_ids=tokens).logits, 1e-5)


@pytest.mark.parametrize("field", [{"normalize_before": True}, {"activation_function": "tanh"}, {"decoder_ffn_dim": 7}])
def test_what_is_not_done_is_refused_by_name(field):
    theirs = MarianConfig(vocab_size=9, d_model=4).to_dict() | field
    with pytest.raises(Unsupported, match=next(iter(field))):
        read_config(theirs)


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@few
@given(data=st.data())
def test_equals_torch(norm, activation, data):
    n_head, n, m = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    width, ff_width = n_head * data.draw(st.integers(1, 4)), data.draw(st.integers(3, 12))
    config = TransformerConfig(
        vocab_size=13,
        width=width,
        n_layer=n,
        n_decoder_layer=m,
        n_head=n_head,
        ff_width=ff_width,
        norm=norm,
        activation=activation,
    )
    ours = Transformer(config).double().eval()
    randomise(ours, data.draw(st.integers(0, 99)))
    options = {"batch_first": True, "norm_first": norm == "pre", "dtype": torch.float64}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="enable_nested_tensor")
        theirs = nn.Transformer(width, n_head, n, m, ff_width, 0.0, activation, **options)
    theirs.train()  # in evaluation it takes a fused path that has no gradient
    if norm == "post":  # torch adds one more norm at the end of each stack, which the paper has not
        theirs.encoder.norm = theirs.decoder.norm = None
    carry(ours, theirs)
    s, t, b = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8)), data.draw(st.integers(1, 3))
    source, tokens = torch.randint(0, 13, (b, s)), torch.randint(0, 13, (b, t))
    lengths = torch.tensor([data.draw(st.integers(1, s)) for _ in range(b)])
    source_mask = torch.arange(s) < lengths[:, None]
    embedded = [
        (
            ours.embed(ids) * math.sqrt(width) + sinusoids(torch.arange(ids.shape[1]), width, dtype=torch.float64)
        ).detach()
        for ids in (source, tokens)
    ]
    embedded = [x.requires_grad_() for x in embedded]
    future = torch.ones(t, t, dtype=torch.bool).triu(1)
    wanted = theirs(*embedded, tgt_mask=future, src_key_padding_mask=~source_mask, memory_key_padding_mask=~source_mask)
    got = ours.hidden(source, tokens, source_mask=source_mask)
    assert_close(got, wanted, 1e-10)
    pull = torch.randn_like(wanted)
    (wanted * pull).sum().backward()
    (got * pull).sum().backward()
    last = ours.decoder[-1]
    assert_close(last.mlp.up.weight.grad, theirs.decoder.layers[-1].linear1.weight.grad, 1e-10)
    assert_close(last.cross.q.weight.grad, theirs.decoder.layers[-1].multihead_attn.in_proj_weight.grad[:width], 1e-10)
    first = ours.encoder[0].attn
    assert_close(first.kv.weight.grad, theirs.encoder.layers[0].self_attn.in_proj_weight.grad[width:], 1e-10)


def carry(ours: Transformer, theirs: nn.Transformer) -> None:
    """Our weights into `torch.nn.Transformer`."""
    state = {}
    for side in ("encoder", "decoder"):
        norms = ("norm1", "norm2") if side == "encoder" else ("norm1", "norm2", "norm3")
        sums = ("attn", "mlp") if side == "encoder" else ("attn", "cross", "mlp")
        for n, block in enumerate(getattr(ours, side)):
            prefix = f"{side}.layers.{n}."
            for kind in ("weight", "bias"):
                for their_name, name in (("self_attn", "attn"), ("multihead_attn", "cross")):
                    if hasattr(block, name):
                        attn = getattr(block, name)
                        fused = torch.cat((getattr(attn.q, kind), getattr(attn.kv, kind)))
                        state[f"{prefix}{their_name}.in_proj_{kind}"] = fused
                        state[f"{prefix}{their_name}.out_proj.{kind}"] = getattr(attn.out, kind)
                state[f"{prefix}linear1.{kind}"] = getattr(block.mlp.up, kind)
                state[f"{prefix}linear2.{kind}"] = getattr(block.mlp.down, kind)
                for norm, name in zip(norms, sums, strict=True):
                    state[f"{prefix}{norm}.{kind}"] = getattr(getattr(block, f"{name}_sum").norm, kind)
        closing = getattr(ours, f"{side}_norm")
        if closing is not None:
            state |= {f"{side}.norm.weight": closing.weight, f"{side}.norm.bias": closing.bias}
    theirs.load_state_dict({key: value.detach() for key, value in state.items()})


@few
@given(width=st.integers(1, 33), start=st.integers(0, 5000), base=st.sampled_from([10000.0, 100.0]))
def test_sinusoids_are_the_papers(width, start, base):
    positions = torch.arange(start, start + 5)
    p, i = np.arange(start, start + 5)[:, None], np.arange(width)[None]
    angles = p / base ** (2 * (i // 2) / width)
    wanted = torch.from_numpy(np.where(i % 2 == 0, np.sin(angles), np.cos(angles)))
    assert_close(sinusoids(positions, width, base, dtype=torch.float64), wanted, 1e-10)
    halves = torch.cat((wanted[:, 0::2], wanted[:, 1::2]), -1)
    assert_close(sinusoids_in_halves(positions, width, base, dtype=torch.float64), halves, 1e-10)


def test_positions_are_not_rounded_in_half_precision():
    far = torch.tensor([[4096, 4097]])
    half, single = (sinusoids(far, 8, dtype=dtype) for dtype in (torch.bfloat16, torch.float32))
    assert torch.equal(half, single.bfloat16())


def test_rezero_starts_as_the_identity():
    config = TransformerConfig(vocab_size=13, width=8, n_layer=3, n_head=2, norm="rezero")
    model = Transformer(config)
    source = torch.randint(0, 13, (2, 5))
    positions = sinusoids(torch.arange(5), 8)
    assert torch.equal(model.encode(source), model.embed(source) * math.sqrt(8) + positions)


def test_deepnorm_is_the_papers_table():
    # DeepNet, figure 2, encoder-decoder with N encoder and M decoder layers.
    both = deepnorm(18, 6)
    assert both["encoder"] == pytest.approx((0.81 * (18**4 * 6) ** (1 / 16), 0.87 * (18**4 * 6) ** (-1 / 16)))
    assert both["decoder"] == pytest.approx((18 ** (1 / 4), 72 ** (-1 / 4)))
    config = TransformerConfig(vocab_size=13, width=64, n_layer=18, n_decoder_layer=6, n_head=2, norm="deepnorm")
    model = Transformer(config)
    block = model.decoder[0]
    bound = math.sqrt(6 / 128)
    keys, values = block.attn.kv.weight.chunk(2)
    assert float(keys.detach().abs().max()) == pytest.approx(bound, rel=0.01)
    assert float(values.detach().abs().max()) == pytest.approx(bound * both["decoder"][1], rel=0.01)
    assert block.attn_sum.weight == both["decoder"][0]


def test_what_marian_cannot_say_is_exported_under_our_own_name(tmp_path):
    model = Transformer(TransformerConfig(vocab_size=13, width=8, n_layer=1, n_head=2, norm="pre"))
    export_folder(model, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["HeadwayTransformer"]
    assert load_folder(tmp_path).config == model.config
