"""Access tokens: kept, renewed in time, saved before use, and what is said where there are none (F24)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.servers.oauth import Provider
from ticketd.config import MailboxSettings, load
from ticketd.decide.grants import granted
from ticketd.errors import LoginRefused, TicketdError, Unavailable
from ticketd.signin import SignIns, ending, identity
from ticketd.store import Store, hooks

CONFIG = """
[[mailboxes]]
name = "support"
address = "support@example.test"
imap.host = "localhost"
smtp.host = "localhost"

[mailboxes.oauth]
provider = "custom"
client_id = "{client}"
client_secret = "s3-secret"
token_url = "{token}"
device_url = "{device}"
auth_url = "{auth}"
scopes = ["mail", "offline"]
{flow}

[[agents]]
name = "anna"
address = "anna@example.com"
"""
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def box(tmp_path: Path, provider: Provider, flow: str = "", client: str = "desk") -> MailboxSettings:
    path = tmp_path / "ticketd.toml"
    urls = {"token": provider.url("token"), "device": provider.url("device"), "auth": provider.url("auth")}
    path.write_text(CONFIG.format(client=client, flow=f'flow = "{flow}"' if flow else "", **urls))
    path.chmod(0o600)
    (mailbox,) = load(path, os.environ).mailboxes
    return mailbox


class Desk:
    """A store with a clock that a test moves."""

    def __init__(self, store: Store) -> None:
        self.store, self.now = store, NOW
        self.sign_ins = self.another()

    def another(self) -> SignIns:
        """What another process would have."""
        assert self.store.path
        return SignIns(self.store, lambda: self.now, self.store.path.parent)

    def sign_in(self, mailbox: MailboxSettings, **document: object) -> None:
        """What `ticketd login` would keep."""
        answer = {"access_token": "first", "refresh_token": "r", "expires_in": 3600, **document}
        with self.store.begin() as tx:
            tx.keep_grant("support", granted(answer, None, identity(mailbox), self.now, signed_in=True))

    def kept(self):
        with self.store.begin() as tx:
            return tx.grant("support")


class Killed(BaseException):
    """The process dies here."""


@contextmanager
def stopped_at(point: str, error: BaseException, when: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Within, ``error`` comes at a commit's ``point``, once ``when`` is true."""

    def reached(name: str) -> None:
        if name == point and when():
            raise error

    hooks.install(reached)
    try:
        yield
    finally:
        hooks.install(None)


@pytest.fixture
def desk(tmp_path: Path):
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    yield Desk(store)
    store.close()


def test_a_young_token_is_used_and_nobody_is_asked(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox)
    desk.now += timedelta(minutes=47)
    assert desk.sign_ins.tokens(mailbox).token() == "first"
    assert provider.asked == []


@pytest.mark.parametrize("rotates", [False, True])
def test_a_token_is_renewed_in_time_and_kept(
    desk: Desk, provider: Provider, tmp_path: Path, rotates: bool
) -> None:
    mailbox = box(tmp_path, provider)
    provider.rotates = rotates
    provider.refreshing.add("r")
    desk.sign_in(mailbox)
    for turn in range(3):
        desk.now += timedelta(minutes=50)
        assert desk.sign_ins.tokens(mailbox).token() == f"access-{turn + 1}"
        assert desk.sign_ins.tokens(mailbox).token() == f"access-{turn + 1}"
    asked = provider.asked[0]
    assert (asked["grant_type"], asked["refresh_token"]) == ("refresh_token", "r")
    assert (asked["client_id"], asked["client_secret"]) == ("desk", "s3-secret")
    assert len(provider.asked) == 3
    assert desk.kept().refresh_token == ("refresh-3" if rotates else "r")
    assert desk.kept().signed_in_at == NOW


def test_it_is_saved_before_it_is_used(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider)
    provider.rotates = True
    provider.refreshing.add("r")
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)
    with stopped_at("after-commit:keep-grant", Killed(), lambda: bool(provider.asked)), pytest.raises(Killed):
        desk.sign_ins.tokens(mailbox).token()
    assert desk.another().tokens(mailbox).token() == "access-1"
    assert len(provider.asked) == 1


def test_killed_before_it_is_saved_the_old_one_is_tried(
    desk: Desk, provider: Provider, tmp_path: Path
) -> None:
    mailbox = box(tmp_path, provider)
    provider.refreshing.add("r")
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)
    with (
        stopped_at("before-commit:keep-grant", Killed(), lambda: bool(provider.asked)),
        pytest.raises(Killed),
    ):
        desk.sign_ins.tokens(mailbox).token()
    assert desk.another().tokens(mailbox).token() == "access-2"


def test_a_provider_that_is_away_is_no_trouble_while_the_token_serves(
    desk: Desk, provider: Provider, tmp_path: Path
) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox)
    provider.script = [(503, {}), (503, {})]
    desk.now += timedelta(minutes=50)
    assert desk.sign_ins.tokens(mailbox).token() == "first"
    desk.now += timedelta(minutes=11)
    for _ in range(2):  # the second is not asked: a dead provider costs one patience
        with pytest.raises(Unavailable, match="custom gives no token: it answers 503") as told:
            desk.sign_ins.tokens(mailbox).token()
        assert not isinstance(told.value, LoginRefused)
    assert len(provider.asked) == 1


def test_a_sign_in_that_has_ended_says_how_to_mend_it(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)
    with pytest.raises(LoginRefused, match=r"invalid_grant: the sign-in has ended.*`ticketd login support`"):
        desk.sign_ins.tokens(mailbox).token()
    assert desk.kept().access_token == "first"


