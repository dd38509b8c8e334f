"""Bugs that public decoders and vision models really had, as patches of ours, and the check that has to notice each.

A bug is (name, where it was met, patch, check): `patch(monkeypatch)` puts it in, `check()` passes without it and fails with
it. `tests/parity/test_known_bugs.py` runs them.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import torch
import torch.nn.functional as F
import transformers as hf
from support.hf import check_causal, reference, through_files
from support.inputs import call, episodes
from support.parity import assert_close, lifted, randomise
from support.tiny import TINY

from headway.blocks import cache as cache_module
from headway.blocks.attention import attend_by_hand
from headway.models import clip, decision_transformer, gemma, gpt2, llama, mistral, mixtral, qwen, vit
from headway.models.catalog import build
from headway.weights import engine


class Bug(NamedTuple):
    name: str
    where: str
    patch: object
    check: object


NO_IDS = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
SIZES = {
    "vocab_size": 23,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 20,
    "max_position_embeddings": 64,
    **NO_IDS,
}


def llama_config(**more):
    return hf.LlamaConfig(**{**SIZES, **more})


SCALED = {
    "rope_theta": 1000.0,
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
GEMMA2 = {**SIZES, "head_dim": 4, "query_pre_attn_scalar": 9, "sliding_window": 5}
GEMMA2 |= {"attn_logit_softcapping": 0.5, "final_logit_softcapping": 2.0}


def parity(cls, config, **how):
    how = {"b": 2, "t": 12, "pads": [0, 3], **how}
    return lambda: check_causal(cls, config, **how)


def gpt2_check():
    check_causal(
        hf.GPT2LMHeadModel,
        hf.GPT2Config(vocab_size=23, n_positions=32, n_embd=16, n_layer=2, n_head=4),
        b=2,
        t=8,
        pads=[0, 2],
    )


def make(name: str, n: int = 0):
    model = build(name, **TINY[name][n]).double().eval()
    randomise(model, 0)
    return model


def cut_law(name: str, n: int, cut: list[int], pad: int = 0):
    """The law "cached in any cut = whole", for one cut, behind left padding."""

    def check():
        model, t = make(name, n), sum(cut)
        tokens = torch.randint(0, model.config.vocab_size, (2, t), generator=torch.Generator().manual_seed(1))
        mask = torch.arange(t) >= torch.tensor([0, pad])[:, None]
        cache = model.new_cache(2, t)
        with torch.no_grad():
            parts = [model(p, cache, mask=m) for p, m in zip(tokens.split(cut, 1), mask.split(cut, 1), strict=True)]
            together = torch.cat(parts, 1)
            assert torch.isfinite(together).all()
            for row, start in enumerate((0, pad)):
                assert_close(together[row, start:], model(tokens[row : row + 1, start:])[0], 1e-10)

    return check


def gradient_law(name: str, n: int):
    def check():
        model = make(name, n)
        sum(out.square().mean() for out in call(name, model)).backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())

    return check


def replace(target, name, value):
    return lambda monkeypatch: monkeypatch.setattr(target, name, value)


def shim(module, target, **changed):
    """Let one file see another `module` (its F, its math): only `changed` differs."""
    members = {key: getattr(module, key) for key in dir(module) if not key.startswith("__")}
    place = "F" if module is F else module.__name__
    return replace(target, place, SimpleNamespace(**{**members, **changed}))


def attend_with(**how):
    """`attend` by hand, with a part of it wrong."""

    def wrong(q, k, v, mask=None, *, causal=False, scale=None):
        h, g, t, s = q.shape[1], k.shape[1], q.shape[2], k.shape[2]
        if how.get("repeat"):
            k, v = k.repeat(1, h // g, 1, 1), v.repeat(1, h // g, 1, 1)
        else:
            k, v = k.repeat_interleave(h // g, 1), v.repeat_interleave(h // g, 1)
        scores = q @ k.mT * (scale or 1 / math.sqrt(q.shape[-1]))
        if causal:
            seen = torch.ones(t, s, dtype=torch.bool).tril(0 if how.get("top_left") else s - t)
            mask = seen if mask is None else mask & seen
        if mask is not None:
            scores = scores.masked_fill(~mask, how.get("fill", -math.inf))
        return scores.softmax(-1) @ v

    return wrong


def stretch_inverted(frequencies, scaling):
    fits = scaling.context * frequencies / (2 * math.pi)
    keep = 1 - ((fits - scaling.low) / (scaling.high - scaling.low)).clamp(0, 1)
    return keep * frequencies + (1 - keep) * frequencies / scaling.factor


def capped_after_mask(q, k, v, mask, *, scale, limit):
    h, g = q.shape[1], k.shape[1]
    k, v = k.repeat_interleave(h // g, 1), v.repeat_interleave(h // g, 1)
    scores = q @ k.mT * scale
    mask = gemma.causal_mask(q.shape[2], k.shape[2])[None, None] if mask is None else mask
    return gemma.cap(scores.masked_fill(~mask, -torch.inf), limit).softmax(-1) @ v


def capped_after_softmax(q, k, v, mask, *, scale, limit):
    h, g = q.shape[1], k.shape[1]
    k, v = k.repeat_interleave(h // g, 1), v.repeat_interleave(h // g, 1)
    mask = gemma.causal_mask(q.shape[2], k.shape[2])[None, None] if mask is None else mask
    return gemma.cap((q @ k.mT * scale).masked_fill(~mask, -torch.inf).softmax(-1), limit) @ v


def experts_not_renormalised(self, x):
    rows = x.flatten(0, 1)
    weights, chosen = self.router(rows).softmax(-1).topk(self.n_active, dim=-1)
    mixed = torch.zeros_like(rows)
    for n, expert in enumerate(self.experts):
        row, place = torch.where(chosen == n)
        mixed = mixed.index_add(0, row, expert(rows[row]) * weights[row, place, None])
    return mixed.view_as(x)


def norm_after_turning(self, x, cos, sin, span, kv):
    b, t, _ = x.shape
    heads = self.qkv(x).view(b, t, -1, self.head_width).transpose(1, 2)
    q, k, v = heads.split([self.n_head, self.n_group, self.n_group], dim=1)
    q, k = self.q_norm(qwen.rotate(q, cos, sin)), self.k_norm(qwen.rotate(k, cos, sin))
    return self.out(qwen.merge_heads(qwen.attend(q, k, v, span.mask(t), causal=span.mask(t) is None)))


def plain_gain(self, x):
    return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


def eps_outside(x, weight, eps):
    return x / (x.square().mean(-1, keepdim=True).sqrt() + eps) * weight


def positions_by_column(tokens, cache=None, mask=None):
    span = ORIGINAL_LOCATE(tokens, cache, mask)
    span.positions = torch.arange(span.past, span.past + span.t)[None]
    return span


def mask_of_this_call_only(self, mask, t):
    return None if self.length or mask is None else ORIGINAL_NOTE(self, mask, t)


def blind_padding(self, s, window):
    seen = cache_module.causal_mask(self.t, s)
    return (seen & self.real[:, None, -s:])[:, None] if self.real is not None else seen[None, None]


def ring_overwrites(self, k, v):
    """A ring of exactly the window: a chunk overwrites columns that its own first queries still have to see."""
    keys, values = ORIGINAL_EXTEND(self, k, v)
    if self.window is None or keys.shape[2] <= self.window:
        return keys, values
    return keys[:, :, -self.window :], values[:, :, -self.window :]


ORIGINAL_LOCATE = cache_module.locate
ORIGINAL_NOTE = cache_module.KVCache.note_real
ORIGINAL_EXTEND = cache_module.LayerCache.extend
ORIGINAL_MASK = cache_module.window_mask


def window_too_wide(t, s=None, *, window, device=None):
    return ORIGINAL_MASK(t, s, window=window + 1, device=device)


def vit_check():
    config = hf.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12, image_size=8, patch_size=4
    )
    seen = torch.randn(1, 3, 8, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs_agree(
        hf.ViTForImageClassification,
        config,
        lambda m: m(seen, interpolate_pos_encoding=True).logits,
        lambda m: m(seen),
    )


def registers_check():
    config = hf.Dinov2WithRegistersConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=2, num_register_tokens=2
    )
    seen = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs_agree(hf.Dinov2WithRegistersModel, config, lambda m: m(seen).last_hidden_state, lambda m: m.hidden(seen))


def clip_check():
    tower = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12}
    config = hf.CLIPConfig(
        vision_config={**tower, "image_size": 8, "patch_size": 4},
        text_config={**tower, "vocab_size": 12, "max_position_embeddings": 7, **NO_IDS, "eos_token_id": 5},
    )
    captions = torch.tensor([[1, 2, 5, 9, 9], [3, 11, 4, 5, 5]])
    seen = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs_agree(
        hf.CLIPModel,
        config,
        lambda m: m(input_ids=captions, pixel_values=seen).logits_per_image,
        lambda m: m(seen, captions),
    )


def outputs_agree(cls, config, theirs_call, ours_call):
    theirs = reference(cls, config, torch.float64, 0)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        model = through_files(theirs, Path(folder), torch.float64)
        with lifted():
            wanted = theirs_call(theirs)
        assert_close(ours_call(model), wanted, 1e-10)


def end_is_last(self, captions, mask=None):
    x = self.embed(captions) + self.position.weight[: captions.shape[1]]
    for block in self.blocks:
        x = block(x, None, causal=True)
    return self.norm(x)[:, -1]


def decision_check():
    model = make("decision_transformer", 0)
    returns, states, actions, times = episodes(model, torch.Generator().manual_seed(2))
    changed = actions.clone()
    changed[:, 2:] += 1
    with torch.no_grad():
        before, after = model(returns, states, actions, times), model(returns, states, changed, times)
    assert_close(before.actions[:, :3], after.actions[:, :3], 1e-12)


def action_from_its_own_token(self, returns, states, actions, times, *, mask=None):
    steps = torch.stack((self.embed_return(returns), self.embed_state(states), self.embed_action(actions)), dim=2)
    x = self._run((steps + self.time(times)[:, :, None]).flatten(1, 2), None, None)
    after = x.unflatten(1, (times.shape[1], 3))[:, :, 2]
    return decision_transformer.Predictions(self._action(after), self.to_state(after), self.to_return(after))


LLAMA = parity(hf.LlamaForCausalLM, llama_config())
BUGS = [
    Bug(
        "interleaved pairs on a half-split checkpoint",
        "Meta's and Hugging Face's layouts mixed up",
        replace(llama, "rotate", llama.rotate.__globals__["rotate_interleaved"]),
        LLAMA,
    ),
    Bug(
        "rope scaling ramp inverted",
        "the YaRN and Llama 3.1 ramps, upside down in several ports",
        replace(llama, "stretch", stretch_inverted),
        parity(hf.LlamaForCausalLM, llama_config(rope_parameters=SCALED)),
    ),
    Bug(
        "groups repeated as a whole",
        "repeat for repeat_interleave, in many grouped-query ports",
        replace(llama, "attend", attend_with(repeat=True)),
        LLAMA,
    ),
    Bug(
        "causal mask aligned at the first key",
        "mask wrong with a cache (rasbt/LLMs-from-scratch #697)",
        replace(llama, "attend", attend_with(top_left=True)),
        cut_law("llama", 0, [5, 1, 4, 1]),
    ),
    Bug("hidden scores filled with 0", "additive masks", replace(llama, "attend", attend_with(fill=0.0)), LLAMA),
    Bug(
        "eps outside the root",
        "RMSNorm ports",
        lambda mp: mp.setattr("headway.blocks.norms.rms_norm", eps_outside),
        parity(hf.LlamaForCausalLM, llama_config(rms_norm_eps=1e-2)),
    ),
    Bug(
        "positions count padding",
        "batched generation behind left padding",
        lambda mp: [mp.setattr(module, "locate", positions_by_column) for module in (gpt2, llama)],
        gpt2_check,
    ),
    Bug(
        "the mask of earlier calls is forgotten",
        "padding seen again once a cache is used (rasbt/LLMs-from-scratch #925)",
        replace(cache_module.KVCache, "note_real", mask_of_this_call_only),
        cut_law("llama", 0, [5, 2, 3], pad=3),
    ),
    Bug(
        "a padding query that sees nothing",
        "NaN behind left padding, in softmax written out",
        lambda mp: [
            mp.setattr(cache_module.Span, "_make_mask", blind_padding),
            mp.setattr(llama, "attend", attend_by_hand),  # the fused kernel quietly answers 0 there
        ],
        cut_law("llama", 0, [5, 2, 3], pad=3),
    ),
    Bug(
        "window one too wide",
        "sliding windows, off by one",
        replace(cache_module, "window_mask", window_too_wide),
        parity(hf.MistralForCausalLM, hf.MistralConfig(**{**SIZES, "head_dim": 4}, sliding_window=4)),
    ),
    Bug(
        "a chunk overwrites what it has to see",
        "sliding-window cache, prefill longer than the window (litgpt #2182)",
        replace(cache_module.LayerCache, "extend", ring_overwrites),
        cut_law("mistral", 0, [3, 7, 1, 6]),
    ),
    Bug(
        "the exact GELU for its tanh form",
        "GPT-2 ports; unseen at Hugging Face's small initial weights",
        shim(F, gpt2, gelu=lambda x, approximate="none": F.gelu(x)),
        gpt2_check,
    ),
    Bug(
        "Conv1D not transposed where it is square",
        "GPT-2 loaders that go by shape",
        replace(
            engine.Transpose, "read", lambda self, theirs: [t if t.shape[0] == t.shape[1] else t.t() for t in theirs]
        ),
        gpt2_check,
    ),
    Bug(
        "keys and values swapped in the fused projection",
        "fused checkpoints",
        replace(engine.Stack, "read", lambda self, theirs: [torch.cat((theirs[0], theirs[2], theirs[1]))]),
        LLAMA,
    ),
    Bug(
        "the head is untied on loading",
        "tied checkpoints loaded into an untied model",
        lambda mp: mp.setattr(llama.Llama, "readout", lambda self, x: F.linear(x, torch.ones_like(self.embed.weight))),
        parity(hf.LlamaForCausalLM, llama_config(tie_word_embeddings=True)),
    ),
    Bug(
        "scores capped after the mask",
        "Gemma 2 ports: the hidden -inf becomes a visible -cap",
        replace(gemma, "attend_capped", capped_after_mask),
        parity(hf.Gemma2ForCausalLM, hf.Gemma2Config(**GEMMA2)),
    ),
    Bug(
        "scores capped after the softmax",
        "Gemma 2 ports",
        replace(gemma, "attend_capped", capped_after_softmax),
        parity(hf.Gemma2ForCausalLM, hf.Gemma2Config(**GEMMA2)),
    ),
    Bug(
        "the gain without its 1",
        "Gemma ports that reuse Llama's RMSNorm",
        replace(gemma.Norm, "forward", plain_gain),
        parity(hf.GemmaForCausalLM, hf.GemmaConfig(**SIZES, head_dim=4, hidden_activation="gelu_pytorch_tanh")),
    ),
    Bug(
        "the embedding is not scaled",
        "Gemma ports",
        shim(math, gemma, sqrt=lambda x: 1.0),
        parity(hf.GemmaForCausalLM, hf.GemmaConfig(**SIZES, head_dim=4, hidden_activation="gelu_pytorch_tanh")),
    ),
    Bug(
        "queries and keys normalised after turning",
        "Qwen3 ports",
        replace(qwen.Attention, "forward", norm_after_turning),
        parity(hf.Qwen3ForCausalLM, hf.Qwen3Config(**{**SIZES, "head_dim": 4})),
    ),
    Bug(
        "expert weights not renormalised",
        "Mixtral ports: softmax over all experts, then the best two",
        replace(mixtral.Experts, "forward", experts_not_renormalised),
        parity(hf.MixtralForCausalLM, hf.MixtralConfig(**{**SIZES, "head_dim": 4}, num_local_experts=4)),
    ),
    Bug(
        "a parameter no gradient reaches",
        "a detach left in",
        lambda mp: mp.setattr(
            qwen.RMSNorm, "forward", lambda self, x: F.rms_norm(x, self.weight.shape, self.weight.detach(), self.eps)
        ),
        gradient_law("qwen", 1),
    ),
    Bug(
        "positions resized with aligned corners",
        "ViT ports",
        shim(
            F,
            vit,
            interpolate=lambda x, **how: F.interpolate(x, **{**how, "align_corners": True}),
        ),
        vit_check,
    ),
    Bug(
        "positions beside registers resized without antialiasing",
        "DINOv2 ports",
        shim(F, vit, interpolate=lambda x, **how: F.interpolate(x, **{**how, "antialias": False})),
        registers_check,
    ),
    Bug(
        "GELU for CLIP's quick GELU",
        "CLIP ports",
        lambda mp: mp.setattr(clip.MLP, "forward", lambda self, x: self.down(F.gelu(self.up(x)))),
        clip_check,
    ),
    Bug(
        "a caption ends with its last column",
        "CLIP ports: padding read as the sentence",
        replace(clip.TextTower, "forward", end_is_last),
        clip_check,
    ),
    Bug(
        "an action is read off its own token",
        "Decision Transformer ports: the policy is told the answer",
        replace(decision_transformer.DecisionTransformer, "forward", action_from_its_own_token),
        decision_check,
    ),
]
assert mistral
