"""An IMAP server that says exactly what a test tells it to: lies, refusals, nonsense, silence.

    server = scripted_imap({"UID SEARCH": ["* SEARCH 5", "OK"], "UID FETCH": ["NO [LIMIT] slower"]})

A rule is the beginning of a command and the lines that answer it. The last line gets the tag, unless
it is ``CLOSE`` (hang up), ``HANG`` (say no more) or ``IDLING`` (answer when the client says DONE).
A value may be a list of such answers, one a time, the last for ever. What has no rule is answered
like a dull, empty, honest server.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import dataclass, field

from tests.servers.loop import LoopThread

CLOSE = "CLOSE"
HANG = "HANG"
IDLING = "IDLING"
Lines = list[str | bytes]

_HONEST: dict[str, Lines] = {
    "CAPABILITY": ["* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE MOVE UIDPLUS", "OK done"],
    "SELECT": [
        "* 3 EXISTS",
        "* 0 RECENT",
        "* OK [UIDVALIDITY 7] ok",
        "* OK [UIDNEXT 9] ok",
        "OK [READ-WRITE] in",
    ],
    "UID SEARCH": ["* SEARCH", "OK done"],
    "LOGOUT": ["* BYE bye", "OK done"],
}


@dataclass
class ScriptedImap:
    """The server; ``commands`` is what it was asked (no tags), ``secrets`` the first answer of each login."""

    rules: dict[str, Lines | list[Lines]]
    greeting: str = "* OK ready"
    port: int = 0
    commands: list[str] = field(default_factory=list)
    secrets: list[bytes] = field(default_factory=list)

    async def listen(self) -> None:
        """Listen on a free port."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self.greeting.encode() + b"\r\n")
            idle_tag = ""
            while line := (await reader.readline()).rstrip(b"\r\n").decode():
                tag, _, command = line.partition(" ")
                if tag == "DONE":
                    tag = idle_tag
                self.commands.append(command)
                idle_tag = tag
                if command.startswith("AUTHENTICATE"):
                    writer.write(b"+ \r\n")
                    self.secrets.append(b64decode(await reader.readline()))
                if not await self._say(tag, self._lines(command), writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _lines(self, command: str) -> Lines:
        for rules in (self.rules, _HONEST):
            for beginning, answers in rules.items():
                if command.startswith(beginning):
                    return _next(answers)
        return ["OK done"]

    async def _say(self, tag: str, lines: Lines, writer: asyncio.StreamWriter) -> bool:
        for line in lines[:-1]:
            writer.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        last = lines[-1]
        if last == CLOSE:
            await writer.drain()
            return False
        if last == "OK":
            last = "OK done"
        if last == HANG:
            await asyncio.Event().wait()
        if last == IDLING:
            return True
        writer.write(f"{tag} ".encode() + (last if isinstance(last, bytes) else last.encode()) + b"\r\n")
        await writer.drain()
        return True


def _next(answers: Lines | list[Lines]) -> Lines:
    """One answer; of several the next, the last for ever."""
    first = answers[0]
    if not isinstance(first, list):
        return answers  # type: ignore[return-value]
    if len(answers) > 1:
        answers.pop(0)
    return first


class ScriptedImaps:
    """Starts any number of them for one test."""

    def __init__(self) -> None:
        self._loop = LoopThread()
        self._all: list[ScriptedImap] = []

    def __call__(self, rules: dict[str, Lines | list[Lines]], greeting: str = "* OK ready") -> ScriptedImap:
        """A server with these rules, already listening."""
        made = ScriptedImap(rules, greeting)
        self._loop.call(made.listen())
        self._all.append(made)
        return made

    def close(self) -> None:
        """End them all."""
        for each in self._all:
            self._loop.loop.call_soon_threadsafe(each.server.close)
        self._loop.stop()
