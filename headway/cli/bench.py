"""``headway bench decode NAME --against transformers``: speed, both in one run, A B A B."""

from __future__ import annotations

import dataclasses
import importlib
import statistics
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.table import Table

from headway.base.console import out
from headway.base.errors import HeadwayError, did_you_mean
from headway.cli.shared import bench_nanogpt
from headway.cli.shared.bench_rows import rows
from headway.cli.shared.measuring import machine_line, progress, write
from headway.zoo import DEFAULT, load, parse_device, parse_dtype

app = cyclopts.App(name="bench", help="Measure speed against others, in one interleaved run.")

PROMPT = "Explain in simple words how a transformer reads a sentence."


@app.default
def bench(
    kind: str,
    name: str | None = None,
    /,
    *,
    against: str | None = None,
    dtype: Annotated[list[str], Parameter(negative=(), show_default=False)] = [],  # noqa: B006
    tokens: int = 48,
    prompt_tokens: int | None = None,
    rounds: int = 5,
    layers: int | None = None,
    memory: Annotated[bool, Parameter(negative=())] = False,
    head: bool = True,
    products: Annotated[bool, Parameter(negative=())] = False,
    threads: int | None = None,
    device: str | None = None,
    json: Path | None = None,
    steps: int | None = None,
    ablate: Annotated[bool, Parameter(negative=())] = False,
    seeds: int | None = None,
) -> int:
    """Measure a model's speed, alone or against another implementation of the same weights.

    Both run in one process, in turns; what counts is the median of the ratios of neighbours. The exit code is 1 where
    Headway is not ahead.

    Parameters
    ----------
    kind
        decode (tokens a second after the first), prefill (of reading a prompt into a cache), forward (of the logits of a
        whole text) or train (of a forward and a backward pass). nanogpt: nanoGPT's laptop run, a GPT-2 of transformers in a
        plain loop, ours, and a preset with our choices (NAME; char-gpt-fast), by turns on one clock; minutes. rows: forward,
        train and decode of every architecture (or of NAME) with two layers against transformers; minutes.
    name
        A name (smollm2-135m, which it is if nothing is given), a folder, a .gguf file, or a Hugging Face id; or an
        architecture or one of its sizes (mamba, mamba-130m), with random weights.
    against
        transformers; mambapy (mamba only); parallel (retnet, against its own parallel form). Without it, Headway alone.
    dtype
        float32, bfloat16, ...; can be given several times. Both of these by default.
    tokens
        How many tokens to decode in a round.
    prompt_tokens
        Length of the prompt: 16 for decode, 512 otherwise.
    rounds
        How often each runs; one more round, before, does not count.
    layers
        With random weights, how many layers instead of all.
    memory
        Measure peak memory too.
    head
        --no-head leaves out the last product, from states to logits, which all implementations share (forward and train).
    products
        Tell too how much of our time matrix products take, which all implementations share. The ratio divided by it is
        as far as it could go.
    threads
        How many threads PyTorch may use; its own choice by default.
    device
        cpu, cuda, cuda:1, mps.
    json
        Write everything measured to this file.
    steps
        For nanogpt: steps of the plain loop, which decide how long everybody trains (2,000).
    ablate
        For nanogpt: undo one of our choices at a time instead, at equal tokens. With --json, goes on where that file ends.
    seeds
        For nanogpt: how many seeds (1; of an ablation 3).
    """
    if kind == "rows":
        if rounds < 1 or (threads or 1) < 1 or len(dtype) > 1:
            raise HeadwayError("rows: --rounds and --threads are 1 or more, --dtype is given once.")
        return rows(name, dtype=dtype[0] if dtype else None, rounds=rounds, threads=threads, json=json)
    if kind == "nanogpt":
        if (steps or 10) < 10 or (seeds or 1) < 1 or (threads or 1) < 1:
            raise HeadwayError("--steps is 10 or more; --seeds and --threads are 1 or more.")
        run = bench_nanogpt.ablate if ablate else bench_nanogpt.compare
        return run(name or "char-gpt-fast", steps=steps, seeds=seeds, threads=threads, json=json)
    if steps is not None or ablate or seeds is not None:
        raise HeadwayError("--steps, --seeds and --ablate are for `headway bench nanogpt`.")
    name = name or DEFAULT

    if tokens < 2 or rounds < 1 or (threads is not None and threads < 1) or (prompt_tokens or 1) < 1:
        raise HeadwayError("--tokens is 2 or more; --rounds, --threads and --prompt-tokens are 1 or more.")

    import torch

    from headway.evals.speed import KINDS, REFERENCES, busy, machine
    from headway.evals.speed import bench as measure
    from headway.use.texts import must_speak

    if kind not in KINDS:
        known = [*KINDS, "nanogpt", "rows"]
        raise HeadwayError(f"there is no bench '{kind}'.{did_you_mean(kind, known)} Known: {', '.join(known)}.")
    if against is not None and against not in REFERENCES:
        raise HeadwayError(
            f"there is nothing to compare with called '{against}'.{did_you_mean(against, list(REFERENCES))} "
            f"Known: {', '.join(REFERENCES)}."
        )
    place = parse_device(device)
    hollow = _untrained(name, layers)
    if layers is not None and hollow is None:
        raise HeadwayError(f"--layers is for random weights: {name} has weights of its own, or is not an architecture.")
    dtypes = [parse_dtype(word) for word in dtype or ("float32", "bfloat16")]
    if threads is not None:
        torch.set_num_threads(threads)
    warning = busy()
    records, behind = [], False
    length = prompt_tokens or (16 if kind == "decode" else 512)
    for one in dtypes:
        if hollow is None:
            loaded = load(name, dtype=one, device=device)
            must_speak(loaded)
            model, prompt = loaded.model, _prompt(loaded, length, tokens, loaded.model)
        else:
            model = hollow().to(device=place, dtype=one).eval()
            prompt = torch.randint(0, model.config.vocab_size, (1, length), device=place)
        with progress(f"{kind} {str(one).removeprefix('torch.')}", rounds + 1) as tell:
            more = {"memory": memory, "head": head, "products": products}
            result = measure(kind, model, prompt, against=against, n=tokens, rounds=rounds, **more, tell=tell)
        records.append({"dtype": str(one).removeprefix("torch."), **result.record()})
        behind |= against is not None and result.ratio <= 1
    _show(kind, name, against, records)
    facts = machine()
    machine_line(facts, warning)
    if json is not None:
        write(
            json,
            {
                "bench": kind,
                "model": name,
                "layers": layers,
                "head": head,
                "prompt tokens": length,
                "tokens": tokens,
                "rounds": rounds,
                "machine": facts,
                "results": records,
            },
        )
    return 1 if behind else 0


