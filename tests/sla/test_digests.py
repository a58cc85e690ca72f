"""Digest mails: what they say, when they are due, and that each is sent once a day whatever happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.journeys.stage import text_of
from ticketd.collect.digests import send_digests
from ticketd.config.settings import AdminDigest, Digest
from ticketd.decide.deadlines.report import Report
from ticketd.decide.writing import digests

from .kit import LEAD, Desk

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANNA, BOB = "anna@example.com", "bob@example.com"
WARSAW = ZoneInfo("Europe/Warsaw")
PNG = b"\x89PNG\r\n\x1a\n invented"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def pictures(_report: Report) -> Mapping[str, bytes]:
    return {"volume": PNG}


def send(desk: Desk, digest: Digest, at: datetime | None = None) -> int:
    return send_digests(desk.store, desk.policy, digest, at or desk.now, pictures)


@pytest.mark.parametrize(
    ("at", "local", "day"),
    [
        ("08:30", "2026-11-23 08:29", None),
        ("08:30", "2026-11-23 08:30", "2026-11-23"),
        ("08:30", "2026-11-23 23:59", "2026-11-23"),
        ("08:30", "2026-11-24 00:00", None),
        ("mon 08:00", "2026-11-23 08:00", "2026-11-23"),
        ("mon 08:00", "2026-11-24 08:00", None),
        ("sun 02:30", "2026-03-29 03:00", "2026-03-29"),  # a time that daylight saving skips
        ("00:00", "2026-11-23 00:00", "2026-11-23"),
    ],
)
def test_a_digest_is_due_from_its_minute_to_the_end_of_the_day(at: str, local: str, day: str | None) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=WARSAW).astimezone(UTC)
    assert digests.due_day(at, now, WARSAW) == (date.fromisoformat(day) if day else None)


def test_agents_are_told_of_their_own_open_tickets_and_what_is_due(desk: Desk) -> None:
    desk.jane_writes("printer")
    desk.answers("anna", "#take", id="a")
    desk.jane_writes("scanner")
    desk.answers("bob", "#take", id="b")
    desk.jane_writes("kettle")
    desk.wait(2 * HOUR)
    for address in (ANNA, BOB):
        desk.told(address)
    assert send(desk, Digest(agents="08:30")) == 2
    (mail,) = desk.told(ANNA)
    assert mail["Subject"] == "Your tickets today: 1 open, 1 overdue"
    assert "printer" in text_of(mail)
    assert "first reply overdue since 10:01" in text_of(mail)
    assert not any(word in text_of(mail) for word in ("scanner", "kettle"))
    assert mail["Auto-Submitted"] == "auto-generated"
    (mail,) = desk.told(BOB)
    assert "scanner" in text_of(mail)


def test_who_has_nothing_open_gets_no_mail_that_day(desk: Desk) -> None:
    digest = Digest(agents="08:30")
    assert send(desk, digest) == 0
    desk.jane_writes()
    desk.answers("anna", "#take")
    assert send(desk, digest) == 0
    assert send(desk, digest, desk.now + DAY) == 1


def test_each_digest_is_sent_once_a_day_under_restarts_and_clock_jumps(desk: Desk) -> None:
    desk.jane_writes()
    desk.answers("anna", "#take")
    digest = Digest(agents="08:30", admins=AdminDigest(to=(LEAD, "boss@example.net"), at="08:00"))
    for address in (ANNA, LEAD, "boss@example.net"):
        desk.told(address)
    begin = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    for minutes in range(0, 3 * 24 * 60, 20):
        for shift in (timedelta(), -HOUR, HOUR, -DAY):
            if begin + minutes * MINUTE + shift >= begin:
                send(desk, digest, begin + minutes * MINUTE + shift)
        if minutes % 120 == 0:
            desk.restart()
    days = 4  # the clock that went an hour ahead saw the last one's morning, too
    assert [len(desk.told(address)) for address in (ANNA, LEAD, "boss@example.net")] == [days] * 3


def test_a_digest_is_caught_up_the_same_day_alone(desk: Desk) -> None:
    desk.jane_writes()
    desk.answers("anna", "#take")
    digest = Digest(agents="08:30")
    assert send(desk, digest, datetime(2026, 11, 24, 8, 29, tzinfo=UTC)) == 0
    assert send(desk, digest, datetime(2026, 11, 24, 19, 0, tzinfo=UTC)) == 1
    assert send(desk, digest, datetime(2026, 11, 26, 3, 0, tzinfo=UTC)) == 0


def test_admins_get_figures_and_pictures_within_the_mail(desk: Desk) -> None:
    desk.jane_writes()
    desk.answers("anna", "Have you tried water?")
    desk.told(LEAD)
    assert send(desk, Digest(admins=AdminDigest(to=(LEAD,), at="mon 08:00")), desk.now + MINUTE) == 1
    (mail,) = desk.told(LEAD)
    assert mail["Subject"] == "Example Help Desk: 1 opened, 0 solved, 1 reply, 0 open now, 0 breaches"
    assert "How long customers waited" in text_of(mail)
    assert mail["Auto-Submitted"] == "auto-generated"
    shape = [part.get_content_type() for part in mail.walk()]
    assert shape == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert picture.get_content() == PNG
    assert picture.get_content_disposition() == "inline"
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_content()
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html


def test_a_week_is_looked_back_on_where_the_digest_is_weekly(desk: Desk) -> None:
    desk.jane_writes()
    seen: list[Report] = []
    weekly = Digest(admins=AdminDigest(to=(LEAD,), at="mon 08:00"))
    at = desk.now + 7 * DAY - HOUR
    send_digests(desk.store, desk.policy, weekly, at, lambda report: seen.append(report) or {})
    assert (seen[0].until - seen[0].since, seen[0].total.opened) == (7 * DAY, 1)
