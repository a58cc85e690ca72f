"""Run as root, commands act as the owner of the state directory, also where the owner cannot read ticketd."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.kit import CONFIG, mail
from tests.servers.process import new_directory
from ticketd import preload

NOBODY = 65534
PROGRAM = Path(__file__).with_name("below_root.py")
SLA = '[sla]\ntimezone = "Europe/Warsaw"\nhours = { mon = "09:00-17:00" }\nholidays = { country = "PL" }\n'

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")


class Desk:
    """A desk whose state is nobody's; its config and the password in a file are root's alone."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.state, self.out = directory, directory / "state", directory / "out"
        for one in (self.state, self.out):
            one.mkdir(mode=0o700)
            os.chown(one, NOBODY, NOBODY)
        self._write("secret", "s")
        config = CONFIG.format(imap=1, smtp=1, password="-", mailbox="", rest=SLA)
        self._write("ticketd.toml", config.replace('"-"', '{ file = "secret" }'))

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)

    def __call__(self, *arguments: object, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, PROGRAM, "-c", self.directory / "ticketd.toml", *arguments]
        tree = Path(__file__).parents[2]
        return subprocess.run(
            list(map(str, command)),
            input=text,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(tree)},
        )


@pytest.fixture
def nobodys() -> Iterator[Desk]:
    directory = new_directory("root")
    yield Desk(directory)
    shutil.rmtree(directory)


@needs_root
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_works_where_only_root_may_read_the_interpreter(nobodys: Desk) -> None:
    """And what it writes is the owner's."""
    file = nobodys.directory / "joe.eml"
    file.write_bytes(mail("joe", "joe@example.org"))
    commands: list[tuple[list[object], str, int]] = [
        (["db", "upgrade"], "", 0),
        (["new", "--requester", "jane@example.org", "--subject", "Fire"], "It burns.", 0),
        (["list"], "", 0),
        (["show", 1], "", 0),
        (["set", 1, "--priority", "urgent", "--as", "anna"], "", 0),
        (["reply", 1, "--as", "anna"], "We come.", 0),
        (["note", 1], "Hurry.", 0),
        (["status"], "", 0),
        (["run", "--once"], "", 75),  # nothing listens where its servers are
        (["check", "--offline"], "", 0),
        (["check", "--policy", "jane@example.org", "Fire"], "", 0),
        (["db", "current"], "", 0),
        (["db", "backup", nobodys.out / "copy"], "", 0),
        (["export", "jane@example.org", nobodys.out / "jane"], "", 0),
        (["export", "--all", nobodys.out / "all"], "", 0),
        (["explain", file], "", 0),
        (["report", "--html", nobodys.out / "page.html"], "", 0),
        (["forget", "jane@example.org"], "", 0),
    ]
    for arguments, text, status in commands:
        done = nobodys(*arguments, text=text)
        assert (done.returncode, "error in ticketd" in done.stderr) == (status, False), (
            arguments,
            done.stderr,
        )
    written = [*nobodys.state.rglob("*"), *nobodys.out.rglob("*")]
    assert {path.stat().st_uid for path in written} == {NOBODY}
    assert (nobodys.out / "page.html").read_text().count("data:image/png") > 0


@needs_root
def test_what_the_owner_may_not_write_is_said(nobodys: Desk) -> None:
    assert nobodys("db", "upgrade").returncode == 0
    refused = nobodys("db", "backup", nobodys.directory / "copy")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "Permission denied" in refused.stderr


def test_permission_bits_say_who_may_read(tmp_path: Path) -> None:
    """Root's programs are for all where nothing on the way is closed."""
    mine, others = os.getuid(), (NOBODY, NOBODY)
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o700)
    assert preload.may(inner, mine, os.getgid(), 0o001)
    assert not preload.may(inner, *others, 0o001)
    inner.chmod(0o711)
    assert preload.may(inner, *others, 0o001)
    assert not preload.may(inner, *others, 0o004)
    assert preload.may(tmp_path / "gone", *others, 0o004)


def test_this_interpreter_is_readable_by_whoever_runs_it() -> None:
    assert preload.readable_by(os.getuid(), os.getgid())