def _untrained(name: str, layers: int | None):
    """What makes a model of the architecture or size called `name` with random weights; None if there is none of the name."""
    from headway.models.catalog import CATALOG

    for architecture, entry in CATALOG.items():
        if entry.kind != "decoder" or not name.startswith(architecture):
            continue
        sizes = importlib.import_module(f"headway.models.{architecture}").PRESETS
        size = next(iter(sizes)) if name == architecture else name
        if size in sizes:
            config = sizes[size] if layers is None else dataclasses.replace(sizes[size], n_layer=layers)
            return lambda: entry.load()[0](config)
    return None


def _prompt(loaded, length: int, tokens: int, model):
    """A prompt of exactly `length` tokens, the same sentence over and over."""
    import torch

    context = getattr(model.config, "context", None)
    if context is not None and length + tokens > context:
        raise HeadwayError(f"{length} + {tokens} tokens do not fit into the model's context of {context}.")
    ids = loaded.encode(PROMPT)
    device = next(model.parameters()).device
    return torch.tensor([(ids * (length // len(ids) + 1))[:length]], device=device)


def _show(kind, name, against, records) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"{kind} {name}, tokens/s", title_justify="left")
    table.add_column("")
    arms = list(records[0]["rates"])
    for arm in arms:
        table.add_column(arm, justify="right")
    if against:
        table.add_column("ratio", justify="right")
        table.add_column("range")
        table.add_column("" if kind != "decode" else "same tokens")
    if "peak bytes" in records[0]["notes"]:
        table.add_column("peak MB", justify="right")
    if "in products" in records[0]["notes"]:
        table.add_column("in products", justify="right")
    for record in records:
        row = [record["dtype"], *(f"{statistics.median(record['rates'][arm]):.1f}" for arm in arms)]
        if against:
            ratios = record["ratios"]
            row += [
                f"{record['ratio']:.2f}x",
                f"{min(ratios):.2f} to {max(ratios):.2f}",
                record["notes"].get("same tokens", ""),
            ]
        if "peak bytes" in record["notes"]:
            row.append(" / ".join(f"{size / 1e6:.0f}" for size in record["notes"]["peak bytes"].values()))
        if "in products" in record["notes"]:
            row.append(f"{record['notes']['in products']:.0%}")
        table.add_row(*row)
    out().print(table)
