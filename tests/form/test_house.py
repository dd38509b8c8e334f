"""The house: layers hold, what the README shows exists, nothing is skipped in silence."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headway.cli.app import commands

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_layers_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_two_classes_have_one_name():
    """The architectures aside: each is one file, to be read beside its paper, and has an Attention and a Block of its own."""
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "headway").rglob("*.py")):
        if path.relative_to(ROOT).parts[1] in ("models", "course"):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert len(places) > 100
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_the_readme_names_only_commands_there_are():
    named = set(re.findall(r"(?<!from )headway ([a-z][a-z-]*)", README))
    assert named
    assert named <= set(commands()), named - set(commands())


def test_links_of_the_readme_and_docs_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_skip_is_listed_with_its_reason():
    """Skips in the tests stand in tests/skipped.md with "until when"; a new one fails here until it is listed."""
    listed = (ROOT / "tests" / "skipped.md").read_text(encoding="utf-8")
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path == Path(__file__):
            continue
        if re.search(r"pytest\.(skip|importorskip|xfail)|mark\.(skip|skipif|xfail)", path.read_text(encoding="utf-8")):
            assert path.name in listed, f"{path.name} skips something and is not in tests/skipped.md"


@pytest.mark.parametrize("pattern", [r"/work/", r"/root/", r"https?://[^ /]*(pypi|pythonhosted)"])
def test_no_machine_or_registry_is_named(pattern):
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    if listed.returncode:
        names = [str(path.relative_to(ROOT)) for path in (ROOT / "headway").rglob("*.py")]
    else:
        names = listed.stdout.split("\n")
    for name in names:
        path = ROOT / name
        if "fixtures" in path.parts or path == Path(__file__) or not path.exists():
            continue  # other people's files are theirs, byte for byte
        if name.endswith((".py", ".md", ".toml", ".json", ".txt")):
            found = re.search(pattern, path.read_text(encoding="utf-8"))
            assert not found, f"{name} names {found[0]}"
