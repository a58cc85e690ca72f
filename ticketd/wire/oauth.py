"""Asking a token endpoint: one form, one JSON answer, within bounds (RFC 6749 §3.2, §5).

Over verified TLS, no redirects, no more than 64 KB, no longer than the patience given. What
is sent and received are secrets: nothing of it is ever logged. Knows nothing of grants.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ticketd.errors import Unavailable
from ticketd.wire import tls

if TYPE_CHECKING:
    import httpx2

PATIENCE = 30.0  # seconds for one answer
_LONGEST = 65_536  # bytes of an answer


def ask(url: str, form: Mapping[str, str], patience: float = PATIENCE) -> tuple[int, dict[str, Any]]:
    """Post ``form``; the status and the JSON object that came, empty where none did.

    Raises ``Unavailable`` for an endpoint that cannot be reached, trusted or waited for.
    """
    import httpx2  # slow to import, and only for those who sign in this way

    host = urlsplit(url).hostname or url
    try:
        with (
            httpx2.Client(verify=tls.context(None), timeout=patience) as client,
            client.stream("POST", url, data=dict(form), headers={"Accept": "application/json"}) as answer,
        ):
            return answer.status_code, _document(_body(answer, time.monotonic() + patience))
    except httpx2.TimeoutException:
        raise Unavailable(f"{host} does not answer in time") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise Unavailable(f"{host} {_why(error)}") from None


def _body(answer: httpx2.Response, end: float) -> bytes:
    """The answer's bytes, while there are not too many and they do not take too long."""
    body = b""
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > _LONGEST or time.monotonic() > end:
            return b""
    return body


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
