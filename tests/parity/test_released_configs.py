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

LLAMA = {"hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 50}
GROUPED = {**LLAMA, "num_key_value_heads": 2}
MARKS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
ENCODER = {**LLAMA, "max_position_embeddings": 40}
PAIR = {
    "d_model": 16,
    "num_hidden_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
}
T5 = {"d_model": 16, "d_kv": 6, "d_ff": 24, "num_layers": 2, "num_heads": 2, "vocab_size": 50}
TOWER = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2}

DINO = {
    **{key: value for key, value in TOWER.items() if key != "intermediate_size"},
    "image_size": 20,
    "patch_size": 4,
    "out_features": ["stage3"],
    "out_indices": [3],
    "stage_names": ["stem", "stage1", "stage2", "stage3"],
}

RELEASED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # name -> (as published, what is made smaller)
    "openai-community/gpt2": (
        {
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.1,
            "bos_token_id": 50256,
            "embd_pdrop": 0.1,
            "eos_token_id": 50256,
            "initializer_range": 0.02,
            "layer_norm_epsilon": 1e-05,
            "model_type": "gpt2",
            "n_ctx": 1024,
            "n_embd": 768,
            "n_head": 12,
            "n_layer": 12,
            "n_positions": 1024,
            "resid_pdrop": 0.1,
            "summary_activation": None,
            "summary_first_dropout": 0.1,
            "summary_proj_to_labels": True,
            "summary_type": "cls_index",
            "summary_use_proj": True,
            "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
            "vocab_size": 50257,
        },
        {"n_embd": 16, "n_head": 2, "n_layer": 2, "n_positions": 40, "n_ctx": 40, "vocab_size": 50},
    ),
    "huggyllama/llama-7b": (  # before grouped heads: no num_key_value_heads, no rope_theta
        {
            "architectures": ["LlamaForCausalLM"],
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": 4096,
            "initializer_range": 0.02,
            "intermediate_size": 11008,
            "max_position_embeddings": 2048,
            "model_type": "llama",
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "pad_token_id": 0,
            "rms_norm_eps": 1e-06,
            "tie_word_embeddings": False,
            "torch_dtype": "float16",
            "use_cache": True,
            "vocab_size": 32000,
        },
        LLAMA,
    ),
    "meta-llama/Llama-2-7b-hf": (
        {
            "architectures": ["LlamaForCausalLM"],
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": 4096,
            "initializer_range": 0.02,
            "intermediate_size": 11008,
            "max_position_embeddings": 4096,
            "model_type": "llama",
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 32,
            "pretraining_tp": 1,
            "rms_norm_eps": 1e-05,
            "rope_scaling": None,
            "tie_word_embeddings": False,
            "torch_dtype": "float16",
            "transformers_version": "4.31.0.dev0",
            "use_cache": True,
            "vocab_size": 32000,
        },
        {**LLAMA, "num_key_value_heads": 4},
    ),
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": (
        {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": 2048,
            "initializer_range": 0.02,
            "intermediate_size": 5632,
            "max_position_embeddings": 2048,
            "model_type": "llama",
            "num_attention_heads": 32,
            "num_hidden_layers": 22,
            "num_key_value_heads": 4,
            "pretraining_tp": 1,
            "rms_norm_eps": 1e-05,
            "rope_scaling": None,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.35.0",
            "use_cache": True,
            "vocab_size": 32000,
        },
        GROUPED,
    ),
    "meta-llama/Llama-3.1-8B": (
        {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 128000,
            "eos_token_id": 128001,
            "hidden_act": "silu",
            "hidden_size": 4096,
            "initializer_range": 0.02,
            "intermediate_size": 14336,
            "max_position_embeddings": 131072,
            "mlp_bias": False,
            "model_type": "llama",
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 8,
            "pretraining_tp": 1,
            "rms_norm_eps": 1e-05,
            "rope_scaling": {
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192,
                "rope_type": "llama3",
            },
            "rope_theta": 500000.0,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.43.0.dev0",
            "use_cache": True,
            "vocab_size": 128256,
        },
        {**GROUPED, "bos_token_id": 1, "eos_token_id": 2},
    ),
    "meta-llama/Llama-3.2-1B": (  # tied, a head_dim of its own, several ends
        {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 128000,
            "eos_token_id": 128001,
            "head_dim": 64,
            "hidden_act": "silu",
            "hidden_size": 2048,
            "initializer_range": 0.02,
            "intermediate_size": 8192,
            "max_position_embeddings": 131072,
            "mlp_bias": False,
            "model_type": "llama",
            "num_attention_heads": 32,
            "num_hidden_layers": 16,
            "num_key_value_heads": 8,
            "pretraining_tp": 1,
            "rms_norm_eps": 1e-05,
            "rope_scaling": {
                "factor": 32.0,
                "high_freq_factor": 4.0,
                "low_freq_factor": 1.0,
                "original_max_position_embeddings": 8192,
                "rope_type": "llama3",
            },
            "rope_theta": 500000.0,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.45.0.dev0",
            "use_cache": True,
            "vocab_size": 128256,
        },
        {**GROUPED, "head_dim": 12, "bos_token_id": 1, "eos_token_id": [2, 3]},
    ),
    "mistralai/Mistral-7B-v0.1": (
        {
            "architectures": ["MistralForCausalLM"],
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": 4096,
            "initializer_range": 0.02,
            "intermediate_size": 14336,
            "max_position_embeddings": 32768,
            "model_type": "mistral",
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 8,
            "rms_norm_eps": 1e-05,
            "rope_theta": 10000.0,
            "sliding_window": 4096,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.34.0.dev0",
            "use_cache": True,
            "vocab_size": 32000,
        },
        {**GROUPED, "sliding_window": 5},
    ),
    "mistralai/Mistral-7B-v0.3": (  # the window is gone
        {
            "architectures": ["MistralForCausalLM"],
            "attention_dropout": 0.0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": 4096,
            "initializer_range": 0.02,
            "intermediate_size": 14336,
            "max_position_embeddings": 32768,
            "model_type": "mistral",
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 8,
            "rms_norm_eps": 1e-05,
            "rope_theta": 1000000.0,
            "sliding_window": None,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.42.0.dev0",
            "use_cache": True,
            "vocab_size": 32768,
        },
        GROUPED,
    ),
    "Qwen/Qwen2-0.5B": (  # a window in the file that is not used
        {
            "architectures": ["Qwen2ForCausalLM"],
            "attention_dropout": 0.0,
            "bos_token_id": 151643,
            "eos_token_id": 151643,
            "hidden_act": "silu",
            "hidden_size": 896,
            "initializer_range": 0.02,
            "intermediate_size": 4864,
            "max_position_embeddings": 131072,
            "max_window_layers": 24,
            "model_type": "qwen2",
            "num_attention_heads": 14,
            "num_hidden_layers": 24,
            "num_key_value_heads": 2,
            "rms_norm_eps": 1e-06,
            "rope_theta": 1000000.0,
            "sliding_window": 131072,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.40.1",
            "use_cache": True,
            "use_sliding_window": False,
            "vocab_size": 151936,
        },
        {**GROUPED, "sliding_window": 3, "max_window_layers": 1, "bos_token_id": 1, "eos_token_id": 1},
    ),
    "Qwen/Qwen3-0.6B": (
        {
            "architectures": ["Qwen3ForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 151643,
            "eos_token_id": 151645,
            "head_dim": 128,
            "hidden_act": "silu",
            "hidden_size": 1024,
            "initializer_range": 0.02,
            "intermediate_size": 3072,
            "max_position_embeddings": 40960,
            "max_window_layers": 28,
            "model_type": "qwen3",
            "num_attention_heads": 16,
            "num_hidden_layers": 28,
            "num_key_value_heads": 8,
            "rms_norm_eps": 1e-06,
            "rope_scaling": None,
            "rope_theta": 1000000,
            "sliding_window": None,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.51.0",
            "use_cache": True,
            "use_sliding_window": False,
            "vocab_size": 151936,
        },
        {**GROUPED, "head_dim": 12, "bos_token_id": 1, "eos_token_id": 2},
    ),
    "google/gemma-2b": (  # says gelu and means its tanh form
        {
            "architectures": ["GemmaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 2,
            "eos_token_id": 1,
            "head_dim": 256,
            "hidden_act": "gelu",
            "hidden_size": 2048,
            "initializer_range": 0.02,
            "intermediate_size": 16384,
            "max_position_embeddings": 8192,
            "model_type": "gemma",
            "num_attention_heads": 8,
            "num_hidden_layers": 18,
            "num_key_value_heads": 1,
            "pad_token_id": 0,
            "rms_norm_eps": 1e-06,
            "rope_scaling": None,
            "rope_theta": 10000.0,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.38.0.dev0",
            "use_cache": True,
            "vocab_size": 256000,
        },
        {**GROUPED, "head_dim": 12, "num_key_value_heads": 1},
    ),
    "google/gemma-2-2b": (
        {
            "architectures": ["Gemma2ForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "attn_logit_softcapping": 50.0,
            "bos_token_id": 2,
            "cache_implementation": "hybrid",
            "eos_token_id": 1,
            "final_logit_softcapping": 30.0,
            "head_dim": 256,
            "hidden_act": "gelu_pytorch_tanh",
            "hidden_activation": "gelu_pytorch_tanh",
            "hidden_size": 2304,
            "initializer_range": 0.02,
            "intermediate_size": 9216,
            "max_position_embeddings": 8192,
            "model_type": "gemma2",
            "num_attention_heads": 8,
            "num_hidden_layers": 26,
            "num_key_value_heads": 4,
            "pad_token_id": 0,
            "query_pre_attn_scalar": 256,
            "rms_norm_eps": 1e-06,
            "rope_theta": 10000.0,
            "sliding_window": 4096,
            "torch_dtype": "float32",
            "transformers_version": "4.42.4",
            "use_cache": True,
            "vocab_size": 256000,
        },
        {**GROUPED, "num_hidden_layers": 3, "head_dim": 12, "sliding_window": 5},
    ),
    "google/gemma-3-1b-it": (
        {
            "architectures": ["Gemma3ForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "attn_logit_softcapping": None,
            "bos_token_id": 2,
            "cache_implementation": "hybrid",
            "eos_token_id": [1, 106],
            "final_logit_softcapping": None,
            "head_dim": 256,
            "hidden_activation": "gelu_pytorch_tanh",
            "hidden_size": 1152,
            "initializer_range": 0.02,
            "intermediate_size": 6912,
            "max_position_embeddings": 32768,
            "model_type": "gemma3_text",
            "num_attention_heads": 4,
            "num_hidden_layers": 26,
            "num_key_value_heads": 1,
            "pad_token_id": 0,
            "query_pre_attn_scalar": 256,
            "rms_norm_eps": 1e-06,
            "rope_local_base_freq": 10000,
            "rope_scaling": None,
            "rope_theta": 1000000,
            "sliding_window": 512,
            "sliding_window_pattern": 6,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.50.0.dev0",
            "use_cache": True,
            "vocab_size": 262144,
        },
        {**GROUPED, "num_hidden_layers": 7, "head_dim": 12, "sliding_window": 5, "eos_token_id": [1, 6]},
    ),
    "google/gemma-3-4b-it": (  # its language model, which says little of itself; what sees is left out
        {
            "architectures": ["Gemma3ForConditionalGeneration"],
            "boi_token_index": 255999,
            "eoi_token_index": 256000,
            "eos_token_id": [1, 106],
            "image_token_index": 262144,
            "initializer_range": 0.02,
            "mm_tokens_per_image": 256,
            "model_type": "gemma3",
            "text_config": {
                "hidden_size": 2560,
                "intermediate_size": 10240,
                "model_type": "gemma3_text",
                "num_hidden_layers": 34,
                "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
                "sliding_window": 1024,
            },
            "torch_dtype": "bfloat16",
            "transformers_version": "4.50.0.dev0",
            "vision_config": {
                "hidden_size": 1152,
                "image_size": 896,
                "intermediate_size": 4304,
                "model_type": "siglip_vision_model",
                "num_attention_heads": 16,
                "num_hidden_layers": 27,
                "patch_size": 14,
                "vision_use_head": False,
            },
        },
        {
            "boi_token_index": 46,
            "eoi_token_index": 47,
            "image_token_index": 48,
            "mm_tokens_per_image": 4,
            "eos_token_id": [1, 6],
            "text_config": {**GROUPED, "num_hidden_layers": 7, "head_dim": 12, "sliding_window": 5},
            "vision_config": {**TOWER, "image_size": 16, "patch_size": 4},
        },
    ),
    "mistralai/Mixtral-8x7B-v0.1": (
        {
            "architectures": ["MixtralForCausalLM"],
            "attention_dropout": 0.0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": 4096,
            "initializer_range": 0.02,
            "intermediate_size": 14336,
            "max_position_embeddings": 32768,
            "model_type": "mixtral",
            "num_attention_heads": 32,
            "num_experts_per_tok": 2,
            "num_hidden_layers": 32,
            "num_key_value_heads": 8,
            "num_local_experts": 8,
            "output_router_logits": False,
            "rms_norm_eps": 1e-05,
            "rope_theta": 1000000.0,
            "router_aux_loss_coef": 0.02,
            "sliding_window": None,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.36.0.dev0",
            "use_cache": True,
            "vocab_size": 32000,
        },
        GROUPED,
    ),
    "google-bert/bert-base-uncased": (
        {
            "architectures": ["BertForMaskedLM"],
            "attention_probs_dropout_prob": 0.1,
            "gradient_checkpointing": False,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "hidden_size": 768,
            "initializer_range": 0.02,
            "intermediate_size": 3072,
            "layer_norm_eps": 1e-12,
            "max_position_embeddings": 512,
            "model_type": "bert",
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "pad_token_id": 0,
            "position_embedding_type": "absolute",
            "transformers_version": "4.6.0.dev0",
            "type_vocab_size": 2,
            "use_cache": True,
            "vocab_size": 30522,
        },
        ENCODER,
    ),
    "sentence-transformers/all-MiniLM-L6-v2": (
        {
            "architectures": ["BertModel"],
            "attention_probs_dropout_prob": 0.1,
            "gradient_checkpointing": False,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "hidden_size": 384,
            "initializer_range": 0.02,
            "intermediate_size": 1536,
            "layer_norm_eps": 1e-12,
            "max_position_embeddings": 512,
            "model_type": "bert",
            "num_attention_heads": 12,
            "num_hidden_layers": 6,
            "pad_token_id": 0,
            "position_embedding_type": "absolute",
            "transformers_version": "4.8.2",
            "type_vocab_size": 2,
            "use_cache": True,
            "vocab_size": 30522,
        },
        ENCODER,
    ),
    "FacebookAI/roberta-base": (
        {
            "architectures": ["RobertaForMaskedLM"],
            "attention_probs_dropout_prob": 0.1,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "hidden_size": 768,
            "initializer_range": 0.02,
            "intermediate_size": 3072,
            "layer_norm_eps": 1e-05,
            "max_position_embeddings": 514,
            "model_type": "roberta",
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "pad_token_id": 1,
            "type_vocab_size": 1,
            "vocab_size": 50265,
        },
        ENCODER,
    ),
    "FacebookAI/xlm-roberta-base": (
        {
            "architectures": ["XLMRobertaForMaskedLM"],
            "attention_probs_dropout_prob": 0.1,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "hidden_size": 768,
            "initializer_range": 0.02,
            "intermediate_size": 3072,
            "layer_norm_eps": 1e-05,
            "max_position_embeddings": 514,
            "model_type": "xlm-roberta",
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "output_past": True,
            "pad_token_id": 1,
            "position_embedding_type": "absolute",
            "type_vocab_size": 1,
            "use_cache": True,
            "vocab_size": 250002,
        },
        ENCODER,
    ),
    "google-t5/t5-small": (  # nothing said of the MLP, the head or the decoder's depth
        {
            "architectures": ["T5ForConditionalGeneration"],
            "d_ff": 2048,
            "d_kv": 64,
            "d_model": 512,
            "decoder_start_token_id": 0,
            "dropout_rate": 0.1,
            "eos_token_id": 1,
            "initializer_factor": 1.0,
            "is_encoder_decoder": True,
            "layer_norm_epsilon": 1e-06,
            "model_type": "t5",
            "n_positions": 512,
            "num_heads": 8,
            "num_layers": 6,
            "output_past": True,
            "pad_token_id": 0,
            "relative_attention_num_buckets": 32,
            "vocab_size": 32128,
        },
        T5,
    ),
    "google/flan-t5-base": (
        {
            "architectures": ["T5ForConditionalGeneration"],
            "d_ff": 2048,
            "d_kv": 64,
            "d_model": 768,
            "decoder_start_token_id": 0,
            "dropout_rate": 0.1,
            "eos_token_id": 1,
            "feed_forward_proj": "gated-gelu",
            "initializer_factor": 1.0,
            "is_encoder_decoder": True,
            "layer_norm_epsilon": 1e-06,
            "model_type": "t5",
            "n_positions": 512,
            "num_decoder_layers": 12,
            "num_heads": 12,
            "num_layers": 12,
            "output_past": True,
            "pad_token_id": 0,
            "relative_attention_max_distance": 128,
            "relative_attention_num_buckets": 32,
            "tie_word_embeddings": False,
            "transformers_version": "4.23.1",
            "use_cache": True,
            "vocab_size": 32128,
        },
        {**T5, "num_decoder_layers": 1},
    ),
    "google/mt5-small": (
        {
            "architectures": ["MT5ForConditionalGeneration"],
            "d_ff": 1024,
            "d_kv": 64,
            "d_model": 512,
            "decoder_start_token_id": 0,
            "dropout_rate": 0.1,
            "eos_token_id": 1,
            "feed_forward_proj": "gated-gelu",
            "initializer_factor": 1.0,
            "is_encoder_decoder": True,
            "layer_norm_epsilon": 1e-06,
            "model_type": "mt5",
            "num_decoder_layers": 8,
            "num_heads": 6,
            "num_layers": 8,
            "pad_token_id": 0,
            "relative_attention_num_buckets": 32,
            "tie_word_embeddings": False,
            "tokenizer_class": "T5Tokenizer",
            "vocab_size": 250112,
        },
        {**T5, "num_decoder_layers": 2},
    ),
    "Helsinki-NLP/opus-mt-en-de": (
        {
            "activation_dropout": 0.0,
            "activation_function": "swish",
            "add_bias_logits": False,
            "add_final_layer_norm": False,
            "architectures": ["MarianMTModel"],
            "attention_dropout": 0.0,
            "bad_words_ids": [[58100]],
            "bos_token_id": 0,
            "classif_dropout": 0.0,
            "classifier_dropout": 0.0,
            "d_model": 512,
            "decoder_attention_heads": 8,
            "decoder_ffn_dim": 2048,
            "decoder_layerdrop": 0.0,
            "decoder_layers": 6,
            "decoder_start_token_id": 58100,
            "decoder_vocab_size": 58101,
            "dropout": 0.1,
            "encoder_attention_heads": 8,
            "encoder_ffn_dim": 2048,
            "encoder_layerdrop": 0.0,
            "encoder_layers": 6,
            "eos_token_id": 0,
            "forced_eos_token_id": 0,
            "init_std": 0.02,
            "is_encoder_decoder": True,
            "max_length": 512,
            "max_position_embeddings": 512,
            "model_type": "marian",
            "normalize_before": False,
            "normalize_embedding": False,
            "num_beams": 6,
            "num_hidden_layers": 6,
            "pad_token_id": 58100,
            "scale_embedding": True,
            "share_encoder_decoder_embeddings": True,
            "static_position_embeddings": True,
            "transformers_version": "4.22.0.dev0",
            "use_cache": True,
            "vocab_size": 58101,
        },
        {
            **PAIR,
            "vocab_size": 51,
            "decoder_vocab_size": 51,
            "pad_token_id": 50,
            "decoder_start_token_id": 50,
            "bad_words_ids": [[50]],
        },
    ),
    "openai/whisper-tiny": (
        {
            "activation_dropout": 0.0,
            "activation_function": "gelu",
            "architectures": ["WhisperForConditionalGeneration"],
            "attention_dropout": 0.0,
            "begin_suppress_tokens": [220, 50257],
            "bos_token_id": 50257,
            "d_model": 384,
            "decoder_attention_heads": 6,
            "decoder_ffn_dim": 1536,
            "decoder_layerdrop": 0.0,
            "decoder_layers": 4,
            "decoder_start_token_id": 50258,
            "dropout": 0.0,
            "encoder_attention_heads": 6,
            "encoder_ffn_dim": 1536,
            "encoder_layerdrop": 0.0,
            "encoder_layers": 4,
            "eos_token_id": 50257,
            "forced_decoder_ids": [[1, 50259], [2, 50359], [3, 50363]],
            "init_std": 0.02,
            "is_encoder_decoder": True,
            "max_length": 448,
            "max_source_positions": 1500,
            "max_target_positions": 448,
            "model_type": "whisper",
            "num_hidden_layers": 4,
            "num_mel_bins": 80,
            "pad_token_id": 50257,
            "scale_embedding": False,
            "torch_dtype": "float32",
            "transformers_version": "4.27.0.dev0",
            "use_cache": True,
            "vocab_size": 51865,
        },
        {
            **PAIR,
            **MARKS,
            "vocab_size": 50,
            "max_source_positions": 10,
            "num_mel_bins": 8,
            "begin_suppress_tokens": [3, 2],
            "decoder_start_token_id": 3,
            "forced_decoder_ids": [[1, 5]],
        },
    ),
    "google/vit-base-patch16-224": (
        {
            "architectures": ["ViTForImageClassification"],
            "attention_probs_dropout_prob": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": 768,
            "image_size": 224,
            "initializer_range": 0.02,
            "intermediate_size": 3072,
            "layer_norm_eps": 1e-12,
            "model_type": "vit",
            "num_attention_heads": 12,
            "num_channels": 3,
            "num_hidden_layers": 12,
            "patch_size": 16,
            "qkv_bias": True,
        },
        {
            **TOWER,
            "image_size": 16,
            "patch_size": 4,
            "id2label": {"0": "tench", "1": "goldfish", "2": "great white shark"},
        },
    ),
    "google/vit-base-patch16-224-in21k": (
        {
            "architectures": ["ViTModel"],
            "attention_probs_dropout_prob": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": 768,
            "image_size": 224,
            "initializer_range": 0.02,
            "intermediate_size": 3072,
            "layer_norm_eps": 1e-12,
            "model_type": "vit",
            "num_attention_heads": 12,
            "num_channels": 3,
            "num_hidden_layers": 12,
            "patch_size": 16,
            "qkv_bias": True,
        },
        {**TOWER, "image_size": 16, "patch_size": 4},
    ),
    "facebook/dinov2-small": (
        {
            "apply_layernorm": True,
            "architectures": ["Dinov2Model"],
            "attention_probs_dropout_prob": 0.0,
            "drop_path_rate": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": 384,
            "image_size": 518,
            "initializer_range": 0.02,
            "layer_norm_eps": 1e-06,
            "layerscale_value": 1.0,
            "mlp_ratio": 4,
            "model_type": "dinov2",
            "num_attention_heads": 6,
            "num_channels": 3,
            "num_hidden_layers": 12,
            "out_features": ["stage12"],
            "out_indices": [12],
            "patch_size": 14,
            "qkv_bias": True,
            "reshape_hidden_states": True,
            "stage_names": ["stem", *(f"stage{n}" for n in range(1, 13))],
            "torch_dtype": "float32",
            "transformers_version": "4.32.0.dev0",
            "use_swiglu_ffn": False,
        },
        DINO,
    ),
    "facebook/dinov2-with-registers-base": (
        {
            "apply_layernorm": True,
            "architectures": ["Dinov2WithRegistersModel"],
            "attention_probs_dropout_prob": 0.0,
            "drop_path_rate": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": 768,
            "image_size": 518,
            "initializer_range": 0.02,
            "interpolate_antialias": True,
            "interpolate_offset": 0.0,
            "layer_norm_eps": 1e-06,
            "layerscale_value": 1.0,
            "mlp_ratio": 4,
            "model_type": "dinov2_with_registers",
            "num_attention_heads": 12,
            "num_channels": 3,
            "num_hidden_layers": 12,
            "num_register_tokens": 4,
            "out_features": ["stage12"],
            "out_indices": [12],
            "patch_size": 14,
            "qkv_bias": True,
            "reshape_hidden_states": True,
            "stage_names": ["stem", *(f"stage{n}" for n in range(1, 13))],
            "torch_dtype": "float32",
            "transformers_version": "4.48.0.dev0",
            "use_swiglu_ffn": False,
        },
        DINO,
    ),
    "openai/clip-vit-base-patch32": (  # ends with id 2 by mistake: the largest id is meant
        {
            "architectures": ["CLIPModel"],
            "initializer_factor": 1.0,
            "logit_scale_init_value": 2.6592,
            "model_type": "clip",
            "projection_dim": 512,
            "text_config": {
                "attention_dropout": 0.0,
                "bos_token_id": 0,
                "eos_token_id": 2,
                "hidden_act": "quick_gelu",
                "hidden_size": 512,
                "initializer_factor": 1.0,
                "initializer_range": 0.02,
                "intermediate_size": 2048,
                "layer_norm_eps": 1e-05,
                "max_position_embeddings": 77,
                "model_type": "clip_text_model",
                "num_attention_heads": 8,
                "num_hidden_layers": 12,
                "pad_token_id": 1,
                "projection_dim": 512,
                "vocab_size": 49408,
            },
            "text_config_dict": None,
            "vision_config": {
                "attention_dropout": 0.0,
                "hidden_act": "quick_gelu",
                "hidden_size": 768,
                "image_size": 224,
                "initializer_factor": 1.0,
                "initializer_range": 0.02,
                "intermediate_size": 3072,
                "layer_norm_eps": 1e-05,
                "model_type": "clip_vision_model",
                "num_attention_heads": 12,
                "num_hidden_layers": 12,
                "patch_size": 32,
                "projection_dim": 512,
            },
            "vision_config_dict": None,
        },
        {
            "projection_dim": 12,
            "text_config": {**TOWER, "vocab_size": 50, "projection_dim": 12},
            "vision_config": {**TOWER, "image_size": 16, "patch_size": 4, "projection_dim": 12},
        },
    ),
    "openai/clip-vit-large-patch14": (  # says its sizes twice; the shorter list wins, with the defaults it leaves out
        {
            "architectures": ["CLIPModel"],
            "initializer_factor": 1.0,
            "logit_scale_init_value": 2.6592,
            "model_type": "clip",
            "projection_dim": 768,
            "text_config": {
                "add_cross_attention": False,
                "attention_dropout": 0.0,
                "bos_token_id": 0,
                "dropout": 0.0,
                "eos_token_id": 2,
                "hidden_act": "quick_gelu",
                "hidden_size": 768,
                "initializer_factor": 1.0,
                "initializer_range": 0.02,
                "intermediate_size": 3072,
                "is_decoder": False,
                "layer_norm_eps": 1e-05,
                "max_position_embeddings": 77,
                "model_type": "clip_text_model",
                "num_attention_heads": 12,
                "num_hidden_layers": 12,
                "pad_token_id": 1,
                "projection_dim": 768,
                "tie_word_embeddings": True,
                "vocab_size": 49408,
            },
            "text_config_dict": {
                "hidden_size": 768,
                "intermediate_size": 3072,
                "num_attention_heads": 12,
                "num_hidden_layers": 12,
                "projection_dim": 768,
            },
            "torch_dtype": "float32",
            "transformers_version": None,
            "vision_config": {
                "add_cross_attention": False,
                "attention_dropout": 0.0,
                "dropout": 0.0,
                "hidden_act": "quick_gelu",
                "hidden_size": 1024,
                "image_size": 224,
                "initializer_factor": 1.0,
                "initializer_range": 0.02,
                "intermediate_size": 4096,
                "is_decoder": False,
                "layer_norm_eps": 1e-05,
                "model_type": "clip_vision_model",
                "num_attention_heads": 16,
                "num_hidden_layers": 24,
                "patch_size": 14,
                "projection_dim": 768,
                "tie_word_embeddings": True,
            },
            "vision_config_dict": {
                "hidden_size": 1024,
                "intermediate_size": 4096,
                "num_attention_heads": 16,
                "num_hidden_layers": 24,
                "patch_size": 14,
                "projection_dim": 768,
            },
        },
        {
            "projection_dim": 12,
            "text_config_dict": {**TOWER, "vocab_size": 50, "projection_dim": 12, "eos_token_id": 49},
            "vision_config_dict": {**TOWER, "image_size": 16, "patch_size": 4, "projection_dim": 12},
        },
    ),
    "llava-hf/llava-1.5-7b-hf": (  # most of the language model's sizes are left out
        {
            "architectures": ["LlavaForConditionalGeneration"],
            "ignore_index": -100,
            "image_token_index": 32000,
            "model_type": "llava",
            "pad_token_id": 32001,
            "projector_hidden_act": "gelu",
            "text_config": {
                "architectures": ["LlamaForCausalLM"],
                "max_position_embeddings": 4096,
                "model_type": "llama",
                "rms_norm_eps": 1e-05,
                "torch_dtype": "float16",
                "vocab_size": 32064,
            },
            "tie_word_embeddings": False,
            "torch_dtype": "float16",
            "transformers_version": "4.36.0.dev0",
            "vision_config": {
                "hidden_size": 1024,
                "image_size": 336,
                "intermediate_size": 4096,
                "model_type": "clip_vision_model",
                "num_attention_heads": 16,
                "num_hidden_layers": 24,
                "patch_size": 14,
                "projection_dim": 768,
                "vocab_size": 32000,
            },
            "vision_feature_layer": -2,
            "vision_feature_select_strategy": "default",
            "vocab_size": 32064,
        },
        {
            "image_token_index": 48,
            "pad_token_id": 49,
            "vocab_size": 50,
            "text_config": LLAMA,
            "vision_config": {**TOWER, "image_size": 8, "patch_size": 4},
        },
    ),
    "edbeeching/decision-transformer-gym-hopper-medium": (
        {
            "act_dim": 3,
            "action_tanh": True,
            "activation_function": "relu",
            "architectures": ["DecisionTransformerModel"],
            "attn_pdrop": 0.1,
            "bos_token_id": 50256,
            "embd_pdrop": 0.1,
            "eos_token_id": 50256,
            "hidden_size": 128,
            "initializer_range": 0.02,
            "layer_norm_epsilon": 1e-05,
            "max_ep_len": 1000,
            "max_length": 20,
            "model_type": "decision_transformer",
            "n_head": 1,
            "n_inner": None,
            "n_layer": 3,
            "n_positions": 1024,
            "reorder_and_upcast_attn": False,
            "resid_pdrop": 0.1,
            "scale_attn_by_inverse_layer_idx": False,
            "scale_attn_weights": True,
            "state_dim": 11,
            "summary_activation": None,
            "summary_first_dropout": 0.1,
            "summary_proj_to_labels": True,
            "summary_type": "cls_index",
            "summary_use_proj": True,
            "torch_dtype": "float32",
            "transformers_version": "4.18.0.dev0",
            "use_cache": True,
            "vocab_size": 1,
        },
        {"hidden_size": 12, "n_layer": 2, "n_head": 2, "max_ep_len": 30, "n_positions": 20},
    ),
    "state-spaces/mamba-130m-hf": (
        {
            "architectures": ["MambaForCausalLM"],
            "bos_token_id": 0,
            "conv_kernel": 4,
            "d_inner": 1536,
            "d_model": 768,
            "eos_token_id": 0,
            "expand": 2,
            "fused_add_norm": True,
            "hidden_act": "silu",
            "hidden_size": 768,
            "initializer_range": 0.1,
            "intermediate_size": 1536,
            "layer_norm_epsilon": 1e-05,
            "model_type": "mamba",
            "n_layer": 24,
            "num_hidden_layers": 24,
            "pad_token_id": 0,
            "pad_vocab_size_multiple": 8,
            "rescale_prenorm_residual": False,
            "residual_in_fp32": True,
            "rms_norm": True,
            "ssm_cfg": {},
            "state_size": 16,
            "time_step_floor": 0.0001,
            "time_step_init_scheme": "random",
            "time_step_max": 0.1,
            "time_step_min": 0.001,
            "time_step_rank": 48,
            "time_step_scale": 1.0,
            "torch_dtype": "float32",
            "use_bias": False,
            "use_cache": True,
            "use_conv_bias": True,
            "vocab_size": 50280,
        },
        {
            "hidden_size": 16,
            "d_model": 16,
            "intermediate_size": 32,
            "d_inner": 32,
            "num_hidden_layers": 2,
            "n_layer": 2,
            "state_size": 4,
            "time_step_rank": 3,
            "vocab_size": 50,
        },
    ),
}


def shrunk(name: str) -> dict[str, Any]:
    published, small = RELEASED[name]
    facts = json.loads(json.dumps(published))
    for key, value in small.items():
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
@pytest.mark.parametrize("name", RELEASED)
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
    facts = json.loads(json.dumps(RELEASED[name][0]))
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
    for name in RELEASED:
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
