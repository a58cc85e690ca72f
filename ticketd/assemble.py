"""Put a desk together from its settings: the store, open and migrated, and the policy.

The one place where the config's secrets become signing keys and the templates are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ticketd.config import Settings
from ticketd.decide.policy import Policy
from ticketd.store import Store
from ticketd.texts_files import load as load_texts


@dataclass(frozen=True, slots=True)
class Assembly:
    """A desk ready to work."""

    settings: Settings
    store: Store
    policy: Policy


def policy_of(settings: Settings, store: Store) -> Policy:
    """The policy of these settings on this database; ConfigError for a template that is wrong."""
    desk = store.desk()
    keys = desk.keys
    if settings.signing_key is not None:
        configured = (settings.signing_key, *settings.previous_signing_keys)
        keys = (*(_key(secret.read()) for secret in configured), *keys)
    return settings.policy(desk.instance, keys, load_texts(settings.templates.dir))


def _key(secret: str) -> bytes:
    """A signing key of 32 bytes from a secret of any length."""
    return hashlib.sha256(secret.encode()).digest()


@contextmanager
def assembled(settings: Settings) -> Iterator[Assembly]:
    """Open and migrate the database, and close it in the end."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store.open(settings.database_url)
    try:
        store.migrate()
        yield Assembly(settings, store, policy_of(settings, store))
    finally:
        store.close()
