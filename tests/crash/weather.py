"""Many mails through the real program while servers and the process itself fail and recover.

Pass after pass of ``run --once``, each in weather of its own: a clear one, an IMAP
connection that breaks, an SMTP server that refuses or swallows, a kill. Time passes between.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable

from tests.crash.desk import AGENTS, CALM, HASTY, Desk, named
from tests.crash.grounds import new_directory
from tests.crash.random_kill import Toll
from tests.crash.zygote import Zygote
from tests.servers.dovecot import Dovecot
from tests.servers.proxy import Fault, Proxy
from tests.servers.smtp_sink import ACCEPT_AND_DROP, DROP, SmtpSink

BATCH = 25
"""Mails that arrive before each pass."""

_IMAP = (
    Fault("refuse"),
    Fault("reset", after=20_000),
    Fault("close", after=9_000),
    Fault("stall", after=30_000),
    Fault("say", towards="server", seen=rb"BODY\.PEEK", text=b"* BYE sorry\r\n"),
    Fault("say", towards="server", seen=rb"UID STORE", text=b"* BYE sorry\r\n"),
)
_SMTP = (
    Fault("refuse"),
    Fault("reset", towards="server", after=40_000),
    Fault("swallow", seen=rb"\r\n\.\r\n"),
    Fault("close", after=3_000),
)
_ANSWERS = (
    ("connect", "421 4.3.2 not now"),
    ("mail", "451 4.3.0 later"),
    ("rcpt", "450 4.2.0 greylisted"),
    ("data", "451 4.3.0 later"),
    ("data", DROP),
    ("dot", "451 4.3.0 later"),
    ("dot", ACCEPT_AND_DROP),
    ("dot", DROP),
)


class Weather:
    """What goes wrong in the next pass."""

    def __init__(self, desk: Desk, proxies: Proxy, dice: random.Random) -> None:
        self._desk, self._proxies, self._dice = desk, proxies, dice
        self._imap, self._smtp = desk.servers.imap, desk.servers.smtp
        self.faults = 0

    def clear(self) -> dict[str, int]:
        """Nothing goes wrong."""
        self._desk.sink.script.clear()
        self._desk.configure(imap=self._imap, smtp=self._smtp, timeout=CALM)
        return {}

    def change(self) -> dict[str, int]:
        """Any weather; the order to give for the pass."""
        self.clear()
        kind = self._dice.choice(["clear", "imap", "smtp", "answers", "kill", "kill"])
        self.faults += kind != "clear"
        if kind == "imap":
            fault = self._dice.choice(_IMAP)
            self._desk.configure(imap=self._proxies.to(self._imap, fault, Fault()), timeout=HASTY)
        if kind == "smtp":
            fault = self._dice.choice(_SMTP)
            self._desk.configure(smtp=self._proxies.to(self._smtp, fault, Fault()), timeout=HASTY)
        if kind == "answers":
            for phase, answer in self._dice.choices(_ANSWERS, k=4):
                self._desk.sink.script[phase].append(answer)
        return {"kill": self._dice.randrange(1, 2500)} if kind == "kill" else {}


def storm(mails: int, dice: random.Random, progress: Callable[[str], None]) -> Toll:
    """So many mails in changing weather; what it came to."""
    dovecot, sink, directory = Dovecot().start(), SmtpSink().start(), new_directory()
    proxies = Proxy()
    try:
        with Zygote() as zygote:
            desk = Desk(zygote, dovecot, sink, directory)
            weather = Weather(desk, proxies, dice)
            _blow(desk, weather, mails, dice, progress)
            return _toll(desk, mails, weather.faults)
    finally:
        proxies.close()
        sink.stop()
        dovecot.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _blow(
    desk: Desk, weather: Weather, mails: int, dice: random.Random, progress: Callable[[str], None]
) -> None:
    arrived = 0
    while arrived < mails:
        batch = range(arrived + 1, min(arrived + BATCH, mails) + 1)
        desk.arrive(*batch)
        arrived = batch[-1]
        desk.visit(**weather.change())
        desk.later(minutes=dice.choice([1, 6, 20]))
        if arrived % 1000 == 0:
            progress(f"{arrived} mails, {weather.faults} faults, {len(desk.sink.messages)} sent")
    for _ in range(60):
        weather.clear()
        desk.later(minutes=30)
        ended = desk.visit()
        if not ended.status and not desk.unfinished():
            return


def _toll(desk: Desk, mails: int, faults: int) -> Toll:
    toll = Toll(kills=faults, mails=mails, sent=len(desk.sink.messages))
    found = desk.messages()
    toll.lost += sum(number not in found for number in range(1, mails + 1))
    toll.doubled += sum(count > 1 for count in found.values())
    copies: dict[tuple[str, str], list[bytes]] = {}
    for one in desk.sink.messages:
        copies.setdefault(named(one), []).append(one.content)
    rows = desk.outbox()
    doubted = desk.doubted()
    for row in rows:
        got = copies.pop((row["to"], row["message_id"]), [])
        allowed = 1 + (doubted.get(row["id"], 0) if row["kind"] != "acknowledgement" else 0)
        toll.repeats += max(0, len(got) - 1)
        toll.doubled += len(got) > allowed
        toll.other_bytes += len(set(got)) > 1
        toll.lost += row["state"] == "sent" and not got
        toll.given_up += row["state"] == "failed"
        toll.unfinished += row["state"] in ("waiting", "unsure")
    told = sum(row["kind"] == "notification" for row in rows)
    toll.lost += max(0, mails * len(AGENTS) - told)
    toll.doubled += len(copies)
    return toll
