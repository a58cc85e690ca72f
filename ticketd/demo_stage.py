"""How the demo is told: steps, mails as the person sees them, what was seen.

Panels in colour on a terminal, plain text when piped. Knows nothing of the story.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from ticketd.cli import show
from ticketd.decide.model import Message

_WIDTH = 88
_LINK = ": <mailto:"
_QUOTED = 2  # lines of a quote that a mail client shows before one asks for more


class Narrator:
    """Tells the story on standard output. ``steps`` counts what was seen to happen."""

    def __init__(self) -> None:
        self.steps = 0
        self._rich = sys.stdout.isatty()

    def say(self, words: str) -> None:
        """What happens next."""
        if self._rich:
            from rich.console import Console
            from rich.markup import escape

            Console(highlight=False).print(f"\n[bold]{escape(words)}[/bold]")
        else:
            print(f"\n{words}", flush=True)

    def seen(self, words: str) -> None:
        """Something that was to happen was seen to happen."""
        self.steps += 1
        if self._rich:
            from rich.console import Console
            from rich.markup import escape

            Console(highlight=False).print(f"  [green]✓[/green] {escape(words)}")
        else:
            print(f"  ok: {words}", flush=True)

    def mail(self, whose: str, message: Message, *headers: str) -> None:
        """A mail as its reader sees it; ``headers`` names further fields worth a look."""
        fields = [("From", message.from_text), ("To", ", ".join(one.address for one in message.to))]
        fields.append(("Subject", message.subject))
        fields += [(name, message.header(name) or "") for name in headers]
        shown = [f"{name + ':':<12} {show.line(value)}" for name, value in fields]
        lines = [*shown, "", *_as_seen(show.body(message.text.rstrip()).splitlines())]
        lines += [f"[{show.line(one.filename)}, {one.size} bytes]" for one in message.attachments]
        self._box(whose, lines)

    def _box(self, title: str, lines: list[str]) -> None:
        if self._rich:
            from rich.console import Console
            from rich.panel import Panel
            from rich.text import Text

            panel = Panel(Text("\n".join(lines)), title=title, title_align="left", width=_WIDTH)
            Console().print(panel)
            return
        print(f"  ┌─ {title}")
        for line in lines:
            print(f"  │ {line}".rstrip())
        print("  └─", flush=True)

    def failed(self, what: str, log: list[str]) -> None:
        """A step was not seen: say which, and what the daemon said last."""
        print(f"ticketd: the demo stopped after {self.steps} steps: {what}", file=sys.stderr)
        for line in log:
            print(f"  daemon: {show.line(line)}", file=sys.stderr)

    def done(self, seconds: float, place: Path | None) -> None:
        """The end."""
        kept = f" The database and all mails are in {place}." if place else ""
        self.say(f"Every step was seen to happen: {self.steps} of them in {seconds:.0f} s.{kept}")


def _as_seen(lines: list[str]) -> list[str]:
    """As mail clients show it: links as their names, quoted mail folded."""
    seen: list[str] = []
    for kind, group in groupby(lines, _kind):
        some = list(group)
        if kind == "quote" and len(some) > _QUOTED:
            mark = some[0].partition(">")[0]
            seen += [*some[:_QUOTED], f"{mark}> … {len(some) - _QUOTED} more quoted lines"]
        elif kind == "links":
            seen.append("  " + " ".join(f"[{line.partition(_LINK)[0].strip()}]" for line in some))
        else:
            seen += some
    return seen


def _kind(line: str) -> str:
    if line.removeprefix("| ").startswith(">"):
        return "quote"
    return "links" if _LINK in line else "text"
