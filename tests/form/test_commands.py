"""The command line as a person meets it: help without torch, one line for what is wrong, every command described once."""

from __future__ import annotations

import importlib
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import headway.cli
from headway.cli.app import GROUPS, commands, main

MODULES = sorted(
    path.stem
    for path in Path(headway.cli.__file__).parent.glob("*.py")
    if not path.stem.startswith("_") and path.stem != "app"
)


def test_the_table_and_the_modules_are_the_same():
    assert sorted(name.replace("-", "_") for name in commands()) == MODULES
    listed = [name for group in GROUPS.values() for name in group]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("name", MODULES)
def test_help_of_every_command(name, capsys):
    app = importlib.import_module(f"headway.cli.{name}").app
    assert app.name == (name.replace("_", "-"),)
    assert main([name.replace("_", "-"), "--help"]) == 0
    assert f"Usage: headway {name.replace('_', '-')}" in capsys.readouterr().out


@pytest.mark.parametrize("name", MODULES)
def test_help_says_what_every_argument_is_and_shows_no_empty_default(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    app = importlib.import_module(f"headway.cli.{name}").app
    below = [word for word in app if not word.startswith("-") and app[word].default_command is not None]
    for words in ([], *([word] for word in below)):
        main([name.replace("_", "-"), *words, "--help"])
        printed = capsys.readouterr().out
        assert not re.search(r"default: (\(\)|False|True|None)", printed)
        rows = [line.strip("│ \n") for line in printed.splitlines() if line.startswith("│")]
        for row in rows:
            assert not re.fullmatch(r"(\* +)?[A-Z]+( --\w+)?( +\[required\])?", row), f"{name}: {row} is not explained"


def run(*words: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "headway", *words], capture_output=True, text=True, timeout=600, **more
    )


def test_help_imports_no_torch_and_is_quick():
    code = "import sys; from headway.cli.app import main; main(['--help']); sys.exit('torch' in sys.modules)"
    best = min(_seconds(code) for _ in range(3))
    assert best < 0.5, f"headway --help took {best:.2f} s of a processor at best"


def _seconds(code: str) -> float:
    """Processor time, which other work on the machine does not lengthen as it does the time that passes."""
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr.decode()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def test_help_of_no_command_imports_torch():
    names = [name.replace("_", "-") for name in MODULES]
    code = f"""
import sys
from headway.cli.app import main
for name in {names!r}:
    main([name, "--help"])
    assert "torch" not in sys.modules, name
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tuor"], "Did you mean 'tour'?"),
        (["models", "lama"], "Did you mean 'llama'?"),
        (["diff", "llama", "llama"], "name two"),
        (["diff", "--cod"], "headway diff --help"),
        (["papers", "add", "--nothing"], "headway papers add --help"),
        (["doctor", "extra"], "`headway doctor` has no use for 'extra'. `headway doctor --help`"),
        (["export", "smollm2-135m"], "`headway export` needs FOLDER."),
        (["run"], "`headway run` needs NAME."),
        (["run", "x", "y", "--temperature", "warm"], '--temperature: "warm" is no number.'),
        (["claims", "preln"], "Did you mean 'pre-ln'?"),
        (["run", "nonsense", "hello"], "there is no model 'nonsense'"),
        (["read", "atention"], "Did you mean 'attention'?"),
        (["read", "attention", "--port", "99999"], "1 to 65535"),
    ],
)
def test_what_is_wrong_is_one_line(words, said, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stdout == ""


def test_debug_shows_where():
    done = run("models", "lama", "--debug")
    assert "Traceback" in done.stderr


def test_a_closed_pipe_is_quiet():
    done = subprocess.run(
        f"{sys.executable} -m headway models | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
