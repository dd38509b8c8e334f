"""Llamas in GGUF files, laid out as llama.cpp's converter does: the model of the folder, or one line that says why not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
import transformers as hf
from support.hf import reference
from support.parity import assert_close, difference

from headway.base.errors import HeadwayError
from headway.models.llama import Llama, RopeScaling, stretch
from headway.weights.store import load_folder, load_gguf

SIZES = {"hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 50}
LLAMA3 = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}


def turned(rows: torch.Tensor, n_head: int) -> torch.Tensor:
    """Half-split rotary pairs to neighbours, as the converter stores queries and keys."""
    return rows.unflatten(0, (n_head, 2, -1)).transpose(1, 2).reshape(rows.shape)


def convert(model: Any, path: Path, divisors: torch.Tensor | None, **facts: Any) -> None:
    """What llama.cpp's `convert_hf_to_gguf.py` writes, as far as it is of interest here."""
    c, state = model.config, model.state_dict()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_block_count(c.num_hidden_layers)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    writer.add_rope_freq_base(c.rope_parameters["rope_theta"])
    writer.add_vocab_size(c.vocab_size)
    writer.add_key_length(c.head_dim)
    writer.add_value_length(c.head_dim)
    writer.add_rope_dimension_count(facts.pop("dimension_count", c.head_dim))
    for key, value in facts.items():
        (writer.add_string if isinstance(value, str) else writer.add_float32)(key, value)
    if divisors is not None:
        writer.add_tensor("rope_freqs.weight", divisors.numpy())
    writer.add_tensor("token_embd.weight", state["model.embed_tokens.weight"].numpy())
    writer.add_tensor("output_norm.weight", state["model.norm.weight"].numpy())
    if not c.tie_word_embeddings:
        writer.add_tensor("output.weight", state["lm_head.weight"].numpy())
    names = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.o_proj": "attn_output"}
    names |= {f"self_attn.{name}_proj": f"attn_{name}" for name in "qkv"}
    names |= {f"mlp.{name}_proj": f"ffn_{name}" for name in ("gate", "up", "down")}
    heads = {"attn_q": c.num_attention_heads, "attn_k": c.num_key_value_heads}
    for n in range(c.num_hidden_layers):
        for theirs, name in names.items():
            tensor = state[f"model.layers.{n}.{theirs}.weight"]
            tensor = turned(tensor, heads[name]).contiguous() if name in heads else tensor
            writer.add_tensor(f"blk.{n}.{name}.weight", tensor.numpy())
    for write in (
        writer.write_header_to_file,
        writer.write_kv_data_to_file,
        writer.write_tensors_to_file,
        writer.close,
    ):
        write()


def made(folder: Path, **changes: Any) -> Any:
    facts = {**SIZES, "num_key_value_heads": 2, "rope_theta": 500000.0, "max_position_embeddings": 64, **changes}
    facts |= {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "bos_token_id": 1, "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(facts))
    model = reference(hf.LlamaForCausalLM, hf.AutoConfig.from_pretrained(folder), torch.float32)
    model.save_pretrained(folder)
    return model


def divisors_of(width: int, scaling: RopeScaling) -> torch.Tensor:
    """What the converter stores: frequency before / frequency after."""
    frequencies = 1 / 500000.0 ** (torch.arange(0, width, 2) / width)
    return frequencies / stretch(frequencies, scaling)


TOKENS = torch.randint(0, 50, (1, 2000), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("head_dim", [8, 12])
def test_a_plain_one(tied, head_dim, tmp_path):
    convert(made(tmp_path, head_dim=head_dim, tie_word_embeddings=tied), tmp_path / "x.gguf", None)
    compare(tmp_path)


@pytest.mark.parametrize("factor", [8.0, 32.0])
def test_stretched_waves_are_those_of_the_folder(factor, tmp_path):
    """Llama 3.1 and 3.2, whose file has no setting for it, but a divisor for each frequency."""
    scaling = {**LLAMA3, "factor": factor, "original_max_position_embeddings": 8192}
    model = made(tmp_path, head_dim=64, rope_scaling=scaling)
    convert(model, tmp_path / "x.gguf", divisors_of(64, RopeScaling(factor=factor)))
    compare(tmp_path)
    ours = load_gguf(tmp_path / "x.gguf")
    assert ours.config.rope_scaling == RopeScaling(factor=factor)
    plain = Llama(replace(ours.config, rope_scaling=None))
    plain.load_state_dict(ours.state_dict())
    with torch.no_grad():
        assert difference(plain(TOKENS), ours(TOKENS)) > 1e-3  # which the numbers above would show


def compare(folder: Path) -> None:
    """At positions far enough for slow frequencies to tell."""
    ours, wanted = load_gguf(folder / "x.gguf"), load_folder(folder)
    with torch.no_grad():
        assert_close(ours(TOKENS), wanted(TOKENS), 1e-6)


def test_divisors_of_one_are_no_stretching(tmp_path):
    convert(made(tmp_path, head_dim=8), tmp_path / "x.gguf", torch.ones(4))
    compare(tmp_path)


@pytest.mark.parametrize(
    ("divisors", "facts", "word"),
    [
        (torch.tensor([1.0, 1.0, 3.0, 8.0]), {}, "rope_freqs"),
        (torch.full((3,), 8.0), {}, "rope_freqs"),
        (None, {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}, "'linear'"),
        (None, {"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0}, "'yarn'"),
        (None, {"llama.rope.scale_linear": 4.0}, "scale_linear"),
        (None, {"dimension_count": 4}, "dimension_count"),
    ],
)
def test_other_ways_to_turn_are_refused(divisors, facts, word, tmp_path):
    convert(made(tmp_path, head_dim=8), tmp_path / "x.gguf", divisors, **facts)
    with pytest.raises(HeadwayError, match=word):
        load_gguf(tmp_path / "x.gguf")
