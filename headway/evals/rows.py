"""Every architecture that `transformers` has too, on the same weights: forward, training step and decoding, one row each.

    a published size, two layers -> random weights -> exported and loaded there -> A B A B

Two layers keep a row to seconds; what a layer costs is what differs between two implementations of one.
"""

from __future__ import annotations

import dataclasses
import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from headway.base.errors import HeadwayError
from headway.evals.speed import Arm, compare, decode_rate, reference, their_decode_rate
from headway.models.catalog import entry

LAYERS, BATCH, LENGTH, PROMPT, DECODED, VOCABULARY = 2, 2, 256, 32, 32, 8192

Call = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class BenchRow:
    """One architecture at one size.

    Attributes:
        size: A key of the PRESETS of its architecture.
        changes: What is altered in it, where it has such a size.
        inputs: (configuration, generator) -> what our model is called with, in order, and theirs, by name.
        kinds: What is measured.
        architecture: Its name in the catalogue, if the row has another.
    """

    size: str
    changes: Call
    inputs: Callable[[Any, torch.Generator], tuple[list[Any], Call]]
    kinds: tuple[str, ...] = ("forward", "train")
    architecture: str = ""


def ids(high: int, generator: torch.Generator, length: int = LENGTH) -> Tensor:
    """Random ids (BATCH, length)."""
    return torch.randint(1, high, (BATCH, length), generator=generator)


def text(c: Any, g: torch.Generator) -> tuple[list[Any], Call]:
    tokens = ids(c.vocab_size, g)
    return [tokens], {"input_ids": tokens, "use_cache": False}


def encoded(c: Any, g: torch.Generator) -> tuple[list[Any], Call]:
    tokens = ids(c.vocab_size, g)
    return [tokens], {"input_ids": tokens}


