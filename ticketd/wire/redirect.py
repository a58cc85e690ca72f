"""Where a browser comes back to after a sign-in: a page on loopback that takes one code (RFC 8252 §7.3).

Nothing but this machine can reach it, and it says nothing of what it was told. Knows nothing
of what the code is good for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

_PAGE = b"<!doctype html><title>ticketd</title><p>Thank you. You can close this page now.</p>"


class Redirect:
    """A listener on a free port; ``url`` is where to send the browser back to."""

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        heard = self._heard

        class Page(BaseHTTPRequestHandler):
            """Notes the address that was asked for."""

            timeout = 10

            def do_GET(self) -> None:
                heard.put(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(_PAGE)))
                self.end_headers()
                self.wfile.write(_PAGE)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the address holds the code."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="redirect", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def listen_to(self, lines: Iterable[str]) -> None:
        """Take pasted addresses, too: the browser may run on another machine."""

        def read() -> None:
            for line in lines:
                self._heard.put(line.strip())

        threading.Thread(target=read, name="pasted", daemon=True).start()

    def wait(self, seconds: float) -> dict[str, str]:
        """What the next address carries, as a browser wrote it; raises ``TimeoutError``."""
        try:
            return dict(parse_qsl(urlsplit(self._heard.get(timeout=seconds)).query))
        except queue.Empty:
            raise TimeoutError("nobody came back from the browser") from None
        except ValueError:
            return {}
