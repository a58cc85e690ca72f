"""From a server's address to a logged-in IMAP connection (RFC 9051 §6.2; RFC 4616, 7628, 5530).

Tells a refused login, which the operator must mend, from trouble that passes. Knows
nothing of folders or mail.
"""

from __future__ import annotations

import imaplib
from collections.abc import Callable

from imapclient.exceptions import CapabilityError

from ticketd.errors import LoginRefused, Unavailable
from ticketd.wire import Server, Tokens, tls
from ticketd.wire.link import Client, Link, connect_timeout

_PASSES = {"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN"}  # RFC 5530: not the password's fault


def connect(server: Server) -> Client:
    """Connect, secure the connection as configured, log in. Raises ``Unavailable`` or ``LoginRefused``."""
    try:
        client = Client(server)
    except (imaplib.IMAP4.error, OSError) as error:
        raise Unavailable(f"{server} {ending(error)}") from error
    try:
        _secure(client, server)
        _log_in(client, server)
        server.allowance.open()
    except (imaplib.IMAP4.error, OSError) as error:
        hang_up(client.link)
        raise Unavailable(f"{server} {ending(error)}") from error
    except BaseException:
        hang_up(client.link)
        raise
    return client


def hang_up(link: Link) -> None:
    """Close the socket, whatever state it is in."""
    try:
        link.shutdown()
    except OSError:
        link.sock.close()


def _secure(client: Client, server: Server) -> None:
    """STARTTLS where configured: it must succeed, there is no falling back to plain text."""
    if server.security != "starttls":
        return
    if client.link.state != "NONAUTH":
        raise Unavailable(f"{server} skips the login and with it STARTTLS, which is configured")
    try:
        client.link.sock.settimeout(min(connect_timeout(server), server.allowance.left))
        with server.allowance.waiting():
            client.starttls(tls.context(server.ca_file))
    except CapabilityError:
        raise Unavailable(f"{server} does not offer STARTTLS, which is configured") from None
    client.link.sock.settimeout(server.timeout)


def _log_in(client: Client, server: Server) -> None:
    if server.username is None or client.link.state == "AUTH":
        return
    try:
        _authenticate(client, server, server.username)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise _refusal(server, words(error)) from error


def _authenticate(client: Client, server: Server, username: str) -> None:
    """By the best mechanism that is offered; secrets are asked for here."""
    link, offered = client.link, {each.decode("ascii", "replace") for each in client.capabilities()}
    if server.oauth:
        _bear(link, "OAUTHBEARER" if _only_bearer(offered) else "XOAUTH2", username, server.oauth)
        return
    password = server.password() if server.password else ""
    if any(char in username + password for char in "\r\n\0"):
        raise LoginRefused(f"{server}: the user name or the password contains a line break or NUL")
    if "AUTH=PLAIN" in offered:
        link.authenticate("PLAIN", lambda _: f"\0{username}\0{password}".encode())
    elif "LOGINDISABLED" in offered:
        raise LoginRefused(f"{server} offers no login with a password here (LOGINDISABLED)")
    else:
        _login_command(link, username, password)


def _bear(link: Link, mechanism: str, username: str, tokens: Tokens) -> None:
    """Log in with a token; where it is refused, once more with a new one."""
    token = tokens.token()
    try:
        link.authenticate(mechanism, _token(mechanism, username, token))
    except imaplib.IMAP4.abort:
        raise  # the link broke, which says nothing about the token
    except imaplib.IMAP4.error:
        if not tokens.refused(token):
            raise
        link.authenticate(mechanism, _token(mechanism, username, tokens.token()))


def _login_command(link: Link, username: str, password: str) -> None:
    """LOGIN, for servers without AUTH=PLAIN; imaplib's own quotes only the password, and only ASCII."""
    answer, said = link._simple_command("LOGIN", _quoted(username), _quoted(password))
    if answer != "OK":
        raise link.error(said[-1])
    link.state = "AUTH"


def _only_bearer(offered: set[str]) -> bool:
    return "AUTH=OAUTHBEARER" in offered and "AUTH=XOAUTH2" not in offered


def _token(mechanism: str, username: str, token: str) -> Callable[[bytes], bytes]:
    """What to answer: the token first, then only that we have read the server's complaint."""
    if mechanism == "XOAUTH2":
        answers = [f"user={username}\1auth=Bearer {token}\1\1".encode(), b""]
    else:
        name = username.replace("=", "=3D").replace(",", "=2C")
        answers = [f"n,a={name},\1auth=Bearer {token}\1\1".encode(), b"\1"]
    return lambda _: answers.pop(0) if len(answers) > 1 else answers[0]


def _quoted(text: str) -> bytes:
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def _refusal(server: Server, said: str) -> Unavailable:
    """A refused login; or trouble that passes, which must not count as one."""
    code = response_code(said)
    if code in _PASSES or (code == "ALERT" and "too many" in said.lower()):
        return Unavailable(f"{server} cannot log us in now: {said}")
    return LoginRefused(f"{server} refuses the login of {tls.printable(server.username or '')}: {said}")


def response_code(said: str) -> str:
    """The first word of the bracketed code in a server's answer, in capitals; "" for none."""
    if "[" not in said:
        return ""
    return said.split("[", 1)[1].split("]", 1)[0].split(" ", 1)[0].upper()


def ending(error: BaseException) -> str:
    """How a connection ended, as the end of a sentence that begins with the server's name."""
    if not isinstance(error, imaplib.IMAP4.error):
        return tls.explain(error)
    said = words(error)
    if "socket error" in said:
        return "broke the connection"
    return f"ended the connection: {said}" if said else "ended the connection"


def words(error: BaseException) -> str:
    """What the server (or imaplib) said, without imaplib's decoration."""
    said = error.args[0] if error.args else ""
    text = tls.printable(said if isinstance(said, (bytes, str)) else str(said))
    for mark in (" => ", " failed: ", " command error: ", "* BYE "):
        text = text.split(mark, 1)[-1]
    return text
