"""Asking a token endpoint: one form, one JSON answer, within bounds (RFC 6749 §3.2, §5).

Over verified TLS, no redirects, no more than 64 KB, no longer than the patience given. What
is sent and received are secrets: nothing of it is ever logged. Knows nothing of grants.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from ticketd.errors import Unavailable
from ticketd.wire import tls

if TYPE_CHECKING:
    import httpx2

PATIENCE = 30.0  # seconds for one answer
_LONGEST = 65_536  # bytes of an answer


def ask(url: str, form: Mapping[str, str], patience: float = PATIENCE) -> tuple[int, dict[str, Any]]:
    """Post ``form``; the status and the JSON object that came, empty where none did.

    Raises ``Unavailable`` for an endpoint that cannot be reached, trusted or waited for. All of it
    together takes no longer than ``patience``: whoever answers byte by byte is hung up on.
    """
    import httpx2  # slow to import, and only for those who sign in this way

    parts = urlsplit(url)
    host = parts.hostname or url
    proxied = parts.scheme == "https" and bool(getproxies())
    try:
        if not proxied:
            tls.resolve(host, parts.port or 443, patience)
        # in the clear there is only loopback, which no proxy may see
        client = httpx2.Client(verify=tls.context(None), timeout=patience, trust_env=parts.scheme == "https")
        with client, _hung_up(client, patience) as too_long:
            return _exchange(client, url, form, too_long)
    except (httpx2.TimeoutException, TimeoutError):
        raise Unavailable(f"{host} does not answer in time") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError, OSError) as error:
        raise Unavailable(f"{host} {_why(error)}") from None


@contextmanager
def _hung_up(client: httpx2.Client, patience: float) -> Iterator[threading.Event]:
    """Close the client when time is up, whatever it is waiting for."""
    too_long = threading.Event()

    def hang_up() -> None:
        too_long.set()
        client.close()

    timer = threading.Timer(patience, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield too_long
    except Exception as error:
        if too_long.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def _exchange(
    client: httpx2.Client, url: str, form: Mapping[str, str], too_long: threading.Event
) -> tuple[int, dict[str, Any]]:
    body = b""
    with client.stream("POST", url, data=dict(form), headers={"Accept": "application/json"}) as answer:
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > _LONGEST:
                return answer.status_code, {}
    if too_long.is_set():
        raise TimeoutError
    return answer.status_code, _document(body)


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _why(error: BaseException) -> str:
    """The reason underneath the library's error, in our words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError | OSError):
            return tls.explain(cause)
        cause = cause.__cause__ or cause.__context__
    return f"cannot be used: {tls.printable(str(error)) or type(error).__name__}"
