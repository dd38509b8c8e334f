"""Pages served to this machine's own browser, for as long as the command runs: `read` and `look`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from typing import Any

from headway.base.console import err
from headway.base.errors import HeadwayError


def serve(request: dict[str, Any], title: str, address: str, told: Sequence[str] = (), *, browser: bool) -> int:
    """Start the server, say where it is once it answers, open the browser, and end it with this command.

    Args:
        request: What `headway.web.lesson_server` reads.
        title, address: Of the page that is opened.
        told: More lines to be said with it.
        browser: Whether to open a browser.

    Raises:
        HeadwayError: the server did not start, or ended by itself.
    """
    signal.signal(signal.SIGTERM, _leave)  # the page's server must not outlive its command
    # A group of its own: Ctrl-C ends this command, and this command ends the server. The search path does not begin with
    # the folder that the learner happens to stand in.
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "headway.web.lesson_server"], stdin=subprocess.PIPE, start_new_session=True
    ) as server:
        request_pipe = server.stdin
        assert request_pipe is not None
        try:
            request_pipe.write(json.dumps(request).encode() + b"\n")
            request_pipe.flush()
            if _answers(server, request["port"]):
                err().print(f"{title}: {address}", soft_wrap=True, markup=False, highlight=False)
                for line in told:
                    err().print(line, soft_wrap=True, markup=False)
                err().print("Ctrl-C closes it.")
                if browser and not webbrowser.open(address):
                    err().print("No browser could be opened from here: open the address above in one.")
            code = server.wait()
            raise HeadwayError(
                f"the lesson's server ended by itself (exit code {code}): `headway doctor` checks the installation"
            )
        except BrokenPipeError as error:
            raise HeadwayError("the lesson's server did not start: `headway doctor` checks the installation") from error
        except KeyboardInterrupt:
            return 0
        finally:
            request_pipe.close()  # which tells the server to end, with all that it has started
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until something answers on the port; False if the server ended before."""
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bindable(port: int) -> int:
    """The port that was asked for, if this process may serve on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise HeadwayError(
                f"port {port} cannot be used: {error.strerror}; leave --port out for a free one"
            ) from error
    return port
