"""Exercises: found by path, read without importing anything.

An exercise is a folder ``headway/course/exercises/<topic>/<name>/`` with ``task.py`` (copied to the learner, who edits
it), ``solutions.py``, ``cases.py``, ``mistakes.py`` and ``hints.md``. Its id is ``<topic>/<name>``.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from headway.base.errors import HeadwayError, did_you_mean
from headway.base.lines import lines_of

FOLDER = Path(__file__).resolve().parent.parent / "course" / "exercises"
FILES = ("task.py", "solutions.py", "cases.py", "mistakes.py", "hints.md")


@dataclass(frozen=True)
class Exercise:
    """One exercise. Only the paths are known; everything else is read when asked for."""

    id: str
    folder: Path

    @property
    def topic(self) -> str:
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        return self.id.partition("/")[2]

    @property
    def task(self) -> Path:
        """The stub that is copied to the learner."""
        return self.folder / "task.py"

    @functools.cached_property
    def title(self) -> str:
        """The first line of the task's docstring."""
        return (lines_of(self.statement) or [self.id])[0].rstrip(".")

    @functools.cached_property
    def statement(self) -> str:
        """The task's docstring."""
        return ast.get_docstring(ast.parse(self.task.read_text(encoding="utf-8"))) or ""

    @functools.cached_property
    def order(self) -> int:
        """Its place within the topic: the literal ``ORDER = n`` of cases.py."""
        found = re.search(r"^ORDER\s*=\s*(\d+)", (self.folder / "cases.py").read_text(encoding="utf-8"), re.MULTILINE)
        return int(found[1]) if found else 100

    @functools.cached_property
    def hints(self) -> list[str]:
        """The sections of hints.md, in order: each begins with a line ``## ...``, which is not part of it. A section may begin
        with code, whose indent is kept."""
        text = (self.folder / "hints.md").read_text(encoding="utf-8")
        return [part.strip("\n").rstrip() for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]]

    @functools.cached_property
    def styles(self) -> dict[str, str]:
        """Right answers that differ in structure, by name: each the text of a whole file as a learner might write it.

        solutions.py holds ``<entry>__<style>`` for every style; what has no ``__`` in its name belongs to all of them.
        """
        source = (self.folder / "solutions.py").read_text(encoding="utf-8")
        tree, lines = ast.parse(source), lines_of(source, keep_ends=True)
        names: list[str] = []
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and "__" in node.name.strip("_"):
                style = node.name.rpartition("__")[2]
                if style not in names:
                    names.append(style)
        return {style: _one_style(tree, lines, style) for style in names}

    def load(self, part: str) -> ModuleType:
        """Import ``cases`` or ``mistakes`` by path. Never call it in a process that runs a learner's code."""
        return load_file(self.folder / f"{part}.py", f"headway_exercise.{self.id.replace('/', '.')}.{part}")


def _one_style(tree: ast.Module, lines: list[str], style: str) -> str:
    """The file of one style: the nodes of other styles left out, its own renamed to the plain entry."""
    out, last = [], 0
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        end = node.end_lineno or node.lineno
        name = getattr(node, "name", "")
        mine, _, its = name.rpartition("__")
        if mine and not name.startswith("__") and its != style:
            out.append("".join(lines[last:first]).rstrip() + "\n\n\n" if "".join(lines[last:first]).strip() else "")
        else:
            text = "".join(lines[last:end])
            if mine and its == style:
                text = re.sub(rf"\b{re.escape(name)}\b", mine, text)
            out.append(text)
        last = end
    return re.sub(r"\n{4,}", "\n\n\n", "".join(out).strip("\n")) + "\n"


def load_file(path: Path, name: str) -> ModuleType:
    """Import the file at `path` as the module `name`, afresh."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise HeadwayError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def sibling(file: str, part: str) -> ModuleType:
    """Another part of the same exercise: ``cases = sibling(__file__, "cases")`` in a mistakes.py."""
    folder = Path(file).resolve().parent
    return Exercise(f"{folder.parent.name}/{folder.name}", folder).load(part)


def exercises(folder: Path | None = None) -> dict[str, Exercise]:
    """Every exercise by id, in the order in which they are to be done: topics as on the path, then their ORDER."""
    root = FOLDER if folder is None else folder
    found = [
        Exercise(f"{path.parent.parent.name}/{path.parent.name}", path.parent)
        for path in sorted(root.glob("*/*/task.py"))
        if (path.parent / "cases.py").exists()
    ]
    topics = _topic_order()
    found.sort(key=lambda e: (topics.get(e.topic, len(topics)), e.topic, e.order, e.name))
    return {exercise.id: exercise for exercise in found}


@functools.cache
def _topic_order() -> dict[str, int]:
    """Topic id -> its place in path.toml, read by its ``[[topic]]``/``[topic.id]`` headings; empty where there is none."""

    path = FOLDER.parent / "path.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    topics = content.get("topic", content.get("topics", {}))
    ids = list(topics) if isinstance(topics, dict) else [row.get("id", "") for row in topics]
    return {name: n for n, name in enumerate(ids)}


def find_exercise(name: str, folder: Path | None = None) -> Exercise:
    """The exercise called `name`: its id, its last part where that is unique, or the path of the learner's file.

    Raises HeadwayError with the nearest name where there is none.
    """
    known = exercises(folder)
    asked = name.strip()
    if asked in known:
        return known[asked]
    path = Path(asked)
    if path.suffix == ".py":
        if path.name in FILES:
            asked = f"{path.absolute().parent.parent.name}/{path.absolute().parent.name}"
        else:
            asked = f"{path.absolute().parent.name}/{path.stem}"
        if asked in known:
            return known[asked]
        asked = path.stem
    plain = asked.replace("_", "-").lower()
    near = [e for e in known.values() if plain in (e.name.replace("_", "-"), e.id.replace("_", "-"))]
    if len(near) == 1:
        return near[0]
    if near:
        raise HeadwayError(f"'{name}' is the name of several exercises: {', '.join(e.id for e in near)}. Say which.")
    hint = did_you_mean(asked, [*known, *(e.name for e in known.values())])
    raise HeadwayError(f"there is no exercise '{name}'.{hint} `headway check --list` lists them.")
