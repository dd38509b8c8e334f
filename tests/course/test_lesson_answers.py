"""No lesson shows an exercise's answer before it is passed: its code is compared, names aside, with every solution."""

from __future__ import annotations

import ast
import functools
import textwrap
from html.parser import HTMLParser

import pytest
from support.lessons import WRITTEN, outputs_of

from headway.learn.exercise import exercises


class Code(HTMLParser):
    """The code blocks of a page: the text of every ``<pre>``, and of the code of every ``figure.hw-noted``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.depth = {"pre": 0, "figure": 0, "code": 0}

    def handle_starttag(self, tag, attributes):
        if tag in self.depth:
            kind = dict(attributes).get("class") or ""
            if (tag == "pre" and not self.depth["pre"]) or (tag == "figure" and "hw-noted" in kind):
                self.blocks.append("")
            self.depth[tag] += tag != "code" or "hw-code" in kind or self.depth["code"] > 0

    def handle_endtag(self, tag):
        if self.depth.get(tag):
            self.depth[tag] -= 1

    def handle_data(self, text):
        if self.depth["pre"] or (self.depth["figure"] and self.depth["code"]):
            self.blocks[-1] += text


def code_in(page: str) -> list[str]:
    parser = Code()
    parser.feed(page)
    return [textwrap.dedent(block) for block in parser.blocks]


class Plain(ast.NodeTransformer):
    """A function without its own choice of names: those it binds are numbered as they come, notes and types are gone."""

    def __init__(self, own: str) -> None:
        self.names: dict[str, str] = {own: "f"}

    def name(self, word: str) -> str:
        return self.names.setdefault(word, f"v{len(self.names)}")

    def visit_arg(self, node):
        return ast.arg(self.name(node.arg))

    def visit_Name(self, node):
        return ast.Name(
            self.name(node.id) if node.id in self.names or isinstance(node.ctx, ast.Store) else node.id, ast.Load()
        )

    def visit_AnnAssign(self, node):
        if node.value is None:
            return None
        return self.visit(ast.Assign([node.target], node.value))


def plain(function: ast.FunctionDef) -> str:
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    mine = Plain(function.name)
    arguments = function.args
    given = [mine.name(each.arg) for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    told = [ast.dump(done) for each in body if (done := mine.visit(each)) is not None]
    return f"{len(given)} " + "\n".join(told)


def functions(text: str) -> list[ast.FunctionDef]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    # A body that only refuses, or that only says where another is, is nobody's answer.
    return [node for node in found if sum(1 for _ in ast.walk(node)) > 20]


@functools.cache
def answers() -> dict[str, str]:
    """Every solution's entry functions, and the methods of its classes, without their names -> the exercise."""
    found: dict[str, str] = {}
    for exercise in exercises().values():
        for text in exercise.styles.values():
            for function in functions(text):
                found.setdefault(plain(function), exercise.id)
    return found


def given_away(page: str) -> list[tuple[str, str]]:
    return [
        (function.name, answers()[shape])
        for block in code_in(page)
        for function in functions(block)
        if (shape := plain(function)) in answers()
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", WRITTEN)
def test_no_lesson_gives_an_answer_away(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWAY_WORKSPACE", raising=False)
    monkeypatch.setenv("HEADWAY_REVEAL", "1")
    page = outputs_of(name)
    assert len(page) > 2000
    assert not given_away(page)


def test_a_renamed_answer_with_types_and_a_docstring_is_recognised():
    exercise = exercises()["layer-norm/rms"]
    text = next(iter(exercise.styles.values()))
    function = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    renamed = ast.unparse(function).replace(f"def {function.name}", "def something_else")
    for n, argument in enumerate(function.args.args):
        renamed = renamed.replace(argument.arg, f"other{n}")
    page = f"<pre>{renamed.replace('<', '&lt;')}</pre>"
    assert given_away(page) == [("something_else", "layer-norm/rms")]
    assert not given_away(page.replace("+", "-"))
