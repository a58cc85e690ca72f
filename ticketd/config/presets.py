"""What is known of mail providers: hosts, ports, sign-in and quirks, so that an admin need not look.

A preset fills only keys that the config leaves out. Knows nothing of sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """One provider, with IMAP over TLS on 993; SMTP with STARTTLS on 587, else (``smtp_tls``) TLS on 465.

    ``oauth`` is the sign-in that it offers, ``tenant`` the default for it. ``plus_addressing``
    says that it usually delivers ``name+anything@``: ``check`` suggests it, nothing relies on
    it. ``hint`` is what a newcomer must know before the first login.
    """

    imap_host: str
    smtp_host: str
    smtp_tls: bool = False
    oauth: str | None = None
    tenant: str | None = None
    plus_addressing: bool = False
    hint: str = ""

    def imap(self) -> dict[str, object]:
        """The keys of ``[mailboxes.imap]`` that it fills."""
        return {"host": self.imap_host, "security": "tls"}

    def smtp(self) -> dict[str, object]:
        """The keys of ``[mailboxes.smtp]`` that it fills."""
        return {"host": self.smtp_host, "security": "tls" if self.smtp_tls else "starttls"}


_APP_PASSWORD = "needs an app password, made in the account's security settings"  # noqa: S105  # a hint

PRESETS: Mapping[str, Preset] = {
    "gmail": Preset(
        "imap.gmail.com",
        "smtp.gmail.com",
        oauth="google",
        plus_addressing=True,
        hint="needs OAuth or, with two-step verification on, an app password; labels show as folders",
    ),
    "microsoft365": Preset(
        "outlook.office365.com",
        "smtp.office365.com",
        oauth="microsoft",
        plus_addressing=True,
        hint="needs OAuth; IMAP and authenticated SMTP must be on for the mailbox",
    ),
    "outlook": Preset(
        "outlook.office365.com",
        "smtp-mail.outlook.com",
        oauth="microsoft",
        tenant="consumers",
        plus_addressing=True,
        hint="needs OAuth; IMAP must be on in the account's settings",
    ),
    "fastmail": Preset(
        "imap.fastmail.com", "smtp.fastmail.com", smtp_tls=True, plus_addressing=True, hint=_APP_PASSWORD
    ),
    "icloud": Preset("imap.mail.me.com", "smtp.mail.me.com", plus_addressing=True, hint=_APP_PASSWORD),
    "yahoo": Preset("imap.mail.yahoo.com", "smtp.mail.yahoo.com", smtp_tls=True, hint=_APP_PASSWORD),
    "zoho": Preset(
        "imap.zoho.com",
        "smtp.zoho.com",
        smtp_tls=True,
        hint="IMAP must be on; each region has hosts of its own",
    ),
    "gmx": Preset("imap.gmx.net", "mail.gmx.net", hint="IMAP must be on in the account's settings"),
    "mailbox.org": Preset("imap.mailbox.org", "smtp.mailbox.org", smtp_tls=True, plus_addressing=True),
    "migadu": Preset("imap.migadu.com", "smtp.migadu.com", smtp_tls=True, plus_addressing=True),
    "posteo": Preset("posteo.de", "posteo.de", smtp_tls=True, plus_addressing=True),
}
