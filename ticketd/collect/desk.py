"""Tickets and changes that come from the command line, the API and chat.

Same decisions, events and outbox as mail: each call is one transaction under the desk's
lock. Mail is queued; the daemon or the next ``run --once`` sends it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from ticketd.decide.acting import act, changes, manual
from ticketd.decide.acting.act import Deed, Mode
from ticketd.decide.acting.manual import Opening
from ticketd.decide.context import Clues, History
from ticketd.decide.effects import Block
from ticketd.decide.excerpts.commands import Commands, Instruction
from ticketd.decide.model import Address, Attachment, address_key
from ticketd.decide.policy import Agent, Policy
from ticketd.decide.work import Work
from ticketd.errors import NotFound, UsageError
from ticketd.store import Store, Transaction


class Desk:
    """The desk as the command line and the API see it.

    Every method raises UsageError for what can never be, NotFound for what is not there.
    """

    def __init__(self, store: Store, policy: Policy, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    def agent(self, who: str | None) -> Agent | None:
        """The agent called ``who``; None, and ``none``, are nobody."""
        if who is None:
            return None
        try:
            return act.resolve_agent(who, self._policy, None)
        except LookupError:
            names = ", ".join(self._policy.agents) or "none"
            raise UsageError(f"there is no agent {who!r}; the agents are: {names}") from None

    def mailbox(self, name: str | None) -> str:
        """The mailbox called ``name``; it may be left out where there is one."""
        names = list(self._policy.mailboxes)
        if name is None and len(names) == 1:
            return names[0]
        if name is None:
            raise UsageError(f"say which mailbox with --mailbox: {', '.join(names)}")
        if name not in self._policy.mailboxes:
            raise UsageError(f"there is no mailbox {name!r}; the mailboxes are: {', '.join(names)}")
        return name

    def customer(self, address: str, name: str = "") -> Address:
        """``address`` as a customer's; ours and agents' are refused."""
        person = Address(address.strip(), name)
        local, _, domain = person.key.rpartition("@")
        odd = any(char.isspace() or ord(char) < 32 or char in '<>,;:"()[]\\' for char in person.address)
        if not local or "." not in domain.strip(".") or odd or "@" in local or len(person.address) > 254:
            raise UsageError(f"{address!r} is not a mail address; give one like jane@example.com")
        if self._policy.is_ours(person.key):
            raise UsageError(f"{address} is one of our own mailboxes, not a customer")
        if self._policy.agent_by_key(person.key):
            raise UsageError(f"{address} is an agent, not a customer")
        return person

    @contextmanager
    def _working(self, *numbers: int) -> Iterator[tuple[Transaction, Work]]:
        """A transaction and a sheet to write on, applied when the block ends without an error."""
        now = self._clock()
        clues = Clues(mailbox="", tickets=numbers)
        with self._store.begin("desk") as tx:
            tx.lock_desk()
            context = tx.context(clues, now)
            for number in numbers:
                if number not in context.tickets:
                    raise NotFound(f"ticket #{number} does not exist")
            work = Work(self._policy, context, now, f"desk/{uuid.uuid4().hex}")
            yield tx, work
            tx.apply(work.effects(), now, None)

    def open(self, opening: Opening, key: str = "") -> int:
        """Open a ticket by hand; its number. The same idempotency ``key`` again gives the same ticket."""
        self._refuse_leaks(opening.text, opening.attachments)
        digest = hashlib.sha256(key.encode()).hexdigest()
        with self._working() as (tx, work):
            known = tx.opened_as(digest) if key else None
            if known is not None:
                return known
            number = manual.open_by_hand(work, opening)
            if key:
                tx.remember_opening(digest, number, work.now)
            return number

    def change(self, number: int, instructions: Iterable[Instruction], agent: Agent | None) -> int:
        """Change fields; the number of the ticket that was changed (merges followed)."""
        return self._perform(number, Deed(agent, Commands(tuple(instructions)), Mode.NOTHING))

    def reply(
        self,
        number: int,
        text: str,
        agent: Agent | None,
        attachments: tuple[Attachment, ...] = (),
        status: str | None = None,
    ) -> int:
        """Mail the participants."""
        if not text.strip() and not attachments:
            raise UsageError("there is nothing to send: give the text on standard input, or --attach a file")
        said = Commands((Instruction("status", status),) if status else ())
        return self._perform(number, Deed(agent, said, Mode.REPLY, text.strip("\n"), attachments))

    def note(self, number: int, text: str, agent: Agent | None) -> int:
        """Keep an internal note."""
        if not text.strip():
            raise UsageError("there is no note: give the text on standard input")
        return self._perform(number, Deed(agent, Commands(), Mode.NOTE, text.strip("\n")))

    def _perform(self, number: int, deed: Deed) -> int:
        with self._working(number) as (_tx, work):
            real = work.context.tickets[number].ticket.id
            if deed.mode is Mode.REPLY and work.ticket(real).requester is None:
                hint = f"ticketd set {real} --requester ADDRESS names them"
                raise UsageError(f"the requester of #{real} is not known: {hint}")
            if deed.mode is Mode.REPLY:
                self._refuse_leaks(deed.text, deed.attachments, work.history(real))
            act.perform(work, real, deed)
            return real

    def _refuse_leaks(self, text: str, files: tuple[Attachment, ...], history: History | None = None) -> None:
        found = act.leaks_of(self._policy, text, files, history)
        if found:
            raise UsageError(f"not sent, it would show the customer what is internal: {'; '.join(found)}")

    def merge(self, number: int, into: int, agent: Agent | None) -> int:
        """Merge one ticket into another; the number of the one that stays."""
        with self._working(number, into) as (_tx, work):
            source = work.context.tickets[number].ticket.id
            target = work.context.tickets[into].ticket.id
            if source == target:
                raise UsageError(f"#{number} and #{into} are one ticket already")
            changes.merge(work, source, target, agent.address if agent else "system")
            return target

    def spam(self, number: int, agent: Agent | None = None, spam: bool = True) -> None:
        """Put a ticket into the spam folder, or take it out."""
        with self._working(number) as (_tx, work):
            real = work.context.tickets[number].ticket.id
            changes.set_spam(work, real, spam, agent.address if agent else "system")

    def block(self, address: str, blocked: bool = True) -> None:
        """Every later mail of this sender goes to spam."""
        key = address_key(self.customer(address).address)
        with self._working() as (_tx, work):
            work.add(Block(key, blocked))
