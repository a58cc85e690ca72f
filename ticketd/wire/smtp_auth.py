"""Logging in to an SMTP server by the best mechanism that both know (RFC 4954, 4616, 7628).

smtplib's own login tries every mechanism in turn, which locks accounts, and knows only ASCII.
"""

from __future__ import annotations

import base64
import smtplib

from ticketd.wire import Server, Tokens

_CHALLENGE, _REFUSED = 334, 535
_NO_MECHANISM = (534, b"5.7.9 the server offers no login that we know")


def log_in(smtp: smtplib.SMTP, server: Server) -> tuple[int, bytes]:
    """Authenticate; the server's last reply, 235 for success. Secrets are asked for here."""
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    username = server.username or ""
    if server.oauth:
        return _bearer(smtp, offered, username, server.oauth)
    password = server.password() if server.password else ""
    if "PLAIN" in offered:
        secret = f"\0{username}\0{password}"
        return smtp.docmd("AUTH", f"PLAIN {_encoded(secret)}")
    if "LOGIN" in offered:
        return _in_turn(smtp, "LOGIN", username, password)
    return _NO_MECHANISM


def _bearer(smtp: smtplib.SMTP, offered: list[str], username: str, tokens: Tokens) -> tuple[int, bytes]:
    """Log in with a token; where it is refused, once more with a new one."""
    only_bearer = "OAUTHBEARER" in offered and "XOAUTH2" not in offered
    mechanism = "OAUTHBEARER" if only_bearer else "XOAUTH2"
    token = tokens.token()
    code, said = _token(smtp, mechanism, username, token)
    if code == _REFUSED and tokens.refused(token):
        code, said = _token(smtp, mechanism, username, tokens.token())
    return code, said


def _token(smtp: smtplib.SMTP, mechanism: str, username: str, token: str) -> tuple[int, bytes]:
    """Send a token; to the server's complaint the answer is that we have read it."""
    if mechanism == "OAUTHBEARER":
        name = username.replace("=", "=3D").replace(",", "=2C")
        answers = (f"n,a={name},\1auth=Bearer {token}\1\1", "\1")
    else:
        answers = (f"user={username}\1auth=Bearer {token}\1\1", "")
    code, said = smtp.docmd("AUTH", f"{mechanism} {_encoded(answers[0])}")
    return smtp.docmd(_encoded(answers[1])) if code == _CHALLENGE else (code, said)


def _in_turn(smtp: smtplib.SMTP, mechanism: str, *answers: str) -> tuple[int, bytes]:
    """Answer each challenge with the next secret."""
    code, said = smtp.docmd("AUTH", mechanism)
    for answer in answers:
        if code != _CHALLENGE:
            break
        code, said = smtp.docmd(_encoded(answer))
    return code, said


def _encoded(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode("ascii")
