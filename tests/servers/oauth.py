"""An OAuth 2 provider on loopback: token, device and authorization endpoints, and Dovecot's introspection.

provider.script = [(503, {})]                 the next answer of the token endpoint
provider.rotates = True                       every refresh token is good for one use
provider.approve()                            the person enters the code
"""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Json = dict[str, Any]


@dataclass
class Provider:
    """The provider. ``account`` is whose mail its tokens open."""

    account: str
    life: int = 3600
    rotates: bool = False
    port: int = 0
    script: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    refreshing: set[str] = field(default_factory=set)
    codes: dict[str, str] = field(default_factory=dict)  # authorization codes, with their challenges
    approved: bool = False
    extra: Json = field(default_factory=dict)

    def start(self) -> Provider:
        """Listen on a free port."""
        self._serials = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        """The URL of an endpoint."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def approve(self) -> None:
        """The person enters the code and agrees."""
        self.approved = True

    def revoke(self) -> None:
        """The person takes everything back."""
        self.tokens.clear()
        self.refreshing.clear()

    def dovecot(self) -> str:
        """What Dovecot's oauth2 passdb is to know."""
        return (
            f"introspection_mode = auth\nintrospection_url = {self.url('introspect')}\n"
            "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
        )

    # What it answers

    def token(self, form: dict[str, str]) -> tuple[int, Any]:
        """The token endpoint."""
        self.asked.append(form)
        if self.script:
            return self.script.pop(0)
        kind = form.get("grant_type")
        if kind == "urn:ietf:params:oauth:grant-type:device_code":
            return self._granted() if self.approved else (400, {"error": "authorization_pending"})
        if kind == "authorization_code":
            known = self.codes.pop(form.get("code", ""), None)
            return self._granted() if known else (400, {"error": "invalid_grant"})
        if kind == "client_credentials":
            return self._granted(refreshed=False)
        return self._refreshed(form.get("refresh_token", ""))

    def _refreshed(self, token: str) -> tuple[int, Json]:
        if token not in self.refreshing:
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        if self.rotates:
            self.refreshing.remove(token)
        return self._granted(refreshed=self.rotates)

    def _granted(self, *, refreshed: bool = True) -> tuple[int, Json]:
        serial = next(self._serials)
        document: Json = {"access_token": f"access-{serial}", "token_type": "Bearer", "expires_in": self.life}
        self.tokens.add(document["access_token"])
        if refreshed:
            document["refresh_token"] = f"refresh-{serial}"
            self.refreshing.add(document["refresh_token"])
        return 200, document | self.extra

    def device(self, form: dict[str, str]) -> tuple[int, Json]:
        """The device authorization endpoint."""
        self.asked.append(form)
        return 200, {
            "device_code": "d-1",
            "user_code": "WDJB-MJHT",
            "verification_uri": self.url("activate"),
            "expires_in": 900,
            "interval": 0,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent once the person agreed."""
        code = f"code-{next(self._serials)}"
        self.codes[code] = query["code_challenge"]
        return f"{query['redirect_uri']}/?{urlencode({'code': code, 'state': query['state']})}"

    def knows(self, token: str) -> bool:
        """Whether an access token is good."""
        return token in self.tokens


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = dict(parse_qsl(body))
            answer = provider.device(form) if self.path == "/device" else provider.token(form)
            self._say(*answer)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/introspect":
                given = (self.headers["Authorization"] or "").removeprefix("Bearer ")
                good = provider.knows(given)
                self._say(200 if good else 401, {"active": good, "username": provider.account})
                return
            self.send_response(302)
            self.send_header("Location", provider.authorize(dict(parse_qsl(parts.query))))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _say(self, status: int, document: Any) -> None:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
