"""TOML → frozen settings: the admin's decisions, validated before anything acts on them.

``load`` reads and refuses, ``Settings`` is what everybody else is given. Light to
import: pydantic and the standard library alone.
"""

from ticketd.config.load import DEFAULT_PATH, find_path, load
from ticketd.config.oauth import OAuthSettings
from ticketd.config.presets import PRESETS, Preset
from ticketd.config.secrets import Secret
from ticketd.config.servers import ImapSettings, MailboxSettings, ServerSettings, SmtpSettings
from ticketd.config.settings import AdminDigest, Digest, Http, Retention, Settings, Templates

__all__ = [
    "DEFAULT_PATH",
    "PRESETS",
    "AdminDigest",
    "Digest",
    "Http",
    "ImapSettings",
    "MailboxSettings",
    "OAuthSettings",
    "Preset",
    "Retention",
    "Secret",
    "ServerSettings",
    "Settings",
    "SmtpSettings",
    "Templates",
    "find_path",
    "load",
]
