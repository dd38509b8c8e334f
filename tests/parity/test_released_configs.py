"""The config.json files of released models, as published, shrunk in their sizes only: we compute what `transformers` does.

Each is read twice: in its own spelling, and in the one in which today's `transformers` saves it again (`dtype` for `torch_dtype`,
`rope_parameters` for `rope_theta` and `rope_scaling`). Paths of people's disks and long lists of labels are left out.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from support.hf import reference
from support.hf_pair import pair_reference
from support.parity import assert_close, lifted

from headway.base.errors import HeadwayError
from headway.models.catalog import CATALOG
from headway.weights.store import entry_of_config, export_folder, load_folder, table_of

RELEASED = Path(__file__).parents[1] / "fixtures" / "released"
"""The files as published, and in `smaller.json` what is made smaller in each."""

SMALLER: dict[str, dict[str, Any]] = json.loads((RELEASED / "smaller.json").read_text())


def published(name: str) -> dict[str, Any]:
    """The config.json of the repository `name` on the hub."""
    return json.loads((RELEASED / f"{name.replace('/', '--')}.json").read_text())


def shrunk(name: str) -> dict[str, Any]:
    facts = published(name)
    for key, value in SMALLER[name].items():
        inside = key in facts and isinstance(facts[key], dict) and key != "id2label"
        facts[key] = facts[key] | value if inside else value
    return facts


def inputs(kind: str, facts: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What the reference is called with, by its own names."""
    generator = torch.Generator().manual_seed(0)
    text = facts.get("text_config", facts)
    vision = facts.get("vision_config_dict") or facts.get("vision_config", facts)

    def ids(t: int) -> torch.Tensor:
        return torch.randint(4, 47, (2, t), generator=generator)

    def real(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    side = vision.get("image_size", 0)
    if kind in ("encoder-decoder", "speech"):
        sound = (
            {"input_features": real(2, facts["num_mel_bins"], 2 * facts["max_source_positions"])}
            if kind == "speech"
            else {}
        )
        return (sound or {"input_ids": ids(9)}) | {"decoder_input_ids": ids(6)}
    if kind == "vision":
        return {"pixel_values": real(2, 3, side, side)}
    if kind == "decision":
        steps = {"states": real(2, 5, facts["state_dim"]), "actions": real(2, 5, facts["act_dim"])}
        return steps | {"returns_to_go": real(2, 5, 1), "timesteps": torch.arange(3, 8).expand(2, 5)}
    if kind == "vision-text":
        ended = torch.cat((ids(5), torch.full((2, 1), 49), ids(1)), 1)
        return {"pixel_values": real(3, 3, side, side), "input_ids": ended}
    if kind == "vision-decoder":
        n = (side // vision["patch_size"]) ** 2
        pictures = torch.full((2, n), facts["image_token_index"])
        return {"input_ids": torch.cat((ids(3), pictures, ids(4)), 1), "pixel_values": real(2, 3, side, side)}
    return {"input_ids": ids(min(14, text.get("max_position_embeddings", 14)))}


def ours(kind: str, model: Any, given: dict[str, torch.Tensor]) -> torch.Tensor:
    first = given.get("input_ids")
    if kind in ("encoder-decoder", "speech"):
        return model(given.get("input_features", first), given["decoder_input_ids"])
    if kind == "vision":
        return model(given["pixel_values"]) if model.config.n_class else model.hidden(given["pixel_values"])
    if kind == "vision-text":
        return model(given["pixel_values"], first)
    if kind == "decision":
        return model(given["returns_to_go"], given["states"], given["actions"], given["timesteps"]).actions
    if kind == "vision-decoder":
        return model(first, pictures=given["pixel_values"])
    return model(first)


def theirs_of(out: Any) -> torch.Tensor:
    for name in ("logits", "logits_per_image", "action_preds", "last_hidden_state"):
        if getattr(out, name, None) is not None:
            return getattr(out, name)
    raise AssertionError(out.keys())


@pytest.mark.filterwarnings("ignore::FutureWarning")  # what transformers says about old fields is not about us
@pytest.mark.parametrize("name", SMALLER)
def test_a_released_configuration_computes_what_transformers_computes(name, tmp_path):
    compare(name, shrunk(name), tmp_path)


def compare(name: str, facts: dict[str, Any], folder: Path) -> None:
    """Ours, read from the file as published and as transformers saves it again, equals the model transformers makes of it."""
    (folder / "published").mkdir()
    (folder / "published" / "config.json").write_text(json.dumps(facts))
    kind = entry_of_config(facts, name).kind
    hf_class = getattr(hf, facts["architectures"][0])
    config = hf.AutoConfig.from_pretrained(folder / "published")
    model = (pair_reference if kind == "encoder-decoder" else reference)(hf_class, config, torch.float64)
    if "t5" in facts["model_type"] and facts.get("tie_word_embeddings") is False:
        # Their checkpoints have a head of their own, though a model that transformers makes anew has not.
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    given = inputs(kind, facts)
    with torch.no_grad(), lifted():
        wanted = theirs_of(model(**given))
    model.save_pretrained(folder / "saved")
    for path in (folder / "saved").glob("*.safetensors"):
        shutil.copy(path, folder / "published")
    for spelling in ("published", "saved"):
        loaded = load_folder(folder / spelling, dtype=torch.float64)
        with torch.no_grad():
            assert_close(ours(kind, loaded, given), wanted, 1e-10, f"{spelling}: output")


PRESETS = {  # the file under headway/models, the size in it, and what the file says otherwise
    "huggyllama/llama-7b": ("llama", "llama-7b", {}),
    "meta-llama/Llama-3.1-8B": ("llama", "llama3.1-8b", {}),
    "openai-community/gpt2": ("gpt2", "gpt2", {}),
    "google-bert/bert-base-uncased": ("bert", "bert-base", {"head": "mlm"}),
    "FacebookAI/roberta-base": ("roberta", "roberta-base", {}),
    "mistralai/Mistral-7B-v0.1": ("mistral", "mistral-7b", {}),
    "mistralai/Mixtral-8x7B-v0.1": ("mixtral", "mixtral-8x7b", {}),
    "Qwen/Qwen2-0.5B": ("qwen", "qwen2-0.5b", {}),
    "Qwen/Qwen3-0.6B": ("qwen", "qwen3-0.6b", {}),
    "allenai/OLMo-2-0425-1B": ("olmo2", "olmo2-1b", {}),
    "google/gemma-2b": ("gemma", "gemma-2b", {}),
    "google/gemma-2-2b": ("gemma", "gemma2-2b", {}),
    "google/gemma-3-1b-it": ("gemma", "gemma3-1b", {}),
    "google/gemma-3-4b-it": ("gemma", "gemma3-4b", {}),
    "google-t5/t5-small": ("t5", "t5-small", {"dropout": 0.1}),
    "openai/whisper-tiny": ("whisper", "whisper-tiny", {}),
    "facebook/dinov2-small": ("vit", "dinov2-s14", {}),
    "facebook/dinov2-with-registers-base": ("vit", "dinov2-b14-registers", {}),
    "openai/clip-vit-large-patch14": ("clip", "clip-vit-l14-336", {"image": 224}),
    "edbeeching/decision-transformer-gym-hopper-medium": ("decision_transformer", "gym-hopper", {}),
    "openai/clip-vit-base-patch32": ("clip", "clip-vit-b32", {"end_token": None}),
    "llava-hf/llava-1.5-7b-hf": ("llava", "llava-1.5-7b", {}),
    "state-spaces/mamba-130m-hf": ("mamba", "mamba-130m", {}),
}


@pytest.mark.parametrize("name", PRESETS)
def test_unshrunk_it_is_the_size_we_list(name):
    """`headway models` counts parameters by these."""
    file, size, otherwise = PRESETS[name]
    facts = published(name)
    preset = importlib.import_module(f"headway.models.{file}").PRESETS[size]
    assert table_of(entry_of_config(facts, name)).read_config(facts) == dataclasses.replace(preset, **otherwise)


HF_NAMES = sorted({name for entry in CATALOG.values() for name in entry.hf if hasattr(hf, name)})


@pytest.mark.parametrize("name", HF_NAMES)
def test_what_a_file_leaves_out_is_what_transformers_takes_for_it(name):
    """Whichever one field is missing: what `transformers` then takes, or one line that says what is missing."""
    config_class = getattr(hf, name).config_class
    whole = {**json.loads(config_class().to_json_string(use_diff=False)), "architectures": [name]}
    table = table_of(entry_of_config(whole, name))
    wanted = table.read_config(json.loads(json.dumps(whole)))
    for key in whole:
        if key in ("architectures", "model_type"):
            continue
        less = {field: value for field, value in whole.items() if field != key}
        try:
            found = table.read_config(json.loads(json.dumps(less)))
        except (KeyError, HeadwayError):
            continue
        different = [
            field.name
            for field in dataclasses.fields(wanted)
            if getattr(found, field.name) != getattr(wanted, field.name)
        ]
        assert not different, f"without {key}, these differ: {different}"


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
NESTED = {"full_attention": {"rope_type": "default", "rope_theta": 5e5}, "sliding_attention": {"rope_theta": 9e3}}

CHANGED: dict[
    str, tuple[str, dict[str, Any]]
] = {  # what a hand or a tool changes in a released file, read as transformers does
    "two spellings of the rotary settings": (
        "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        {
            "rope_parameters": {"rope_type": "default", "rope_theta": 50.0},
            "rope_scaling": {**LLAMA3, "original_max_position_embeddings": 8},
        },
    ),
    "the newer spelling with Llama 3's": (
        "meta-llama/Llama-3.1-8B",
        {
            "rope_scaling": None,
            "rope_parameters": {**LLAMA3, "original_max_position_embeddings": 8, "rope_theta": 500.0},
        },
    ),
    "two spellings, nested": (
        "google/gemma-3-1b-it",
        {"rope_parameters": NESTED, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
    ),
    "one of the two nested sets": (
        "google/gemma-3-1b-it",
        {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5e5}}},
    ),
    "a linear factor, as Gemma 3 from 4B on has": (
        "google/gemma-3-1b-it",
        {"rope_scaling": {"rope_type": "linear", "factor": 8.0}, "query_pre_attn_scalar": 168},
    ),
    "the period under its later, private name": ("google/gemma-3-1b-it", {"_sliding_window_pattern": 2}),
    "caps off": ("google/gemma-2-2b", {"attn_logit_softcapping": None, "final_logit_softcapping": None}),
    "a head_dim of Qwen2's own": ("Qwen/Qwen2-0.5B", {"head_dim": 12}),
    "windows from the second layer on": ("Qwen/Qwen2-0.5B", {"use_sliding_window": True, "sliding_window": 4}),
    "version 1.1 made anew by transformers 5": (
        "google/flan-t5-base",
        {"tie_word_embeddings": True, "scale_decoder_outputs": False},
    ),
    "mT5 made anew": ("google/mt5-small", {"tie_word_embeddings": True}),
    "T5's activation said twice": (
        "google/flan-t5-base",
        {"dense_act_fn": "gelu_new", "is_gated_act": True, "tie_word_embeddings": True, "scale_decoder_outputs": False},
    ),
    "a width of Mamba's own": ("state-spaces/mamba-130m-hf", {"intermediate_size": 48, "d_inner": 48}),
    "a head_dim of Mistral's own": ("mistralai/Mistral-7B-v0.3", {"head_dim": 12}),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_configuration_computes_what_transformers_computes(change, tmp_path):
    name, changes = CHANGED[change]
    compare(name, shrunk(name) | changes, tmp_path)


REFUSED: list[tuple[str, dict[str, Any], str]] = [  # released file, what is changed in it, what the line has to name
    ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", {"rope_scaling": {"type": "linear", "factor": 4.0}}, "'linear'"),
    ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", {"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "'dynamic'"),
    ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", {"rope_theta": None}, "rope_theta"),
    ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", {"attention_bias": True}, "attention_bias"),
    ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", {"mlp_bias": True}, "mlp_bias"),
    ("Qwen/Qwen2-0.5B", {"rope_scaling": {"type": "yarn", "factor": 4.0}}, "'yarn'"),
    ("Qwen/Qwen2-0.5B", {"rope_parameters": {"rope_type": "default"}, "rope_scaling": {"rope_type": "yarn"}}, "'yarn'"),
    ("Qwen/Qwen2-0.5B", {"use_sliding_window": True, "sliding_window": 0, "max_window_layers": 0}, "window"),
    ("google/gemma-2b", {"rope_scaling": {"type": "linear", "factor": 4.0}}, "'linear'"),
    ("google/gemma-2b", {"hidden_act": "relu"}, "hidden_act"),
    ("google/gemma-2-2b", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}, "'linear'"),
    ("google/gemma-2-2b", {"sliding_window": 0}, "window"),
    ("google/gemma-2-2b", {"layer_types": ["full_attention", "chunked_attention", "full_attention"]}, "layer_types"),
    ("google/gemma-3-1b-it", {"rope_scaling": {"type": "linear", "factor": 4.0}}, "rope_scaling"),
    ("google/gemma-3-1b-it", {"rope_parameters": {"rope_type": "default", "rope_theta": 5.0}}, "rope_parameters"),
    ("google/gemma-3-1b-it", {"use_bidirectional_attention": True}, "use_bidirectional_attention"),
    ("mistralai/Mixtral-8x7B-v0.1", {"sliding_window": 0}, "window"),
    ("google-t5/t5-small", {"dense_act_fn": "silu"}, "dense_act_fn"),
    ("google-t5/t5-small", {"is_gated_act": True}, "is_gated_act"),
    ("google-t5/t5-small", {"is_encoder_decoder": False}, "is_encoder_decoder"),
    ("google-bert/bert-base-uncased", {"position_embedding_type": "relative_key"}, "position_embedding_type"),
    ("google-bert/bert-base-uncased", {"type_vocab_size": 0}, "n_segment"),
    ("facebook/dinov2-small", {"use_swiglu_ffn": True}, "use_swiglu_ffn"),
    ("llava-hf/llava-1.5-7b-hf", {"vision_feature_layer": [-2, -1]}, "vision_feature_layer"),
    ("edbeeching/decision-transformer-gym-hopper-medium", {"scale_attn_weights": False}, "scale_attn_weights"),
]


