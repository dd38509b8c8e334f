"""The process in which chat templates run: one request a line on standard input, one answer a line on standard output.

A template is a program that came with somebody's weights. Here it is sandboxed, and what it may use is bounded: `SECONDS` of
processor time and `MEMORY` bytes for each text, after which the process ends (`chat.render` says so in one line and starts a
new one). Linux bounds both; macOS does not hold a process to its memory, and Windows to neither: there the clock alone ends
it. It imports nothing of Headway, so that it starts quickly: run it as ``python template_process.py``.

    {"template": ..., "facts": {"messages": [...], ...}}  ->  {"text": ...} or {"refused": ...} or {"fails": ...}
"""

from __future__ import annotations

import datetime
import functools
import json
import signal
import sys
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

SECONDS = 1.0
MEMORY = 512 << 20
LONGEST = 4_000_000
"""Characters of a text."""


class TemplateRefused(Exception):
    """The template itself says that the conversation is not one it can render."""


class Generation(Extension):
    """``{% generation %}``: marks what the assistant said, for training; here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Any) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class Namespace(jinja2.utils.Namespace):
    """Jinja's, without names that begin with an underscore, which lead into Python."""

    def __init__(*args: Any, **values: Any) -> None:
        self, rest = args[0], args[1:]
        attributes = dict(*rest, **values)
        for name in attributes:
            Namespace._check(name)
        jinja2.utils.Namespace.__init__(self, attributes)

    def __setitem__(self, name: str, value: Any) -> None:
        Namespace._check(name)
        super().__setitem__(name, value)

    @staticmethod
    def _check(name: Any) -> None:
        if isinstance(name, str) and name.startswith("_"):
            raise SecurityError(f"a namespace takes no name that begins with an underscore, like {name!r}")


class Dictionary:
    """``dict(...)`` and ``dict.fromkeys(...)``, and nothing else of the class."""

    def __call__(self, *args: Any, **values: Any) -> dict:
        return dict(*args, **values)

    def fromkeys(self, *args: Any) -> dict:
        return dict.fromkeys(*args)


def raise_exception(message: Any) -> None:
    raise TemplateRefused(" ".join(str(message).split()))


def strftime_now(form: str) -> str:
    return datetime.datetime.now().strftime(form)


def tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """Plain JSON, which models were trained on; Jinja's own escapes what HTML needs."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


@functools.lru_cache(maxsize=16)
def compiled(template: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation]
    )
    environment.filters["tojson"] = tojson
    helpers = {"raise_exception": raise_exception, "strftime_now": strftime_now}
    return environment.from_string(template, globals={**helpers, "dict": Dictionary(), "namespace": Namespace})


def answer(request: dict[str, Any]) -> dict[str, str]:
    """The text of one request, or why there is none."""
    try:
        text = compiled(request["template"]).render(**request["facts"])
    except TemplateRefused as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"fails": f"it needs more than {MEMORY >> 20} MiB"}
    except Exception as error:  # whatever somebody else's program raises is one line
        return {"fails": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
    if len(text) > LONGEST:
        return {"fails": f"it writes {len(text):,} characters, and {LONGEST:,} is the most"}
    return {"text": text}


def bound_memory() -> None:
    """Set the limit, where the system has one."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):  # a system that counts otherwise: the time still holds
        pass


def main() -> None:
    bound_memory()
    timed = hasattr(signal, "setitimer")
    if timed:
        # Nothing handles the signal: it ends the process even in the middle of one long operation of C.
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for line in sys.stdin:
        if timed:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            found = json.dumps(answer(json.loads(line)))
        except (MemoryError, RecursionError) as error:
            found = json.dumps({"fails": f"{type(error).__name__}"})
        if timed:
            signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(found + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
