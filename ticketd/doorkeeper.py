"""Keeps the HTTP door open while the daemon runs: a uvicorn in a thread of its own.

The API's packages are the extra ``http``; they are imported only where ``[http]`` is set.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from ticketd.config import Http
from ticketd.decide.policy import Policy
from ticketd.errors import ConfigError
from ticketd.store import Store

if TYPE_CHECKING:
    import uvicorn

log = structlog.get_logger()


class Door:
    """The server; ``start`` returns at once, ``stop`` waits for requests in hand."""

    def __init__(
        self,
        http: Http,
        store: Store,
        policy: Callable[[], Policy],
        token: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        """``policy`` and ``token`` are asked anew each time; ``address`` is the door's for good."""
        try:
            import uvicorn

            from ticketd.api import make_app
        except ImportError as error:
            raise ConfigError(
                f"[http] needs packages that are not here ({error.name}): install ticketd[http]"
            ) from None
        self.address = host, port = http.address
        app = make_app(store, policy, token, clock)
        settings = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, lifespan="off"
        )
        self._where = f"{host}:{port}"
        self._server: uvicorn.Server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # uvicorn's way to say that it cannot listen; the mail goes on
            log.exception("http cannot listen", address=self._where)

    def start(self) -> None:
        """Open the door."""
        self._thread.start()

    def stop(self) -> None:
        """Close it."""
        self._server.should_exit = True
        self._thread.join(5)
