"""docs/look.md does what it says: every block of Python runs and prints what stands below it, every command draws its picture."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cyclopts import App

from headway import look
from headway.cli import look as command
from headway.cli.app import main

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "look.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", GUIDE, flags=re.DOTALL)
COMMANDS = re.findall(r"(headway look [^`\n]+)`? \|", GUIDE)


@pytest.mark.parametrize(("code", "printed"), BLOCKS)
def test_a_block_does_what_it_says(code, printed, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/look.md", "exec"), {})
    out = capsys.readouterr().out
    assert out.strip()
    if printed:
        assert out == printed


@pytest.mark.parametrize("line", [line for line in COMMANDS if "shakespeare-char" in line or "--memory" in line])
def test_a_command_draws_its_picture(line, capsys):
    assert main(shlex.split(line)[1:]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) > 2
    told = {"--off": "off", "--scale": "times", "--norm ": "norms after", "--patch": "is that of"}
    for option, words in told.items():
        if option in line:
            assert any(words in said for said in out[1:3])


def test_every_picture_and_every_option_is_told():
    pictures = set(command.Which.__dataclass_fields__)
    assert set(re.findall(r"^\| `--(\w+)` \|", GUIDE, flags=re.MULTILINE)) == pictures
    assert all(hasattr(look, name) for name in pictures)
    assert len(COMMANDS) >= 6
    app: App = command.app
    for line in COMMANDS:
        app.parse_args(shlex.split(line)[2:], exit_on_error=False, print_error=False)


def test_the_five_lines_of_the_package_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    doc = look.__doc__ or ""
    lines = [line.strip() for line in doc.splitlines() if line.startswith("    ")]
    code = "\n".join(lines).replace("smollm2-135m", "shakespeare-char")
    exec(compile(code, "headway/look", "exec"), {})
    assert (tmp_path / "attention.png").read_bytes().startswith(b"\x89PNG")
    assert "blocks.1.attn" in capsys.readouterr().out
