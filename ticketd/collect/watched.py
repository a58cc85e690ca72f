"""An IMAP connection that knows which folder it has open, so that a look costs one round trip.

Of an open folder STATUS may be stale (RFC 9051 §6.3.11 says not to use it), of another
NOOP says nothing: each has its own way to ask. Knows nothing of what is done about news.
"""

from __future__ import annotations

from ticketd.wire import Server
from ticketd.wire.imap import ImapConnection, Selected


class WatchedConnection(ImapConnection):
    """A connection whose ``opened`` folder is the one last selected."""

    opened: str | None = None

    @classmethod
    def connect(cls, server: Server) -> WatchedConnection:
        """Connect and log in."""
        connection = super().connect(server)
        assert isinstance(connection, cls)
        return connection

    def select(self, folder: str, *, readonly: bool = False) -> Selected:
        """Open a folder."""
        self.opened = None
        selected = super().select(folder, readonly=readonly)
        self.opened = folder
        return selected

    def anything_new(self, folder: str, quiet: tuple[int, int]) -> bool:
        """Whether mail may have come to ``folder`` since it stood at ``quiet`` (UIDVALIDITY, UIDNEXT)."""
        if self.opened == folder:
            self.noop()
            return self._heard_of_mail()
        status = self.status(folder)
        return not status.uidnext or (status.uidvalidity, status.uidnext) != quiet
