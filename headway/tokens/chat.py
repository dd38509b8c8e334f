"""Chat templates: a conversation becomes the text a checkpoint was trained on, by the Jinja program it ships.

The program is somebody else's code: it runs sandboxed, cannot change what it is given, and sees no files.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from headway.base.errors import HeadwayError

Message = Mapping[str, Any]
"""``{"role": "user", "content": "..."}``; a template may know further fields."""


def render(template: str, messages: Sequence[Message], *, where: str = "this model", **facts: Any) -> str:
    """The text of `messages` under `template`.

    Args:
        template: The Jinja source.
        messages: The conversation, oldest first.
        where: Whose template it is, for the error.
        facts: What else the template may read: `add_generation_prompt`, `bos_token`, `eos_token`, `tools`, ...

    Raises:
        HeadwayError: one line, if the template is broken, or refuses the conversation.
    """
    import jinja2

    for message in messages:
        if not isinstance(message, Mapping) or "role" not in message:
            raise HeadwayError(f"a message is a mapping with a role and a content, not {message!r:.80}")
    try:
        return _compiled(template).render(messages=messages, **facts)
    except _Refused as error:
        raise HeadwayError(f"the chat template of {where} refuses this conversation: {error}") from error
    except (
        jinja2.TemplateError,
        TypeError,
        ValueError,
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
    ) as error:
        line = " ".join(str(error).split())
        raise HeadwayError(f"the chat template of {where} fails ({type(error).__name__}: {line})") from error


class _Refused(Exception):
    """The template itself says that the conversation is not one it can render."""


def _raise_exception(message: str) -> None:
    raise _Refused(" ".join(str(message).split()))


def _strftime_now(form: str) -> str:
    import datetime

    return datetime.datetime.now().strftime(form)


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    # Jinja's own escapes for HTML; models were trained on plain JSON.
    import json

    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


@functools.lru_cache(maxsize=16)
def _compiled(template: str):
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """``{% generation %}``: marks what the assistant said, for training; here it changes nothing."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation]
    )
    environment.filters["tojson"] = _tojson
    helpers = {"raise_exception": _raise_exception, "strftime_now": _strftime_now}
    return environment.from_string(template, globals=helpers)