def pair(c: Any, g: torch.Generator) -> tuple[list[Any], Call]:
    source, tokens = ids(c.vocab_size, g), ids(c.vocab_size, g, LENGTH // 2)
    return [source, tokens], {"input_ids": source, "decoder_input_ids": tokens, "use_cache": False}


def speech(c: Any, g: torch.Generator) -> tuple[list[Any], Call]:
    sound = torch.randn(1, c.mels, c.frames, generator=g)
    tokens = ids(c.vocab_size, g, 64)[:1]
    return [sound, tokens], {"input_features": sound, "decoder_input_ids": tokens, "use_cache": False}


def picture(c: Any, g: torch.Generator) -> tuple[list[Any], Call]:
    pixels = torch.randn(BATCH, c.channels, c.image, c.image, generator=g)
    return [pixels], {"pixel_values": pixels}


def caption(c: Any, g: torch.Generator) -> tuple[list[Any], Call]:
    pixels = torch.randn(BATCH, c.channels, c.image, c.image, generator=g)
    words = ids(c.vocab_size - 1, g, c.context)
    words[:, -1] = c.vocab_size - 1
    return [pixels, words], {"input_ids": words, "pixel_values": pixels}


def episode(c: Any, g: torch.Generator) -> tuple[list[Any], Call]:
    steps = 20
    returns, states, actions = (
        torch.randn(BATCH * 16, steps, n, generator=g) for n in (1, c.state_width, c.action_width)
    )
    times = torch.arange(steps).expand(BATCH * 16, steps)
    theirs = {"states": states, "actions": actions, "returns_to_go": returns, "timesteps": times}
    return [returns, states, actions, times], {**theirs, "attention_mask": torch.ones_like(times)}


ALL = ("forward", "train", "decode")
SMALL: Call = {"vocab_size": VOCABULARY, "n_layer": LAYERS}
WIDTH: Call = {**SMALL, "width": 768, "n_head": 12, "n_group": 4, "head_width": 64, "ff_width": 2048}
"""The sizes of a model of about a hundred million weights, for architectures whose smallest release is far larger."""
MARIAN: Call = {"interleaved": False, "head_bias": True}
"""Where the 2017 model that `transformers` has, MarianMTModel, departs from the paper."""

ROWS = {
    "transformer": BenchRow(size="transformer-base", changes={**SMALL, **MARIAN}, inputs=pair),
    "bert": BenchRow(size="bert-base", changes=SMALL, inputs=encoded),
    "roberta": BenchRow(size="roberta-base", changes=SMALL, inputs=encoded),
    "t5": BenchRow(size="t5-small", changes=SMALL, inputs=pair),
    "gpt2": BenchRow(size="gpt2", changes=SMALL, inputs=text, kinds=ALL),
    "llama": BenchRow(size="smollm2-135m", changes=SMALL, inputs=text, kinds=ALL),
    "mistral": BenchRow(size="mistral-7b", changes=WIDTH, inputs=text, kinds=ALL),
    "qwen": BenchRow(size="qwen3-0.6b", changes=WIDTH, inputs=text, kinds=ALL),
    "olmo2": BenchRow(size="olmo2-1b", changes=WIDTH, inputs=text, kinds=ALL),
    "gemma": BenchRow(size="gemma3-1b", changes={**WIDTH, "windows": (64, None)}, inputs=text, kinds=ALL),
    "mixtral": BenchRow(size="mixtral-8x7b", changes=WIDTH, inputs=text, kinds=ALL),
    "mamba": BenchRow(size="mamba-130m", changes=SMALL, inputs=text, kinds=ALL),
    "mamba2": BenchRow(size="mamba2-130m", changes=SMALL, inputs=text, kinds=ALL),
    "vit": BenchRow(size="vit-b16", changes={"n_layer": LAYERS}, inputs=picture),
    "dinov2": BenchRow(
        architecture="vit", size="dinov2-s14", changes={"n_layer": LAYERS, "image": 224}, inputs=picture
    ),
    "clip": BenchRow(size="clip-vit-b32", changes={"vocab_size": VOCABULARY}, inputs=caption),
    "whisper": BenchRow(size="whisper-tiny", changes={**SMALL, "vocab_size": 51865}, inputs=speech),
    "decision_transformer": BenchRow(size="gym-hopper", changes={}, inputs=episode),
}
"""Name -> row. RetNet, S4D and the recurrent models have no counterpart in `transformers`."""


def build(name: str, dtype: torch.dtype) -> Any:
    """A row's model, with weights drawn at random (seed 0)."""
    row = ROWS[name]
    kind = entry(row.architecture or name)
    presets = importlib.import_module(f"headway.models.{kind.name}").PRESETS
    torch.manual_seed(0)
    model = kind.load()[0](shrunk(presets[row.size], row.changes))
    model.reset(torch.Generator().manual_seed(0))
    return model.to(dtype).eval()


def shrunk(config: Any, changes: Call) -> Any:
    """A configuration with `changes`; CLIP's two towers lose their layers."""
    towers = {
        key: dataclasses.replace(value, n_layer=LAYERS)
        for key in ("vision", "text")
        if dataclasses.is_dataclass(value := getattr(config, key, None)) and not isinstance(value, type)
    }
    known = {field.name for field in dataclasses.fields(config)}
    plain = {key: value for key, value in {"dropout": 0.0, **changes}.items() if key in known}
    return dataclasses.replace(config, **towers, **plain)


def main_output(out: Any) -> Tensor:
    """What a call is for: logits, or states, or actions."""
    for key in ("logits", "prediction_logits", "logits_per_image", "action_preds", "actions", "pooler_output"):
        if (found := getattr(out, key, None)) is not None:
            return found
    return out[0] if isinstance(out, tuple) else out


def measure(
    name: str, *, rounds: int, dtype: torch.dtype = torch.float32, tell: Callable[[str], None] = lambda done: None
) -> dict[str, dict[str, Any]]:
    """Kind -> what `compare` measured for one row, in calls a second (decoding: tokens a second), with the largest difference.

    Raises HeadwayError if the two give different numbers: then there is nothing to compare.
    """
    row, model = ROWS[name], build(name, dtype)
    found: dict[str, dict[str, Any]] = {}
    with reference(model) as other:
        given, theirs = row.inputs(model.config, torch.Generator().manual_seed(1))
        given, theirs = [_cast(x, dtype) for x in given], {key: _cast(x, dtype) for key, x in theirs.items()}
        with torch.inference_mode():
            ours_said, they_said = main_output(model(*given)), main_output(other(**theirs))
        if ours_said.shape != they_said.shape:
            raise HeadwayError(f"{name}: ours gives {tuple(ours_said.shape)}, theirs {tuple(they_said.shape)}.")
        apart = float((ours_said - they_said).abs().max() / they_said.abs().max())
        if apart > (1e-3 if dtype == torch.float32 else 0.1):
            raise HeadwayError(f"{name}: ours and theirs differ by {apart:.1e} of the largest output.")
        for kind in row.kinds:
            tell(f"{name} {kind}")
            arms: dict[str, Arm]
            if kind == "decode":
                prompt = given[0][:1, :PROMPT]
                arms = {
                    "headway": lambda prompt=prompt: decode_rate(model, prompt, DECODED),
                    "transformers": lambda prompt=prompt: their_decode_rate(other, prompt, DECODED),
                }
            else:
                run = _forward if kind == "forward" else _train
                arms = {
                    "headway": lambda run=run: run(model, given, {}),
                    "transformers": lambda run=run: run(other, [], theirs),
                }
            unit = "tokens/s" if kind == "decode" else "calls/s"
            found[kind] = {**compare(arms, rounds=rounds, unit=unit).record(), "apart": apart}
    return found


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def _forward(model: Any, given: list[Any], named: Call) -> float:
    begun = time.perf_counter()
    with torch.inference_mode():
        model(*given, **named)
    return 1 / (time.perf_counter() - begun)


def _train(model: Any, given: list[Any], named: Call) -> float:
    """Forward and backward of the mean square of the output, without the optimiser's step."""
    begun = time.perf_counter()
    main_output(model(*given, **named)).float().square().mean().backward()
    rate = 1 / (time.perf_counter() - begun)
    model.zero_grad(set_to_none=True)
    return rate
