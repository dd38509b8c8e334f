"""Parity with a causal language model of `transformers`, whichever it is: build it, carry its weights over, compare."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import torch
from support.parity import (
    assert_close,
    assert_gradients_close,
    difference,
    gradients_in_our_names,
    lifted,
    randomise,
)
from torch import nn

from headway.weights.engine import read_weights
from headway.weights.store import entry_of_config, export_folder, load_folder, table_of

DOUBLE, SINGLE = 1e-10, 1e-5


def reference(hf_class: type, hf_config: Any, dtype: torch.dtype, seed: int = 0) -> nn.Module:
    """A randomised `transformers` model; in float64 it is built under `lifted` and has to be called under it too."""
    hf_config = type(hf_config).from_dict({**hf_config.to_dict(), "architectures": [hf_class.__name__]})
    hf_config._attn_implementation = "eager"
    hf_config._experts_implementation = "eager"
    with lifted() if dtype == torch.float64 else contextlib.nullcontext():
        model = hf_class(hf_config).to(dtype).eval()
    randomise(model, seed)
    tie = getattr(model, "tie_weights", None)
    if tie is not None:
        tie()
    return model


def in_file_names(model: nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Named tensors as `save_pretrained` would write them: version 5 of transformers fuses experts in memory only."""
    if model.config.model_type != "mixtral":
        return tensors
    filed = {}
    for key, value in tensors.items():
        place = key.replace(".mlp.", ".block_sparse_moe.")
        if key.endswith("experts.gate_up_proj"):
            for e, both in enumerate(value):
                stem = place.removesuffix("gate_up_proj")
                filed[f"{stem}{e}.w1.weight"], filed[f"{stem}{e}.w3.weight"] = both.chunk(2)
        elif key.endswith("experts.down_proj"):
            for e, down in enumerate(value):
                filed[f"{place.removesuffix('down_proj')}{e}.w2.weight"] = down
        else:
            filed[place] = value
    return filed


def ours_from(model: nn.Module, dtype: torch.dtype) -> tuple[nn.Module, list]:
    """Our model with the reference's configuration and weights, and the rows that carried them."""
    theirs = {**model.config.to_dict(), "architectures": [type(model).__name__]}
    entry = entry_of_config(theirs, "the test")
    table = table_of(entry)
    config = table.read_config(theirs)
    ours = entry.load()[0](config).to(dtype).eval()
    rows = list(table.rows(config))
    read_weights(
        ours,
        rows,
        in_file_names(model, {key: value.detach().clone() for key, value in model.state_dict().items()}),
        where="the test",
        prefix=table.prefix,
        copies=table.copies(config),
        spellings=table.spellings,
        ignore=table.ignore,
        dtype=dtype,
    )
    return ours, rows


