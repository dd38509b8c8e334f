"""Parity with an encoder of `transformers`, whatever its head: the counterpart of `support.hf`."""

from __future__ import annotations

import contextlib

import torch
import transformers as hf
from support.hf import DOUBLE, SINGLE, ours_from, reference
from support.parity import assert_close, assert_gradients_close, gradients_in_our_names, lifted


def outputs(out) -> list[torch.Tensor]:
    """Theirs, in the order of ours."""
    if "prediction_logits" in out:
        return [out.prediction_logits, out.seq_relationship_logits]
    return [out.logits] if "logits" in out else [out.last_hidden_state, out.pooler_output]


def check_encoder(name: str, config, lengths: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    b, t = len(lengths), max(lengths)
    tokens = torch.randint(2, config.vocab_size, (b, t), generator=generator)
    segments = torch.randint(0, config.type_vocab_size, (b, t), generator=generator)
    mask = torch.arange(t) < torch.tensor(lengths)[:, None]
    tokens = tokens.where(mask, torch.tensor(1))
    for dtype, tolerance in ((torch.float64, DOUBLE), (torch.float32, SINGLE)):
        theirs = reference(getattr(hf, name), config, dtype, seed)
        model, rows = ours_from(theirs, dtype)
        with lifted() if dtype == torch.float64 else contextlib.nullcontext():
            wanted = outputs(theirs(tokens, attention_mask=mask.long(), token_type_ids=segments))
        got = model(tokens, mask, segments=segments)
        got = list(got) if isinstance(got, tuple) else [got]
        if name.endswith("Model"):
            got.append(model.pooled(got[0], mask))
        total, their_total = 0.0, 0.0
        for mine, its in zip(got, wanted, strict=True):
            mine, its = (mine, its) if its.dim() == 2 else (mine[mask], its[mask])
            assert_close(mine, its, tolerance, f"output in {dtype}")
            pull = torch.randn(its.shape, generator=generator, dtype=torch.float64).to(dtype)
            total, their_total = total + (mine * pull).sum(), their_total + (its * pull).sum()
        if dtype == torch.float64:
            total.backward()
            their_total.backward()
            front = theirs.config.model_type + "." if name.endswith("Model") else ""
            gradients = {front + key: parameter.grad for key, parameter in theirs.named_parameters()}
            assert_gradients_close(*gradients_in_our_names(model, gradients, rows), tolerance)
