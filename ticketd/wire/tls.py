"""Verified TLS and patient dialling, for IMAP and SMTP alike (RFC 8314, RFC 9325).

Certificates are always verified, against the system's authorities or the operator's own.
Says in one sentence why a server cannot be reached. Knows nothing of what is spoken inside.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from ticketd.errors import Unavailable
from ticketd.wire import Server

CONNECT_TIMEOUT = 15.0  # seconds for name look-up, connecting and greeting together

_NOT_YET_VALID, _EXPIRED = 9, 10  # OpenSSL's X509_V_ERR_… numbers
_SELF_SIGNED, _SELF_SIGNED_ROOT, _NO_ISSUER, _NO_FIRST = 18, 19, 20, 21
_WRONG_NAME, _WRONG_ADDRESS = 62, 64
_UNTRUSTED = {
    _EXPIRED: "its certificate has expired",
    _NOT_YET_VALID: "its certificate is not valid yet",
    _WRONG_NAME: "its certificate is for another host",
    _WRONG_ADDRESS: "its certificate is for another host",
    _SELF_SIGNED: "its certificate is self-signed (unknown authority; ca_file can name your own)",
    _SELF_SIGNED_ROOT: "its certificate comes from an unknown authority (ca_file can name your own)",
    _NO_ISSUER: "its certificate comes from an unknown authority (ca_file can name your own)",
    _NO_FIRST: "its certificate comes from an unknown authority (ca_file can name your own)",
}


def context(ca_file: str | None) -> ssl.SSLContext:
    """A verifying context, TLS 1.2 or newer, that trusts ``ca_file`` if given, else the system's.

    Raises ``Unavailable`` when the file cannot be used.
    """
    return _context(ca_file, _changed(ca_file or ssl.get_default_verify_paths().cafile))


@lru_cache(maxsize=8)
def _context(ca_file: str | None, changed: int) -> ssl.SSLContext:
    """One context serves all connections: each reading of the system's authorities costs a megabyte."""
    try:
        made = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise Unavailable(f"the ca_file {ca_file} cannot be used: {_words(error)}") from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def _changed(path: str | None) -> int:
    """When a file was last written, in nanoseconds; 0 if it cannot be seen."""
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0


def wrap(sock: socket.socket, server: Server) -> ssl.SSLSocket:
    """Do the TLS handshake on ``sock``, verifying that it is ``server``; closes it on failure."""
    try:
        patience = sock.gettimeout()
        sock.settimeout(min(server.timeout if patience is None else patience, server.allowance.left))
        with server.allowance.waiting():
            wrapped = context(server.ca_file).wrap_socket(sock, server_hostname=server.host)
        wrapped.settimeout(patience)
        return wrapped
    except BaseException:
        sock.close()
        raise


def certificate(sock: socket.socket | None) -> dict[str, Any] | None:
    """The verified certificate of the far side; None where nothing is encrypted."""
    return dict(sock.getpeercert() or {}) if isinstance(sock, ssl.SSLSocket) else None


def reach(server: Server) -> socket.socket:
    """Connect to a server within its time-out and allowance; raises ``OSError``."""
    patience = min(CONNECT_TIMEOUT, server.timeout)
    with server.allowance.waiting():
        sock = dial(server.host, server.port, min(patience, server.allowance.left))
    sock.settimeout(patience)
    return sock


def dial(host: str, port: int, patience: float) -> socket.socket:
    """Connect within ``patience`` seconds altogether, whatever the resolver does; raises ``OSError``."""
    end = time.monotonic() + patience
    addresses = resolve(host, port, patience)
    failure: OSError = OSError("the name has no address")
    for left, (family, kind, protocol, _, address) in enumerate(addresses, start=-len(addresses)):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.01, (end - time.monotonic()) / -left))
            sock.connect(address)
        except OSError as error:
            failure = error
            sock.close()
        else:
            sock.settimeout(patience)
            _tune(sock)
            return sock
    raise failure


def resolve(host: str, port: int, patience: float) -> list[Any]:
    """Look a name up in a thread: ``getaddrinfo`` can neither be timed nor be cancelled."""
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answer.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    try:
        found = answer.get(timeout=patience)
    except queue.Empty:
        raise TimeoutError(f"no answer about the name {host}") from None
    if isinstance(found, UnicodeError):
        raise socket.gaierror(socket.EAI_NONAME, "not a host name")
    if isinstance(found, OSError):
        raise found
    return list(found)


def _tune(sock: socket.socket) -> None:
    """No delay for small commands; notice a peer that vanished while nothing was said."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def explain(error: BaseException) -> str:
    """Why a connection failed, as the end of a sentence that begins with the server's name."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _UNTRUSTED.get(error.verify_code, f"its certificate is not valid: {error.verify_message}")
        return f"cannot be trusted: {reason}"
    if isinstance(error, ssl.SSLError):
        return f"does not speak the TLS that we need: {_words(error)}"
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return f"cannot be used: {_words(error)}"


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "cannot be found: no such host name, or no name server answers"),
    (TimeoutError, "does not answer in time"),
    (ConnectionRefusedError, "refuses the connection: nothing listens there"),
    (ConnectionError, "broke the connection"),
)


def _words(error: BaseException) -> str:
    """The error's own words, without numbers, file positions and line breaks."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return printable(str(error)) or type(error).__name__


def printable(text: str | bytes, limit: int = 300) -> str:
    """A server's words as one line that is safe to log and to show."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = " ".join(text[: 4 * limit].split())
    return "".join(char if char.isprintable() else "?" for char in line)[:limit]
