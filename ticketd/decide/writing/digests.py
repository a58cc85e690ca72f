"""The digest mails: when each is due, and the desk's own, with its figures.

A digest is due from its minute to the end of that day, on the clock on the wall: told
once a day by its key, caught up the same day where nobody was there at the minute. What
agents get is ``lists.digest``. Knows nothing of how figures and pictures are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo

from ticketd.decide import tokens
from ticketd.decide.deadlines.report import Report
from ticketd.decide.deadlines.report_words import headline, period, tables
from ticketd.decide.effects import MailKind, Outgoing
from ticketd.decide.model import Address, Attachment, Purpose
from ticketd.decide.policy import Policy
from ticketd.decide.policy_fields import DAYS, read_minute
from ticketd.decide.writing import letter


def due_day(at: str, now: datetime, tz: tzinfo) -> date | None:
    """The day whose digest is due by ``now``: ``at`` is ``"08:30"`` or ``"mon 08:00"``; None: not now."""
    local = now.astimezone(tz)
    weekday, _, minute = at.rpartition(" ")
    if weekday and DAYS[local.weekday()] != weekday:
        return None
    return local.date() if local.hour * 60 + local.minute >= read_minute(minute) else None


def span_of(at: str) -> timedelta:
    """How far back the desk's digest looks: a week where it comes weekly, else a day."""
    return timedelta(days=7 if " " in at else 1)


def agent_key(agent: str, day: date) -> str:
    """What is remembered of an agent's digest (by the agent's address key)."""
    return f"digest agent {agent} {day}"


def desk_key(address: str, day: date) -> str:
    """What is remembered of the desk's digest to one address."""
    return f"digest desk {address.lower()} {day}"


def desk_digest(
    policy: Policy, address: str, report: Report, pictures: Mapping[str, bytes], cause: str, now: datetime
) -> Outgoing:
    """The desk's figures as a mail; ``pictures`` are PNG by the name of the table that they show."""
    desk = next(iter(policy.mailboxes.values()))
    token = tokens.mint(policy, Purpose.LIST, 0, address.lower(), f"{cause}/desk-digest")
    shown = {name: f"{name}.{token.serial}@{desk.domain}" for name in pictures}
    values = report_values(
        policy.name, report, letter.zone(policy), {n: f"cid:{i}" for n, i in shown.items()}
    )
    texts = letter.texts_of(policy)
    return letter.seal(
        policy,
        letter.Draft(
            kind=MailKind.ALERT,
            mailbox=desk,
            token=token,
            cause=cause,
            now=now,
            sender=policy.name or desk.shown,
            to=(Address(address),),
            subject=f"{policy.name}: {headline(report)}",
            text=texts.render("report.txt", **values),
            html=texts.render("report.html", **values),
            references=(tokens.root_id(policy, 0, desk.domain),),
            fields=letter.GENERATED,
            pictures=tuple(
                Attachment(f"{name}.png", "image/png", content, inline=True, content_id=shown[name])
                for name, content in pictures.items()
            ),
        ),
    )


def report_values(
    name: str,
    report: Report,
    tz: tzinfo,
    light: Mapping[str, str],
    dark: Mapping[str, str] | None = None,
    hint: str = "",
) -> dict[str, object]:
    """What the report's templates are given: tables, and where the pictures are, by table."""
    return {
        "name": name,
        "period": period(report, tz),
        "headline": headline(report),
        "tables": tables(report),
        "light": light,
        "dark": dark or {},
        "hint": hint,
    }
