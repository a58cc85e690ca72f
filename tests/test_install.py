"""`ticketd install`: everything in its place, nothing of the operator's overwritten or taken away."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.servers.process import need
from ticketd import installation
from ticketd.cli import main
from ticketd.errors import TicketdError, UsageError
from ticketd.installation import Places, places, put, take_away

ROOT = Path(__file__).parent.parent
SHIPPED = {path.name: path for folder in ("systemd", "config") for path in (ROOT / folder).iterdir()}


@pytest.fixture(autouse=True)
def _shipped_from_the_tree(monkeypatch):
    """An editable install brings no files along; they are the tree's own."""
    monkeypatch.setattr(installation, "shipped", lambda name: SHIPPED[name].read_text("utf-8"))


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """Places below a directory, for a program at /srv/desk."""
    return places("/usr", str(tmp_path), f"{tmp_path}/srv/desk/bin", f"{tmp_path}/usr/bin/python3")


def there(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or path.is_file()}


PUT = {
    "usr/bin/ticketd",
    "usr/lib/systemd/system/ticketd.service",
    "usr/lib/sysusers.d/ticketd.conf",
    "usr/share/man/man5/ticketd.toml.5",
    "usr/share/man/man8/ticketd.8",
}


def test_it_puts_everything_in_its_place_and_says_so(where, tmp_path):
    lines = list(put(where))
    assert there(tmp_path) == {*PUT, "etc/ticketd/ticketd.toml"}
    assert len(lines) == len(PUT) + 1
    assert where.link.readlink() == Path("/srv/desk/bin/ticketd")
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in (where.unit, where.config, *where.pages))


def test_the_unit_starts_this_program(where):
    list(put(where))
    unit, shipped = where.unit.read_text("utf-8"), SHIPPED["ticketd.service"].read_text("utf-8")
    assert re.findall("^ExecStart=(.*)", unit, re.MULTILINE) == [
        "/srv/desk/bin/ticketd -c /etc/ticketd/ticketd.toml run"
    ]
    assert unit == shipped.replace("/opt/ticketd/", "/srv/desk/")


def test_again_is_an_upgrade_that_keeps_the_config(where):
    list(put(where))
    where.config.write_text("mine")
    where.unit.write_text("of an older ticketd")
    assert f"kept {where.config}" in list(put(where))
    assert where.config.read_text() == "mine"
    assert "ExecStart" in where.unit.read_text()


def test_what_it_put_it_takes_away_and_no_more(where, tmp_path):
    list(put(where))
    (where.config.parent / "credentials").mkdir()
    (where.config.parent / "credentials" / "support").write_text("secret")
    told = list(take_away(where))
    assert there(tmp_path) == {"etc/ticketd/ticketd.toml", "etc/ticketd/credentials/support"}
    assert len(told) == len(PUT) + 1
    assert list(take_away(where)) == told[-1:]


def test_a_program_of_that_name_that_is_not_ours_stays(where, tmp_path):
    where.link.parent.mkdir(parents=True)
    where.link.write_text("#!/bin/sh")
    with pytest.raises(TicketdError, match="is not ours"):
        list(put(where))
    list(take_away(where))
    assert there(tmp_path) == {"usr/bin/ticketd"}
    assert where.link.read_text() == "#!/bin/sh"


def test_a_link_to_an_older_place_follows(where):
    where.link.parent.mkdir(parents=True)
    where.link.symlink_to("/old/bin/ticketd")
    list(put(where))
    assert where.link.readlink() == where.program


@pytest.mark.parametrize(
    ("scripts", "interpreter"),
    [
        ("/root/.local/share/uv/tools/ticketd/bin", "/usr/bin/python3.11"),
        ("/home/anna/.local/pipx/venvs/ticketd/bin", "/usr/bin/python3.11"),
        ("/opt/ticketd/bin", "/root/.local/share/uv/python/bin/python3.13"),
    ],
)
def test_what_the_unit_hides_is_refused(scripts, interpreter):
    with pytest.raises(TicketdError, match=r"the service could not see /\w+/.*: its unit hides /root"):
        places("/usr/local", "", scripts, interpreter)


def test_a_package_may_be_built_in_a_home():
    found = places("/usr", "/home/anna/package", "/home/anna/package/opt/ticketd/bin", "/usr/bin/python3")
    assert found.program == Path("/opt/ticketd/bin/ticketd")
    assert found.unit == Path("/home/anna/package/usr/lib/systemd/system/ticketd.service")


def test_a_prefix_is_absolute():
    with pytest.raises(UsageError, match="absolute"):
        places("usr", "", "/opt/ticketd/bin", "/usr/bin/python3")


def test_the_command_puts_and_takes_away(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(installation, "HIDDEN", ())
    assert main(["install", "--prefix", "/usr", "--destdir", str(tmp_path)]) == 0
    assert there(tmp_path) == {*PUT, "etc/ticketd/ticketd.toml"}
    assert main(["install", "--remove", "--prefix", "/usr", "--destdir", str(tmp_path)]) == 0
    assert there(tmp_path) == {"etc/ticketd/ticketd.toml"}
    assert "kept" in capsys.readouterr().out


def test_what_cannot_be_written_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(installation, "HIDDEN", ())
    (tmp_path / "usr").write_text("in the way")
    assert main(["install", "--prefix", "/usr", "--destdir", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"ticketd: cannot write {tmp_path}/usr/")


def environment(place: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What `make install` begins with; here it is refused before it makes anything."""
    command = [str(ROOT / "systemd" / "environment"), str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environ)


def test_an_interpreter_that_the_unit_hides_is_refused_at_once(tmp_path):
    hidden = tmp_path / "python"
    hidden.write_text("#!/bin/sh\nexit 1\n")  # as an interpreter below /root answers the script's question
    hidden.chmod(0o755)
    done = environment(tmp_path / "new", INTERPRETER=str(hidden))
    assert done.returncode == 1
    assert done.stderr.startswith("the service needs a Python 3.11 or newer that is not below /root or /home")
    assert not (tmp_path / "new").exists()


def test_a_directory_that_is_no_environment_is_not_replaced(tmp_path):
    (tmp_path / "files").mkdir()
    done = environment(tmp_path / "files", INTERPRETER="/usr/bin/python3")
    assert done.returncode == 1
    assert not done.stdout
    assert list((tmp_path / "files").iterdir()) == []


def test_the_run_lock_is_a_part_of_the_whole_one():
    pinned = [set(re.findall("^[a-z].*==[^ ]+", path.read_text(), re.MULTILINE)) for path in LOCKS]
    assert pinned[0] < pinned[1]
    assert not {line for line in pinned[0] if re.match("pytest|mypy|ruff|hypothesis", line)}
    assert "://" not in LOCKS[0].read_text()


LOCKS = (ROOT / "requirements-run.lock", ROOT / "requirements.lock")


@pytest.mark.server
def test_the_account_is_one_that_systemd_makes(tmp_path):
    need("systemd-sysusers")
    for name in ("passwd", "group"):
        (tmp_path / "etc").mkdir(exist_ok=True)
        (tmp_path / "etc" / name).touch()
    command = ["systemd-sysusers", f"--root={tmp_path}", str(ROOT / "systemd" / "ticketd.sysusers")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc" / "passwd").read_text().startswith("ticketd:x:")
