"""Checkpoint folders as people have them: other names for the same weights, other containers, files that are no such thing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from headway.base.errors import HeadwayError
from headway.models.catalog import build
from headway.weights.store import export_folder, load_folder

SIZES = {"vocab_size": 11, "width": 8, "n_layer": 2, "n_head": 2}
MODELS = {
    "llama": {**SIZES, "ff_width": 12},
    "tied llama": {**SIZES, "ff_width": 12, "tied": True},
    "gpt2": {**SIZES, "context": 9},
    "roberta": {**SIZES, "context": 9},
    "t5": {**SIZES, "ff_width": 12, "head_width": 4},
}


def folder_of(name: str, folder: Path) -> tuple[Path, nn.Module, dict[str, Tensor]]:
    """A random model of `MODELS`, its folder, and what lies in it."""
    model = build(name.removeprefix("tied "), **MODELS[name])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    export_folder(model, folder)
    return folder, model, load_file(folder / "model.safetensors")


def write(folder: Path, tensors: dict[str, Tensor]) -> None:
    save_file({key: tensor.clone().contiguous() for key, tensor in tensors.items()}, folder / "model.safetensors")


def same(a: nn.Module, b: nn.Module) -> None:
    wanted = b.state_dict()
    assert a.state_dict().keys() == wanted.keys()
    for key, tensor in a.state_dict().items():
        assert torch.equal(tensor, wanted[key]), key


def refusal(folder: Path) -> str:
    with pytest.raises(HeadwayError) as caught:
        load_folder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


BUFFERS = {f"transformer.h.{n}.attn.bias": torch.ones(1, 1, 9, 9).tril() for n in range(2)}
BUFFERS |= {f"transformer.h.{n}.attn.masked_bias": torch.tensor(-1e4) for n in range(2)}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("gpt2", lambda t: {key.removeprefix("transformer."): value for key, value in t.items()}),
        ("gpt2", lambda t: t | BUFFERS),
        ("gpt2", lambda t: {key.removeprefix("transformer."): value for key, value in (t | BUFFERS).items()}),
        ("gpt2", lambda t: t | {"lm_head.weight": t["transformer.wte.weight"]}),
        ("tied llama", lambda t: t | {"lm_head.weight": t["model.embed_tokens.weight"]}),
        ("tied llama", lambda t: t | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2)}),
        ("llama", lambda t: {key.removeprefix("model."): value for key, value in t.items()}),
        ("roberta", lambda t: t | {"roberta.embeddings.position_ids": torch.arange(11)[None]}),
        ("roberta", lambda t: t | {"lm_head.decoder.bias": t["lm_head.bias"]}),
        ("t5", lambda t: t | {"encoder.embed_tokens.weight": t["shared.weight"], "lm_head.weight": t["shared.weight"]}),
    ],
)
def test_the_same_weights_under_the_names_of_other_versions(name, other, tmp_path):
    folder, model, tensors = folder_of(name, tmp_path)
    write(folder, other(tensors))
    same(load_folder(folder), model)


@pytest.mark.parametrize(
    ("name", "kept", "left_out"),
    [
        ("gpt2", "lm_head.weight", "transformer.wte.weight"),
        ("tied llama", "lm_head.weight", "model.embed_tokens.weight"),
        ("roberta", "lm_head.decoder.bias", "lm_head.bias"),
        ("t5", "decoder.embed_tokens.weight", "shared.weight"),
    ],
)
def test_of_two_names_for_one_weight_either_will_do(name, kept, left_out, tmp_path):
    """Writers that store a shared weight once do not agree on the name it is stored under."""
    folder, model, tensors = folder_of(name, tmp_path)
    tensors[kept] = tensors.pop(left_out)
    write(folder, tensors)
    same(load_folder(folder), model)


def test_a_tied_weight_stored_twice_has_to_be_the_same_twice(tmp_path):
    folder, _, tensors = folder_of("gpt2", tmp_path)
    write(folder, tensors | {"lm_head.weight": tensors["transformer.wte.weight"] + 1})
    assert "lm_head.weight differs" in refusal(folder)


def test_a_model_without_its_head_is_refused_as_such(tmp_path):
    folder, _, tensors = folder_of("llama", tmp_path)
    del tensors["lm_head.weight"]
    write(folder, {key.removeprefix("model."): tensor for key, tensor in tensors.items()})
    assert "without its head" in refusal(folder)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.uint8, torch.float8_e4m3fn])
def test_weights_that_need_a_scale_are_refused(dtype, tmp_path):
    folder, _, tensors = folder_of("llama", tmp_path)
    key = "model.layers.1.mlp.down_proj.weight"
    write(folder, tensors | {key: tensors[key].to(dtype)})
    said = refusal(folder)
    assert key in said
    assert str(dtype) in said


def test_a_quantised_checkpoint_is_refused(tmp_path):
    folder, _, _ = folder_of("llama", tmp_path)
    facts = json.loads((folder / "config.json").read_text())
    for settings in ({"quant_method": "gptq", "bits": 4}, {"quant_method": "fp8"}, "awq"):
        (folder / "config.json").write_text(json.dumps(facts | {"quantization_config": settings}))
        assert "quantised" in refusal(folder)
    (folder / "config.json").write_text(json.dumps(facts | {"quantization_config": None}))
    load_folder(folder)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_stay_halves_unless_asked_for_more(dtype, tmp_path):
    folder, _, tensors = folder_of("llama", tmp_path)
    write(folder, {key: tensor.to(dtype) for key, tensor in tensors.items()})
    assert {parameter.dtype for parameter in load_folder(folder).parameters()} == {dtype}
    assert {parameter.dtype for parameter in load_folder(folder, dtype=torch.float64).parameters()} == {torch.float64}


class Harmful:
    """Pickled code, which runs where a file is unpickled as such."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_pytorchs_own_files_load_as_plain_tensors(zipped, tmp_path):
    folder, model, tensors = folder_of("llama", tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    same(load_folder(folder), model)


def test_pytorchs_own_files_never_run_code(tmp_path):
    folder, _, tensors = folder_of("llama", tmp_path / "model")
    (folder / "model.safetensors").unlink()
    torch.save(tensors | {"x": Harmful(tmp_path / "ran")}, folder / "pytorch_model.bin")
    assert "carries code" in refusal(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        lambda t: nn.Linear(2, 2),
        lambda t: {"state_dict": t},
        lambda t: list(t.values()),
        lambda t: dict(enumerate(t.values())),
        lambda t: {key: value.to_sparse() for key, value in t.items()},
    ],
)
def test_pytorchs_own_files_of_another_kind_are_one_line(content, tmp_path):
    folder, _, tensors = folder_of("llama", tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save(content(tensors), folder / "pytorch_model.bin")
    assert "pytorch_model.bin" in refusal(folder)


@pytest.mark.parametrize(
    "index",
    [
        "{",
        "[]",
        "{}",
        '{"weight_map": ["a.safetensors"]}',
        '{"weight_map": {"a": 3}}',
        '{"weight_map": null}',
        '{"weight_map": {"a": "../x.safetensors"}}',
        '{"weight_map": {"a": "gone.safetensors"}}',
    ],
)
def test_an_index_that_says_nothing_sensible_is_one_line(index, tmp_path):
    folder, model, _ = folder_of("llama", tmp_path)
    (folder / "model.safetensors.index.json").write_text(index)
    same(load_folder(folder), model)  # the whole file wins over an index beside it
    (folder / "model.safetensors").unlink()
    assert str(folder) in refusal(folder)


@pytest.mark.parametrize("single", ["model.safetensors", "pytorch_model.bin"])
def test_the_whole_file_wins_over_shards_beside_it_and_an_export_removes_the_old_index(single, tmp_path):
    folder, model, tensors = folder_of("llama", tmp_path)
    old = {key: torch.zeros_like(value) for key, value in tensors.items()}
    if single.endswith(".bin"):
        (folder / "model.safetensors").unlink()
        torch.save(tensors, folder / single)
        torch.save(old, folder / "pytorch_model-00001-of-00001.bin")
    else:
        save_file(old, folder / "model-00001-of-00001.safetensors", metadata={"format": "pt"})
    stem, suffix = single.split(".", 1)
    index = {"weight_map": dict.fromkeys(tensors, f"{stem}-00001-of-00001.{suffix}")}
    (folder / f"{single}.index.json").write_text(json.dumps(index))
    same(load_folder(folder), model)
    (folder / single).unlink()
    with torch.no_grad():
        assert not any(weight.any() for weight in load_folder(folder).parameters())
    export_folder(model, folder)
    assert not (folder / "model.safetensors.index.json").exists()
    same(load_folder(folder), model)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rms_norm_eps", "1e-5"),
        ("rms_norm_eps", float("nan")),
        ("rms_norm_eps", True),
        ("rope_theta", "10000"),
        ("rope_theta", None),
        ("tie_word_embeddings", "false"),
        ("hidden_size", 8.0),
        ("hidden_size", True),
    ],
)
def test_a_number_or_a_yes_of_the_wrong_kind_is_one_line(key, value, tmp_path):
    folder, _, _ = folder_of("llama", tmp_path)
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(facts | {key: value}))
    refusal(folder)


@pytest.mark.parametrize("named", ["float16", "float32", None])
@pytest.mark.parametrize("part", ["norm", "embed", "layers.1"])
def test_weights_stored_in_two_dtypes_become_one(part, named, tmp_path):
    """In that which config.json names; a forward pass of two dtypes ends in an error of PyTorch's."""
    folder, _, tensors = folder_of("llama", tmp_path)
    write(folder, {key: tensor.half() if part in key else tensor for key, tensor in tensors.items()})
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**facts, "dtype": named}))
    model = load_folder(folder)
    (dtype,) = {weight.dtype for weight in model.parameters()}
    if named is not None:
        assert dtype == getattr(torch, named)
    assert model(torch.tensor([[1, 2, 3]])).isfinite().all()
    assert {weight.dtype for weight in load_folder(folder, dtype=torch.float64).parameters()} == {torch.float64}
