"""``headway bench decode NAME --against transformers``: speed, both in one run, A B A B."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter
from rich.table import Table

from headway.base.console import out
from headway.base.errors import HeadwayError
from headway.cli.shared import bench_nanogpt
from headway.cli.shared.bench_rows import rows
from headway.cli.shared.measuring import machine_line, progress, ready, write
from headway.cli.shared.numbers import Whole
from headway.evals.request import FAST, SpeedRequest, at_least, check_file
from headway.zoo import DEFAULT, dtype_name

app = cyclopts.App(name="bench", help="Measure speed against others, in one interleaved run.")


@app.default
def bench(
    kind: str,
    name: str | None = None,
    /,
    *,
    against: str | None = None,
    dtype: Annotated[list[str], Parameter(negative=(), show_default=False)] = [],  # noqa: B006
    tokens: Whole = 48,
    prompt_tokens: Whole | None = None,
    rounds: Whole = 5,
    layers: Whole | None = None,
    memory: Annotated[bool, Parameter(negative=())] = False,
    head: bool = True,
    products: Annotated[bool, Parameter(negative=())] = False,
    threads: Whole | None = None,
    device: str | None = None,
    json: Path | None = None,
    steps: Whole | None = None,
    ablate: Annotated[bool, Parameter(negative=())] = False,
    seeds: Whole | None = None,
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
    at_least(1, rounds=rounds, threads=threads, seeds=seeds)
    check_file(json)
    if kind == "rows":
        if len(dtype) > 1:
            raise HeadwayError("rows: --dtype is given once.")
        return rows(name, dtype=dtype[0] if dtype else "float32", rounds=rounds, threads=threads, json=json)
    if kind == "nanogpt":
        at_least(10, steps=steps)
        run = bench_nanogpt.ablate if ablate else bench_nanogpt.compare
        return run(name or FAST, steps=steps, seeds=seeds, threads=threads, json=json)
    request = SpeedRequest(
        kind=kind,
        name=name or DEFAULT,
        against=against,
        dtypes=tuple(dtype_name(word) for word in dtype or ("float32", "bfloat16")),
        tokens=tokens,
        prompt_tokens=prompt_tokens,
        rounds=rounds,
        layers=layers,
        memory=memory,
        head=head,
        products=products,
        device=device,
    )
    if steps is not None or ablate or seeds is not None:
        raise HeadwayError("--steps, --seeds and --ablate are for `headway bench nanogpt`.")

    # This loads torch, and a mistake on the command line is told without.
    from headway.evals.speed import machine, measure

    warning = ready(threads)
    records = []
    for one in request.dtypes:
        with progress(f"{kind} {one}", rounds + 1) as tell:
            records.append(measure(request, one, tell=tell))
    _show(request, records)
    facts = machine()
    machine_line(facts, warning)
    if json is not None:
        about = {"bench": kind, "model": request.name, "layers": layers, "head": head, "prompt tokens": request.length}
        about |= {"tokens": tokens, "rounds": rounds}
        write(json, {**about, "machine": facts, "results": records})
    return 1 if any(record.get("ratio", 2) <= 1 for record in records) else 0


def _show(request: SpeedRequest, records: list[dict[str, Any]]) -> None:
    kind, against = request.kind, request.against
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"{kind} {request.name}, tokens/s", title_justify="left")
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
