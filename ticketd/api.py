"""The intake door over HTTP: open a ticket, ask whether all is well, scrape figures.

``POST /v1/tickets`` takes a chat transcript (contract, "Chat transcript") from whoever
has the token; ``/healthz`` and ``/metrics`` need none on loopback. A door, not a second
product: everything else is done by mail or on the command line.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse

from ticketd import __version__
from ticketd.collect.chat import Transcript, opening_of, read_transcript
from ticketd.collect.desk import Desk
from ticketd.decide.policy import Policy
from ticketd.errors import TicketdError, UsageError
from ticketd.metrics import Lately, metrics
from ticketd.store import Store

LARGEST = 1_000_000
"""Bytes of a request's body."""
PER_MINUTE = 120
"""Tickets that one minute may open; a chat tool that asks for more is told to wait."""
_LOOPBACK = ("127.0.0.1", "::1", "testclient")


class Pace:
    """At most so many in a minute, in whatever rhythm."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._left, self._at = float(per_minute), clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether one more may go now."""
        with self._lock:
            now = self._clock()
            self._left = min(self._per_minute, self._left + (now - self._at) * self._per_minute / 60)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Guard:
    """Lets in whoever has the token, and whoever is on this machine to look."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token  # "" where none is configured: then nobody has it

    def check_token(self, authorization: str = Header("")) -> None:
        """Raise 401 unless the request carries the token; compared in constant time."""
        scheme, _, given = authorization.partition(" ")
        right = self._token()
        same = hmac.compare_digest(given.strip().encode(), right.encode())
        if not (right and same and scheme.lower() == "bearer"):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise HTTPException(401, "give the token: Authorization: Bearer …", challenge)

    def check_nearness(self, request: Request, authorization: str = Header("")) -> None:
        """Raise 401 for a request from afar without the token."""
        if request.client is None or request.client.host not in _LOOPBACK:
            self.check_token(authorization)


def make_app(
    store: Store,
    policy: Callable[[], Policy],
    token: Callable[[], str],
    clock: Callable[[], datetime],
    pace: Pace | None = None,
) -> FastAPI:
    """The app. ``policy`` and ``token`` are asked anew each time: the config may be reloaded."""
    # FastAPI's pages of documentation load their scripts from afar; /openapi.json says the same.
    app = FastAPI(title="ticketd", version=__version__, docs_url=None, redoc_url=None)
    app.add_exception_handler(TicketdError, _tell)
    guard, rhythm = Guard(token), pace or Pace(PER_MINUTE)
    lately = Lately(store, clock)

    @app.post("/v1/tickets", status_code=201, dependencies=[Depends(guard.check_token)])
    async def open_ticket(request: Request, idempotency_key: str = Header("", max_length=200)) -> Any:
        """Open a ticket; the same Idempotency-Key again gives the same ticket."""
        content = await _body(request)
        if not rhythm.take():
            raise HTTPException(429, "too many tickets in a minute: try again", {"Retry-After": "30"})
        chat = read_transcript(content)
        return await run_in_threadpool(_open, store, policy(), clock, chat, idempotency_key)

    def found() -> dict[str, Any]:
        with store.view() as view:
            return view.status(tuple(policy().mailboxes), clock())

    @app.get("/healthz", dependencies=[Depends(guard.check_nearness)])
    def health(response: Response) -> dict[str, Any]:
        """200 healthy, 503 degraded; the words of ``ticketd status --json``."""
        status = found()
        response.status_code = 200 if status["healthy"] else 503
        return status

    @app.get("/metrics", dependencies=[Depends(guard.check_nearness)])
    def figures() -> PlainTextResponse:
        """Figures in Prometheus' text format."""
        shown = metrics(found(), lately())
        return PlainTextResponse(shown, media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


def _tell(_request: Request, error: Exception) -> JSONResponse:
    """What is wrong with the request, or that the desk cannot work just now."""
    return JSONResponse({"detail": str(error)}, 422 if isinstance(error, UsageError) else 503)


async def _body(request: Request) -> bytes:
    """The request's body, refused as soon as it is too large."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LARGEST:
            raise HTTPException(413, f"a transcript has at most {LARGEST} bytes")
    return bytes(content)


def _open(
    store: Store, policy: Policy, clock: Callable[[], datetime], chat: Transcript, key: str
) -> dict[str, Any]:
    desk = Desk(store, policy, clock)
    number = desk.open(opening_of(chat, desk), key)
    with store.view() as view:
        return view.ticket(number)
