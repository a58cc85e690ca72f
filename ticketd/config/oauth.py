"""The table of a mailbox that says how to sign in without a password: OAuth 2.

Knows each provider's endpoints (RFC 6749, 8628, 8252) and what mail needs of it. Knows
nothing of tokens, and speaks to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ticketd.config.secrets import SecretField
from ticketd.decide.policy import Frozen
from ticketd.decide.policy_fields import Text

Flow = Literal["device", "browser", "client-credentials"]

_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
_ENDPOINTS: Mapping[str, Mapping[str, str]] = {
    "microsoft": {
        "token_url": f"{_MICROSOFT}/token",
        "device_url": f"{_MICROSOFT}/devicecode",
        "auth_url": f"{_MICROSOFT}/authorize",
    },
    "google": {
        "token_url": "https://oauth2.googleapis.com/token",
        "device_url": "https://oauth2.googleapis.com/device/code",
        "auth_url": "https://accounts.google.com/o/oauth2/v2/auth",
    },
    "custom": {},
}
_SCOPES: Mapping[str, tuple[str, ...]] = {
    "microsoft": (
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
        "offline_access",
    ),
    "google": ("https://mail.google.com/",),
    "custom": (),
}
_APPLICATION_SCOPES = ("https://outlook.office365.com/.default",)


class OAuthSettings(Frozen):
    """OAuth 2 sign-in, instead of a password, for both servers."""

    provider: Literal["microsoft", "google", "custom"] = Field(
        description="whose sign-in", json_schema_extra={"default": "the provider's"}
    )
    tenant: Text | None = Field(
        None, description="Microsoft's directory", json_schema_extra={"default": '"organizations"'}
    )
    client_id: Text = Field(min_length=1, description="the application's id")
    client_secret: SecretField | None = Field(None, description="its secret, where it has one")
    flow: Flow | None = Field(
        None,
        description="`device`, `browser`: a person signs in once (`ticketd login`), with a code or a browser;"
        " `client-credentials`: the application itself",
        json_schema_extra={"default": '"device"; Google: "browser"'},
    )
    token_url: Text | None = Field(None, description="the token endpoint; needed for `custom`")
    device_url: Text | None = Field(
        None, description="the device authorization endpoint; needed for `custom` with `device`"
    )
    auth_url: Text | None = Field(
        None, description="the authorization endpoint; needed for `custom` with `browser`"
    )
    scopes: tuple[Text, ...] = Field((), description="what is asked for; needed for `custom`")

    @property
    def sign_in(self) -> Flow:
        """The flow; Google grants no mail to devices with a code."""
        return self.flow or ("browser" if self.provider == "google" else "device")

    def endpoint(self, key: str) -> str:
        """The URL of ``token_url``, ``device_url`` or ``auth_url``; "" where a custom provider has none."""
        known = _ENDPOINTS[self.provider].get(key, "").format(tenant=self.tenant or "organizations")
        return getattr(self, key) or known

    @property
    def scope(self) -> str:
        """What is asked for, as it goes over the wire (RFC 6749 §3.3)."""
        if self.provider == "microsoft" and self.sign_in == "client-credentials":
            return " ".join(self.scopes or _APPLICATION_SCOPES)
        return " ".join(self.scopes or _SCOPES[self.provider])
