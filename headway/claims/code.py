"""Which code made a number: a fingerprint of exactly the definitions that a claim's units reach.

Comments, docstrings, layout, the picture, the thresholds and the prose do not count; a constant, a learning rate or a line
of a helper does. Read from the source, without importing anything.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import io
import tokenize
from pathlib import Path

from headway.base.lines import lines_of


def files(module: str, name: str = "unit") -> list[Path]:
    """The source files that `module`.`name` reaches."""
    found: dict[tuple[str, str], str] = {}
    _reach(module, name, found)
    return [Path(_origin(where)) for where in sorted({where for where, _ in found})]


def fingerprints(module: str, name: str = "unit") -> tuple[str, str]:
    """Two hashes of what `module`.`name` reaches: in `headway.claims`, and in the rest of headway.

    A change of the first means that the claim itself has changed; of the second, something that it stands on.
    """
    found: dict[tuple[str, str], str] = {}
    _reach(module, name, found)
    own, library = hashlib.sha256(), hashlib.sha256()
    for (where, what), source in sorted(found.items()):
        digest = own if where.startswith("headway.claims") else library
        digest.update(f"{where}.{what}={source}\0".encode())
    return own.hexdigest()[:16], library.hexdigest()[:16]


def _reach(module: str, name: str, found: dict[tuple[str, str], str]) -> None:
    """Add `name` of `module`, and everything it mentions, to `found`."""
    if (module, name) in found:
        return
    definitions, imported, text = _read(module)
    if name in imported:
        where, what = imported[name]
        if what is not None and what in _read(where)[0]:
            _reach(where, what, found)
        elif _exists(whole := f"{where}.{what}" if what else where):
            for each in _read(whole)[0]:
                _reach(whole, each, found)
        elif what is not None:
            _reach(where, what, found)  # re-exported: follow that module's own import
        return
    if name not in definitions:
        return
    found[module, name] = ""
    sources = []
    for node in definitions[name]:
        sources.append(_bare(text, node))
        inner = _imports(node)
        for where, what in inner.values():
            for each in [what] if what else list(_read(where)[0]):
                _reach(where, each, found)
        local = _bound(node)
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and child.id not in inner and child.id not in local:
                _reach(module, child.id, found)
    found[module, name] = "\n".join(sources)


@functools.cache
def _read(module: str) -> tuple[dict[str, list[ast.stmt]], dict[str, tuple[str, str | None]], str]:
    """Of one module: its top-level definitions, its imports from headway (name -> module, name there), its text."""
    text = Path(_origin(module)).read_text(encoding="utf-8")
    tree = ast.parse(text)
    definitions: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [child.id for target in node.targets for child in ast.walk(target) if isinstance(child, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        for each in names:
            definitions.setdefault(each, []).append(node)
    top = ast.Module(
        body=[node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], type_ignores=[]
    )
    return definitions, _imports(top), text


def _bound(node: ast.stmt) -> set[str]:
    """The names that a function or class binds itself: they hide the module's."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return set()
    stored = {child.id for child in ast.walk(node) if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)}
    return stored | {child.arg for child in ast.walk(node) if isinstance(child, ast.arg)}


def _imports(node: ast.AST) -> dict[str, tuple[str, str | None]]:
    """The names that imports from headway anywhere in `node` bind."""
    bound: dict[str, tuple[str, str | None]] = {}
    for child in ast.walk(node):
        if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == "headway":
            for alias in child.names:
                bound[alias.asname or alias.name] = (str(child.module), alias.name)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                if alias.name.split(".")[0] == "headway" and alias.asname:
                    bound[alias.asname] = (alias.name, None)
    return bound


def _origin(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(f"no source for {module}")
    return spec.origin


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _bare(text: str, node: ast.stmt) -> str:
    """The source of one definition without comments, docstrings, blank lines and layout."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    lines = "\n".join(lines_of(text)[first - 1 : node.end_lineno]) + "\n"
    documented = {
        each.body[0].lineno - first + 1
        for each in ast.walk(node)
        if isinstance(each, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and ast.get_docstring(each)
    }
    skip = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}
    kept = []
    for token in tokenize.generate_tokens(io.StringIO(lines).readline):
        if token.type in skip or (token.type == tokenize.STRING and token.start[0] in documented):
            continue
        kept.append({tokenize.INDENT: "{", tokenize.DEDENT: "}"}.get(token.type, token.string))
    # Joined without blanks: Python 3.12 cuts f-strings into pieces and 3.11 does not, and the hash has to be the same.
    return "".join(kept)
