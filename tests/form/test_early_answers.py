"""What a command can say without PyTorch it says without: lists, and what is wrong with a command line."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import headway.cli
from headway.cli.shared.options import Options

SLOW = ("torch", "transformers", "marimo", "matplotlib", "huggingface_hub")
"""Libraries that take seconds, or tenths, to import."""

LISTS = """
models
models llama
claims
claims scale
claims show encdec-vs-rnn
claims --topic attention
runs
papers
papers list
fetch
diff gpt2 llama
diff gpt2 llama --code
train
judge --help
check --list
plan
next
review --list
tour --help
"""

REFUSED = """
models lama                                                     llama
diff gpt2 lama                                                  llama
claims skale                                                    scale
claims show skale                                               scale
reproduce skale                                                 scale
reproduce scale --seeds x                                       --seeds
reproduce scale --seed-count 0                                  --seed-count
reproduce scale --seed-count 1.5                                whole number
reproduce scale --jobs 0                                        --jobs
reproduce scale --out a-file                                    a-file
fetch nosuch                                                    nosuch
train nosuch                                                    nosuch
train nosuch.toml                                               nosuch.toml
train char-gpt --set steps=0                                    steps
train char-gpt --set steps=1.5                                  steps
train char-gpt --set nosuch=1                                   nosuch
train --resume nosuch                                           nosuch
runs nosuch                                                     nosuch
run nosuch hello                                                nosuch
run ./nosuch hello                                              nosuch
run shakespeare-char hello --temperature -1                     temperature
run shakespeare-char hello --temperature nan                    temperature
run shakespeare-char hello --top-p 0                            top-p
run shakespeare-char hello --top-k -1                           top-k
run shakespeare-char hello --top-k 2.5                          whole number
run shakespeare-char hello --min-p 2                            min-p
run shakespeare-char hello --repetition-penalty 0               repetition-penalty
run shakespeare-char hello --max-tokens 0                       --max-tokens
run shakespeare-char hello --max-tokens 1e2                     whole number
run shakespeare-char hello --seed 99999999999999999999          --seed
run shakespeare-char hello --dtype foo                          dtype
run shakespeare-char hello --device foo                         device
run shakespeare-char hello --with nosuch.py                     nosuch.py
run shakespeare-char hello --beams 0                            --beams
run shakespeare-char hello --beams 2                            --beams
run shakespeare-char hello --language en                        --language
run numbers-gru 12 --raw                                        --raw
run vit-s-focus nosuch.png                                      nosuch.png
run whisper-tiny-en nosuch.wav                                  nosuch.wav
chat nosuch                                                     nosuch
chat numbers-gru                                                numbers-gru
chat --top-p 3                                                  top-p
chat --dtype foo                                                dtype
export nosuch folder                                            nosuch
export shakespeare-char folder --dtype foo                      dtype
export shakespeare-char a-file                                  a-file
bench decod                                                     decode
bench decode nosuch                                             nosuch
bench decode bert                                               bert
bench decode numbers-gru                                        numbers-gru
bench decode --against pytorch                                  transformers
bench decode --against mambapy                                  mambapy
bench decode --no-head                                          --no-head
bench decode --dtype foo                                        dtype
bench decode --device foo                                       device
bench decode --rounds 0                                         --rounds
bench decode --rounds 1.5                                       whole number
bench decode --tokens 1                                         --tokens
bench decode --prompt-tokens 0                                  --prompt-tokens
bench decode --threads 0                                        --threads
bench decode --layers 2                                         --layers
bench decode mamba --layers 0                                   --layers
bench decode --steps 20                                         --steps
bench decode --json a-file/b.json                               --json
bench rows nosuch                                               nosuch
bench rows --dtype foo                                          dtype
bench rows --rounds 0                                           --rounds
bench nanogpt nosuch                                            nosuch
bench nanogpt --steps 3                                         --steps
bench nanogpt --seeds 0                                         --seeds
check nosuch                                                    nosuch
check --seed 1.5                                                whole number
hint nosuch                                                     nosuch
reset nosuch                                                    nosuch
solution nosuch                                                 nosuch
watch nosuch                                                    nosuch
judge audit nosuch                                              nosuch
read nosuch                                                     nosuch
read attention --port 70000                                     port
test-out nosuch                                                 nosuch
skip nosuch                                                     nosuch
look nosuch hello                                               nosuch
look shakespeare-char                                           a text
look shakespeare-char hello --nosuch                            --nosuch
look shakespeare-char hello --seed 3                            --seed
look shakespeare-char hello --lens --tokens                     one picture
look shakespeare-char hello --layer 1.5                         whole number
look shakespeare-char hello --lens --layer 3                    --layer
look shakespeare-char hello --off nonsense                      nonsense
look shakespeare-char hello --off norm=post                     --off
look shakespeare-char hello --scale 3                           --scale
look shakespeare-char hello --norm pre                          --norm
look shakespeare-char hello --patch x                           --patch
look shakespeare-char hello -o x                                should end in
look shakespeare-char hello -o a-file/x.png                     a-file
look shakespeare-char hello --target x                          --target
look shakespeare-char --memory --target x                       --target
look shakespeare-char hello --lens --temperature 0.5            --temperature
look shakespeare-char hello --sampling --temperature -1         temperature
look shakespeare-char hello --sampling --top-k 2.5              whole number
look shakespeare-char --memory --off 3                          --off
look shakespeare-char --diagram --with a.py                     --with
look shakespeare-char --diagram hello                           hello
look shakespeare-char hello --no-browser                        --open
look shakespeare-char hello --open -o x.html                    -o
look shakespeare-char hello --open --patch 1:0=x                --patch
look shakespeare-char hello --open --layer 1                    --layer
look shakespeare-char hello --dtype foo                         dtype
look shakespeare-char hello --with nosuch.py                    nosuch.py
look shakespeare-char hello --patches                           --patches
look shakespeare-char hello --alignment                         --alignment
look shakespeare-char one two --likeness                        --likeness
look minilm-l6 one --likeness                                   two
look minilm-l6 hello --sampling                                 --sampling
look vit-s-focus nosuch.png                                     nosuch.png
look vit-s-focus a-file a-file                                  one file
look vit-s-focus a-file --lens                                  --lens
look whisper-tiny-en nosuch.wav                                 nosuch.wav
papers show nosuch                                              nosuch
papers import nosuch.bib                                        nosuch.bib
"""

RUNNER = f"""
import contextlib, io, json, sys
from headway.cli.app import main
for line in sys.stdin.read().splitlines():
    said, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
        code = main(line.split())
    loaded = [name for name in {SLOW!r} if name in sys.modules]
    print(json.dumps([code, said.getvalue(), wrong.getvalue(), loaded]), flush=True)
    for name in loaded:
        del sys.modules[name]
    if loaded:
        break
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A workspace, with a file where a folder may be asked for."""
    folder = tmp_path_factory.mktemp("early")
    made = subprocess.run(
        [sys.executable, "-m", "headway", "start", "--into", folder, "--quiet"], capture_output=True, check=False
    )
    assert made.returncode == 0, made.stderr
    (folder / "a-file").write_text("mine")
    return folder


def answers(lines: list[str], home: Path) -> list[tuple[int, str, str, list[str]]]:
    """What each command line, run one after another in one fresh process, answers; the last is the first that loads a library."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input="\n".join(lines),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_lists_come_without_what_is_slow_to_import(home):
    lines = LISTS.split("\n")[1:-1]
    found = answers(lines, home)
    for line, (code, said, wrong, loaded) in zip(lines, found, strict=False):
        assert not loaded, f"headway {line} imports {loaded}"
        assert code == 0, f"headway {line}: {wrong}"
        assert said, f"headway {line}"
    assert len(found) == len(lines)


