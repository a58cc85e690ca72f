"""The command ``report``: tables, JSON and one page that needs nothing else."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.cli.kit import Cli, mail
from ticketd import plots
from ticketd.cli.reporting import since_when
from ticketd.errors import UsageError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")


def test_the_figures_are_shown_as_tables_and_as_json(cli: Cli) -> None:
    cli("new", "--requester", "jane@example.org", "--subject", "x", "--as", "anna", text="Hello.")
    answer = cli("report", "--since", "7d")
    assert answer.status == 0
    assert "1 opened, 0 solved, 1 reply" in answer.out
    assert re.search(r"^anna@example.com +1 ", answer.out, re.MULTILINE)
    assert re.search(r"^bob@example.com +0 ", answer.out, re.MULTILINE)
    found = cli("report", "--json").json
    assert found["total"] == {"opened": 1, "solved": 0, "replies": 1}
    assert found["first_reply"]["count"] == 0  # she did not wait: we wrote first
    assert found["timezone"] == "UTC"


def test_spam_is_in_no_figure(cli: Cli) -> None:
    cli.take_in(mail())
    assert cli("report", "--since", "2020-01-01", "--json").json["total"]["opened"] == 1
    cli("spam", 1)
    found = cli("report", "--since", "2020-01-01", "--json").json
    assert (found["total"]["opened"], found["backlog"]["open"]) == (0, 0)


def test_the_page_holds_its_pictures_for_light_and_dark(cli: Cli) -> None:
    pytest.importorskip("matplotlib")
    cli("new", "--requester", "jane@example.org", "--subject", "x", "--as", "anna", text="Hello.")
    path = cli.directory / "page.html"
    assert cli("report", "--html", path).out == ""
    page = path.read_text("utf-8")
    assert page.count('src="data:image/png;base64,') == page.count('srcset="data:image/png;base64,') > 1
    assert set(re.findall(r'(?:src|href|srcset)="([^"]{5})', page)) == {"data:"}


def test_without_matplotlib_the_page_has_tables_and_says_how_to_get_plots(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "available", lambda: False)
    path = cli.directory / "page.html"
    assert cli("report", "--html", path).status == 0
    page = path.read_text("utf-8")
    assert "ticketd[plots]" in page
    assert "Volume by day" in page
    assert "data:image" not in page


def test_a_page_that_cannot_be_written_is_one_sentence(cli: Cli) -> None:
    answer = cli("report", "--html", cli.directory / "missing" / "page.html")
    assert (answer.status, answer.err.count("\n")) == (1, 1)
    assert "cannot write" in answer.err


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30d", "2026-10-24T00:00:00+02:00"),  # daylight saving: midnight is what counts
        ("1d", "2026-11-22T00:00:00+01:00"),
        ("2h", "2026-11-23T11:00:00+01:00"),
        ("2026-11-01", "2026-11-01T00:00:00+01:00"),
    ],
)
def test_since_is_a_duration_or_a_date(text: str, since: str) -> None:
    assert since_when(text, NOW, WARSAW) == datetime.fromisoformat(since)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2027-01-01", "-3d", "", "99999999y"])
def test_any_other_since_is_wrong_usage(cli: Cli, text: str) -> None:
    with pytest.raises(UsageError):
        since_when(text, NOW, WARSAW)
    assert cli("report", f"--since={text}").status == 2


def test_pictures_are_drawn_in_a_process_of_their_own() -> None:
    pytest.importorskip("matplotlib")
    from ticketd.decide.deadlines.report import Facts, ReplyFact, make_report

    replies = (ReplyFact("$anna$@example.com", "support", NOW - timedelta(hours=1)),)
    report = make_report(Facts(NOW - timedelta(days=2), NOW, replies=replies))
    drawn = plots.draw_aside(report)
    assert drawn.keys() == {"volume", "agents"}
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())
    assert drawn == plots.draw(report)
