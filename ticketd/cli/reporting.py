"""The command ``report``: the desk's figures as tables, as JSON, or as one HTML page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ticketd.cli import show
from ticketd.cli.state import assembly, now, writing
from ticketd.errors import UsageError

if TYPE_CHECKING:
    from ticketd.decide.deadlines.report import Report
    from ticketd.decide.policy import Policy


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("report")(report)


def report(
    context: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="D", help="From when: a duration back like 30d, or a date.")
    ] = "30d",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page with plots.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show volumes, first-reply and solve times, breaches, backlog, by mailbox and agent."""
    from ticketd import plots
    from ticketd.decide.deadlines.report import make_report
    from ticketd.decide.writing.letter import zone
    from ticketd.store.figures import facts

    if html is not None:
        plots.get_ready()
    with assembly(context) as ready:
        tz, until = zone(ready.policy), now()
        began = since_when(since, until, tz)
        with ready.store.view() as view:
            found = facts(view, began, until)
        made = make_report(found, tz, [agent.key for agent in ready.policy.agents.values()])
    if html is not None:
        page = _page(made, ready.policy, tz)
        with writing(html):
            html.write_text(page, "utf-8")
    if json:
        show.as_json(made.as_json())
    elif html is None:
        _print(made, tz)


def since_when(text: str, until: datetime, tz: tzinfo) -> datetime:
    """The moment that ``--since`` names: a date's midnight, or the midnight so many days back."""
    from ticketd.decide.policy import read_duration

    try:
        back = read_duration(text)
        assert isinstance(back, timedelta)
        if back < timedelta(days=1):
            return until - back
        day = (until - back).astimezone(tz).date()
    except (ValueError, OverflowError):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise UsageError(f"--since {text}: give a duration like 30d, or a date like 2026-11-01") from None
    began = datetime.combine(day, time(), tz)
    if began >= until:
        raise UsageError(f"--since {text} is not in the past")
    return began


def _print(made: Report, tz: tzinfo) -> None:
    from ticketd.decide.deadlines.report_words import headline, period, tables

    print(headline(made))
    print(period(made, tz))
    for table in tables(made):
        print(f"\n{show.line(table.title)}")
        show.table(table.headings, table.rows)


def _page(made: Report, policy: Policy, tz: tzinfo) -> str:
    from ticketd import plots
    from ticketd.decide.writing.digests import report_values
    from ticketd.decide.writing.letter import texts_of

    hint = "" if plots.available() else plots.MISSING
    light, dark = _urls(plots.draw(made)), _urls(plots.draw(made, plots.DARK))
    return texts_of(policy).render("report.html", **report_values(policy.name, made, tz, light, dark, hint))


def _urls(pictures: Mapping[str, bytes]) -> dict[str, str]:
    """Pictures as URLs that hold them whole (RFC 2397): the page needs no other file."""
    return {
        name: f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
        for name, content in pictures.items()
    }
