"""What any program pays: fetching alone, fetching and parsing. Imports nothing of ticketd."""

from __future__ import annotations

import email
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Any

from imapclient import IMAPClient

from tests.bench.process import timed
from tests.servers.dovecot import Account

BATCH = 50


def fetching(account: Mapping[str, Any]) -> dict[str, Any]:
    """Every mail fetched, in batches, and thrown away."""
    with timed() as watch:
        count = sum(1 for _ in _fetched(account))
    return {"mails": count, "wall": watch.wall, "cpu": watch.cpu}


def parsing(account: Mapping[str, Any]) -> dict[str, Any]:
    """Every mail fetched and read with the standard library: addresses, subject, texts, files."""
    with timed() as watch:
        count = sum(_read(content) for content in _fetched(account))
    return {"mails": count, "wall": watch.wall, "cpu": watch.cpu}


def _fetched(account: Mapping[str, Any]) -> Iterator[bytes]:
    with Account(**account).client() as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        for start in range(0, len(uids), BATCH):
            yield from _batch(client, uids[start : start + BATCH])


def _batch(client: IMAPClient, uids: list[int]) -> list[bytes]:
    return [answer[b"BODY[]"] for answer in client.fetch(uids, ["BODY.PEEK[]"]).values()]


def _read(content: bytes) -> int:
    """What a bare script would read of a mail (compat32, the library's fastest way)."""
    mail: Message = email.message_from_bytes(content)
    for name in ("From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"):
        mail.get(name)
    for part in mail.walk():
        if not part.is_multipart():
            part.get_payload(decode=True)
            part.get_filename()
    return 1
