"""House models: small models of our own, which come with Headway, each beside the record of how it came to be.

    headway train NAME --into runs; python -m headway.evals.house runs/<run>

turns a finished run of the preset NAME into ``headway/house/NAME``: config.json, model.safetensors in bfloat16, tokenizer.json,
metrics.csv and loss.png of the run, and house.json with the recipe, the machine, the checksums, and the evaluation, which
is of the weights as they are shipped: rounded, and loaded from those files again.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from headway.base.errors import HeadwayError
from headway.base.files import checksum, replacing, write_text
from headway.base.reading import read_json_object
from headway.data.pairs import load_pairs
from headway.data.text import load_text, split
from headway.evals.record import commit_of
from headway.evals.speed import machine
from headway.sample.rewrite import rewritten, writing_of
from headway.train.config import PRESET_FOLDER, TrainConfig
from headway.train.folder import RunFolder
from headway.train.losses import cross_entropy
from headway.weights import export_folder
from headway.zoo import HOUSE, Loaded, house, load

RECORD = "house.json"
CAP = 12_000_000
"""The most bytes that all house models together may take."""
SAMPLE = 2000
"""Characters of held-out text, or as many hundredths of pairs, that a house model carries to be checked on without a network."""


def pack(run: Path) -> Path:
    """Make the finished `run` the house model of its name; the folder."""
    source = RunFolder.open(run)
    facts, config = source.facts(), source.config()
    if config.name not in HOUSE:
        raise HeadwayError(f"{run} is a run of {config.name}; house models are {', '.join(HOUSE)}")
    if "result" not in facts:
        raise HeadwayError(f"{run} has not finished: headway train --resume {run}")
    folder = house(config.name)
    folder.mkdir(parents=True, exist_ok=True)
    trained = load(run / "model", dtype=torch.float32)
    export_folder(trained.model.to(torch.bfloat16), folder)
    _keep_ends(run / "model" / "config.json", folder / "config.json")
    words = [path.name for path in sorted((run / "model").glob("tokenizer*.json"))]
    for name, place in [("metrics.csv", run), ("loss.png", run), *((name, run / "model") for name in words)]:
        with replacing(folder / name) as temporary:
            shutil.copyfile(place / name, temporary)
    shipped = load(folder)
    record = {
        "name": config.name,
        "command": f"headway train {config.name}",
        "commit": commit_of(PRESET_FOLDER / f"{config.name}.toml", last_change=True),
        "made": facts.get("finished"),
        "machine": {key: value for key, value in machine().items() if key not in ("load", "cuda", "kernels")},
        "parameters": sum(weight.numel() for weight in shipped.model.parameters()),
        "run": facts["result"],
        "evaluation": evaluate(shipped, config),
        "sample": _sample(shipped, config),
        "config": config.to_dict(),
        "sha256": {name: checksum(folder / name) for name in ("config.json", "model.safetensors", *words)},
    }
    write_text(folder / RECORD, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return folder


def evaluate(loaded: Loaded, config: TrainConfig) -> dict[str, Any]:
    """The model on what it was not trained on: all held-out text, or all held-out pairs."""
    if config.objective == "seq2seq":
        pairs = held_out_pairs(config)
        said = translate(loaded, [source for source, _ in pairs])
        right = sum(text == target for text, (_, target) in zip(said, pairs, strict=True))
        wrong = [
            {"source": source, "meant": target, "said": text}
            for text, (source, target) in zip(said, pairs, strict=True)
            if text != target
        ]
        return {"exact": right / len(pairs), "pairs": len(pairs), "decoding": "greedy", "wrong": wrong[:10]}
    return text_loss(loaded, split(load_text(config.data.text), config.data.held_out)[1])


def text_loss(loaded: Loaded, text: str) -> dict[str, Any]:
    """Nats per token and bits per character of `text`, in rows as long as the model's context, each read by itself."""
    ids = torch.tensor(loaded.encode(text))
    context = loaded.model.config.context
    rows = [ids[at : at + context + 1] for at in range(0, len(ids) - 1, context)]
    total, count = 0.0, 0
    with torch.inference_mode():
        for at in range(0, len(rows), 16):
            part = torch.nn.utils.rnn.pad_sequence(rows[at : at + 16], batch_first=True, padding_value=-100)
            logits = loaded.model(part[:, :-1].clamp(min=0))
            total += float(cross_entropy(logits.flatten(0, 1), part[:, 1:].flatten()))
            count += sum(len(row) - 1 for row in rows[at : at + 16])
    said = len(loaded.words.decode(ids[1:].tolist()))
    return {"loss": total / count, "tokens": count, "bits_per_character": total / said / math.log(2)}


def translate(loaded: Loaded, sources: Sequence[str], *, batch: int = 100) -> list[str]:
    """What `headway.use.rewrite` makes of each text without beams; many together, those of about one length."""
    writing = writing_of(loaded.where, loaded.words)
    order = sorted(range(len(sources)), key=lambda n: len(sources[n]))
    found = [""] * len(sources)
    for at in range(0, len(order), batch):
        places = order[at : at + batch]
        rows = [torch.tensor(loaded.encode(sources[place])) for place in places]
        source = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = torch.arange(source.shape[1]) < torch.tensor([len(row) for row in rows])[:, None]
        said = rewritten(loaded.model, source, mask, writing=writing, max_tokens=12)
        for place, ids in zip(places, said, strict=True):
            found[place] = loaded.words.decode(writing.kept(ids))
    return found


def held_out_pairs(config: TrainConfig) -> list[tuple[str, str]]:
    """The pairs that a run with these settings never trains on."""
    pairs = load_pairs(config.data.pairs)
    return pairs[round(len(pairs) * (1 - config.data.held_out)) :]


def _sample(loaded: Loaded, config: TrainConfig) -> dict[str, Any]:
    """Something small and fixed, with what the model reaches on it: to be checked at once and offline."""
    if config.objective == "seq2seq":
        pairs = held_out_pairs(config)[: SAMPLE // 20]
        said = translate(loaded, [source for source, _ in pairs])
        right = sum(text == target for text, (_, target) in zip(said, pairs, strict=True))
        return {"pairs": len(pairs), "exact": right / len(pairs)}
    text = split(load_text(config.data.text), config.data.held_out)[1][:SAMPLE]
    return {"text": text, **text_loss(loaded, text)}


def _keep_ends(theirs: Path, ours: Path) -> None:
    """Which ids begin and end a target stands in the config.json of the run, and not in the model."""
    known = read_json_object(theirs)
    facts = read_json_object(ours)
    facts |= {key: value for key, value in known.items() if key.endswith(("_token_id", "_words_ids"))}
    write_text(ours, json.dumps(facts, indent=2) + "\n")


def main(runs: Sequence[str]) -> int:
    """Pack each run and say what it reaches."""
    for run in runs:
        folder = pack(Path(run))
        record = read_json_object(folder / RECORD)
        kept = {key: value for key, value in record["evaluation"].items() if key != "wrong"}
        print(folder, kept)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
