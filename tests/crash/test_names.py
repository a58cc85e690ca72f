"""Names that cannot be resolved, in a network of our own (faults.md F23)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

_ENTER = ["unshare", "--net", "--mount", "sh", "-c"]
_PREPARE = 'ip link set lo up && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"'


def test_a_name_server_that_fails_holds_up_nobody_else(directory: Path) -> None:
    (directory / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    enter = [*_ENTER, _PREPARE, str(directory)]
    if (
        os.geteuid() != 0
        or not shutil.which("ip")
        or subprocess.run([*enter, "true"], check=False).returncode
    ):
        pytest.skip("nobody here may make a network of their own")
    root = Path(__file__).parents[2]
    played = subprocess.run(
        [*enter, sys.executable, "-m", "tests.crash.names_world", str(directory)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