@pytest.mark.parametrize(("name", "changes", "word"), REFUSED)
def test_what_we_do_not_do_is_refused_by_name(name, changes, word, tmp_path):
    """Never read in silence as something else."""
    (tmp_path / "config.json").write_text(json.dumps(shrunk(name) | changes))
    with pytest.raises(HeadwayError) as caught:
        load_folder(tmp_path)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["sentence-transformers/all-MiniLM-L6-v2", "FacebookAI/roberta-base"])
def test_an_encoder_without_a_pooler(name, tmp_path):
    """Some sentence encoders were released so, and config.json does not say it."""
    facts = shrunk(name)
    facts["architectures"] = ["BertModel" if facts["model_type"] == "bert" else "RobertaModel"]
    (tmp_path / "config.json").write_text(json.dumps(facts))
    model = reference(getattr(hf, facts["architectures"][0]), hf.AutoConfig.from_pretrained(tmp_path), torch.float64)
    model.pooler = None
    given = inputs("encoder", facts)
    with torch.no_grad(), lifted():
        wanted = model(**given).last_hidden_state
    model.save_pretrained(tmp_path)
    loaded = load_folder(tmp_path, dtype=torch.float64)
    with torch.no_grad():
        assert_close(loaded(given["input_ids"]), wanted, 1e-10)
    with pytest.raises(HeadwayError, match="pooled"):
        loaded.pooled(wanted)
    export_folder(loaded, tmp_path / "ours")
    assert load_folder(tmp_path / "ours").config == loaded.config


