"""The attention that is drawn is what `transformers` reports of its eager attention, for the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers as hf
from support.hf import DOUBLE, ours_from, reference, through_files
from support.hf_pair import pair_reference
from support.parity import assert_close, lifted

from headway.look.feeding import Feed
from headway.look.mixing import Mix
from headway.look.tracing import run
from headway.weights.store import entry_of_model
from headway.zoo import Loaded

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 20}
TEXTS = {
    "GPT2LMHeadModel": hf.GPT2Config(vocab_size=31, n_positions=20, n_embd=12, n_layer=2, n_head=3),
    "LlamaForCausalLM": hf.LlamaConfig(vocab_size=31, num_key_value_heads=2, **SIZES),
    "MistralForCausalLM": hf.MistralConfig(vocab_size=31, num_key_value_heads=2, sliding_window=4, **SIZES),
    "Gemma2ForCausalLM": hf.Gemma2Config(
        vocab_size=31, num_key_value_heads=2, head_dim=4, sliding_window=3, attn_logit_softcapping=2.0, **SIZES
    ),
    "BertModel": hf.BertConfig(vocab_size=31, max_position_embeddings=20, **SIZES),
}


def mixes_of(model: torch.nn.Module, *args, **kwargs) -> list[Mix]:
    loaded = Loaded(name="ours", entry=entry_of_model(model), model=model, tokenizer=None, where=Path("/nowhere"))
    return run(loaded, Feed(lambda inner: inner(*args, **kwargs), "ids", {"text": ()})).mixes


def compare(mixes: list[Mix], wanted: tuple[torch.Tensor, ...], what: str) -> None:
    assert len(mixes) == len(wanted) > 0
    for mix, theirs in zip(mixes, wanted, strict=True):
        assert_close(mix.weights(), theirs[0], DOUBLE, f"{what}: {mix.place}")
        assert torch.equal(mix.seen(), (theirs[0] > 0).any(0)), f"{what}: what {mix.place} may see"


@pytest.mark.parametrize("name", TEXTS)
def test_models_of_text(name):
    theirs = reference(getattr(hf, name), TEXTS[name], torch.float64)
    ours, _ = ours_from(theirs, torch.float64)
    tokens = torch.randint(0, 31, (1, 11), generator=torch.Generator().manual_seed(1))
    with lifted(), torch.no_grad():
        wanted = theirs(tokens, output_attentions=True).attentions
    compare(mixes_of(ours, tokens), wanted, name)


def test_vit(tmp_path):
    config = hf.ViTConfig(image_size=8, patch_size=4, num_channels=2, num_labels=3, **SIZES)
    theirs = reference(hf.ViTForImageClassification, config, torch.float64)
    ours = through_files(theirs, tmp_path, torch.float64)
    pixels = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with lifted(), torch.no_grad():
        wanted = theirs(pixels, output_attentions=True).attentions
    compare(mixes_of(ours, pixels), wanted, "ViT")


def test_t5():
    config = hf.T5Config(
        vocab_size=31, d_model=16, d_kv=4, d_ff=20, num_layers=2, num_heads=4, relative_attention_num_buckets=8
    )
    theirs = pair_reference(hf.T5ForConditionalGeneration, config, torch.float64)
    ours, _ = ours_from(theirs, torch.float64)
    draw = torch.Generator().manual_seed(1)
    source, tokens = (torch.randint(0, 31, (1, n), generator=draw) for n in (9, 6))
    with lifted(), torch.no_grad():
        out = theirs(input_ids=source, decoder_input_ids=tokens, output_attentions=True, use_cache=False)
    mixes = mixes_of(ours, source, tokens)
    for part, wanted in (
        ("encoder.", out.encoder_attentions),
        ("attn", out.decoder_attentions),
        ("cross", out.cross_attentions),
    ):
        own = [
            m
            for m in mixes
            if (
                m.place.startswith(part)
                if part == "encoder."
                else m.place.endswith(part) and m.place.startswith("decoder")
            )
        ]
        compare(own, wanted, part)
