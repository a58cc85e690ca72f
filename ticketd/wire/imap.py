"""One IMAP connection of the desk: log in, look, fetch, tidy up, wait (RFC 9051; 3501, 4315, 6851).

Every failure is an ``errors.Unavailable`` with one sentence for the operator: ``LoginRefused``,
``FolderMissing``, ``Refused`` (one command; go on), anything else (close and connect again).
Only numbers and configured folder names ever stand in a command, nothing that a sender wrote.
"""

from __future__ import annotations

import imaplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Any, Self

from imapclient import SEEN
from imapclient.exceptions import ProtocolError

from ticketd.errors import Unavailable
from ticketd.wire import FolderMissing, Refused, Server, idle, imap_login, tls
from ticketd.wire.fetch import Facts, Fetched, Fetcher, chunks, sizes
from ticketd.wire.link import Client

TIDY_AT_ONCE = 200  # UIDs in one STORE, MOVE or EXPUNGE
_LISTED_AT_ONCE = 80_000  # UIDs in one answer to SEARCH: below a line of 1 MB
_GOODBYE = 5.0  # seconds
_TEMPORARY = {"UNAVAILABLE", "INUSE", "LIMIT", "THROTTLED", "OVERQUOTA", "SERVERBUG", "CONTACTADMIN"}
_NO_FOLDER = {"NONEXISTENT", "TRYCREATE"}


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as the server describes it. ``uidnext`` is 0 where the server does not say."""

    uidvalidity: int
    uidnext: int
    exists: int


class ImapConnection:
    """A logged-in connection. Not for use by two threads at once."""

    def __init__(self, server: Server, client: Client) -> None:
        self._server, self._client = server, client
        self._exists = 0
        self._broken = False
        self.capabilities: frozenset[str] = frozenset()

    @classmethod
    def connect(cls, server: Server) -> Self:
        """Connect and log in; close it, or use it as a context manager.

        Raises ``Unavailable`` (not reachable, not trusted, turned away) or ``LoginRefused``.
        """
        connection = cls(server, imap_login.connect(server))
        try:
            with connection._asking("CAPABILITY"):
                connection.capabilities = frozenset(
                    each.decode("ascii", "replace") for each in connection._client.capabilities()
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def select(self, folder: str, *, readonly: bool = False) -> Selected:
        """Open a folder; ``readonly`` (EXAMINE) changes nothing in it, not even who saw it as recent.

        A folder that we may only read is opened for that; changes to it will be ``Refused``.
        """
        _insist_on_one_line(folder)
        with self._asking("the folder", folder):
            try:
                answer = self._client.select_folder(folder, readonly)
            except imaplib.IMAP4.readonly:
                answer = self._client.select_folder(folder, readonly=True)
            self._heard_of_mail()  # its EXISTS is the answer, not news
            self._exists = answer[b"EXISTS"]
            return Selected(answer[b"UIDVALIDITY"], answer.get(b"UIDNEXT", 0), self._exists)

    def status(self, folder: str) -> Selected:
        """Describe a folder in one round trip, without opening it."""
        _insist_on_one_line(folder)
        with self._asking("the folder", folder):
            answer = self._client.folder_status(folder, ["MESSAGES", "UIDNEXT", "UIDVALIDITY"])
            return Selected(answer[b"UIDVALIDITY"], answer.get(b"UIDNEXT", 0), answer[b"MESSAGES"])

    def uids_after(self, last_uid: int, upto: int | None = None) -> list[int]:
        """The UIDs above ``last_uid`` (and not above ``upto``), in order.

        A folder of very many mails is asked for range by range, since one answer is one line.
        """
        if upto is not None and upto <= last_uid:
            return []
        if self._exists <= _LISTED_AT_ONCE:
            found = self._search("UID", f"{last_uid + 1}:{upto or '*'}")
        else:
            highest = upto or max(self._search("UID", "*"), default=0)
            found = [
                uid
                for start in range(last_uid + 1, highest + 1, _LISTED_AT_ONCE)
                for uid in self._search("UID", f"{start}:{min(start + _LISTED_AT_ONCE - 1, highest)}")
            ]
        # "9:*" on a folder whose last UID is 5 finds 5
        return sorted({uid for uid in found if last_uid < uid <= (upto or uid)})

    def all_uids(self) -> list[int]:
        """The UIDs of all mails in the folder, in order."""
        return self.uids_after(0)

    def uids_since(self, day: date) -> list[int]:
        """The UIDs of mails that arrived (INTERNALDATE) on ``day`` or later, in order."""
        return sorted(set(self._search("SINCE", f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year:04d}")))

    def fetch_sizes(self, uids: Sequence[int]) -> dict[int, Facts]:
        """Size (bytes) and arrival (UTC) of each mail that is still there."""
        known: dict[int, Facts] = {}
        for some in chunks(uids, TIDY_AT_ONCE):
            known.update(sizes(self._fetch, some))
        return known

    def fetch(self, uids: Sequence[int], max_size: int) -> Iterator[Fetched]:
        """The mails, in the order of UIDs, with bounded memory; nothing is marked as seen.

        Of a mail above ``max_size`` bytes only the headers come. No UID is passed over in silence.
        """
        return Fetcher(self._fetch, self._listed, max_size).fetch(uids)

    def folders(self) -> list[str]:
        """The names of all folders."""
        with self._asking("LIST"):
            return [str(name) for _, _, name in self._client.list_folders()]

    def certificate(self) -> dict[str, Any] | None:
        """The server's certificate as ``ssl`` tells it; None where nothing is encrypted."""
        return tls.certificate(self._client.link.sock)

    def mark_seen(self, uids: Sequence[int]) -> None:
        """Set the flag Seen; UIDs that are gone do not matter."""
        for some in chunks(uids, TIDY_AT_ONCE):
            with self._asking("to mark mails as seen"):
                self._client.add_flags(some, [SEEN], silent=True)

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails; UIDs that are gone do not matter. ``Refused`` where it cannot be done safely."""
        _insist_on_one_line(folder)
        can_move = "MOVE" in self.capabilities
        if not can_move:
            self._need_uidplus()
        for some in chunks(uids, TIDY_AT_ONCE):
            with self._asking("to move mails to the folder", folder):
                (self._client.move if can_move else self._client.copy)(some, folder)
            if not can_move:
                self.delete(some)

    def delete(self, uids: Sequence[int]) -> None:
        """Delete exactly these mails. ``Refused`` where the server could only delete others too."""
        self._need_uidplus()
        for some in chunks(uids, TIDY_AT_ONCE):
            with self._asking("to delete mails"):
                self._client.delete_messages(some, silent=True)
                self._client.uid_expunge(some)

    def append(self, folder: str, content: bytes, flags: Sequence[bytes] = ()) -> None:
        """Put a mail into a folder."""
        _insist_on_one_line(folder)
        with self._asking("a mail for the folder", folder):
            self._client.append(folder, content, flags)

    def idle_wait(self, seconds: float, wake_fd: int | None = None) -> bool:
        """Wait in IDLE until there may be new mail (True), ``wake_fd`` is readable or time is up (False).

        News that came since the folder was selected or last waited for counts too. A link that
        died raises ``Unavailable``.
        """
        with self._asking("IDLE"):
            return idle.wait(self._client.link, seconds, wake_fd, self._heard_of_mail)

    def noop(self) -> None:
        """Ask for nothing: shows whether the connection lives."""
        with self._asking("NOOP"):
            self._client.link.noop()

    def close(self) -> None:
        """Log out and hang up; never raises, never waits long."""
        link = self._client.link
        try:
            if not self._broken:
                link.sock.settimeout(_GOODBYE)
                link.logout()
        except (imaplib.IMAP4.error, OSError, ValueError):
            pass  # we are leaving anyway
        finally:
            imap_login.hang_up(link)

    def _heard_of_mail(self) -> bool:
        """Whether an EXISTS has come since this was last asked."""
        counts: Any = self._client.link.untagged_responses.pop("EXISTS", None)
        if counts:
            self._exists = int(counts[-1])
        return bool(counts)

    def _search(self, *criteria: str) -> list[int]:
        with self._asking("SEARCH"):
            kind, lines = self._client.link.uid("SEARCH", *criteria)
            if kind != "OK":
                raise imaplib.IMAP4.error(lines[-1])
            return [int(word) for line in lines if line for word in line.split() if word.isdigit()]

    def _listed(self, uid: int) -> bool:
        self.noop()  # lets the server announce what others expunged
        return uid in self._search("UID", str(uid))

    def _fetch(self, uids: Sequence[int], items: Sequence[str]) -> dict[int, dict[bytes, Any]]:
        with self._asking("FETCH"):
            # What came unasked has no UID: imapclient would file it under its sequence number.
            self._client.link.untagged_responses.pop("FETCH", None)
            answers: dict[int, dict[bytes, Any]] = self._client.fetch(list(uids), ["UID", *items])
            return answers

    def _need_uidplus(self) -> None:
        if "UIDPLUS" not in self.capabilities:
            raise Refused(f"{self._server} can only expunge whole folders (no UIDPLUS): mails are left alone")

    @contextmanager
    def _asking(self, what: str, folder: str | None = None) -> Iterator[None]:
        """Turn whatever goes wrong with one command into our errors."""
        named = f"{what} {tls.printable(folder)!r}" if folder else what
        try:
            yield
        except imaplib.IMAP4.readonly as error:
            raise Refused(f"{self._server} lets us only read {named}") from error
        except (imaplib.IMAP4.abort, ProtocolError, OSError) as error:
            self._broken = True
            raise Unavailable(f"{self._server} {imap_login.ending(error)}") from error
        except imaplib.IMAP4.error as error:
            raise self._refusal(named, imap_login.words(error), folder) from error
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            self._broken = True
            raise Unavailable(f"{self._server} answers {named} with something that is not IMAP") from error

    def _refusal(self, what: str, said: str, folder: str | None) -> Unavailable:
        """What a NO or BAD means, by its response code (RFC 5530)."""
        code = imap_login.response_code(said)
        if code in _TEMPORARY:
            return Unavailable(f"{self._server} cannot serve {what} now: {said}")
        if folder and (code in _NO_FOLDER or (not code and not self._has_folder(folder))):
            return FolderMissing(f"{self._server} has no folder {tls.printable(folder)!r}: {said}")
        return Refused(f"{self._server} refuses {what}: {said}")

    def _has_folder(self, folder: str) -> bool:
        """Ask, since not every server gives the reason of its NO as a code."""
        with self._asking("LIST"):
            return any(name == folder for _, _, name in self._client.list_folders("", folder))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _insist_on_one_line(folder: str) -> None:
    """Refuse a configured folder name that would end the command line."""
    if any(char in folder for char in "\r\n\0"):
        raise ValueError("a folder name must not contain line breaks or NUL")
