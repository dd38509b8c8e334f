"""Chat templates: a conversation becomes the text a checkpoint was trained on, by the Jinja program it ships.

The program is somebody else's code: it runs sandboxed, in a process of its own (`headway.tokens.template_process`) whose time
and memory are bounded; it cannot change what it is given, and sees no files.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headway.base.errors import HeadwayError

Message = Mapping[str, Any]
"""``{"role": "user", "content": "..."}``; a template may know further fields."""

PROGRAM = Path(__file__).with_name("template_process.py")

PATIENCE = 60.0 if hasattr(signal, "setitimer") else 10.0
"""Seconds of the clock after which the process is ended, whatever it waits for: its own limit is in processor time, where the
system can count that."""

REASONING = ("reasoning_content", "thinking", "reasoning")
"""What templates call the thoughts before an answer; the first is the name that most read."""


def render(template: str, messages: Sequence[Message], *, where: str = "this model", **facts: Any) -> str:
    """The text of `messages` under `template`.

    Args:
        template: The Jinja source.
        messages: The conversation, oldest first.
        where: Whose template it is, for the error.
        facts: What else the template may read: `add_generation_prompt`, `bos_token`, `eos_token`, ... A template may count on
            `tools` and `documents` being there, None where there are none.

    Raises:
        HeadwayError: one line, if the template is broken, refuses the conversation, or takes too much time or memory.
    """
    for message in messages:
        if not isinstance(message, Mapping) or "role" not in message:
            raise HeadwayError(f"a message is a mapping with a role and a content, not {message!r:.80}")
    if not messages:
        raise HeadwayError("a conversation needs at least one message")
    facts = {"tools": None, "documents": None, **facts, "messages": [_message(message) for message in messages]}
    try:
        request = json.dumps({"template": template, "facts": _plain(facts)})
    except RecursionError:
        raise HeadwayError("a message is nested too deeply to be a conversation") from None
    found = _PROCESS.ask(request)
    if found is None:
        raise HeadwayError(f"the chat template of {where} was stopped: it takes more time or memory than a text needs")
    if "refused" in found:
        raise HeadwayError(f"the chat template of {where} refuses this conversation: {found['refused']}")
    if "fails" in found:
        raise HeadwayError(f"the chat template of {where} fails ({found['fails']})")
    return found["text"]


def _message(message: Message) -> dict[str, Any]:
    """Without fields that say nothing, and with its reasoning under the names that templates read."""
    told = {key: value for key, value in message.items() if value is not None}
    thought = next((told[name] for name in REASONING if name in told), None)
    return told if thought is None else {"thinking": thought, **told, "reasoning_content": thought}


def _plain(value: Any) -> Any:
    """`value` of JSON's types alone; what is of none (a picture, a tensor) is named only: templates ask whether it is there."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value + 0
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


class _TemplateProcess:
    """The process that runs templates: started when first asked, kept for the next text, and ended with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, request: str) -> dict[str, str] | None:
        """The answer to one request; None where the process came to its end over it."""
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            clock = threading.Timer(PATIENCE, process.kill)
            clock.daemon = True
            clock.start()
            try:
                process.stdin.write(request.encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                line = b""
            finally:
                clock.cancel()
            if line.endswith(b"\n"):
                return json.loads(line)
            self._end()
            return None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():  # a fork has its parent's pipes, which are not its own to talk through
            self._process, self._owner = None, os.getpid()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C at a terminal is for the command, which goes on to use it
            )
            atexit.register(self.end)
        return self._process

    def end(self) -> None:
        """End the process, if it is this one's."""
        with self._lock:
            if self._owner == os.getpid():
                self._end()

    def _end(self) -> None:
        if self._process is None:
            return
        atexit.unregister(self.end)
        process, self._process = self._process, None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


_PROCESS = _TemplateProcess()
