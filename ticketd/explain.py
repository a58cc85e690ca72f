"""Why a mail went where it went, and what one would do if it arrived now; changes nothing.

Reads the desk's past through a view, decides as the daemon does, and throws the effects
away. A file that cannot be read or decided is said to be so and the next one follows.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from stat import S_ISREG
from typing import Any

from ticketd.config import Settings
from ticketd.decide import tokens
from ticketd.decide.context import Clues, Context
from ticketd.decide.effects import Conclude
from ticketd.decide.model import Envelope, Message, Outcome, Verdict
from ticketd.decide.policy import Policy
from ticketd.decide.reading.parse import parse
from ticketd.decide.rules import RULES, Decision, decide, read_clues
from ticketd.errors import NotFound, TicketdError
from ticketd.explain_words import effect_json, message_json
from ticketd.store import Store
from ticketd.wire.fetch import HEADER_BYTES

Json = dict[str, Any]

_CHUNK = 1 << 20
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_RULES = tuple(rule.__name__ for rule in RULES)


@dataclass(frozen=True, slots=True)
class Explainer:
    """A desk to ask what it would do. ``store`` is None where no database was made yet."""

    policy: Policy
    store: Store | None

    def file(self, path: Path, mailbox: str | None, now: datetime) -> Json:
        """What would happen if the mail in this file arrived now; ``error`` says why not."""
        document, most = _empty(path), self.policy.limits.message_size
        try:
            content, document["sha256"] = _read(path, most)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            return document | {"error": f"cannot read {document['file']}: {reason}"}
        cause, complete = f"explain/{document['sha256']}", len(content) <= most
        if not complete:  # of so large a mail only the header would be fetched
            content = _header(content)

        def arrives(message: Message) -> Envelope:
            return Envelope(mailbox or self.mailbox_of(message), now, cause, complete=complete)

        return document | self._told(content, arrives, now)

    def _told(self, content: bytes, arrive: Callable[[Message], Envelope], now: datetime) -> Json:
        """Decide and tell; whatever a mail provokes is told too, and is no reason to stop."""
        try:
            message = parse(content, self.policy.limits)
            envelope = arrive(message)
            decision = self.decision(message, envelope, now)
            shown = message_json(message, decision, envelope.received_at)
            return {"mailbox": envelope.mailbox, "message": shown, **_reasons(message, decision)}
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

    def unknown(self, wanted: str, said: str) -> Json:
        """The document of what is neither a mail that was seen nor a file."""
        named = Path(wanted) if not wanted.startswith("<") else None
        return _empty(named) | {"message_id": wanted, "error": said}

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


def _thread(message: Message, decision: Decision) -> Json:
    """The ticket that the mail belongs to; a known mail and one of ours join none, and have one."""
    placement = decision.placement
    shown = {"ticket": placement.ticket, "by": placement.by, "perhaps": placement.perhaps}
    if placement.ticket is not None:
        return shown
    conclusion = next((one for one in decision.effects if isinstance(one, Conclude)), None)
    if conclusion and conclusion.outcome is Outcome.DUPLICATE and conclusion.ticket:
        return shown | {"ticket": conclusion.ticket, "by": "stored-id"}
    if decision.classification.verdict is Verdict.OWN:
        signed = map(tokens.read_message_id, (message.message_id or "", *message.references))
        number = next((one.ticket for one in signed if one and one.ticket), None)
        return shown | ({"ticket": number, "by": "own-id"} if number else {})
    return shown


def _reasons(message: Message, decision: Decision) -> Json:
    """The decision and why: the contract's keys, and beside them why.

    ``passed`` are the rules that were not concerned, in order, ``rule`` the one that was.
    """
    identity, placement = decision.identity, decision.placement
    return {
        "identity": str(identity.who),
        "proof": str(identity.proof),
        "standing": str(identity.standing) if identity.standing else None,
        "authentication": identity.authentication.sign,
        "thread": _thread(message, decision),
        "trace": list(placement.trace),
        "passed": list(takewhile(lambda name: name != decision.rule, _RULES)),
        "rule": decision.rule,
        "effects": [effect_json(one) for one in decision.effects],
    }


def _read(path: Path, most: int) -> tuple[bytes, str]:
    """A mail's bytes, not many more than ``most`` of them, and the digest of all.

    Opens nothing but files: a pipe would let us wait, a device is not to be touched.
    """
    digest, kept = hashlib.sha256(), bytearray()
    if not S_ISREG(path.stat().st_mode):
        raise OSError("it is not a file")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a file")
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if len(kept) <= most:
                kept += chunk
    return bytes(kept), digest.hexdigest()


def _header(content: bytes) -> bytes:
    """The header block with the empty line that ends it, as a server gives it."""
    end = _HEADER_END.search(content)
    return content[: end.end() if end else len(content)][:HEADER_BYTES]


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
