"""A consistent copy of a PostgreSQL database, by PostgreSQL's own pg_dump (custom format).

The password goes by the environment: an argument could be read by everybody on the
machine. Knows nothing of what is in the database.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ticketd.errors import TicketdError

_PROGRAM = "pg_dump"


def dump(parameters: Mapping[str, Any], path: Path) -> None:
    """Write the database that these connection parameters name to a new file, whole or not at all.

    Raises TicketdError with pg_dump's own words, OSError where there can be no such file.
    """
    program = shutil.which(_PROGRAM)
    if program is None:
        raise TicketdError(
            f"{_PROGRAM} is not here: install PostgreSQL's client programs (postgresql-client)"
        )
    partial = path.with_name(path.name + ".partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            partial.chmod(0o600)
            _run(program, dict(parameters), file.fileno())
            os.fsync(file.fileno())
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _run(program: str, parameters: dict[str, Any], target: int) -> None:
    from psycopg.conninfo import make_conninfo

    secret = parameters.pop("password", None)
    environ = os.environ | ({"PGPASSWORD": str(secret)} if secret else {})
    where = make_conninfo("", **parameters)
    command = [program, "--format=custom", "--no-password", f"--dbname={where}"]
    done = subprocess.run(  # noqa: S603 - the program is PostgreSQL's, the arguments are the config's
        command, stdin=subprocess.DEVNULL, stdout=target, stderr=subprocess.PIPE, env=environ, check=False
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
        raise TicketdError(f"the database cannot be dumped: {said[0].removeprefix(f'{_PROGRAM}: ')}")