def check_causal(
    hf_class: type,
    hf_config: Any,
    *,
    b: int,
    t: int,
    pads: list[int] | None = None,
    right: bool = False,
    seed: int = 0,
    as_exact: bool = False,
) -> None:
    """Logits and every gradient, in float64 and float32, with rows padded by `pads` (left, or right).

    With `as_exact`, the tolerance in float32 is at least twice what the reference itself is off its float64 self: a
    recurrence with random weights now and then multiplies its own rounding, and theirs is then no nearer to the truth.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, hf_config.vocab_size, (b, t), generator=generator)
    column = torch.arange(t)
    pads_column = torch.tensor(pads or [0] * b)[:, None]
    mask = column < t - pads_column if right else column >= pads_column
    positions = (mask.long().cumsum(-1) - 1).clamp(min=0)
    for dtype, tolerance in ((torch.float64, DOUBLE), (torch.float32, SINGLE)):
        theirs = reference(hf_class, hf_config, dtype, seed)
        model, rows = ours_from(theirs, dtype)
        pull = torch.randn(b, t, hf_config.vocab_size, generator=torch.Generator().manual_seed(seed + 1)).to(dtype)
        pull = pull * mask[..., None]
        with lifted() if dtype == torch.float64 else contextlib.nullcontext():
            wanted = theirs(tokens, attention_mask=mask.long(), position_ids=positions).logits
            (wanted * pull).sum().backward()
        got = model(tokens, mask=mask)
        (got * pull).sum().backward()
        if dtype == torch.float64:
            exact = wanted.detach()
        elif as_exact:
            tolerance = max(tolerance, 2 * difference(wanted[mask].double(), exact[mask]))
        assert_close(got[mask], wanted[mask], tolerance, f"logits in {dtype}")
        if dtype == torch.float64:  # in float32 a gradient is a long sum: its rounding is not the model's
            pulled = in_file_names(theirs, {name: p.grad for name, p in theirs.named_parameters()})
            assert_gradients_close(*gradients_in_our_names(model, pulled, rows), tolerance)


def check_greedy(hf_class: type, hf_config: Any, *, t: int, new: int, seed: int = 0) -> None:
    """`new` tokens decoded greedily through our cache are those `generate` gives, row by row behind left padding."""
    theirs = reference(hf_class, hf_config, torch.float64, seed)
    model, _ = ours_from(theirs, torch.float64)
    tokens = torch.randint(0, hf_config.vocab_size, (2, t), generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(t) >= torch.tensor([0, t // 2])[:, None]
    with torch.no_grad():
        with lifted():
            wanted = theirs.generate(
                tokens,
                attention_mask=mask.long(),
                max_new_tokens=new,
                min_new_tokens=new,
                do_sample=False,
                pad_token_id=0,
                eos_token_id=None,
            )[:, t:]
        cache, got = model.new_cache(2, t + new), []
        logits = model(tokens, cache, mask=mask)
        for _ in range(new):
            got.append(logits[:, -1:].argmax(-1))
            logits = model(got[-1], cache)
    assert torch.equal(torch.cat(got, 1), wanted)


def check_round_trip(hf_class: type, hf_config: Any, folder: Path, seed: int = 0) -> None:
    """What they save we load, what we export they load, all bit for bit, whole and in shards."""
    theirs = reference(hf_class, hf_config, torch.float32, seed)
    model, _ = ours_from(theirs, torch.float32)
    theirs.save_pretrained(folder / "theirs")
    size = sum(tensor.nbytes for tensor in theirs.state_dict().values())
    theirs.save_pretrained(folder / "shards", max_shard_size=size // 3)
    assert len(list((folder / "shards").glob("*.safetensors"))) > 1
    for name in ("theirs", "shards"):
        loaded = load_folder(folder / name)
        assert loaded.config == model.config
        for key, tensor in model.state_dict().items():
            assert torch.equal(loaded.state_dict()[key], tensor), key
    export_folder(model, folder / "ours")
    assert sorted(os.listdir(folder / "ours")) == ["config.json", "model.safetensors"]
    again, report = hf_class.from_pretrained(folder / "ours", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor), key
    assert load_folder(folder / "ours").config == model.config


def through_files(model: nn.Module, folder: Path, dtype: torch.dtype) -> nn.Module:
    """Our model, read from what the reference saves: for architectures whose names in memory are not those in files."""
    model.save_pretrained(folder)
    return load_folder(folder, dtype=dtype)


def gradients_through_files(model: nn.Module, reference_model: nn.Module, folder: Path) -> tuple[dict, dict]:
    """The gradients of both by our names; the reference's are saved as if they were its weights, and read by our table."""
    idle = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    with torch.no_grad():
        for parameter in reference_model.parameters():
            parameter.copy_(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
    carried = through_files(reference_model, folder, next(model.parameters()).dtype).state_dict()
    for name in idle:
        assert not carried[name].any(), f"the reference has a gradient for {name}, and we have none"
    ours = {name: parameter.grad for name, parameter in model.named_parameters() if name not in idle}
    return ours, {name: carried[name] for name in ours}
