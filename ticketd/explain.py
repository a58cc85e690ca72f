"""Why a mail went where it went, and what one would do if it arrived now; changes nothing.

Reads the desk's past through a view, decides as the daemon does, and throws the effects
away. A file that cannot be read or decided is said to be so and the next one follows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from stat import S_ISFIFO, S_ISREG
from typing import Any

from ticketd.config import Settings
from ticketd.decide.context import Clues, Context
from ticketd.decide.model import Envelope, Message
from ticketd.decide.parse import parse
from ticketd.decide.policy import Policy
from ticketd.decide.rules import RULES, Decision, decide, read_clues
from ticketd.errors import NotFound, TicketdError
from ticketd.explain_words import effect_json, message_json
from ticketd.store import Store

Json = dict[str, Any]

_CHUNK = 1 << 20
_RULES = tuple(rule.__name__ for rule in RULES)


@dataclass(frozen=True, slots=True)
class Explainer:
    """A desk to ask what it would do. ``store`` is None where no database was made yet."""

    policy: Policy
    store: Store | None

    def file(self, path: Path, mailbox: str | None, now: datetime) -> Json:
        """What would happen if the mail in this file arrived now; ``error`` says why not."""
        document = _empty(path)
        try:
            content, document["sha256"] = _read(path, self.policy.limits.message_size)
        except OSError as error:
            return document | {"error": f"cannot read {document['file']}: {error.strerror or error}"}
        cause = f"explain/{document['sha256']}"

        def arrives(message: Message) -> Envelope:
            return Envelope(mailbox or self.mailbox_of(message), now, cause)

        return document | self._told(content, arrives, now)

    def _told(self, content: bytes, arrive: Callable[[Message], Envelope], now: datetime) -> Json:
        """Decide and tell; whatever a mail provokes is told too, and is no reason to stop."""
        try:
            message = parse(content, self.policy.limits)
            envelope = arrive(message)
            decision = self.decision(message, envelope, now)
            shown = message_json(message, decision, envelope.received_at)
            return {"mailbox": envelope.mailbox, "message": shown, **_reasons(decision)}
        except TicketdError as error:
            return {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - no mail makes it stop, its error says what it provoked
            return {"error": f"cannot be decided: {type(error).__name__}: {error}"}

    def decision(self, message: Message, envelope: Envelope, now: datetime) -> Decision:
        """What the desk would decide."""
        hand = envelope.item or None  # a mail that came is no duplicate of itself
        clues = read_clues(message, envelope.mailbox, self.policy)
        return decide(message, envelope, clues, self._context(clues, now, hand), self.policy, now)

    def _context(self, clues: Clues, now: datetime, hand: int | None) -> Context:
        if self.store is None:
            return Context(next_ticket=1, folders=dict.fromkeys(clues.folders, ()))
        from ticketd.store.lookup import Looking

        with self.store.view() as view:
            return Looking(view.connection).context(clues, now, hand)

    def mailbox_of(self, message: Message) -> str:
        """The mailbox that this mail was addressed to, the first one where none is."""
        for one in (*message.delivered_to, *message.to, *message.cc):
            local, _, domain = one.key.rpartition("@")
            base = f"{local.partition('+')[0]}@{domain}"
            for name, mailbox in self.policy.mailboxes.items():
                if {one.key, base} & mailbox.keys:
                    return name
        return next(iter(self.policy.mailboxes))

    def message_id(self, wanted: str, mailbox: str | None, now: datetime) -> Iterator[Json]:
        """Every mail with this Message-ID that came, as recorded and as it would be decided today.

        Raises NotFound where none came and we sent none.
        """
        wanted = wanted if wanted.startswith("<") else f"<{wanted}>"
        if self.store is None:
            raise NotFound(f"no mail {wanted} was ever seen: there is no database yet")
        with self.store.view() as view:
            rows = view.ledger(mailbox, wanted)
            sent = [row for row in view.outbox() if row["message_id"] == wanted] if not rows else []
        if not rows and not sent:
            raise NotFound(f"no mail {wanted} was ever seen{f' in {mailbox}' if mailbox else ''}")
        for row in rows:
            yield self._recorded(row, now)
        for row in sent:
            yield {"message_id": wanted, "outbox": row, "error": None}

    def _recorded(self, row: Mapping[str, Any], now: datetime) -> Json:
        """One ledger row: what became of the mail, and the trace of its decision."""
        from ticketd.collect.intake import envelope_of

        assert self.store is not None
        document = _empty(None) | {"sha256": row["sha256"], "ledger": dict(row)}
        if row["mailbox"] not in self.policy.mailboxes:
            return document | {"error": f"the mailbox {row['mailbox']} is no longer in the config"}
        try:
            with self.store.view() as view:
                mail = view.mail(row["id"])
        except NotFound as error:
            return document | {"error": str(error)}
        return document | self._told(mail.content, lambda _: envelope_of(mail), now)


def _empty(path: Path | None) -> Json:
    """A document in which nothing is known yet."""
    return {
        "file": os.fsencode(path).decode("utf-8", "replace") if path else None,
        "sha256": None,
        "message": None,
        "identity": "unknown",
        "proof": "none",
        "thread": {"ticket": None, "by": "new"},
        "effects": [],
        "error": None,
    }


def _reasons(decision: Decision) -> Json:
    """The decision and why: the contract's keys, and beside them why.

    ``passed`` are the rules that were not concerned, in order, ``rule`` the one that was.
    """
    identity, placement = decision.identity, decision.placement
    return {
        "identity": str(identity.who),
        "proof": str(identity.proof),
        "standing": str(identity.standing) if identity.standing else None,
        "authentication": identity.authentication.sign,
        "thread": {"ticket": placement.ticket, "by": placement.by, "perhaps": placement.perhaps},
        "trace": list(placement.trace),
        "passed": list(takewhile(lambda name: name != decision.rule, _RULES)),
        "rule": decision.rule,
        "effects": [effect_json(one) for one in decision.effects],
    }


def _read(path: Path, most: int) -> tuple[bytes, str]:
    """A mail's bytes, not many more than ``most`` of them, and the digest of all."""
    digest, kept = hashlib.sha256(), bytearray()
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not (S_ISREG(mode) or S_ISFIFO(mode)):
            raise OSError("it is not a file")
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if len(kept) <= most:
                kept += chunk
    return bytes(kept), digest.hexdigest()


@contextmanager
def explainer(settings: Settings) -> Iterator[Explainer]:
    """A desk to ask, opened without making or changing anything."""
    from ticketd.assemble import policy_of
    from ticketd.texts_files import load as load_texts

    store = _existing(settings)
    try:
        if store is None:
            texts = load_texts(settings.templates.dir)
            yield Explainer(settings.policy("nobody", (b"explain",), texts), None)
        else:
            yield Explainer(policy_of(settings, store), store)
    finally:
        if store is not None:
            store.close()


def _existing(settings: Settings) -> Store | None:
    """The database, None where none was made yet; TicketdError where its schema is an old one."""
    try:
        store = Store.open(settings.database_url, create=False)
    except NotFound:
        return None
    current = store.schema_current()
    if current == store.schema_head():
        return store
    store.close()
    if current is None:
        return None
    raise TicketdError(f"the database {store.where} has an older schema: run `ticketd db upgrade` first")
