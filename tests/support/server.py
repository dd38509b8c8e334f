"""What the doubles of servers on this machine share: real HTTP on a free port, answered by threads, without a word."""

from __future__ import annotations

import http.server
import threading


class LocalServer(http.server.ThreadingHTTPServer):
    """Answers by `handler` from `serve` on."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]):
        super().__init__(("127.0.0.1", 0), handler)

    def serve(self) -> None:
        """Begin to answer, in a thread: the last line of a subclass's `__init__`."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass


class SilentHandler(http.server.BaseHTTPRequestHandler):
    """Keeps a connection open, and its mouth shut."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass
