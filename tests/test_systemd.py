"""The unit as systemd itself judges it: no finding, and an exposure of at most 1.1."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.servers.process import need
from ticketd.systemd import notify

UNIT = Path(__file__).parent.parent / "systemd" / "ticketd.service"
pytestmark = pytest.mark.server


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    need("systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_its_exposure_is_no_worse_than_1_1() -> None:
    # The threshold counts tenths; 11 passes and 10 does not, so the figure is exactly known.
    assert analyze("security", "--offline=true", "--threshold=11", str(UNIT)).returncode == 0
    assert analyze("security", "--offline=true", "--threshold=10", str(UNIT)).returncode != 0


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    # verify wants the program to be there; where it is installed is not the unit's fault.
    unit = tmp_path / "ticketd.service"
    unit.write_text(UNIT.read_text().replace("/opt/ticketd/bin/ticketd", "/bin/true"))
    done = analyze("verify", "--man=no", str(unit))
    assert (done.returncode, [line for line in done.stderr.splitlines() if "ticketd" in line]) == (0, [])


def test_a_systemd_that_does_not_read_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setattr("ticketd.systemd._PATIENCE", 0.001)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        for _ in range(600):
            notify("WATCHDOG=1")
        assert ear.recv(100) == b"WATCHDOG=1"


def test_every_relaxed_switch_says_why() -> None:
    lines = UNIT.read_text().splitlines()
    families = next(place for place, line in enumerate(lines) if line.startswith("RestrictAddressFamilies"))
    assert lines[families - 1].startswith("# Relaxed")
    assert sum("Relaxed" in line for line in lines) == 2
