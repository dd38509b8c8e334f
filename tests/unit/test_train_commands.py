"""`headway train` and `headway runs` as they are typed: begin, look, stop, go on, compare; and what each refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support.training import some_text

from headway.cli.app import main

SMALL = ("steps=6", "batch=4", "precision=float32", "eval_every=3", "save_every=2", "eval_rows=8", "sample_every=3")
MODEL = ("model.width=16", "model.n_layer=1", "model.n_head=2", "data.context=16", "schedule.warmup=2")


def settings(text, *more: str) -> list[str]:
    return [f"--set={key}" for key in (*SMALL, *MODEL, f"data.text={text}", *more)]


@pytest.fixture
def typed(monkeypatch, capsys, tmp_path):
    """Run a command in this process, in an empty folder of its own: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


def refused(answer, *said: str) -> None:
    """Exit code 2 and one line."""
    code, out, err = answer
    assert code == 2, (out, err)
    assert not out
    assert len(err.strip().splitlines()) == 1, err
    for part in said:
        assert part in err


@pytest.fixture
def text(tmp_path):
    return some_text(tmp_path / "text.txt", 800)


def only_run(home):
    (folder,) = (path for path in (home / "runs").iterdir() if path.is_dir())
    return folder


def test_without_a_name_the_presets_are_listed(typed):
    code, out, _ = typed("train")
    assert code == 0
    assert "char-gpt" in out
    assert "gpt2" in out


def test_a_run_from_the_first_word_to_the_last(typed, text, tmp_path):
    code, out, err = typed("train", "char-gpt", *settings(text))
    assert code == 0, err
    folder = only_run(tmp_path)
    assert "held-out loss" in out
    assert str(folder.relative_to(tmp_path)) in out
    for name in ("config.json", "metrics.jsonl", "metrics.csv", "loss.png", "samples.txt", "checkpoint", "model"):
        assert (folder / name).exists(), name
    lines = (folder / "metrics.csv").read_text().splitlines()
    assert len(lines) == 1 + len((folder / "metrics.jsonl").read_text().splitlines())
    assert {"step", "loss", "held_out", "tokens"} <= set(lines[0].split(","))
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")

    # What it says to try, tried: the trained model completes a text, in its own alphabet.
    code, out, err = typed("run", folder / "model", "the ", "--max-tokens", 5, "--temperature", 0)
    assert code == 0, err
    assert 0 < len(out.rstrip("\n")) <= 5
    for run in (folder, folder.name, "last"):
        assert typed("run", run, "the ", "--max-tokens", 5, "--temperature", 0)[:2] == (0, out)

    code, out, _ = typed("runs")
    assert code == 0
    assert folder.name in out
    assert "6/6" in out
    assert "finished" in out
    code, out, _ = typed("runs", "show", "last")
    assert code == 0
    assert typed("runs", "last")[:2] == (0, out)
    assert "model.width = 16" in out
    assert "after step" in out

    # Longer than was meant at first.
    code, out, err = typed("train", "--resume", "last", "--set", "steps=8")
    assert code == 0, err
    assert json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 8

    code, _, err = typed("train", "char-gpt", *settings(text, "optimiser.lr=0.1", "name=other"))
    assert code == 0, err
    code, out, _ = typed("runs", "plot", folder.name, "last", "--over", "tokens", "--out", tmp_path / "both.png")
    assert code == 0
    assert out.count("best held-out loss") == 2
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")


def test_settings_can_be_seen_and_kept_in_a_file(typed, text, tmp_path):
    code, out, _ = typed("train", "char-gpt", "--show", "--set", "model.width=64", "--set", "steps=7")
    assert code == 0
    shown = json.loads(out)
    assert (shown["model"]["width"], shown["steps"]) == (64, 7)
    assert not (tmp_path / "runs").exists()
    (tmp_path / "mine.toml").write_text('name = "mine"\nsteps = 9\n[model]\nname = "gpt2"\nwidth = 32\n')
    code, out, _ = typed("train", tmp_path / "mine.toml", "--show")
    assert code == 0
    assert (json.loads(out)["steps"], json.loads(out)["model"]["width"]) == (9, 32)


def test_what_is_refused(typed, text, tmp_path):
    refused(typed("train", "chargpt"), "Did you mean 'char-gpt'")
    refused(typed("train", "char-gpt", "--resume", "last"), "not both")
    refused(typed("train", "--resume", "last"), "no run")
    refused(typed("train", "char-gpt", "--set", "stepz=3"), "stepz", "steps")
    refused(typed("train", "char-gpt", "--set", "steps"), "=")
    refused(typed("train", "char-gpt", "--set", "steps=many"), "steps")
    refused(typed("train", "char-gpt", "--set", "steps=0"), "steps")
    refused(typed("train", "char-gpt", *settings(text, "model.width=15")), "15 is not a multiple of 2")
    refused(typed("train", "char-gpt", "--show", "--set", "model.wide=30"), "Did you mean 'width'")
    refused(typed("train", "char-gpt", "--set", f"data.text={tmp_path / 'nowhere.txt'}"), "nowhere.txt")
    (tmp_path / "bad.toml").write_text("steps = = 3")
    refused(typed("train", tmp_path / "bad.toml"), "bad.toml")
    (tmp_path / "tiny.txt").write_text("ab")
    refused(typed("train", "char-gpt", *settings(tmp_path / "tiny.txt")))
    refused(typed("runs", "plot"), "headway runs plot")
    refused(typed("runs", "plot", "nothing"), "nothing")
    refused(typed("runs", "show", "nothing"), "nothing")
    code, out, _ = typed("runs")
    assert (code, "yet" in out) == (0, True)


def test_ctrl_c_saves_and_resume_goes_on(typed, text, tmp_path):
    steps = settings(text, "steps=4000", "save_every=100000", "eval_every=0", "sample_every=0", "log_every=7")
    environment = {**os.environ, "HEADWAY_CACHE": str(tmp_path / "cache"), "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "headway", "train", "char-gpt", *steps],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not any((tmp_path / "runs").glob("*/metrics.jsonl")) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    stopped = int(re.search(r"stopped after step (\d+)", err)[1])
    assert "Traceback" not in err
    folder = only_run(tmp_path)
    code, out, _ = typed("runs")
    assert f"{stopped}/4000" in out
    assert "can go on" in out
    refused(typed("run", folder, "the "), "has no finished model yet", f"goes on after step {stopped}")
    end = stopped + 3
    code, _, err = typed("train", "--resume", folder, "--set", f"steps={end}")
    assert code == 0, err
    assert json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["step"] == end
