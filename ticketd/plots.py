"""A report as pictures: PNG by matplotlib, one for each table that is worth one.

matplotlib is an extra (``plots``): without it there are no pictures, and ``MISSING`` says
how to get them. ``draw_aside`` draws in a process of its own, since matplotlib is 60 MB
that a daemon would hold for ever. Knows nothing of pages and mails.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import structlog

from ticketd.decide.deadlines.report import AGES, Load, Report, Step
from ticketd.decide.deadlines.report_words import NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MISSING = "For plots install the extra: pip install 'ticketd[plots]'"
_PATIENCE = 120  # seconds
_MOST = 30  # agents or mailboxes in one picture: the table has all
_DPI = 144  # twice what is shown, for sharp screens

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a picture: its ground and words, and its series."""

    ground: str
    ink: str
    faint: str
    first: str
    second: str
    third: str
    bad: str


LIGHT = Colours("#ffffff", "#1c2024", "#d5dbe3", "#2f6fd6", "#3a9a63", "#c98a1b", "#c5443d")
DARK = Colours("#17191c", "#e6e8eb", "#3a424b", "#7cabf7", "#63c18b", "#e0b050", "#ef7d75")


def available() -> bool:
    """Whether pictures can be drawn."""
    return importlib.util.find_spec("matplotlib") is not None


def get_ready() -> None:
    """Load matplotlib and its font now: whoever draws later may not be able to (``preload``)."""
    if available():
        _picture(lambda axes, _, colours: _trial(axes, colours), None, LIGHT)


def _trial(axes: Axes, colours: Colours) -> bool:
    """Something of each kind that the pictures have."""
    axes.bar_label(axes.bar([0], [1], label="one"))
    _whole(axes, "y", colours)
    _legend(axes, 1)
    return True


def draw(report: Report, colours: Colours = LIGHT) -> dict[str, bytes]:
    """The pictures, PNG by name; nothing without matplotlib."""
    if not available():
        return {}
    return {
        name: drawn for name, painter in _PAINTERS.items() if (drawn := _picture(painter, report, colours))
    }


def draw_aside(report: Report) -> Mapping[str, bytes]:
    """The same in a child process; nothing, and a line in the log, where that fails."""
    if not available():
        return {}
    command = [sys.executable, "-m", "ticketd.plots"]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, input=pickle.dumps(report), capture_output=True, check=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("no plots", said=str(error))
        return {}
    return {name: base64.b64decode(content) for name, content in json.loads(done.stdout).items()}


def _picture(
    painter: Callable[[Axes, Any, Colours], bool], report: Report | None, colours: Colours
) -> bytes | None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.1, 2.6), dpi=_DPI, facecolor=colours.ground, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=colours.ground)
    _dress(axes, colours)
    if not painter(axes, report, colours):
        return None
    legend = axes.get_legend()
    if legend is not None:
        for text in legend.get_texts():
            text.set_color(colours.ink)
    content = BytesIO()
    figure.savefig(content, format="png", facecolor=colours.ground, metadata={"Software": None})
    return content.getvalue()


def _dress(axes: Axes, colours: Colours) -> None:
    axes.tick_params(colors=colours.ink, labelsize=8, length=0)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours.faint)


def _whole(axes: Axes, which: str, colours: Colours) -> None:
    """Counts have no halves; faint lines to read them by."""
    from matplotlib.ticker import MaxNLocator

    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    axes.grid(axis="y" if which == "y" else "x", color=colours.faint, linewidth=0.6)


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(
        frameon=False, fontsize=8, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2
    )


