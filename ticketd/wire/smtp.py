"""One SMTP connection of the desk, each phase driven by us (RFC 5321, 4954, 3207, 6409).

A failure always says in which phase it came: whoever sends must know whether the final dot
may have been taken. Phases are connect, greeting, ehlo, tls, auth, mail, rcpt, data and dot.
What a reply means for the mail is the caller's; this knows nothing of queues or retries.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from ticketd.errors import LoginRefused, Unavailable
from ticketd.wire import Server, smtp_auth, tls
from ticketd.wire.smtp_dialogue import Dialogue

DOT_TIMEOUT = 300.0  # seconds for the answer after the final dot, at least, unless ``once``
_GOODBYE = 5.0  # seconds
_CHUNK = 65_536  # bytes of a mail that may take one time-out each
_CLOSING = 421
_NO_TOKEN = 535  # what the server would say to a login without one


class SmtpTrouble(Unavailable):
    """A phase failed. ``code`` is None where no answer came: in phase ``dot`` the mail's fate is unknown.

    ``text`` is what the server said (an enhanced status first, where it gave one), else what happened.
    """

    def __init__(self, server: Server, phase: str, code: int | None, text: str) -> None:
        self.phase, self.code, self.text = phase, code, text
        super().__init__(f"{server} {_sentence(phase, code, text)}")

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """The enhanced status that ``text`` begins with (RFC 3463)."""
        digits = self.text.split(" ", 1)[0].split(".")
        if self.code is None or len(digits) != 3 or not all(d.isascii() and d.isdigit() for d in digits):
            return None
        return int(digits[0]), int(digits[1]), int(digits[2])


class SmtpLoginRefused(SmtpTrouble, LoginRefused):
    """The server refuses our login: the operator must mend it."""


class SmtpConnection:
    """A greeted, secured and logged-in connection, for one mail after the other.

    ``once`` caps every wait at the server's time-out. Not for use by two threads at once.
    """

    def __init__(self, server: Server, *, once: bool = False) -> None:
        self._server = server
        self._dot_timeout = server.timeout if once else max(server.timeout, DOT_TIMEOUT)
        self._smtp = Dialogue(server)
        self._clean = True

    @classmethod
    def connect(cls, server: Server, *, once: bool = False) -> Self:
        """Connect, greet, secure and log in.

        Raises ``SmtpTrouble``, which is an ``Unavailable``; ``SmtpLoginRefused``, also a ``LoginRefused``.
        """
        connection = cls(server, once=once)
        try:
            connection._open()
        except BaseException:
            connection._smtp.close()
            raise
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def extensions(self) -> dict[str, str]:
        """What the server offers: EHLO keywords in lower case, with their parameters."""
        return dict(self._smtp.esmtp_features)

    @property
    def max_size(self) -> int | None:
        """The largest mail in bytes that the server takes (RFC 1870); None if it names no limit."""
        size = self._smtp.esmtp_features.get("size", "")
        return int(size) or None if size.isascii() and size.isdigit() else None

    @property
    def smtputf8(self) -> bool:
        """Whether addresses may be other than ASCII (RFC 6531)."""
        return "smtputf8" in self._smtp.esmtp_features

    @property
    def eight_bit(self) -> bool:
        """Whether a mail may hold other than ASCII (RFC 6152)."""
        return "8bitmime" in self._smtp.esmtp_features

    def certificate(self) -> dict[str, Any] | None:
        """The server's certificate as ``ssl`` tells it; None where nothing is encrypted."""
        return tls.certificate(self._smtp.sock)

    def send(
        self,
        envelope_from: str,
        recipient: str,
        content: bytes,
        before_dot: Callable[[], None] | None = None,
    ) -> str:
        """Submit one mail to one recipient; what the server said when it took it.

        The instant of hand-over is the server's 250 after the final dot. ``before_dot`` is called
        once the server awaits the mail and before any of it is sent: what it commits is known
        before the mail can be taken. ``content`` must have CRLF line ends alone (``ValueError``).
        Raises ``SmtpTrouble``; after one without a code, or with 421, the connection is closed.
        """
        _insist_on_crlf(content)
        self._refuse_beforehand(envelope_from, recipient, content)
        self._start_anew()
        self._clean = False
        options = self._options(envelope_from, recipient, content)
        self._ask("mail", f"MAIL FROM:<{envelope_from}>{options}", 250)
        self._ask("rcpt", f"RCPT TO:<{recipient}>", 250, 251)
        self._ask("data", "DATA", 354)
        self._hand_over(content, before_dot)
        said = self._answer("dot", self._dot_timeout, 250)
        self._clean = True
        return said

    def lives(self) -> bool:
        """Whether the server still listens; asks it. One that does not is closed."""
        try:
            self._ask("connect", "NOOP", 250)
        except SmtpTrouble:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Say goodbye; never raises, never waits long. What QUIT is answered does not matter."""
        smtp = self._smtp
        with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
            if smtp.sock is not None:
                smtp.patience = _GOODBYE
                smtp.docmd("QUIT")
        smtp.close()

    # The dialogue before mail

    def _open(self) -> None:
        server = self._server
        with self._phase("connect"):
            self._smtp.dial()
        if server.security == "tls":
            with self._phase("tls"):
                self._smtp.wrap()
        self._answer("greeting", server.timeout, 220)
        self._smtp.patience = server.timeout
        self._greet()
        if server.security == "starttls":
            self._start_tls()
            self._greet()
        if server.username is not None:
            with self._phase("auth"):
                code, said = smtp_auth.log_in(self._smtp, server)
            if code not in (235, 503):  # 503: already logged in
                raise self._trouble("auth", code, said)
        server.allowance.open()

    def _greet(self) -> None:
        """EHLO; HELO for servers that know no better (RFC 5321 §3.2)."""
        with self._phase("ehlo"):
            code, said = self._smtp.ehlo()
            if 500 <= code < 600 and self._server.security == "none":
                code, said = self._smtp.helo()
        if code != 250:
            raise self._trouble("ehlo", code, said)

    def _start_tls(self) -> None:
        """STARTTLS must succeed: there is no falling back to plain text (RFC 3207 §4)."""
        if "starttls" not in self._smtp.esmtp_features:
            raise SmtpTrouble(self._server, "tls", None, "does not offer STARTTLS, which is configured")
        self._ask("tls", "STARTTLS", 220)
        if self._smtp.reader.waiting():
            raise SmtpTrouble(self._server, "tls", None, "spoke out of turn before TLS began")
        with self._phase("tls"):
            self._smtp.wrap()

    # One mail

    def _refuse_beforehand(self, envelope_from: str, recipient: str, content: bytes) -> None:
        """Say at once what this server cannot take, in the words that it would use."""
        limit, size = self.max_size, len(content)
        if limit is not None and size > limit:
            raise self._trouble("mail", 552, f"5.3.4 the mail has {size} bytes, the server takes {limit}")
        if not content.isascii() and not self.eight_bit:
            raise self._trouble("mail", 554, "5.6.3 the server takes only 7-bit mail")
        for phase, address in (("mail", envelope_from), ("rcpt", recipient)):
            if not _is_mailable(address) and (address or phase == "rcpt"):
                raise self._trouble(phase, 553, "5.1.3 this is not an address that can be mailed")
            if not address.isascii() and not self.smtputf8:
                raise self._trouble(phase, 553, "5.6.7 the server takes only ASCII addresses")

    def _options(self, envelope_from: str, recipient: str, content: bytes) -> str:
        """The parameters of MAIL FROM."""
        options = f" SIZE={len(content)}" if "size" in self._smtp.esmtp_features else ""
        if not content.isascii():
            options += " BODY=8BITMIME"
        if not (envelope_from + recipient).isascii():
            options += " SMTPUTF8"
        return options

    def _start_anew(self) -> None:
        """After a mail that failed, RSET; it also shows whether an idle connection still lives."""
        if not self._clean or self._smtp.sock is None:
            self._ask("connect", "RSET", 250)

    def _hand_over(self, content: bytes, before_dot: Callable[[], None] | None) -> None:
        """Send the mail. Until the last piece is on its way the server cannot have taken it."""
        try:
            if before_dot is not None:
                before_dot()
        except BaseException:
            self._smtp.close()  # no dot was sent: the server forgets the mail
            raise
        stuffed = _stuffed(content)
        with self._phase("data"):
            for start in range(0, len(stuffed), _CHUNK):
                self._smtp.send(stuffed[start : start + _CHUNK])
        with self._phase("dot"):
            self._smtp.send(b".\r\n")

    # What is said and heard

    def _ask(self, phase: str, command: str, *good: int) -> str:
        with self._phase(phase):
            self._smtp.patience = self._server.timeout
            self._smtp.send(f"{command}\r\n".encode())
        return self._answer(phase, self._server.timeout, *good)

    def _answer(self, phase: str, patience: float, *good: int) -> str:
        """Await a reply; its text if the code is good, else ``SmtpTrouble``."""
        with self._phase(phase):
            self._smtp.patience = patience
            code, said = self._smtp.getreply()
        if code not in good:
            raise self._trouble(phase, code, said)
        return tls.printable(said)

    def _trouble(self, phase: str, code: int, said: bytes | str) -> SmtpTrouble:
        """A reply that is not the one hoped for; closes what cannot be spoken with any more."""
        nonsense = not 200 <= code <= 599
        if nonsense or code == _CLOSING:
            self._smtp.close()
        kind = SmtpLoginRefused if phase == "auth" and 500 <= code < 600 else SmtpTrouble
        return kind(self._server, phase, None if nonsense else code, tls.printable(said))

    @contextmanager
    def _phase(self, phase: str) -> Iterator[None]:
        """Whatever breaks in here is trouble without an answer, in this phase."""
        try:
            yield
        except SmtpTrouble:
            raise
        except LoginRefused as error:  # by whoever gives us tokens
            raise SmtpLoginRefused(self._server, phase, _NO_TOKEN, str(error)) from error
        except Unavailable as error:
            raise SmtpTrouble(self._server, phase, None, str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            self._smtp.close()
            raise self._silence(phase, error) from error

    def _silence(self, phase: str, error: Exception) -> SmtpTrouble:
        """Trouble without an answer. A network that fails during a handshake says nothing about TLS."""
        cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
        if phase == "tls" and not isinstance(cause, ssl.SSLError):
            phase = "connect"
        return SmtpTrouble(self._server, phase, None, tls.explain(cause or ConnectionError()))


def _insist_on_crlf(content: bytes) -> None:
    """Refuse a bare CR or LF: servers that mend them can be made to see a second mail."""
    pairs = content.count(b"\r\n")
    if content.count(b"\r") != pairs or content.count(b"\n") != pairs:
        raise ValueError("a mail must have CRLF line ends alone")


def _stuffed(content: bytes) -> bytes:
    """The mail with its leading dots doubled (RFC 5321 §4.5.2), ending in a line end."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"


def _is_mailable(address: str) -> bool:
    """Whether an address can stand between angle brackets without changing the command."""
    local, at, domain = address.rpartition("@")
    quoted = len(local) > 2 and local[0] == local[-1] == '"'
    plain = not any(char in address for char in "<>") and address.isprintable()
    return plain and bool(at and local and domain) and " " not in (domain if quoted else address)


def _sentence(phase: str, code: int | None, text: str) -> str:
    """What happened, as the end of a sentence that begins with the server's name."""
    if code is None:
        return text if phase in ("connect", "greeting", "tls") else f"{text} (at {phase.upper()})"
    return f"answers {code} {text} (at {phase.upper()})"