def test_what_is_wrong_is_one_line_without_what_is_slow_to_import(home):
    rows = [line.rsplit("   ", 1) for line in REFUSED.split("\n")[1:-1]]
    lines = [words.strip() for words, _ in rows]
    found = answers(lines, home)
    for line, (_, says), (code, _, wrong, loaded) in zip(lines, rows, found, strict=False):
        assert not loaded, f"headway {line} imports {loaded}"
        assert code == 2, f"headway {line} ends with {code}"
        assert len(wrong.splitlines()) == 1, wrong
        assert says.strip() in wrong, f"headway {line}: {wrong}"
    assert len(found) == len(lines)
    assert (home / "a-file").read_text() == "mine"


def test_no_command_rounds_a_number():
    """Every whole number of a command line is `Whole`: a bare int would be read by cyclopts, which rounds 1.5."""
    seen = 0
    for path in Path(headway.cli.__file__).parent.glob("*.py"):
        app = getattr(importlib.import_module(f"headway.cli.{path.stem}"), "app", None)
        if app is None:
            continue
        below = [app[word] for word in app if not word.startswith("-")]
        for command in [app, *below]:
            function = command.default_command
            if function is None:
                continue
            for name, hint in get_type_hints(function, include_extras=True).items():
                if name != "return":
                    assert not _bare(hint), f"{path.stem}: {name}"
                    seen += _whole(hint)
            assert inspect.signature(function)
    for name, hint in get_type_hints(Options, include_extras=True).items():
        assert not _bare(hint), name
        seen += _whole(hint)
    assert seen >= 15


def _bare(hint) -> bool:
    """Whether `int` stands there by itself."""
    if hint is int:
        return True
    if getattr(hint, "__metadata__", None) and any("converter" in repr(data) for data in hint.__metadata__):
        return False
    return any(_bare(part) for part in get_args(hint) if isinstance(part, type) or get_args(part))


def _whole(hint) -> int:
    return int("converter=<function _whole" in repr(hint))
