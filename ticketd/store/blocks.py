"""Who is blocked: by their address, or after they were forgotten by a digest that only this desk can make."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import Connection, select

from ticketd.store.tables import desk

_FORM = "digest:"


def digest_of(address: str, key: bytes) -> str:
    """What stands for a folded address that must not be kept: no address looks like it."""
    return _FORM + hmac.new(key, b"block:" + address.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def blocked_as(connection: Connection, address: str) -> tuple[str, str]:
    """Both ways in which a folded address may be blocked: itself, and its digest."""
    key = connection.scalar(select(desk.c.signing_key)) or b""
    return address, digest_of(address, key)