def test_the_language_model_of_gemma_3_under_its_released_names(tmp_path):
    """As its first files have it: `language_model.model.` and, beside it, `vision_tower.` and `multi_modal_projector.`."""
    facts = shrunk("google/gemma-3-4b-it")
    (tmp_path / "config.json").write_text(json.dumps(facts))
    config = hf.AutoConfig.from_pretrained(tmp_path)
    model = reference(hf.Gemma3ForConditionalGeneration, config, torch.float64)
    model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    assert any(key.startswith("vision_tower.") for key in tensors), sorted(tensors)[0]
    assert any(key.startswith("language_model.model.") for key in tensors)
    loaded = load_folder(tmp_path, dtype=torch.float64)
    renamed = {key.replace("language_model.model.", "model.language_model."): value for key, value in tensors.items()}
    save_file(renamed, path)
    again = load_folder(tmp_path, dtype=torch.float64)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), again.parameters(), strict=True))
    export_folder(loaded, tmp_path / "ours")
    theirs, report = hf.Gemma3ForCausalLM.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    assert type(theirs).__name__ == "Gemma3ForCausalLM"
    save_file({**tensors, "audio_tower.weight": torch.zeros(2)}, path)
    with pytest.raises(HeadwayError, match=r"unknown audio_tower\.weight"):
        load_folder(tmp_path)


def test_names_that_classes_had_before():
    for older, name in (("T5WithLMHeadModel", "t5"), ("LLaMAForCausalLM", "llama")):
        assert entry_of_config({"architectures": [older]}, "x").name == name


def test_a_field_of_the_wrong_kind_is_one_line(tmp_path: Path):
    for name in SMALLER:
        facts = shrunk(name)
        for key in (
            *("hidden_size", "d_model", "n_embd", "vocab_size", "num_attention_heads", "text_config", "decoder_layers"),
            *(
                "dropout_rate",
                "layerscale_value",
                "logit_scale_init_value",
                "rope_scaling",
                "id2label",
                "architectures",
            ),
        ):
            if key not in facts:
                continue
            for value in ("many", None, [3], -1, 0):
                (tmp_path / "config.json").write_text(json.dumps(facts | {key: value}))
                with pytest.raises(HeadwayError) as caught:
                    load_folder(tmp_path)
                assert "\n" not in str(caught.value), (name, key, value)