def test_nobody_has_signed_in(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(LoginRefused, match="nobody has signed in yet: run `ticketd login support`"):
        desk.sign_ins.tokens(box(tmp_path, provider)).token()


def test_a_grant_of_another_application_is_worth_nothing(
    desk: Desk, provider: Provider, tmp_path: Path
) -> None:
    desk.sign_in(box(tmp_path, provider))
    with pytest.raises(LoginRefused, match="nobody has signed in yet"):
        desk.sign_ins.tokens(box(tmp_path, provider, client="other")).token()


def test_an_application_signs_in_by_itself(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider, "client-credentials")
    assert desk.sign_ins.tokens(mailbox).token() == "access-1"
    assert desk.sign_ins.tokens(mailbox).token() == "access-1"
    desk.now += timedelta(minutes=50)
    assert desk.sign_ins.tokens(mailbox).token() == "access-2"
    assert provider.asked[0]["scope"] == "mail offline"
    provider.script = [(401, {"error": "invalid_client"})]
    desk.now += timedelta(hours=2)
    with pytest.raises(LoginRefused, match=r"invalid_client: client_id.*mend \[mailboxes.oauth\]"):
        desk.sign_ins.tokens(mailbox).token()


def test_without_a_database_an_application_can_be_tried(provider: Provider, tmp_path: Path) -> None:
    tokens = SignIns(None, lambda: NOW, tmp_path).tokens(box(tmp_path, provider, "client-credentials"))
    assert tokens.token() == "access-1"


def test_somebody_signed_in_while_the_provider_refused(
    desk: Desk, provider: Provider, tmp_path: Path
) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)

    def meanwhile(form: dict[str, str]):
        desk.sign_in(mailbox, access_token="theirs", refresh_token="rotated")
        return 400, {"error": "invalid_grant"}

    provider.token = meanwhile  # type: ignore[method-assign]
    assert desk.sign_ins.tokens(mailbox).token() == "theirs"


def test_a_sign_in_is_not_overwritten_by_a_renewal_in_flight(
    desk: Desk, provider: Provider, tmp_path: Path
) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)

    def meanwhile(form: dict[str, str]):
        with desk.store.begin() as tx:
            answer = {"access_token": "new", "refresh_token": "new-r"}
            tx.keep_grant("support", granted(answer, None, identity(mailbox), desk.now, signed_in=True))
        return 200, {"access_token": "late", "refresh_token": "late-r"}

    provider.token = meanwhile  # type: ignore[method-assign]
    assert desk.sign_ins.tokens(mailbox).token() == "new"
    assert desk.kept().refresh_token == "new-r"


def test_many_at_once_renew_once(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    """A provider that sees a rotated token twice would end the sign-in."""
    mailbox = box(tmp_path, provider)
    provider.rotates = True
    provider.refreshing.add("r")
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)
    with ThreadPoolExecutor(8) as pool:
        processes = [desk.another() for _ in range(8)]
        found = list(pool.map(lambda one: one.tokens(mailbox).token(), processes))
    assert set(found) == {"access-1"}
    assert len(provider.asked) == 1


def test_what_could_not_be_saved_is_saved_when_it_can(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider)
    provider.rotates = True
    provider.refreshing.add("r")
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)
    full = stopped_at(
        "before-commit:keep-grant", TicketdError("the disk is full"), lambda: bool(provider.asked)
    )
    with full, pytest.raises(TicketdError, match="the disk is full"):
        desk.sign_ins.tokens(mailbox).token()
    assert desk.sign_ins.tokens(mailbox).token() == "access-1"
    assert desk.kept().refresh_token == "refresh-1"
    assert len(provider.asked) == 1


def test_nothing_is_asked_for_that_could_not_be_saved(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox)
    desk.now += timedelta(hours=1)
    full = stopped_at("before-commit:keep-grant", TicketdError("the disk is full"))
    with full, pytest.raises(TicketdError, match="the disk is full"):
        desk.sign_ins.tokens(mailbox).token()
    assert provider.asked == []


def test_a_provider_that_repeats_secrets_is_not_quoted(
    desk: Desk, provider: Provider, tmp_path: Path
) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox, refresh_token="refresh-secret")
    desk.now += timedelta(hours=1)
    said = "bad refresh-secret of desk, s3-secret \x1b]0;pwn\x07"
    provider.script = [(400, {"error": "invalid_grant", "error_description": said})]
    with pytest.raises(LoginRefused) as told:
        desk.sign_ins.tokens(mailbox).token()
    assert "refresh-secret" not in str(told.value)
    assert "s3-secret" not in str(told.value)
    assert str(told.value).isprintable()


def test_a_refused_token_is_renewed_once(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider)
    provider.refreshing.add("r")
    desk.sign_in(mailbox)
    desk.now += timedelta(minutes=5)
    tokens = desk.sign_ins.tokens(mailbox)
    assert tokens.refused(tokens.token())
    assert tokens.token() == "access-1"
    assert not tokens.refused("access-1")  # a third would be no better
    assert desk.sign_ins.tokens(mailbox).token() == "access-1"
    desk.now += timedelta(hours=1)
    assert desk.sign_ins.tokens(mailbox).token() == "access-2"
    assert tokens.refused("access-2")


def test_an_end_is_told_of_days_ahead(desk: Desk, provider: Provider, tmp_path: Path) -> None:
    mailbox = box(tmp_path, provider)
    desk.sign_in(mailbox, refresh_token_expires_in=7 * 86400)
    ends = NOW + timedelta(days=7)
    assert ending(desk.store, {"support": mailbox}, NOW + timedelta(days=3)) == {}
    assert ending(desk.store, {"support": mailbox}, NOW + timedelta(days=5)) == {"support": ends}
