"""A report in words: the tables that the terminal, the page and the mail all show.

Knows nothing of how a table is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo

from ticketd.decide.deadlines.report import Load, Report, Times
from ticketd.decide.deadlines.words import span_in_words

NAMES = {"first_reply": "First reply", "next_reply": "Next reply", "solve": "Solution"}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; ``key`` is also the name of the picture that shows the same."""

    key: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def aligned(self) -> str:
        """As plain text: the first column to the left, figures to the right."""
        columns = list(zip(self.headings, *self.rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        return "\n".join(_line(row, widths) for row in (self.headings, *self.rows))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    cells = [f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in rest)]
    return "  ".join(cells).rstrip()


def tables(report: Report) -> tuple[Table, ...]:
    """The whole report as tables, the most asked for first."""
    return (*_times(report), _volume(report), *_promises(report), _backlog(report), *_loads(report))


def headline(report: Report) -> str:
    """The report in a line."""
    total, backlog = report.total, report.backlog
    breached = sum(one.breached for one in report.sla)
    said = [f"{total.opened} opened", f"{total.solved} solved"]
    said.append("1 reply" if total.replies == 1 else f"{total.replies} replies")
    said += [f"{backlog.open} open now", "1 breach" if breached == 1 else f"{breached} breaches"]
    return ", ".join(said)


def period(report: Report, tz: tzinfo) -> str:
    """From when to when, in words."""
    since, until = (at.astimezone(tz) for at in (report.since, report.until))
    return f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} ({report.timezone})"


def length(seconds: float | None) -> str:
    """A length of time in words; nothing where there is none."""
    return "–" if seconds is None else span_in_words(timedelta(seconds=seconds))


def _times(report: Report) -> Iterator[Table]:
    kinds = (("First reply", report.first_reply), ("Solution", report.solve))
    rows = tuple(
        (name, str(times.count), *map(length, (times.median, times.mean, times.p90))) for name, times in kinds
    )
    headings = ("", "count", "median", "mean", "9 of 10 within")
    yield Table("times", "How long customers waited", headings, rows)
    for key, (name, times) in zip(("first_reply", "solve"), kinds, strict=True):
        yield Table(key, f"Time to the {name.lower()}", ("time", "tickets", "share"), _steps(times))


def _steps(times: Times) -> tuple[tuple[str, ...], ...]:
    return tuple((step.label, str(step.count), share(step.count, times.count)) for step in times.distribution)


def share(part: int, whole: int) -> str:
    """A part of a whole, in per cent."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


def _volume(report: Report) -> Table:
    rows = [
        (f"{one.day:%a %Y-%m-%d}", str(one.opened), str(one.solved), str(one.replies))
        for one in report.by_day
    ]
    total = report.total
    rows.append(("in all", str(total.opened), str(total.solved), str(total.replies)))
    return Table("volume", "Volume by day", ("day", "opened", "solved", "replies"), tuple(rows))


def _promises(report: Report) -> Iterator[Table]:
    rows = tuple(
        (NAMES[one.target], str(one.kept), str(one.breached), share(one.kept, one.kept + one.breached))
        for one in report.sla
        if one.kept or one.breached
    )
    if rows:
        yield Table("sla", "SLA targets", ("target", "kept", "breached", "kept of all"), rows)


def _backlog(report: Report) -> Table:
    backlog = report.backlog
    title = f"Backlog: {backlog.open} open, {backlog.pending} pending"
    parts = (("unassigned", backlog.unassigned), ("urgent", backlog.urgent), ("overdue", backlog.overdue))
    some = ", ".join(f"{count} {word}" for word, count in parts if count)
    rows = tuple((step.label, str(step.count)) for step in backlog.by_age)
    return Table("backlog", f"{title} ({some})" if some else title, ("age", "tickets"), rows)


def _loads(report: Report) -> Iterator[Table]:
    numbers = ("replies", "solved", "open", "pending", "median first reply")
    if report.agents:
        yield Table("agents", "By agent", ("agent", *numbers), _load_rows(report.agents))
    if report.mailboxes:
        rows = tuple(
            (name, str(load.opened), *rest)
            for load, (name, *rest) in zip(report.mailboxes, _load_rows(report.mailboxes), strict=True)
        )
        yield Table("mailboxes", "By mailbox", ("mailbox", "opened", *numbers), rows)


def _load_rows(loads: Sequence[Load]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            load.name,
            *map(str, (load.replies, load.solved, load.open, load.pending)),
            length(load.first_reply_median),
        )
        for load in loads
    )