def _volume(axes: Axes, report: Report, colours: Colours) -> bool:
    days = report.by_day
    places = range(len(days))
    opened, solved = [one.opened for one in days], [one.solved for one in days]
    axes.bar([place - 0.2 for place in places], opened, 0.4, color=colours.first, label="opened")
    axes.bar([place + 0.2 for place in places], solved, 0.4, color=colours.second, label="solved")
    replies = [one.replies for one in days]
    axes.plot(places, replies, color=colours.third, linewidth=1.4, marker=".", markersize=3, label="replies")
    every = -(-len(days) // 10)
    shown = list(places)[::every]
    axes.set_xticks(shown, [f"{days[place].day:%d %b}".lstrip("0") for place in shown])
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set_ylim(bottom=0)
    _whole(axes, "y", colours)
    _legend(axes, 3)
    return True


def _steps(axes: Axes, steps: tuple[Step, ...], colour: str, colours: Colours) -> bool:
    labels = [step.label.replace(" and more", "+").replace("under ", "< ") for step in steps]
    bars = axes.bar(range(len(steps)), [step.count for step in steps], 0.72, color=colour)
    axes.set_xticks(range(len(steps)), [_two_lines(label) for label in labels])
    axes.tick_params(axis="x", labelsize=7)
    axes.bar_label(bars, fontsize=7, color=colours.ink, padding=1)
    _whole(axes, "y", colours)
    axes.margins(y=0.12)
    return any(step.count for step in steps)


def _two_lines(label: str) -> str:
    begin, to, end = label.partition(" to ")
    return f"{begin} to\n{end}" if to else label


def _first_reply(axes: Axes, report: Report, colours: Colours) -> bool:
    return _steps(axes, report.first_reply.distribution, colours.first, colours)


def _solve(axes: Axes, report: Report, colours: Colours) -> bool:
    return _steps(axes, report.solve.distribution, colours.second, colours)


def _backlog(axes: Axes, report: Report, colours: Colours) -> bool:
    assert len(report.backlog.by_age) == len(AGES)
    return _steps(axes, report.backlog.by_age, colours.third, colours)


def _sla(axes: Axes, report: Report, colours: Colours) -> bool:
    shown = [one for one in report.sla if one.kept or one.breached][::-1]
    if not shown:
        return False
    names = [NAMES[one.target] for one in shown]
    kept = axes.barh(names, [one.kept for one in shown], 0.55, color=colours.second, label="kept")
    lefts = [one.kept for one in shown]
    late = axes.barh(names, [one.breached for one in shown], 0.55, lefts, color=colours.bad, label="breached")
    axes.bar_label(kept, fontsize=8, color=colours.ground, label_type="center", fmt=_unless_zero)
    axes.bar_label(
        late, fontsize=8, color=colours.ink, padding=3, labels=[str(one.breached) for one in shown]
    )
    _whole(axes, "x", colours)
    axes.margins(x=0.08)
    _legend(axes, 2)
    return True


def _unless_zero(count: float) -> str:
    return f"{count:.0f}" if count else ""


def _agents(axes: Axes, report: Report, colours: Colours) -> bool:
    return _loads(axes, report.agents, colours)


def _mailboxes(axes: Axes, report: Report, colours: Colours) -> bool:
    return len(report.mailboxes) > 1 and _loads(axes, report.mailboxes, colours)


def _loads(axes: Axes, loads: tuple[Load, ...], colours: Colours) -> bool:
    shown = sorted(loads, key=lambda one: -one.replies)[:_MOST][::-1]
    if not shown:
        return False
    axes.get_figure(root=True).set_size_inches(6.1, 1.0 + 0.42 * len(shown))  # type: ignore[union-attr]
    series: tuple[tuple[str, Callable[[Load], int], str], ...] = (
        ("replies", lambda one: one.replies, colours.first),
        ("solved", lambda one: one.solved, colours.second),
        ("open now", lambda one: one.open, colours.third),
    )
    for place, (label, figure, colour) in enumerate(series):
        heights = [number + 0.26 * (1 - place) for number in range(len(shown))]
        axes.barh(heights, [figure(one) for one in shown], 0.26, color=colour, label=label)
    axes.set_yticks(range(len(shown)), [_short(one.name) for one in shown])
    _whole(axes, "x", colours)
    _legend(axes, 3)
    return True


def _short(name: str) -> str:
    """A name as an axis has room for it; a dollar sign begins no formula."""
    local = name.partition("@")[0]
    return (local if len(local) <= 18 else f"{local[:17]}…").replace("$", r"\$")


_PAINTERS: dict[str, Callable[[Any, Report, Colours], bool]] = {
    "volume": _volume,
    "first_reply": _first_reply,
    "solve": _solve,
    "sla": _sla,
    "backlog": _backlog,
    "agents": _agents,
    "mailboxes": _mailboxes,
}


def _main() -> None:
    """The child's side of ``draw_aside``: a report comes in, pictures go out."""
    report = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent, through a pipe
    encoded = {name: base64.b64encode(content).decode("ascii") for name, content in draw(report).items()}
    json.dump(encoded, sys.stdout)


if __name__ == "__main__":
    _main()
