"""Waiting in IDLE until the server, a caller or the clock speaks (RFC 2177; RFC 9051 §6.3.13).

imapclient's own ``idle_check`` takes a dead link for a quiet one and misses what came in the
same segment as the server's "+ idling"; hence this. Knows nothing of what the news is about.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable

from ticketd.wire.link import Link

LONGEST = 25 * 60.0  # seconds; a server may log us out after 30 minutes of IDLE


def wait(link: Link, seconds: float, wake_fd: int | None, news: Callable[[], bool]) -> bool:
    """IDLE until ``news`` is true of what the server said, ``wake_fd`` is readable or time is up.

    Returns whether ``news`` was true. Raises imaplib's errors and ``OSError`` as any command does.
    """
    end = time.monotonic() + min(seconds, LONGEST)
    if news():
        return True
    tag = _enter(link)
    heard = news()
    while not heard and _in_idle(link, tag) and _something_arrives(link, wake_fd, end):
        link.reader.begin()
        link._get_response()
        link._check_bye()
        heard = news()
    if _in_idle(link, tag):
        link.send(b"DONE\r\n")
    _complete(link, tag)
    return news() or heard


def _enter(link: Link) -> bytes:
    """Send IDLE and await the continuation; updates may come first."""
    tag: bytes = link._command("IDLE")
    while link._get_response() is not None:
        link._check_bye()
        if not _in_idle(link, tag):
            _complete(link, tag)
            raise link.abort("the server ended IDLE before it began")
    return tag


def _in_idle(link: Link, tag: bytes) -> bool:
    return link.tagged_commands.get(tag) is None


def _complete(link: Link, tag: bytes) -> None:
    answer, words = link._command_complete("IDLE", tag)
    if answer != "OK":
        raise link.error(b"".join(words))


def _something_arrives(link: Link, wake_fd: int | None, end: float) -> bool:
    """Wait; True when the server has said something, False when woken or out of time."""
    with selectors.DefaultSelector() as selector:
        selector.register(link.sock, selectors.EVENT_READ)
        if wake_fd is not None:
            selector.register(wake_fd, selectors.EVENT_READ)
        while not link.reader.waiting():
            ready = selector.select(max(0.0, end - time.monotonic()))
            if link.sock not in {key.fileobj for key, _ in ready}:
                return False
            _look(link)
    return True


def _look(link: Link) -> None:
    try:
        link.reader.look()
    except EOFError:
        raise link.abort("socket error: EOF") from None
