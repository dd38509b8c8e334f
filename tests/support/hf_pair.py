"""Parity with an encoder-decoder of `transformers`: its counterpart of `support.hf`."""

from __future__ import annotations

import contextlib
from typing import Any
from unittest.mock import patch

import torch
from support.hf import DOUBLE, SINGLE, ours_from, reference
from support.parity import assert_close, assert_gradients_close, gradients_in_our_names, lifted
from torch import nn


def pair_reference(hf_class: type, hf_config: Any, dtype: torch.dtype, seed: int = 0):
    """`reference`, with tables that are computed through numpy and `torch.FloatTensor` lifted as well."""
    wide = patch.object(torch, "FloatTensor", torch.DoubleTensor)
    with wide if dtype == torch.float64 else contextlib.nullcontext():
        model = reference(hf_class, hf_config, dtype, seed)
    if hasattr(model, "final_logits_bias"):  # Marian's is a buffer: give it numbers, and let a gradient reach it
        noise = torch.randn(model.final_logits_bias.shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
        del model.final_logits_bias
        model.final_logits_bias = nn.Parameter(noise)
    return model


def draw_pair(hf_config: Any, b: int, s: int, t: int, source_pads: list[int], pads: list[int], seed: int):
    """Source and target ids, padded on the right (where positions need no counting, and so both libraries agree)."""
    generator = torch.Generator().manual_seed(seed)
    target_size = getattr(hf_config, "decoder_vocab_size", None) or hf_config.vocab_size
    source = torch.randint(0, hf_config.vocab_size, (b, s), generator=generator)
    tokens = torch.randint(0, target_size, (b, t), generator=generator)
    source_mask = torch.arange(s) < s - torch.tensor(source_pads)[:, None]
    mask = torch.arange(t) < t - torch.tensor(pads)[:, None]
    return source, tokens, source_mask, mask


def check_pair(
    hf_class: type, hf_config: Any, *, s: int, t: int, source_pads: list[int], pads: list[int], seed: int = 0
) -> None:
    """Logits, the encoder's states and every gradient, in float64 and float32, with padded rows."""
    b = len(pads)
    source, tokens, source_mask, mask = draw_pair(hf_config, b, s, t, source_pads, pads, seed)
    for dtype, tolerance in ((torch.float64, DOUBLE), (torch.float32, SINGLE)):
        theirs = pair_reference(hf_class, hf_config, dtype, seed)
        model, rows = ours_from(theirs, dtype)
        with lifted() if dtype == torch.float64 else contextlib.nullcontext():
            out = theirs(
                input_ids=source,
                attention_mask=source_mask.long(),
                decoder_input_ids=tokens,
                decoder_attention_mask=mask.long(),
                use_cache=False,
            )
            wanted, states = out.logits, out.encoder_last_hidden_state
            pull = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
            pull = (pull * mask[..., None]).to(dtype)
            (wanted * pull).sum().backward()
        got = model(source, tokens, source_mask=source_mask, mask=mask)
        (got * pull).sum().backward()
        assert_close(got[mask], wanted[mask], tolerance, f"logits in {dtype}")
        assert_close(
            model.encode(source, source_mask)[source_mask], states[source_mask], tolerance, f"states in {dtype}"
        )
        if dtype == torch.float64:
            assert_gradients_close(*gradients_in_our_names(model, theirs, rows), tolerance)


def check_greedy_pair(
    hf_class: type, hf_config: Any, *, s: int, new: int, source_pads: list[int], seed: int = 0
) -> None:
    """`new` tokens decoded greedily through our cache are those `generate` gives."""
    b = len(source_pads)
    source, _, source_mask, _ = draw_pair(hf_config, b, s, 1, source_pads, [0] * b, seed)
    theirs = pair_reference(hf_class, hf_config, torch.float64, seed)
    model, _ = ours_from(theirs, torch.float64)
    start = torch.full((b, 1), hf_config.decoder_start_token_id)
    with torch.no_grad():
        with lifted():
            wanted = theirs.generate(
                source,
                attention_mask=source_mask.long(),
                max_new_tokens=new,
                min_new_tokens=new,
                do_sample=False,
                num_beams=1,
                use_cache=False,  # theirs sizes T5's cache by the encoder's layers
                pad_token_id=0,
                eos_token_id=None,
                forced_eos_token_id=None,
            )[:, 1:]
        cache, got = model.new_cache(b, 1 + new), []
        logits = model(source, start, cache, source_mask=source_mask)
        for _ in range(new):
            got.append(logits[:, -1:].argmax(-1))
            logits = model(None, got[-1], cache)
    assert torch.equal(torch.cat(got, 1), wanted)
